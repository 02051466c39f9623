//! Descriptions and signatures of the functions and aggregators of PromQL.

use promql_presets_compiler::promql::{Aggregator, Function, ResultType};

/// Each function, sorted by name: what it does in a sentence, and what a call returns. In the latter, `{range}` is the
/// length of the range, `{0}` the first argument, `{labels}` all but the first, `{more}` all from the fourth.
const FUNCTIONS: [(&str, &str, &str); 90] = [
    ("abs", "The absolute value of each sample.", "absolute value"),
    (
        "absent",
        "1 if the vector has no series, nothing otherwise; with the labels that the selector's `=` matchers name.",
        "1 if there are no such series, else nothing",
    ),
    (
        "absent_over_time",
        "1 if no series has a sample in the range, nothing otherwise.",
        "1 if there are no samples in {range}, else nothing",
    ),
    ("acos", "The arccosine of each sample, in radians.", "arc cosine"),
    ("acosh", "The inverse hyperbolic cosine of each sample.", "inverse hyperbolic cosine"),
    ("asin", "The arcsine of each sample, in radians.", "arc sine"),
    ("asinh", "The inverse hyperbolic sine of each sample.", "inverse hyperbolic sine"),
    ("atan", "The arctangent of each sample, in radians.", "arc tangent"),
    ("atanh", "The inverse hyperbolic tangent of each sample.", "inverse hyperbolic tangent"),
    ("avg_over_time", "The mean of the samples in the range.", "mean of the values over {range}"),
    ("ceil", "Each sample rounded up to a whole number.", "rounded up"),
    ("changes", "How often the value changed within the range.", "how often the value changed over {range}"),
    ("clamp", "Each sample, limited to a smallest and a largest value.", "limited to values from {1} to {2}"),
    ("clamp_max", "Each sample, limited to a largest value.", "limited to values of at most {1}"),
    ("clamp_min", "Each sample, limited to a smallest value.", "limited to values of at least {1}"),
    ("cos", "The cosine of each sample, in radians.", "cosine"),
    ("cosh", "The hyperbolic cosine of each sample.", "hyperbolic cosine"),
    ("count_over_time", "The number of samples in the range.", "number of samples over {range}"),
    (
        "day_of_month",
        "The day of the month, 1 to 31 in UTC, of each sample as a Unix time; by default of now.",
        "day of the month in UTC, from 1",
    ),
    (
        "day_of_week",
        "The day of the week, 0 for Sunday in UTC, of each sample as a Unix time; by default of now.",
        "day of the week in UTC, from 0 for Sunday",
    ),
    (
        "day_of_year",
        "The day of the year, 1 to 366 in UTC, of each sample as a Unix time; by default of now.",
        "day of the year in UTC, from 1",
    ),
    (
        "days_in_month",
        "The number of days of the month, in UTC, of each sample as a Unix time; by default of now.",
        "number of days of the month in UTC",
    ),
    ("deg", "Each sample converted from radians to degrees.", "radians as degrees"),
    (
        "delta",
        "The difference between the last and the first value in the range, extrapolated to its ends. For gauges.",
        "difference between the ends of {range}, for gauges",
    ),
    (
        "deriv",
        "The growth per second in the range, by linear regression. For gauges.",
        "per-second slope over {range}, for gauges",
    ),
    (
        "double_exponential_smoothing",
        "A smoothed value of the range, with a smoothing factor and a trend factor. For gauges.",
        "smoothed value over {range}",
    ),
    ("end", "The end of the query's range, as a Unix time.", "end of the query's range as Unix time"),
    ("exp", "e to the power of each sample.", "e to the power of the value"),
    ("first_over_time", "The first sample in the range.", "oldest sample of {range}"),
    ("floor", "Each sample rounded down to a whole number.", "rounded down"),
    (
        "histogram_avg",
        "The mean of the observations in each native histogram.",
        "mean of the observations of each histogram",
    ),
    (
        "histogram_count",
        "The number of observations in each native histogram.",
        "number of observations of each histogram",
    ),
    (
        "histogram_fraction",
        "The share of observations between two values in each histogram.",
        "share of the observations between {0} and {1} of each histogram, estimated from its buckets",
    ),
    (
        "histogram_quantile",
        "The quantile (0 to 1) of each histogram: of `rate` of its buckets with the label `le`, or of native histograms.",
        "the {0} quantile of the observations of each histogram, estimated from its buckets",
    ),
    (
        "histogram_quantiles",
        "Several quantiles of each histogram, in a label of this name.",
        "quantiles of each histogram, each with its number in the label {1}",
    ),
    (
        "histogram_stddev",
        "The standard deviation of the observations in each native histogram.",
        "standard deviation of the observations of each histogram",
    ),
    (
        "histogram_stdvar",
        "The variance of the observations in each native histogram.",
        "variance of the observations of each histogram",
    ),
    (
        "histogram_sum",
        "The sum of the observations in each native histogram.",
        "sum of the observations of each histogram",
    ),
    (
        "hour",
        "The hour, 0 to 23 in UTC, of each sample as a Unix time; by default of now.",
        "hour in UTC, from 0 to 23",
    ),
    (
        "idelta",
        "The difference between the last two samples in the range. For gauges.",
        "difference between the last two samples within {range}",
    ),
    (
        "increase",
        "How much a counter grew in the range, extrapolated to its ends; restarts are accounted for.",
        "increase over {range}, across resets of counters",
    ),
    ("info", "Adds the labels of info metrics to each series.", "series with the labels of their info metrics"),
    (
        "irate",
        "The growth per second of a counter between the last two samples in the range.",
        "per-second rate of the last two samples within {range}",
    ),
    (
        "label_join",
        "Joins the values of labels, with a separator, into a label.",
        "series with the label {1}: the values of {more}, joined by {2}",
    ),
    (
        "label_replace",
        "Sets a label to a text with groups (`$1`) of a regular expression that matches another label.",
        "series with the label {1} set to {2} where {3} matches {4}",
    ),
    ("last_over_time", "The last sample in the range.", "latest sample of {range}"),
    ("ln", "The natural logarithm of each sample.", "natural logarithm"),
    ("log10", "The decimal logarithm of each sample.", "decimal logarithm"),
    ("log2", "The binary logarithm of each sample.", "binary logarithm"),
    (
        "mad_over_time",
        "The median absolute deviation of the samples in the range.",
        "median absolute deviation over {range}",
    ),
    ("max_of", "The larger of two numbers.", "larger one of the two numbers"),
    ("max_over_time", "The largest sample in the range.", "largest value over {range}"),
    ("min_of", "The smaller of two numbers.", "smaller one of the two numbers"),
    ("min_over_time", "The smallest sample in the range.", "smallest value over {range}"),
    (
        "minute",
        "The minute, 0 to 59 in UTC, of each sample as a Unix time; by default of now.",
        "minute of the hour, from 0 to 59",
    ),
    (
        "month",
        "The month, 1 to 12 in UTC, of each sample as a Unix time; by default of now.",
        "month in UTC, from 1 to 12",
    ),
    ("pi", "The number π.", "the number pi"),
    (
        "predict_linear",
        "The value some seconds from now, by linear regression over the range. For gauges.",
        "value in {1} seconds if the trend over {range} continues, for gauges",
    ),
    (
        "present_over_time",
        "1 for each series with a sample in the range.",
        "1 for each series with a sample in {range}",
    ),
    (
        "quantile_over_time",
        "The quantile (0 to 1) of the samples in the range.",
        "the {0} quantile of the values over {range}",
    ),
    ("rad", "Each sample converted from degrees to radians.", "degrees as radians"),
    ("range", "The length of the query's range, in seconds.", "length of the query's range in seconds"),
    (
        "rate",
        "The growth per second of a counter in the range, extrapolated to its ends; restarts are accounted for.",
        "per-second rate over {range}",
    ),
    ("resets", "How often a counter started again within the range.", "how often a counter was reset over {range}"),
    ("round", "Each sample rounded to the nearest multiple of a number; by default of 1.", "rounded to a whole number"),
    (
        "scalar",
        "The value of the only series as a number; NaN if there is not exactly one.",
        "the value of the only series as a number; NaN if there is not exactly one",
    ),
    ("sgn", "The sign of each sample: 1, 0 or -1.", "1, 0 or -1: the sign"),
    ("sin", "The sine of each sample, in radians.", "sine"),
    ("sinh", "The hyperbolic sine of each sample.", "hyperbolic sine"),
    ("sort", "The series of an instant query in ascending order of their values.", "sorted, smallest value first"),
    (
        "sort_by_label",
        "The series of an instant query in ascending order of the values of labels.",
        "sorted by {labels}",
    ),
    (
        "sort_by_label_desc",
        "The series of an instant query in descending order of the values of labels.",
        "sorted by {labels}, largest first",
    ),
    ("sort_desc", "The series of an instant query in descending order of their values.", "sorted, largest value first"),
    ("sqrt", "The square root of each sample.", "square root"),
    ("start", "The start of the query's range, as a Unix time.", "start of the query's range as Unix time"),
    (
        "start_timestamp",
        "When each counter started, as a Unix time, as its exporter reports it.",
        "Unix time at which each counter was created",
    ),
    (
        "stddev_over_time",
        "The standard deviation of the samples in the range.",
        "standard deviation of the values over {range}",
    ),
    ("stdvar_over_time", "The variance of the samples in the range.", "variance of the values over {range}"),
    ("step", "The step of the query, in seconds.", "step of the query in seconds"),
    ("sum_over_time", "The sum of the samples in the range.", "sum of the values over {range}"),
    ("tan", "The tangent of each sample, in radians.", "tangent"),
    ("tanh", "The hyperbolic tangent of each sample.", "hyperbolic tangent"),
    ("time", "The time at which the query is evaluated, as a Unix time.", "Unix time of the evaluation"),
    ("timestamp", "When each sample was taken, as a Unix time.", "Unix time of each sample"),
    (
        "ts_of_first_over_time",
        "When the first sample in the range was taken, as a Unix time.",
        "Unix time of the oldest sample of {range}",
    ),
    (
        "ts_of_last_over_time",
        "When the last sample in the range was taken, as a Unix time.",
        "Unix time of the latest sample of {range}",
    ),
    (
        "ts_of_max_over_time",
        "When the largest sample in the range was taken, as a Unix time.",
        "Unix time of the largest value of {range}",
    ),
    (
        "ts_of_min_over_time",
        "When the smallest sample in the range was taken, as a Unix time.",
        "Unix time of the smallest value of {range}",
    ),
    ("vector", "A number as a vector with one series without labels.", "the number as a series without labels"),
    ("year", "The year, in UTC, of each sample as a Unix time; by default of now.", "year in UTC"),
];

/// A sentence about a function or an aggregator.
pub(crate) fn documentation(name: &str) -> Option<&'static str> {
    find(name).map(|(_, sentence, _)| *sentence).or_else(|| Some(describe(aggregator(name)?).0))
}

/// The result of a call of a function in words, with placeholders for its arguments.
pub(crate) fn result_of_call(name: &str) -> Option<&'static str> {
    find(name).map(|(.., result)| *result)
}

/// The result of an aggregation in words, with `{0}` for its parameter.
pub(crate) fn result_of_aggregation(aggregator: Aggregator) -> &'static str {
    describe(aggregator).1
}

/// The aggregator with a name.
pub(crate) fn aggregator(name: &str) -> Option<Aggregator> {
    Aggregator::ALL.into_iter().find(|known| known.as_str() == name)
}

fn find(name: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    FUNCTIONS.binary_search_by_key(&name, |(name, ..)| *name).ok().map(|at| &FUNCTIONS[at])
}

/// As [`FUNCTIONS`].
fn describe(aggregator: Aggregator) -> (&'static str, &'static str) {
    match aggregator {
        Aggregator::Sum => ("The sum of each group.", "sum"),
        Aggregator::Avg => ("The mean of each group.", "mean"),
        Aggregator::Count => ("The number of series in each group.", "number of series"),
        Aggregator::Min => ("The smallest value of each group.", "smallest value"),
        Aggregator::Max => ("The largest value of each group.", "largest value"),
        Aggregator::Group => ("1 for each group.", "1"),
        Aggregator::Stddev => ("The standard deviation of each group.", "standard deviation"),
        Aggregator::Stdvar => ("The variance of each group.", "variance"),
        Aggregator::Topk => (
            "The series with the largest values of each group, with all their labels.",
            "the {0} series with the largest values",
        ),
        Aggregator::Bottomk => (
            "The series with the smallest values of each group, with all their labels.",
            "the {0} series with the smallest values",
        ),
        Aggregator::CountValues => (
            "How many series of each group have each value, which becomes a label of this name.",
            "number of series with each value, which becomes the label {0}",
        ),
        Aggregator::Quantile => {
            ("The quantile (0 to 1) of the values of each group.", "the {0} quantile of the values")
        }
        Aggregator::Limitk => ("Some series of each group, with all their labels.", "any {0} series"),
        Aggregator::LimitRatio => {
            ("A share (-1 to 1) of the series of each group, with all their labels.", "a share of {0} of the series")
        }
    }
}

/// `rate(matrix) : vector`.
pub(crate) fn signature(function: &Function) -> String {
    let max = usize::from(function.max_args);
    let count = if function.max_args == u8::MAX { function.args.len() } else { max.min(function.args.len()) };
    let mut arguments: Vec<String> = (0..count)
        .map(|at| {
            let name = function.args[at].as_str();
            if at >= usize::from(function.min_args) { format!("[{name}]") } else { name.to_owned() }
        })
        .collect();
    if max > function.args.len() && !function.args.is_empty() {
        arguments.push("...".to_owned());
    }
    format!("{}({}) : {}", function.name, arguments.join(", "), function.returns.as_str())
}

/// `topk by (labels) (scalar, vector) : vector`.
pub(crate) fn aggregator_signature(aggregator: Aggregator) -> String {
    let parameter = aggregator.param_type().map(|it| format!("{}, ", it.as_str())).unwrap_or_default();
    let vector = ResultType::InstantVector.as_str();
    format!("{} by (labels) ({parameter}{vector}) : {vector}", aggregator.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_described() {
        let all = Function::all().iter().map(|function| function.name);
        let described: Vec<&str> = FUNCTIONS.iter().map(|(name, ..)| *name).collect();
        assert_eq!(all.collect::<Vec<_>>(), described);
    }

    #[test]
    fn signatures() {
        let of = |name| signature(Function::find(name).unwrap());
        assert_eq!(of("rate"), "rate(matrix) : vector");
        assert_eq!(of("round"), "round(vector, [scalar]) : vector");
        assert_eq!(of("label_join"), "label_join(vector, string, string, [string], ...) : vector");
        assert_eq!(of("time"), "time() : scalar");
        assert_eq!(aggregator_signature(Aggregator::Topk), "topk by (labels) (scalar, vector) : vector");
    }
}
