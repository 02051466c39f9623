use promql_presets::MetricQuerier;

#[derive(MetricQuerier)]
#[querier(metric = "up")]
struct UnknownOnStruct {}

#[derive(MetricQuerier)]
struct UnknownOnField {
    #[querier(rename = "job")]
    service: String,
}

#[derive(MetricQuerier)]
#[querier(name = "up")]
struct TwoNames {
    #[querier(name)]
    name: String,
}

#[derive(MetricQuerier)]
struct EmptyLabel {
    #[querier(label = "")]
    job: String,
}

#[derive(MetricQuerier)]
struct NameLabel {
    #[querier(label = "__name__")]
    name: String,
}

#[derive(MetricQuerier)]
#[querier(name)]
struct NoValue {}

#[derive(MetricQuerier)]
#[querier(group_by = "job")]
struct WrongList {}

#[derive(MetricQuerier)]
struct TwoRoles {
    #[querier(skip, label = "job")]
    job: String,
}

fn main() {}
