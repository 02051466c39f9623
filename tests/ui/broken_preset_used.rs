use promql_presets::{PrometheusClient, Querier, TimeRange, preset};

async fn query(client: PrometheusClient) {
    let up = Querier::new("up");
    let range = TimeRange::last_hours(1);
    client.query_range(preset!("rate({metric_name}{{{labels}}}[{windw}])"), &up, range).window("5m").await.unwrap();
}

fn main() {}
