use promql_presets::presets::container_utilization::{Label, Querier};

fn main() {
    let querier = Querier::new("mem").pod("x");
    querier.group_by([Label::Pod]);
}
