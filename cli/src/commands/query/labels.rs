//! The names of series: the labels in which they differ.

use std::collections::{BTreeMap, BTreeSet};

use promql_presets::Labels;

use super::screen::cut;
use crate::output;

/// The shortest value that is worth showing in part.
pub(super) const MIN_VALUE: usize = 8;

/// The shortest common part of values that is left out.
const MIN_COMMON: usize = 4;

/// The labels that all series share; all labels of a single one.
pub(super) fn shared(all: &[&Labels]) -> Labels {
    let [first, rest @ ..] = all else { return Labels::default() };
    let is_shared = |(name, value): &(&str, &str)| rest.iter().all(|other| other.get(name) == Some(*value));
    first.iter().filter(is_shared).collect()
}

/// The labels of a series that are not shared.
pub(super) fn own(labels: &Labels, shared: &Labels) -> Labels {
    labels.iter().filter(|(name, value)| shared.get(name) != Some(*value)).collect()
}

/// Labels as a selector, with values cut so that it fits; nothing without labels.
pub(super) fn selector(labels: &Labels, width: usize) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let with_values = |most: usize| {
        // A name that is cut would have to be quoted.
        let shortened = |(name, value): (&str, &str)| {
            (name.to_owned(), if name == "__name__" { value.to_owned() } else { cut(value, most) })
        };
        labels.iter().map(shortened).collect::<Labels>().to_string()
    };
    let longest = labels.iter().map(|(_, value)| output::width(value)).max().unwrap_or_default().min(width);
    let whole = labels.to_string();
    if output::width(&whole) <= width {
        return cut(&whole, width);
    }
    let fitting = (MIN_VALUE..=longest).rev().map(with_values).find(|text| output::width(text) <= width);
    fitting.unwrap_or_else(|| cut(&whole, width))
}

/// The labels of several series, each as a selector, so that they can be told apart: where the room is narrow, values are
/// shown without what all of them start and end with, and then without the names of their labels.
pub(super) fn selectors(all: &[Labels], width: usize) -> Vec<String> {
    let distinct = |texts: &[String]| texts.iter().collect::<BTreeSet<_>>().len();
    let of = |shown: &dyn Fn(&Labels) -> String, all: &[Labels]| all.iter().map(shown).collect::<Vec<String>>();
    let whole = of(&|labels| selector(labels, usize::MAX), all);
    let expected = distinct(&whole);
    if whole.iter().all(|text| output::width(text) <= width) {
        return whole;
    }
    let short = without_common_parts(all);
    let forms = [
        of(&|labels| selector(labels, width), all),
        of(&|labels| selector(labels, width), &short),
        of(&|labels| values(labels, width), &short),
    ];
    let [.., last] = &forms;
    forms.iter().find(|texts| distinct(texts) == expected).unwrap_or(last).clone()
}

/// Labels whose values lack what the values of all series start and end with, if that is long.
fn without_common_parts(all: &[Labels]) -> Vec<Labels> {
    let common = |name: &str, of: &dyn Fn(&str) -> Vec<char>| {
        let mut values = all.iter().map(|labels| of(labels.get(name).unwrap_or_default()));
        let first = values.next().unwrap_or_default();
        values.fold(first.len(), |most, other| {
            first.iter().zip(&other).take(most).take_while(|(one, other)| one == other).count()
        })
    };
    let names: BTreeSet<&str> = all.iter().flat_map(|labels| labels.iter().map(|(name, _)| name)).collect();
    let parts: BTreeMap<&str, [usize; 2]> = names
        .into_iter()
        .map(|name| {
            let forward: &dyn Fn(&str) -> Vec<char> = &|value| value.chars().collect();
            (name, [common(name, forward), common(name, &|value| value.chars().rev().collect())])
        })
        .collect();
    let shortened = |(name, value): (&str, &str)| {
        let [start, end] = parts.get(name).copied().unwrap_or_default();
        let len = value.chars().count();
        let start = if start < MIN_COMMON { 0 } else { start };
        let end = if end < MIN_COMMON || start + end >= len { 0 } else { end };
        let middle: String = value.chars().skip(start).take(len - start - end).collect();
        let dots = |cut: usize| if cut > 0 { "…" } else { "" };
        (name.to_owned(), format!("{}{middle}{}", dots(start), dots(end)))
    };
    all.iter().map(|labels| labels.iter().map(shortened).collect()).collect()
}

/// The values of labels, cut so that they fit.
fn values(labels: &Labels, width: usize) -> String {
    let at_most = |most: usize| labels.iter().map(|(_, value)| cut(value, most)).collect::<Vec<_>>().join(" ");
    let longest = labels.iter().map(|(_, value)| output::width(value)).max().unwrap_or_default().min(width);
    (1..=longest)
        .rev()
        .map(at_most)
        .find(|text| output::width(text) <= width)
        .unwrap_or_else(|| cut(&at_most(width), width))
}

/// The line above a result: the labels that all its series share, and their unit.
pub(super) fn heading(shared: &Labels, unit: Option<&str>, width: usize) -> String {
    // Numbers show these units themselves.
    let unit = unit.filter(|unit| !matches!(*unit, "bytes" | "seconds")).unwrap_or_default();
    let line = match (shared.is_empty(), unit.is_empty()) {
        (true, true) => return String::new(),
        (true, false) => cut(unit, width),
        (false, true) => selector(shared, width),
        (false, false) => {
            let unit = cut(unit, width / 2);
            selector(shared, width - output::width(&unit) - 2) + ", " + &unit
        }
    };
    line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_labels_are_said_once() {
        let all: [Labels; 2] =
            ["200", "500"].map(|code| [("__name__", "x"), ("job", "api"), ("code", code)].into_iter().collect());
        let both = shared(&[&all[0], &all[1]]);
        assert_eq!(both.to_string(), "x{job=\"api\"}");
        assert_eq!(own(&all[1], &both).to_string(), "{code=\"500\"}");
        assert!(shared(&[&all[0]]) == all[0] && shared(&[]).is_empty());
        assert_eq!(heading(&both, Some("ratio"), 80), "x{job=\"api\"}, ratio\n");
        assert_eq!(heading(&both, Some("bytes"), 80), "x{job=\"api\"}\n");
        assert_eq!(heading(&Labels::default(), Some("requests per second"), 10), "reque…cond\n");
        assert_eq!(heading(&Labels::default(), None, 80), "");
    }

    #[test]
    fn long_values_are_cut() {
        let labels: Labels = [("pod", "frontend-5d4f7c9b8d-abcde"), ("zone", "a")].into_iter().collect();
        assert_eq!(selector(&Labels::default(), 80), "");
        assert_eq!(selector(&labels, 80), "{pod=\"frontend-5d4f7c9b8d-abcde\", zone=\"a\"}");
        assert_eq!(selector(&labels, 36), "{pod=\"frontend-…8d-abcde\", zone=\"a\"}");
        assert_eq!(selector(&labels, 20), "{pod=\"fron…zone=\"a\"}");
    }
    #[test]
    fn narrow_selectors_differ() {
        let of = |all: &[&[(&str, &str)]], width| {
            selectors(&all.iter().map(|labels| labels.iter().copied().collect()).collect::<Vec<_>>(), width)
        };
        let hosts: [&[(&str, &str)]; 3] = [
            &[("instance", "host-1.example.com:9090"), ("job", "api")],
            &[("instance", "host-2.example.com:9090"), ("job", "api")],
            &[("instance", "host-10.example.com:9090"), ("job", "web")],
        ];
        assert_eq!(of(&hosts, 60)[1], "{instance=\"host-2.example.com:9090\", job=\"api\"}");
        assert_eq!(of(&hosts, 32)[1], "{instance=\"…2…\", job=\"api\"}");
        assert_eq!(of(&hosts, 12), ["…1… api", "…2… api", "…10… web"]);
        let names: [&[(&str, &str)]; 2] =
            [&[("__name__", "http_request_duration_seconds")], &[("__name__", "http_response_size_bytes")]];
        assert_eq!(of(&names, 40), ["http_request_duration_seconds", "http_response_size_bytes"]);
        assert_eq!(of(&names, 12), ["http_r…conds", "http_r…bytes"]);
    }
}
