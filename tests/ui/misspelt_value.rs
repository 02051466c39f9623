use promql_presets::presets::container_utilization::{Querier, ValueType};

fn main() {
    let _ = Querier::new("mem").value_type(ValueType::Curent);
}
