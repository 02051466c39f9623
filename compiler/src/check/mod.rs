//! The fourth layer: what a query says, given what the files declare about metrics.
//!
//! Labels flow up from the selectors through functions, aggregations and joins (`label_flow`), so that the labels of every
//! expression are known as far as they can be. Each file of checks reads that, and a check that lacks what it needs to
//! know is quiet. A query is walked a fixed number of times, so time is linear in its length.

mod analysis;
mod calls;
mod conditions;
mod constants;
mod counters;
mod filter;
mod float_labels;
mod grouping;
mod histograms;
mod identical;
mod joins;
mod label_flow;
mod label_set;
mod matchers;
mod pattern;
mod ranges;
mod ratios;
mod schema;
#[cfg(test)]
mod tests;
mod tree;
mod variables;

pub use label_set::Labels;
pub(crate) use schema::Metrics;
pub(crate) use tree::Scope;

use std::collections::BTreeSet;

use crate::promql::Expr;
use crate::{Code, Diagnostic, Span};
use analysis::{Analysis, Findings};

const CHECKS: [fn(&Analysis<'_>, &mut Findings); 13] = [
    filter::check,
    variables::check,
    matchers::check,
    counters::check,
    histograms::check,
    grouping::check,
    joins::check,
    ranges::check,
    constants::check,
    ratios::check,
    identical::check,
    float_labels::check,
    calls::check,
];

/// Leaves out what follows from another finding.
fn one_for_each_mistake(text: &str, findings: &mut Findings) {
    if findings.len() < 2 {
        return;
    }
    let has = |code: Code| findings.iter().any(|finding| finding.code == code);
    let (regrouped, undeclared) = (has(Code::GroupRemovedLabel), has(Code::UndeclaredMetric));
    let is_le = |finding: &Diagnostic| text.get(finding.span.range()).is_some_and(|it| it.eq_ignore_ascii_case("le"));
    let misspelt = findings.iter().any(|finding| finding.code == Code::UndeclaredLabel && is_le(finding));
    let unfit: Vec<Span> = findings
        .iter()
        .filter(|finding| finding.code == Code::QuantileWithoutBuckets)
        .map(|finding| finding.span)
        .collect();
    let natives: BTreeSet<Span> = findings
        .iter()
        .filter(|finding| finding.code == Code::LeOfNativeHistogram)
        .map(|finding| finding.span)
        .collect();
    findings.retain(|finding| match finding.code {
        Code::UndeclaredLabel | Code::GroupRemovedLabel if natives.contains(&finding.span) => false,
        // What has no buckets has none of a rate.
        Code::RateOnGauge => !finding.secondary.iter().any(|(rated, _)| {
            // Findings are in the order of the text, as are the selectors.
            let next = unfit.partition_point(|span| span.start < rated.start);
            unfit.get(next).is_some_and(|span| span.end <= rated.end)
        }),
        // What is gone for the grouping is gone for the quantile; `LE` is what was meant to be there.
        Code::QuantileWithoutLe => !regrouped && !misspelt,
        Code::BucketSumWithoutLe => !regrouped && !undeclared,
        // What is no bucket has no `le`, and what had one has become a quantile.
        Code::UndeclaredLabel => unfit.is_empty() || text.get(finding.span.range()) != Some("le"),
        Code::AggregatedQuantile => !regrouped,
        _ => true,
    });
}

/// Checks a query that has neither faults of syntax nor of types. Spans are of `text`, which `expr` was read from.
pub(crate) fn check(text: &str, expr: &Expr<'_>, scope: Scope<'_>) -> Vec<Diagnostic> {
    let query = Analysis::new(text, expr, scope);
    let mut findings = Vec::new();
    for check in CHECKS {
        check(&query, &mut findings);
    }
    one_for_each_mistake(text, &mut findings);
    findings.sort_by_key(|finding| finding.span);
    findings
}

/// Checks plain PromQL, of whose metrics nothing is known. Spans are of `text`, which `expr` was read from.
#[must_use]
pub fn check_query(text: &str, expr: &Expr<'_>) -> Vec<Diagnostic> {
    check(text, expr, plain(&Metrics::default()))
}

/// What the query itself tells about the labels of its result.
#[must_use]
pub fn output_labels<'e>(text: &'e str, expr: &'e Expr<'e>) -> Labels<'e> {
    // Where nothing is declared, every label comes from the query's text.
    let query = Analysis::new(text, expr, plain(&NOTHING));
    query.labels(0).clone()
}

static NOTHING: std::sync::LazyLock<Metrics<'static>> = std::sync::LazyLock::new(Metrics::default);

const fn plain<'e>(metrics: &'e Metrics<'e>) -> Scope<'e> {
    Scope { template: false, inline: false, metric: None, labels: None, window: None, metrics }
}
