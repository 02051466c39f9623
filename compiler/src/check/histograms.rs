//! Buckets, and the quantiles that are made of them.

use super::metrics::Role;
use super::query::{Findings, Id, Query};
use super::ratios::unscaled;
use crate::promql::{Aggregate, Aggregator, Call, ExprKind, GroupingKeyword, MatchOp, Matcher, Selector};
use crate::{Code, Diagnostic};

/// The argument of a function of histograms that holds the buckets.
fn buckets_of(call: &Call<'_>) -> Option<usize> {
    match call.name {
        "histogram_quantile" => Some(1),
        "histogram_fraction" => Some(2),
        "histogram_quantiles" => Some(0),
        _ => None,
    }
}

pub(super) fn check(query: &Query<'_>, findings: &mut Findings) {
    for id in query.ids() {
        match &query.expr(id).kind {
            ExprKind::Call(call) => {
                if let Some(arg) = buckets_of(call).and_then(|index| query.arg(id, index)) {
                    quantile(query, arg, call, findings);
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

/// `histogram_quantile(0.9, arg)` and its like: one finding at most for each, because faults of one argument go together.
fn quantile(query: &Query<'_>, arg: Id, call: &Call<'_>, findings: &mut Findings) {
    let sources = query.sources(arg);
    for (id, selector, series) in &sources {
        let span = selector.name.as_ref().map_or(selector.span, |name| name.span);
        match series.role {
            Role::Bucket | Role::NativeHistogram | Role::Unknown | Role::Base => {}
            Role::Sum | Role::Count | Role::Counter if series.declared() == Role::Unknown && series.name.is_none() => {}
            role => {
                let what = role.with_article();
                let mut finding =
                    Diagnostic::new(Code::QuantileWithoutBuckets, span, format!("`{}` of {what}", call.name))
                        .label("has no buckets")
                        .secondary(call.name_span, "takes buckets");
                if let Some(stem) =
                    matches!(role, Role::Sum | Role::Count).then(|| query.slice(span).rsplit_once('_')).flatten()
                {
                    finding = finding.help(format!("write `{}_bucket`", stem.0));
                }
                findings.push(finding);
                return;
            }
        }
        let mut aggregates = query.ancestors(*id).take_while(|outer| *outer >= arg).filter_map(|outer| {
            if let ExprKind::Aggregate(aggregate) = &query.expr(outer).kind { Some(&**aggregate) } else { None }
        });
        if let Some(aggregate) = aggregates.find(|aggregate| breaks_buckets(aggregate))
            && matches!(series.role, Role::Bucket | Role::NativeHistogram)
        {
            let name = aggregate.op.as_str();
            findings.push(
                Diagnostic::new(Code::QuantileOfBrokenBuckets, aggregate.op_span, format!("`{name}` of buckets"))
                    .label("what comes out are no buckets any more")
                    .secondary(call.name_span, "takes buckets")
                    .note("cumulative buckets stay buckets only where they are added"),
            );
            return;
        }
        // Of pairs of servers that watch the same, either will do, so this is no proof.
        let chosen =
            query.ancestors(*id).take_while(|outer| *outer >= arg).find_map(|outer| match &query.expr(outer).kind {
                ExprKind::Aggregate(aggregate) if matches!(aggregate.op, Aggregator::Max | Aggregator::Min) => {
                    Some(aggregate)
                }
                _ => None,
            });
        if let Some(aggregate) = chosen.filter(|_| series.role == Role::Bucket) {
            let name = aggregate.op.as_str();
            findings.push(
                Diagnostic::new(Code::QuantileOfBrokenBuckets, aggregate.op_span, format!("`{name}` of buckets"))
                    .label("each bucket may come from another series")
                    .secondary(call.name_span, "takes buckets of the same series")
                    .help("write `sum`")
                    .warning_unless(false),
            );
            return;
        }
        if series.role == Role::Bucket
            && let Some(finding) = incomplete(query, *id, selector, arg, call)
        {
            findings.push(finding.warning_unless(series.declared() != Role::Unknown));
            return;
        }
    }
    let buckets = || sources.iter().filter(|(_, _, series)| series.role == Role::Bucket);
    // Native histograms have no `le`, so all of it has to be classic; VictoriaMetrics' own have `vmrange` instead.
    let labels = query.bare_labels(arg);
    let classic = !sources.is_empty() && buckets().count() == sources.len();
    let of_victoria_metrics = labels.all().is_some_and(|labels| labels.contains(&"vmrange"));
    if classic && !labels.may_have("le") && !of_victoria_metrics {
        findings.push(without_le(query, arg, call));
        return;
    }
    let cumulative = |role| matches!(role, Role::Bucket | Role::NativeHistogram);
    for (id, _, series) in sources.iter().filter(|(_, selector, _)| selector.range.is_some()) {
        if let Some(outer) = query.outer(*id)
            && let ExprKind::Call(over_time) = &query.expr(outer).kind
            && matches!(over_time.name, "avg_over_time" | "max_over_time" | "min_over_time" | "last_over_time")
            && cumulative(series.role)
        {
            let title = format!("`{}` of buckets since each process started", call.name);
            findings.push(
                Diagnostic::new(Code::QuantileWithoutRate, over_time.name_span, title)
                    .label("of counters that only grow")
                    .help(format!("write `rate{}`", query.slice(over_time.parens)))
                    .warning_unless(series.declared() != Role::Unknown),
            );
            return;
        }
    }
    let raw = sources.iter().find(|(id, selector, series)| {
        let subquery = || {
            query
                .ancestors(*id)
                .take_while(|outer| *outer >= arg)
                .any(|outer| matches!(query.expr(outer).kind, ExprKind::Subquery(_)))
        };
        cumulative(series.role) && selector.range.is_none() && !subquery()
    });
    if let Some((_, selector, series)) = raw {
        let range = if query.scope.template { "{window}" } else { "5m" };
        findings.push(
            Diagnostic::new(
                Code::QuantileWithoutRate,
                selector.span,
                format!("`{}` of buckets since each process started", call.name),
            )
            .label("these only grow")
            .help(format!("write `rate({}[{range}])`", query.slice(selector.span)))
            .warning_unless(series.declared() != Role::Unknown),
        );
    }
}

/// What takes buckets away from the histogram between a selector and the quantile.
fn incomplete(query: &Query<'_>, id: Id, selector: &Selector<'_>, arg: Id, call: &Call<'_>) -> Option<Diagnostic> {
    let finding = |span, title: String, label: &str| {
        Diagnostic::new(Code::QuantileOfBrokenBuckets, span, title)
            .label(label)
            .secondary(call.name_span, "needs every bucket")
    };
    let one = selector.matchers().find(|matcher| {
        let value = &*matcher.value.value;
        matcher.label.name == "le"
            && match matcher.op {
                MatchOp::Equal => !value.is_empty(),
                MatchOp::NotEqual => value == "+Inf",
                MatchOp::Regex | MatchOp::NotRegex => false,
            }
    });
    if let Some(matcher) = one {
        let label =
            if matcher.op == MatchOp::Equal { "leaves one bucket" } else { "leaves out the bucket that holds all" };
        let title = format!("`{}` of some of the buckets", call.name);
        return Some(finding(matcher.span(), title, label).help("remove this matcher"));
    }
    query.ancestors(id).take_while(|outer| *outer >= arg).find_map(|outer| match &query.expr(outer).kind {
        ExprKind::Binary(binary) if binary.op.is_comparison() && binary.bool_span.is_none() => {
            let title = format!("`{}` between buckets and their quantile", binary.op.as_str());
            let finding = finding(binary.op_span, title, "leaves out the buckets that do not meet it");
            let finding = finding.help("leave the comparison out, or compare the quantile");
            Some(finding.note("a quantile lies between the bounds of two buckets, the lower of which may be empty"))
        }
        _ => None,
    })
}

/// Whether what comes out of an aggregation of buckets are no cumulative buckets any more.
fn breaks_buckets(aggregate: &Aggregate<'_>) -> bool {
    let by_le = || {
        aggregate.grouping.as_ref().is_some_and(|grouping| {
            grouping.keyword == GroupingKeyword::By && grouping.labels().any(|label| label.name == "le")
        })
    };
    match aggregate.op {
        Aggregator::Sum | Aggregator::Avg | Aggregator::Max | Aggregator::Min => false,
        // One of several equal series, for each bucket.
        Aggregator::Topk | Aggregator::Bottomk | Aggregator::Limitk => !by_le(),
        _ => true,
    }
}

fn without_le(query: &Query<'_>, arg: Id, call: &Call<'_>) -> Diagnostic {
    let (loser, span, text) = query.loss(arg, "le");
    let finding = Diagnostic::new(Code::QuantileWithoutLe, span, format!("`{}` needs the label `le`", call.name))
        .label(text)
        .secondary(call.name_span, "tells buckets apart by `le`");
    match with_le(query, loser) {
        Some(help) => finding.help(help),
        None => finding,
    }
}

/// What to write so that an aggregation keeps `le`.
fn with_le(query: &Query<'_>, id: Id) -> Option<String> {
    let ExprKind::Aggregate(aggregate) = &query.expr(id).kind else { return None };
    // `LE` is no other label.
    let items = |skip: &str| -> Vec<&str> {
        let items = aggregate.grouping.iter().flat_map(|grouping| &grouping.items);
        items.map(|item| query.slice(item.span())).filter(|item| !item.eq_ignore_ascii_case(skip)).collect()
    };
    let text = match &aggregate.grouping {
        None => format!("{} by (le)", query.slice(aggregate.op_span)),
        Some(grouping) if grouping.keyword == GroupingKeyword::Without => {
            format!("without ({})", items("le").join(", "))
        }
        Some(_) if items("le").is_empty() => "by (le)".to_owned(),
        Some(_) => format!("by (le, {})", items("le").join(", ")),
    };
    let before = aggregate.grouping.as_ref().is_some_and(|grouping| grouping.span().start < aggregate.parens.start);
    let op = if before { format!("{} ", query.slice(aggregate.op_span)) } else { String::new() };
    Some(format!("write `{op}{text}`"))
}

/// Each bucket holds all the smaller ones, so a sum over buckets counts everything several times.
fn bucket_sum(query: &Query<'_>, id: Id, aggregate: &Aggregate<'_>, findings: &mut Findings) {
    let operand = query.operand(id);
    if aggregate.op != Aggregator::Sum
        || query.bare_labels(id).may_have("le")
        || !query.bare_labels(operand).may_have("le")
    {
        return;
    }
    let in_quantile = query.ancestors(id).any(|outer| match &query.expr(outer).kind {
        ExprKind::Call(call) => buckets_of(call).is_some(),
        _ => false,
    });
    // Whether there is any is not changed by counting it twice.
    let compared_with_zero = query.outer(id).is_some_and(|outer| match &query.expr(outer).kind {
        ExprKind::Binary(binary) => binary.op.is_comparison() && binary.rhs.as_number() == Some(0.0),
        _ => false,
    });
    let sources = query.sources(operand);
    let fixed =
        |selector: &Selector<'_>| selector.matchers().any(|matcher| matcher.label.name == "le" && is_one(matcher));
    let all = sources.iter().all(|(_, selector, series)| series.role == Role::Bucket && !fixed(selector));
    if in_quantile || compared_with_zero || sources.is_empty() || !all {
        return;
    }
    let (_, span, _) = query.loss(id, "le");
    let mut finding = Diagnostic::new(Code::BucketSumWithoutLe, span, "sum over cumulative buckets")
        .label("adds buckets that contain each other");
    let name = sources.first().and_then(|(_, selector, _)| selector.name.as_ref());
    let largest = sources.iter().flat_map(|(_, selector, _)| selector.matchers()).find_map(largest);
    if let Some(bound) = largest {
        finding = finding.help(format!("write `le=\"{bound}\"`, whose bucket holds the smaller ones"));
    } else if let Some(stem) = name.and_then(|name| name.text.strip_suffix("_bucket")) {
        finding = finding.help(format!("`{stem}_count` holds every observation once"));
    }
    let declared = sources.iter().all(|(_, _, series)| series.declared() != Role::Unknown);
    findings.push(finding.warning_unless(declared));
}

/// Whether a matcher of `le` may mean a single bucket: not `le=~"0.5|1"`, but `le=~"1|1.0"`.
fn is_one(matcher: &Matcher<'_>) -> bool {
    let bounds = || matcher.value.value.split('|').map(str::parse::<f64>);
    match matcher.op {
        MatchOp::NotEqual => false,
        MatchOp::Regex => {
            bounds().any(|bound| bound.is_err()) || bounds().all(|bound| bound == bounds().next().unwrap_or(Ok(0.0)))
        }
        MatchOp::Equal | MatchOp::NotRegex => true,
    }
}

/// The largest bound of `le=~"0.5|1"`.
fn largest<'m>(matcher: &'m Matcher<'_>) -> Option<&'m str> {
    if matcher.label.name != "le" || matcher.op != MatchOp::Regex {
        return None;
    }
    let bounds = matcher.value.value.split('|').map(|text| Some((text, text.parse::<f64>().ok()?)));
    let bounds: Option<Vec<(&str, f64)>> = bounds.collect();
    bounds?.into_iter().max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(text, _)| text)
}

/// Native histograms have no `le`: all of their buckets are in one sample.
fn le_of_native(query: &Query<'_>, id: Id, aggregate: &Aggregate<'_>, findings: &mut Findings) {
    let Some(grouping) = aggregate.grouping.as_ref().filter(|grouping| grouping.keyword == GroupingKeyword::By) else {
        return;
    };
    let Some(le) = grouping.labels().find(|label| label.name == "le") else { return };
    let sources = query.sources(query.operand(id));
    let Some((_, selector, _)) = sources.first() else { return };
    if sources.iter().any(|(_, _, series)| series.declared() != Role::NativeHistogram) {
        return;
    }
    let rest: Vec<&str> = grouping.items.iter().map(|item| query.slice(item.span())).filter(|it| *it != "le").collect();
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

/// An average of quantiles is no quantile.
fn aggregated_quantile(query: &Query<'_>, id: Id, aggregate: &Aggregate<'_>, findings: &mut Findings) {
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
            let quantile = selector.matchers().find(|matcher| {
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
            .label("what comes out is no quantile of anything")
            .secondary(span, label)
            .note("quantiles of several series can only be had from their buckets, added up before the quantile"),
    );
}
