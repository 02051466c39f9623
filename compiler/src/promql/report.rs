//! Diagnostics that do not need the state of the parser. Nothing here runs for a valid query.

use promql_presets_core::regex::RegexError;

use super::ast::{Expr, ExprKind};
use super::functions::{Aggregator, Function, REMOVED, ResultType};
use super::literal::{self, DurationFault, EscapeFault, EscapeFaultKind};
use crate::diagnostic::suggest::literals::{suggest_duration, suggest_number};
use crate::diagnostic::suggest::nearest;
use crate::hole::Hole;
use crate::{Code, Diagnostic, Span};

fn syntax(span: Span, title: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::Syntax, span, title)
}

/// A hole where its kind is not allowed.
pub(super) fn misplaced(hole: Hole, span: Span) -> Diagnostic {
    let (title, label, help) = match hole {
        Hole::MetricName => {
            ("`metric_name` outside the name of a selector", "it can only stand in the name of a selector", None)
        }
        Hole::Labels => ("`labels` outside a selector's braces", "matchers can only stand inside `{{` and `}}`", None),
        Hole::GroupBy => (
            "`group_by` outside a grouping",
            "labels to group by can only stand in the parentheses of a grouping",
            Some("write `by ({group_by})` after an aggregation such as `sum`"),
        ),
        Hole::Window => (
            "`window` where no duration can stand",
            "a duration can only stand inside `[` and `]`, or after `offset`",
            None,
        ),
    };
    let mut diagnostic = Diagnostic::new(Code::MisplacedPlaceholder, span, title).label(label);
    diagnostic.help = help.map(str::to_owned);
    diagnostic
}

/// A hole in a string or a comment.
pub(super) fn hole_in_text(hole: Hole, span: Span, place: &str) -> Diagnostic {
    let name = hole.name();
    Diagnostic::new(Code::MisplacedPlaceholder, span, format!("`{name}` inside {place}"))
        .label(crate::template::IN_TEXT)
}

/// A hole directly after a number.
pub(super) fn hole_in_number(name: &str, span: Span, number: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::MisplacedPlaceholder, span, format!("`{name}` as a part of a number"))
        .label(format!("glued to `{number}`"));
    match name {
        "window" => diagnostic.help("write `{window}` alone, or `{window} * 2` for a multiple of it"),
        _ => diagnostic,
    }
}

/// `is_duration`: whether it stands in brackets.
pub(super) fn bad_number(text: &str, span: Span, is_duration: bool) -> Diagnostic {
    let diagnostic = syntax(span, format!("invalid number `{text}`")).label("neither a number nor a duration");
    let large = if is_duration { None } else { suggest_number(text) };
    match large.or_else(|| suggest_duration(text)) {
        Some(help) => diagnostic.help(help),
        None => diagnostic.note("durations have the units `ms`, `s`, `m`, `h`, `d`, `w` and `y`"),
    }
}

pub(super) fn bad_duration(text: &str, span: Span, fault: DurationFault) -> Diagnostic {
    let diagnostic = syntax(span, format!("invalid duration `{text}`"));
    match fault {
        DurationFault::Order => {
            let label = "units go from large to small, each at most once, as in `1h30m`";
            Diagnostic { help: suggest_duration(text), ..diagnostic.label(label) }
        }
        DurationFault::Syntax => {
            let label = "each number is whole and has a unit, as in `1h30m`";
            Diagnostic { help: suggest_duration(text), ..diagnostic.label(label) }
        }
        DurationFault::Overflow => diagnostic.label("more than 292 years"),
    }
}

/// `pattern`: whether the string may be a regular expression.
pub(super) fn bad_escape(literal: &str, span: Span, fault: EscapeFault, pattern: bool) -> Diagnostic {
    let text = literal.get(fault.start..fault.end).unwrap_or(r"\");
    let at = |offset: usize| span.start + u32::try_from(offset).unwrap_or(0);
    let place = Span::new(at(fault.start), at(fault.end));
    let diagnostic = syntax(place, format!("invalid escape `{text}`"));
    match fault.kind {
        EscapeFaultKind::Unknown => {
            let diagnostic = diagnostic.label("strings have no such escape");
            let char = text.trim_start_matches('\\');
            // Characters without a meaning in patterns, such as `/`, never need a backslash.
            let stands_for_itself = char.bytes().all(|byte| byte.is_ascii_punctuation() || byte == b' ')
                && (!pattern || !char.contains(['.', '*', '+', '?', '(', ')', '[', ']', '{', '}', '|', '^', '$']));
            if stands_for_itself {
                diagnostic.help(format!("write `{char}`, which needs no backslash"))
            } else {
                diagnostic.help(format!("write `\\{text}` for a backslash"))
            }
        }
        // `C:\Users`.
        EscapeFaultKind::Digits => diagnostic.label("too few digits").help(format!("write `\\{text}` for a backslash")),
        EscapeFaultKind::NoCharacter => diagnostic.label("not a valid character"),
    }
}

pub(super) fn unterminated_string(span: Span, quote: u8) -> Diagnostic {
    let quote = char::from(quote);
    syntax(Span::new(span.start, span.start + 1), "unterminated string").label(format!("no `{quote}` closes it")).note(
        if quote == '`' { "the string runs to the end of the query" } else { "a string ends on the line it starts on" },
    )
}

/// `after_operand`: whether an operator could stand here.
pub(super) fn bad_character(rest: &str, char: char, span: Span, in_braces: bool, after_operand: bool) -> Diagnostic {
    let length = (span.end - span.start) as usize;
    let text = rest.get(..length).unwrap_or(rest);
    let diagnostic = syntax(span, format!("unexpected `{}`", text.escape_debug()));
    match char {
        '$' => diagnostic.label("variables of dashboards are not part of PromQL"),
        '&' if in_braces => diagnostic.label("matchers are separated by commas").write(span, ","),
        '&' => diagnostic.label("not an operator of PromQL").help("write `and`"),
        '|' if !in_braces => diagnostic.label("not an operator of PromQL").help("write `or`"),
        '~' if in_braces => diagnostic.label("not an operator of matchers").help("write `=~`"),
        '!' if in_braces => diagnostic.label("not an operator of matchers").help("write `!=` or `!~`"),
        '!' if after_operand => diagnostic.label("not an operator of PromQL").help("write `!=` or `unless`"),
        '!' => negation(diagnostic),
        ';' if in_braces => diagnostic.label("matchers are separated by commas").help("write `,`"),
        ';' => diagnostic.label("a query is one expression").help("remove it"),
        ':' if in_braces => diagnostic.label("not an operator of matchers").help("write `=`"),
        // `x ?? 0`.
        '?' if length == 2 => {
            let diagnostic = diagnostic.label("not an operator of PromQL");
            let number = rest[length..].split_whitespace().next().filter(|it| it.parse::<f64>().is_ok());
            let Some(number) = number else { return diagnostic.write(span, "or") };
            let start = span.range().start;
            let end = start + length + rest[length..].find(number).unwrap_or_default() + number.len();
            diagnostic.write(Span::of(start..end), format!("or on () vector({number})"))
        }
        '?' => {
            diagnostic.label("PromQL has no conditional operator").help("write `bool` after a comparison for 1 or 0")
        }
        '“' | '”' | '„' | '‘' | '’' | '«' | '»' => {
            diagnostic.label("a typographic quote").help("write `\"`")
        }
        '–' | '—' | '−' => diagnostic.label("a typographic dash").help("write `-`"),
        '\u{a0}' => diagnostic.label("a no-break space").help("write a plain space"),
        _ if in_braces => diagnostic
            .label("not part of a matcher")
            .note("a label name with other characters than letters, digits and `_` must be quoted"),
        _ => diagnostic.label("not part of PromQL"),
    }
}

/// `!x` and `not x`.
pub(super) fn negation(diagnostic: Diagnostic) -> Diagnostic {
    diagnostic
        .label("PromQL has no negation")
        .help("write `x == 0` where the value of `x` is 0, `absent(x)` where there is no `x`")
}

pub(super) fn colon_without_number(span: Span) -> Diagnostic {
    syntax(span, "unexpected `:`")
        .label("a number or a duration must stand before it")
        .note("Prometheus takes a `:` only after a literal duration")
}

pub(super) fn invalid_regex(what: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::InvalidRegex, span, "invalid regular expression")
        .label(what)
        .note("Prometheus has the syntax of RE2: https://github.com/google/re2/wiki/Syntax")
}

/// Locates the fault of a regular expression in the string literal at `span` of `text`.
pub(crate) fn regex_fault(
    text: &str,
    template: bool,
    span: Span,
    validated: Result<(), RegexError>,
) -> Option<Diagnostic> {
    let error = validated.err()?;
    let (start, end) = literal::source_range(&text[span.range()], template, error.start, error.end);
    let at = |offset: usize| span.start + u32::try_from(offset).unwrap_or(0);
    Some(invalid_regex(&error.to_string(), Span::new(at(start), at(end))))
}

/// A feature that must be enabled in the preset file.
pub(super) fn experimental(subject: &str, span: Span, flag: &str) -> Diagnostic {
    Diagnostic::new(Code::ExperimentalFeature, span, format!("{subject} is experimental"))
        .label("not enabled")
        .help(format!("write `features = [\"{flag}\"]` in the preset file"))
        .note(format!("the server needs `--enable-feature={flag}` as well"))
}

pub(super) fn modifier_of_expression(text: &str, word: &str, span: Span, expr: &Expr<'_>) -> Diagnostic {
    let (label, what) = match word {
        "anchored" | "smoothed" => ("only a selector can have it", "not a selector"),
        _ => ("only a selector or a subquery can have it", "not a selector or a subquery"),
    };
    let diagnostic = syntax(span, format!("misplaced `{word}`")).label(label).secondary(expr.span, what);
    match &expr.kind {
        ExprKind::Call(call) => match call.args.as_slice() {
            [arg] if matches!(arg.kind, ExprKind::Selector(_)) => {
                let (arg, modifier) = (&text[arg.span.range()], &text[span.range()]);
                diagnostic.help(format!("write `{}({arg} {modifier})`", call.name))
            }
            _ => diagnostic.note("it goes inside, directly after the selector"),
        },
        ExprKind::Aggregate(_) => diagnostic.note("it goes inside, directly after the selector"),
        _ => diagnostic,
    }
}

pub(super) fn modifier_twice(word: &str, span: Span, first: Span) -> Diagnostic {
    syntax(span, format!("second `{word}`")).label("can be set once").secondary(first, "set here")
}

pub(super) const RANGE_OF_EXPRESSION: &str = "range of an expression";

/// A range after an expression other than a selector.
pub(super) fn range_of_expression(text: &str, expr: &Expr<'_>, brackets: Span) -> Diagnostic {
    let range = &text[brackets.range()];
    let diagnostic = syntax(brackets, RANGE_OF_EXPRESSION)
        .label("only a selector can have a range")
        .secondary(expr.span, "not a selector");
    let source = |span: Span| &text[span.range()];
    match &expr.kind {
        // `rate(foo)[5m]`: the range belongs inside.
        ExprKind::Call(call)
            if let [arg] = call.args.as_slice()
                && let ExprKind::Selector(selector) = &arg.kind
                && selector.range.is_none()
                && call.function.is_some_and(|function| function.args == [ResultType::RangeVector]) =>
        {
            let (core, modifiers) = (source(selector.span), source(Span::new(selector.span.end, arg.span.end)));
            diagnostic.write(expr.span.to(brackets), format!("{}({core}{range}{modifiers})", call.name))
        }
        _ if expr.ty() == ResultType::InstantVector => {
            let inner = range.trim_end_matches(']');
            let operand = source(expr.span);
            let subquery = match &expr.kind {
                ExprKind::Binary(_) | ExprKind::Unary(_) => format!("({operand}){inner}:]"),
                _ => format!("{operand}{inner}:]"),
            };
            diagnostic.help(format!("for a subquery write `{subquery}`"))
        }
        _ => diagnostic,
    }
}

/// The language that a function belongs to.
const METRICSQL: &str = "only VictoriaMetrics' MetricsQL has it";

/// `grouped`: whether a grouping follows, as after an aggregation.
pub(super) fn unknown_function(name: &str, span: Span, grouped: bool) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::UnknownFunction, span, format!("unknown function `{name}`"));
    if let Some((_, successor, note)) = REMOVED.iter().find(|(removed, ..)| *removed == name) {
        return diagnostic.label("removed").help(format!("write `{successor}`")).note(*note);
    }
    if let Some(note) = metricsql(name) {
        return diagnostic.label(METRICSQL).note(note);
    }
    let lower = name.to_ascii_lowercase();
    let is_metricsql = METRICSQL_FUNCTIONS.binary_search(&lower.as_str()).is_ok();
    let diagnostic = diagnostic.label(if is_metricsql { METRICSQL } else { "not a function" });
    match equivalent(&lower) {
        Some(call) if call.ends_with("()") => return diagnostic.help(format!("write `{call}`")),
        Some(of_x) if lower.starts_with("range_") => {
            return diagnostic.note(format!("Prometheus writes `{of_x}`, with the time range of the graph for `1h`"));
        }
        Some(of_x) => return diagnostic.note(format!("Prometheus writes `{of_x}`")),
        None => {}
    }
    if is_metricsql {
        return diagnostic
            .note("see https://prometheus.io/docs/prometheus/latest/querying/functions/ for what Prometheus has");
    }
    let functions = Function::all().iter().map(|function| function.name);
    let aggregators = Aggregator::ALL.map(Aggregator::as_str);
    let names = if grouped { nearest(&lower, aggregators) } else { nearest(&lower, functions.chain(aggregators)) };
    match names {
        Some(similar) if Function::find(similar).is_some() => {
            diagnostic.help(format!("a function with a similar name exists: `{similar}`"))
        }
        Some(similar) => diagnostic.help(format!("an aggregation with a similar name exists: `{similar}`")),
        None => diagnostic,
    }
}

/// The PromQL equivalent of a function of another language, of `x`.
fn equivalent(name: &str) -> Option<String> {
    if let Some((_, text)) = EQUIVALENTS.iter().find(|(other, _)| *other == name) {
        return Some((*text).to_owned());
    }
    let (quantile, is_over_time) = percentile(name)?;
    Some(if is_over_time {
        format!("quantile_over_time({quantile}, x[5m])")
    } else {
        format!("quantile({quantile}, x)")
    })
}

/// The PromQL equivalent of a function of another language with the argument of its call, if it can take it.
pub(super) fn equivalent_of(name: &str, arg: &Expr<'_>, text: &str) -> Option<String> {
    let equivalent = equivalent(&name.to_ascii_lowercase())?;
    let at = ["(x", ", x"].iter().find_map(|it| Some(equivalent.find(it)? + it.len()))?;
    let (before, after) = (&equivalent[..at - 1], &equivalent[at..]);
    let after = match (&arg.kind, after.strip_prefix("[5m]")) {
        (ExprKind::Selector(selector), Some(after)) if selector.range.is_some() => after,
        (ExprKind::Selector(selector), _) if selector.range.is_none() && selector.modifiers.is_empty() => after,
        (ExprKind::Subquery(_), Some(after)) => after,
        (ExprKind::Call(_) | ExprKind::Aggregate(_), None) => after,
        (ExprKind::Binary(_), None) if after.starts_with(')') => after,
        _ => return None,
    };
    Some(format!("{before}{text}{after}"))
}

/// The quantile that `p95` or `p99_over_time` names, and whether it is one over time.
fn percentile(name: &str) -> Option<(String, bool)> {
    let (name, is_over_time) = name.strip_suffix("_over_time").map_or((name, false), |name| (name, true));
    let digits = ["percentile", "quantile", "perc", "pct", "p", "q"].iter().find_map(|it| name.strip_prefix(it))?;
    let digits = digits.trim_start_matches('_');
    if !(2..=4).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match digits {
        "100" => Some(("1".to_owned(), is_over_time)),
        _ => Some((format!("0.{}", digits.trim_end_matches('0')), is_over_time)).filter(|_| !digits.ends_with("00")),
    }
}

/// The aggregation that another language names like this, and its parameter, which may be empty.
pub(super) fn aggregation(name: &str) -> Option<(&'static str, String)> {
    let lower = name.to_ascii_lowercase();
    Some(match lower.as_str() {
        "median" => ("quantile", "0.5".to_owned()),
        "percentile" => ("quantile", "0.95".to_owned()),
        "average" | "mean" => ("avg", String::new()),
        "length" => ("count", String::new()),
        "total" => ("sum", String::new()),
        _ => match percentile(&lower) {
            Some((quantile, false)) => ("quantile", quantile),
            _ => (nearest(&lower, Aggregator::ALL.map(Aggregator::as_str))?, String::new()),
        },
    })
}

/// The PromQL equivalent of a feature of `MetricsQL`.
pub(super) fn metricsql(word: &str) -> Option<&'static str> {
    Some(match word {
        "default" => "Prometheus writes `a or b` for a default, whose labels must match",
        "if" => "Prometheus writes `and`",
        "ifnot" => "Prometheus writes `unless`",
        "keep_metric_names" => "Prometheus drops the metric name of results",
        "limit" => "Prometheus limits the number of series in the HTTP request, or with `topk`",
        "with" => "Prometheus has no templates of expressions",
        "xor" => "Prometheus writes `(a unless b) or (b unless a)`",
        _ => return None,
    })
}

/// Functions and aggregations that only `MetricsQL` has; sorted.
#[rustfmt::skip]
static METRICSQL_FUNCTIONS: &[&str] = &[
    "aggr_over_time", "alias", "any", "ascent_over_time", "bitmap_and", "bitmap_or", "bitmap_xor", "bottomk_avg",
    "bottomk_last", "bottomk_max", "bottomk_median", "bottomk_min", "buckets_limit", "changes_prometheus",
    "count_eq_over_time", "count_gt_over_time", "count_le_over_time", "count_ne_over_time", "count_values_over_time",
    "decreases_over_time", "default_rollup", "delta_prometheus", "deriv_fast", "descent_over_time", "distinct",
    "distinct_over_time", "drop_empty_series", "duration_over_time", "geomean", "geomean_over_time", "histogram",
    "histogram_over_time", "histogram_share", "hoeffding_bound_lower", "hoeffding_bound_upper", "ideriv",
    "increase_prometheus", "increase_pure", "increases_over_time", "integrate", "interpolate", "iqr_over_time",
    "keep_last_value", "keep_next_value", "label_copy", "label_del", "label_graphite_group", "label_keep",
    "label_lowercase", "label_map", "label_match", "label_mismatch", "label_move", "label_set", "label_transform",
    "label_uppercase", "label_value", "lag", "lifetime", "limit_offset", "mad", "median", "median_over_time", "mode",
    "mode_over_time", "now", "outlier_iqr_over_time", "outliers_iqr", "outliers_mad", "outliersk",
    "prometheus_buckets", "quantiles", "quantiles_over_time", "rand", "rand_exponential", "rand_normal", "range_avg",
    "range_first", "range_last", "range_linear_regression", "range_mad", "range_max", "range_median", "range_min",
    "range_normalize", "range_quantile", "range_stddev", "range_stdvar", "range_sum", "range_trim_outliers",
    "range_trim_spikes", "range_trim_zscore", "range_zscore", "rate_over_sum", "rate_prometheus", "remove_resets",
    "resets_prometheus", "rollup", "rollup_candlestick", "rollup_delta", "rollup_deriv", "rollup_increase",
    "rollup_rate", "rollup_scrape_interval", "ru", "running_avg", "running_max", "running_min", "running_sum",
    "scrape_interval", "share", "share_eq_over_time", "share_gt_over_time", "share_le_over_time",
    "share_ne_over_time", "smooth_exponential", "sort_by_label_numeric", "sort_by_label_numeric_desc",
    "stale_samples_over_time", "sum2", "sum2_over_time", "sum_eq_over_time", "sum_gt_over_time", "sum_le_over_time",
    "tfirst_over_time", "timezone_offset", "tlast_over_time", "tmax_over_time", "tmin_over_time", "topk_avg",
    "topk_last", "topk_max", "topk_median", "topk_min", "ttf", "union", "zscore", "zscore_over_time",
];

/// The PromQL equivalents of functions of other languages.
static EQUIVALENTS: &[(&str, &str)] = &[
    ("alias", "label_replace(x, \"__name__\", \"name\", \"\", \"\")"),
    ("average", "avg(x)"),
    ("average_over_time", "avg_over_time(x[5m])"),
    ("coalesce", "a or b"),
    ("distinct", "count(count_values(\"value\", x))"),
    ("geomean", "exp(avg(ln(x)))"),
    ("increase_prometheus", "increase(x[5m])"),
    ("increase_pure", "increase(x[5m])"),
    ("label_copy", "label_replace(x, \"to\", \"$1\", \"from\", \"(.*)\")"),
    ("label_del", "sum without (label) (x)"),
    ("label_keep", "sum by (label) (x)"),
    ("label_set", "label_replace(x, \"label\", \"value\", \"\", \"\")"),
    ("lag", "time() - timestamp(x)"),
    ("length", "count(x)"),
    ("log", "ln(x)"),
    ("mean", "avg(x)"),
    ("mean_over_time", "avg_over_time(x[5m])"),
    ("median", "quantile(0.5, x)"),
    ("median_over_time", "quantile_over_time(0.5, x[5m])"),
    ("mod", "a % b"),
    ("now", "time()"),
    ("percentile", "quantile(0.95, x)"),
    ("percentile_over_time", "quantile_over_time(0.95, x[5m])"),
    ("pow", "a ^ b"),
    ("power", "a ^ b"),
    ("range_avg", "avg_over_time(x[1h:])"),
    ("range_max", "max_over_time(x[1h:])"),
    ("range_median", "quantile_over_time(0.5, x[1h:])"),
    ("range_min", "min_over_time(x[1h:])"),
    ("range_sum", "sum_over_time(x[1h:])"),
    ("rate_prometheus", "rate(x[5m])"),
    ("rollup_delta", "delta(x[5m])"),
    ("rollup_increase", "increase(x[5m])"),
    ("rollup_rate", "rate(x[5m])"),
    ("union", "a or b"),
];

pub(super) fn aggregate_arguments(op: Aggregator, name: Span, parens: Span, args: &[Expr<'_>]) -> Diagnostic {
    let word = op.as_str();
    let wanted = if op.param_type().is_some() { "2 arguments" } else { "1 argument" };
    let given = args.len();
    let diagnostic = Diagnostic::new(Code::ArgumentCount, parens, format!("`{word}` takes {wanted}, not {given}"))
        .secondary(name, "required by this aggregation");
    match (op.param_type(), given) {
        (_, 0) => diagnostic.label("no arguments"),
        (Some(ResultType::String), 1) => {
            diagnostic.label("the label for the values is missing, as in `count_values(\"value\", x)`")
        }
        (Some(_), 1) if op == Aggregator::Quantile => {
            diagnostic.label("the quantile is missing, as in `quantile(0.9, x)`")
        }
        (Some(_), 1) => diagnostic.label(format!("the number is missing, as in `{word}(5, x)`")),
        _ => diagnostic.label("too many arguments"),
    }
}
