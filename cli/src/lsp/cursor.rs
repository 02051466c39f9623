//! What stands at the cursor in a template that is being written, so that nothing after the cursor counts.

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

/// The words before labels in parentheses.
const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// What is open at some place.
enum Open<'t> {
    Braces { metric: &'t str, label: &'t str },
    Grouping,
    Parenthesis,
    Range,
}

/// The place of the cursor at the end of `before`, and where the word that it is in starts.
pub(super) fn at(before: &str) -> (Spot<'_>, usize) {
    let mut open: Vec<Open<'_>> = Vec::new();
    // The last name, which may have placeholders in it.
    let mut name = 0..0;
    let mut at = 0;
    while let Some(c) = before[at..].chars().next() {
        let rest = &before[at..];
        let mut end = at + c.len_utf8();
        match c {
            '#' => match rest.find('\n') {
                Some(line) => end = at + line,
                None => return (Spot::Text, before.len()),
            },
            '"' | '\'' | '`' => {
                let Some(length) = string_end(rest, c) else {
                    let spot = match open.last() {
                        Some(Open::Braces { metric, label }) if !label.is_empty() => Spot::Value { metric, label },
                        _ => Spot::Text,
                    };
                    return (spot, end);
                };
                end = at + length;
            }
            '{' if rest.starts_with("{{") => {
                let metric = if name.end == before[..at].trim_end().len() { &before[name.clone()] } else { "" };
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
                None => return (Spot::Placeholder, at),
            },
            '(' => {
                open.push(if GROUPINGS.contains(&&before[name.clone()]) { Open::Grouping } else { Open::Parenthesis });
            }
            '[' => open.push(Open::Range),
            ')' | ']' => _ = open.pop(),
            '=' | '!' => {
                if let Some(Open::Braces { label, .. }) = open.last_mut() {
                    *label = before[name.clone()].trim_matches('"');
                }
            }
            ',' => {
                if let Some(Open::Braces { label, .. }) = open.last_mut() {
                    *label = "";
                }
            }
            c if is_name(c) => {
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
        Some(Open::Grouping) => Spot::Grouping,
        Some(Open::Range) => Spot::Range,
        Some(Open::Parenthesis) | None => Spot::Expression,
    };
    (spot, word)
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
