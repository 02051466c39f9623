//! Which functions, aggregators and operators take native histograms: the compiler reports those for which a real
//! Prometheus returns nothing, and no others.

use promql_presets::{Data, PrometheusClient, Timestamp};
use promql_presets_compiler::promql::{Aggregator, Function, ResultType};
use promql_presets_compiler::{Code, SourceFile, compile};
use promql_presets_test_support::{Dataset, extended, prometheus};

const OPERATORS: [&str; 13] = ["+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<", "<=", ">", ">="];

/// Queries with the metric `H`, each for one function, aggregator or operator.
fn queries() -> Vec<String> {
    let mut queries = Vec::new();
    for function in Function::all() {
        let histograms = function.args.iter().position(|arg| *arg != ResultType::Scalar && *arg != ResultType::String);
        let Some(index) = histograms else { continue };
        let args = (0..usize::from(function.min_args.max(1))).map(|arg| match function.arg_type(arg).unwrap() {
            ResultType::RangeVector => "H[2m]",
            ResultType::InstantVector if arg == index => "H",
            ResultType::InstantVector => "{job=\"x\"}",
            ResultType::String => "\"x\"",
            ResultType::Scalar => "0.5",
        });
        queries.push(format!("{}({})", function.name, args.collect::<Vec<_>>().join(", ")));
    }
    for aggregator in Aggregator::ALL {
        let param = match aggregator.param_type() {
            Some(ResultType::String) => "\"x\", ",
            Some(_) => "1, ",
            None => "",
        };
        queries.push(format!("{}({param}rate(H[2m]))", aggregator.as_str()));
    }
    let number = "on (instance) histogram_count(H)";
    for operator in OPERATORS {
        queries.push(format!("H {operator} {number}"));
        queries.push(format!("histogram_count(H) {operator} on (instance) H"));
        queries.push(format!("H {operator} (H * 2)"));
        if operator != "atan2" {
            queries.extend([format!("H {operator} 2"), format!("2 {operator} H")]);
        }
        if operator.contains(['<', '>', '=']) {
            queries.extend([format!("H {operator} bool 2"), format!("H {operator} bool (H * 2)")]);
        }
    }
    queries
        .extend(["abs(-H)", "max_over_time(H[2m:15s])", "max(H or H)", "max(H and on () vector(1))"].map(String::from));
    queries.extend(["abs(H == bool H)", "max(sum(H * 2))", "max(histogram_sum(H))", "-H"].map(String::from));
    queries
}

/// Whether the compiler says that a query returns nothing.
fn is_reported(query: &str) -> bool {
    let file = |path: &str, text: String| SourceFile { name: path.to_owned(), path: path.to_owned(), text };
    let output = compile(&[
        file(SourceFile::METRICS, "[H]\ntype = \"native_histogram\"\nlabels = [\"instance\"]\n".to_owned()),
        file("a.toml", format!("features = [\"promql-experimental-functions\"]\n[presets.a]\ntemplate = '{query}'\n")),
    ]);
    let is_query = |code: Code| matches!(code.layer(), promql_presets_compiler::Layer::Query);
    let broken = output.findings.iter().find(|finding| is_query(finding.diagnostic.code));
    assert!(broken.is_none(), "{query}: {broken:?}");
    output.findings.iter().any(|finding| finding.diagnostic.code == Code::HistogramAsNumber)
}

#[test]
fn what_takes_numbers_only() {
    let Some(server) = prometheus::shared() else { return };
    let client = PrometheusClient::new(server.url()).unwrap();
    let at = Timestamp::from_secs(Dataset::of_tests().end() + 300);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut faults = Vec::new();
    let mut counts = [0, 0];
    for query in queries() {
        // `absent` is empty because there are series; equal histograms are not unequal.
        if query.starts_with("absent") || query == "H == (H * 2)" {
            continue;
        }
        let real = query.replace('H', extended::NATIVE_HISTOGRAM);
        let found = match runtime.block_on(client.raw_query(&real).at(at).into_future()) {
            // Functions of newer servers.
            Err(error) if error.to_string().contains("unknown function") => continue,
            response => match response.unwrap() {
                Data::Scalar(scalar) => !scalar.value().is_nan(),
                data => !data.into_vector().unwrap().is_empty(),
            },
        };
        counts[usize::from(found)] += 1;
        if found == is_reported(&query) {
            faults.push(query);
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(counts[0] > 100 && counts[1] > 40, "{counts:?}");
}
