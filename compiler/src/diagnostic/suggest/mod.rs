//! Suggestions for misspelt names, and in `literals` for invalid numbers and durations.

pub(crate) mod literals;

use promql_presets_core::sort;

use crate::vec_ext::IntoVec;

/// The candidate most similar to a name, ignoring case, if one is close: at most one edit away, two for names of six
/// letters or more, three for twelve or more, and none for a single letter.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_of(name, &candidates.into_iter().into_vec())
}

/// Compiled once for all types of candidates, as is [`nearest_words_of`].
fn nearest_of<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    // Long names are metrics rather than misspelt words.
    if name.len() > 40 {
        return None;
    }
    let name = name.to_lowercase();
    let allowed = match name.len() {
        0..2 => 0,
        2..6 => 1,
        6..12 => 2,
        _ => 3,
    };
    candidates
        .iter()
        .copied()
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= allowed)
        .map(|candidate| (distance(name.as_bytes(), candidate.to_lowercase().as_bytes()), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance * 2 <= candidate.len())
        // `rat` is closer to `rate` than to `rad`.
        .min_by_key(|(distance, candidate)| (*distance, !candidate.starts_with(&name)))
        .map(|(_, candidate)| candidate)
}

/// The candidate, given as two parts, that is most similar to a name such as `http_requests_total`: one at most two edits
/// away, else one with the same words in another order, else the one that shares most words: the first one, and two thirds of
/// all. Words that are one edit apart count as nearly the same.
#[must_use]
pub fn nearest_words<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Option<(&'a str, &'a str)> {
    nearest_words_of(name, &candidates.into_iter().into_vec())
}

fn nearest_words_of<'a>(name: &str, candidates: &[(&'a str, &'a str)]) -> Option<(&'a str, &'a str)> {
    let words = words(name, "");
    let sorted = sorted(&words);
    let ranked = candidates.iter().copied().filter_map(|(base, suffix)| {
        if let Some(edits) = edits(name, base, suffix) {
            return Some(((edits, 0), (base, suffix)));
        }
        // Most names are rejected by their first word.
        same(words.first()?, base.split(SEPARATORS).next()?)?;
        let others = self::words(base, suffix);
        let score = 100 * common(&words, &others) / (SAME * (words.len() + others.len()) / 2);
        let is_reordered = others.len() == words.len() && self::sorted(&others) == sorted;
        let rank = if is_reordered { MAX_EDITS + 1 } else { MAX_EDITS + 2 };
        (is_reordered || score >= 66).then_some(((rank, 100 - score), (base, suffix)))
    });
    // Of several, the first one that is not only a time.
    let key = |(rank, (base, suffix)): &((usize, usize), (&str, &str))| {
        (*rank, base.ends_with("_created") || *suffix == "_created")
    };
    ranked.min_by_key(key).map(|(_, found)| found)
}

const MAX_EDITS: usize = 2;

/// The edits between a name and a candidate, if they are few for its length and leave its first letter.
fn edits(name: &str, base: &str, suffix: &str) -> Option<usize> {
    let allowed = if name.len() < 12 { 1 } else { MAX_EDITS };
    let is_close = (base.len() + suffix.len()).abs_diff(name.len()) <= allowed && name.len() > 4;
    // Long texts are no names that someone typed.
    if !is_close || name.len() > 200 || name.as_bytes().first() != base.as_bytes().first() {
        return None;
    }
    let edits = distance(name.as_bytes(), &[base.as_bytes(), suffix.as_bytes()].concat());
    (edits <= allowed).then_some(edits)
}

fn sorted<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut sorted = words.to_vec();
    sort::by(&mut sorted, Ord::cmp);
    sorted
}

const SEPARATORS: [char; 3] = ['_', ':', '.'];

/// The score of two equal words.
const SAME: usize = 10;

fn words<'a>(base: &'a str, suffix: &'a str) -> Vec<&'a str> {
    base.split(SEPARATORS).chain(suffix.split(SEPARATORS).skip(1)).into_vec()
}

/// The score of two equal or similar words.
fn same(a: &str, b: &str) -> Option<usize> {
    match a == b {
        true => Some(SAME),
        false if a.len() > 2 && is_one_edit(a, b) => Some(SAME - 1),
        false => None,
    }
}

/// The score of the words that two names share, in order.
fn common(a: &[&str], b: &[&str]) -> usize {
    let mut above = vec![0; b.len() + 1];
    for x in a {
        let mut before = 0;
        for (at, y) in b.iter().enumerate() {
            let both = same(x, y).map_or(0, |count| before + count);
            before = above[at + 1];
            above[at + 1] = both.max(before).max(above[at]);
        }
    }
    above.last().copied().unwrap_or_default()
}

/// Whether two words are one edit apart.
pub(crate) fn is_one_edit(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[same..], &b[same..]);
    let swapped = || a.len() > 1 && b.len() > 1 && [a[0], a[1]] == [b[1], b[0]] && a[2..] == b[2..];
    let (after_a, after_b) = (a.get(1..), b.get(1..));
    a != b && (after_a == Some(b) || after_b == Some(a) || (after_a.is_some() && after_a == after_b) || swapped())
}

/// Edits between two words: insertions, deletions, replacements, and swaps of neighbours.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).into_vec();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut cost = (above[j] + usize::from(x != y)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{is_one_edit, nearest, nearest_words};

    #[test]
    fn names_of_metrics() {
        let candidates = [
            ("http_requests_created", ""),
            ("http_requests_total", ""),
            ("http_responses_total", ""),
            ("http_request_duration_seconds", "_bucket"),
            ("http_request_duration_seconds", "_count"),
            ("node_cpu_seconds_total", ""),
            ("kube_pod_container_resource_requests", ""),
            ("mysql_global_status_queries", ""),
            ("mysql_global_status_slow_queries", ""),
            ("mysql_global_status_uptime", ""),
            ("redis_memory_max_bytes", ""),
            ("redis_memory_used_bytes", ""),
        ];
        for (typed, meant) in [
            ("http_request_total", Some("http_requests_total")),
            ("http_request_duration_second_count", Some("http_request_duration_seconds_count")),
            ("http_request_duration_bucket", Some("http_request_duration_seconds_bucket")),
            ("http_requests", Some("http_requests_total")),
            ("node_cpu", Some("node_cpu_seconds_total")),
            ("kube_pod_container_resource_requests_cpu_cores", Some("kube_pod_container_resource_requests")),
            ("mysql_global_status_up_time", Some("mysql_global_status_uptime")),
            ("mysql_global_status_slowqueries", Some("mysql_global_status_slow_queries")),
            ("redis_used_memory_bytes", Some("redis_memory_used_bytes")),
            ("redis_memoryused_bytes", Some("redis_memory_used_bytes")),
            ("http_requets_totla", Some("http_requests_total")),
            ("http_request_duration_secondscount", Some("http_request_duration_seconds_count")),
            ("node_memory_total", None),
            ("requests_total", None),
            ("", None),
        ] {
            let found = nearest_words(typed, candidates).map(|(base, suffix)| format!("{base}{suffix}"));
            assert_eq!(found.as_deref(), meant, "{typed}");
        }
    }

    #[test]
    fn one_edit() {
        for (a, b) in [("seconds", "second"), ("second", "seconds"), ("abc", "axc"), ("abc", "acb"), ("abc", "bc")] {
            assert!(is_one_edit(a, b), "{a} {b}");
        }
        for (a, b) in [("abc", "abc"), ("abcd", "badc"), ("abc", "a"), ("abcd", "axyd"), ("ab", "cd")] {
            assert!(!is_one_edit(a, b), "{a} {b}");
        }
    }

    #[test]
    fn finds_what_is_meant() {
        let placeholders = ["metric_name", "labels", "group_by", "window"];
        for (typed, meant) in [
            ("windw", Some("window")),
            ("lables", Some("labels")),
            ("LABELS", Some("labels")),
            ("groupby", Some("group_by")),
            ("metricname", Some("metric_name")),
            ("step", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, placeholders), meant, "{typed}");
        }
        let functions = ["rad", "rate", "irate", "increase", "absent"];
        for (typed, meant) in
            [("rat", Some("rate")), ("incraese", Some("increase")), ("absant", Some("absent")), ("foo", None)]
        {
            assert_eq!(nearest(typed, functions), meant, "{typed}");
        }
        assert_eq!(nearest("x", ["by", "on", "or"]), None);
    }
}
