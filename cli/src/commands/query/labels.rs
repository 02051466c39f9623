//! The names of series: the labels in which they differ.

use promql_presets::Labels;

use super::screen::cut;
use crate::output;

/// The shortest value that is worth showing in part.
pub(super) const MIN_VALUE: usize = 8;

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
}
