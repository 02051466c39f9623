use promql_presets::{PrometheusClient, Querier, Vector, preset};

async fn ask(client: PrometheusClient) {
    let _: Vector = client.query(preset!("time()"), &Querier::default()).await.unwrap();
}

fn main() {}
