use promql_presets::MetricQuerier;

#[derive(MetricQuerier)]
struct Requests {
    job: String,
    ratio: f64,
    code: Option<Vec<u16>>,
}

fn main() {}
