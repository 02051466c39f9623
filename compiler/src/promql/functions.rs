//! The functions and aggregators of Prometheus 3.14 (`promql/parser/functions.go`).

pub use promql_presets_core::ResultType;
use promql_presets_core::keyword;

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// The name.
    pub name: &'static str,
    /// The types of the arguments; the last one also applies to further arguments.
    pub args: &'static [ResultType],
    /// The minimum number of arguments.
    pub min_args: u8,
    /// The maximum number of arguments; [`u8::MAX`] is any number.
    pub max_args: u8,
    /// The type of the result.
    pub returns: ResultType,
    /// Whether it needs the flag `promql-experimental-functions`.
    pub experimental: bool,
}

impl Function {
    /// The function with this name, which is case-sensitive.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        let index = FUNCTIONS.binary_search_by(|function| function.name.cmp(name)).ok()?;
        FUNCTIONS.get(index)
    }

    /// Every function, sorted by name.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        FUNCTIONS
    }

    /// The type of the argument at `index`.
    #[must_use]
    pub fn arg_type(&self, index: usize) -> Option<ResultType> {
        let further = self.max_args == u8::MAX || index < usize::from(self.max_args);
        self.args.get(index).or_else(|| self.args.last().filter(|_| further)).copied()
    }
}

/// Whether a function returns nothing for a series with a single sample in the range.
#[must_use]
pub fn needs_two_samples(name: &str) -> bool {
    matches!(
        name,
        "delta"
            | "deriv"
            | "double_exponential_smoothing"
            | "holt_winters"
            | "idelta"
            | "increase"
            | "irate"
            | "predict_linear"
            | "rate"
    )
}

/// `holt_winters`, which only Prometheus 2 and VictoriaMetrics have.
pub(super) static HOLT_WINTERS: Function = function("holt_winters", &[M, S, S], 3, 3, V);

/// Functions that Prometheus has removed: name, replacement, and a note.
pub(super) const REMOVED: &[(&str, &str, &str)] = &[
    ("holt_winters", "double_exponential_smoothing", "`holt_winters` was renamed in Prometheus 3.0"),
    ("count_scalar", "scalar(count(...))", "`count_scalar` was removed in Prometheus 2.0"),
    ("drop_common_labels", "sum without (...)", "`drop_common_labels` was removed in Prometheus 2.0"),
];

const fn function(name: &'static str, args: &'static [ResultType], min: u8, max: u8, returns: ResultType) -> Function {
    Function { name, args, min_args: min, max_args: max, returns, experimental: false }
}

const fn experimental(
    name: &'static str,
    args: &'static [ResultType],
    min: u8,
    max: u8,
    returns: ResultType,
) -> Function {
    Function { name, args, min_args: min, max_args: max, returns, experimental: true }
}

const S: ResultType = ResultType::Scalar;
const V: ResultType = ResultType::InstantVector;
const M: ResultType = ResultType::RangeVector;
const T: ResultType = ResultType::String;
const ANY: u8 = u8::MAX;

/// Sorted by name.
static FUNCTIONS: &[Function] = &[
    function("abs", &[V], 1, 1, V),
    function("absent", &[V], 1, 1, V),
    function("absent_over_time", &[M], 1, 1, V),
    function("acos", &[V], 1, 1, V),
    function("acosh", &[V], 1, 1, V),
    function("asin", &[V], 1, 1, V),
    function("asinh", &[V], 1, 1, V),
    function("atan", &[V], 1, 1, V),
    function("atanh", &[V], 1, 1, V),
    function("avg_over_time", &[M], 1, 1, V),
    function("ceil", &[V], 1, 1, V),
    function("changes", &[M], 1, 1, V),
    function("clamp", &[V, S, S], 3, 3, V),
    function("clamp_max", &[V, S], 2, 2, V),
    function("clamp_min", &[V, S], 2, 2, V),
    function("cos", &[V], 1, 1, V),
    function("cosh", &[V], 1, 1, V),
    function("count_over_time", &[M], 1, 1, V),
    function("day_of_month", &[V], 0, 1, V),
    function("day_of_week", &[V], 0, 1, V),
    function("day_of_year", &[V], 0, 1, V),
    function("days_in_month", &[V], 0, 1, V),
    function("deg", &[V], 1, 1, V),
    function("delta", &[M], 1, 1, V),
    function("deriv", &[M], 1, 1, V),
    experimental("double_exponential_smoothing", &[M, S, S], 3, 3, V),
    experimental("end", &[], 0, 0, S),
    function("exp", &[V], 1, 1, V),
    function("first_over_time", &[M], 1, 1, V),
    function("floor", &[V], 1, 1, V),
    function("histogram_avg", &[V], 1, 1, V),
    function("histogram_count", &[V], 1, 1, V),
    function("histogram_fraction", &[S, S, V], 3, 3, V),
    function("histogram_quantile", &[S, V], 2, 2, V),
    experimental("histogram_quantiles", &[V, T, S, S], 3, 12, V),
    function("histogram_stddev", &[V], 1, 1, V),
    function("histogram_stdvar", &[V], 1, 1, V),
    function("histogram_sum", &[V], 1, 1, V),
    function("hour", &[V], 0, 1, V),
    function("idelta", &[M], 1, 1, V),
    function("increase", &[M], 1, 1, V),
    experimental("info", &[V, V], 1, 2, V),
    function("irate", &[M], 1, 1, V),
    function("label_join", &[V, T, T, T], 3, ANY, V),
    function("label_replace", &[V, T, T, T, T], 5, 5, V),
    function("last_over_time", &[M], 1, 1, V),
    function("ln", &[V], 1, 1, V),
    function("log10", &[V], 1, 1, V),
    function("log2", &[V], 1, 1, V),
    experimental("mad_over_time", &[M], 1, 1, V),
    experimental("max_of", &[S, S], 2, 2, S),
    function("max_over_time", &[M], 1, 1, V),
    experimental("min_of", &[S, S], 2, 2, S),
    function("min_over_time", &[M], 1, 1, V),
    function("minute", &[V], 0, 1, V),
    function("month", &[V], 0, 1, V),
    function("pi", &[], 0, 0, S),
    function("predict_linear", &[M, S], 2, 2, V),
    function("present_over_time", &[M], 1, 1, V),
    function("quantile_over_time", &[S, M], 2, 2, V),
    function("rad", &[V], 1, 1, V),
    experimental("range", &[], 0, 0, S),
    function("rate", &[M], 1, 1, V),
    function("resets", &[M], 1, 1, V),
    function("round", &[V, S], 1, 2, V),
    function("scalar", &[V], 1, 1, S),
    function("sgn", &[V], 1, 1, V),
    function("sin", &[V], 1, 1, V),
    function("sinh", &[V], 1, 1, V),
    function("sort", &[V], 1, 1, V),
    experimental("sort_by_label", &[V, T], 1, ANY, V),
    experimental("sort_by_label_desc", &[V, T], 1, ANY, V),
    function("sort_desc", &[V], 1, 1, V),
    function("sqrt", &[V], 1, 1, V),
    experimental("start", &[], 0, 0, S),
    experimental("start_timestamp", &[V], 1, 1, V),
    function("stddev_over_time", &[M], 1, 1, V),
    function("stdvar_over_time", &[M], 1, 1, V),
    experimental("step", &[], 0, 0, S),
    function("sum_over_time", &[M], 1, 1, V),
    function("tan", &[V], 1, 1, V),
    function("tanh", &[V], 1, 1, V),
    function("time", &[], 0, 0, S),
    function("timestamp", &[V], 1, 1, V),
    experimental("ts_of_first_over_time", &[M], 1, 1, V),
    experimental("ts_of_last_over_time", &[M], 1, 1, V),
    experimental("ts_of_max_over_time", &[M], 1, 1, V),
    experimental("ts_of_min_over_time", &[M], 1, 1, V),
    function("vector", &[S], 1, 1, V),
    function("year", &[V], 0, 1, V),
];

/// An aggregation operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Aggregator {
    Sum,
    Avg,
    Count,
    Min,
    Max,
    Group,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    CountValues,
    Quantile,
    Limitk,
    LimitRatio,
}

impl Aggregator {
    /// Every aggregator.
    pub const ALL: [Self; 14] = [
        Self::Sum,
        Self::Avg,
        Self::Count,
        Self::Min,
        Self::Max,
        Self::Group,
        Self::Stddev,
        Self::Stdvar,
        Self::Topk,
        Self::Bottomk,
        Self::CountValues,
        Self::Quantile,
        Self::Limitk,
        Self::LimitRatio,
    ];

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sum => keyword::SUM,
            Self::Avg => keyword::AVG,
            Self::Count => keyword::COUNT,
            Self::Min => keyword::MIN,
            Self::Max => keyword::MAX,
            Self::Group => keyword::GROUP,
            Self::Stddev => keyword::STDDEV,
            Self::Stdvar => keyword::STDVAR,
            Self::Topk => keyword::TOPK,
            Self::Bottomk => keyword::BOTTOMK,
            Self::CountValues => keyword::COUNT_VALUES,
            Self::Quantile => keyword::QUANTILE,
            Self::Limitk => keyword::LIMITK,
            Self::LimitRatio => keyword::LIMIT_RATIO,
        }
    }

    /// The type of the parameter before the expression, if it takes one.
    #[must_use]
    pub const fn param_type(self) -> Option<ResultType> {
        match self {
            Self::Topk | Self::Bottomk | Self::Quantile | Self::Limitk | Self::LimitRatio => Some(ResultType::Scalar),
            Self::CountValues => Some(ResultType::String),
            _ => None,
        }
    }

    /// Whether it selects some of its series, with their labels.
    #[must_use]
    pub(crate) const fn is_selection(self) -> bool {
        matches!(self, Self::Topk | Self::Bottomk | Self::Limitk | Self::LimitRatio)
    }

    /// Whether it needs the flag `promql-experimental-functions`.
    #[must_use]
    pub const fn is_experimental(self) -> bool {
        matches!(self, Self::Limitk | Self::LimitRatio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_found() {
        assert!(FUNCTIONS.is_sorted_by_key(|function| function.name));
        for function in FUNCTIONS {
            assert_eq!(Function::find(function.name), Some(function));
        }
        assert_eq!(Function::find("Rate"), None);
    }

    #[test]
    fn further_arguments_have_the_type_of_the_last() {
        let join = Function::find("label_join").unwrap();
        assert_eq!(join.arg_type(0), Some(V));
        assert_eq!(join.arg_type(9), Some(T));
        assert_eq!(join.arg_type(1000), Some(T));
        assert_eq!(Function::find("rate").unwrap().arg_type(1), None);
    }
}
