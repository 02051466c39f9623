//! Checks the meaning of valid queries, given the declarations of metrics.
//!
//! `label_flow` infers the labels of each expression from the selectors through functions, aggregations and joins. The
//! checks use them and report nothing where the labels are unknown. They walk a query a fixed number of times, so time
//! is linear in its length.

mod analysis;
mod calls;
mod conditions;
mod constants;
mod contradictions;
mod counters;
mod float_labels;
mod grouping;
mod histograms;
mod identical_operands;
mod joins;
mod label_flow;
mod label_set;
mod limits;
mod matchers;
mod native_histograms;
pub(crate) mod policy;
mod ranges;
mod ratios;
mod row;
mod schema;
mod similar_metrics;
pub(crate) mod targets;
mod tree;
mod undeclared;
mod unfiltered;
pub(crate) mod units;
mod variables;

use crate::vec_ext::{IntoVec, VecExt};
pub(crate) use contradictions::{Snapshot, check as contradictions, labels_of_metrics, missing_metric};
use promql_presets_core::sort;

pub use float_labels::open_metrics_float;
pub use label_set::Labels;
pub(crate) use limits::{Limit, limits};
pub use row::RowLabel;
pub(crate) use schema::Metrics;
pub use schema::is_of_server;
#[cfg(feature = "tools")]
pub use schema::{is_of_alerts, is_of_every_scrape};
pub(crate) use tree::Scope;
pub use tree::matches_any_name;
pub(crate) use undeclared::ReadsOwn;

use crate::file::Settings;
use crate::file::settings::Level;
use crate::promql::{Expr, Features};
use crate::{Code, Diagnostic, Span};
use analysis::{Analysis, Findings};

const CHECKS: [fn(&Analysis<'_>, &mut Findings); 16] = [
    unfiltered::check,
    variables::check,
    matchers::check,
    counters::check,
    histograms::check,
    native_histograms::check,
    grouping::check,
    joins::check,
    ranges::check,
    constants::check,
    ratios::check,
    identical_operands::check,
    float_labels::check,
    calls::check,
    policy::check,
    targets::check,
];

/// Removes findings whose code another finding [supersedes](Code::supersedes), if their spans overlap.
fn drop_superseded_in_query(findings: &mut Findings) {
    let mut explained: Vec<(Code, Span)> = Vec::new();
    for finding in findings.iter() {
        for code in finding.code.supersedes() {
            explained.add_all(finding.spans().into_iter().map(|place| (*code, place)));
        }
    }
    sort::by(&mut explained, Ord::cmp);
    // Extend each place to the maximum end so far, so that a binary search finds overlaps.
    let mut last = None;
    for (code, place) in &mut explained {
        if let Some((_, end)) = last.filter(|(before, _)| before == code) {
            place.end = place.end.max(end);
        }
        last = Some((*code, place.end));
    }
    findings.keep(|finding| {
        !finding.spans().iter().any(|span| {
            let before = explained.partition_point(|(code, place)| (*code, place.start) < (finding.code, span.end));
            let place = explained[..before].last().filter(|(code, _)| *code == finding.code);
            place.is_some_and(|(_, place)| place.end > span.start)
        })
    });
}

/// The result of checking a query without errors of syntax and types.
pub(crate) struct CheckedQuery {
    /// Spans are of the text of the query.
    pub findings: Vec<Diagnostic>,
    /// The labels of its series.
    pub row: Vec<RowLabel>,
    /// The unit of its result, where it follows from the units of the metrics.
    pub unit: Option<String>,
    /// The metrics that it reads, if their labels are known and its file declares some.
    pub metrics: Option<Vec<String>>,
    /// Whether it reads the metric that its file declares although that does not exist.
    pub reads_own: ReadsOwn,
    /// Whether it names a metric that is neither declared nor in the snapshot, or a pattern of names.
    pub names_unknown: bool,
}

/// Checks a query without errors of syntax and types, which `expr` was parsed from.
pub(crate) fn check(text: &str, expr: &Expr<'_>, scope: Scope<'_>) -> CheckedQuery {
    let query = Analysis::new(text, expr, scope);
    let mut findings = Vec::new();
    for check in CHECKS {
        check(&query, &mut findings);
    }
    // Findings that the settings turn off supersede nothing.
    findings.keep(|finding| scope.settings.level(finding.code) != Some(Level::Off));
    drop_superseded_in_query(&mut findings);
    sort::by_key(&mut findings, |finding| finding.span);
    let compares_labels = scope.metrics.is_complete() && scope.labels.is_some();
    let metrics = if compares_labels { contradictions::metrics_read(&query) } else { None };
    let metrics = metrics.map(|metrics| metrics.into_iter().map(str::to_owned).into_vec());
    let is_unknown = |series: &tree::Series<'_>| series.name.is_some() && series.metric.is_none();
    let names_unknown =
        query.selectors().iter().any(|(_, _, series)| series.each().iter().any(is_unknown) || series.pattern.is_some());
    let (row, unit, reads_own) = (query.row(), units::unit(&query), undeclared::reads_own(&query));
    CheckedQuery { findings, row, unit, metrics, reads_own, names_unknown }
}

/// The series that a selector selects.
#[cfg_attr(not(feature = "tools"), expect(dead_code, reason = "only tools read more than the name"))]
pub(crate) struct SelectedSeries<'e> {
    /// Their name, if it is known.
    pub name: Option<String>,
    /// The selector's text.
    pub text: &'e str,
    /// The pattern of their names, if a matcher has one that is more than a list of names.
    pub pattern: Option<&'e str>,
    /// `le` or `quantile`, if a matcher names one of their values.
    pub bounds: Vec<&'e str>,
    /// The names of the series that `or` combines with them.
    pub others: Vec<String>,
}

/// The series that a query selects. `metric` is the value of `{metric_name}`.
pub(crate) fn selected_series<'e>(
    text: &'e str,
    expr: &'e Expr<'e>,
    metric: Option<&'e str>,
) -> Vec<SelectedSeries<'e>> {
    let tree = tree::Tree::new(text, expr, Scope { metric, ..plain(&NOTHING) });
    let mut selected = Vec::new();
    for &(id, selector, series) in &tree.selectors() {
        let others = tree.others(id);
        let others: Vec<String> = others.iter().filter_map(|it| it.name.as_deref().map(str::to_owned)).into_vec();
        let matchers = selector.matchers();
        let names = matchers.iter().map(|matcher| &*matcher.label.name);
        let bounds: Vec<&str> = names.filter(|name| matches!(*name, "le" | "quantile")).into_vec();
        let pattern = series.pattern;
        for series in series.each() {
            let (name, text) = (series.name.as_deref().map(str::to_owned), tree.slice(selector.span));
            selected.push(SelectedSeries { name, text, pattern, bounds: bounds.clone(), others: others.clone() });
        }
    }
    selected
}

/// Checks plain PromQL without declarations. Spans are of `text`, which `expr` was parsed from.
#[cfg(feature = "tools")]
#[must_use]
pub fn check_query(text: &str, expr: &Expr<'_>) -> Vec<Diagnostic> {
    check(text, expr, plain(&Metrics::default())).findings
}

/// The unit at the end of a metric's name.
#[cfg(feature = "tools")]
#[must_use]
pub fn unit_of_name(name: &str) -> Option<&str> {
    units::of_name(name)
}

/// The labels of a query's result that follow from the query alone.
#[cfg(feature = "tools")]
#[must_use]
pub fn output_labels<'e>(text: &'e str, expr: &'e Expr<'e>) -> Labels<'e> {
    // Without declarations, every label comes from the text of the query.
    let query = Analysis::new(text, expr, plain(&NOTHING));
    query.labels(0).clone()
}

/// The labels of a part of a template, given the declarations of metrics.
#[cfg(feature = "tools")]
pub(crate) fn labels_of_part(text: &str, expr: &Expr<'_>, scope: Scope<'_>) -> String {
    Analysis::new(text, expr, scope).labels(0).to_string()
}

static NOTHING: std::sync::LazyLock<Metrics<'static>> = std::sync::LazyLock::new(Metrics::default);

static NO_SETTINGS: Settings = Settings::NONE;

const fn plain<'e>(metrics: &'e Metrics<'e>) -> Scope<'e> {
    let features = Features::none();
    Scope {
        template: false,
        inline: false,
        metric: None,
        labels: None,
        window: None,
        features,
        metrics,
        settings: &NO_SETTINGS,
    }
}
