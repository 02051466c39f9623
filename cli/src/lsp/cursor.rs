//! What stands at the cursor in a template that is being written, so that nothing after the cursor counts.

use promql_presets_core::keyword;

/// The place of the cursor in a query.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Spot<'t> {
    /// In a comment, or in a string that is no value of a label.
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

/// What is open at some place.
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
    let (spot, word, _) = scan(before);
    (spot, word)
}

/// The innermost call around the end of `before`.
pub(super) fn call(before: &str) -> Option<Call<'_>> {
    let open = scan(before).2;
    open.into_iter().rev().find_map(|open| match open {
        Open::Arguments { of, commas } if !of.is_empty() => Some(Call { name: of, argument: commas }),
        _ => None,
    })
}

/// The spot, the start of the word, and what is open.
fn scan(before: &str) -> (Spot<'_>, usize, Vec<Open<'_>>) {
    let mut open: Vec<Open<'_>> = Vec::new();
    // The last name, which may have placeholders in it, and the one before it.
    let (mut name, mut previous) = (0..0, 0..0);
    // The aggregator of a grouping, and where that ends.
    let mut grouped = ("", 0);
    let mut at = 0;
    while let Some(c) = before[at..].chars().next() {
        let rest = &before[at..];
        let mut end = at + c.len_utf8();
        let is_last = |end: usize| end > 0 && end == before[..at].trim_end().len();
        match c {
            '#' => match rest.find('\n') {
                Some(line) => end = at + line,
                None => return (Spot::Text, before.len(), open),
            },
            '"' | '\'' | '`' => {
                let Some(length) = string_end(rest, c) else {
                    let spot = match open.last() {
                        Some(Open::Braces { metric, label }) if !label.is_empty() => Spot::Value { metric, label },
                        _ => Spot::Text,
                    };
                    return (spot, end, open);
                };
                end = at + length;
            }
            '{' if rest.starts_with("{{") => {
                let metric = if is_last(name.end) { &before[name.clone()] } else { "" };
                open.push(Open::Braces { metric, label: "" });
                end += 1;
            }
            '}' if rest.starts_with("}}") => {
                open.pop();
                end += 1;
            }
            '{' => match rest.find(|c: char| !is_name(c) && c != '{') {
                Some(close) if rest[close..].starts_with('}') => {
                    end = at + close + 1;
                    name = if name.end == at { name.start..end } else { at..end };
                }
                Some(_) => {}
                None => return (Spot::Placeholder, at, open),
            },
            '(' => {
                let own = if is_last(name.end) { &before[name.clone()] } else { "" };
                open.push(match own {
                    keyword::BY | keyword::WITHOUT => Open::Grouping { of: &before[previous.clone()] },
                    own if keyword::GROUPINGS.contains(&own) => Open::Grouping { of: "" },
                    "" if is_last(grouped.1) => Open::Arguments { of: grouped.0, commas: 0 },
                    own => Open::Arguments { of: own, commas: 0 },
                });
            }
            '[' => open.push(Open::Range),
            ')' | ']' => {
                if let Some(Open::Grouping { of }) = open.pop() {
                    grouped = (of, end);
                }
            }
            '=' | '!' => {
                if let Some(Open::Braces { label, .. }) = open.last_mut() {
                    *label = before[name.clone()].trim_matches('"');
                }
            }
            ',' => match open.last_mut() {
                Some(Open::Braces { label, .. }) => *label = "",
                Some(Open::Arguments { commas, .. }) => *commas += 1,
                _ => {}
            },
            c if is_name(c) => {
                if name.end != at {
                    previous = name.clone();
                }
                end = at + rest.find(|c| !is_name(c)).unwrap_or(rest.len());
                name = if name.end == at && at > 0 { name.start..end } else { at..end };
            }
            _ => {}
        }
        at = end;
    }
    let word = if name.end == before.len() { name.start } else { before.len() };
    let spot = match open.last() {
        Some(Open::Braces { metric, .. }) => Spot::Matchers { metric },
        Some(Open::Grouping { .. }) => Spot::Grouping,
        Some(Open::Range) => Spot::Range,
        Some(Open::Arguments { .. }) | None => Spot::Expression,
    };
    (spot, word, open)
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
            // A name of other characters is none.
            if before.starts_with('ü') {
                assert!(matches!(found, Spot::Matchers { .. }), "{before}");
                continue;
            }
            assert_eq!((found, &before[start..]), (spot, word), "{before}");
        }
    }
}
