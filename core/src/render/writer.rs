//! Writes names, labels and matchers, with commas between the elements of a list.

use crate::Matcher;
use crate::escape::escape_into;
use crate::name::{is_bare_label, is_bare_metric};

/// A query that is being written.
pub(super) struct Writer {
    pub(super) query: String,
    /// Whether the current list has an element.
    pub(super) in_list: bool,
    /// Whether no label needs quotes and no value needs escapes.
    pub(super) is_plain: bool,
}

impl Writer {
    /// Starts the next element of a list.
    pub(super) fn item(&mut self) -> &mut String {
        if self.in_list {
            self.query.push(',');
        }
        self.in_list = true;
        &mut self.query
    }

    pub(super) fn matcher(&mut self, matcher: &Matcher<'_>) {
        self.label(matcher.label());
        self.query.push_str(matcher.op().as_str());
        let value = matcher.value().unwrap_or_default();
        if self.is_plain {
            self.query.push('"');
            self.query.push_str(value);
            self.query.push('"');
        } else {
            escape_into(&mut self.query, value);
        }
    }

    pub(super) fn label(&mut self, label: &str) {
        let is_bare = self.is_plain || is_bare_label(label);
        let out = self.item();
        if is_bare {
            out.push_str(label);
        } else {
            escape_into(out, label);
        }
    }

    pub(super) fn metric_name(&mut self, parts: [&str; 3], open: bool) {
        let start = self.query.len();
        for part in parts {
            self.query.push_str(part);
        }
        self.in_list = false;
        if is_bare_metric(&self.query[start..]) {
            if open {
                self.query.push('{');
            }
            return;
        }
        let name = self.query.split_off(start);
        self.query.push('{');
        escape_into(&mut self.query, &name);
        if open {
            self.in_list = true;
        } else {
            self.query.push('}');
        }
    }
}
