//! What the functions and aggregators of PromQL do, in one sentence each, and their signatures.

use promql_presets_compiler::promql::{Aggregator, Function, ResultType};

/// Each function with what it does, sorted by name.
const FUNCTIONS: [(&str, &str); 90] = [
    ("abs", "The absolute value of each sample."),
    (
        "absent",
        "1 if the vector has no series, nothing otherwise; with the labels that the selector's `=` matchers name.",
    ),
    ("absent_over_time", "1 if no series has a sample in the range, nothing otherwise."),
    ("acos", "The arccosine of each sample, in radians."),
    ("acosh", "The inverse hyperbolic cosine of each sample."),
    ("asin", "The arcsine of each sample, in radians."),
    ("asinh", "The inverse hyperbolic sine of each sample."),
    ("atan", "The arctangent of each sample, in radians."),
    ("atanh", "The inverse hyperbolic tangent of each sample."),
    ("avg_over_time", "The mean of the samples in the range."),
    ("ceil", "Each sample rounded up to a whole number."),
    ("changes", "How often the value changed within the range."),
    ("clamp", "Each sample, limited to a smallest and a largest value."),
    ("clamp_max", "Each sample, limited to a largest value."),
    ("clamp_min", "Each sample, limited to a smallest value."),
    ("cos", "The cosine of each sample, in radians."),
    ("cosh", "The hyperbolic cosine of each sample."),
    ("count_over_time", "The number of samples in the range."),
    ("day_of_month", "The day of the month, 1 to 31 in UTC, of each sample as a Unix time; by default of now."),
    ("day_of_week", "The day of the week, 0 for Sunday in UTC, of each sample as a Unix time; by default of now."),
    ("day_of_year", "The day of the year, 1 to 366 in UTC, of each sample as a Unix time; by default of now."),
    ("days_in_month", "The number of days of the month, in UTC, of each sample as a Unix time; by default of now."),
    ("deg", "Each sample converted from radians to degrees."),
    (
        "delta",
        "The difference between the last and the first value in the range, extrapolated to its ends. For gauges.",
    ),
    ("deriv", "The growth per second in the range, by linear regression. For gauges."),
    (
        "double_exponential_smoothing",
        "A smoothed value of the range, with a smoothing factor and a trend factor. For gauges.",
    ),
    ("end", "The end of the query's range, as a Unix time."),
    ("exp", "e to the power of each sample."),
    ("first_over_time", "The first sample in the range."),
    ("floor", "Each sample rounded down to a whole number."),
    ("histogram_avg", "The mean of the observations in each native histogram."),
    ("histogram_count", "The number of observations in each native histogram."),
    ("histogram_fraction", "The share of observations between two values in each histogram."),
    (
        "histogram_quantile",
        "The quantile (0 to 1) of each histogram: of `rate` of its buckets with the label `le`, or of native histograms.",
    ),
    ("histogram_quantiles", "Several quantiles of each histogram, in a label of this name."),
    ("histogram_stddev", "The standard deviation of the observations in each native histogram."),
    ("histogram_stdvar", "The variance of the observations in each native histogram."),
    ("histogram_sum", "The sum of the observations in each native histogram."),
    ("hour", "The hour, 0 to 23 in UTC, of each sample as a Unix time; by default of now."),
    ("idelta", "The difference between the last two samples in the range. For gauges."),
    ("increase", "How much a counter grew in the range, extrapolated to its ends; restarts are accounted for."),
    ("info", "Adds the labels of info metrics to each series."),
    ("irate", "The growth per second of a counter between the last two samples in the range."),
    ("label_join", "Joins the values of labels, with a separator, into a label."),
    ("label_replace", "Sets a label to a text with groups (`$1`) of a regular expression that matches another label."),
    ("last_over_time", "The last sample in the range."),
    ("ln", "The natural logarithm of each sample."),
    ("log10", "The decimal logarithm of each sample."),
    ("log2", "The binary logarithm of each sample."),
    ("mad_over_time", "The median absolute deviation of the samples in the range."),
    ("max_of", "The larger of two numbers."),
    ("max_over_time", "The largest sample in the range."),
    ("min_of", "The smaller of two numbers."),
    ("min_over_time", "The smallest sample in the range."),
    ("minute", "The minute, 0 to 59 in UTC, of each sample as a Unix time; by default of now."),
    ("month", "The month, 1 to 12 in UTC, of each sample as a Unix time; by default of now."),
    ("pi", "The number π."),
    ("predict_linear", "The value some seconds from now, by linear regression over the range. For gauges."),
    ("present_over_time", "1 for each series with a sample in the range."),
    ("quantile_over_time", "The quantile (0 to 1) of the samples in the range."),
    ("rad", "Each sample converted from degrees to radians."),
    ("range", "The length of the query's range, in seconds."),
    ("rate", "The growth per second of a counter in the range, extrapolated to its ends; restarts are accounted for."),
    ("resets", "How often a counter started again within the range."),
    ("round", "Each sample rounded to the nearest multiple of a number; by default of 1."),
    ("scalar", "The value of the only series as a number; NaN if there is not exactly one."),
    ("sgn", "The sign of each sample: 1, 0 or -1."),
    ("sin", "The sine of each sample, in radians."),
    ("sinh", "The hyperbolic sine of each sample."),
    ("sort", "The series of an instant query in ascending order of their values."),
    ("sort_by_label", "The series of an instant query in ascending order of the values of labels."),
    ("sort_by_label_desc", "The series of an instant query in descending order of the values of labels."),
    ("sort_desc", "The series of an instant query in descending order of their values."),
    ("sqrt", "The square root of each sample."),
    ("start", "The start of the query's range, as a Unix time."),
    ("start_timestamp", "When each counter started, as a Unix time, as its exporter reports it."),
    ("stddev_over_time", "The standard deviation of the samples in the range."),
    ("stdvar_over_time", "The variance of the samples in the range."),
    ("step", "The step of the query, in seconds."),
    ("sum_over_time", "The sum of the samples in the range."),
    ("tan", "The tangent of each sample, in radians."),
    ("tanh", "The hyperbolic tangent of each sample."),
    ("time", "The time at which the query is evaluated, as a Unix time."),
    ("timestamp", "When each sample was taken, as a Unix time."),
    ("ts_of_first_over_time", "When the first sample in the range was taken, as a Unix time."),
    ("ts_of_last_over_time", "When the last sample in the range was taken, as a Unix time."),
    ("ts_of_max_over_time", "When the largest sample in the range was taken, as a Unix time."),
    ("ts_of_min_over_time", "When the smallest sample in the range was taken, as a Unix time."),
    ("vector", "A number as a vector with one series without labels."),
    ("year", "The year, in UTC, of each sample as a Unix time; by default of now."),
];

/// What a function or an aggregator does.
pub(super) fn documentation(name: &str) -> Option<&'static str> {
    let found = FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
    found.or_else(|| Some(of_aggregator(aggregator(name)?)))
}

/// The aggregator with a name.
pub(super) fn aggregator(name: &str) -> Option<Aggregator> {
    Aggregator::ALL.into_iter().find(|known| known.as_str() == name)
}

fn of_aggregator(aggregator: Aggregator) -> &'static str {
    match aggregator {
        Aggregator::Sum => "The sum of each group.",
        Aggregator::Avg => "The mean of each group.",
        Aggregator::Count => "The number of series in each group.",
        Aggregator::Min => "The smallest value of each group.",
        Aggregator::Max => "The largest value of each group.",
        Aggregator::Group => "1 for each group.",
        Aggregator::Stddev => "The standard deviation of each group.",
        Aggregator::Stdvar => "The variance of each group.",
        Aggregator::Topk => "The series with the largest values of each group, with all their labels.",
        Aggregator::Bottomk => "The series with the smallest values of each group, with all their labels.",
        Aggregator::CountValues => "How many series of each group have each value, which becomes a label of this name.",
        Aggregator::Quantile => "The quantile (0 to 1) of the values of each group.",
        Aggregator::Limitk => "Some series of each group, with all their labels.",
        Aggregator::LimitRatio => "A share (-1 to 1) of the series of each group, with all their labels.",
    }
}

/// `rate(matrix) : vector`.
pub(super) fn signature(function: &Function) -> String {
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
pub(super) fn aggregator_signature(aggregator: Aggregator) -> String {
    let parameter = aggregator.param_type().map(|it| format!("{}, ", it.as_str())).unwrap_or_default();
    let vector = ResultType::InstantVector.as_str();
    format!("{} by (labels) ({parameter}{vector}) : {vector}", aggregator.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_documented() {
        let all = Function::all().iter().map(|function| function.name);
        let documented: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
        assert_eq!(all.collect::<Vec<_>>(), documented);
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
