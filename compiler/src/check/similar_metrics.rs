//! Metrics with names similar to one that does not exist.

use std::collections::HashMap;

use super::schema::Metrics;
use crate::diagnostic::suggest::{is_one_edit, nearest_words};
use crate::file::metric_type::SUFFIXES;
use crate::vec_ext::IntoVec;

/// The lengths of names that are compared.
const SIMILAR: std::ops::Range<usize> = 8..80;

impl<'s> Metrics<'s> {
    /// The metric of the snapshot that is probably meant by a declared name that is not in it: an undeclared one that is
    /// one edit away, differs in the unit or type at its end, or has most of its words.
    pub(super) fn known_as(&self, name: &str) -> Option<&'s str> {
        const ENDS: [&str; 7] = ["total", "seconds", "milliseconds", "bytes", "ratio", "info", "count"];
        let series = |suffix: &str| self.similar.get(format!("{name}{suffix}").as_str())?.strip_suffix(suffix);
        if let Some(similar) = ["", "_bucket", "_sum", "_count"].iter().find_map(|suffix| series(suffix)) {
            return Some(similar);
        }
        let adds_end = |long: &str, short: &str| {
            let end = long.strip_prefix(short).and_then(|rest| rest.strip_prefix('_'));
            end.is_some_and(|end| end.split('_').all(|word| ENDS.contains(&word)))
        };
        let digits = |name: &str| name.bytes().filter(u8::is_ascii_digit).count();
        let is_meant = |it: &&str| {
            let is_misspelt = || name.len() > 7 && is_one_edit(name, it) && digits(name) == digits(it);
            adds_end(it, name) || adds_end(name, it) || is_misspelt()
        };
        let known = self.all.iter().filter(|metric| !metric.is_declared).map(|metric| metric.name);
        let similar = || nearest_words(name, known.clone().map(|known| (known, ""))).map(|(found, _)| found);
        known.clone().find(is_meant).or_else(similar)
    }

    /// The series whose name is most similar to one that does not exist.
    pub(super) fn nearest(&self, name: &str) -> Option<String> {
        if let Some(similar) = self.similar.get(name) {
            return Some((*similar).to_owned());
        }
        nearest_words(name, self.series()).map(|(base, suffix)| format!("{base}{suffix}"))
    }

    /// The series whose name begins similarly to the plain text that a pattern begins with.
    pub(super) fn nearest_prefix(&self, pattern: &str) -> Option<String> {
        let end =
            pattern.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | ':')).unwrap_or(pattern.len());
        let prefix = pattern[..end].trim_end_matches('_');
        let words = prefix.split('_').count();
        let starts = self.series().filter_map(|(name, suffix)| {
            let end = name.match_indices('_').nth(words - 1).map_or(name.len(), |(at, _)| at);
            (words > 1).then_some((&name[..end], suffix))
        });
        let (start, _) = nearest_words(prefix, starts)?;
        let (name, suffix) = self.series().find(|(name, _)| name.starts_with(start))?;
        Some(format!("{name}{suffix}"))
    }

    /// The declared metric that a name without series is probably a misspelling of: one letter is different, missing,
    /// added, or swapped with its neighbour. Digits must be equal, since `node_load5` and `node_load15` are two metrics.
    pub(super) fn similar(&self, name: &str) -> Option<String> {
        SUFFIXES.into_iter().chain([""]).find_map(|suffix| {
            let base = name.strip_suffix(suffix).filter(|base| SIMILAR.contains(&base.len()))?;
            let misspelt = self.misspelt.get_or_init(|| self.misspellings());
            let digits = |name: &str| name.bytes().filter(u8::is_ascii_digit).into_vec();
            let found = shortened(base).iter().find_map(|hash| {
                let found = self.all[*misspelt.get(hash)?].name;
                (is_one_edit(base, found) && digits(base) == digits(found)).then_some(found)
            });
            Some(format!("{}{suffix}", found?)).filter(|meant| self.find(meant).is_some())
        })
    }

    fn misspellings(&self) -> HashMap<u64, usize> {
        let mut misspellings = HashMap::new();
        for (index, metric) in self.all.iter().enumerate().filter(|(_, metric)| SIMILAR.contains(&metric.name.len())) {
            for hash in &shortened(metric.name) {
                misspellings.insert(*hash, index);
            }
        }
        misspellings
    }
}

/// The hashes of a name without each of its letters, and of the name.
fn shortened(name: &str) -> Vec<u64> {
    // A hash is a polynomial of the letters, so that it follows from the hashes of what is before and after a letter.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let (mut hashes, mut before) = (Vec::with_capacity(name.len() + 1), 0_u64);
    for letter in name.bytes() {
        hashes.push(before);
        before = before.wrapping_mul(FACTOR).wrapping_add(u64::from(letter));
    }
    let (mut after, mut power) = (0_u64, 1_u64);
    for (hash, letter) in hashes.iter_mut().zip(name.bytes()).rev() {
        *hash = hash.wrapping_mul(power).wrapping_add(after);
        after = after.wrapping_add(power.wrapping_mul(u64::from(letter)));
        power = power.wrapping_mul(FACTOR);
    }
    hashes.push(before);
    hashes
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn names_without_a_letter_have_the_hash_of_the_shorter_name() {
        let whole = |name: &str| shortened(name).pop();
        let expected = ["bcc", "acc", "abc", "abc", "abcc"].map(whole);
        assert_eq!(shortened("abcc").into_iter().map(Some).collect::<Vec<_>>(), expected);
        assert_ne!(whole("abc"), whole("acb"));
        assert_eq!(shortened(""), [0]);
    }
}
