//! The meaning of a node of a query, in words.

use std::fmt::Write as _;

use promql_presets_compiler::promql::{
    Aggregate, Aggregator, At, Binary, BinaryOp, Call, Duration, Expr, ExprKind, Grouping, GroupingKeyword, MatchOp,
    Matcher, Modifier, ResultType, Selector, Sign, Subquery,
};

use crate::functions;

/// The meaning of a node, in terms of its operands.
pub(super) fn meaning(query: &str, expr: &Expr<'_>) -> String {
    let words = Meaning { query };
    match &expr.kind {
        ExprKind::Number(number) if number.duration => format!("{} seconds", number.value),
        ExprKind::Number(_) => "a number".to_owned(),
        ExprKind::String(_) => "a text".to_owned(),
        ExprKind::Selector(selector) => words.selector(selector),
        ExprKind::Subquery(subquery) => words.subquery(subquery),
        ExprKind::Call(call) => words.call(call),
        ExprKind::Aggregate(aggregate) => words.aggregate(aggregate),
        ExprKind::Binary(binary) => binary_words(binary),
        ExprKind::Unary(unary) if unary.op == Sign::Minus => "with the opposite sign".to_owned(),
        ExprKind::Unary(_) => "unchanged".to_owned(),
        ExprKind::Paren(inner) => meaning(query, inner),
    }
}

struct Meaning<'q> {
    query: &'q str,
}

impl Meaning<'_> {
    fn text(&self, expr: &Expr<'_>) -> String {
        let text = &self.query[expr.span.range()];
        match &expr.kind {
            ExprKind::String(string) => format!("`{}`", string.value),
            ExprKind::Number(number) if !number.duration => text.to_owned(),
            _ => format!("`{}`", one_line(text)),
        }
    }

    fn selector(&self, selector: &Selector<'_>) -> String {
        let mut text = match &selector.range {
            None => "latest sample of each series".to_owned(),
            Some(range) => format!("samples of the last {} of each series", self.duration(&range.duration)),
        };
        if let Some(name) = selector.metric_name() {
            text.extend([" of `", name, "`"]);
        }
        let is_name = |matcher: &&Matcher<'_>| matcher.label.name == "__name__" && matcher.op == MatchOp::Equal;
        let matchers: Vec<String> = selector.matchers().into_iter().filter(|it| !is_name(it)).map(matcher).collect();
        if !matchers.is_empty() {
            text.extend([" where ", &list(&matchers)]);
        }
        text + &self.modifiers(&selector.modifiers)
    }

    fn subquery(&self, subquery: &Subquery<'_>) -> String {
        let step = match &subquery.step {
            Some(step) => format!("every {}", self.duration(step)),
            None => "at the interval of the server's rules".to_owned(),
        };
        let range = self.duration(&subquery.range);
        format!("values over the last {range}, calculated {step}{}", self.modifiers(&subquery.modifiers))
    }

    fn modifiers(&self, modifiers: &[Modifier]) -> String {
        let words = |modifier: &Modifier| match modifier {
            Modifier::Offset { duration, .. } => match duration.seconds() {
                Some(seconds) if seconds < 0.0 => format!(", {} later", time(-seconds)),
                _ => format!(", {} earlier", self.duration(duration)),
            },
            Modifier::At { at: At::Timestamp(seconds), .. } => format!(", at the Unix time {seconds}"),
            Modifier::At { at: At::Start(_), .. } => ", at the start of the query's range".to_owned(),
            Modifier::At { at: At::End(_), .. } => ", at the end of the query's range".to_owned(),
            Modifier::Anchored(_) => ", with the last sample before them".to_owned(),
            Modifier::Smoothed(_) => ", with values at both ends that are interpolated".to_owned(),
        };
        modifiers.iter().map(words).collect()
    }

    fn duration(&self, duration: &Duration) -> String {
        let text = || format!("`{}`", one_line(&self.query[duration.span.range()]));
        duration.seconds().filter(|seconds| *seconds > 0.0).map_or_else(text, time)
    }

    fn call(&self, call: &Call<'_>) -> String {
        let pattern = match functions::result_of_call(call.name) {
            _ if call.name == "round" && call.args.len() > 1 => "rounded to a multiple of {1}",
            Some(pattern) => pattern,
            None => return format!("`{}` of its arguments", call.name),
        };
        let range = call.args.iter().find(|argument| argument.ty() == ResultType::RangeVector);
        let range = range.map(|range| match &range.unparenthesized().kind {
            ExprKind::Selector(selector) => selector.range.as_ref().map(|range| self.duration(&range.duration)),
            ExprKind::Subquery(subquery) => Some(self.duration(&subquery.range)),
            _ => None,
        });
        let mut text = pattern.replace("{range}", &range.flatten().unwrap_or_else(|| "the range".to_owned()));
        // From the last to the first: an argument may contain `{2}` itself.
        let arguments: Vec<String> = call.args.iter().map(|argument| self.text(argument)).collect();
        text = text.replace("{more}", &list(arguments.get(3..).unwrap_or_default()));
        text = text.replace("{labels}", &list(arguments.get(1..).unwrap_or_default()));
        for (index, argument) in arguments.iter().enumerate().rev() {
            text = text.replace(&format!("{{{index}}}"), argument);
        }
        text
    }

    fn aggregate(&self, aggregate: &Aggregate<'_>) -> String {
        let param = aggregate.param.as_ref().map(|param| self.text(param)).unwrap_or_default();
        let what = functions::result_of_aggregation(aggregate.op).replace("{0}", &param);
        let keeps_series = matches!(
            aggregate.op,
            Aggregator::Topk | Aggregator::Bottomk | Aggregator::Limitk | Aggregator::LimitRatio
        );
        let Some(grouping) = aggregate
            .grouping
            .as_ref()
            .filter(|grouping| !(grouping.items.is_empty() && grouping.keyword == GroupingKeyword::By))
        else {
            return if keeps_series { format!("{what} of all") } else { format!("{what}, one series for all") };
        };
        let each = match (grouping.keyword, labels(grouping).as_slice()) {
            (GroupingKeyword::Without, []) => "for each combination of the labels".to_owned(),
            (GroupingKeyword::Without, labels) => {
                format!("for each combination of the labels except {}", list(labels))
            }
            (_, [label]) => format!("for each value of {label}"),
            (_, labels) => format!("for each combination of {}", list(labels)),
        };
        if keeps_series { format!("{what} {each}") } else { format!("{what}, one series {each}") }
    }
}

fn matcher(matcher: &Matcher<'_>) -> String {
    let (label, value) = (&matcher.label.name, &matcher.value.value);
    match matcher.op {
        MatchOp::Equal if value.is_empty() => format!("`{label}` is missing"),
        MatchOp::NotEqual if value.is_empty() => format!("`{label}` is present"),
        MatchOp::Equal => format!("`{label}` is `{value}`"),
        MatchOp::NotEqual => format!("`{label}` is not `{value}`"),
        MatchOp::Regex => format!("`{label}` matches `{value}`"),
        MatchOp::NotRegex => format!("`{label}` does not match `{value}`"),
    }
}

fn binary_words(binary: &Binary<'_>) -> String {
    let is_vector = |expr: &Expr<'_>| expr.ty() == ResultType::InstantVector;
    let (left, right) = (is_vector(&binary.lhs), is_vector(&binary.rhs));
    // A comparison of a number with series keeps those series.
    let kept = if right && !left { "right" } else { "left" };
    let compared = |relation: &str| {
        let relation = format!("{relation} the right one");
        if binary.bool_span.is_some() {
            format!("1 where the left value {relation}, else 0")
        } else if left || right {
            format!("series of the {kept} side where the left value {relation}")
        } else {
            format!("whether the left value {relation}")
        }
    };
    let mut text = match binary.op {
        BinaryOp::Add => "sum of the left and the right side".to_owned(),
        BinaryOp::Sub => "left side minus right side".to_owned(),
        BinaryOp::Mul => "left side times right side".to_owned(),
        BinaryOp::Div => "left side divided by right side".to_owned(),
        BinaryOp::Mod => "remainder of the left side divided by the right side".to_owned(),
        BinaryOp::Pow => "left side to the power of the right side".to_owned(),
        BinaryOp::Atan2 => "angle of the point with the left side as y and the right side as x, in radians".to_owned(),
        BinaryOp::Equal => compared("is equal to"),
        BinaryOp::NotEqual => compared("is not equal to"),
        BinaryOp::Less => compared("is less than"),
        BinaryOp::LessEqual => compared("is at most"),
        BinaryOp::Greater => compared("is greater than"),
        BinaryOp::GreaterEqual => compared("is at least"),
        BinaryOp::TrimUpper => "histograms of the left side without observations above the right side".to_owned(),
        BinaryOp::TrimLower => "histograms of the left side without observations below the right side".to_owned(),
        BinaryOp::And => "series of the left side that the right side has, too".to_owned(),
        BinaryOp::Or => "series of the left side, and those of the right side that the left side lacks".to_owned(),
        BinaryOp::Unless => "series of the left side that the right side lacks".to_owned(),
    };
    if !(left && right) {
        return text;
    }
    let matching = match binary.matching.as_ref().map(|matching| (matching.keyword, labels(matching))) {
        Some((GroupingKeyword::On, labels)) if labels.is_empty() => "; any series match".to_owned(),
        Some((GroupingKeyword::On, labels)) => format!("; series match if they agree in {}", list(&labels)),
        Some((_, labels)) if !labels.is_empty() => {
            format!("; series match if they agree in all labels except {}", list(&labels))
        }
        _ => "; series match if they agree in all labels".to_owned(),
    };
    text.push_str(&matching);
    if let Some(group) = &binary.group {
        let is_left = group.keyword == GroupingKeyword::GroupLeft;
        let (many, one) = if is_left { ("left", "right") } else { ("right", "left") };
        _ = write!(text, ", several of the {many} side with one of the {one} side");
        let copied = labels(group);
        if !copied.is_empty() {
            _ = write!(text, ", whose {} they get", list(&copied));
        }
    }
    text
}

/// The labels of a grouping, in backticks.
fn labels(grouping: &Grouping<'_>) -> Vec<String> {
    grouping.labels().into_iter().map(|label| format!("`{}`", label.name)).collect()
}

/// `a`, `a and b`, `a, b and c`.
fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A number of seconds in words: `1 hour 30 minutes`.
fn time(seconds: f64) -> String {
    let mut left = seconds;
    let mut parts = Vec::new();
    for (unit, size) in [("day", 86_400.0), ("hour", 3600.0), ("minute", 60.0)] {
        let whole = (left / size).floor();
        left -= whole * size;
        if whole > 0.0 {
            parts.push(format!("{whole} {unit}{}", if whole > 1.0 { "s" } else { "" }));
        }
    }
    let left = (left * 1000.0).round() / 1000.0;
    if left > 0.0 || parts.is_empty() {
        parts.push(format!("{left} second{}", if left.total_cmp(&1.0).is_eq() { "" } else { "s" }));
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use promql_presets_compiler::promql::{Features, Function, Syntax, parse};

    use super::{meaning, time};

    fn words(query: &str) -> String {
        let parsed = parse(query, Syntax { template: false, features: Features::all() });
        assert_eq!(parsed.diagnostics, [], "{query}");
        meaning(query, &parsed.expr.unwrap())
    }

    #[test]
    fn selectors() {
        for (query, expected) in [
            ("up", "latest sample of each series of `up`"),
            ("{__name__=~\"a|b\"}", "latest sample of each series where `__name__` matches `a|b`"),
            (
                "up{a=\"b\",c!=\"\",d!~\"e.*\"}[1h30m] offset 5m",
                "samples of the last 1 hour 30 minutes of each series of `up` where `a` is `b`, `c` is present and `d` does \
                 not match `e.*`, 5 minutes earlier",
            ),
            ("up offset -1d", "latest sample of each series of `up`, 1 day later"),
            (
                "up[5m:1m] @ end()",
                "values over the last 5 minutes, calculated every 1 minute, at the end of the query's range",
            ),
            ("up[5m * 2]", "samples of the last `5m * 2` of each series of `up`"),
        ] {
            assert_eq!(words(query), expected, "{query}");
        }
    }

    #[test]
    fn operations() {
        for (query, expected) in [
            ("rate(up[5m])", "per-second rate over 5 minutes"),
            ("max_over_time((rate(up[5m])[1h:]))", "largest value over 1 hour"),
            (
                "histogram_quantile(0.9, x)",
                "the 0.9 quantile of the observations of each histogram, estimated from its buckets",
            ),
            (
                "label_join(up, \"{2}\", \"-\", \"b\", \"c\")",
                "series with the label `{2}`: the values of `b` and `c`, joined by `-`",
            ),
            ("sum by (job) (up)", "sum, one series for each value of `job`"),
            ("avg by () (up)", "mean, one series for all"),
            (
                "max without (a, b) (up)",
                "largest value, one series for each combination of the labels except `a` and `b`",
            ),
            ("topk by (a, b) (5, up)", "the 5 series with the largest values for each combination of `a` and `b`"),
            ("a / 2", "left side divided by right side"),
            ("2 < a", "series of the right side where the left value is less than the right one"),
            ("a == bool 1", "1 where the left value is equal to the right one, else 0"),
            ("a and on () b", "series of the left side that the right side has, too; any series match"),
            (
                "a * on (x) group_right (y) b",
                "left side times right side; series match if they agree in `x`, several of the right side with one of the \
                 left side, whose `y` they get",
            ),
            ("-a", "with the opposite sign"),
        ] {
            assert_eq!(words(query), expected, "{query}");
        }
    }

    #[test]
    fn every_function_has_words() {
        for function in Function::all() {
            let arguments: Vec<&str> = (0..usize::from(function.min_args))
                .filter_map(|at| function.arg_type(at))
                .map(|ty| match ty.as_str() {
                    "scalar" => "1",
                    "string" => "\"a\"",
                    "matrix" => "up[5m]",
                    _ => "up",
                })
                .collect();
            let text = words(&format!("{}({})", function.name, arguments.join(", ")));
            assert!(!text.contains(['{', '}']) && !text.contains(" of its arguments"), "{}: {text}", function.name);
        }
    }

    #[test]
    fn times() {
        for (seconds, expected) in [
            (1.0, "1 second"),
            (90.0, "1 minute 30 seconds"),
            (0.5, "0.5 seconds"),
            (604_800.0, "7 days"),
            (0.0, "0 seconds"),
        ] {
            assert_eq!(time(seconds), expected);
        }
    }
}
