#![expect(clippy::print_stderr, reason = "a test that can be skipped")]

use std::fmt::Write as _;
use std::path::PathBuf;

use promql_presets_compiler::promql::{Features, Syntax, parse, tokens};
use serde_json::Value;

use super::format;

const QUERY: Syntax = Syntax { template: false, features: Features::all() };
const TEMPLATE: Syntax = Syntax { template: true, features: Features::all() };

#[track_caller]
fn check(text: &str, formatted: &str) {
    assert_eq!(format(text, QUERY, "\n").as_deref(), Some(formatted));
    assert_eq!(format(formatted, QUERY, "\n").as_deref(), Some(formatted));
}

#[test]
fn short_queries_stay_on_one_line() {
    for (text, formatted) in [
        ("sum(rate(x{a=\"b\" , c=~'d',}[ 5m ])) BY(job,x)", "sum by (job, x) (rate(x{a=\"b\",c=~\"d\"}[5m]))"),
        ("a*ON(x)Group_Left b", "a * on (x) group_left () b"),
        ("a- on()-b", "a - on () -b"),
        ("sum by () (foo{})", "sum(foo)"),
        ("a + ignoring() b", "a + b"),
        ("a + ignoring() group_right(c,) b", "a + ignoring () group_right (c) b"),
        ("a{}   offset 1h@start ( )", "a offset 1h @ start()"),
        ("a @ - 1.5 offset - 5m", "a @ -1.5 offset -5m"),
        ("a>BOOL 0x1f", "a > bool 0x1f"),
        (
            "avg_over_time(rate(foo[300s])[60m : 30s] offset 5m)[1h:]",
            "avg_over_time(rate(foo[5m])[1h:30s] offset 5m)[1h:]",
        ),
        ("foo[5m*2+min_of(-1m,step ())]", "foo[5m * 2 + min_of(-1m, step())]"),
        ("foo[( 5m )  :  1m ]", "foo[(5m):1m]"),
        ("- + foo ^ - 2", "-+foo ^ -2"),
        ("a + fill_left ( - 1 ) fill_right(2) b", "a + fill_left (-1) fill_right (2) b"),
        ("{ \"a.b\" , \"c d\" = `e` }", "{\"a.b\",\"c d\"=\"e\"}"),
        ("topk by(a) (3,b)", "topk by (a) (3, b)"),
        ("topk by(a)(3,b)", "topk by (a) (3, b)"),
        ("sum by ('a', `b.c`)(x{\"d\"='\"', 'e'=`\\d`})", "sum by (a, \"b.c\") (x{d='\"',e=`\\d`})"),
        ("x * .50 > 24h / 90m", "x * 0.5 > 1d / 90m"),
        ("time ( )", "time()"),
        ("sum{a='b'} + offset", "sum{a=\"b\"} + offset"),
    ] {
        check(text, formatted);
    }
}

#[test]
fn long_expressions_are_broken_as_prometheus_breaks_them() {
    let (long, other) = ("l".repeat(60), "m".repeat(60));
    check(
        &format!("topk(5,sum(rate({long}{{a=\"{other}\"}}[5m]))without(job))/ignoring(x)-{long}"),
        &format!(
            "  topk(\n    5,\n    sum without (job) (\n      rate(\n        {long}{{a=\"{other}\"}}[5m]\n      )\n    )\n  )\n\
             / ignoring (x)\n  -{long}"
        ),
    );
    check(
        &format!("rate((-{long}^{other}+{long})[1h:5m])"),
        &format!("rate(\n  (\n      -{long}\n      ^\n        {other}\n    +\n      {long}\n  )[1h:5m]\n)"),
    );
    let width = |length: usize| format!("rate({}[5m])", "l".repeat(length - 10));
    check(&width(100), &width(100));
    check(&width(101), &format!("rate(\n  {}[5m]\n)", "l".repeat(91)));
}

#[test]
fn comments_stay_with_their_node() {
    check("a#1\n", "a #1");
    check("# 1\n  # 2\na + b # 3\n\n# 4\n  # 5", "# 1\n# 2\na + b # 3\n# 4\n# 5");
    check("# all\na + # b\nb", "# all\n  a\n+ # b\n  b");
    check("  # a\na + # b\nb", "  # a\n  a\n+ # b\n  b");
    check("sum( # 1\nrate(a[5m]) # 2\n # 3\n) # 4\nby(job)", "sum by (job) ( # 1\n  rate(a[5m]) # 2\n  # 3\n) # 4");
    check("sum(a) by (# 1\njob# 2\n,instance)", "sum by ( # 1\n  job, # 2\n  instance\n) (\n  a\n)");
    check("a{# 1\nb='c',# 2\nd='e', # 3\n}", "a{ # 1\n  b=\"c\", # 2\n  d=\"e\", # 3\n}");
    check("round(a\n# 1\n,1)", "round(\n  a,\n  # 1\n  1\n)");
    check("a * on (x) group_left # 1\nb", "  a\n* on (x) group_left () # 1\n  b");
    check("a # 1\n[5m] # 2\noffset 1m", "a # 1\n  [5m] # 2\n    offset 1m");
    check("a{ # 1\n}", "a{ # 1\n}");
    check("sum(a) by (b) # 1", "sum by (b) (a) # 1");
    check("sum(a) # 1\nby (b) # 2", "sum by (b) # 2\n  (\n  a\n) # 1");
}

#[test]
fn line_breaks_are_those_of_the_file() {
    assert_eq!(format("a +# 1\r\nb", QUERY, "\r\n").unwrap(), "  a\r\n+ # 1\r\n  b");
}

/// The tree without places, and without what the formatter may add or remove.
fn tree(text: &str, syntax: Syntax) -> Option<String> {
    let parsed = parse(text, syntax);
    let debug = format!("{:?}", parsed.expr.filter(|_| parsed.diagnostics.is_empty())?);
    let mut out = String::new();
    for (at, part) in debug.split("Span { start: ").enumerate() {
        out.push_str(if at == 0 { part } else { part.split_once('}').unwrap().1 });
    }
    let bare =
        |keyword: &str| format!("Some(Grouping {{ keyword: {keyword}, keyword_span: , parens: Some(), items: [] }})");
    let out = out
        .replace("keyword_span: , parens: None", "keyword_span: , parens: Some()")
        .replace("Some(Braces { open: , close: , items: [] })", "None")
        .replace(&format!("matching: {}, group: None", bare("Ignoring")), "matching: None, group: None")
        .replace(&bare("By"), "None")
        .replace("quoted: true", "quoted: false");
    Some(out)
}

/// Formats a query twice, and compares trees.
fn check_properties(text: &str, syntax: Syntax) -> Option<String> {
    let before = tree(text, syntax)?;
    let formatted = format(text, syntax, "\n").unwrap();
    assert_eq!(tree(&formatted, syntax).as_ref(), Some(&before), "{text}\n{formatted}");
    assert_eq!(format(&formatted, syntax, "\n").unwrap(), formatted, "{text}");
    Some(formatted)
}

/// The query with a comment in each gap between tokens that `choose` chooses, and their number.
fn commented(text: &str, choose: impl Fn(usize) -> Option<bool>) -> (String, usize) {
    let (mut out, mut at, mut count, mut in_brackets) = (String::new(), 0, 0, false);
    for (index, token) in tokens(text, QUERY).iter().enumerate() {
        out.push_str(&text[at..token.end as usize]);
        at = token.end as usize;
        // In brackets, Prometheus accepts comments only after a number; after `fill`, none.
        in_brackets = (in_brackets || &text[token.range()] == "[") && &text[token.range()] != "]";
        let may_be_here = !in_brackets && !text[token.range()].to_ascii_lowercase().starts_with("fill");
        if let (Some(own_line), true) = (choose(index), may_be_here) {
            out.push_str(if own_line { "\n " } else { " " });
            _ = writeln!(out, "# c{index}");
            count += 1;
        }
    }
    (out + &text[at..], count)
}

#[test]
fn the_corpus_keeps_its_meaning_and_comments() {
    let folder = std::env::var_os("PROMQL_PRESETS_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"), PathBuf::from);
    if !folder.join("conformance.jsonl").is_file() {
        assert!(std::env::var_os("CI").is_none(), "no corpus at {}", folder.display());
        eprintln!("skipped: no corpus at {}", folder.display());
        return;
    }
    let (mut queries, mut comments, mut lines) = (0, 0, Vec::new());
    for file in ["conformance.jsonl", "realworld.jsonl"] {
        for line in std::fs::read_to_string(folder.join(file)).unwrap().lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            let query = row["q"].as_str().unwrap();
            let Some(formatted) = check_properties(query, QUERY) else { continue };
            queries += 1;
            if file == "realworld.jsonl" {
                lines.push(formatted);
            }
            let template = query.replace('{', "{{").replace('}', "}}");
            check_properties(&template, TEMPLATE);
            // One comment at a place, or one in every third gap.
            let len = tokens(query, QUERY).len();
            let choices = [(1, 0), (3, queries % 3), (len, queries % len)];
            for (every, from) in choices {
                let choose = |index: usize| (index % every == from).then_some(index % 2 == queries % 2);
                let (text, count) = commented(query, choose);
                let formatted = check_properties(&text, QUERY).unwrap_or_else(|| panic!("not valid: {text}"));
                let found: Vec<&str> = formatted.split_whitespace().filter(|word| is_comment(word)).collect();
                assert_eq!(found.len(), count, "{text}\n{formatted}");
                comments += count;
            }
        }
    }
    eprintln!("{queries} queries, {} of them real; {comments} comments", lines.len());
    assert!(lines.len() > 1500, "{}", lines.len());
}

fn is_comment(word: &str) -> bool {
    word.strip_prefix('c').is_some_and(|index| !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()))
}
