//! The nearest known name.

/// The candidate that is most likely meant by `name`, if one is near enough: a third of its letters may differ, or it is
/// the one candidate that starts like this.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let limit = (name.chars().count() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    let mut longer = Vec::new();
    for candidate in candidates {
        let lower = candidate.to_lowercase();
        let distance = distance(&name, &lower, limit);
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
        if name.len() >= 4 && lower.starts_with(&name) {
            longer.push(candidate);
        }
    }
    match (best, longer.as_slice()) {
        (Some((_, best)), _) => Some(best),
        (None, [only]) => Some(*only),
        _ => None,
    }
}

/// How many letters must be dropped, added, replaced or swapped with their neighbour; more than `limit` if unlike.
fn distance(a: &str, b: &str, limit: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > limit {
        return limit + 1;
    }
    let mut before = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
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
    use super::nearest;

    #[test]
    fn finds_what_is_meant() {
        let names = ["metric_name", "labels", "group_by", "window"];
        for (typed, meant) in [
            ("windw", Some("window")),
            ("lables", Some("labels")),
            ("LABELS", Some("labels")),
            ("groupby", Some("group_by")),
            ("metricname", Some("metric_name")),
            ("metric", Some("metric_name")),
            ("step", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names), meant, "{typed}");
        }
    }
}
