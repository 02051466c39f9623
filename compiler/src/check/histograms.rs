//! Checks of buckets and quantiles.

use promql_presets_core::regex;

use super::analysis::{Analysis, Findings};
use super::float_labels::open_metrics_float;
use super::ratios::unscaled;
use super::schema::{Metric, Role};
use super::tree::{Id, Series, Source};
use crate::promql::{Aggregate, Aggregator, Call, ExprKind, Grouping, GroupingKeyword, MatchOp, Matcher, Selector};
use crate::vec_ext::{IntoVec, VecExt};
use crate::{Code, Diagnostic};

/// The index of the argument with the buckets.
fn buckets_of(call: &Call<'_>) -> Option<usize> {
    match call.name {
        "histogram_quantile" => Some(1),
        "histogram_fraction" => Some(2),
        "histogram_quantiles" => Some(0),
        _ => None,
    }
}

/// Whether a function returns nothing for samples that are not native histograms.
fn takes_native(call: &Call<'_>) -> bool {
    let names = ["histogram_sum", "histogram_count", "histogram_avg", "histogram_stddev", "histogram_stdvar"];
    names.contains(&call.name)
}

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    for id in query.ids() {
        match &query.expr(id).kind {
            ExprKind::Call(call) => {
                if let Some(arg) = buckets_of(call).and_then(|index| query.arg(id, index)) {
                    quantile(query, arg, call, findings);
                } else if takes_native(call) {
                    findings.add_all(query.arg(id, 0).and_then(|arg| native_of_floats(query, arg, call)));
                }
            }
            ExprKind::Aggregate(aggregate) => {
                le_of_native(query, id, aggregate, findings);
                bucket_sum(query, id, aggregate, findings);
                aggregated_quantile(query, id, aggregate, findings);
            }
            _ => {}
        }
    }
}

/// `histogram_quantile(0.9, arg)` and similar functions. At most one finding for each, because faults of one argument
/// belong together.
fn quantile(query: &Analysis<'_>, arg: Id, call: &Call<'_>, findings: &mut Findings) {
    let sources = query.sources(arg);
    let first = |fault: &dyn Fn(Source<'_, '_>) -> Option<Diagnostic>| sources.iter().find_map(|source| fault(*source));
    if let Some(finding) = first(&|source| no_buckets(query, source, arg, call)) {
        findings.push(finding);
    } else if lacks_le(query, arg, &sources) {
        findings.add_all(without_le(query, arg, call));
    } else {
        findings.add_all(
            first(&|source| missing_buckets(query, source, arg, call))
                .or_else(|| first(&|source| without_rate(query, source, arg, call))),
        );
    }
}

/// Whether classic buckets have lost `le`. That is known only if every selector selects classic buckets: native histograms
/// have no `le`, and VictoriaMetrics' own histograms have `vmrange` instead.
fn lacks_le(query: &Analysis<'_>, arg: Id, sources: &[Source<'_, '_>]) -> bool {
    let labels = query.labels_without_group_by(arg);
    let classic = !sources.is_empty() && sources.iter().all(|(_, _, series)| series.role.is_bucket());
    classic && !labels.may_have("le") && !labels.all().is_some_and(|labels| labels.contains(&"vmrange"))
}

/// Whether this module reports why an aggregation by `le` has no such label.
pub(super) fn explains_missing_le(query: &Analysis<'_>, id: Id) -> bool {
    let sources = query.sources(query.operand(id));
    is_native(&sources) || (is_in_quantile(query, id) && sources.iter().any(|(_, _, series)| has_no_buckets(series)))
}

/// Whether an expression is within an argument with the buckets of a quantile.
fn is_in_quantile(query: &Analysis<'_>, id: Id) -> bool {
    query.ancestors(id).iter().any(|outer| match &query.expr(*outer).kind {
        ExprKind::Call(call) => buckets_of(call).is_some(),
        _ => false,
    })
}

/// Whether every selector selects native histograms, as their files declare.
fn is_native(sources: &[Source<'_, '_>]) -> bool {
    !sources.is_empty() && sources.iter().all(|(_, _, series)| series.declared() == Role::NativeHistogram)
}

/// Whether series are certainly not buckets.
fn has_no_buckets(series: &Series<'_>) -> bool {
    match series.role {
        Role::Bucket | Role::GaugeBucket | Role::NativeHistogram | Role::Unknown | Role::Base => false,
        Role::Sum | Role::Count | Role::Counter => series.declared() != Role::Unknown || series.name.is_some(),
        _ => true,
    }
}

/// Series that are not buckets, or are no longer buckets after an aggregation.
fn no_buckets(query: &Analysis<'_>, source: Source<'_, '_>, arg: Id, call: &Call<'_>) -> Option<Diagnostic> {
    let (id, selector, series) = source;
    let span = selector.name.as_ref().map_or(selector.span, |name| name.span);
    if has_no_buckets(series) {
        let title = format!("`{}` of {}", call.name, series.role.with_article());
        let finding = Diagnostic::new(Code::QuantileWithoutBuckets, span, title)
            .label("has no buckets")
            .secondary(call.name_span, "takes buckets");
        let is_part = matches!(series.role, Role::Sum | Role::Count);
        // A quoted name is shown without its quotes.
        let written = selector.name.as_ref().map(|name| name.text).or(series.name.as_deref()).unwrap_or_default();
        return Some(match written.rsplit_once('_').filter(|_| is_part) {
            Some((stem, _)) => finding.help(format!("write `{stem}_bucket`")),
            None if series.role == Role::Quantiles => finding.note("the label `quantile` has those of each process"),
            None => finding,
        });
    }
    if matches!(series.role, Role::Unknown | Role::Base) {
        return None;
    }
    let aggregate = aggregations(query, id, arg).find(|aggregate| breaks_buckets(aggregate))?;
    let name = aggregate.op.as_str();
    Some(
        Diagnostic::new(Code::QuantileOfBrokenBuckets, aggregate.op_span, format!("`{name}` of buckets"))
            .label("the result is no longer buckets")
            .secondary(call.name_span, "takes buckets")
            .note("only sums of cumulative buckets are buckets"),
    )
}

/// `histogram_sum` or a similar function of series that are certainly not native histograms.
fn native_of_floats(query: &Analysis<'_>, arg: Id, call: &Call<'_>) -> Option<Diagnostic> {
    let sources = query.sources(arg);
    let (_, selector, series) = *sources.first()?;
    let is_float = |series: &Series<'_>| series.role.is_bucket() || has_no_buckets(series);
    if !sources.iter().all(|(_, _, series)| series.each().iter().all(is_float)) {
        return None;
    }
    let name = selector.name.as_ref();
    let title = format!("`{}` of {}", call.name, series.role.with_article());
    let finding = Diagnostic::new(Code::QuantileWithoutBuckets, name.map_or(selector.span, |name| name.span), title)
        .label("no native histogram")
        .secondary(call.name_span, "returns nothing for other samples")
        .warning_unless(series.declared() != Role::Unknown);
    let is_part = matches!(series.role, Role::Bucket | Role::Sum | Role::Count);
    let Some((stem, _)) = name.and_then(|name| name.text.rsplit_once('_')).filter(|_| is_part) else {
        return Some(finding);
    };
    Some(match call.name {
        "histogram_sum" | "histogram_count" => {
            let suffix = call.name.trim_start_matches("histogram");
            finding.help(format!("write `{stem}{suffix}` without `{}`", call.name))
        }
        "histogram_avg" => finding.help(format!("divide the rate of `{stem}_sum` by that of `{stem}_count`")),
        _ => finding,
    })
}

/// The aggregations between a selector and the argument.
fn aggregations<'e>(query: &Analysis<'e>, id: Id, arg: Id) -> impl Iterator<Item = &'e Aggregate<'e>> {
    query.ancestors_up_to(id, arg).into_iter().filter_map(|outer| match &query.expr(outer).kind {
        ExprKind::Aggregate(aggregate) => Some(&**aggregate),
        _ => None,
    })
}

/// Buckets without `rate`.
fn without_rate(query: &Analysis<'_>, source: Source<'_, '_>, arg: Id, call: &Call<'_>) -> Option<Diagnostic> {
    let (id, selector, series) = source;
    if !matches!(series.role, Role::Bucket | Role::NativeHistogram) {
        return None;
    }
    let title = format!("`{}` of buckets without `rate`", call.name);
    let finding = |span| {
        Diagnostic::new(Code::QuantileWithoutRate, span, title).warning_unless(series.declared() != Role::Unknown)
    };
    if selector.range.is_some() {
        let ExprKind::Call(over_time) = &query.expr(query.outer(id)?).kind else { return None };
        let keeps = matches!(over_time.name, "avg_over_time" | "max_over_time" | "min_over_time" | "last_over_time");
        let help = format!("write `rate{}`", query.slice(over_time.parens));
        return keeps.then(|| finding(over_time.name_span).label("of counters that only grow").help(help));
    }
    if query.ancestors_up_to(id, arg).iter().any(|outer| matches!(query.expr(*outer).kind, ExprKind::Subquery(_))) {
        return None;
    }
    let range = if query.scope.template { "{window}" } else { "5m" };
    let help = format!("write `rate({}[{range}])`", query.slice(selector.span));
    Some(finding(selector.span).label("these only grow").help(help))
}

/// Reports an operation between a selector and the quantile that removes buckets from the histogram.
fn missing_buckets(query: &Analysis<'_>, source: Source<'_, '_>, arg: Id, call: &Call<'_>) -> Option<Diagnostic> {
    let (id, selector, series) = source;
    if !series.role.is_bucket() {
        return None;
    }
    let finding = |span, title: String, label: &str| {
        Diagnostic::new(Code::QuantileOfBrokenBuckets, span, title)
            .label(label)
            .secondary(call.name_span, "needs every bucket")
            .warning_unless(series.declared() != Role::Unknown)
    };
    if series.metric.is_some_and(Metric::has_no_bounds) {
        let name = selector.name.as_ref();
        let finding = finding(
            name.map_or(selector.span, |name| name.span),
            format!("`{}` of a single bucket", call.name),
            "only has `le=\"+Inf\"` in `metrics.toml`",
        )
        .note("in text, a native histogram without classic buckets has this one");
        return Some(match name.and_then(|name| name.text.strip_suffix("_bucket")) {
            Some(stem) => finding.help(format!("write `{stem}` if it is a native histogram")),
            None => finding,
        });
    }
    if let Some(aggregate) =
        aggregations(query, id, arg).find(|aggregate| matches!(aggregate.op, Aggregator::Max | Aggregator::Min))
    {
        let title = format!("`{}` of buckets", aggregate.op.as_str());
        let finding = finding(aggregate.op_span, title, "each bucket may come from another series").help("write `sum`");
        // A warning, since the maximum is right for pairs of servers that scrape the same targets.
        return Some(finding.warning_unless(false));
    }
    let matchers = selector.matchers();
    let one = matchers.iter().find(|matcher| {
        let value = &*matcher.value.value;
        matcher.label.name == "le"
            && match matcher.op {
                MatchOp::Equal => !value.is_empty(),
                MatchOp::NotEqual => value == "+Inf",
                MatchOp::Regex | MatchOp::NotRegex => false,
            }
    });
    if let Some(matcher) = one {
        let is_equal = matcher.op == MatchOp::Equal;
        let label = if is_equal { "leaves one bucket" } else { "leaves out the bucket that holds all" };
        let title = format!("`{}` of some of the buckets", call.name);
        return Some(finding(matcher.span(), title, label).help("remove this matcher"));
    }
    query.ancestors_up_to(id, arg).iter().find_map(|outer| match &query.expr(*outer).kind {
        ExprKind::Binary(binary) if binary.op.is_comparison() && binary.bool_span.is_none() => {
            let title = format!("`{}` between buckets and their quantile", binary.op.as_str());
            let finding = finding(binary.op_span, title, "drops the buckets for which it is false");
            let finding = finding.help("leave the comparison out, or compare the quantile");
            Some(finding.note("a quantile lies between the bounds of two buckets, the lower of which may be empty"))
        }
        _ => None,
    })
}

/// Whether the result of an aggregation of buckets is no longer cumulative buckets.
fn breaks_buckets(aggregate: &Aggregate<'_>) -> bool {
    let by_le = || {
        aggregate
            .grouping
            .as_ref()
            .is_some_and(|grouping| grouping.keyword == GroupingKeyword::By && grouping.lists("le"))
    };
    match aggregate.op {
        Aggregator::Sum | Aggregator::Avg | Aggregator::Max | Aggregator::Min => false,
        // `by (le)` picks one of several series for each bucket.
        Aggregator::Topk | Aggregator::Bottomk | Aggregator::Limitk => !by_le(),
        _ => true,
    }
}

fn without_le(query: &Analysis<'_>, arg: Id, call: &Call<'_>) -> Option<Diagnostic> {
    let (dropping, span, text) = query.find_drop(arg, "le");
    if is_le_misspelt(query, dropping) {
        return None;
    }
    let finding = Diagnostic::new(Code::QuantileWithoutLe, span, format!("`{}` needs the label `le`", call.name))
        .label(text)
        .secondary(call.name_span, "distinguishes buckets by `le`");
    Some(match with_le(query, dropping) {
        Some(help) => finding.help(help),
        None => finding,
    })
}

/// Whether an aggregation is by `LE`, which the series do not have, so that it is reported as undeclared.
fn is_le_misspelt(query: &Analysis<'_>, id: Id) -> bool {
    let ExprKind::Aggregate(aggregate) = &query.expr(id).kind else { return false };
    let labels = query.labels_without_group_by(query.operand(id));
    let is_misspelt = |name: &str| name.eq_ignore_ascii_case("le") && !labels.may_have(name);
    let grouping = aggregate.grouping.as_ref().filter(|grouping| grouping.keyword == GroupingKeyword::By);
    grouping.is_some_and(|grouping| grouping.labels().iter().any(|label| is_misspelt(&label.name)))
}

/// The help that makes an aggregation keep `le`.
fn with_le(query: &Analysis<'_>, id: Id) -> Option<String> {
    let ExprKind::Aggregate(aggregate) = &query.expr(id).kind else { return None };
    // `LE` is a misspelt `le`.
    let items = |skip: &str| -> Vec<&str> {
        let items = Grouping::items_of(aggregate.grouping.as_ref());
        items.iter().map(|item| query.slice(item.span())).filter(|item| !item.eq_ignore_ascii_case(skip)).into_vec()
    };
    let text = match &aggregate.grouping {
        None => "by (le)".to_owned(),
        Some(grouping) if grouping.keyword == GroupingKeyword::Without => {
            format!("without ({})", items("le").join(", "))
        }
        Some(_) if items("le").is_empty() => "by (le)".to_owned(),
        Some(_) => format!("by (le, {})", items("le").join(", ")),
    };
    let after = aggregate.grouping.as_ref().is_some_and(|grouping| grouping.span().start > aggregate.parens.start);
    Some(match aggregate.op {
        // Buckets must be summed.
        Aggregator::Max | Aggregator::Min if after => format!("write `sum(...) {text}`"),
        Aggregator::Max | Aggregator::Min => format!("write `sum {text}`"),
        _ if after => format!("write `{text}`"),
        _ => format!("write `{} {text}`", query.slice(aggregate.op_span)),
    })
}

/// A sum over buckets. Each bucket includes the smaller ones, so the sum counts observations several times.
fn bucket_sum(query: &Analysis<'_>, id: Id, aggregate: &Aggregate<'_>, findings: &mut Findings) {
    let operand = query.operand(id);
    if aggregate.op != Aggregator::Sum
        || query.labels_without_group_by(id).may_have("le")
        || !query.labels_without_group_by(operand).may_have("le")
    {
        return;
    }
    // A comparison with zero is right even if observations are counted several times.
    let compared_with_zero = query.outer(id).is_some_and(|outer| match &query.expr(outer).kind {
        ExprKind::Binary(binary) => binary.op.is_comparison() && binary.rhs.as_number() == Some(0.0),
        _ => false,
    });
    let sources = query.sources(operand);
    let fixed = |selector: &Selector<'_>| {
        selector.matchers().iter().any(|matcher| matcher.label.name == "le" && is_single_bucket(matcher))
    };
    let all = sources.iter().all(|(_, selector, series)| series.role.is_bucket() && !fixed(selector));
    if is_in_quantile(query, id) || compared_with_zero || sources.is_empty() || !all {
        return;
    }
    let (_, span, _) = query.find_drop(id, "le");
    let mut finding = Diagnostic::new(Code::BucketSumWithoutLe, span, "sum over cumulative buckets")
        .label("counts an observation several times");
    let name = sources.first().and_then(|(_, selector, _)| selector.name.as_ref());
    if let Some(name) = name {
        finding = finding.secondary(name.span, "each bucket includes the smaller ones");
    }
    let largest =
        sources.iter().find_map(|(_, selector, _)| selector.matchers().iter().find_map(|it| largest_bound(it)));
    if let Some(bound) = largest {
        finding = finding
            .help(format!("write `le=\"{}\"`, whose bucket includes the smaller ones", open_metrics_float(bound)));
    } else if let Some(stem) = name.and_then(|name| name.text.strip_suffix("_bucket")) {
        let count = if sources.iter().any(|(.., it)| it.role == Role::GaugeBucket) { "gcount" } else { "count" };
        finding = finding.help(format!("`{stem}_{count}` holds every observation once"));
    }
    let declared = sources.iter().all(|(_, _, series)| series.declared() != Role::Unknown);
    findings.push(finding.warning_unless(declared));
}

/// Whether a matcher of `le` may mean a single bucket: not `le=~"0.5|1"`, but `le=~"1(\\.0)?"`.
fn is_single_bucket(matcher: &Matcher<'_>) -> bool {
    match matcher.op {
        MatchOp::NotEqual => false,
        MatchOp::Regex => {
            bounds(matcher).is_none_or(|bounds| bounds.iter().all(|bound| bound.total_cmp(&bounds[0]).is_eq()))
        }
        MatchOp::Equal | MatchOp::NotRegex => true,
    }
}

/// The bounds of `le=~"0.5|1"`.
fn bounds(matcher: &Matcher<'_>) -> Option<Vec<f64>> {
    let mut bounds: Vec<f64> = Vec::new();
    for part in regex::alternatives(&matcher.value.value) {
        // The dot of a number is rarely escaped.
        let texts = if part.parse::<f64>().is_ok() { vec![part.to_owned()] } else { regex::texts(part)? };
        for text in texts {
            bounds.push(text.parse().ok()?);
        }
    }
    Some(bounds)
}

/// The largest bound of `le=~"0.5|1"`.
fn largest_bound(matcher: &Matcher<'_>) -> Option<f64> {
    if matcher.label.name != "le" || matcher.op != MatchOp::Regex {
        return None;
    }
    bounds(matcher)?.iter().copied().max_by(f64::total_cmp)
}

/// Reports `le` of native histograms, which have none: all of their buckets are in one sample.
fn le_of_native(query: &Analysis<'_>, id: Id, aggregate: &Aggregate<'_>, findings: &mut Findings) {
    let Some(grouping) = aggregate.grouping.as_ref().filter(|grouping| grouping.keyword == GroupingKeyword::By) else {
        return;
    };
    let Some(le) = grouping.labels().iter().find(|label| label.name == "le").copied() else { return };
    let sources = query.sources(query.operand(id));
    let Some((_, selector, _)) = sources.first() else { return };
    if !is_native(&sources) {
        return;
    }
    let rest: Vec<&str> =
        grouping.items.iter().map(|item| query.slice(item.span())).filter(|it| *it != "le").into_vec();
    let help = if rest.is_empty() {
        format!("leave `{}` out", query.slice(grouping.span()))
    } else {
        format!("write `by ({})`", rest.join(", "))
    };
    findings.push(
        Diagnostic::new(Code::LeOfNativeHistogram, le.span, "grouping by `le` of a native histogram")
            .label("always empty here")
            .secondary(selector.span, "one sample of a native histogram holds all buckets")
            .help(help),
    );
}

/// An average of quantiles, which is not a quantile.
fn aggregated_quantile(query: &Analysis<'_>, id: Id, aggregate: &Aggregate<'_>, findings: &mut Findings) {
    if !matches!(aggregate.op, Aggregator::Avg | Aggregator::Sum) {
        return;
    }
    let operand = unscaled(query, query.operand(id));
    let what = match &query.expr(operand).kind {
        ExprKind::Call(call) if call.name.starts_with("histogram_quantile") => {
            Some((call.name_span, "makes quantiles"))
        }
        ExprKind::Selector(selector) => {
            let declared = query.series(operand).is_some_and(|series| series.declared() == Role::Quantiles);
            let matchers = selector.matchers();
            let quantile = matchers.iter().find(|matcher| {
                matcher.label.name == "quantile" && matches!(matcher.op, MatchOp::Equal | MatchOp::Regex)
            });
            match quantile {
                Some(matcher) if !matcher.matches_empty() => Some((matcher.span(), "selects quantiles")),
                _ => declared.then_some((selector.span, "quantiles, as the summary has them")),
            }
        }
        _ => None,
    };
    let Some((span, label)) = what else { return };
    let name = if aggregate.op == Aggregator::Sum { "sum" } else { "average" };
    findings.push(
        Diagnostic::new(Code::AggregatedQuantile, aggregate.op_span, format!("{name} of quantiles"))
            .label("the result is not a quantile")
            .secondary(span, label)
            .note("buckets can be added across series, quantiles cannot"),
    );
}
