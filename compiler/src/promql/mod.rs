//! `PromQL` as Prometheus 3.14 accepts it, with the placeholders of a template as typed holes of the grammar.
//!
//! [`parse`] is the entry point. It splits the text into tokens (`lexer`), builds the tree (`parser`, `ast`) and, if
//! the tree is complete, checks types (`typeck`). Time is linear in the length of the text, and no input overflows the
//! stack.
//!
//! ```
//! use promql_presets_compiler::promql::{Syntax, ResultType, parse};
//!
//! let parsed = parse("sum by ({group_by})(rate(http_requests_total{{{labels}}}[{window}]))", Syntax::TEMPLATE);
//! assert!(parsed.diagnostics.is_empty());
//! assert_eq!(parsed.expr.unwrap().ty(), ResultType::InstantVector);
//!
//! let parsed = parse("rate(http_requests_total)", Syntax::PROMQL);
//! assert_eq!(parsed.diagnostics[0].title, "`rate` takes a range vector");
//! ```

mod ast;
mod counter_functions;
mod functions;
mod lexer;
mod literal;
mod parser;
#[cfg(feature = "tools")]
mod print_tree;
mod report;
mod token;
mod typeck;

#[cfg(test)]
mod tests;

use promql_presets_core::sort;

pub(crate) use ast::Interval;
pub use ast::{
    Aggregate, At, Binary, BinaryOp, Braces, Call, Duration, DurationKind, DurationOp, Expr, ExprKind, Fill, FillSide,
    Grouping, GroupingItem, GroupingKeyword, Label, MatchOp, Matcher, MatcherItem, Modifier, Name, NamePart, Number,
    Range, Selector, Sign, StringLiteral, Subquery, Unary,
};
pub(crate) use counter_functions::{apply_to_selectors, gauge_counterpart, is_counter_function, keeps_values};
pub use functions::{Aggregator, Function, ResultType, needs_two_samples};
#[cfg(feature = "tools")]
pub use print_tree::{Node, Tree};
pub(crate) use report::regex_fault;

use crate::{Code, Diagnostic, Span};

/// The language of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Syntax {
    /// Whether it is a template: braces are doubled, and `{name}` is a hole.
    pub template: bool,
    /// The experimental features that are enabled.
    pub features: Features,
}

impl Syntax {
    /// Plain `PromQL` without experimental features.
    pub const PROMQL: Self = Self { template: false, features: Features::none() };
    /// A template without experimental features.
    pub const TEMPLATE: Self = Self { template: true, features: Features::none() };
}

/// Experimental features of `PromQL`, by the names of Prometheus' `--enable-feature`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of Prometheus")]
pub struct Features {
    /// `promql-experimental-functions`: functions and aggregators.
    pub experimental_functions: bool,
    /// `promql-extended-range-selectors`: `anchored` and `smoothed`.
    pub extended_range_selectors: bool,
    /// `promql-binop-fill-modifiers`: `fill`, `fill_left` and `fill_right`.
    pub binop_fill_modifiers: bool,
    /// `promql-duration-expr`: arithmetic of durations, which Prometheus has on by default since 3.14.
    pub duration_expressions: bool,
    /// Syntax that only older versions accept.
    pub(crate) past: Past,
}

/// Syntax for which targets of a registry differ from Prometheus 3.14: they accept it, or need a flag for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a part of the language")]
pub(crate) struct Past {
    /// The function `holt_winters`.
    pub holt_winters: bool,
    /// `foo @ start()[5m]`.
    pub at_before_range: bool,
    /// No `min_of` and `max_of` of durations.
    pub no_min_of: bool,
    /// `promql-at-modifier`: `@`, without a flag since 2.33.
    pub at_modifier: bool,
    /// `promql-negative-offset`: negative offsets, without a flag since 2.33.
    pub negative_offset: bool,
}

impl Features {
    /// The names of all features.
    pub const NAMES: [&'static str; 4] = [
        "promql-experimental-functions",
        "promql-extended-range-selectors",
        "promql-binop-fill-modifiers",
        "promql-duration-expr",
    ];

    /// The names of features that all newer versions have without a flag.
    pub const FORMER: [&'static str; 2] = ["promql-at-modifier", "promql-negative-offset"];

    /// Other flags of Prometheus since 2.25, which do not affect whether a query is valid.
    pub const OTHERS: [&'static str; 29] = [
        "agent",
        "auto-gomaxprocs",
        "auto-gomemlimit",
        "auto-reload-config",
        "concurrent-rule-eval",
        "created-timestamp-zero-ingestion",
        "delayed-compaction",
        "exemplar-storage",
        "expand-external-labels",
        "extra-scrape-metrics",
        "memory-snapshot-on-shutdown",
        "metadata-wal-records",
        "native-histograms",
        "new-service-discovery-manager",
        "no-default-scrape-port",
        "old-ui",
        "ooo-native-histograms",
        "otlp-deltatocumulative",
        "otlp-native-delta-ingestion",
        "otlp-write-receiver",
        "promql-delayed-name-removal",
        "promql-per-step-stats",
        "remote-write-receiver",
        "st-storage",
        "type-and-unit-labels",
        "use-start-timestamps",
        "use-uncached-io",
        "utf8-names",
        "xor2-encoding",
    ];

    const NO_PAST: Past = Past {
        holt_winters: false,
        at_before_range: false,
        no_min_of: false,
        at_modifier: false,
        negative_offset: false,
    };

    /// No features.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            experimental_functions: false,
            extended_range_selectors: false,
            binop_fill_modifiers: false,
            duration_expressions: false,
            past: Self::NO_PAST,
        }
    }

    /// All features.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            experimental_functions: true,
            extended_range_selectors: true,
            binop_fill_modifiers: true,
            duration_expressions: true,
            past: Self::NO_PAST,
        }
    }

    /// Enables a feature by name. Returns `false` if no version of Prometheus has such a flag.
    pub fn enable(&mut self, name: &str) -> bool {
        self.flag(name).map(|flag| *flag = true).is_some() || Self::OTHERS.contains(&name)
    }

    /// Whether a feature is enabled.
    #[must_use]
    pub(crate) fn is_enabled(mut self, name: &str) -> bool {
        self.flag(name).is_some_and(|flag| *flag)
    }

    fn flag(&mut self, name: &str) -> Option<&mut bool> {
        match name {
            "promql-experimental-functions" => Some(&mut self.experimental_functions),
            "promql-extended-range-selectors" => Some(&mut self.extended_range_selectors),
            "promql-binop-fill-modifiers" => Some(&mut self.binop_fill_modifiers),
            "promql-duration-expr" => Some(&mut self.duration_expressions),
            "promql-at-modifier" => Some(&mut self.past.at_modifier),
            "promql-negative-offset" => Some(&mut self.past.negative_offset),
            _ => None,
        }
    }
}

/// The tokens of a text in order, without white space and comments, for tools that rewrite queries.
///
/// They are those of the grammar: `{{` and `{labels}` of a template are one each. After an invalid token, which
/// [`parse`] reports, no others follow.
#[must_use]
pub fn tokens(text: &str, syntax: Syntax) -> Vec<Span> {
    let mut lexer = lexer::Lexer::new(text, syntax.template);
    let next = || Some(lexer.next()).filter(|token| !matches!(token.kind, token::Kind::Eof | token::Kind::Error));
    std::iter::from_fn(next).map(|token| token.span).collect()
}

/// The result of [`parse`].
#[derive(Clone, Debug)]
pub struct Parsed<'a> {
    /// The tree; `None` after a syntax error. It may be incomplete if there are diagnostics.
    pub expr: Option<Expr<'a>>,
    /// All errors, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// A value of a template's parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Argument<'a> {
    /// The name of the parameter.
    pub name: &'a str,
    /// The value; in seconds if it is a duration.
    pub value: f64,
    /// Whether it is a duration.
    pub is_duration: bool,
}

/// Parses a query or a template. All spans are byte ranges of `text`.
///
/// Types are checked only if the syntax is valid, so that one mistake gives one message. In a template, `{name}` is a
/// number or a duration, unless the name is that of another placeholder.
#[must_use]
pub fn parse(text: &str, syntax: Syntax) -> Parsed<'_> {
    parse_with(text, syntax, &[])
}

/// As [`parse`], with values for the parameters of a template.
#[must_use]
pub(crate) fn parse_with<'a>(text: &'a str, syntax: Syntax, arguments: &'a [Argument<'a>]) -> Parsed<'a> {
    if u32::try_from(text.len()).is_err() {
        let title = "query of more than 4 GiB";
        return Parsed { expr: None, diagnostics: vec![Diagnostic::new(Code::Syntax, Span::default(), title)] };
    }
    let (expr, mut diagnostics) = parser::parse(text, syntax, arguments);
    if let Some(expr) = &expr {
        let whole = diagnostics.iter().all(|diagnostic| diagnostic.code == Code::InvalidRegex);
        if whole {
            typeck::check(text, syntax, expr, &mut diagnostics);
        }
    }
    if diagnostics.len() > 1 {
        sort::by_key(&mut diagnostics, |diagnostic| diagnostic.span);
    }
    Parsed { expr, diagnostics }
}
