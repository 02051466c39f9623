//! What in a query looks at the whole range, so that each part of the range would get other numbers.

use crate::query::time_range::RangeError;
use crate::value::Timestamp;

/// Functions that do more than look back from each point: at the ends of the range, at the points before or after, or
/// at which series have points at all. Most are of `MetricsQL`; Prometheus takes the `k` series of `limitk` at each
/// point, but VictoriaMetrics takes them once.
///
/// <https://docs.victoriametrics.com/victoriametrics/metricsql/#metricsql-functions>,
/// <https://prometheus.io/docs/prometheus/latest/querying/functions/>
const FUNCTIONS: [&str; 16] = [
    "any",
    "buckets_limit",
    "drop_common_labels",
    "drop_empty_series",
    "end",
    "interpolate",
    "keep_last_value",
    "keep_next_value",
    "limit_offset",
    "limitk",
    "range",
    "remove_resets",
    "smooth_exponential",
    "start",
    "ttf",
    "union",
];

/// How the names of more such functions begin.
const FAMILIES: [&str; 5] = ["bottomk_", "outliers", "range_", "running_", "topk_"];

/// Words behind which a value comes, and no operator.
const OPERATORS: [&str; 10] =
    ["and", "atan2", "bool", "default", "group_left", "group_right", "if", "ifnot", "or", "unless"];

/// The query for parts of the range from `start` to `end`: `@ start()` and `@ end()` become what they are for the
/// whole.
///
/// This knows words from strings and comments, and nothing else of the language: the parser is for builds.
pub(super) fn of_parts(query: &str, start: Timestamp, end: Timestamp) -> Result<String, RangeError> {
    let tokens: Vec<(usize, &str)> = Tokens { query, at: 0 }.collect();
    let token = |at: usize| tokens.get(at).map_or("", |(_, token)| *token);
    let (mut fixed, mut copied) = (String::with_capacity(query.len()), 0);
    for (at, (offset, word)) in tokens.iter().enumerate() {
        let name = word.to_ascii_lowercase();
        let before = at.checked_sub(1).map_or("", token);
        let time = match name.as_str() {
            "start" => Some(start),
            "end" => Some(end),
            _ => None,
        };
        if let Some(time) = time
            && (before, token(at + 1), token(at + 2)) == ("@", "(", ")")
        {
            fixed.push_str(&query[copied..*offset]);
            fixed.push_str(&time.to_unix_seconds());
            copied = tokens[at + 2].0 + 1;
        } else if looks_at_all(&name, before, token(at + 1)) {
            return Err(RangeError::Indivisible { name });
        }
    }
    fixed.push_str(&query[copied..]);
    Ok(fixed)
}

/// Whether a word between two tokens is one that looks at the whole range.
fn looks_at_all(word: &str, before: &str, after: &str) -> bool {
    let is_value = |token: &str| {
        let last = token.chars().next_back().unwrap_or('(');
        (last.is_alphanumeric() || "_:)]}\"'`".contains(last))
            && !OPERATORS.contains(&token.to_ascii_lowercase().as_str())
    };
    match word {
        // Between two values, these are of MetricsQL: what is filled in, and how many series are kept.
        "default" => is_value(before),
        "limit" => before == ")" && after.starts_with(|char: char| char.is_ascii_digit()),
        _ => {
            let is_call = after == "(" || ["by", "without"].contains(&after.to_ascii_lowercase().as_str());
            is_call && (FUNCTIONS.contains(&word) || FAMILIES.iter().any(|family| word.starts_with(family)))
        }
    }
}

/// Words, strings, and all other characters one by one, with their places; neither spaces nor comments.
struct Tokens<'a> {
    query: &'a str,
    at: usize,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (usize, &'a str);

    fn next(&mut self) -> Option<(usize, &'a str)> {
        loop {
            let rest = &self.query[self.at..];
            let first = rest.chars().next()?;
            let length = match first {
                '#' => rest.find('\n').unwrap_or(rest.len()),
                '"' | '\'' | '`' => string_length(rest, first),
                // A colon is part of names, but ends the first duration in `[1h:range()]`.
                '0'..='9' => match rest.find(|char| char == ':' || !is_of_word(char)) {
                    Some(at) => at + usize::from(rest[at..].starts_with(':')),
                    None => rest.len(),
                },
                _ if is_of_word(first) => rest.find(|char| !is_of_word(char)).unwrap_or(rest.len()),
                _ => first.len_utf8(),
            };
            let at = self.at;
            self.at += length;
            if first != '#' && !first.is_whitespace() {
                return Some((at, &rest[..length]));
            }
        }
    }
}

/// A number is a word too, and so is a duration.
fn is_of_word(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | ':' | '.')
}

/// The length of the string at the start of a text, quotes included; one that does not end goes to the end.
fn string_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, char)| {
        let ends = *char == quote && !escaped;
        escaped = quote != '`' && *char == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(query: &str) -> String {
        match of_parts(query, Timestamp::from_millis(-5_000), Timestamp::from_millis(1_700_000_000_250)) {
            Ok(query) => query,
            Err(RangeError::Indivisible { name }) => format!("refused: {name}"),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn ends_become_those_of_the_whole() {
        for (query, expected) in [
            ("up @ start()", "up @ -5"),
            ("up @end() / up @ START ( )", "up @1700000000.250 / up @ -5"),
            ("rate(x{a=\"@ end()\"}[5m] @ end() offset 1m)", "rate(x{a=\"@ end()\"}[5m] @ 1700000000.250 offset 1m)"),
            ("x @ # of the range\n end()[5m:]", "x @ # of the range\n 1700000000.250[5m:]"),
            ("größe{a=`\\`} @ end()", "größe{a=`\\`} @ 1700000000.250"),
        ] {
            assert_eq!(fixed(query), expected);
        }
    }

    #[test]
    fn what_looks_at_the_whole_range_is_named() {
        for (query, name) in [
            ("up * start()", "start"),
            ("rate(x[range()])", "range"),
            ("x @ (end() - 5)", "end"),
            ("x @ end(1)", "end"),
            ("1 - Range_Avg (x)", "range_avg"),
            ("running_sum(x)", "running_sum"),
            ("topk_avg by (job) (1, x)", "topk_avg"),
            ("bottomk_last(1, x)", "bottomk_last"),
            ("outliersk WITHOUT (job) (1, x)", "outliersk"),
            ("keep_last_value(x)", "keep_last_value"),
            ("any(x) by (job)", "any"),
            ("ttf(x)", "ttf"),
            ("union(a, b)", "union"),
            ("rate(x[5m])[1h:range()]", "range"),
            ("sum(x) default 0", "default"),
            ("x{a=\"b\"}[5m] Default (y)", "default"),
            ("x default 0", "default"),
            ("sum(x) by (job) limit 3", "limit"),
            ("a{b='\\'} @ end()', c=\"\"} + drop_empty_series(x)", "drop_empty_series"),
        ] {
            assert_eq!(fixed(query), format!("refused: {name}"), "{query}");
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for query in [
            "",
            "sum by (start, end) (range_avg{limit=\"3\", default=\"0\"}) # end()",
            "topk(3, x) and default or limit > 3",
            "label_replace(x, \"start()\", 'range_avg(x)', `end(`, \"\\\"any()\")",
            "sum(x) by (end) / on (range) group_left () y",
            "avg_over_time(job:range:sum[1h:5m])",
            "step() + time() * predict_linear(x[1h], 60)",
            "range_avg:sum + limit_ratio(0.5, x)",
            "x @ 17 @ \"never closed end()",
        ] {
            assert_eq!(fixed(query), query);
        }
    }
}
