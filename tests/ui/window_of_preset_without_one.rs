use promql_presets::presets::container_utilization::{self as container, Querier};
use promql_presets::{PrometheusClient, TimeRange};

async fn ask(client: PrometheusClient) {
    let querier = Querier::new("mem");
    client.query(container::GAUGE, &querier).window("5m").await.unwrap();
    client.query_range(container::GAUGE, &querier, TimeRange::last_hours(1)).window("5m").await.unwrap();
}

fn main() {}
