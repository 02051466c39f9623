//! Runs the checks on one preset.

use crate::{Severity, SourceFile, compile};

/// Codes and marked texts of the findings of a file.
pub(super) fn of_file(text: &str) -> Vec<String> {
    let file = SourceFile { name: "a.toml".into(), path: "presets/a.toml".into(), text: text.into() };
    let found = compile(std::slice::from_ref(&file)).findings;
    found
        .iter()
        .map(|finding| format!("{}: {}", finding.diagnostic.code.as_str(), &text[finding.diagnostic.span.range()]))
        .collect()
}

/// Codes and marked texts of the findings of a template.
pub(super) fn of_template(template: &str) -> Vec<String> {
    let window = if template.contains("{window}") { "window = \"5m\"\n" } else { "" };
    of_file(&format!("[presets.a]\ntemplate = '''\n{template}'''\n{window}"))
}

/// Whether the only finding of a file is an error, and its code.
fn only(text: &str) -> (bool, &'static str) {
    let file = SourceFile { name: "a.toml".into(), path: "presets/a.toml".into(), text: text.into() };
    let found = compile(&[file]).findings;
    assert_eq!(found.len(), 1, "{text}");
    (found[0].diagnostic.severity == Severity::Error, found[0].diagnostic.code.as_str())
}

#[test]
fn a_lost_label_is_an_error_where_harm_is_proven() {
    let declared = "metric = { name = \"x\" }\nlabels = { pod = \"string\", job = \"string\" }\n";
    for (is_error, code, declared, template) in [
        (false, "group-removed-label", "", "max by (pod)(sum by (job)(x{{{labels}}}))"),
        (true, "group-removed-label", declared, "max by (job, pod)(sum by (job)(x{{{labels}}}))"),
        (false, "group-removed-label", declared, "sum by (__name__)(rate(x{{{labels}}}[5m]))"),
        (true, "group-removed-label", "", "max by ({group_by})(sum by (job)(x{{{labels}}}))"),
        (false, "match-label-missing", "", "x{{{labels}}} and on (pod) sum by (job)(x{{{labels}}})"),
        (true, "match-label-missing", "", "sum by (pod)(x{{{labels}}}) / on (pod) sum by (job)(x{{{labels}}})"),
        (true, "match-label-missing", "", "x{{pod=\"a\",{labels}}} and on (pod) sum by (job)(x{{{labels}}})"),
        (false, "match-label-missing", "", "x{{pod=\"a\",{labels}}} or on (pod) sum by (job)(x{{{labels}}})"),
        (true, "match-label-missing", declared, "x{{{labels}}} and on (pod) sum by (job)(x{{{labels}}})"),
        (false, "match-label-missing", declared, "sum(x{{{labels}}}) / on (pod) sum(up{{{labels}}})"),
        (false, "group-label-missing", "", "x{{{labels}}} * on (job) group_left (pod) max by (job)(y{{{labels}}})"),
        (
            true,
            "group-label-missing",
            declared,
            "x{{{labels}}} * on (job) group_left (pod) max by (job)(y{{{labels}}})",
        ),
        (false, "impossible-match", "", "sum by (pod)(x{{{labels}}}) / sum(x{{{labels}}})"),
        (true, "impossible-match", declared, "sum by (pod)(x{{{labels}}}) / sum(x{{{labels}}})"),
    ] {
        let found = only(&format!("{declared}\n[presets.a]\ntemplate = '''\n{template}'''\n"));
        assert_eq!(found, (is_error, code), "{template}");
    }
}

#[test]
fn a_name_with_a_dash_is_a_subtraction() {
    let found = compile(&[SourceFile {
        name: "a.toml".into(),
        path: "presets/a.toml".into(),
        text: "[presets.a]\ntemplate = 'sum(node-load1{{{labels}}})'".into(),
    }]);
    let help = found.findings[0].diagnostic.help.as_deref();
    assert_eq!(help, Some("write `{{\"node-load1\",{labels}}}` if `node-load1` is a name"));
    assert_eq!(of_template("sum({{\"node-load1\",{labels}}})"), [""; 0]);
    assert_eq!(of_template("a - b{{{labels}}}"), ["unfiltered-selector: a"]);
}

#[test]
fn placeholders_without_braces() {
    assert_eq!(of_template("sum by (group_by)(x{{{labels}}})"), ["malformed-placeholder: group_by"]);
    assert_eq!(of_template("x{{{labels}}} / on (group_by) y{{{labels}}}"), ["malformed-placeholder: group_by"]);
    assert_eq!(of_template("sum(metric_name{{{labels}}})"), ["malformed-placeholder: metric_name"]);
    assert_eq!(of_template("sum by (\"group_by\")({{\"metric_name\",{labels}}})"), [""; 0]);
}

#[test]
fn labels_that_are_nowhere_declared() {
    let file = "metric = { name = \"x\", type = \"gauge\" }\nlabels = { pod = \"string\", node = \"string\" }\n\
        [presets.a]\ntemplate = '";
    for (template, expected) in [
        ("sum without (nod)(x{{{labels}}})", "undeclared-label: nod"),
        ("sum without (node, instance)(x{{{labels}}})", ""),
        ("sum without (node)(sum by (pod)(x{{{labels}}}))", ""),
        ("x{{{labels}}} / ignoring (nod) x{{{labels}}} offset 1h", "undeclared-label: nod"),
        ("x{{{labels}}} / ignoring (code) y{{{labels}}}", ""),
        ("label_replace(x{{{labels}}}, \"a\", \"$1\", \"nod\", \"(.+)\")", "undeclared-label: \"nod\""),
        ("label_replace(x{{{labels}}}, \"a\", \"b\", \"a\", \"\")", ""),
        ("label_join(x{{{labels}}}, \"a\", \"-\", \"pod\", \"nod\")", "undeclared-label: \"nod\""),
    ] {
        assert_eq!(of_file(&format!("{file}{template}'")).join(" "), expected, "{template}");
    }
}

#[test]
fn other_files_declare_a_metric() {
    let codes = |other: &str| {
        let declaring = "metric = { name = \"http_requests_total\", type = \"counter\" }\n\
            labels = { method = [\"GET\", \"PUT\"] }\n";
        let files = [("a.toml", declaring), ("b.toml", other)].map(|(name, text)| SourceFile {
            name: name.into(),
            path: format!("presets/{name}"),
            text: text.into(),
        });
        let found = compile(&files).findings;
        let shown = found.iter().map(|finding| {
            let diagnostic = &finding.diagnostic;
            format!("{:?} {}", diagnostic.severity, diagnostic.code.as_str())
        });
        shown.collect::<Vec<_>>().join(" ")
    };
    let grouped = "[labels]\ncode = \"string\"\n[presets.a]\ntemplate = \
        'sum by ({group_by})(rate(http_requests_total{{{labels}}}[5m]))'";
    // One at `{group_by}`, one at `{labels}`.
    assert_eq!(codes(grouped), "Error undeclared-label Error undeclared-label");
    assert_eq!(codes(&grouped.replace("code", "method")), "");
    // A file that declares the metric again, but no labels, says nothing about them.
    let again = "metric = { name = \"http_requests_total\" }\n[presets.a]\ntemplate = \
        'sum(rate({metric_name}{{method=\"G\",{labels}}}[5m]))'";
    assert_eq!(codes(again), "Error undeclared-label-value");
    let named = |name: &str| codes(&format!("[presets.a]\ntemplate = 'sum(rate({name}{{{{{{labels}}}}}}[5m]))'"));
    for name in ["http_request_total", "http_requets_total", "httpp_requests_total", "http_requestz_total"] {
        assert_eq!(named(name), "Warning undeclared-metric", "{name}");
    }
    for name in ["http_requests5_total", "http_failures_total", "http_requests_total"] {
        assert_eq!(named(name), "", "{name}");
    }
}

#[test]
fn native_histograms_have_no_le() {
    for labels in ["", "labels = { pod = \"string\" }\n"] {
        let file = format!(
            "metric = {{ name = \"x\", type = \"native_histogram\" }}\n{labels}[presets.a]\ntemplate = \
             'histogram_quantile(0.9, sum by (le)(rate({{metric_name}}{{{{{{labels}}}}}}[5m])))'"
        );
        assert_eq!(only(&file), (false, "le-of-native-histogram"), "{labels}");
    }
}

#[test]
fn matchers_that_nothing_meets() {
    for matchers in [
        r#"job="api-1",job=~"web-.*""#,
        r#"job="api",job!~"a.*""#,
        r#"job=~"1|2",job=~"[3-5]""#,
        r#"job="",job=~".+""#,
        r#"job!~".+",job="a""#,
        r#"job=~".+",job!~".+""#,
        r#"job=~"^(a|b)$",job="c""#,
    ] {
        let found = of_template(&format!("x{{{{{matchers},{{labels}}}}}}"));
        assert!(found.len() == 1 && found[0].starts_with("match-nothing: "), "{matchers} {found:?}");
    }
    for matchers in
        [r#"job="a",job=~"a.*""#, r#"job=~"a.*",job!~"ab.*""#, r#"job="a",job=~"(?i)b""#, r#"job=~".*",job=~".+""#]
    {
        assert_eq!(of_template(&format!("x{{{{{matchers},{{labels}}}}}}")), [""; 0], "{matchers}");
    }
}

#[test]
fn values_that_a_label_does_not_have() {
    let file = "metric = { name = \"x\" }\n\n[labels]\nmode = [\"user\", \"system\"]\ncode = \"integer\"\n\
        id = \"uuid\"\n\n[presets.a]\ntemplate = 'x{{";
    for (matcher, expected) in [
        (r#"mode=~"^(user|sytem)$""#, "undeclared-label-value"),
        (r#"mode=~"xx.*""#, "undeclared-label-value"),
        (r#"mode=~"u.*""#, ""),
        (r#"mode=~"xx.*|""#, ""),
        (r#"mode!~"user|sys.*""#, "match-nothing"),
        (r#"mode!="user",mode!="system""#, "match-nothing"),
        (r#"mode!="user""#, ""),
        (r#"mode="""#, ""),
        (r#"code="OK""#, "undeclared-label-value"),
        (r#"code=~"200|4xx""#, "undeclared-label-value"),
        (r#"code=~"5..""#, ""),
        (r#"code!="-1""#, ""),
        (r#"id="a""#, "undeclared-label-value"),
        (r#"id="0194f1c2-3b1e-7cc1-9d5a-0123456789ab""#, ""),
        (r#"id="0194F1C2-3B1E-7CC1-9D5A-0123456789AB""#, "undeclared-label-value"),
        (r#"id=~"|0194F1C2-3B1E-7CC1-9D5A-0123456789AB""#, "undeclared-label-value"),
        (r#"code="0200""#, "undeclared-label-value"),
    ] {
        let found = of_file(&format!("{file}{matcher},{{labels}}}}}}'"));
        let codes: Vec<&str> = found.iter().filter_map(|text| text.split(':').next()).collect();
        assert_eq!(codes.join(" "), expected, "{matcher}");
    }
}

#[test]
fn sides_with_other_values() {
    let errors = "rate(x{{code=\"500\",{labels}}}[5m])";
    let sum = |by: &str, code: &str| format!("sum by ({by})(rate(x{{{{code=\"{code}\",{{labels}}}}}}[5m]))");
    for template in [
        format!("{errors} / rate(x{{{{code=\"200\",{{labels}}}}}}[5m])"),
        format!("{errors} and {}", sum("job, code", "200")),
        format!("{} / on (job, code) {}", sum("job, code", "500"), sum("job, code", "200")),
        format!("{errors} - on (job, code) group_left () {}", sum("job, code", "200")),
        "x{{job=~\"a|b\",{labels}}} and y{{job=~\"c|d\",{labels}}}".to_owned(),
        "sum by (a)(x{{{labels}}}) * label_replace(sum by (a)(y{{{labels}}}), \"b\", \"c\", \"\", \"\")".to_owned(),
    ] {
        let found = of_template(&template);
        assert!(found.len() == 1 && found[0].starts_with("impossible-match: "), "{template} {found:?}");
    }
    for template in [
        format!("{errors} / ignoring (code) rate(x{{{{code=\"200\",{{labels}}}}}}[5m])"),
        format!("{} / {}", sum("job", "500"), sum("job", "200")),
        format!("{errors} or rate(x{{{{code=\"200\",{{labels}}}}}}[5m])"),
        format!("{errors} / on (job) group_left () {}", sum("job", "200")),
        format!("label_replace({errors}, \"code\", \"$1\", \"status\", \"(.*)\") / {}", sum("job, code", "200")),
        "sum by ({group_by})(x{{job=\"a\",{labels}}}) / sum by ({group_by})(x{{job=\"b\",{labels}}})".to_owned(),
    ] {
        assert_eq!(of_template(&template), [""; 0], "{template}");
    }
}

#[test]
fn counts_of_series_that_servers_refuse() {
    for (count, expected) in [
        ("9223372036854774784", ""),
        ("9223372036854775807", "more than 64 bits hold: the query fails"),
        ("2^63", "more than 64 bits hold: the query fails"),
        ("NaN", "the query fails"),
        ("-Inf", "returns nothing"),
    ] {
        let template = format!("topk({count}, x{{{{{{labels}}}}}})");
        let file = format!("[presets.a]\ntemplate = '{template}'\n");
        let file = SourceFile { name: "a.toml".into(), path: "presets/a.toml".into(), text: file };
        let found = compile(&[file]).findings;
        let label = found.first().map_or("", |finding| &finding.diagnostic.label);
        assert_eq!(label, expected, "{template}");
    }
}

#[test]
fn ratios_of_series_and_themselves() {
    for template in [
        "x{{a=\"b\",{labels}}} / x{{{labels}}}",
        "100 * x{{a=\"b\",{labels}}} / x{{{labels}}}",
        "(x{{a=\"b\",{labels}}} * 100) / (x{{{labels}}} > 0)",
        "x{{a=\"b\",{labels}}} / clamp_min(x{{{labels}}}, 1)",
        "x{{a=\"b\",{labels}}} / ignoring (a) x{{{labels}}}",
        "x{{a=\"b\",{labels}}} / on (pod) x{{{labels}}}",
        "x{{a=\"b\",{labels}}} / x{{a=~\"b|c\",{labels}}}",
        "x{{a=~\"b.*\",{labels}}} / x{{a=~\"b.*|c.*\",{labels}}}",
        "x{{a=~\"b.*\",{labels}}} / x{{a!=\"\",{labels}}}",
        "x{{a=~\"b|c\",{labels}}} / x{{a!~\"d.*\",{labels}}}",
        "-x{{a=\"b\",{labels}}} / x{{{labels}}}",
        "x{{a=\"b\",{labels}}} / {{__name__=\"x\",{labels}}}",
        "{{\"x\",a=\"b\",{labels}}} / +{{__name__=\"x\",{labels}}}",
        "x{{a=\"b\",{labels}}} / ignoring (a) (x{{{labels}}} > 0)",
        "x{{a=\"b\",{labels}}} / ignoring (a) group_left x{{{labels}}}",
        "x{{{labels}}} / on (a, b) group_left x{{a=\"b\",{labels}}}",
        "x{{{labels}}} / on (b) x{{{labels}}}",
    ] {
        assert_eq!(of_template(template), ["identical-operands: /"], "{template}");
    }
    for template in [
        "x{{a=~\"b.*\",{labels}}} / x{{a!=\"d\",{labels}}}",
        "x{{a=\"b\",{labels}}} / ignoring (a) (x{{{labels}}} > 5)",
        "x{{{labels}}} / ignoring (a) group_left x{{a=\"total\",{labels}}}",
        "x{{a=\"b\",{labels}}} / ignoring (a) group_right x{{{labels}}}",
        "x{{{labels}}} / clamp_min(x{{{labels}}}, 1)",
        "2 * x{{a=\"b\",{labels}}} - x{{{labels}}}",
        "-x{{a=\"b\",{labels}}} - x{{{labels}}}",
        "x{{a=\"b\",{labels}}} / ignoring (a) x{{a=\"c\",{labels}}}",
        "sum(x{{a=\"b\",{labels}}}) / sum(x{{{labels}}})",
    ] {
        assert!(!of_template(template).iter().any(|it| it.starts_with("identical")), "{template}");
    }
}

#[test]
fn a_filter_reaches_every_selector() {
    assert_eq!(of_template("up{{{labels}}} / a{{job=\"x\",{labels}}}"), [""; 0]);
    assert_eq!(of_template("up"), ["unfiltered-selector: up"]);
    assert_eq!(of_template("vector(1)"), ["unfiltered-selector: vector(1)"]);
    assert_eq!(
        of_template("a{{{labels}}} * on (x) group_left () info or b{{{labels}}} unless c{{d=\"e\"}}"),
        ["unfiltered-selector: info", "unfiltered-selector: c{{d=\"e\"}}"]
    );
}

#[test]
fn an_allow_silences_one_check_and_is_used() {
    let allow = |template: &str| {
        of_file(&format!(
            "[presets.a]\ntemplate = '{template}'\nallow = [{{ check = \"unfiltered-selector\", reason = \"r\" }}]"
        ))
    };
    assert_eq!(allow("up"), [""; 0]);
    assert_eq!(allow("up{{{labels}}}"), ["unused-allow: \"unfiltered-selector\""]);
    // A template that is not understood says nothing about what it would need.
    assert_eq!(allow("up{{{labels}}} +").len(), 1);
}

#[test]
fn one_metric_has_one_type() {
    let file = |name: &str, kind: &str| SourceFile {
        name: name.into(),
        path: format!("presets/{name}"),
        text: format!("metric = {{ name = \"x\", type = \"{kind}\" }}"),
    };
    assert_eq!(compile(&[file("a.toml", "gauge"), file("b.toml", "gauge")]).findings, []);
    let found = compile(&[file("a.toml", "gauge"), file("b.toml", "counter")]).findings;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].file, found[0].diagnostic.label.as_str()), (1, "`gauge` in `presets/a.toml`"));
}

#[test]
fn sound_templates_have_no_findings() {
    let file = "[metric]\nname = \"http_requests_total\"\ntype = \"counter\"\nscrape_interval = \"15s\"\n\n\
        [labels]\nmethod = \"string\"\nstatus = \"integer\"\n\n[presets.a]\ntemplate = '''\n";
    for template in [
        "sum by ({group_by})(rate({metric_name}{{{labels}}}[1m]))",
        "sum by ({group_by})(irate({metric_name}{{{labels}}}[30s]))",
        "sum by (job, instance)(rate({metric_name}{{status=~\"5..\",job=\"api\",{labels}}}[5m]))",
        "sum by ({group_by})(rate({metric_name}{{{labels}}}[5m])) / on ({group_by}) sum by ({group_by})(up{{{labels}}})",
        "sum by (pod)(label_replace(rate({metric_name}{{{labels}}}[5m]), \"pod\", \"$1\", \"instance\", \"(.*):.*\"))",
        "count by (version)(count_values by (job)(\"version\", build_version{{{labels}}}))",
        "rate({metric_name}{{{labels}}}[5m]) * on (instance) group_left (version) build_info{{{labels}}}",
        "sum by (version)(rate({metric_name}{{{labels}}}[5m]) * on (job) group_left (version) build_info{{{labels}}})",
        "max by ({group_by})(sum by (instance, {group_by})(rate({metric_name}{{{labels}}}[5m])))",
        "sum without (instance)(rate({metric_name}{{{labels}}}[5m]))",
        "count by ({group_by})({metric_name}{{{labels}}}) unless on () absent(up{{{labels}}})",
        "increase({metric_name}{{{labels}}}[1h]) > 0 and {metric_name}{{{labels}}} offset 1h > 100",
        "histogram_quantile(0.9, sum by (le, {group_by})(rate(x_bucket{{{labels}}}[5m])))",
        "histogram_quantile(0.9, sum by ({group_by})(rate(native{{{labels}}}[5m])))",
        "sum by ({group_by})(up{{{labels}}}) / on () group_left () sum(up{{{labels}}})",
        "sum by ({group_by})(x{{{labels}}}) or on () vector(0)",
        "rate({metric_name}{{{labels}}}[{window} + 1m])",
        "rate({metric_name}{{{labels}}}[5m] offset {window})",
    ] {
        let window = if template.contains("{window}") { "window = \"5m\"\n" } else { "" };
        assert_eq!(of_file(&format!("{file}{template}\n'''\n{window}")), [""; 0], "{template}");
    }
}

#[test]
fn an_empty_grouping_joins_nothing_by_accident() {
    let join = "a{{{labels}}} * on ({group_by}) group_left () b{{{labels}}}";
    assert_eq!(of_template(join), ["many-to-many: on ({group_by})"]);
    assert_eq!(
        of_template("a{{{labels}}} * on ({group_by}) group_left () sum by ({group_by})(b{{{labels}}})"),
        [""; 0]
    );
}

#[test]
fn large_and_deep_queries_are_checked() {
    let many = |item: &str| (0..20_000).map(|number| format!("{item}{number}")).collect::<Vec<_>>();
    let labels = many("l").join(",");
    let matchers = many("l").join("=\"a\",");
    let nested = "sum by (a) (".repeat(90) + "up{{{labels}}}" + &")".repeat(90);
    let chain = (0..90).map(|number| format!("rate(x{number}{{{{{{labels}}}}}}[5m])")).collect::<Vec<_>>().join(" / ");
    for template in [
        format!("absent(up{{{{{matchers}=\"a\",{{labels}}}}}})"),
        format!("sum by ({labels})(up{{{{{{labels}}}}}}) / on ({labels}) sum by ({labels})(down{{{{{{labels}}}}}})"),
        nested,
        chain,
    ] {
        assert_eq!(of_template(&template), [""; 0]);
    }
}
