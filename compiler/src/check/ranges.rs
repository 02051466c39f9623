//! Checks of ranges, windows and subqueries.

use super::analysis::{Analysis, Findings};
use super::targets;
use super::tree::{Id, duration, in_seconds};
use crate::promql::{
    BinaryOp, Call, Duration, DurationKind, DurationOp, ExprKind, Interval, Subquery, is_counter_function,
    needs_two_samples,
};
use crate::vec_ext::VecExt;
use crate::{Code, Diagnostic, Span};

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    for id in query.ids() {
        match &query.expr(id).kind {
            ExprKind::Call(call) => {
                let Some(arg) =
                    query.children(id).iter().map(|arg| query.strip_parens(*arg)).find(|arg| is_range(query, *arg))
                else {
                    continue;
                };
                match &query.expr(arg).kind {
                    ExprKind::Selector(_) => short_range(query, arg, call, findings),
                    ExprKind::Subquery(_) => subquery(query, arg, call, findings),
                    _ => {}
                }
            }
            ExprKind::Binary(binary) if binary.op == BinaryOp::Div => mismatch(query, id, findings),
            _ => {}
        }
        for duration in ranges(query, id) {
            arithmetic(duration, findings);
        }
    }
}

fn is_range(query: &Analysis<'_>, id: Id) -> bool {
    query.expr(id).ty() == crate::promql::ResultType::RangeVector
}

/// The durations of an expression that must be positive.
fn ranges<'e>(query: &Analysis<'e>, id: Id) -> impl Iterator<Item = &'e Duration> {
    let (range, step) = match &query.expr(id).kind {
        ExprKind::Selector(selector) => (selector.range.as_ref().map(|range| &range.duration), None),
        ExprKind::Subquery(subquery) => (Some(&subquery.range), subquery.step.as_ref()),
        _ => (None, None),
    };
    range.into_iter().chain(step)
}

/// The values of a duration for any `{window}`, in seconds; those of literals are in `values`.
pub(super) fn values(duration: &Duration, values: &dyn Fn(Span) -> Option<Interval>) -> Option<Interval> {
    const ANY: Interval = Interval { low: 0.001, high: 9.3e9 };
    duration.interval(&|leaf| match leaf.kind {
        DurationKind::Literal(_) => values(leaf.span),
        _ => Some(ANY),
    })
}

fn arithmetic(duration: &Duration, findings: &mut Findings) {
    let holes = duration.holes();
    let Some(seconds) = values(duration, &|_| None) else { return };
    if holes.is_empty() && !(seconds.high > 0.0 && seconds.low < f64::INFINITY) {
        let finding = Diagnostic::new(Code::InvalidDuration, duration.span, "range of zero or less");
        findings.push(finding.label("must be longer than zero"));
    }
    let Some(hole) = holes.first().filter(|_| !duration.is_hole()) else { return };
    if seconds.low > 0.0 {
        return;
    }
    findings.push(
        Diagnostic::new(Code::WindowArithmetic, duration.span, "range that some windows make zero or negative")
            .label("must be longer than zero")
            .secondary(*hole, "a caller may pass any window"),
    );
}

fn short_range(query: &Analysis<'_>, arg: Id, call: &Call<'_>, findings: &mut Findings) {
    let (ExprKind::Selector(selector), Some(series)) = (&query.expr(arg).kind, query.series(arg)) else { return };
    let Some(range) = &selector.range else { return };
    let (Some(seconds), Some(interval)) = (query.seconds(&range.duration), query.scrape_interval(series)) else {
        return;
    };
    // Ranges below a millisecond are reported elsewhere.
    if !needs_two_samples(call.name) || seconds < 0.001 {
        return;
    }
    let scrape = in_seconds(interval);
    let span = range.duration.span;
    let holes = range.duration.holes();
    let shown = match query.scope.window.filter(|_| !holes.is_empty()) {
        Some(window) if range.duration.is_hole() => format!("`{{window}}` is {window} by default"),
        Some(window) => format!("{} with the default `{{window}}` of {window}", duration(seconds)),
        None => format!("a range of {}", query.slice(span)),
    };
    let help = match (holes.is_empty(), &range.duration.kind) {
        (true, _) => Some(format!("write `[{}]`", duration(4.0 * scrape))),
        // Such a range grows with the window.
        (_, DurationKind::Hole | DurationKind::Binary(DurationOp::Mul | DurationOp::Div, _)) => query
            .scope
            .window
            .map(|window| format!("write `window = \"{}\"`", duration(in_seconds(window) * 4.0 * scrape / seconds))),
        _ => None,
    };
    let note = format!("`{}` is scraped every {interval}", series.name.as_deref().unwrap_or_default());
    if seconds < 2.0 * scrape {
        findings.push(Diagnostic {
            help,
            ..Diagnostic::new(Code::RangeTooShort, span, format!("`{}` over fewer than two scrapes", call.name))
                .label(format!("{shown}, which often holds only one sample"))
                .secondary(call.name_span, "needs two samples")
                .note(note)
        });
    } else if seconds < 4.0 * scrape && matches!(call.name, "rate" | "increase" | "delta" | "deriv") {
        findings.push(Diagnostic {
            help,
            ..Diagnostic::new(Code::FragileRange, span, format!("`{}` over fewer than four scrapes", call.name))
                .label(format!("{shown}: a lost scrape leaves a gap"))
                .note(note)
        });
    }
}

fn subquery(query: &Analysis<'_>, arg: Id, call: &Call<'_>, findings: &mut Findings) {
    let ExprKind::Subquery(subquery) = &query.expr(arg).kind else { return };
    let Some(step) = &subquery.step else {
        findings.add_all(needless(query, arg, subquery));
        return;
    };
    let (Some(range), Some(seconds)) = (query.seconds(&subquery.range), query.seconds(step)) else { return };
    let finding = one_point(query, subquery, call, range, seconds)
        .or_else(|| gaps(query, arg, subquery, step, seconds))
        .or_else(|| shorter_than_scrapes(query, arg, subquery, step, call, range, seconds));
    findings.add_all(finding);
}

/// `rate(x[5m:])`, where `x[5m]` has the samples themselves.
fn needless(query: &Analysis<'_>, arg: Id, subquery: &Subquery<'_>) -> Option<Diagnostic> {
    let ExprKind::Selector(selector) = &query.expr(query.strip_parens(arg + 1)).kind else { return None };
    selector.modifiers.is_empty().then(|| {
        let plain = query.slice(selector.span);
        Diagnostic::new(Code::NeedlessSubquery, subquery.brackets, "subquery of a plain selector")
            .label("evaluates the selector once per step of the server's default")
            .help(format!("write `{plain}[{}]`", query.slice(subquery.range.span)))
    })
}

/// `rate(x[5m:5m])`.
fn one_point(
    query: &Analysis<'_>,
    subquery: &Subquery<'_>,
    call: &Call<'_>,
    range: f64,
    step: f64,
) -> Option<Diagnostic> {
    let is_one_point = range < step || (range <= step && !targets::includes_start(&query.scope.settings.targets));
    (needs_two_samples(call.name) && is_one_point).then(|| {
        let title = format!("`{}` over a subquery of one point", call.name);
        Diagnostic::new(Code::SubqueryOfOnePoint, subquery.brackets, title)
            .label("the range is at most one step long")
            .secondary(call.name_span, "needs two points")
            .note("since Prometheus 3.0 a range does not include its start")
    })
}

/// `max_over_time(rate(x[1m])[1h:5m])`, which reads one minute of five.
fn gaps(query: &Analysis<'_>, arg: Id, subquery: &Subquery<'_>, step: &Duration, seconds: f64) -> Option<Diagnostic> {
    let inner = query.strip_parens(arg + 1);
    let ExprKind::Call(rate) = &query.expr(inner).kind else { return None };
    let read = query.arg(inner, 0).map(|arg| &query.expr(query.strip_parens(arg)).kind)?;
    let ExprKind::Selector(selector) = read else { return None };
    let window = &selector.range.as_ref()?.duration;
    let leaves_out = query.seconds(window).is_some_and(|window| window < seconds);
    (leaves_out && is_counter_function(rate.name) && rate.name != "irate").then(|| {
        Diagnostic::new(Code::SubqueryWithGaps, step.span, "subquery that skips samples")
            .label("evaluated once per step")
            .secondary(window.span, "shorter than the step")
            .help(format!("write `[{}:{}]`", query.slice(subquery.range.span), query.slice(window.span)))
    })
}

/// A range, or a step, that is too short for how often the metrics are scraped.
fn shorter_than_scrapes(
    query: &Analysis<'_>,
    arg: Id,
    subquery: &Subquery<'_>,
    step: &Duration,
    call: &Call<'_>,
    range: f64,
    seconds: f64,
) -> Option<Diagnostic> {
    let interval =
        query.selectors_below(arg).iter().filter_map(|(_, _, series)| query.scrape_interval(series)).min()?;
    let scrape = in_seconds(interval);
    let is_plain = query.selectors_below(arg).iter().all(|(_, it, _)| it.range.is_none());
    if needs_two_samples(call.name) && range < 2.0 * scrape && is_plain {
        let title = format!("`{}` over fewer than two scrapes", call.name);
        let finding = Diagnostic::new(Code::RangeTooShort, subquery.range.span, title)
            .label("often holds only one sample, which each step reads")
            .secondary(call.name_span, "needs two samples")
            .note(format!("scraped every {interval}"));
        let help = || format!("write `[{}:{interval}]`", duration(4.0 * scrape));
        return Some(if subquery.range.holes().is_empty() { finding.help(help()) } else { finding });
    }
    (seconds < scrape).then(|| {
        let title = "subquery in steps shorter than the scrape interval";
        let finding = Diagnostic::new(Code::SubqueryTooFine, step.span, title)
            .label(format!("scraped every {interval}, so the same samples are read again"));
        let help = || format!("write `[{}:{interval}]`", query.slice(subquery.range.span));
        // A range of at most one step has one point.
        if range > scrape { finding.help(help()) } else { finding }
    })
}

/// `rate(a[5m]) / rate(b[1m])`.
fn mismatch(query: &Analysis<'_>, id: Id, findings: &mut Findings) {
    let side = |id: Id| {
        let selectors = query.selectors_below(id);
        let mut ranged = selectors.iter().filter_map(|&(id, selector, series)| {
            let ExprKind::Call(call) = &query.expr(query.outer(id)?).kind else { return None };
            let range = selector.range.as_ref()?;
            is_counter_function(call.name).then_some((call.name, range, series, selector.name.as_ref()?.text))
        });
        let first = ranged.next()?;
        ranged.next().is_none().then_some(first)
    };
    let &[left, right] = query.children(id) else { return };
    let (Some((f, first, _, a)), Some((g, second, _, b))) = (side(left), side(right)) else { return };
    let same = match (first.duration.seconds(), second.duration.seconds()) {
        (Some(first), Some(second)) => (first - second).abs() < 1e-9,
        (None, None) => true,
        // Only one of them depends on the caller.
        _ => !(first.duration.is_hole() || second.duration.is_hole()),
    };
    // A metric divided by its own past is a trend.
    if f != g || a == b || same {
        return;
    }
    findings.push(
        Diagnostic::new(Code::RangeMismatch, second.duration.span, "ratio of two different ranges")
            .label("the range of this side")
            .secondary(first.duration.span, "the range of the other side")
            .help(format!("write `{}`", query.slice(first.span))),
    );
}
