//! The metrics of an exposition page.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};

use promql_presets_compiler::check::{is_of_every_scrape, open_metrics_float};
use promql_presets_compiler::diagnostic::emit::Messages;
use promql_presets_compiler::{Output, SourceFile};

use super::known::{Presence, Seen};
use super::wanted::Wanted;
use crate::exposition::Exposition;
use crate::failure::Failure;
use crate::server::Credentials;

/// The requested formats, with names in UTF-8.
const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8,\
    text/plain;version=1.0.0;escaping=allow-utf-8;q=0.9,text/plain;version=0.0.4;q=0.8,*/*;q=0.1";

/// The labels that scraping adds to every series.
const OF_TARGETS: [&str; 2] = ["instance", "job"];

/// The number of faults in a page that are shown.
const MAX_SHOWN: usize = 5;

/// Reads a page from a file, a URL, or standard input.
pub(super) async fn read(place: &str, credentials: &Credentials) -> Result<Exposition, Failure> {
    let failed = |cause: String| Failure::new(format!("cannot read `{place}`: {cause}"));
    let bytes = if place == "-" {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes).map_err(|error| failed(error.to_string()))?
    } else if place.starts_with("http://") || place.starts_with("https://") {
        let response = credentials.get(place, ACCEPT).await;
        let (status, bytes) = response.map_err(|error| failed(causes(&error.without_url())))?;
        if !status.is_success() {
            let help = "a page of metrics mostly ends in `/metrics`; `--url` names a server";
            return Err(failed(format!("HTTP {status}")).help(help));
        }
        bytes
    } else {
        fs::read(place).map_err(|error| failed(error.to_string()))?
    };
    let text = String::from_utf8(bytes).map_err(|error| failed(format!("not UTF-8: {error}")))?;
    let page = Exposition::parse(&text).map_err(|faults| {
        let path = if place == "-" { "standard input" } else { place };
        let file = SourceFile { name: String::new(), path: path.to_owned(), text };
        let messages = Messages::of(&file);
        let mut lines: Vec<String> = vec!["not an exposition page".to_owned()];
        for fault in faults.iter().take(MAX_SHOWN) {
            let [(line, column), _] = messages.place(fault.span);
            lines.push(format!(" --> {path}:{line}:{column}: {}", fault.message));
        }
        if faults.len() > MAX_SHOWN {
            lines.push(format!(" ... and {} more", faults.len() - MAX_SHOWN));
        }
        let help = "one such line fails the whole scrape in Prometheus too: fix what writes the page";
        Failure::new(lines.join("\n")).help(help)
    })?;
    if page.families.is_empty() && page.series.is_empty() {
        return Err(failed("it has no metrics".to_owned()));
    }
    Ok(page)
}

/// An error with all its causes.
fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Adds what the page has of some metrics, as the targets of the settings store it.
pub(super) fn gather(page: &Exposition, wanted: &[Wanted], settings: &Output, all_seen: &mut [Seen]) {
    let of_targets = OF_TARGETS.into_iter().chain(settings.target_labels.iter().map(String::as_str));
    let of_targets: BTreeSet<&str> = of_targets.collect();
    // Prometheus renames what it would overwrite.
    let renamed = |label: &str| if of_targets.contains(label) { format!("exported_{label}") } else { label.to_owned() };
    for (wanted, seen) in wanted.iter().zip(all_seen) {
        for series in wanted.series.iter().filter_map(|name| page.series.get(name)) {
            seen.presence = Presence::Current;
            seen.is_native |= series.native;
            for (label, values) in &series.labels {
                let label = renamed(label);
                if wanted.enumerated.contains(&label) {
                    let stored = values.iter().map(|value| match value.parse() {
                        Ok(number) if settings.normalizes_floats && matches!(&*label, "le" | "quantile") => {
                            open_metrics_float(number)
                        }
                        _ => value.clone(),
                    });
                    seen.values.entry(label.clone()).or_default().extend(stored);
                }
                seen.labels.insert(label);
            }
            seen.empty.extend(series.empty.iter().map(|label| renamed(label)));
        }
        if wanted.is_histogram() && has_no_bounds(page, &wanted.name) {
            // If presets read it as one, although a server may store it as a classic one.
            seen.is_native |= wanted.read.contains(&wanted.name);
            seen.values.entry("le".to_owned()).or_default().insert(INFINITE.to_owned());
        }
        if is_of_every_scrape(&wanted.name) {
            seen.presence = Presence::Current;
        }
        if seen.presence == Presence::Current {
            seen.labels.extend(of_targets.iter().map(|label| (*label).to_owned()));
        }
    }
}

/// The bound of the bucket that every histogram has.
const INFINITE: &str = "+Inf";

/// Whether a histogram has no bucket but the infinite one. Text has no native histograms, so that client libraries write
/// this bucket for those without classic buckets: `client_golang` in `expfmt`, `client_java` in `getClassicBuckets`.
fn has_no_bounds(page: &Exposition, name: &str) -> bool {
    let bounds = page.series.get(&format!("{name}_bucket")).and_then(|series| series.labels.get("le"));
    bounds.is_some_and(|bounds| bounds.iter().all(|bound| bound.parse() == Ok(f64::INFINITY)))
}
