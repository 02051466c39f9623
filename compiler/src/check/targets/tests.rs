use super::versions::{FUNCTIONS, Since};
use crate::file::Version;
use crate::promql::{Aggregator, Function, ResultType};
use crate::{SourceFile, compile};

/// Codes and titles of the findings of a template with a `[target]`.
fn of(target: &str, template: &str) -> Vec<String> {
    with("", target, template)
}

fn with(head: &str, target: &str, template: &str) -> Vec<String> {
    let files = [
        SourceFile {
            name: SourceFile::SETTINGS.into(),
            path: "promql.toml".into(),
            text: format!("[target]\n{target}"),
        },
        SourceFile {
            name: "a.toml".into(),
            path: "presets/a.toml".into(),
            text: format!("{head}\n[presets.a]\ntemplate = '''\n{template}'''\n"),
        },
    ];
    let findings = compile(&files).findings.into_iter();
    findings
        .filter(|found| found.diagnostic.code.as_str() != "needless-subquery")
        .map(|found| format!("{}: {}", found.diagnostic.code.as_str(), found.diagnostic.title))
        .collect()
}

/// A call of a function or aggregation that is valid.
fn call(name: &str) -> String {
    let selector = "x{{{labels}}}";
    if let Some(op) = Aggregator::ALL.into_iter().find(|op| op.as_str() == name) {
        return match op.param_type() {
            Some(ResultType::String) => format!("{name}(\"a\", {selector})"),
            Some(_) => format!("{name}(1, {selector})"),
            None => format!("{name}({selector})"),
        };
    }
    let (args, min): (&[ResultType], u8) = match Function::find(name) {
        Some(function) => (function.args, function.min_args),
        None => (&[ResultType::RangeVector, ResultType::Scalar, ResultType::Scalar], 3),
    };
    // VictoriaMetrics wants a label.
    let min = if name.starts_with("sort_by_label") { 2 } else { min };
    let arg = |index: usize| match args.get(index).or(args.last()) {
        Some(ResultType::Scalar) => ["0.2", "0.5", "0.9"][index.min(2)].to_owned(),
        Some(ResultType::InstantVector) => selector.to_owned(),
        Some(ResultType::RangeVector) => format!("{selector}[5m]"),
        _ => "\"a\"".to_owned(),
    };
    let args: Vec<String> = (0..usize::from(min.max(u8::from(!args.is_empty())))).map(arg).collect();
    let call = format!("{name}({})", args.join(", "));
    // Every preset has a selector.
    if call.contains(selector) { call } else { format!("{selector} + {call}") }
}

fn before(version: Version) -> Version {
    // Each is one that exists.
    match version {
        Version(3, 0) => Version(2, 55),
        Version(major, minor) => Version(major, minor - 1),
    }
}

fn missing(server: &str, version: Version, name: &str) -> String {
    format!("unsupported-by-target: {server} {version} does not have `{name}`")
}

/// `prometheus = "2.45"`, with the flags that the function may need.
fn target(server: &str, version: Version) -> String {
    format!("{server} = \"{version}\"\nfeatures = [\"promql-experimental-functions\"]\n")
}

const FIRST: Version = Version(2, 0);

#[test]
fn each_function_is_judged_on_both_sides_of_each_version() {
    assert!(FUNCTIONS.is_sorted_by_key(|since| since.what));
    let mut checked = 0;
    for since in FUNCTIONS {
        let Since { what, prometheus, until, victoriametrics, .. } = *since;
        let template = call(what);
        let on = |server: &str, version| of(&target(server, version), &template);
        if prometheus > FIRST {
            let version = before(prometheus);
            assert_eq!(on("prometheus", version), [missing("Prometheus", version, what)], "{template}");
            checked += 1;
        }
        assert_eq!(on("prometheus", prometheus), [""; 0], "{template}");
        if until == Version::NEWEST {
            assert_eq!(
                of("prometheus = \"newest\"\nfeatures = [\"promql-experimental-functions\"]", &template),
                [""; 0]
            );
        } else {
            assert_eq!(on("prometheus", before(until)), [""; 0], "{template}");
            assert_ne!(on("prometheus", until), [""; 0], "{template}");
        }
        match victoriametrics {
            // MetricsQL has no flags.
            Some(first) if first > Version(1, 79) => {
                assert_eq!(of(&format!("victoriametrics = \"{first}\""), &template), [""; 0], "{template}");
                let version = before(first);
                let found = of(&format!("victoriametrics = \"{version}\""), &template);
                assert_eq!(found, [missing("VictoriaMetrics", version, what)]);
            }
            Some(_) => assert_eq!(of("victoriametrics = \"1.79\"", &template), [""; 0], "{template}"),
            None => {
                let found = of("victoriametrics = \"newest\"", &template);
                let expected = format!("unsupported-by-target: the newest VictoriaMetrics does not have `{what}`");
                assert_eq!(found, [expected], "{template}");
            }
        }
    }
    assert!(checked >= 45, "{checked}");
}

/// The functions of `promql/functions.go` and the aggregations of `promql/parser/lex.go` in Prometheus 2.0.
#[rustfmt::skip]
const IN_2_0: [&str; 55] = [
    "abs", "absent", "avg", "avg_over_time", "bottomk", "ceil", "changes", "clamp_max", "clamp_min", "count",
    "count_over_time", "count_values", "day_of_month", "day_of_week", "days_in_month", "delta", "deriv", "exp", "floor",
    "histogram_quantile", "hour", "idelta", "increase", "irate", "label_join", "label_replace", "ln", "log10", "log2",
    "max", "max_over_time", "min", "min_over_time", "minute", "month", "predict_linear", "quantile",
    "quantile_over_time", "rate", "resets", "round", "scalar", "sort", "sort_desc", "sqrt", "stddev",
    "stddev_over_time", "stdvar", "stdvar_over_time", "sum", "sum_over_time", "time", "timestamp", "topk", "vector",
];

#[test]
fn every_function_has_a_version() {
    let functions = Function::all().iter().map(|function| function.name);
    for name in functions.chain(Aggregator::ALL.map(Aggregator::as_str)).filter(|name| *name != "year") {
        assert_ne!(IN_2_0.contains(&name), super::since(name).is_some(), "{name}");
    }
    for name in IN_2_0.into_iter().chain(["year"]) {
        let template = call(name);
        assert_eq!(of("prometheus = \"2.0\"", &template), [""; 0], "{template}");
        assert_eq!(of("victoriametrics = \"1.79\"", &template), [""; 0], "{template}");
    }
}

#[test]
fn syntax_by_target() {
    const X: &str = "x{{{labels}}}";
    for (template, older, newer, victoriametrics) in [
        ("max_over_time(x{{{labels}}}[5m:1m])", "2.6", "2.7", true),
        ("rate(x{{{labels}}}[1h30m])", "2.20", "2.21", true),
        ("x{{{labels}}} atan2 y{{{labels}}}", "2.30", "2.31", true),
        ("x{{{labels}}} @ 1609746000", "2.24", "2.33", true),
        ("x{{{labels}}} offset -5m", "2.25", "2.33", true),
        ("x{{{labels}}} > 1_000", "2.53", "2.54", false),
        ("rate(x{{{labels}}}[300])", "2.53", "2.54", true),
        ("x{{{labels}}} offset 300", "2.53", "2.54", true),
        ("time() - x{{{labels}}} > 10m", "2.53", "2.54", true),
        ("x{{{labels}}} @ 5m", "2.53", "2.54", true),
        ("max_over_time(x{{{labels}}} offset 5m [10m:1m])", "2.6", "2.7", false),
        ("{{\"http.requests\",{labels}}}", "2.55", "3.0", false),
        ("x{{\"a.b\"=\"c\",{labels}}}", "2.55", "3.0", false),
        ("sum by (\"a.b\") (x{{{labels}}})", "2.55", "3.0", false),
        ("rate(x{{{labels}}}[5m * 2])", "3.3", "3.14", false),
        ("rate(x{{{labels}}}[max_of(step(), 5m)])", "3.12", "3.14", false),
        ("x{{{labels}}} offset (5m + 1m)", "3.3", "3.14", false),
        ("x{{{labels}}} >/ 1", "3.10", "3.11", false),
    ] {
        let found = of(&format!("prometheus = \"{older}\""), template);
        assert!(
            found.iter().any(|it| it.contains(&format!("Prometheus {older} does not have"))),
            "{template} {found:?}"
        );
        assert_eq!(of(&format!("prometheus = \"{newer}\""), template), [""; 0], "{template}");
        let found = of("victoriametrics = \"1.102\"", template);
        assert_eq!(found.is_empty(), victoriametrics, "{template} {found:?}");
        assert_eq!(of("", template), [""; 0], "{template}");
    }
    for template in [
        "x{{a='b',{labels}}} > bool 0x1F",
        "x{{a=`b`,{labels}}} # comment",
        "-x{{{labels}}}[5m:]",
        "x{{{labels}}} < Inf",
    ] {
        let template = template.replace("-x{{{labels}}}[5m:]", X);
        assert_eq!(of("prometheus = \"2.7\"", &template), [""; 0], "{template}");
    }
}

#[test]
fn flags_of_a_version() {
    const FIRST: &str = "first_over_time(x{{{labels}}}[5m])";
    const EXPRESSION: &str = "rate(x{{{labels}}}[5m * 2])";
    const MAD: &str = "mad_over_time(x{{{labels}}}[5m])";
    assert_eq!(
        of("prometheus = \"3.10\"", FIRST),
        ["experimental-feature: `first_over_time` is experimental in Prometheus 3.10"]
    );
    assert_eq!(with("features = [\"promql-experimental-functions\"]", "prometheus = \"3.10\"", FIRST), [""; 0]);
    assert_eq!(of("prometheus = \"3.14\"", FIRST), [""; 0]);
    assert_eq!(of("prometheus = \"3.10\"", EXPRESSION).len(), 1);
    assert_eq!(of("prometheus = \"3.10\"\nfeatures = [\"promql-duration-expr\"]", EXPRESSION), [""; 0]);
    // Experimental still, so that Prometheus needs the flag, and VictoriaMetrics has none.
    assert_eq!(of("prometheus = \"3.10\"", MAD), ["experimental-feature: `mad_over_time` is experimental"]);
    assert_eq!(of("victoriametrics = \"1.102\"", MAD), [""; 0]);
    assert_eq!(of("victoriametrics = \"1.102\"\nprometheus = \"3.10\"", MAD).len(), 1);
}

#[test]
fn engines_of_other_servers() {
    const LAST: &str = "histogram_avg(x{{{labels}}})";
    for (target, is_supported) in [
        ("thanos = \"0.34\"", false),
        ("thanos = \"0.35\"", true),
        ("thanos = \"0.99\"", true),
        ("thanos = \"newest\"", true),
        ("mimir = \"2.12\"", false),
        ("mimir = \"2.13\"", true),
        ("mimir = \"3.0\"", true),
    ] {
        assert_eq!(of(target, LAST).is_empty(), is_supported, "{target}");
    }
    let renamed = "double_exponential_smoothing(x{{{labels}}}[5m], 0.5, 0.5)";
    assert_eq!(of("mimir = \"2.14\"\nfeatures = [\"promql-experimental-functions\"]", renamed).len(), 1);
    assert_eq!(of("mimir = \"2.15\"\nfeatures = [\"promql-experimental-functions\"]", renamed), [""; 0]);
}

#[test]
fn behaviour_by_target() {
    let histogram = "metric = { name = \"x\", type = \"histogram\" }";
    let bucket = "rate(x_bucket{{le=\"1\",{labels}}}[5m])";
    for (target, is_wrong) in [
        ("", true),
        ("prometheus = \"2.45\"", false),
        ("prometheus = \"3.0\"", true),
        ("victoriametrics = \"1.102\"", false),
        ("prometheus = \"3.0\"\nvictoriametrics = \"1.102\"", true),
    ] {
        assert_eq!(with(histogram, target, bucket).len(), usize::from(is_wrong), "{target}");
    }
    // A range includes its start before 3.0.
    let subquery = "rate(x{{{labels}}}[5m:5m])";
    assert_eq!(of("", subquery).len(), 1);
    assert_eq!(of("prometheus = \"3.1\"", subquery).len(), 1);
    assert_eq!(of("prometheus = \"2.45\"", subquery), [""; 0]);
    assert_eq!(of("prometheus = \"2.45\"", "rate(x{{{labels}}}[4m:5m])").len(), 1);
    // 2.33 to 3.13 accept a function before the range by mistake.
    let early = "rate(x{{{labels}}} @ start()[5m])";
    for (target, is_accepted) in [
        ("", false),
        ("prometheus = \"3.14\"", false),
        ("prometheus = \"3.13\"", true),
        ("prometheus = \"2.33\"", true),
        ("prometheus = \"3.13\"\nvictoriametrics = \"1.102\"", false),
        ("victoriametrics = \"1.102\"", false),
    ] {
        assert_eq!(of(target, early).is_empty(), is_accepted, "{target}");
    }
    assert_eq!(of("prometheus = \"3.13\"", "rate(x{{{labels}}} @ 5[5m])").len(), 1);
}

#[test]
fn both_names_of_a_function() {
    let (old, new) = ("holt_winters", "double_exponential_smoothing");
    let call = |name: &str| format!("{name}(x{{{{{{labels}}}}}}[5m], 0.5, 0.5)");
    let help = |target: &str, name: &str| {
        let target = format!("[target]\n{target}\nfeatures = [\"promql-experimental-functions\"]\n");
        let text = format!("[presets.a]\ntemplate = '{}'\n", call(name));
        let file = |name: &str, text| SourceFile { name: name.into(), path: name.into(), text };
        let findings = compile(&[file(SourceFile::SETTINGS, target), file("a.toml", text)]).findings;
        findings.first().and_then(|found| found.diagnostic.help.clone())
    };
    let write = |name: &str| Some(format!("write `{name}`"));
    for two in
        ["prometheus = \"2.45\"", "victoriametrics = \"1.102\"", "prometheus = \"2.45\"\nvictoriametrics = \"1.102\""]
    {
        assert_eq!(help(two, old), None, "{two}");
        assert_eq!(help(two, new), write(old), "{two}");
    }
    for three in ["", "prometheus = \"3.0\"", "prometheus = \"3.14\"", "mimir = \"newest\""] {
        assert_eq!(help(three, old), write(new), "{three}");
        assert_eq!(help(three, new), None, "{three}");
    }
    let both = "prometheus = \"3.0\"\nvictoriametrics = \"1.102\"";
    for name in [old, new] {
        assert_eq!(help(both, name), None, "{name}");
        let target = format!("{both}\nfeatures = [\"promql-experimental-functions\"]");
        assert_eq!(of(&target, &call(name)).len(), 1, "{name}");
    }
    // The checks know the old name too.
    assert_eq!(of("prometheus = \"2.45\"", "holt_winters(x{{{labels}}}[5m], 2, 0.5)").len(), 1);
}
