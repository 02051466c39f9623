//! Checks of the policy in a registry's settings.

use promql_presets_core::PromDuration;

use super::analysis::{Analysis, Findings};
use super::pattern::alternatives;
use super::tree::{duration, in_seconds};
use crate::diagnostic::source::Spanned;
use crate::promql::{Duration, ExprKind, MatchOp, MatcherItem, Modifier, Selector};
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
}

/// Reports a selector that neither fixes a required label nor lets callers filter on it.
fn required_label(query: &Analysis<'_>, selector: &Selector<'_>, label: &str, findings: &mut Findings) {
    let is_fixed = selector.matchers().any(|matcher| {
        let is_list = matcher.op == MatchOp::Regex && alternatives(&matcher.value.value).is_some();
        matcher.label.name == label && (matcher.op == MatchOp::Equal || is_list) && !matcher.matches_empty()
    });
    if is_fixed {
        return;
    }
    let hole = selector.items().iter().find(|item| matches!(item, MatcherItem::Labels(_)));
    let declared = |labels: &crate::file::Labels| {
        labels.labels.iter().find(|it| it.name.value == label).map(|it| it.usage.is_filter())
    };
    let note = "required by `[policy]` in `promql.toml`";
    match (hole, query.scope.labels) {
        (None, _) => {
            let title = format!("selector without the required label `{label}`");
            findings.push(
                Diagnostic::new(Code::MissingRequiredLabel, selector.span, title)
                    .label("reads the series of every value")
                    .help(format!("write `{{labels}}` or a matcher of `{label}` in its braces"))
                    .note(note),
            );
        }
        (Some(hole), Some(labels)) if declared(labels) != Some(true) => {
            let title = format!("callers cannot filter on the required label `{label}`");
            let add = match declared(labels) {
                Some(_) => format!("add `\"filter\"` to `use` of `{label}`"),
                None => format!("add `{label} = \"string\"` to `[labels]`"),
            };
            let finding = Diagnostic::new(Code::MissingRequiredLabel, hole.span(), title)
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
    findings.extend(range.and_then(|range| too_long(query, range, policy.max_range.as_ref(), "range", "max_range")));
}

fn offsets(query: &Analysis<'_>, modifiers: &[Modifier], findings: &mut Findings) {
    let limit = query.scope.settings.policy.max_offset.as_ref();
    let offsets = modifiers.iter().filter_map(|modifier| match modifier {
        Modifier::Offset { duration, .. } => Some(duration),
        _ => None,
    });
    findings.extend(offsets.filter_map(|offset| too_long(query, offset, limit, "offset", "max_offset")));
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
    let title = format!("{what} of {found}, longer than {limit}");
    Diagnostic::new(Code::ExceedsLimit, span, title)
        .label(format!("at most {limit}"))
        .note(format!("`[policy]` in `promql.toml` has `{key} = \"{limit}\"`"))
}
