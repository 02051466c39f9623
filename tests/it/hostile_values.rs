//! Values are data: whatever they hold, each arrives unchanged in one matcher, as three parsers see it.
//!
//! The parsers are Prometheus' own, called over HTTP; the crate promql-parser; and the compiler's. Only the latter two
//! know Prometheus 3's names in quotes.

use promql_parser::parser as other;
use promql_presets::{
    Match, Matcher, MetricQuerier, Preset, Querier, Vector, Windowed, none_of, not, not_regex, one_of,
};
use promql_presets::{PromDuration, preset, presets, regex};
use promql_presets_compiler::promql::{self, ExprKind, GroupingItem, Syntax};
use promql_presets_test_support::{Labels, Server, prometheus};

const RATE: Preset<dyn MetricQuerier, Vector, Windowed> = preset!(
    "sum by (first, {group_by}, last) (rate({metric_name}{{a=\"1\", {labels}, z!=\"{{26}}\"}}[{window}]))",
    window = "5m"
);

const LIST: Preset<dyn MetricQuerier, Vector> = preset!("{metric_name}{{{labels}}}");

/// What has broken programs that build queries.
const FRAGMENTS: &[&str] = &[
    "",
    "a",
    "0",
    " ",
    "\"",
    "'",
    "`",
    "\\",
    "\\\\",
    "\\\"",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\0",
    "\u{1}",
    "\u{7}",
    "\u{8}",
    "\u{b}",
    "\u{c}",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{80}",
    "\u{85}",
    "\u{9f}",
    "\u{a0}",
    "{",
    "}",
    "{{",
    "}}",
    "{labels}",
    "{metric_name}",
    "${x}",
    "$1",
    "%s",
    "%22",
    "\"} or up{x=\"",
    "\",x=\"",
    "\"}[5m]) # ",
    "#",
    "//",
    "/*",
    ",",
    ";",
    "=",
    "=~",
    "!~",
    "(",
    ")",
    "[",
    "]",
    "|",
    "||",
    ".",
    ".*",
    ".+",
    "*",
    "+",
    "?",
    "^",
    "$",
    "\\d",
    "\\Q",
    "\\E",
    "(?i)",
    "(?P<n>",
    "[[:alpha:]]",
    "\\x{41}",
    "\\u0041",
    "\\ufffd",
    "\\n",
    "&",
    "&&",
    "-",
    "~",
    "<",
    ">",
    "é",
    "ß",
    "ſ",
    "K",
    "İ",
    "日本語",
    "\u{301}",
    "\u{200b}",
    "\u{202e}",
    "\u{2028}",
    "\u{feff}",
    "\u{fffc}",
    "\u{fffd}",
    "\u{fffe}",
    "\u{ffff}",
    "\u{e000}",
    "\u{10ffff}",
    "\u{1f469}\u{200d}\u{1f469}",
    "__name__",
    "NaN",
    "Inf",
    "by",
    "le",
];

/// A generator of texts that is the same in every run.
struct Hostile(u64);

impl Hostile {
    /// `SplitMix64`.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    /// Up to five fragments, or characters from anywhere in Unicode.
    fn text(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..=self.below(5) {
            if self.below(4) == 0 {
                let code = [0x80, 0x800, 0x1_0000, 0x11_0000][self.below(4)];
                text.extend(char::from_u32(u32::try_from(self.below(code)).unwrap()));
            } else {
                text.push_str(FRAGMENTS[self.below(FRAGMENTS.len())]);
            }
        }
        text
    }

    fn texts(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.text()).collect()
    }

    /// A condition with every operator in turn.
    fn condition(&mut self) -> Match<String> {
        let pattern = ["a|b", ".*", "x{2,3}", "\\d+\\.\"", "[^\"\\\\]", "(?i:é)"][self.below(6)];
        let count = 1 + self.below(3);
        match self.below(7) {
            0 => one_of(self.texts(count)),
            1 => none_of(self.texts(count)),
            2 => not(self.text()),
            3 => regex(pattern).into(),
            4 => not_regex(pattern).into(),
            _ => Match::from(self.text()),
        }
    }
}

/// Operator, label and value of a matcher.
type Seen = (String, String, String);

fn wanted(matchers: &[Matcher<'_>]) -> Vec<Seen> {
    let seen = |m: &Matcher<'_>| (m.label().to_owned(), m.op().as_str().to_owned(), m.value().unwrap().to_owned());
    matchers.iter().map(seen).collect()
}

/// What a parser makes of `sum by (...) (rate(name{...}[...]))` or of `name{...}`: name, matchers, grouping.
type Query = (String, Vec<Seen>, Vec<String>);

fn ours(query: &str) -> Query {
    let parsed = promql::parse(query, Syntax::PROMQL);
    assert_eq!(parsed.diagnostics, [], "{query}");
    let expr = parsed.expr.unwrap();
    let grouping = match &expr.kind {
        ExprKind::Aggregate(aggregate) => aggregate.grouping.as_ref().unwrap().items.iter(),
        _ => [].iter(),
    };
    let label = |item: &GroupingItem<'_>| match item {
        GroupingItem::Label(label) => label.name.clone().into_owned(),
        GroupingItem::GroupBy(_) => panic!("a hole in {query}"),
    };
    let selectors = expr.selectors();
    assert_eq!(selectors.len(), 1, "{query}");
    let seen = |m: &promql::Matcher<'_>| {
        (m.label.name.clone().into_owned(), m.op.as_str().to_owned(), m.value.value.clone().into_owned())
    };
    let name = selectors[0].metric_name().unwrap().to_owned();
    (name, selectors[0].matchers().into_iter().map(seen).collect(), grouping.into_iter().map(label).collect())
}

fn theirs(query: &str) -> Query {
    let expr = other::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let (mut selector, mut grouping) = (&expr, Vec::new());
    loop {
        selector = match selector {
            other::Expr::Aggregate(aggregate) => {
                let Some(other::LabelModifier::Include(labels)) = &aggregate.modifier else { panic!("{query}") };
                grouping.clone_from(&labels.labels);
                &aggregate.expr
            }
            other::Expr::Call(call) => &call.args.args[0],
            _ => break,
        }
    }
    let selector = match selector {
        other::Expr::MatrixSelector(matrix) => &matrix.vs,
        other::Expr::VectorSelector(selector) => selector,
        _ => panic!("{query}"),
    };
    assert!(selector.matchers.or_matchers.is_empty(), "{query}");
    let seen = |m: &promql_parser::label::Matcher| (m.name.clone(), m.op.to_string(), m.value.clone());
    let (names, matchers): (Vec<_>, Vec<_>) =
        selector.matchers.matchers.iter().map(seen).partition(|(name, ..)| name == "__name__");
    let name = selector.name.clone().or(names.first().map(|(_, _, name)| name.clone())).unwrap();
    (name, matchers, grouping)
}

#[test]
fn values_arrive_unchanged_in_one_matcher_each() {
    let mut hostile = Hostile(1);
    let all = FRAGMENTS.iter().map(|fragment| Querier::new("m").label("l", *fragment));
    let mut queriers: Vec<Querier> = all.collect();
    for _ in 0..5_000 {
        let many = hostile.below(4);
        let labels = (0..many).map(|at| (format!("l{at}"), hostile.condition())).collect::<Vec<_>>();
        queriers.push(labels.into_iter().fold(Querier::new("m"), |querier, (label, c)| querier.label(label, c)));
    }
    for querier in &queriers {
        let matchers = wanted(&querier.labels());
        let list = LIST.render(querier, None).unwrap();
        let expected = ("m".to_owned(), matchers.clone(), Vec::new());
        assert_eq!(ours(&list), expected, "{list}");
        assert_eq!(theirs(&list), expected, "{list}");

        let rate = RATE.render(querier, None).unwrap();
        let literal = |label: &str, op: &str, value: &str| (label.to_owned(), op.to_owned(), value.to_owned());
        let matchers = [vec![literal("a", "=", "1")], matchers, vec![literal("z", "!=", "{26}")]].concat();
        let expected = ("m".to_owned(), matchers, vec!["first".to_owned(), "last".to_owned()]);
        assert_eq!(ours(&rate), expected, "{rate}");
        assert_eq!(theirs(&rate), expected, "{rate}");
    }
}

#[test]
fn names_arrive_unchanged_with_quotes_where_they_need_them() {
    let mut hostile = Hostile(2);
    let mut names: Vec<String> = ["up", "a:b", "http.requests", "sum", "le", "NaN", "inf", "9", "on", "größe"]
        .into_iter()
        .chain(FRAGMENTS.iter().copied())
        .map(str::to_owned)
        .collect();
    names.extend(hostile.texts(5_000));
    names.retain(|name| !name.is_empty() && name != "__name__");
    for name in &names {
        let querier = Querier::new(name.clone()).label(name.clone(), "v");
        let list = LIST.render(&querier, None).unwrap();
        let matchers = vec![(name.clone(), "=".to_owned(), "v".to_owned())];
        let expected = (name.clone(), matchers.clone(), Vec::new());
        assert_eq!(ours(&list), expected, "{list}");
        assert_eq!(theirs(&list), expected, "{list}");
        let querier = querier.group_by([name.clone()]);
        let rate = RATE.render(&querier, Some(PromDuration::from_secs(60))).unwrap();
        let (seen_name, seen_matchers, grouping) = ours(&rate);
        assert_eq!((&seen_name, &seen_matchers[1..2], &grouping[1]), (name, &matchers[..], name), "{rate}");
        let (seen_name, seen_matchers, grouping) = theirs(&rate);
        assert_eq!((&seen_name, &seen_matchers[1..2], &grouping[1]), (name, &matchers[..], name), "{rate}");
    }
}

/// Prometheus' response to `absent(...)` has the labels that its argument compares with `=`, so it shows each value as it
/// has arrived, and would show what got out of one.
#[test]
fn prometheus_sees_the_same_values() {
    let Some(server) = prometheus::shared() else { return };
    let mut hostile = Hostile(3);
    let fragments = FRAGMENTS.iter().map(|fragment| (*fragment).to_owned());
    let values: Vec<String> = fragments.chain(hostile.texts(500)).collect();
    for values in values.chunks(50) {
        let mut querier = Querier::new("no_such_metric");
        for (at, value) in values.iter().enumerate() {
            querier = querier.label(format!("l{at}"), value.clone());
        }
        let query = format!("absent({})", LIST.render(&querier, None).unwrap());
        let series = server.query(&query, 0).unwrap();
        let labelled = values.iter().enumerate().filter(|(_, value)| !value.is_empty());
        let expected: Labels = labelled.map(|(at, value)| (format!("l{at}"), value.clone())).collect();
        assert_eq!(series.len(), 1, "{query}");
        assert_eq!(series[0].labels, expected, "{query}");
    }
}

/// `label_replace` matches a label as a whole against a regular expression, as a matcher does.
#[test]
fn alternatives_match_themselves_and_nothing_else_in_prometheus() {
    let Some(server) = prometheus::shared() else { return };
    let mut hostile = Hostile(4);
    let fragments = FRAGMENTS.iter().map(|fragment| (*fragment).to_owned());
    let values: Vec<String> = fragments.chain(hostile.texts(300)).collect();
    for pair in values.chunks(2).filter(|pair| pair.len() == 2) {
        let matcher = Matcher::new("l", one_of(pair.to_vec())).to_string();
        let pattern = matcher.strip_prefix("l=~").unwrap();
        for own in pair {
            assert!(matches(server, own, pattern), "{pattern} does not match {own:?}");
            for other in [format!("{own}a"), format!("a{own}"), own.repeat(2)] {
                if !pair.contains(&other) {
                    assert!(!matches(server, &other, pattern), "{pattern} matches {other:?}");
                }
            }
        }
    }
}

/// Whether a text matches a regular expression, given as a literal of PromQL.
fn matches(server: &Server, text: &str, pattern: &str) -> bool {
    let text = LIST.render(&Querier::new("no_such_metric").label("l", text), None).unwrap();
    let query = format!("label_replace(absent({text}), \"hit\", \"yes\", \"l\", {pattern})");
    server.query(&query, 0).unwrap()[0].labels.contains_key("hit")
}

#[test]
fn the_catalogue_renders_to_what_prometheus_accepts() {
    let server = prometheus::shared();
    let mut rendered = 0;
    for preset in presets::ALL {
        let labels: Vec<&str> = preset.labels.unwrap().iter().map(|label| label.name).collect();
        let admitted = |name: &str| {
            let kinds = ["x", "00000000-0000-0000-0000-000000000000", "5"];
            let info = preset.labels.unwrap().iter().find(|label| label.name == name).unwrap();
            match info.kind {
                promql_presets::LabelKind::OneOf(values) => values[0],
                kind => kinds.into_iter().find(|value| kind.admits(value)).unwrap(),
            }
        };
        let required: Vec<&str> =
            preset.labels.unwrap().iter().filter(|label| label.required).map(|label| label.name).collect();
        for filters in [&labels[..0], &labels[..1], &labels[..]] {
            for groups in [&labels[..0], &labels[..1], &labels[..]] {
                let name = if preset.takes_metric_name() { "m" } else { "" };
                let groups = if preset.takes_group_by() { groups } else { &[] };
                let mut querier = Querier::new(preset.metric.unwrap_or(name)).group_by(groups.iter().copied());
                for label in required.iter().chain(filters) {
                    querier = querier.label(*label, admitted(label)).label(*label, not_regex("a{2}|\""));
                }
                let window = preset.window.map(|_| PromDuration::from_secs(90));
                let query = preset.preset::<Vector>().render(&querier, window).unwrap();
                let parsed = promql::parse(&query, Syntax::PROMQL);
                assert_eq!(parsed.diagnostics, [], "{query}");
                if let Some(server) = server {
                    server.accepts(&query).unwrap_or_else(|error| panic!("{}: {query}: {error}", preset.name));
                }
                let again = other::parse(&query).map(|_| ());
                assert_eq!(again, Ok(()), "{query}");
                rendered += 1;
            }
        }
    }
    assert_eq!(rendered, presets::ALL.len() * 9);
}
