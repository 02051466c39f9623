//! The unit of a query's result, where it follows from the units of the metrics.

use super::analysis::Analysis;
use super::schema::{Metric, Role};
use super::tree::{Id, Series};
use crate::file::MetricType;
use crate::promql::{Aggregator, Binary, BinaryOp, Call, ExprKind};

/// A unit; the empty name stands for a number of things.
#[derive(Clone, Copy, PartialEq)]
struct Unit<'e> {
    name: &'e str,
    per_second: bool,
}

/// The unit of the result: `seconds`, `bytes per second`.
pub(super) fn unit(query: &Analysis<'_>) -> Option<String> {
    let Unit { name, per_second } = of(query, 0)?;
    match (name, per_second) {
        // Seconds per second can be CPU cores or a share of time.
        ("" | "ratio", _) if per_second || name.is_empty() => None,
        ("seconds", true) => None,
        (name, false) => Some(name.to_owned()),
        (name, true) => Some(format!("{name} per second")),
    }
}

/// Units that are certainly different, each with its other names. Names of several letters match in any case, and with a
/// further `s`.
const NAMES: &[&[&str]] = &[
    &["seconds", "s", "sec"],
    &["milliseconds", "ms", "msec"],
    &["microseconds", "us", "µs"],
    &["nanoseconds", "ns"],
    &["minutes", "min"],
    &["hours", "h"],
    &["days", "d"],
    &["bytes", "B", "By"],
    &["kilobytes", "kB", "KB", "KiB", "kibibytes"],
    &["megabytes", "MB", "MiB", "mebibytes"],
    &["gigabytes", "GB", "GiB", "gibibytes"],
    &["bits", "bit"],
    &["ratio", "%", "percent"],
    &["watts", "W"],
    &["joules", "J"],
    &["volts", "V"],
    &["amperes", "A"],
    &["celsius", "°C"],
    &["meters", "m"],
    &["grams", "g"],
    &["hertz", "Hz"],
];

/// A unit as a preset or [`unit()`] writes it: its name, and whether it is per second.
fn parse(text: &str) -> (String, bool) {
    let text = text.trim();
    let ends = [" per second", " per sec", "/second", "/sec", "/s"];
    let amount = ends.iter().find_map(|end| text.strip_suffix(end)).map(str::trim_end);
    let name = amount.unwrap_or(text);
    let is_same = |known: &&&str| {
        let singular = |text: &'_ str| text.strip_suffix('s').filter(|word| word.len() > 2).unwrap_or(text).to_owned();
        let (name, known) = (singular(name), singular(known));
        name == known || (known.len() > 3 && name.eq_ignore_ascii_case(&known))
    };
    let known = NAMES.iter().find(|names| names.iter().any(|known| is_same(&known)));
    (known.map_or(name, |names| names[0]).to_owned(), amount.is_some())
}

/// Whether the unit of a preset certainly contradicts the one that follows from the metrics.
pub(crate) fn contradicts(written: &str, derived: &str) -> bool {
    let (written, derived) = (parse(written), parse(derived));
    let is_known = |name: &str| NAMES.iter().any(|names| names[0] == name);
    written != derived && (written.0 == derived.0 || (is_known(&written.0) && is_known(&derived.0)))
}

fn of<'e>(query: &Analysis<'e>, id: Id) -> Option<Unit<'e>> {
    match &query.expr(id).kind {
        ExprKind::Number(_) | ExprKind::String(_) => None,
        ExprKind::Paren(_) | ExprKind::Unary(_) | ExprKind::Subquery(_) => of(query, id + 1),
        ExprKind::Selector(_) => of_series(query.series(id)?),
        ExprKind::Call(call) => of_call(query, id, call),
        ExprKind::Aggregate(aggregate) => match aggregate.op {
            Aggregator::Count | Aggregator::Group | Aggregator::CountValues | Aggregator::Stdvar => None,
            _ => of(query, query.operand(id)),
        },
        ExprKind::Binary(binary) => of_operator(query, id, binary),
    }
}

fn of_series<'e>(series: &Series<'e>) -> Option<Unit<'e>> {
    let name = match series.role {
        Role::Count | Role::Bucket | Role::GaugeBucket => "",
        Role::Base | Role::Info | Role::Stateset => return None,
        // `x_created` of a histogram.
        Role::Gauge if series.metric?.kind != Some(MetricType::Gauge) => "seconds",
        _ => of_metric(series.metric?)?,
    };
    Some(Unit { name, per_second: false })
}

/// The unit of a metric: the declared one; for a metric in `metrics.toml` without one, the unit at the end of its name.
fn of_metric<'e>(metric: &'e Metric<'e>) -> Option<&'e str> {
    let by_name = || of_name(metric.name).filter(|_| metric.known.is_some());
    metric.unit.filter(|unit| !unit.is_empty()).map(base_unit).or_else(by_name)
}

/// The unit at the end of a metric's name.
pub(super) fn of_name(name: &str) -> Option<&str> {
    const SUFFIXES: [&str; 12] = [
        "amperes",
        "bytes",
        "celsius",
        "grams",
        "hertz",
        "joules",
        "meters",
        "milliseconds",
        "ratio",
        "seconds",
        "volts",
        "watts",
    ];
    let stem = name.strip_suffix("_total").unwrap_or(name);
    stem.rsplit('_').next().filter(|word| SUFFIXES.contains(word))
}

/// A unit in the form that OpenMetrics recommends.
pub(super) fn base_unit(unit: &str) -> &str {
    match unit {
        "s" | "sec" | "second" | "Seconds" => "seconds",
        "ms" | "millisecond" => "milliseconds",
        "b" | "B" | "by" | "By" | "byte" | "Bytes" => "bytes",
        "1" | "%" | "percent" | "ratios" => "ratio",
        other => other,
    }
}

fn of_call<'e>(query: &Analysis<'e>, id: Id, call: &Call<'e>) -> Option<Unit<'e>> {
    let vector = query.vector(id);
    match call.name {
        "time" | "timestamp" => Some(Unit { name: "seconds", per_second: false }),
        "rate" | "irate" | "deriv" => {
            of(query, vector?).filter(|unit| !unit.per_second).map(|unit| Unit { per_second: true, ..unit })
        }
        "histogram_quantile" | "histogram_avg" | "histogram_stddev" => {
            let sources = query.sources(vector?);
            let (_, _, series) = sources.first()?;
            Some(Unit { name: of_metric(series.metric?)?, per_second: false })
        }
        "abs"
        | "avg_over_time"
        | "ceil"
        | "clamp"
        | "clamp_max"
        | "clamp_min"
        | "delta"
        | "double_exponential_smoothing"
        | "first_over_time"
        | "floor"
        | "holt_winters"
        | "idelta"
        | "increase"
        | "label_join"
        | "label_replace"
        | "last_over_time"
        | "mad_over_time"
        | "max_over_time"
        | "min_over_time"
        | "predict_linear"
        | "quantile_over_time"
        | "round"
        | "sort"
        | "sort_by_label"
        | "sort_by_label_desc"
        | "sort_desc"
        | "stddev_over_time"
        | "sum_over_time" => of(query, vector?),
        _ => None,
    }
}

fn of_operator<'e>(query: &Analysis<'e>, id: Id, binary: &Binary<'e>) -> Option<Unit<'e>> {
    let &[left, right] = query.children(id) else { return None };
    let is_constant = |id: Id| match &query.expr(query.strip_parens(id)).kind {
        ExprKind::Call(call) => call.name == "vector",
        _ => query.expr(id).as_number().is_some(),
    };
    match binary.op {
        BinaryOp::And | BinaryOp::Unless => of(query, left),
        op if op.is_comparison() && binary.bool_span.is_some() => None,
        op if op.is_comparison() => of(query, if query.is_vector(left) { left } else { right }),
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Or => match (is_constant(left), is_constant(right)) {
            (false, true) => of(query, left),
            (true, false) => of(query, right),
            _ => of(query, left).filter(|unit| of(query, right) == Some(*unit)),
        },
        BinaryOp::Div => {
            let (dividend, divisor) = (of(query, left)?, of(query, right)?);
            match dividend == divisor {
                true => Some(Unit { name: "ratio", per_second: false }),
                // Seconds per request.
                false if divisor.name.is_empty() && divisor.per_second == dividend.per_second => {
                    Some(Unit { per_second: false, ..dividend })
                }
                false => None,
            }
        }
        _ => None,
    }
}
