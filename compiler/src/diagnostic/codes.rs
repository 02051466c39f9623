//! The table of codes: one line for each check.

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The build goes on.
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

/// The parts of the compiler that find things, in the order in which they look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// TOML, keys, names and values.
    File,
    /// Braces and placeholders.
    Template,
    /// Syntax and types of PromQL.
    Query,
    /// Sound PromQL that says the wrong thing, which a preset may `allow`.
    Meaning,
}

/// The table of codes: one line a check, in the order of the layers.
macro_rules! codes {
    ($($(#[doc = $doc:literal])* $variant:ident = $code:literal, $severity:ident;)*) => {
        /// The stable name of a check, as in `error[unknown-placeholder]`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[doc = $doc])* $variant,)* }

        impl Code {
            /// Every code, in the order of the layers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as text.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The severity of its findings, unless a preset allows it.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// What it finds, in one line.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),*).trim_ascii(),)* }
            }

            /// Its page in Markdown: an explanation, an input that fails with its exact output, and a fix.
            #[must_use]
            pub const fn page(self) -> &'static str {
                match self { $(Self::$variant => include_str!(concat!("../../checks/", $code, ".md")),)* }
            }
        }
    };
}

impl Code {
    /// The code of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }

    /// The part of the compiler that finds it.
    #[must_use]
    pub fn layer(self) -> Layer {
        // The table is in the order of the layers.
        if self >= Self::UnfilteredSelector {
            Layer::Meaning
        } else if self >= Self::Syntax {
            Layer::Query
        } else if self >= Self::LoneBrace {
            Layer::Template
        } else {
            Layer::File
        }
    }

    /// Whether a preset may `allow` its findings: only where the query is sound PromQL that says the wrong thing.
    #[must_use]
    pub fn is_allowable(self) -> bool {
        self.layer() == Layer::Meaning
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
    InvalidToml = "invalid-toml", Error;
    /// A key that does not exist.
    UnknownKey = "unknown-key", Error;
    /// A key that must be there.
    MissingKey = "missing-key", Error;
    /// A TOML value of the wrong type.
    WrongType = "wrong-type", Error;
    /// A value that is none of those allowed.
    InvalidValue = "invalid-value", Error;
    /// A value that is listed twice.
    DuplicateValue = "duplicate-value", Error;
    /// A text that is no duration of Prometheus, or one of no length.
    InvalidDuration = "invalid-duration", Error;
    /// A name that cannot become a Rust identifier.
    InvalidName = "invalid-name", Error;
    /// Two presets that become one constant.
    DuplicateConstant = "duplicate-constant", Error;
    /// A metric that two files declare with different types.
    ConflictingMetric = "conflicting-metric", Error;
    /// Two files that become one module.
    DuplicateModule = "duplicate-module", Error;
    /// Two labels, or two values of a label, that become one name in Rust.
    DuplicateLabel = "duplicate-label", Error;
    /// Declared labels that no template of the file can use, or a required one that a template has no place for.
    UnusedLabels = "unused-labels", Error;
    /// A `window` for a template without `{window}`.
    UnusedWindow = "unused-window", Error;
    /// A template with `{window}` but no `window`.
    MissingWindow = "missing-window", Error;
    /// An `allow` of a check that does not exist, or that cannot be allowed.
    UnknownCheck = "unknown-check", Error;
    /// An `allow` that silences nothing.
    UnusedAllow = "unused-allow", Warning;
    /// A brace that is neither doubled nor part of a placeholder.
    LoneBrace = "lone-brace", Error;
    /// A placeholder that does not exist.
    UnknownPlaceholder = "unknown-placeholder", Error;
    /// A placeholder with a format, a conversion, an index or a `$` before it.
    MalformedPlaceholder = "malformed-placeholder", Error;
    /// A placeholder where its kind cannot stand.
    MisplacedPlaceholder = "misplaced-placeholder", Error;
    /// The query is not PromQL.
    Syntax = "syntax", Error;
    /// An expression of the wrong type.
    TypeMismatch = "type-mismatch", Error;
    /// A function that does not exist.
    UnknownFunction = "unknown-function", Error;
    /// A call with too few or too many arguments.
    ArgumentCount = "argument-count", Error;
    /// Syntax or a function that must be switched on.
    ExperimentalFeature = "experimental-feature", Error;
    /// A regular expression that Prometheus rejects.
    InvalidRegex = "invalid-regex", Error;
    /// The query nests too deeply.
    TooDeep = "too-deep", Error;
    /// A selector all of whose matchers match the empty string.
    EmptySelector = "empty-selector", Error;
    /// A declared label that Prometheus itself gives a meaning to.
    ReservedLabel = "reserved-label", Error;
    /// A label that a caller can put both into `on` and into `group_left` or `group_right`.
    JoinLabelClash = "join-label-clash", Error;
    /// A duration that some windows make zero or negative.
    WindowArithmetic = "window-arithmetic", Error;
    // From here on: sound PromQL that says the wrong thing, which a preset may `allow`.
    /// A selector that a caller's filter does not reach.
    UnfilteredSelector = "unfiltered-selector", Error;
    /// A variable of a dashboard in a matcher.
    DashboardVariable = "dashboard-variable", Error;
    /// Series that a declared metric does not have.
    UndeclaredMetric = "undeclared-metric", Error;
    /// A label that a metric's file does not declare.
    UndeclaredLabel = "undeclared-label", Error;
    /// A value that a label's declaration does not list.
    UndeclaredLabelValue = "undeclared-label-value", Error;
    /// Matchers that no series meets.
    MatchNothing = "match-nothing", Error;
    /// `rate` and its like of something that does not only grow.
    RateOnGauge = "rate-on-gauge", Error;
    /// `delta`, `deriv` and their like of a counter.
    GaugeFunctionOnCounter = "gauge-function-on-counter", Error;
    /// `rate` and its like of a sum of counters.
    RateAfterAggregation = "rate-after-aggregation", Error;
    /// A quantile of buckets that lost the label `le`.
    QuantileWithoutLe = "quantile-without-le", Error;
    /// A quantile over everything since the processes started.
    QuantileWithoutRate = "quantile-without-rate", Error;
    /// A quantile of something that has no buckets.
    QuantileWithoutBuckets = "quantile-without-buckets", Error;
    /// A quantile of buckets that were combined in another way than by adding them.
    QuantileOfBrokenBuckets = "quantile-of-broken-buckets", Error;
    /// A sum over cumulative buckets.
    BucketSumWithoutLe = "bucket-sum-without-le", Error;
    /// Grouping by a label that is gone.
    GroupRemovedLabel = "group-removed-label", Error;
    /// Matching on a label that a side does not have.
    MatchLabelMissing = "match-label-missing", Error;
    /// `group_left` or `group_right` with a label that there is none of to copy.
    GroupLabelMissing = "group-label-missing", Error;
    /// An operator whose sides never have the same labels.
    ImpossibleMatch = "impossible-match", Error;
    /// A quantile outside of 0 to 1.
    QuantileOutOfRange = "quantile-out-of-range", Error;
    /// A constant for which a function returns nothing, or nonsense.
    ConstantOutOfRange = "constant-out-of-range", Error;
    /// A division by the constant zero.
    DivisionByZero = "division-by-zero", Error;
    /// An operator whose sides are the same series.
    IdenticalOperands = "identical-operands", Error;
    /// A value of `le` or `quantile` that Prometheus stores in another form.
    FloatLabelFormat = "float-label-format", Error;
    /// A comparison with NaN.
    NanComparison = "nan-comparison", Error;
    /// Counting what a comparison with `bool` returns.
    CountOfBool = "count-of-bool", Error;
    /// Comparing what a comparison with `bool` returns.
    ComparisonOfBool = "comparison-of-bool", Error;
    /// A range with one sample at most for a function that needs two.
    RangeTooShort = "range-too-short", Error;
    /// A subquery with one point at most for a function that needs two.
    SubqueryOfOnePoint = "subquery-of-one-point", Error;
    /// A replacement that names a group which the pattern does not have.
    UnknownGroupReference = "unknown-group-reference", Error;
    /// A range that one lost scrape makes too short.
    FragileRange = "fragile-range", Warning;
    /// The value of a counter as it is.
    RawCounter = "raw-counter", Warning;
    /// `rate` and its like of a rate.
    NestedRate = "nested-rate", Warning;
    /// An average or sum of ratios.
    AggregatedRatio = "aggregated-ratio", Warning;
    /// An aggregation that one NaN spoils.
    NanInAggregation = "nan-in-aggregation", Warning;
    /// Grouping by the label `le` of a native histogram, which has none.
    LeOfNativeHistogram = "le-of-native-histogram", Warning;
    /// An average or sum of quantiles.
    AggregatedQuantile = "aggregated-quantile", Warning;
    /// Two sides none of which is unique on the labels that are matched.
    ManyToMany = "many-to-many", Warning;
    /// A required label that the template fixes.
    FixedRequiredLabel = "fixed-required-label", Warning;
    /// A pattern after `=`.
    EqualityLooksLikeRegex = "equality-looks-like-regex", Warning;
    /// Plain text after `=~`.
    RegexWithoutPattern = "regex-without-pattern", Warning;
    /// A pattern that series without the label match, too.
    RegexMatchesEmpty = "regex-matches-empty", Warning;
    /// Sorting of what loses its order.
    SortWithoutEffect = "sort-without-effect", Warning;
    /// A fallback that is there even when it is not needed.
    FallbackAlwaysThere = "fallback-always-there", Warning;
    /// `absent` of something that has no labels left.
    AbsentOfAggregation = "absent-of-aggregation", Warning;
    /// A ratio of rates over different ranges.
    RangeMismatch = "range-mismatch", Warning;
    /// A subquery in steps shorter than the scrape interval.
    SubqueryTooFine = "subquery-too-fine", Warning;
    /// A subquery whose steps leave samples out.
    SubqueryWithGaps = "subquery-with-gaps", Warning;
    /// A subquery of a selector that could take the range itself.
    NeedlessSubquery = "needless-subquery", Warning;
}
