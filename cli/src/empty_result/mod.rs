//! Why a query returns nothing: which of its selectors are empty, or which operation has no result.

mod scrapes;

use std::time::Duration;

use promql_presets::{Data, LabelValues, MAX_STEPS, PrometheusClient, Step, TimeRange, Timestamp};
use promql_presets_compiler::Span;
use promql_presets_compiler::diagnostic::suggest::nearest;
use promql_presets_compiler::promql::{
    Binary, BinaryOp, Call, Expr, ExprKind, Features, MatchOp, Matcher, ResultType, Selector, Syntax,
    needs_two_samples, parse,
};
use promql_presets_core::{PromDuration, Querier, quote};

pub(crate) use self::scrapes::{SAMPLES, Scrapes, duration, safe_window};

/// The ranges in which the last sample is looked for, as subqueries with few points.
const PAST: [&str; 2] = ["[1d:5m]", "[30d:1h]"];

/// The number of points at which a long range is evaluated.
const POINTS: u64 = 1000;

/// The length of the time from which values of a label are shown.
const VALUES_OF: Duration = Duration::from_hours(30 * 24);

/// The number of values of a label that are shown.
const MAX_VALUES: usize = 4;

/// Why an expression is empty.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    /// The smallest expression of the query that is empty although its operands are not.
    pub(crate) span: Span,
    pub(crate) message: String,
    /// Whether an empty result can be intended, as that of a comparison.
    pub(crate) is_expected: bool,
}

/// Finds the causes, with a few small queries for each expression in the query. There are none if the query has a result at
/// this time; with a range, which ends at this time, if it has one at any point of the range.
pub(crate) async fn causes(
    client: &PrometheusClient,
    query: &str,
    at: Option<Timestamp>,
    range: Option<TimeRange>,
) -> Vec<Cause> {
    let parsed = parse(query, Syntax { template: false, features: Features::all() });
    // Servers refuse more points.
    let points =
        |range: TimeRange| if range.points() > MAX_STEPS { range.step(Step::auto(POINTS)).ok() } else { Some(range) };
    let mut probe = Probe { query, scrapes: Scrapes::new(client, at), range: None, subqueries: Vec::new() };
    let mut causes = Vec::new();
    let mut empty: Vec<(&Expr<'_>, Vec<&str>)> = Vec::new();
    for expr in parsed.expr.iter().flat_map(vectors) {
        if probe.is_empty(expr).await {
            empty.push((expr, Vec::new()));
        }
    }
    probe.range = range.and_then(points);
    while let Some((expr, subqueries)) = empty.pop() {
        probe.subqueries.clone_from(&subqueries);
        if let ExprKind::Subquery(subquery) = &expr.kind {
            probe.subqueries.push(&query[subquery.expr.span.range().end..expr.span.range().end]);
        }
        let mut has_empty = false;
        for operand in operands(expr).into_iter().flat_map(vectors) {
            if probe.is_empty(operand).await {
                has_empty = true;
                empty.push((operand, probe.subqueries.clone()));
            }
        }
        probe.subqueries = subqueries;
        if !has_empty {
            causes.push(probe.cause(expr).await);
        }
    }
    causes.sort_by_key(|cause| cause.span);
    causes
}

/// Whether a result has no data, which `scalar` returns as `NaN`.
pub(crate) fn is_empty(data: &Data) -> bool {
    match data {
        Data::Vector(vector) => vector.is_empty(),
        Data::Matrix(matrix) => matrix.is_empty(),
        Data::Scalar(scalar) => scalar.value().is_nan(),
        _ => false,
    }
}

/// The expression, or the vectors that a scalar is computed from.
fn vectors<'e, 'a>(expr: &'e Expr<'a>) -> Vec<&'e Expr<'a>> {
    if expr.ty() == ResultType::Scalar { expr.children().flat_map(vectors).collect() } else { vec![expr] }
}

/// The operands that can be the cause: the result is empty if one of them is.
fn operands<'e, 'a>(expr: &'e Expr<'a>) -> Vec<&'e Expr<'a>> {
    match &expr.kind {
        ExprKind::Binary(binary) if binary.op == BinaryOp::Unless => vec![&binary.lhs],
        ExprKind::Call(call) if call.name.starts_with("absent") => Vec::new(),
        _ => expr.children().collect(),
    }
}

struct Probe<'a> {
    query: &'a str,
    scrapes: Scrapes<'a>,
    /// The range of a range query.
    range: Option<TimeRange>,
    /// The ranges and modifiers of the subqueries around an expression, the outermost first.
    subqueries: Vec<&'a str>,
}

impl Probe<'_> {
    /// Whether an expression has no result. `false` if that cannot be determined.
    async fn is_empty(&self, expr: &Expr<'_>) -> bool {
        let text = &self.query[expr.span.range()];
        match expr.ty() {
            ResultType::InstantVector => !self.has_series(text).await,
            ResultType::RangeVector => !self.has_series(&format!("last_over_time({text})")).await,
            ResultType::Scalar | ResultType::String => false,
        }
    }

    /// Whether an instant vector has series, at some point of the ranges of the query and of subqueries. `true` if that
    /// cannot be determined.
    async fn has_series(&self, query: &str) -> bool {
        self.finds_series(query).await.unwrap_or(true)
    }

    async fn finds_series(&self, query: &str) -> Option<bool> {
        let within = |query: String, subquery: &&str| format!("last_over_time(({query}){subquery})");
        let query = self.subqueries.iter().rev().fold(format!("count({query})"), within);
        if let Some(range) = self.range {
            return Some(!self.scrapes.client.raw_query_range(query, range).await.ok()?.is_empty());
        }
        match self.scrapes.query(query).await {
            Some(Data::Vector(vector)) => Some(!vector.is_empty()),
            _ => None,
        }
    }

    async fn cause(&self, expr: &Expr<'_>) -> Cause {
        let (message, is_expected) = match &expr.kind {
            ExprKind::Selector(selector) => (self.selector(expr, selector).await, false),
            ExprKind::Binary(binary) if binary.op.is_comparison() => {
                (format!("nothing passes the comparison `{}`", binary.op.as_str()), true)
            }
            ExprKind::Binary(binary) if self.is_nan(binary).await => {
                (format!("`{}` is not a number for its series, which the server leaves out", binary.op.as_str()), true)
            }
            ExprKind::Binary(binary) => match binary.op {
                BinaryOp::And => ("no series is on both sides of `and`".to_owned(), true),
                BinaryOp::Unless => ("every series is on the right side of `unless` too".to_owned(), true),
                op => (format!("no series of the two sides of `{}` have the same labels", op.as_str()), false),
            },
            ExprKind::Call(call) if call.name.starts_with("absent") => (format!("`{}` finds series", call.name), true),
            ExprKind::Call(call) if self.is_idle(call).await => {
                (format!("`{}` has no quantile without observations", call.name), true)
            }
            ExprKind::Call(call) => (self.call(call).await, false),
            ExprKind::Aggregate(aggregate) => {
                (format!("`{}` returns nothing for its series", aggregate.op.as_str()), false)
            }
            _ => ("no result".to_owned(), false),
        };
        Cause { span: expr.span, message, is_expected }
    }

    /// Whether the two sides of an arithmetic operator have series with the same labels: VictoriaMetrics leaves out `NaN`.
    async fn is_nan(&self, binary: &Binary<'_>) -> bool {
        let is_set = matches!(binary.op, BinaryOp::And | BinaryOp::Or | BinaryOp::Unless);
        let [lhs, rhs] = [&binary.lhs, &binary.rhs].map(|operand| &self.query[operand.span.range()]);
        let matching = &self.query[binary.op_span.range().end..binary.rhs.span.range().start];
        !is_set && self.finds_series(&format!("{lhs} == bool{matching}{rhs}")).await == Some(true)
    }

    /// Whether the buckets of `histogram_quantile` are all zero: then VictoriaMetrics returns nothing instead of `NaN`.
    async fn is_idle(&self, call: &Call<'_>) -> bool {
        let (true, Some(buckets)) = (call.name == "histogram_quantile", call.args.last()) else { return false };
        let buckets = &self.query[buckets.span.range()];
        self.finds_series(&format!("({buckets}) == 0")).await == Some(true)
            && self.finds_series(&format!("({buckets}) != 0")).await == Some(false)
    }

    /// Why a function returns nothing for its operands.
    async fn call(&self, call: &Call<'_>) -> String {
        let name = call.name;
        let window = call.args.iter().find_map(|argument| match &argument.kind {
            ExprKind::Selector(selector) => Some((selector, &selector.range.as_ref()?.duration)),
            _ => None,
        });
        match window.filter(|_| needs_two_samples(name)) {
            Some((selector, window)) => {
                let window = &self.query[window.span.range()];
                let (mut interval, _) = self.interval(selector, window).await.unwrap_or_default();
                if interval.is_empty() && self.scrapes.at.is_none() {
                    interval.push_str("; wait for the next scrape");
                }
                format!("`{name}` finds fewer than two samples in the window of `{window}`{interval}")
            }
            None => format!("`{name}` returns nothing for its series"),
        }
    }

    /// How often the series of a selector have samples, in words, and whether its window is too short for that.
    async fn interval(&self, selector: &Selector<'_>, window: &str) -> Option<(String, bool)> {
        let name = selector.metric_name()?;
        let interval = self.scrapes.interval(name, &self.query[selector.span.range()]).await?;
        let (every, safe) = (duration(interval), safe_window(interval));
        let is_short = window.parse::<PromDuration>().is_ok_and(|window| window < safe);
        let advice = if is_short { format!(", so use at least `{safe}`") } else { String::new() };
        Some((format!("; `{name}` has one every `{every}`{advice}"), is_short))
    }

    /// Which part of a selector excludes all series, or all samples.
    async fn selector(&self, expr: &Expr<'_>, selector: &Selector<'_>) -> String {
        let text = &self.query[selector.span.range()];
        // The parts of a subquery have its range and its modifiers as well.
        let rest = &self.query[selector.span.range().end..expr.span.range().end];
        let has = async |part: &str| {
            let part = format!("{part}{rest}");
            self.has_series(&if selector.range.is_some() { format!("last_over_time({part})") } else { part }).await
        };
        let is_current = self.has_series(text).await;
        if is_current && selector.modifiers.is_empty() && selector.range.is_none() {
            // Between two queries, series can begin.
            return format!("`{text}` has samples only now");
        }
        if let Some(range) = selector.range.as_ref().filter(|_| is_current && selector.modifiers.is_empty())
            && let Some((interval, true)) = self.interval(selector, &self.query[range.duration.span.range()]).await
        {
            return self.nothing_in(text, selector, rest, &interval);
        }
        if let Some(age) = self.age(text).await {
            return self.nothing_in(text, selector, rest, &age);
        }
        if is_current {
            return self.nothing_in(text, selector, rest, "");
        }
        let Some(name) = selector.metric_name() else { return format!("no series is selected by `{text}`") };
        let named = format!("__name__={}", quote(name));
        if !has(&format!("{{{named}}}")).await {
            return match self.age(&format!("{{{named}}}")).await {
                Some(age) => self.nothing_in(name, selector, rest, &age),
                None => self.unknown(name).await,
            };
        }
        let (mut excluding, mut values) = (Vec::new(), String::new());
        for matcher in selector.matchers().into_iter().filter(|matcher| matcher.label.name != "__name__") {
            let text = &self.query[matcher.label.span.to(matcher.value.span).range()];
            if !has(&format!("{{{named},{text}}}")).await {
                excluding.push(format!("`{text}`"));
                values = self.values(name, matcher).await;
            }
        }
        match excluding.len() {
            0 => format!("no series of `{name}` matches all of `{text}`"),
            1 => format!("no series of `{name}` has {}{values}", excluding[0]),
            _ => format!("no series of `{name}` has {}", excluding.join(" or ")),
        }
    }

    /// The message about a selector that has samples, but not when the query reads them. `detail` is about the time of the
    /// query.
    fn nothing_in(&self, text: &str, selector: &Selector<'_>, rest: &str, detail: &str) -> String {
        match &selector.range {
            _ if !selector.modifiers.is_empty() => format!("`{text}` has samples, but none with `{}`", rest.trim()),
            Some(range) => {
                let window = &self.query[range.duration.span.range()];
                format!("`{text}` has no sample in the window of `{window}`{detail}")
            }
            None if self.range.is_some() => format!("`{text}` has no samples in the range{detail}"),
            None => format!("`{text}` has no current samples{detail}"),
        }
    }

    /// How old the last sample of a selector is, in words, if it has one.
    async fn age(&self, selector: &str) -> Option<String> {
        for past in PAST {
            let query = format!("time() - max(max_over_time(timestamp({selector}){past}))");
            if let Some(Data::Vector(found)) = self.scrapes.query(query).await
                && let Some(element) = found.elements().first()
            {
                let seconds = element.value().number().ok()?;
                let unit = [86_400.0, 3600.0, 60.0, 1.0].into_iter().find(|unit| seconds >= 2.0 * unit).unwrap_or(1.0);
                return Some(format!(": the last one is `{}` old", duration((seconds / unit).round() * unit)));
            }
        }
        None
    }

    /// The message about a metric without series. It names a similar metric, unless this one exists at another time.
    async fn unknown(&self, name: &str) -> String {
        let names = self.scrapes.client.label_values("__name__").await;
        let others = names.iter().flat_map(|names| names.iter()).map(String::as_str).filter(|other| *other != name);
        let is_known = names.iter().flat_map(|names| names.iter()).any(|other| other == name);
        let similar = nearest(name, others).filter(|_| !is_known);
        let similar = similar.map(|similar| format!("; a metric with a similar name exists: `{similar}`"));
        let time = match self.range {
            Some(_) => " in the range",
            None if self.scrapes.at.is_some() => " at that time",
            None => "",
        };
        format!("the server has no series of `{name}`{time}{}", similar.unwrap_or_default())
    }

    /// The values that the label of a matcher has.
    async fn values(&self, name: &str, matcher: &Matcher<'_>) -> String {
        let label = &*matcher.label.name;
        let metric = Querier::new(name.to_owned());
        let values = self.scrapes.client.label_values(label).matching(&metric);
        // Without times, some servers search the last hours.
        let end = self.range.map(|range| range.end()).or(self.scrapes.at);
        let start = self.range.map(|range| range.start()).or_else(|| end?.checked_sub(VALUES_OF));
        let values = values.when_some(start, LabelValues::start).when_some(end, LabelValues::end).await;
        let Ok(values) = values else { return String::new() };
        // Two further values take no more room than the words for the rest.
        let most = if values.len() <= MAX_VALUES + 2 { MAX_VALUES + 2 } else { MAX_VALUES };
        let mut values: Vec<&str> = values.iter().map(String::as_str).collect();
        closest_first(&matcher.value.value, &mut values);
        let shown: Vec<String> = values.iter().take(most).map(|value| format!("`{value}`")).collect();
        match values.len().saturating_sub(shown.len()) {
            _ if matches!(matcher.op, MatchOp::NotEqual | MatchOp::NotRegex) => String::new(),
            _ if shown.is_empty() => format!("; it does not have the label `{label}`"),
            0 => format!("; `{label}` is {}", shown.join(" or ")),
            more => format!("; `{label}` is {}, or one of {more} other values", shown.join(", ")),
        }
    }
}

/// Moves the value that is probably meant to the front. Numbers, such as those of `le`, are sorted by their distance.
fn closest_first(typed: &str, values: &mut [&str]) {
    let number = |text: &str| text.parse::<f64>().ok();
    let Some(wanted) = number(typed) else {
        let meant = nearest(typed, values.iter().copied());
        return values.sort_by_key(|value| Some(*value) != meant);
    };
    let distance = |value: &str| number(value).map_or(f64::INFINITY, |number| (number - wanted).abs());
    values.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
}

#[cfg(test)]
mod tests {
    use super::closest_first;

    #[test]
    fn the_closest_value_is_first() {
        for (typed, values, expected) in [
            ("5", ["+Inf", "0.1", "1.0", "5.0"], ["5.0", "1.0", "0.1", "+Inf"]),
            ("io_wait", ["idle", "iowait", "system", "user"], ["iowait", "idle", "system", "user"]),
            ("x", ["a", "b", "c", "d"], ["a", "b", "c", "d"]),
        ] {
            let mut sorted = values;
            closest_first(typed, &mut sorted);
            assert_eq!(sorted, expected, "{typed}");
        }
    }
}
