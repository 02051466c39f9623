//! The brackets that are open, and the mistakes inside them.

use super::Scanner;
use crate::vec_ext::VecExt;
use crate::{Diagnostic, Span};

/// An open bracket.
pub(super) struct Open {
    pub(super) at: usize,
    pub(super) kind: Bracket,
    /// The mistakes inside it so far.
    pub(super) edits: Vec<Edit>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Bracket {
    Paren,
    Square,
    /// `{{`.
    Double,
    /// `{`, which should have been doubled.
    Single,
}

/// A mistake inside a selector, and the text that replaces it.
pub(super) struct Edit {
    pub(super) span: Span,
    pub(super) text: String,
    pub(super) diagnostic: Diagnostic,
    /// Whether the braces of the selector belong to the mistake, so that the help replaces them as well.
    pub(super) with_braces: bool,
}

impl Scanner<'_> {
    pub(super) fn push(&mut self, kind: Bracket, width: usize) {
        self.open.push(Open { at: self.at, kind, edits: Vec::new() });
        self.at += width;
    }

    /// Closes the innermost bracket if it is of this kind. The grammar reports brackets that do not match.
    pub(super) fn pop(&mut self, kind: Bracket, width: usize) {
        if self.open.last().is_some_and(|open| open.kind == kind) {
            let edits = self.open.pop().map(|open| open.edits).unwrap_or_default();
            self.diagnostics.add_all(edits.into_iter().map(|edit| edit.diagnostic));
        }
        self.at += width;
    }

    /// The selector whose braces are the innermost open bracket.
    pub(super) fn open_selector(&self) -> Option<&Open> {
        self.open.last().filter(|open| matches!(open.kind, Bracket::Double | Bracket::Single))
    }

    /// Records a mistake. If a selector is open, it is reported with the selector.
    pub(super) fn record(&mut self, edit: Edit) {
        match self.open.iter_mut().rev().find(|open| matches!(open.kind, Bracket::Double | Bracket::Single)) {
            Some(selector) => selector.edits.push(edit),
            None => self.diagnostics.push(edit.diagnostic),
        }
    }
}
