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

use std::collections::BTreeMap;

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

/// Leaves out findings that another finding explains: one that [supersedes](Code::supersedes) their code and shows a
/// place of theirs.
fn drop_superseded(findings: &mut Findings) {
    let mut explained: BTreeMap<Code, Vec<Span>> = BTreeMap::new();
    for finding in findings.iter() {
        for code in finding.code.supersedes() {
            explained.entry(*code).or_default().extend(finding.spans());
        }
    }
    for places in explained.values_mut() {
        // From here on, each place starts where it did and ends where the last of those before it does.
        places.sort();
        let mut end = 0;
        for place in places {
            end = end.max(place.end);
            place.end = end;
        }
    }
    findings.retain(|finding| {
        let Some(places) = explained.get(&finding.code) else { return true };
        !finding.spans().any(|span| {
            let before = places.partition_point(|place| place.start < span.end);
            before > 0 && places[before - 1].end > span.start
        })
    });
}

/// Checks a query that has neither faults of syntax nor of types. Spans are of `text`, which `expr` was read from.
pub(crate) fn check(text: &str, expr: &Expr<'_>, scope: Scope<'_>) -> Vec<Diagnostic> {
    let query = Analysis::new(text, expr, scope);
    let mut findings = Vec::new();
    for check in CHECKS {
        check(&query, &mut findings);
    }
    drop_superseded(&mut findings);
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
