use promql_presets::presets::{api_requests, container_utilization};
use promql_presets::{PrometheusClient, Querier};

async fn ask(client: PrometheusClient) {
    client.query(container_utilization::RATE, &api_requests::Querier::new()).await.unwrap();
    client.query(container_utilization::RATE, &Querier::new("up")).await.unwrap();
}

fn main() {}
