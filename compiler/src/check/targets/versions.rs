//! Since when each project has each function and piece of syntax.
//!
//! Sources: `CHANGELOG.md` of Prometheus up to 3.14 (`day_of_year`: prometheus#10720); `docs/changelog` of
//! VictoriaMetrics and its issues, from version 1.79 on; release notes and `go.mod` of Thanos; `CHANGELOG.md` and
//! `go.mod` of Mimir. What a version accepts was tried on Prometheus 2.42 and 3.5, and VictoriaMetrics 1.79 and 1.145.

use crate::file::Version;

/// When a part of the language appeared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    /// The part, as messages name it.
    pub what: &'static str,
    /// The first version of Prometheus that has it, possibly behind a flag.
    pub prometheus: Version,
    /// The first version of Prometheus that has it without a flag; [`Version::NEWEST`] if none so far.
    pub stable: Version,
    /// The flag of the versions before that.
    pub flag: &'static str,
    /// The first version of Prometheus that no longer has it.
    pub until: Version,
    /// The first version of VictoriaMetrics that has it; `None` if no version has it, or only with another meaning.
    pub victoriametrics: Option<Version>,
}

const fn since(what: &'static str, major: u16, minor: u16) -> Since {
    let version = Version(major, minor);
    let victoriametrics = Some(Version(0, 0));
    Since { what, prometheus: version, stable: version, flag: "", until: Version::NEWEST, victoriametrics }
}

impl Since {
    const fn stable(self, flag: &'static str, major: u16, minor: u16) -> Self {
        Self { flag, stable: Version(major, minor), ..self }
    }

    /// Behind a flag in all versions so far.
    const fn experimental(self, flag: &'static str) -> Self {
        Self { flag, stable: Version::NEWEST, ..self }
    }

    const fn until(self, major: u16, minor: u16) -> Self {
        Self { until: Version(major, minor), ..self }
    }

    const fn victoriametrics(self, major: u16, minor: u16) -> Self {
        Self { victoriametrics: Some(Version(major, minor)), ..self }
    }

    const fn not_in_victoriametrics(self) -> Self {
        Self { victoriametrics: None, ..self }
    }
}

const FUNCTIONS_FLAG: &str = "promql-experimental-functions";
const RANGE_FLAG: &str = "promql-extended-range-selectors";
const FILL_FLAG: &str = "promql-binop-fill-modifiers";
const DURATION_FLAG: &str = "promql-duration-expr";

/// The functions and aggregations that Prometheus 2.0 did not have, or that Prometheus has removed since.
pub(super) static FUNCTIONS: &[Since] = &[
    since("absent_over_time", 2, 16),
    since("acos", 2, 31),
    since("acosh", 2, 31),
    since("asin", 2, 31),
    since("asinh", 2, 31),
    since("atan", 2, 31),
    since("atanh", 2, 31),
    since("clamp", 2, 26),
    since("cos", 2, 31),
    since("cosh", 2, 31),
    since("day_of_year", 2, 37).victoriametrics(1, 96),
    since("deg", 2, 31),
    since("double_exponential_smoothing", 3, 0).experimental(FUNCTIONS_FLAG).not_in_victoriametrics(),
    since("end", 3, 12).experimental(FUNCTIONS_FLAG),
    since("first_over_time", 3, 7).stable(FUNCTIONS_FLAG, 3, 14),
    since("group", 2, 20),
    since("histogram_avg", 2, 51),
    since("histogram_count", 2, 40).not_in_victoriametrics(),
    since("histogram_fraction", 2, 40).victoriametrics(1, 137),
    // VictoriaMetrics has the label before the vector.
    since("histogram_quantiles", 3, 11).experimental(FUNCTIONS_FLAG).not_in_victoriametrics(),
    since("histogram_stddev", 2, 47),
    since("histogram_stdvar", 2, 47),
    since("histogram_sum", 2, 40).not_in_victoriametrics(),
    since("holt_winters", 2, 0).until(3, 0),
    since("info", 2, 55).experimental(FUNCTIONS_FLAG).not_in_victoriametrics(),
    since("last_over_time", 2, 26),
    since("limit_ratio", 2, 54).experimental(FUNCTIONS_FLAG).not_in_victoriametrics(),
    since("limitk", 2, 54).experimental(FUNCTIONS_FLAG),
    since("mad_over_time", 2, 49).experimental(FUNCTIONS_FLAG).victoriametrics(1, 97),
    since("max_of", 3, 13).experimental(FUNCTIONS_FLAG).not_in_victoriametrics(),
    since("min_of", 3, 13).experimental(FUNCTIONS_FLAG).not_in_victoriametrics(),
    since("pi", 2, 31),
    since("present_over_time", 2, 29),
    since("rad", 2, 31),
    since("range", 3, 12).experimental(FUNCTIONS_FLAG).not_in_victoriametrics(),
    since("sgn", 2, 26),
    since("sin", 2, 31),
    since("sinh", 2, 31),
    since("sort_by_label", 2, 49).experimental(FUNCTIONS_FLAG),
    since("sort_by_label_desc", 2, 49).experimental(FUNCTIONS_FLAG),
    since("start", 3, 12).experimental(FUNCTIONS_FLAG),
    since("start_timestamp", 3, 14).experimental(FUNCTIONS_FLAG).not_in_victoriametrics(),
    since("step", 3, 12).experimental(FUNCTIONS_FLAG),
    since("tan", 2, 31),
    since("tanh", 2, 31),
    since("ts_of_first_over_time", 3, 7).experimental(FUNCTIONS_FLAG).not_in_victoriametrics(),
    since("ts_of_last_over_time", 3, 5).experimental(FUNCTIONS_FLAG).not_in_victoriametrics(),
    since("ts_of_max_over_time", 3, 5).experimental(FUNCTIONS_FLAG).not_in_victoriametrics(),
    since("ts_of_min_over_time", 3, 5).experimental(FUNCTIONS_FLAG).not_in_victoriametrics(),
];

pub(super) const SUBQUERY: Since = since("subqueries", 2, 7);
pub(super) const SUBQUERY_OF_MODIFIED: Since =
    since("subqueries directly after `offset` or `@`", 2, 7).not_in_victoriametrics();
pub(super) const SORT_WITHOUT_LABELS: Since = since("`sort_by_label` without labels", 2, 49).not_in_victoriametrics();
pub(super) const COMPOSITE_DURATION: Since = since("durations of several units", 2, 21);
pub(super) const ATAN2: Since = since("`atan2`", 2, 31);
pub(super) const AT: Since = since("`@`", 2, 25).stable("promql-at-modifier", 2, 33);
pub(super) const NEGATIVE_OFFSET: Since = since("negative `offset`", 2, 26).stable("promql-negative-offset", 2, 33);
pub(super) const UNDERSCORE: Since = since("`_` in numbers", 2, 54).victoriametrics(1, 145);
pub(super) const NUMBER_AS_DURATION: Since = since("durations without a unit", 2, 54);
pub(super) const DURATION_AS_NUMBER: Since = since("numbers with a unit", 2, 54);
pub(super) const NATIVE_HISTOGRAM: Since = since("native histograms", 2, 40).not_in_victoriametrics();
pub(super) const QUOTED_NAME: Since = since("quoted names", 3, 0).victoriametrics(1, 115);
pub(super) const QUOTED_GROUPING: Since = since("quoted names in a grouping", 3, 0).victoriametrics(1, 117);
pub(super) const UTF8_ARGUMENT: Since = since("UTF-8 labels as arguments", 3, 0);
pub(super) const UTF8_REPLACEMENT: Since = since("UTF-8 labels in `label_replace`", 3, 3);
pub(super) const UNCLOSED_QUOTE: Since = since("`\\Q` without `\\E`", 3, 0).not_in_victoriametrics();
pub(super) const FRACTION_OF_BUCKETS: Since =
    since("`histogram_fraction` of classic buckets", 3, 4).victoriametrics(1, 137);
pub(super) const DURATION_ARITHMETIC: Since =
    since("arithmetic of durations", 3, 4).stable(DURATION_FLAG, 3, 14).not_in_victoriametrics();
pub(super) const STEP_DURATION: Since =
    since("`step()` as a duration", 3, 6).stable(DURATION_FLAG, 3, 14).not_in_victoriametrics();
pub(super) const RANGE_DURATION: Since =
    since("`range()` as a duration", 3, 12).stable(DURATION_FLAG, 3, 14).not_in_victoriametrics();
/// As `min` and `max` since 3.6.
pub(super) const EXTREME_DURATION: Since =
    since("`min_of` and `max_of` of durations", 3, 13).stable(DURATION_FLAG, 3, 14).not_in_victoriametrics();
pub(super) const ANCHORED: Since = since("`anchored`", 3, 7).experimental(RANGE_FLAG).not_in_victoriametrics();
pub(super) const SMOOTHED: Since = since("`smoothed`", 3, 7).experimental(RANGE_FLAG).not_in_victoriametrics();
pub(super) const FILL: Since = since("`fill`", 3, 10).experimental(FILL_FLAG).not_in_victoriametrics();
pub(super) const TRIM: Since = since("`</` and `>/`", 3, 11).not_in_victoriametrics();

/// Since when ranges exclude their start, and values of `le` and `quantile` have one form.
pub(super) const PROMETHEUS_3: Version = Version(3, 0);

/// When `foo @ start()[5m]` appeared by mistake, and the first version whose releases reject it.
pub(super) const AT_BEFORE_RANGE: (Version, Version) = (Version(2, 33), Version(3, 14));

/// For each release of Thanos, the last release of Prometheus whose language it has. Later releases have at least that
/// of the last row.
pub(super) const THANOS: &[(Version, Version)] = &[
    (Version(0, 32), Version(2, 46)),
    (Version(0, 33), Version(2, 47)),
    (Version(0, 34), Version(2, 48)),
    (Version(0, 35), Version(2, 51)),
    (Version(0, 36), Version(2, 52)),
    (Version(0, 37), Version(2, 55)),
    (Version(0, 38), Version(3, 1)),
    (Version(0, 39), Version(3, 3)),
    (Version(0, 40), Version(3, 4)),
    (Version(0, 41), Version(3, 7)),
];

/// The same for Mimir, which follows Prometheus' main branch.
pub(super) const MIMIR: &[(Version, Version)] = &[
    (Version(2, 0), Version(2, 33)),
    (Version(2, 1), Version(2, 35)),
    (Version(2, 2), Version(2, 36)),
    (Version(2, 3), Version(2, 38)),
    (Version(2, 4), Version(2, 39)),
    (Version(2, 5), Version(2, 40)),
    (Version(2, 7), Version(2, 42)),
    (Version(2, 8), Version(2, 43)),
    (Version(2, 9), Version(2, 45)),
    (Version(2, 10), Version(2, 46)),
    (Version(2, 11), Version(2, 48)),
    (Version(2, 12), Version(2, 50)),
    (Version(2, 13), Version(2, 52)),
    (Version(2, 14), Version(2, 54)),
    (Version(2, 15), Version(3, 0)),
    (Version(2, 16), Version(3, 2)),
    (Version(2, 17), Version(3, 4)),
    (Version(3, 0), Version(3, 7)),
    (Version(3, 1), Version(3, 9)),
    (Version(3, 2), Version(3, 11)),
];
