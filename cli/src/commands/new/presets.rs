//! The text of a preset file for a metric.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use promql_presets_compiler::{MetricType, SnapshotMetric};
use toml_edit::{Key, Value};

use super::declared::Declared;
use crate::fmt;

/// A preset file.
pub(super) struct Written {
    pub(super) text: String,
    /// The names of its presets.
    pub(super) presets: Vec<&'static str>,
    /// What it lacks.
    pub(super) notes: Vec<String>,
}

/// A preset: its name, its description, its unit, its template, and its window.
type Preset = (&'static str, String, String, String, Option<&'static str>);

/// The series of the metric.
const SERIES: &str = "{metric_name}{{{labels}}}";

/// The name of the file of a metric: that of the metric, in lower case, without its suffix.
pub(super) fn file_name(metric: &str) -> String {
    let name = ["_total", "_info"].iter().find_map(|suffix| metric.strip_suffix(suffix)).unwrap_or(metric);
    let lower = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name: String = name.chars().map(lower).collect();
    let name = name.split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) { format!("metric_{name}") } else { name }
}

pub(super) fn write(name: &str, metric: &SnapshotMetric, declared: &Declared) -> Written {
    let known = declared.unit.as_ref().or(metric.unit.as_ref());
    let unit = known.filter(|unit| !unit.is_empty()).map_or_else(|| unit_of(name), String::as_str);
    let mut notes = Vec::new();
    let presets = presets(name, metric, unit, &mut notes);
    let help = metric.help.as_deref().map(str::trim).filter(|help| !help.is_empty());
    let mut text = help.map(|help| format!("description = {}\n\n", string(help))).unwrap_or_default();
    let kind = declared.kind.as_ref().map_or(metric.kind, |(kind, _)| *kind);
    _ = writeln!(text, "[metric]\nname = {}\ntype = {}", string(name), string(kind.as_str()));
    if let Some(unit) = known {
        _ = writeln!(text, "unit = {}", string(unit));
    }
    let of_folder =
        || Some(declared.labels.keys().cloned().collect()).filter(|labels: &BTreeSet<_>| !labels.is_empty());
    match metric.labels.clone().or_else(of_folder) {
        Some(labels) => {
            text.push_str("\n[labels]\n");
            let keys = labels.iter().map(|label| (Key::new(label).to_string(), declared.labels.get(label)));
            let keys: Vec<_> = keys.collect();
            let width = keys.iter().map(|(key, _)| key.len()).max().unwrap_or_default();
            for (key, kind) in keys {
                _ = writeln!(text, "{key:width$} = {}", kind.map_or("\"string\"", String::as_str));
            }
        }
        None => notes.push("its labels are unknown, so that the presets take any label".to_owned()),
    }
    for (name, description, unit, template, window) in &presets {
        _ = write!(text, "\n[presets.{name}]\ndescription = {}\n", string(description));
        if !unit.is_empty() {
            _ = writeln!(text, "unit        = {}", string(unit));
        }
        let template = if template.contains('\n') { format!("'''\n{template}\n'''") } else { format!("'{template}'") };
        _ = writeln!(text, "template    = {template}");
        if let Some(window) = window {
            _ = writeln!(text, "window      = \"{window}\"");
        }
        if template.contains("{threshold}") {
            text.push_str("parameters  = { threshold = { type = \"number\", default = 1 } }\n");
        }
    }
    let text = fmt::file(&text).map_or_else(|| text.clone(), |edits| fmt::apply(&text, &edits));
    Written { text, presets: presets.iter().map(|(name, ..)| *name).collect(), notes }
}

fn string(text: &str) -> String {
    Value::from(text).to_string()
}

/// The unit that the name of a metric ends with.
fn unit_of(name: &str) -> &'static str {
    let name = name.strip_suffix("_total").unwrap_or(name);
    let units = ["seconds", "bytes", "ratio", "celsius", "meters", "volts", "amperes", "joules", "grams"];
    let ends_with = |unit: &&&str| name.strip_suffix(**unit).is_some_and(|rest| rest.ends_with('_'));
    units.iter().find(ends_with).copied().unwrap_or_default()
}

fn presets(name: &str, metric: &SnapshotMetric, unit: &str, notes: &mut Vec<String>) -> Vec<Preset> {
    match metric.kind {
        MetricType::Counter => counter(unit),
        // Metadata may be missing; that a counter has this suffix is a rule.
        MetricType::Unknown if name.ends_with("_total") => counter(unit),
        MetricType::Histogram => {
            let bounds = metric.values.get("le").into_iter().flatten();
            let mut bounds: Vec<(f64, &String)> = bounds.filter_map(|text| Some((text.parse().ok()?, text))).collect();
            bounds.retain(|(bound, _)| bound.is_finite());
            bounds.sort_by(|(a, _), (b, _)| a.total_cmp(b));
            let bound = bounds.get(bounds.len() / 2).map(|(_, text)| text.as_str());
            if bound.is_none() {
                notes.push(
                    "the bounds of its buckets are unknown, so that there is no preset `share_below`; `--url` and \
                     `--from` read them"
                        .to_owned(),
                );
            }
            classic_histogram(unit, bound)
        }
        MetricType::NativeHistogram => native_histogram(unit),
        MetricType::Summary => vec![rate_of("_count"), mean(unit)],
        MetricType::Info => vec![preset("count", "Number of series in each group.", "", sum("count", SERIES), None)],
        _ if name.ends_with("_info") => vec![current(unit)],
        _ => date(name).map_or_else(|| gauge(unit), |preset| vec![preset]),
    }
}

/// The age of a date, or the time until it. Neither the date as a number nor its mean says anything.
fn date(name: &str) -> Option<Preset> {
    let name = name.strip_suffix("_seconds").unwrap_or(name);
    let is_date = ["_timestamp", "_start_time", "_boot_time", "_created", "_expiry", "_not_after", "_not_before"];
    is_date.iter().find(|suffix| name.ends_with(**suffix))?;
    let is_future = ["expir", "not_after", "next_", "renewal"].iter().any(|word| name.contains(word));
    Some(if is_future {
        preset("remaining", "Time until the date of each series.", "seconds", format!("{SERIES} - time()"), None)
    } else {
        preset("age", "Time since the date of each series.", "seconds", format!("time() - {SERIES}"), None)
    })
}

fn counter(unit: &str) -> Vec<Preset> {
    let per_second = if unit.is_empty() { "per second".to_owned() } else { format!("{unit} per second") };
    let over = |function: &str| sum("sum", &format!("{function}({{metric_name}}{{{{{{labels}}}}}}[{{window}}])"));
    vec![
        preset("rate", "Increase per second.", &per_second, over("rate"), Some("5m")),
        preset(
            "increase",
            "Increase within the window, extrapolated from its samples.",
            unit,
            over("increase"),
            Some("1h"),
        ),
    ]
}

fn current(unit: &str) -> Preset {
    preset("current", "Current value of each series.", unit, SERIES.to_owned(), None)
}

fn gauge(unit: &str) -> Vec<Preset> {
    let over = |aggregation: &str| {
        sum(aggregation, &format!("{aggregation}_over_time({{metric_name}}{{{{{{labels}}}}}}[{{window}}])"))
    };
    vec![
        current(unit),
        preset("min", "Lowest value within the window in each group.", unit, over("min"), Some("5m")),
        preset("max", "Highest value within the window in each group.", unit, over("max"), Some("5m")),
        preset("mean", "Mean over the window and the series of each group.", unit, over("avg"), Some("5m")),
    ]
}

fn classic_histogram(unit: &str, bound: Option<&str>) -> Vec<Preset> {
    let mut presets = vec![rate_of("_count"), mean(unit)];
    let buckets = "sum by (le, {group_by}) (rate({metric_name}_bucket{{{labels}}}[{window}]))";
    presets.extend(percentiles(unit, buckets));
    presets.extend(bound.map(|bound| {
        let below = format!("rate({{metric_name}}_bucket{{{{le=\"{bound}\",{{labels}}}}}}[{{window}}])");
        let template = ratio(&below, &rate("_count"));
        let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
        preset(
            "share_below",
            &format!("Share of observations of at most {bound}{unit}."),
            "ratio",
            template,
            Some("5m"),
        )
    }));
    presets
}

fn native_histogram(unit: &str) -> Vec<Preset> {
    let all = sum("sum", &rate(""));
    let mut presets = vec![
        preset("rate", "Observations per second.", "per second", format!("histogram_count({all})"), Some("5m")),
        preset(
            "mean",
            "Mean observation. NaN without observations.",
            unit,
            format!("histogram_avg({all})"),
            Some("5m"),
        ),
    ];
    presets.extend(percentiles(unit, &all));
    let share = format!("histogram_fraction(-Inf, {{threshold}}, {all})");
    presets.push(preset("share_below", "Share of observations below the threshold.", "ratio", share, Some("5m")));
    presets
}

fn percentiles(unit: &str, buckets: &str) -> Vec<Preset> {
    let percentile = |(name, quantile, what): (&'static str, &str, &str)| {
        preset(name, what, unit, format!("histogram_quantile({quantile}, {buckets})"), Some("5m"))
    };
    let all = [
        ("p50", "0.5", "Median of observations."),
        ("p90", "0.9", "90th percentile of observations."),
        ("p99", "0.99", "99th percentile of observations."),
    ];
    all.into_iter().map(percentile).collect()
}

fn rate_of(suffix: &str) -> Preset {
    preset("rate", "Observations per second.", "per second", sum("sum", &rate(suffix)), Some("5m"))
}

fn mean(unit: &str) -> Preset {
    let template = ratio(&rate("_sum"), &rate("_count"));
    preset("mean", "Mean observation. NaN without observations.", unit, template, Some("5m"))
}

fn rate(suffix: &str) -> String {
    format!("rate({{metric_name}}{suffix}{{{{{{labels}}}}}}[{{window}}])")
}

fn ratio(above: &str, below: &str) -> String {
    format!("  {}\n/\n  {}", sum("sum", above), sum("sum", below))
}

fn sum(aggregation: &str, of: &str) -> String {
    format!("{aggregation} by ({{group_by}}) ({of})")
}

fn preset(name: &'static str, description: &str, unit: &str, template: String, window: Option<&'static str>) -> Preset {
    (name, description.to_owned(), unit.to_owned(), template, window)
}
