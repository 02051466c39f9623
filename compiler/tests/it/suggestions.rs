//! What a message says to type in place of a whole query, is free of findings when it is typed.

use promql_presets_compiler::{Diagnostic, SourceFile, compile};

fn findings(file: &str, template: &str) -> Vec<Diagnostic> {
    let window = if template.contains("{window}") { "window = '10m'" } else { "" };
    let text = format!("{file}\n[presets.a]\ntemplate = '''{template}'''\n{window}\n");
    let file = SourceFile { name: "a.toml".into(), path: "presets/a.toml".into(), text };
    compile(&[file]).findings.into_iter().map(|finding| finding.diagnostic).collect()
}

#[test]
fn can_be_typed() {
    let counter = "[metric]\nname = 'c'\ntype = 'counter'\nscrape_interval = '15s'";
    let gauge = "[metric]\nname = 'g'\ntype = 'gauge'";
    for (file, template, expected) in [
        ("", "rate(sum(a_total{{{labels}}}))", "sum(rate(a_total{{{labels}}}[{window}]))"),
        ("", "rate(sum(a_total{{{labels}}})[5m])", "sum(rate(a_total{{{labels}}}[5m]))"),
        ("", "rate(rate(a{{{labels}}}[5m]))", "rate(a{{{labels}}}[5m])"),
        ("", "rate(sum(rate(a{{{labels}}}[5m]))[1h])", "sum(rate(a{{{labels}}}[5m]))"),
        ("", "increase(count(a{{{labels}}}))", "delta(count(a{{{labels}}})[{window}:])"),
        (
            "",
            "irate(sum by (x) (a{{{labels}}} offset 1h) * 60)",
            "sum by (x) (irate(a{{{labels}}}[{window}] offset 1h)) * 60",
        ),
        (
            "",
            "histogram_quantile(0.9, rate(a_bucket{{{labels}}}[5m])) by (x)",
            "histogram_quantile(0.9, sum by (le, x) (rate(a_bucket{{{labels}}}[5m])))",
        ),
        (
            "",
            "histogram_quantile(0.9, sum(rate(a_bucket{{{labels}}}[5m])) by (le)) by ({group_by})",
            "histogram_quantile(0.9, sum by (le, {group_by}) (rate(a_bucket{{{labels}}}[5m])))",
        ),
        (
            "",
            "histogram_quantile(0.9, rate(a{{{labels}}}[5m])) without (x)",
            "histogram_quantile(0.9, sum without (x) (rate(a{{{labels}}}[5m])))",
        ),
        ("", "sum(rate(a{{{labels}}}[5m]) by (x))", "sum by (x) (rate(a{{{labels}}}[5m]))"),
        (gauge, "rate({metric_name}{{{labels}}}[1h:1m])", "deriv({metric_name}{{{labels}}}[1h:1m])"),
        (
            counter,
            "deriv(sum({metric_name}{{{labels}}} offset 1h)[1h:1m])",
            "sum(rate({metric_name}{{{labels}}}[1h] offset 1h))",
        ),
        ("", "absent(a{{{labels}}} + b{{{labels}}})", "absent(a{{{labels}}}) or absent(b{{{labels}}})"),
        ("", "absent(rate(a{{{labels}}}[5m] offset 1h))", "absent(a{{{labels}}} offset 1h)"),
        ("", "absent(max_over_time(a{{{labels}}}[1h]))", "absent_over_time(a{{{labels}}}[1h])"),
        ("", "absent_over_time(rate(a{{{labels}}}[5m])[1h:])", "absent_over_time(a{{{labels}}}[1h])"),
        ("", "absent_over_time(sum(a{{{labels}}})[1h:])", "absent_over_time(a{{{labels}}}[1h])"),
        ("", "vector(0) or sum by (x) (a{{{labels}}})", "sum by (x) (a{{{labels}}}) or on () vector(0)"),
        ("", "topk(5, a{{{labels}}} by (x))", "topk by (x) (5, a{{{labels}}})"),
    ] {
        let found = findings(file, template);
        assert_eq!(found.len(), 1, "{template}: {found:?}");
        let help = found[0].help.clone().unwrap();
        let typed = help.strip_prefix("write `").and_then(|help| help.strip_suffix('`')).unwrap();
        assert_eq!(typed, expected);
        assert_eq!(findings(file, typed), [], "{template}");
    }
}
