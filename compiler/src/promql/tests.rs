//! The trees of valid queries, and the findings about invalid ones.

use std::fmt::Write;

use super::ast::MAX_HEIGHT;
use super::{Duration, DurationKind, ExprKind, Features, Modifier, NamePart, ResultType, Syntax, parse};
use crate::hole::Hole;

/// An expression with all its parentheses.
fn grouped(text: &str) -> String {
    fn write(expr: &super::Expr<'_>, text: &str) -> String {
        match &expr.kind {
            ExprKind::Binary(binary) => {
                format!("({} {} {})", write(&binary.lhs, text), binary.op.as_str(), write(&binary.rhs, text))
            }
            ExprKind::Unary(unary) => format!("({}{})", unary.op.as_str(), write(&unary.expr, text)),
            _ => text[expr.span.range()].to_owned(),
        }
    }
    write(&parse(text, Syntax::PROMQL).expr.unwrap(), text)
}

/// Everything about the findings: code, title, `place` label, further places, help, note.
fn messages(text: &str, syntax: Syntax) -> String {
    let mut out = String::new();
    for diagnostic in parse(text, syntax).diagnostics {
        write!(out, "{}: {}", diagnostic.code.as_str(), diagnostic.title).unwrap();
        write!(out, " | [{}] {}", &text[diagnostic.span.range()], diagnostic.label).unwrap();
        for (span, label) in &diagnostic.secondary {
            write!(out, " | [{}] {label}", &text[span.range()]).unwrap();
        }
        if let Some(help) = &diagnostic.help {
            write!(out, " | help: {help}").unwrap();
        }
        if let Some(note) = &diagnostic.note {
            write!(out, " | note: {note}").unwrap();
        }
        out.push('\n');
    }
    out
}

#[track_caller]
fn reports(text: &str, expected: &str) {
    assert_eq!(messages(text, Syntax::PROMQL).trim_end(), expected, "{text}");
}

#[track_caller]
fn template_says(text: &str, expected: &str) {
    assert_eq!(messages(text, Syntax::TEMPLATE).trim_end(), expected, "{text}");
}

#[track_caller]
fn accepts(text: &str, syntax: Syntax) {
    assert_eq!(messages(text, syntax), "", "{text}");
}

#[test]
fn operators_bind_as_in_prometheus() {
    for (text, expected) in [
        ("a + b * c", "(a + (b * c))"),
        ("a - b - c", "((a - b) - c)"),
        ("a ^ b ^ c", "(a ^ (b ^ c))"),
        ("-a ^ b", "(-(a ^ b))"),
        ("-a * b", "((-a) * b)"),
        ("a ^ -b * c", "((a ^ (-b)) * c)"),
        ("a or b and c == d", "(a or (b and (c == d)))"),
        ("a unless b and c", "((a unless b) and c)"),
        ("a atan2 b / c", "((a atan2 b) / c)"),
        ("a </ b + c", "(a </ (b + c))"),
        ("a + b offset 5m", "(a + b offset 5m)"),
        ("-a[5m:1m] @ 7", "(-a[5m:1m] @ 7)"),
        ("a offset 5m * 2", "(a offset 5m * 2)"),
        ("a offset --5m * 2", "a offset --5m * 2"),
        ("and and and", "(and and and)"),
        ("sum or by", "(sum or by)"),
    ] {
        assert_eq!(grouped(text), expected, "{text}");
    }
}

#[test]
fn names_come_in_parts() {
    let parsed = parse("a:{metric_name}:b{metric_name}", Syntax::TEMPLATE);
    let expr = parsed.expr.unwrap();
    let name = expr.selectors()[0].name.as_ref().unwrap();
    let parts: Vec<_> = name
        .parts()
        .map(|part| match part {
            NamePart::Text(text, span) => (text, span.start),
            NamePart::Hole(span) => ("", span.start),
        })
        .collect();
    assert_eq!(parts, [("a:", 0), ("", 2), (":b", 15), ("", 17)]);
    assert_eq!(name.as_literal(), None);
}

#[test]
fn selectors_keep_their_places() {
    let text = "foo {a=\"x\", \"b.c\"!~'y|z' ,} [5m] offset 1m @ end()";
    let parsed = parse(text, Syntax::PROMQL);
    let expr = parsed.expr.unwrap();
    assert_eq!((expr.ty(), &text[expr.span.range()]), (ResultType::RangeVector, text));
    let ExprKind::Selector(selector) = &expr.kind else { panic!("{expr:?}") };
    assert_eq!(&text[selector.span.range()], "foo {a=\"x\", \"b.c\"!~'y|z' ,}");
    let places: Vec<_> = selector.items().iter().map(|item| &text[item.span().range()]).collect();
    assert_eq!(places, ["a=\"x\"", "\"b.c\"!~'y|z'"]);
    let modifiers: Vec<_> = selector.modifiers.iter().map(|modifier| &text[modifier.span().range()]).collect();
    assert_eq!(modifiers, ["offset 1m", "@ end()"]);
    assert_eq!(selector.range.as_ref().unwrap().duration.seconds(), Some(300.0));
    assert_eq!(selector.metric_name(), Some("foo"));
}

#[test]
fn durations_are_expressions() {
    let duration = |text: &str| -> Duration {
        let expr = parse(text, Syntax::PROMQL).expr.unwrap();
        expr.selectors()[0].range.as_ref().unwrap().duration.clone()
    };
    assert_eq!(duration("a[1h30m]").seconds(), Some(5400.0));
    assert_eq!(duration("a[-(-5)]").seconds(), Some(5.0));
    assert!(matches!(duration("a[step() * 2]").kind, DurationKind::Binary(..)));
    assert!(matches!(duration("a[min_of(5m, step())]").kind, DurationKind::Min(_)));
    let offset = parse("a offset (5m) + 1m", Syntax::PROMQL).expr.unwrap();
    assert!(matches!(&offset.kind, ExprKind::Selector(s) if matches!(s.modifiers[0], Modifier::Offset { .. })));
    assert!(matches!(parse("a offset 5m + 1m", Syntax::PROMQL).expr.unwrap().kind, ExprKind::Binary(_)));
}

#[test]
fn features_are_off_unless_asked_for() {
    for (text, flag) in [
        ("step()", "promql-experimental-functions"),
        ("limitk(2, a)", "promql-experimental-functions"),
        ("rate(a[5m] anchored)", "promql-extended-range-selectors"),
        ("a smoothed", "promql-extended-range-selectors"),
        ("a + fill(0) b", "promql-binop-fill-modifiers"),
    ] {
        let found = messages(text, Syntax::PROMQL);
        assert!(found.contains(&format!("help: write `features = [\"{flag}\"]` in the preset file")), "{found}");
        let mut features = Features::none();
        assert!(features.enable(flag));
        accepts(text, Syntax { template: false, features });
    }
    assert!(!Features::none().enable("promql-at"));
    let names = Features::NAMES.iter().chain(&Features::FORMER).chain(&Features::OTHERS);
    assert!(names.into_iter().all(|name| Features::none().enable(name)));
}

#[test]
fn one_finding_for_a_hole_anywhere() {
    for hole in Hole::ALL {
        let hole = hole.placeholder();
        for text in [
            format!("up offset {hole}{hole}"),
            format!("up @ {hole}"),
            format!("{hole}()"),
            format!("up + on ({hole}={hole}) up"),
            format!("'{hole}'"),
            format!("up{{{{{hole}=\"a\"}}}}"),
            format!("1{hole}"),
            format!("sum({hole}) by ({hole}) {hole}"),
        ] {
            assert_eq!(parse(&text, Syntax::TEMPLATE).diagnostics.len(), 1, "{text}");
        }
    }
}

#[test]
fn types() {
    reports(
        "rate(foo{a=\"b\"} offset 1m)",
        "type-mismatch: `rate` takes a range vector | [foo{a=\"b\"} offset 1m] this is an instant vector | [rate] \
         required by this call | help: select a range: `foo{a=\"b\"}[5m] offset 1m`",
    );
    reports(
        "rate(a + b)",
        "type-mismatch: `rate` takes a range vector | [a + b] this is an instant vector | [rate] required by this \
         call | help: write `rate(a[5m]) + rate(b[5m])`",
    );
    reports(
        "deriv(a + b)",
        "type-mismatch: `deriv` takes a range vector | [a + b] this is an instant vector | [deriv] required by this \
         call | help: write a subquery: `(a + b)[5m:]`",
    );
    reports(
        "label_replace(\"a\", b, \"\", \"\", \"\")",
        "type-mismatch: arguments of `label_replace` in the wrong order | [\"a\", b] these fit the other way round | \
         [label_replace] required by this call | help: write `label_replace(b, \"a\", \"\", \"\", \"\")`",
    );
    reports(
        "topk(foo, 5)",
        "type-mismatch: arguments of `topk` in the wrong order | [foo, 5] these fit the other way round | [topk] \
         required by this aggregation | help: write `topk(5, foo)`",
    );
    reports(
        "1 > 2",
        "type-mismatch: comparison of scalars without `bool` | [>] scalars cannot be filtered | help: write `> bool`",
    );
    reports(
        "a and 1",
        "type-mismatch: `and` takes instant vectors | [1] this is a scalar | [and] required by this operator | help: \
         write `vector(1)`",
    );
    reports(
        "label_replace(a, b, \"\", \"\", \"\")",
        "type-mismatch: `label_replace` takes a string | [b] this is an instant vector | [label_replace] required by \
         this call | help: write `\"b\"`",
    );
    reports(
        "histogram_quantile(0.9)",
        "argument-count: `histogram_quantile` takes 2 arguments, not 1 | [(0.9)] 1 argument | [histogram_quantile] \
         required by this call | note: `histogram_quantile(scalar, instant vector)`",
    );
    reports(
        "rate(vector(a[5m]))",
        "type-mismatch: `vector` takes a scalar | [a[5m]] this is a range vector | [vector] required by this call",
    );
    assert_eq!(parse("rate(a) + rate(b) + abs(c[5m])", Syntax::PROMQL).diagnostics.len(), 3);
}

#[test]
fn a_comment_at_the_end_is_not_the_place_of_a_fault() {
    reports("sum(# é", "syntax: unclosed `(` | [(] opened here, never closed");
    reports("a + # é", "syntax: missing operand after `+` | [+] the query ends after it");
}

#[test]
fn names() {
    reports(
        "holt_winters(a[5m], 0.5, 0.5)",
        "unknown-function: unknown function `holt_winters` | [holt_winters] removed | help: write \
         `double_exponential_smoothing` | note: `holt_winters` was renamed in Prometheus 3.0",
    );
    reports(
        "incraese(a[5m])",
        "unknown-function: unknown function `incraese` | [incraese] not a function | help: a function with a similar \
         name exists: `increase`",
    );
    reports(
        "usm(a) by (b)",
        "unknown-function: unknown function `usm` | [usm] not a function | help: an aggregation with a similar name \
         exists: `sum`",
    );
    reports(
        "a offest 5m",
        "syntax: unexpected `offest` | [offest] expected an operator | help: a keyword with a similar name exists: \
         `offset`",
    );
    reports(
        "http.requests",
        "syntax: unexpected `.` | [.] a name with dots must be quoted | help: write `{\"http.requests\"}`",
    );
    template_says(
        "rate(up{{{labels}}}[$interval])",
        "syntax: unexpected `$interval` | [$interval] variables of dashboards are not part of PromQL | help: write \
         `{window}`",
    );
}

#[test]
fn brackets() {
    reports("sum(rate(a[5m])", "syntax: unclosed `(` | [(] opened here, never closed");
    reports(
        "sum(a{b=\"c\")",
        "syntax: unclosed `{` | [)] expected `}` before this | [{] opened here | help: write `{b=\"c\"}`",
    );
    reports("rate(a[5m)", "syntax: unclosed `[` | [)] expected `]` before this | [[] opened here | help: write `[5m]`");
    reports("(a]", "syntax: unclosed `(` | []] expected `)` before this | [(] opened here");
    reports("a)", "syntax: unmatched `)` | [)] no `(` is open here");
    reports(
        "rate(a)[5m]",
        "syntax: range of an expression | [[5m]] only a selector can have a range | [rate(a)] not a selector | help: write `rate(a[5m])`",
    );
}

#[test]
fn matchers() {
    reports("a{b=c}", "syntax: value without quotes | [c] the value of a matcher is a string | help: write `b=\"c\"`");
    reports("a{b==\"c\"}", "syntax: `==` in a matcher | [=] one `=` too many | help: write `b=\"c\"`");
    reports(
        "a{b=\"c\" d=\"e\"}",
        "syntax: missing `,` before `d` | [d] expected `,` or `}` | [b=\"c\"] after this matcher | help: write `,d`",
    );
    reports("a{,}", "syntax: missing matcher | [,] no matcher before this `,`");
    reports("a{__name__=\"b\"}", "syntax: metric name set twice | [__name__=\"b\"] a second name | [a] named here");
    reports(
        r#"a{b=~"x\\d(y"}"#,
        "invalid-regex: invalid regular expression | [(] missing closing `)` | note: Prometheus has the syntax of \
         RE2: https://github.com/google/re2/wiki/Syntax",
    );
    reports(
        r#"a{b="\d"}"#,
        r"syntax: invalid escape `\d` | [\d] strings have no such escape | help: write `\\d` for a backslash",
    );
    let empty = "note: a selector needs a metric name or a matcher that does not match the empty string";
    reports(
        "{a=~\".*\"}",
        &format!(
            "empty-selector: selector that selects every series | [{{a=~\".*\"}}] every matcher also matches series \
             without the label | {empty}"
        ),
    );
}

#[test]
fn slips() {
    reports(
        "a[1M]",
        "syntax: invalid number `1M` | [1M] neither a number nor a duration | help: write `1m` for minutes, `30d` for months",
    );
    reports(
        "a[1.5h]",
        "syntax: invalid duration `1.5h` | [1.5h] each number is whole and has a unit, as in `1h30m` | help: write `1h30m`",
    );
    reports("a[1h 30 m]", "syntax: unexpected `30` | [30] expected `]` or `:` | [[] opened here | help: write `1h30m`");
    reports("a(5m)", "unknown-function: unknown function `a` | [a] not a function | help: write `a[5m]` for a range");
    reports("a{}(5m)", "syntax: range in parentheses | [(] a range stands in brackets | help: write `a{}[5m]`");
    reports(
        "sum(a # b)",
        "syntax: unclosed `(` | [(] opened here, never closed | [# b)] a comment, up to the end of the line",
    );
    reports(
        "!a",
        "syntax: unexpected `!` | [!] PromQL has no negation | help: write `x == 0` where the value of `x` is 0, `absent(x)` where there is no `x`",
    );
    reports("a ! b", "syntax: unexpected `!` | [!] not an operator of PromQL | help: write `!=` or `unless`");
    for (text, title, help) in [
        ("a and not b", "unexpected `and not`", "write `unless`"),
        ("rate(a, 5m)", "`rate` takes 1 argument, not 2", "write `rate(a[5m])`"),
        ("rate(sum(a), 5m)", "`rate` takes 1 argument, not 2", "write `sum(rate(a[5m]))`"),
        ("max_over_time(sum(a), 5m)", "`max_over_time` takes 1 argument, not 2", "write `max_over_time(sum(a)[5m:])`"),
        (
            "histogram_quantile(0,9, a)",
            "`histogram_quantile` takes 2 arguments, not 3",
            "write `histogram_quantile(0.9, a)`",
        ),
        ("a offset 1 h", "unexpected `h`", "write `1h`"),
        ("a > 10MB", "invalid number `10MB`", "write `10e6`"),
        ("a * 1,000", "unexpected `,`", "write `1000`"),
        ("a <> 1", "unexpected `<>`", "write `!=`"),
        ("rate(a,[5m])", "unexpected `[`", "remove the `,` before it"),
        ("a{b:\"c\"}", "unexpected `:`", "write `=`"),
        ("a{b=\"c\";}", "unexpected `;`", "write `,`"),
        ("sum(a by b)", "`by` without an aggregation", "write `sum by (b) (a)`"),
    ] {
        let found = parse(text, Syntax::PROMQL).diagnostics;
        assert_eq!((found[0].title.as_str(), found[0].help.as_deref()), (title, Some(help)), "{text}");
        assert_eq!(found.len(), 1, "{text}");
    }
    reports(
        "a > 1 for 5m",
        "syntax: unexpected `for` | [for] alerting rules have it, beside the query | help: remove it",
    );
    reports(
        "a{b=\"\\/c\"}",
        "syntax: invalid escape `\\/` | [\\/] strings have no such escape | help: write `/`, which needs no backslash",
    );
    reports(
        "a{b=~\"\\.c\"}",
        "syntax: invalid escape `\\.` | [\\.] strings have no such escape | help: write `\\\\.` for a backslash",
    );
    reports(
        "a{b=\"\\.c\"}",
        "syntax: invalid escape `\\.` | [\\.] strings have no such escape | help: write `.`, which needs no backslash",
    );
}

#[test]
fn operators() {
    reports("a = 1", "syntax: `=` is not an operator | [=] only matchers in braces use `=` | help: write `==`");
    reports("a +", "syntax: missing operand after `+` | [+] the query ends after it");
    reports(
        "sum (b, c) (a)",
        "syntax: second arguments of `sum` | [(b, c)] if these are labels to group by, a keyword is missing | [(] the \
         arguments start here | help: write `sum by (b, c)`",
    );
    reports("a && b", "syntax: unexpected `&&` | [&&] not an operator of PromQL | help: write `and`");
    reports(
        "a default 0",
        "syntax: `default` is not part of PromQL | [default] only VictoriaMetrics' MetricsQL has it | note: Prometheus writes `a or b` for a default, whose labels must match",
    );
    reports(
        "rate(a[5m]) by (b)",
        "syntax: `by` without an aggregation | [by] only aggregations group | [rate] `rate` is a function | help: \
         write `sum by (b) (rate(a[5m]))`",
    );
    reports(
        "a + bool b",
        "syntax: `bool` after `+` | [bool] only comparisons such as `>` can return 0 or 1 | [+] no comparison",
    );
    reports(
        "a * on (b) group_left (b) c",
        "syntax: label `b` both in `on` and in `group_left` | [b] equal on both sides, so there is nothing to copy | \
         [b] matched on here",
    );
    reports("a offset 5m offset 1m", "syntax: second `offset` | [offset 1m] can be set once | [offset 5m] set here");
    reports(
        "a offset 5m [1m]",
        "syntax: `offset` before the range | [[1m]] the range must follow the selector itself | [offset 5m] this comes after it | help: write `a[1m] offset 5m`",
    );
}

#[test]
fn suggestions_pass_the_checks() {
    for (text, template) in [
        ("up {labels}", true),
        ("rate({metric_name}{{{labels}}})", true),
        ("rate(up{window})", true),
        ("{{{labels}}}", true),
        ("rate(a)[5m]", false),
        ("sum(a)[5m]", false),
        ("topk(a, 5)", false),
        ("rate(a[5m]) by (b)", false),
        ("rate(a[5m]) offset 5m", false),
        ("http.requests", false),
        ("a offset 5m [1m]", false),
        ("a offset 0s [1m]", false),
        ("a offset step() [1m]", false),
        ("a @ start() [1m]", false),
        ("a @ end()[1m]", false),
        ("up{}(5m)", false),
        ("sum(rate(a[5m]) by (b))", false),
        ("histogram_quantile(0.9, rate(a_bucket[5m])) by (b)", false),
        ("label_replace(\"a\", up, \"$1\", \"b\", \"(.*)\")", false),
    ] {
        let syntax = Syntax { template, features: Features::none() };
        let help = parse(text, syntax).diagnostics[0].help.clone().unwrap();
        let suggestion = help.split_once('`').and_then(|(_, rest)| rest.rsplit_once('`')).unwrap().0;
        accepts(suggestion, syntax);
    }
}

#[test]
fn offsets_take_several_signs() {
    for text in ["a offset --1m", "a[5m:1m] offset - -+ 1m", "a offset -+(1m + 2m)"] {
        accepts(text, Syntax::PROMQL);
    }
    assert!(parse("a offset --", Syntax::PROMQL).expr.is_none());
}

#[test]
fn depth_is_limited() {
    let nested = |open: &str, close: &str, times: usize| format!("{}a{}", open.repeat(times), close.repeat(times));
    for (open, close) in [("(", ")"), ("-", ""), ("abs(", ")"), ("sum(", ")"), ("1 ^ ", ""), ("a + on (", ")")] {
        accepts(&nested("(", ")", 100), Syntax::PROMQL);
        let found = parse(&nested(open, close, 100_000), Syntax::PROMQL).diagnostics;
        assert_eq!(found.len(), 1, "{open}");
    }
    for text in ["a[".repeat(100_000), "{".repeat(100_000), format!("a[{}1]", "-".repeat(100_000))] {
        assert_eq!(parse(&text, Syntax::PROMQL).diagnostics.len(), 1);
    }
    let chain = |times: usize| format!("a{}", " + 1".repeat(times));
    accepts(&chain(usize::from(MAX_HEIGHT) - 1), Syntax::PROMQL);
    assert_eq!(parse(&chain(100_000), Syntax::PROMQL).diagnostics[0].code.as_str(), "too-deep");
    let subqueries = format!("a{}", "[5m:]".repeat(100_000));
    assert_eq!(parse(&subqueries, Syntax::PROMQL).diagnostics[0].code.as_str(), "too-deep");
    let durations = format!("a[1{}]", " + 1".repeat(100_000));
    assert_eq!(parse(&durations, Syntax::PROMQL).diagnostics[0].code.as_str(), "too-deep");
}

#[test]
fn no_text_panics() {
    let texts = [
        "sum by (a, \"b\") (rate(x:y{a=~\"b|c\\\\d\",`e`!='f'}[5m:1h] offset -(1m+step()) @ start())) > bool on (a) group_left (b) 0x1f # c",
        "sum by ({group_by})({metric_name}_x{{a=\"{{\",{labels}}}[{window}]) # {labels}",
        "a{b=\"ä😀\\u00e4\\xff\"} <= “x” + 1e5 / 5m \u{FFFD}",
    ];
    for text in texts {
        for (at, _) in text.char_indices() {
            for template in [false, true] {
                let syntax = Syntax { template, features: Features::all() };
                for piece in [&text[..at], &text[at..]] {
                    for diagnostic in parse(piece, syntax).diagnostics {
                        // Every place is a part of the text.
                        let _ = &piece[diagnostic.span.range()];
                        diagnostic.secondary.iter().for_each(|(span, _)| assert!(piece.get(span.range()).is_some()));
                    }
                }
                for bad in ["{", "}", "\\", "\"", "(", "[", ")", "é", ".", "{labels}", "{window}"] {
                    let text = format!("{}{bad}{}", &text[..at], &text[at..]);
                    for diagnostic in parse(&text, syntax).diagnostics {
                        assert!(text.get(diagnostic.span.range()).is_some(), "{text}");
                    }
                }
            }
        }
    }
}
