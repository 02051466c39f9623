use promql_presets::{Matrix, MetricQuerier, Preset, PrometheusClient, Querier, TimeRange, preset};

const SAMPLES: Preset<dyn MetricQuerier, Matrix> = preset!("{metric_name}{{{labels}}}[5m]");

async fn ask(client: PrometheusClient) {
    client.query_range(SAMPLES, &Querier::new("up"), TimeRange::last_hours(1)).await.unwrap();
}

fn main() {}
