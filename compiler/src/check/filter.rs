//! A caller's filter reaches every selector.

use super::query::{Findings, Query};
use crate::{Code, Diagnostic, Span};

pub(super) fn check(query: &Query<'_>, findings: &mut Findings) {
    if !query.scope.template {
        return;
    }
    let mut selectors = query.selectors().peekable();
    if selectors.peek().is_none() {
        let start = query.text.len() - query.text.trim_start().len();
        let whole = Span::of(start..start + query.text.trim().len());
        findings.push(
            Diagnostic::new(Code::UnfilteredSelector, whole, "query without `{labels}`")
                .label("a caller's filter changes nothing here"),
        );
    }
    for (_, selector, _) in selectors.filter(|(_, selector, _)| !selector.has_labels_hole()) {
        findings.push(
            Diagnostic::new(Code::UnfilteredSelector, selector.span, "selector without `{labels}`")
                .label("a caller's filter does not reach these series")
                .help(format!("write `{}`", query.with_item(selector, "{labels}"))),
        );
    }
}
