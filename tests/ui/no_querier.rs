use promql_presets::presets::prometheus;
use promql_presets::{PrometheusClient, preset};

struct Up;

async fn ask(client: PrometheusClient) {
    client.query(preset!("up"), &Up).await.unwrap();
    client.query(preset!("up"), &"up").await.unwrap();
    client.query(prometheus::UP, &Up).await.unwrap();
    preset!("up").render(&Up, None).unwrap();
}

fn main() {}
