//! Names of presets and files, made from titles.

/// The longest name that is made from a title.
const MAX_LENGTH: usize = 60;

/// Latin letters with diacritics, in lower case, and the ASCII letters in their place.
const LATIN: [(&str, &str); 26] = [
    ("ä", "ae"),
    ("æ", "ae"),
    ("ö", "oe"),
    ("œ", "oe"),
    ("ü", "ue"),
    ("ß", "ss"),
    ("þ", "th"),
    ("àáâãåāăą", "a"),
    ("çćĉċč", "c"),
    ("ďđð", "d"),
    ("èéêëēĕėęě", "e"),
    ("ĝğġģ", "g"),
    ("ĥħ", "h"),
    ("ìíîïĩīĭįı", "i"),
    ("ĵ", "j"),
    ("ķ", "k"),
    ("ĺļľŀł", "l"),
    ("ñńņň", "n"),
    ("òóôõøōŏő", "o"),
    ("ŕŗř", "r"),
    ("śŝşšș", "s"),
    ("ţťŧț", "t"),
    ("ùúûũūŭůűų", "u"),
    ("ŵ", "w"),
    ("ýÿŷ", "y"),
    ("źżž", "z"),
];

/// A title with ASCII letters for Latin ones. Combining characters are left out.
fn without_marks(title: &str) -> String {
    let mut out = String::new();
    let mut rest = title.chars().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).peekable();
    while let Some(c) = rest.next() {
        let lower = c.to_lowercase().next().unwrap_or(c);
        match LATIN.iter().find(|(letters, _)| !c.is_ascii() && letters.contains(lower)) {
            Some((_, ascii)) if c == lower => out.push_str(ascii),
            // `Übersicht` is one word, and `ÜBERSICHT`.
            Some((_, ascii)) if rest.peek().is_some_and(|next| next.is_lowercase()) => {
                out.push_str(&ascii[..1].to_ascii_uppercase());
                out.push_str(&ascii[1..]);
            }
            Some((_, ascii)) => out.push_str(&ascii.to_ascii_uppercase()),
            None => out.push(c),
        }
    }
    out
}

/// A name in snake case: `p95_latency_ms` for `P95 latency (ms)`. Empty if the title has no Latin letters or digits.
pub(super) fn name(title: &str) -> String {
    let title = &*without_marks(title);
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for (at, c) in title.char_indices() {
        if c.is_ascii_alphanumeric() {
            // `kubeState` and `APIError` are two words, `vLLM` and `APIs` are one.
            let is_long = words.last().is_some_and(|word| word.len() > 1);
            let starts_word = title[at + 1..].chars().take(2).filter(char::is_ascii_lowercase).count() == 2;
            let is_after = before.is_ascii_lowercase() || (before.is_ascii_alphanumeric() && starts_word);
            // `PostgreSQL` and `MySQL` are one.
            let is_after = is_after && !title[at..].starts_with("SQL");
            if words.is_empty() || (is_long && c.is_ascii_uppercase() && is_after) {
                words.push(String::new());
            }
            words.last_mut().into_iter().for_each(|word| word.push(c.to_ascii_lowercase()));
        } else {
            // `%` is often all that differs between two titles.
            words.extend((c == '%').then(|| "percent".to_owned()));
            words.push(String::new());
        }
        before = c;
    }
    let mut out = String::new();
    for word in words.iter().filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            if out.len() + word.len() > MAX_LENGTH {
                break;
            }
            out.push('_');
        }
        out.push_str(&word[..word.len().min(MAX_LENGTH)]);
    }
    if out.starts_with(|c: char| c.is_ascii_digit()) { format!("p{out}") } else { out }
}

/// [`name`], or another one if the title has no letters.
pub(super) fn name_or(title: &str, other: &str) -> String {
    Some(name(title)).filter(|name| !name.is_empty()).unwrap_or_else(|| other.to_owned())
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn names_are_valid_and_readable() {
        for (title, expected) in [
            ("P95 latency (ms)", "p95_latency_ms"),
            ("99th percentile", "p99th_percentile"),
            ("CPU % used", "cpu_percent_used"),
            ("instance:node_cpu:ratio", "instance_node_cpu_ratio"),
            ("NodeFilesystemAlmostOutOfSpace", "node_filesystem_almost_out_of_space"),
            ("vLLM eBPF", "vllm_ebpf"),
            ("HTTPRequests", "http_requests"),
            ("KubeAPIErrorBudgetBurn", "kube_api_error_budget_burn"),
            ("KubePodIPsOfAPIs", "kube_pod_ips_of_apis"),
            ("P99Latency", "p99_latency"),
            ("PostgreSQL Database", "postgresql_database"),
            ("Größe — 5m", "groesse_5m"),
            ("My Svc / Überblick", "my_svc_ueberblick"),
            ("ÜBERSICHT DER GERÄTE", "uebersicht_der_geraete"),
            ("Débit señal Ångström Łódź", "debit_senal_angstroem_lodz"),
            ("Cafe\u{301} n\u{303}", "cafe_n"),
            ("磁盘", ""),
        ] {
            assert_eq!(name(title), expected, "{title}");
        }
        assert_eq!(name(&"word ".repeat(30)).len(), 59);
        assert_eq!(name(&"w".repeat(90)).len(), 60);
    }
}
