//! Code actions: the helps of findings as quick fixes.

use std::collections::HashMap;

use gen_lsp_types::{CodeAction, CodeActionKind, CodeActionParams, CodeActionResponse, TextEdit, WorkspaceEdit};
use promql_presets_compiler::Finding;
use promql_presets_compiler::diagnostic::Fix;

use super::fixes::{self, QuickFix};
use super::workspace::View;

/// The fixes of the findings in a range.
pub(super) fn actions(view: &View<'_>, params: &CodeActionParams) -> Option<Vec<CodeActionResponse>> {
    let only = params.context.only.as_ref();
    if only.is_some_and(|only| !only.iter().any(|kind| ["", "quickfix"].contains(&kind.as_str()))) {
        return None;
    }
    let asked = view.span(params.range);
    let in_range = |finding: &&Finding| {
        let span = finding.diagnostic.span;
        span.start <= asked.end && asked.start <= span.end
    };
    let action = |finding: &Finding, fix: QuickFix, is_preferred| {
        let range = view.range(finding.diagnostic.span);
        let edit = |fix: Fix| TextEdit { range: view.range(fix.span), new_text: fix.text };
        let changes = HashMap::from([(view.uri.clone(), fix.edits.into_iter().map(edit).collect())]);
        let diagnostics = params.context.diagnostics.iter().filter(|shown| shown.range == range);
        CodeActionResponse::CodeAction(CodeAction {
            title: fix.title,
            kind: Some(CodeActionKind::QuickFix),
            diagnostics: Some(diagnostics.cloned().collect()),
            is_preferred: Some(is_preferred),
            edit: Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }),
            ..CodeAction::default()
        })
    };
    let mut actions = Vec::new();
    for finding in view.findings().filter(in_range) {
        let fixes = fixes::of_help(view.checked(), finding);
        let is_only = fixes.len() == 1;
        for fix in fixes {
            let is_preferred = is_only && fix.is_clean;
            actions.push(action(finding, fix, is_preferred));
        }
        actions.extend(fixes::allow(view.checked(), finding).map(|fix| action(finding, fix, false)));
    }
    Some(actions)
}
