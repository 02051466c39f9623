use promql_presets::presets::prometheus;
use promql_presets::{PrometheusClient, preset};

struct Up;

async fn ask(client: PrometheusClient) {
    client.query(preset!("up{{{labels}}}"), &Up).await.unwrap();
    client.query(preset!("up{{{labels}}}"), &"up").await.unwrap();
    client.query(prometheus::UP, &Up).await.unwrap();
    preset!("up{{{labels}}}").render(&Up, None).unwrap();
}

fn main() {}
