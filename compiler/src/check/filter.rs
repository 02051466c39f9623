//! A caller's filter reaches every selector. A query without selectors reads no series, so nothing can be missed.

use super::query::{Findings, Query};
use crate::{Code, Diagnostic};

pub(super) fn check(query: &Query<'_>, findings: &mut Findings) {
    if !query.scope.template {
        return;
    }
    for (_, selector, _) in query.selectors().filter(|(_, selector, _)| !selector.has_labels_hole()) {
        let help = match query.slice(selector.span) {
            "true" => "write `1`".to_owned(),
            "false" => "write `0`".to_owned(),
            _ => format!("write `{}`", query.with_item(selector, "{labels}")),
        };
        findings.push(
            Diagnostic::new(Code::UnfilteredSelector, selector.span, "selector without `{labels}`")
                .label("a caller's filter does not reach these series")
                .help(help),
        );
    }
}
