//! Text for a label of UUIDs, and a number for one of integers that is not one.

use promql_presets::presets::{api_requests, container_utilization as container};

fn main() {
    _ = container::Querier::new("mem").kernel_id("4c0e");
    _ = api_requests::Querier::new().status_code("500");
}
