//! The place of the cursor in a template that is being written. Text after the cursor is ignored.

use std::ops::Range;

use promql_presets_core::keyword;

/// The place of the cursor in a query.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Spot<'t> {
    /// In a comment, or in a string that is not the value of a label.
    Text,
    /// In a placeholder, after its brace.
    Placeholder,
    /// In the string that a label is compared with.
    Value { metric: &'t str, label: &'t str },
    /// Between the braces of a selector.
    Matchers { metric: &'t str },
    /// In the parentheses of `by`, `without`, `on` and the like.
    Grouping,
    /// In the brackets of a range.
    Range,
    /// Where an expression can be.
    Expression,
}

/// A bracket that is open, and what it belongs to.
enum Open<'t> {
    Braces {
        metric: &'t str,
        label: &'t str,
    },
    /// After the name of an aggregator, or after an operator.
    Grouping {
        of: &'t str,
    },
    /// The arguments of a function or an aggregator; without a name, parentheses around an expression.
    Arguments {
        of: &'t str,
        commas: usize,
    },
    Range,
}

/// The function or the aggregator whose arguments the cursor is in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call<'t> {
    pub(super) name: &'t str,
    /// The index of the argument.
    pub(super) argument: usize,
}

/// The place of the cursor at the end of `before`, and where the word that it is in starts.
pub(super) fn at(before: &str) -> (Spot<'_>, usize) {
    let mut scanner = Scanner::of(before);
    match scanner.run() {
        Some(cut) => cut,
        None => (scanner.spot(), scanner.word()),
    }
}

/// The innermost call around the end of `before`.
pub(super) fn call(before: &str) -> Option<Call<'_>> {
    let mut scanner = Scanner::of(before);
    scanner.run();
    scanner.open.into_iter().rev().find_map(|open| match open {
        Open::Arguments { of, commas } if !of.is_empty() => Some(Call { name: of, argument: commas }),
        _ => None,
    })
}

/// Reads a template up to the cursor.
struct Scanner<'t> {
    before: &'t str,
    /// The offset of the current character.
    at: usize,
    open: Vec<Open<'t>>,
    /// The last name, which may have placeholders in it, and the one before it.
    name: Range<usize>,
    previous: Range<usize>,
    /// The aggregator of the last grouping, and where that ends.
    grouped: (&'t str, usize),
}

impl<'t> Scanner<'t> {
    fn of(before: &'t str) -> Self {
        Self { before, at: 0, open: Vec::new(), name: 0..0, previous: 0..0, grouped: ("", 0) }
    }

    /// Reads everything. Returns the spot and the start of the word if the last token is cut off.
    fn run(&mut self) -> Option<(Spot<'t>, usize)> {
        while let Some(c) = self.before[self.at..].chars().next() {
            let rest = &self.before[self.at..];
            let mut end = self.at + c.len_utf8();
            match c {
                '#' => match rest.find('\n') {
                    Some(line) => end = self.at + line,
                    None => return Some((Spot::Text, self.before.len())),
                },
                '"' | '\'' | '`' => match string_end(rest, c) {
                    Some(length) => end = self.at + length,
                    None => return Some((self.spot_in_string(), end)),
                },
                '{' if rest.starts_with("{{") => {
                    self.open.push(Open::Braces { metric: self.name_before(), label: "" });
                    end += 1;
                }
                '}' if rest.starts_with("}}") => {
                    self.open.pop();
                    end += 1;
                }
                '{' => match rest.find(|c: char| !is_name(c) && c != '{') {
                    Some(close) if rest[close..].starts_with('}') => {
                        end = self.at + close + 1;
                        self.extend_name(end);
                    }
                    Some(_) => {}
                    None => return Some((Spot::Placeholder, self.at)),
                },
                '(' => self.open_parenthesis(),
                '[' => self.open.push(Open::Range),
                ')' | ']' => {
                    if let Some(Open::Grouping { of }) = self.open.pop() {
                        self.grouped = (of, end);
                    }
                }
                '=' | '!' => {
                    if let Some(Open::Braces { label, .. }) = self.open.last_mut() {
                        *label = self.before[self.name.clone()].trim_matches('"');
                    }
                }
                ',' => match self.open.last_mut() {
                    Some(Open::Braces { label, .. }) => *label = "",
                    Some(Open::Arguments { commas, .. }) => *commas += 1,
                    _ => {}
                },
                c if is_name(c) => {
                    if self.name.end != self.at {
                        self.previous = self.name.clone();
                    }
                    end = self.at + rest.find(|c| !is_name(c)).unwrap_or(rest.len());
                    self.extend_name(end);
                }
                _ => {}
            }
            self.at = end;
        }
        None
    }

    /// A part of a name, which may follow other parts: `{metric_name}_total`.
    fn extend_name(&mut self, end: usize) {
        let start = if self.name.end == self.at && self.at > 0 { self.name.start } else { self.at };
        self.name = start..end;
    }

    /// Whether nothing but white space follows this offset.
    fn is_last(&self, end: usize) -> bool {
        end > 0 && end == self.before[..self.at].trim_end().len()
    }

    /// The name right before the current character, or nothing.
    fn name_before(&self) -> &'t str {
        if self.is_last(self.name.end) { &self.before[self.name.clone()] } else { "" }
    }

    fn open_parenthesis(&mut self) {
        self.open.push(match self.name_before() {
            keyword::BY | keyword::WITHOUT => Open::Grouping { of: &self.before[self.previous.clone()] },
            name if keyword::GROUPINGS.contains(&name) => Open::Grouping { of: "" },
            "" if self.is_last(self.grouped.1) => Open::Arguments { of: self.grouped.0, commas: 0 },
            name => Open::Arguments { of: name, commas: 0 },
        });
    }

    fn spot_in_string(&self) -> Spot<'t> {
        match self.open.last() {
            Some(Open::Braces { metric, label }) if !label.is_empty() => Spot::Value { metric, label },
            _ => Spot::Text,
        }
    }

    fn spot(&self) -> Spot<'t> {
        match self.open.last() {
            Some(Open::Braces { metric, .. }) => Spot::Matchers { metric },
            Some(Open::Grouping { .. }) => Spot::Grouping,
            Some(Open::Range) => Spot::Range,
            Some(Open::Arguments { .. }) | None => Spot::Expression,
        }
    }

    /// Where the word at the end starts.
    fn word(&self) -> usize {
        if self.name.end == self.before.len() { self.name.start } else { self.before.len() }
    }
}

/// The length of a string with its quotes; `None` if it has no end.
fn string_end(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    let is_end = |(_, c): &(usize, char)| {
        let end = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped && quote != '`';
        end
    };
    text.char_indices().skip(1).find(is_end).map(|(at, _)| at + 1)
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls() {
        for (before, expected) in [
            ("", None),
            ("up", None),
            ("rate(", Some(("rate", 0))),
            ("rate(up{{a=\"", Some(("rate", 0))),
            ("rate(up{{a=\"b\",{labels}}}[", Some(("rate", 0))),
            ("rate(up[5m])", None),
            ("round(a, ", Some(("round", 1))),
            ("round(rate(a, b), ", Some(("round", 1))),
            ("round((a + b, ", Some(("round", 0))),
            ("label_replace(up, \"a\", \"", Some(("label_replace", 2))),
            ("sum by (", None),
            ("topk by (a, {group_by}) (3, ", Some(("topk", 1))),
            ("topk without(a)(", Some(("topk", 0))),
            ("sum(a) by (b) * (", None),
            ("a * on (b) group_left (c) (", None),
        ] {
            let found = call(before);
            assert_eq!(found, expected.map(|(name, argument)| Call { name, argument }), "{before}");
        }
    }

    #[test]
    fn spots() {
        let value = |metric, label| Spot::Value { metric, label };
        let matchers = |metric| Spot::Matchers { metric };
        for (before, spot, word) in [
            ("", Spot::Expression, ""),
            ("sum(ra", Spot::Expression, "ra"),
            ("sum by (jo", Spot::Grouping, "jo"),
            ("sum by ({gr", Spot::Placeholder, "{gr"),
            ("sum by ({group_by})(", Spot::Expression, ""),
            ("a + on (x, ", Spot::Grouping, ""),
            ("up{{", matchers("up"), ""),
            ("up{{jo", matchers("up"), "jo"),
            ("up{{{la", Spot::Placeholder, "{la"),
            ("up{{{labels},jo", matchers("up"), "jo"),
            ("{metric_name}_bucket{{le=\"", value("{metric_name}_bucket", "le"), ""),
            ("up{{a=\"b\",job=~\"x", value("up", "job"), "x"),
            ("up{{a=\"b\",", matchers("up"), ""),
            ("sum({{job!=\"", value("", "job"), ""),
            ("up{{{labels}}}", Spot::Expression, ""),
            ("up{{{labels}}}[", Spot::Range, ""),
            ("up{{{labels}}}[{wi", Spot::Placeholder, "{wi"),
            ("up{{{labels}}}[5m] of", Spot::Expression, "of"),
            ("up # sum(", Spot::Text, ""),
            ("up # sum(\n+ ra", Spot::Expression, "ra"),
            ("label_replace(up, \"a", Spot::Text, "a"),
            ("label_replace(up, \"a\\\"\", ", Spot::Expression, ""),
            (")]}}}", Spot::Expression, ""),
            ("ü😀{{", matchers("ü"), ""),
        ] {
            let (found, start) = at(before);
            // Other characters end a name.
            if before.starts_with('ü') {
                assert!(matches!(found, Spot::Matchers { .. }), "{before}");
                continue;
            }
            assert_eq!((found, &before[start..]), (spot, word), "{before}");
        }
    }
}
