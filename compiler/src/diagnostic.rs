//! What the compiler has to say about a text.

use crate::Span;

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

            /// Its page in Markdown: why, an input that fails with exactly what is said about it, and how to mend it.
            #[must_use]
            pub const fn page(self) -> &'static str {
                match self { $(Self::$variant => include_str!(concat!("../checks/", $code, ".md")),)* }
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
    /// Declared labels that no template of the file can use.
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

/// A finding: what is wrong, where, and what to do about it.
///
/// All spans are byte ranges of the text that was given to the function which returned it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which check found it.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: one clause, lower case, no full stop.
    pub title: String,
    /// The smallest range that shows the fault.
    pub span: Span,
    /// What is special about that range; may be empty.
    pub label: String,
    /// Other places that belong to the fault.
    pub secondary: Vec<(Span, String)>,
    /// What to type.
    pub help: Option<String>,
    /// Facts.
    pub note: Option<String>,
}

impl Diagnostic {
    /// A finding of a check, with the severity that the check has by default.
    #[must_use]
    pub fn new(code: Code, span: Span, title: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            title: title.into(),
            span,
            label: String::new(),
            secondary: Vec::new(),
            help: None,
            note: None,
        }
    }

    /// Says what is special about the primary range.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }

    /// Points at another place that belongs to the fault.
    #[must_use]
    pub fn secondary(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push((span, text.into()));
        self
    }

    /// Says what to type.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// States a fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.note = Some(text.into());
        self
    }

    /// Lowers the finding to a warning unless it is certain: names and groupings are strong hints, declarations are
    /// proof.
    #[must_use]
    pub fn warning_unless(mut self, certain: bool) -> Self {
        if !certain {
            self.severity = Severity::Warning;
        }
        self
    }

    /// The same finding, with every span moved.
    #[must_use]
    pub fn map_spans(mut self, place: impl Fn(Span) -> Span) -> Self {
        self.span = place(self.span);
        for (span, _) in &mut self.secondary {
            *span = place(*span);
        }
        self
    }
}
/// As many findings of one text as anybody reads. Each is shown with its lines, so that without a limit the time for a
/// text full of faults would grow with the square of its length.
const MAX_FINDINGS: usize = 100;

/// Leaves the first findings of a text, errors before warnings, in the order of the text; the last one tells how many
/// more there are.
pub(crate) fn limit<T>(findings: &mut Vec<T>, diagnostic: impl Fn(&mut T) -> &mut Diagnostic) {
    let more = findings.len().saturating_sub(MAX_FINDINGS);
    if more == 0 {
        return;
    }
    let mut keyed: Vec<(bool, Span, T)> = findings
        .drain(..)
        .map(|mut finding| {
            let diagnostic = diagnostic(&mut finding);
            (diagnostic.severity != Severity::Error, diagnostic.span, finding)
        })
        .collect();
    keyed.sort_by_key(|(is_warning, span, _)| (*is_warning, *span));
    keyed.truncate(MAX_FINDINGS);
    keyed.sort_by_key(|(_, span, _)| *span);
    findings.extend(keyed.into_iter().map(|(_, _, finding)| finding));
    if let Some(last) = findings.last_mut() {
        diagnostic(last).note = Some(format!("{more} more findings are not shown"));
    }
}
