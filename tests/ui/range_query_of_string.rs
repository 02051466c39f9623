use promql_presets::{PrometheusClient, Querier, TimeRange, preset};

async fn ask(client: PrometheusClient) {
    client.query_range(preset!("'text'"), &Querier::default(), TimeRange::last_hours(1)).await.unwrap();
}

fn main() {}
