//! Real servers accept what the compiler accepts for a target of their version, and nothing else.

use std::fs;

use promql_presets_compiler::{Severity, SourceFile, compile};
use promql_presets_test_support::{Dataset, Server, Tool, prometheus, victoria_metrics};

/// Parts of the language that some versions of some servers lack, and some that all have.
const TEMPLATES: [&str; 78] = [
    "absent_over_time(x{{{labels}}}[5m])",
    "acos(x{{{labels}}})",
    "atanh(x{{{labels}}})",
    "clamp(x{{{labels}}}, 1, 2)",
    "day_of_year(x{{{labels}}})",
    "deg(x{{{labels}}})",
    "double_exponential_smoothing(x{{{labels}}}[5m], 0.5, 0.5)",
    "first_over_time(x{{{labels}}}[5m])",
    "group(x{{{labels}}})",
    "histogram_avg(x{{{labels}}})",
    "histogram_count(x{{{labels}}})",
    "histogram_fraction(0, 0.5, x{{{labels}}})",
    "histogram_quantiles(x{{{labels}}}, \"q\", 0.5, 0.9)",
    "histogram_stddev(x{{{labels}}})",
    "histogram_stdvar(x{{{labels}}})",
    "histogram_sum(x{{{labels}}})",
    "holt_winters(x{{{labels}}}[5m], 0.5, 0.5)",
    "info(x{{{labels}}})",
    "last_over_time(x{{{labels}}}[5m])",
    "limit_ratio(0.5, x{{{labels}}})",
    "limitk(2, x{{{labels}}})",
    "mad_over_time(x{{{labels}}}[5m])",
    "x{{{labels}}} > max_of(1, 2)",
    "x{{{labels}}} > min_of(1, 2)",
    "x{{{labels}}} > pi()",
    "present_over_time(x{{{labels}}}[5m])",
    "x{{{labels}}} > range()",
    "x{{{labels}}} > start()",
    "x{{{labels}}} > end()",
    "x{{{labels}}} > step()",
    "sgn(x{{{labels}}})",
    "sort_by_label(x{{{labels}}}, \"a\")",
    "sort_by_label_desc(x{{{labels}}}, \"a\")",
    "start_timestamp(x{{{labels}}})",
    "ts_of_first_over_time(x{{{labels}}}[5m])",
    "ts_of_last_over_time(x{{{labels}}}[5m])",
    "ts_of_max_over_time(x{{{labels}}}[5m])",
    "ts_of_min_over_time(x{{{labels}}}[5m])",
    "x{{{labels}}} offset -5m",
    "x{{{labels}}} @ 1609746000",
    "x{{{labels}}} @ end()",
    "x{{{labels}}} @ 5m",
    "max_over_time(x{{{labels}}} offset 5m [10m:1m])",
    "sort_by_label(x{{{labels}}})",
    "rate(x{{{labels}}}[5m] @ start())",
    "rate(x{{{labels}}} @ start()[5m])",
    "max_over_time(x{{{labels}}}[5m:1m] @ end())",
    "x{{{labels}}} atan2 y{{{labels}}}",
    "{{\"http.requests\",{labels}}}",
    "x{{\"a.b\"=\"c\",{labels}}}",
    "sum by (\"a.b\") (x{{{labels}}})",
    "x{{{labels}}} * on (\"a.b\") x{{{labels}}}",
    "label_replace(x{{{labels}}}, \"a.b\", \"$1\", \"c\", \"(.*)\")",
    "label_join(x{{{labels}}}, \"a.b\", \",\", \"c\")",
    "count_values(\"a.b\", x{{{labels}}})",
    "x{{{labels}}} > 1_000",
    "x{{{labels}}} > 0x1F",
    "x{{{labels}}} < Inf",
    "time() - x{{{labels}}} > 10m",
    "rate(x{{{labels}}}[300])",
    "rate(x{{{labels}}}[1h30m])",
    "rate(x{{{labels}}}[90000ms])",
    "x{{{labels}}} offset 300",
    "rate(x{{{labels}}}[5m * 2])",
    "rate(x{{{labels}}}[(5m)])",
    "x{{{labels}}} offset (5m + 1m)",
    "rate(x{{{labels}}}[step()])",
    "rate(x{{{labels}}}[max_of(5m, step())])",
    "rate(x{{{labels}}}[5m] anchored)",
    "rate(x{{{labels}}}[5m] smoothed)",
    "x{{{labels}}} + fill(0) x{{{labels}}}",
    "x{{{labels}}} </ 1",
    "max_over_time(rate(x{{{labels}}}[5m])[1h:1m])",
    "x{{a='b',{labels}}} == bool 1",
    "x{{a=`b`,{labels}}} # comment",
    "topk by (a) (2, x{{{labels}}})",
    "quantile(0.9, x{{{labels}}})",
    "x{{{labels}}} unless on (a) up{{{labels}}}",
];

/// The first error for a target, if there is one.
fn error(target: &str, template: &str) -> Option<String> {
    let file = |name: &str, text| SourceFile { name: name.to_owned(), path: name.to_owned(), text };
    let settings = format!("[target]\n{target}\nfeatures = [\"promql-experimental-functions\"]\n");
    let preset = format!("[presets.a]\ntemplate = '''\n{template}'''\n");
    let findings = compile(&[file(SourceFile::SETTINGS, settings), file("a.toml", preset)]).findings;
    let mut errors = findings.into_iter().filter(|finding| finding.diagnostic.severity == Severity::Error);
    errors.next().map(|finding| format!("{}: {}", finding.diagnostic.code.as_str(), finding.diagnostic.title))
}

fn differences(server: &Server, target: &str) -> Vec<String> {
    let mut differences = Vec::new();
    for template in TEMPLATES {
        let query = template.replace("{{{labels}}}", "").replace(",{labels}", "").replace("{{", "{").replace("}}", "}");
        let verdict = server.query(&query, Dataset::of_tests().end()).map(|_| ()).map_err(|error| error.to_string());
        let ours = error(target, template);
        if verdict.is_ok() != ours.is_none() {
            differences.push(format!("{query}\n  the server: {verdict:?}\n  the compiler: {ours:?}"));
        }
    }
    differences
}

#[test]
fn a_version_of_prometheus_has_what_its_target_has() {
    let Some(server) = prometheus::shared() else { return };
    let version = server.version().unwrap();
    let target = format!("prometheus = \"{}\"", version.trim_start_matches("Prometheus ").split('+').next().unwrap());
    assert_eq!(differences(server, &target), [""; 0], "{target}");
}

#[test]
fn a_version_of_victoria_metrics_has_what_its_target_has() {
    let Some(server) = victoria_metrics::shared() else { return };
    // Debian's build does not know its own version, but the file beside it does.
    let Some(program) = Tool::VictoriaMetrics.find().unwrap() else { return };
    let Ok(versions) = fs::read_to_string(program.with_file_name("versions")) else { return };
    let Some((_, version)) = versions.split_once("victoria-metrics ") else { return };
    let version: String = version.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let target = format!("victoriametrics = \"{version}\"");
    assert_eq!(differences(server, &target), [""; 0], "{target}");
}
