//! The table of codes: one line for each check.

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The build continues.
    Warning,
    /// The build fails.
    Error,
}

impl Severity {
    /// The severity as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The passes that report findings, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// TOML, keys, names and values.
    File,
    /// Braces and placeholders.
    Template,
    /// Syntax and types of PromQL.
    Query,
    /// Valid PromQL with a wrong meaning, which a preset may `allow`.
    Meaning,
}

macro_rules! is_protecting {
    () => {
        false
    };
    (protects) => {
        true
    };
}

/// A line of the table.
struct Row {
    name: &'static str,
    layer: Layer,
    severity: Severity,
    protects: bool,
    supersedes: &'static [Code],
}

/// The table of codes, one line per check: name, layer, severity, whether it protects callers of presets, and the codes
/// whose findings are left out where this one explains them.
macro_rules! codes {
    ($(
        $(#[doc = $doc:literal])*
        $variant:ident = $code:literal, $layer:ident, $severity:ident $(+ $protects:ident)? $(, supersedes [$($superseded:ident),*])?;
    )*) => {
        /// The stable name of a check, as in `error[unknown-placeholder]`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[doc = $doc])* $variant,)* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            const TABLE: &'static [Row] = &[$(Row {
                name: $code,
                layer: Layer::$layer,
                severity: Severity::$severity,
                protects: is_protecting!($($protects)?),
                supersedes: &[$($(Self::$superseded),*)?],
            },)*];

            /// A summary in one line.
            #[cfg(feature = "tools")]
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),*).trim_ascii(),)* }
            }

            /// Its page in Markdown: an explanation, an input that fails with its exact output, and a fix.
            #[cfg(feature = "tools")]
            #[must_use]
            pub const fn page(self) -> &'static str {
                match self { $(Self::$variant => include_str!(concat!("../../checks/", $code, ".md")),)* }
            }
        }
    };
}

impl Code {
    /// A lookup compiles faster than a match for each column.
    const fn row(self) -> &'static Row {
        &Self::TABLE[self as usize]
    }

    /// The code as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The part of the compiler that reports it.
    #[must_use]
    pub const fn layer(self) -> Layer {
        self.row().layer
    }

    /// The severity of its findings, unless a preset allows it.
    #[must_use]
    pub const fn severity(self) -> Severity {
        self.row().severity
    }

    /// Whether it protects callers of presets, so that lowering its severity needs a reason.
    #[must_use]
    pub const fn protects(self) -> bool {
        self.row().protects
    }

    /// The codes whose findings are left out where a finding of this code explains them.
    pub(crate) const fn supersedes(self) -> &'static [Self] {
        self.row().supersedes
    }

    /// The code of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }

    /// Whether a preset may `allow` its findings: only those about valid PromQL with a wrong meaning.
    #[must_use]
    pub fn is_allowable(self) -> bool {
        self.layer() == Layer::Meaning
    }

    /// Whether the settings of a registry may change its severity: not where a query cannot run.
    #[must_use]
    pub fn is_settable(self) -> bool {
        self.is_allowable() || self.severity() == Severity::Warning
    }

    /// Whether a finding is about the value of `window` rather than about the template.
    #[must_use]
    pub const fn is_about_window(self) -> bool {
        matches!(self, Self::InvalidDuration | Self::UnusedWindow)
    }

    /// The codes that a preset may `allow`.
    pub fn allowable() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|code| code.is_allowable())
    }
}

codes! {
    /// The file is not TOML.
    InvalidToml = "invalid-toml", File, Error;
    /// A key that does not exist.
    UnknownKey = "unknown-key", File, Error;
    /// A required key that is missing.
    MissingKey = "missing-key", File, Error;
    /// A TOML value of the wrong type.
    WrongType = "wrong-type", File, Error;
    /// A value that is not allowed.
    InvalidValue = "invalid-value", File, Error;
    /// A duplicate value in a list.
    DuplicateValue = "duplicate-value", File, Error;
    /// A text that is not a Prometheus duration, or a duration of zero.
    InvalidDuration = "invalid-duration", File, Error;
    /// A name that cannot become a Rust identifier.
    InvalidName = "invalid-name", File, Error;
    /// Two presets that become one constant.
    DuplicateConstant = "duplicate-constant", File, Error;
    /// A metric or label that two files, or a file and `metrics.toml`, declare differently.
    ConflictingMetric = "conflicting-metric", File, Error;
    /// Two files that become one module.
    DuplicateModule = "duplicate-module", File, Error;
    /// Two labels, or two values of a label, that become one name in Rust.
    DuplicateLabel = "duplicate-label", File, Error;
    /// Declared labels that no template of the file uses, or a required label that a template has no place for.
    UnusedLabels = "unused-labels", File, Error;
    /// A `window` for a template without `{window}`.
    UnusedWindow = "unused-window", File, Error;
    /// A parameter that the template does not have.
    UnusedParameter = "unused-parameter", File, Error;
    /// A test of a preset that cannot be run, or whose series the preset does not read.
    InvalidTest = "invalid-test", File, Error;
    /// A template with `{window}` but no `window`.
    MissingWindow = "missing-window", File, Error;
    /// An `allow` of a check that does not exist, or that cannot be allowed.
    UnknownCheck = "unknown-check", File, Error;
    /// An `allow` without effect.
    UnusedAllow = "unused-allow", File, Warning;
    /// A brace that is neither doubled nor part of a placeholder.
    LoneBrace = "lone-brace", Template, Error;
    /// A placeholder that does not exist.
    UnknownPlaceholder = "unknown-placeholder", Template, Error;
    /// A placeholder with a format, a conversion, an index or a `$` before it.
    MalformedPlaceholder = "malformed-placeholder", Template, Error, supersedes [UnusedLabels];
    /// A placeholder where its kind cannot stand.
    MisplacedPlaceholder = "misplaced-placeholder", Template, Error;
    /// The query is not PromQL.
    Syntax = "syntax", Query, Error;
    /// An expression of the wrong type.
    TypeMismatch = "type-mismatch", Query, Error;
    /// A function that does not exist.
    UnknownFunction = "unknown-function", Query, Error;
    /// A call with too few or too many arguments.
    ArgumentCount = "argument-count", Query, Error;
    /// Syntax or a function that must be enabled.
    ExperimentalFeature = "experimental-feature", Query, Error;
    /// A regular expression that Prometheus rejects.
    InvalidRegex = "invalid-regex", Query, Error;
    /// The query nests too deeply.
    TooDeep = "too-deep", Query, Error;
    /// A selector all of whose matchers match the empty string.
    EmptySelector = "empty-selector", Query, Error;
    /// A declared label that Prometheus reserves.
    ReservedLabel = "reserved-label", Query, Error;
    /// A label that a caller can put both into `on` and into `group_left` or `group_right`.
    JoinLabelClash = "join-label-clash", Query, Error;
    /// A duration that some windows make zero or negative.
    WindowArithmetic = "window-arithmetic", Query, Error;
    /// A selector that callers cannot filter.
    UnfilteredSelector = "unfiltered-selector", Meaning, Error + protects, supersedes [UnusedLabels];
    /// A selector that is not filtered on a label that the policy requires.
    MissingRequiredLabel = "missing-required-label", Meaning, Error + protects;
    /// A window, range or offset that is longer than the policy permits.
    ExceedsLimit = "exceeds-limit", Meaning, Error + protects;
    /// A function or syntax that a target does not have.
    UnsupportedByTarget = "unsupported-by-target", Meaning, Error + protects;
    /// A dashboard variable in a matcher or an argument.
    DashboardVariable = "dashboard-variable", Meaning, Error, supersedes [EqualityLooksLikeRegex, FixedRequiredLabel, FloatLabelFormat, MatchNothing, RegexMatchesEmpty, RegexWithoutPattern, UndeclaredLabelValue, UnknownGroupReference, UnusedLabels];
    /// Series that a metric does not have.
    UndeclaredMetric = "undeclared-metric", Meaning, Error, supersedes [BucketSumWithoutLe];
    /// A metric that neither `metrics.toml` nor a preset file has.
    UnknownMetric = "unknown-metric", Meaning, Error, supersedes [BucketSumWithoutLe];
    /// A label that a metric does not have.
    UndeclaredLabel = "undeclared-label", Meaning, Error, supersedes [GroupLabelMissing, GroupRemovedLabel, ImpossibleMatch, MatchLabelMissing];
    /// A value that a label does not have.
    UndeclaredLabelValue = "undeclared-label-value", Meaning, Error, supersedes [FloatLabelFormat, RegexWithoutPattern];
    /// Matchers that no series can match.
    MatchNothing = "match-nothing", Meaning, Error;
    /// `rate` or a similar function on a metric that is not a counter.
    RateOnGauge = "rate-on-gauge", Meaning, Error;
    /// `delta`, `deriv` or a similar function on a counter.
    GaugeFunctionOnCounter = "gauge-function-on-counter", Meaning, Error;
    /// `rate` or a similar function on aggregated counters.
    RateAfterAggregation = "rate-after-aggregation", Meaning, Error;
    /// A quantile of buckets that lost the label `le`.
    QuantileWithoutLe = "quantile-without-le", Meaning, Error;
    /// A quantile of bucket counters without `rate`.
    QuantileWithoutRate = "quantile-without-rate", Meaning, Error;
    /// A quantile of series that are not buckets.
    QuantileWithoutBuckets = "quantile-without-buckets", Meaning, Error, supersedes [RateOnGauge, BucketSumWithoutLe];
    /// A quantile of buckets that are incomplete or not summed.
    QuantileOfBrokenBuckets = "quantile-of-broken-buckets", Meaning, Error;
    /// A sum over cumulative buckets.
    BucketSumWithoutLe = "bucket-sum-without-le", Meaning, Error;
    /// Grouping by a label that an inner expression has dropped.
    GroupRemovedLabel = "group-removed-label", Meaning, Error, supersedes [QuantileWithoutLe, BucketSumWithoutLe, AggregatedQuantile];
    /// Matching on a label that one side does not have.
    MatchLabelMissing = "match-label-missing", Meaning, Error;
    /// `group_left` or `group_right` with a label that the other side does not have.
    GroupLabelMissing = "group-label-missing", Meaning, Error;
    /// An operator whose sides never have the same labels.
    ImpossibleMatch = "impossible-match", Meaning, Error, supersedes [IdenticalOperands];
    /// A native histogram where only numbers are taken.
    HistogramAsNumber = "histogram-as-number", Meaning, Error, supersedes [QuantileOfBrokenBuckets, QuantileWithoutRate];
    /// A quantile below 0 or above 1.
    QuantileOutOfRange = "quantile-out-of-range", Meaning, Error;
    /// A constant for which a function returns no or meaningless values.
    ConstantOutOfRange = "constant-out-of-range", Meaning, Error;
    /// A division by the constant zero.
    DivisionByZero = "division-by-zero", Meaning, Error;
    /// An operator whose sides are the same series.
    IdenticalOperands = "identical-operands", Meaning, Error, supersedes [AggregatedRatio, ManyToMany];
    /// A value of `le` or `quantile` that Prometheus stores in another form.
    FloatLabelFormat = "float-label-format", Meaning, Error, supersedes [RegexWithoutPattern];
    /// A comparison with NaN.
    NanComparison = "nan-comparison", Meaning, Error;
    /// Counting what a comparison with `bool` returns.
    CountOfBool = "count-of-bool", Meaning, Error;
    /// Comparing what a comparison with `bool` returns.
    ComparisonOfBool = "comparison-of-bool", Meaning, Error;
    /// A range that contains at most one sample, for a function that needs two.
    RangeTooShort = "range-too-short", Meaning, Error;
    /// A subquery of at most one point, for a function that needs two.
    SubqueryOfOnePoint = "subquery-of-one-point", Meaning, Error;
    /// A replacement that refers to a group that the pattern does not have.
    UnknownGroupReference = "unknown-group-reference", Meaning, Error;
    /// A range that is too short when one scrape fails.
    FragileRange = "fragile-range", Meaning, Warning;
    /// The raw value of a counter.
    RawCounter = "raw-counter", Meaning, Warning;
    /// `rate` or a similar function on a rate.
    NestedRate = "nested-rate", Meaning, Warning;
    /// An average or sum of ratios.
    AggregatedRatio = "aggregated-ratio", Meaning, Warning;
    /// An aggregation that a single NaN turns into NaN.
    NanInAggregation = "nan-in-aggregation", Meaning, Warning;
    /// Grouping by the label `le` of a native histogram, which has none.
    LeOfNativeHistogram = "le-of-native-histogram", Meaning, Warning;
    /// An average or sum of quantiles.
    AggregatedQuantile = "aggregated-quantile", Meaning, Warning;
    /// A match with several series on a side that may have only one.
    ManyToMany = "many-to-many", Meaning, Warning;
    /// A required label that the template sets itself.
    FixedRequiredLabel = "fixed-required-label", Meaning, Warning;
    /// A pattern after `=`.
    EqualityLooksLikeRegex = "equality-looks-like-regex", Meaning, Warning;
    /// Plain text after `=~`.
    RegexWithoutPattern = "regex-without-pattern", Meaning, Warning;
    /// A pattern that also matches series without the label.
    RegexMatchesEmpty = "regex-matches-empty", Meaning, Warning;
    /// A sort whose order is lost.
    SortWithoutEffect = "sort-without-effect", Meaning, Warning;
    /// A fallback that is returned even when it is not needed.
    FallbackAlwaysThere = "fallback-always-there", Meaning, Warning;
    /// `absent` of an expression without labels.
    AbsentOfAggregation = "absent-of-aggregation", Meaning, Warning;
    /// A ratio of rates over different ranges.
    RangeMismatch = "range-mismatch", Meaning, Warning;
    /// A subquery with a step shorter than the scrape interval.
    SubqueryTooFine = "subquery-too-fine", Meaning, Warning;
    /// A subquery with a step that skips samples.
    SubqueryWithGaps = "subquery-with-gaps", Meaning, Warning;
    /// A subquery of a selector that could have the range itself.
    NeedlessSubquery = "needless-subquery", Meaning, Warning;
    /// A `unit` that contradicts the one that follows from the metrics.
    UnitMismatch = "unit-mismatch", Meaning, Warning;
}
