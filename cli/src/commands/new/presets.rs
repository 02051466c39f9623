//! The text of a preset file for a metric.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use promql_presets_compiler::backend::rust_names;
use promql_presets_compiler::check::unit_of_name;
use promql_presets_compiler::{MetricType, SnapshotMetric};
use toml_edit::{Key, Value};

use crate::commands::schema::NewMetric;
use crate::declared::Declared;
use crate::fmt;

/// A preset file.
pub(super) struct Written {
    pub(super) text: String,
    /// The names of its presets.
    pub(super) presets: Vec<&'static str>,
    /// Notes about what it lacks.
    pub(super) notes: Vec<String>,
}

/// A preset: its name, its description, its unit, its template, and its window.
type Preset = (&'static str, String, String, String, Option<&'static str>);

/// The series of the metric.
const SERIES: &str = "{metric_name}{{{labels}}}";

/// The name of the file of a metric: that of the metric, in lower case, without its suffix.
pub(super) fn file_name(metric: &str) -> String {
    let kinds = [MetricType::Counter, MetricType::Info];
    let name = kinds.iter().find_map(|kind| metric.strip_suffix(kind.family_suffix())).unwrap_or(metric);
    let lower = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name: String = name.chars().map(lower).collect();
    let name = name.split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) { format!("metric_{name}") } else { name }
}

pub(super) fn write(found: &NewMetric, declared: &Declared) -> Written {
    let NewMetric { name, metric, is_gauge, is_both } = found;
    let known = declared.unit.as_ref().or(metric.unit.as_ref());
    let unit =
        known.filter(|unit| !unit.is_empty()).map(String::as_str).or_else(|| unit_of_name(name)).unwrap_or_default();
    let mut notes = Vec::new();
    let presets = presets(name, metric, *is_gauge, unit, &mut notes);
    let help = metric.help.as_deref().map(str::trim).filter(|help| !help.is_empty());
    let mut text = help.map(|help| format!("description = {}\n\n", string(help))).unwrap_or_default();
    // No type stands for histograms of gauges. Of a metric with histograms of both kinds, other files may read either.
    let kind = if *is_gauge || *is_both { MetricType::Unknown } else { metric.kind };
    let kind = declared.kind.as_ref().map_or(kind, |(kind, _)| *kind);
    _ = writeln!(text, "[metric]\nname = {}\ntype = {}", string(name), string(kind.as_str()));
    if let Some(unit) = known {
        _ = writeln!(text, "unit = {}", string(unit));
    }
    let of_folder =
        || Some(declared.label_names().cloned().collect()).filter(|labels: &BTreeSet<_>| !labels.is_empty());
    match metric.labels.clone().or_else(of_folder) {
        Some(labels) => {
            text.push_str("\n[labels]\n");
            let (bounds, labels): (Vec<&str>, Vec<&str>) =
                labels.iter().map(String::as_str).partition(|label| matches!(*label, "le" | "quantile"));
            let unnamed =
                |label| format!("`{label}` is not in `[labels]`: callers cannot filter on bounds and quantiles");
            notes.extend(bounds.into_iter().map(unnamed));
            let key = |(label, rust_name): (&&str, Option<String>)| {
                let kind = match rust_name {
                    Some(rust_name) => declared.renamed(label, &rust_name),
                    None => declared.label(label, None),
                };
                (Key::new(*label).to_string(), kind)
            };
            let keys: Vec<_> = labels.iter().zip(rust_names(&labels)).map(key).collect();
            let width = keys.iter().map(|(key, _)| key.len()).max().unwrap_or_default();
            for (key, kind) in keys {
                _ = writeln!(text, "{key:width$} = {kind}");
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
        if *is_gauge && template.contains("_bucket{{{labels}}}))") {
            let reason = "the buckets of this histogram are gauges";
            _ = writeln!(text, "allow       = [{{ check = \"quantile-without-rate\", reason = \"{reason}\" }}]");
        }
    }
    let text = fmt::file(&text).map_or_else(|| text.clone(), |edits| fmt::apply(&text, &edits));
    Written { text, presets: presets.iter().map(|(name, ..)| *name).collect(), notes }
}

fn string(text: &str) -> String {
    Value::from(text).to_string()
}

fn presets(name: &str, metric: &SnapshotMetric, is_gauge: bool, unit: &str, notes: &mut Vec<String>) -> Vec<Preset> {
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
            classic_histogram(unit, bound, is_gauge)
        }
        MetricType::NativeHistogram => native_histogram(unit, is_gauge),
        MetricType::Summary => {
            let template = ratio(&rate_of("_sum", ""), &rate_of("_count", ""));
            vec![observations(sum("sum", &rate_of("_count", "")), false), mean(unit, template, false)]
        }
        MetricType::Info => vec![preset("count", "Number of series in each group.", "", sum("count", SERIES), None)],
        _ if name.ends_with("_info") => vec![current(unit)],
        _ => date(name).map_or_else(|| gauge(unit), |preset| vec![preset]),
    }
}

/// The age of a date, or the time until it: as a number, a date is of little use, and so is the mean of dates.
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

fn classic_histogram(unit: &str, bound: Option<&str>, is_gauge: bool) -> Vec<Preset> {
    let (series, sums, counts): (fn(&str, &str) -> String, _, _) =
        if is_gauge { (current_of, "_gsum", "_gcount") } else { (rate_of, "_sum", "_count") };
    let mut presets = vec![observations(sum("sum", &series(counts, "")), is_gauge)];
    presets.push(mean(unit, ratio(&series(sums, ""), &series(counts, "")), is_gauge));
    let buckets = format!("sum by (le, {{group_by}}) ({})", series("_bucket", ""));
    presets.extend(percentiles(unit, &buckets, is_gauge));
    presets.extend(bound.map(|bound| {
        let below = series("_bucket", &format!("le=\"{bound}\","));
        let template = ratio(&below, &series(counts, ""));
        let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
        let description = format!("Share of observations of at most {bound}{unit}.");
        preset("share_below", &description, "ratio", template, window(is_gauge))
    }));
    presets
}

fn native_histogram(unit: &str, is_gauge: bool) -> Vec<Preset> {
    let all = sum("sum", &if is_gauge { current_of("", "") } else { rate_of("", "") });
    let mut presets = vec![
        observations(format!("histogram_count({all})"), is_gauge),
        mean(unit, format!("histogram_avg({all})"), is_gauge),
    ];
    presets.extend(percentiles(unit, &all, is_gauge));
    let share = format!("histogram_fraction(-Inf, {{threshold}}, {all})");
    presets.push(preset("share_below", "Share of observations below the threshold.", "ratio", share, window(is_gauge)));
    presets
}

fn percentiles(unit: &str, buckets: &str, is_gauge: bool) -> Vec<Preset> {
    let percentile = |(name, quantile, what): (&'static str, &str, &str)| {
        preset(name, what, unit, format!("histogram_quantile({quantile}, {buckets})"), window(is_gauge))
    };
    let all = [
        ("p50", "0.5", "Median of observations."),
        ("p90", "0.9", "90th percentile of observations."),
        ("p99", "0.99", "99th percentile of observations."),
    ];
    all.into_iter().map(percentile).collect()
}

/// The number of observations, in total or per second.
fn observations(template: String, is_gauge: bool) -> Preset {
    if is_gauge {
        return preset("count", "Number of observations.", "", template, None);
    }
    preset("rate", "Observations per second.", "per second", template, window(is_gauge))
}

fn mean(unit: &str, template: String, is_gauge: bool) -> Preset {
    preset("mean", "Mean observation. NaN without observations.", unit, template, window(is_gauge))
}

/// The default window of presets that are rates unless the metric is a gauge.
fn window(is_gauge: bool) -> Option<&'static str> {
    (!is_gauge).then_some("5m")
}

/// A selector of the metric, with a suffix and further matchers.
fn current_of(suffix: &str, matchers: &str) -> String {
    format!("{{metric_name}}{suffix}{{{{{matchers}{{labels}}}}}}")
}

fn rate_of(suffix: &str, matchers: &str) -> String {
    format!("rate({}[{{window}}])", current_of(suffix, matchers))
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
