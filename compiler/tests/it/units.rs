//! The units of results that follow from the metrics.

use promql_presets_compiler::{SourceFile, compile};

const METRICS: &str = "
[node_memory_free_bytes]
type = \"gauge\"
[node_receive_bytes_total]
type = \"counter\"
[cpu_seconds_total]
type = \"counter\"
[request_seconds]
type = \"histogram\"
[http_requests_total]
type = \"counter\"
[power]
type = \"gauge\"
unit = \"watts\"
[started]
type = \"gauge\"
unit = \"s\"
";

fn unit(metrics: &str, preset: &str) -> Option<String> {
    let file = |name: &str, text: &str| SourceFile { name: name.into(), path: name.into(), text: text.into() };
    let files = [file(SourceFile::METRICS, metrics), file("a.toml", preset)];
    let output = compile(&files[usize::from(metrics.is_empty())..]);
    assert!(!output.has_errors(), "{preset}: {:?}", output.findings);
    output.registry.modules[0].presets[0].unit.clone()
}

fn of(template: &str) -> Option<String> {
    unit(METRICS, &format!("presets.a.template = '{}'", template.replace('!', "{{{labels}}}")))
}

#[test]
fn units_of_metrics_reach_the_result() {
    for (template, expected) in [
        ("power!", "watts"),
        ("sum by ({group_by})(node_memory_free_bytes!)", "bytes"),
        ("1 - node_memory_free_bytes! / (node_memory_free_bytes! offset 1d > 0)", "ratio"),
        ("rate(node_receive_bytes_total![5m])", "bytes per second"),
        ("max_over_time(rate(node_receive_bytes_total![5m])[1h:1m])", "bytes per second"),
        ("increase(node_receive_bytes_total![5m]) > 0", "bytes"),
        ("histogram_quantile(0.9, sum by (le)(rate(request_seconds_bucket![5m])))", "seconds"),
        ("sum(rate(request_seconds_sum![5m])) / sum(rate(request_seconds_count![5m]))", "seconds"),
        (
            "rate(request_seconds_bucket{{le=\"0.1\",{labels}}}[5m]) / ignoring (le) rate(request_seconds_count![5m])",
            "ratio",
        ),
        ("time() - max(started!)", "seconds"),
        ("(power! or on () vector(0)) and on () (started! > 0)", "watts"),
    ] {
        assert_eq!(of(template).as_deref(), Some(expected), "{template}");
    }
}

#[test]
fn other_units_are_unknown() {
    for template in [
        "rate(cpu_seconds_total![5m])",
        "100 * power!",
        "count(power!)",
        "power! * started!",
        "power! / started!",
        "power! > bool 5",
        "power! or started!",
        "rate(http_requests_total![5m])",
        "rate(request_seconds_count![5m])",
        "stdvar(power!)",
    ] {
        assert_eq!(of(template), None, "{template}");
    }
}

#[test]
fn declared_units_come_first() {
    let declared =
        "metric = { name = \"power\", unit = \"kilowatts\" }\n[presets.a]\ntemplate = '{metric_name}{{{labels}}}'\n";
    assert_eq!(unit("", declared).as_deref(), Some("kilowatts"));
    assert_eq!(unit(METRICS, &declared.replace(", unit = \"kilowatts\"", "")).as_deref(), Some("watts"));
    assert_eq!(unit(METRICS, "[presets.a]\ntemplate = 'power{{{labels}}}'\nunit = \"W\"\n").as_deref(), Some("W"));
    // Without a snapshot, a name proves nothing.
    assert_eq!(unit("", "presets.a.template = 'node_memory_free_bytes{{{labels}}}'"), None);
}
