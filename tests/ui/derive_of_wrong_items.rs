use promql_presets::MetricQuerier;

#[derive(MetricQuerier)]
enum Kind {
    Up,
}

#[derive(MetricQuerier)]
struct Job(String);

#[derive(MetricQuerier)]
union Both {
    job: u64,
}

fn main() {}
