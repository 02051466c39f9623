//! Checks of the policy in a registry's settings.

use promql_presets_core::{PromDuration, regex};

use super::analysis::{Analysis, Findings};
use super::tree::{Id, duration, in_seconds};
use crate::diagnostic::source::Spanned;
use crate::promql::{Duration, ExprKind, MatchOp, Modifier, Selector};
use crate::vec_ext::VecExt;
use crate::{Code, Diagnostic};

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    if !query.scope.template {
        return;
    }
    for label in &query.scope.settings.policy.require_labels {
        for (_, selector, _) in query.selectors() {
            required_label(query, selector, &label.value, findings);
        }
    }
    for id in query.ids() {
        match &query.expr(id).kind {
            ExprKind::Selector(selector) => {
                range(query, selector.range.as_ref().map(|range| &range.duration), findings);
                offsets(query, &selector.modifiers, findings);
            }
            ExprKind::Subquery(subquery) => {
                range(query, Some(&subquery.range), findings);
                offsets(query, &subquery.modifiers, findings);
            }
            _ => {}
        }
    }
    if let Some(limit) = &query.scope.settings.policy.max_lookback
        && !findings.iter().any(|finding| finding.code == Code::ExceedsLimit)
    {
        for (id, ..) in query.selectors() {
            findings.add_all(lookback(query, id, limit.value));
        }
    }
}

/// Reports a selector that reads samples older than the limit. Its range, its offset and those of the subqueries around it
/// add up.
fn lookback(query: &Analysis<'_>, id: Id, limit: PromDuration) -> Option<Diagnostic> {
    let (mut seconds, mut hole) = (0.0, None);
    for outer in std::iter::once(id).chain(query.ancestors(id)) {
        let (range, modifiers) = match &query.expr(outer).kind {
            ExprKind::Selector(selector) => (selector.range.as_ref().map(|range| &range.duration), &selector.modifiers),
            ExprKind::Subquery(subquery) => (Some(&subquery.range), &subquery.modifiers),
            _ => continue,
        };
        for part in range.into_iter().chain(modifiers.iter().filter_map(offset)) {
            seconds += query.seconds(part)?;
            hole = hole.or_else(|| part.holes().first().copied());
        }
    }
    let finding = || exceeds_limit(query.expr(id).span, "look-back", duration(seconds), limit, "max_lookback");
    let finding = (seconds > in_seconds(limit)).then(finding)?;
    Some(match hole {
        Some(hole) => finding.secondary(hole, "with the default window"),
        None => finding,
    })
}

/// Reports a selector that neither fixes a required label nor lets callers filter on it.
fn required_label(query: &Analysis<'_>, selector: &Selector<'_>, label: &str, findings: &mut Findings) {
    let is_fixed = selector.matchers().iter().any(|matcher| {
        let is_list = matcher.op == MatchOp::Regex && regex::texts(&matcher.value.value).is_some();
        matcher.label.name == label && (matcher.op == MatchOp::Equal || is_list) && !matcher.matches_empty()
    });
    if is_fixed {
        return;
    }
    let hole = selector.labels_hole();
    let note = "required by `[policy]` in `promql.toml`";
    let add = query.scope.labels.and_then(|labels| labels.let_filter(label));
    match (hole, add) {
        (None, _) => {
            let title = format!("selector without the required label `{label}`");
            findings.push(
                Diagnostic::new(Code::MissingRequiredLabel, selector.span, title)
                    .label("reads the series of every value")
                    .help(format!("write `{{labels}}` or a matcher of `{label}` in its braces"))
                    .note(note),
            );
        }
        (Some(hole), Some(add)) => {
            let title = format!("callers cannot filter on the required label `{label}`");
            let finding = Diagnostic::new(Code::MissingRequiredLabel, hole, title)
                .label("takes the labels that the file declares")
                .help(format!("{add}, or a matcher of it to each selector"))
                .note(note);
            findings.push(Diagnostic { subject: Some(label.to_owned()), ..finding });
        }
        _ => {}
    }
}

fn range(query: &Analysis<'_>, range: Option<&Duration>, findings: &mut Findings) {
    let policy = &query.scope.settings.policy;
    // The limit of windows is checked where the window is set.
    let range = range.filter(|range| !range.is_hole() || policy.max_window.is_none());
    findings.add_all(range.and_then(|range| too_long(query, range, policy.max_range.as_ref(), "range", "max_range")));
}

fn offsets(query: &Analysis<'_>, modifiers: &[Modifier], findings: &mut Findings) {
    let limit = query.scope.settings.policy.max_offset.as_ref();
    findings.add_all(
        modifiers.iter().filter_map(offset).filter_map(|offset| too_long(query, offset, limit, "offset", "max_offset")),
    );
}

/// The duration of a modifier.
const fn offset(modifier: &Modifier) -> Option<&Duration> {
    match modifier {
        Modifier::Offset { duration, .. } => Some(duration),
        _ => None,
    }
}

fn too_long(
    query: &Analysis<'_>,
    found: &Duration,
    limit: Option<&Spanned<PromDuration>>,
    what: &str,
    key: &str,
) -> Option<Diagnostic> {
    let limit = limit?.value;
    let seconds = query.seconds(found).filter(|seconds| *seconds > in_seconds(limit))?;
    let shown = duration(seconds);
    let finding = exceeds_limit(found.span, what, shown, limit, key);
    Some(match found.holes().first() {
        Some(hole) => finding.secondary(*hole, "with the default window"),
        None => finding,
    })
}

/// A duration beyond a limit of the policy.
pub(crate) fn exceeds_limit(
    span: crate::Span,
    what: &str,
    found: PromDuration,
    limit: PromDuration,
    key: &str,
) -> Diagnostic {
    let title = format!("{what} of `{found}`, longer than `{limit}`");
    Diagnostic::new(Code::ExceedsLimit, span, title)
        .label(format!("at most {limit}"))
        .note(format!("`[policy]` in `promql.toml` has `{key} = \"{limit}\"`"))
}
