//! How long preset files take to compile, from memory: `cargo bench -p promql-presets-compiler --bench compile`.
//!
//! A build script runs unoptimised: `cargo bench --profile dev --bench compile` measures that.

#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a program that measures")]

use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

use promql_presets_compiler::{SourceFile, compile};

fn main() {
    let (runs, optimised) = if cfg!(debug_assertions) { (3, "unoptimised") } else { (10, "optimised") };
    let thousand = measure(1_000, runs);
    println!("{optimised}: {thousand:7.1} ms for  1,000 files of 3 presets");
    let ten_thousand = measure(10_000, runs.min(3));
    println!("{optimised}: {ten_thousand:7.1} ms for 10,000 files, {:.1} times as long", ten_thousand / thousand);
    let one = measure_files(&[one_file(3_000)], runs);
    println!("{optimised}: {one:7.1} ms for one file of 3,000 presets");
    let wrong: Vec<SourceFile> = (0..1_000).map(|number| file(number, "sum(")).collect();
    println!("{optimised}: {:7.1} ms for  1,000 files of 3 wrong presets", measure_files(&wrong, runs));
    let wrong = one_file(3_000);
    let wrong = SourceFile { text: wrong.text.replace("sum by", "sum("), ..wrong };
    println!("{optimised}: {:7.1} ms for one file of 3,000 wrong presets", measure_files(&[wrong], runs));
}

fn measure(count: usize, runs: u32) -> f64 {
    let files: Vec<SourceFile> = (0..count).map(|number| file(number, "")).collect();
    measure_files(&files, runs)
}

/// Milliseconds, in the best of several runs.
fn measure_files(files: &[SourceFile], runs: u32) -> f64 {
    (0..runs)
        .map(|_| {
            let start = Instant::now();
            black_box(compile(black_box(files)));
            start.elapsed().as_nanos() as f64 / 1e6
        })
        .fold(f64::INFINITY, f64::min)
}

/// A file as people write them; `fault` goes into the queries.
fn file(number: usize, fault: &str) -> SourceFile {
    let text = format!(
        r#"description = "Requests of service {number}, as its own server reports them."

[metric]
name            = "service_{number}_request_duration_seconds"
type            = "histogram"
unit            = "seconds"
scrape_interval = "15s"

[labels]
job       = {{ type = "string", required = true, description = "The job." }}
method    = ["GET", "POST", "PUT", "DELETE"]
code      = "integer"
tenant_id = "uuid"
instance  = "string"

[presets.rate]
description = "Requests per second, by the labels you group by."
template    = '{fault}sum by ({{group_by}})(rate({{metric_name}}_count{{{{{{labels}}}}}}[{{window}}]))'
window      = "5m"
unit        = "requests per second"

[presets.error_ratio]
description = "The part of all requests that failed."
template    = '''{fault}
sum by ({{group_by}})(rate({{metric_name}}_count{{{{code=~"5..",{{labels}}}}}}[{{window}}]))
  / sum by ({{group_by}})(rate({{metric_name}}_count{{{{{{labels}}}}}}[{{window}}]))
'''
window      = "5m"

[presets.p95]
description = "The latency that 95 of 100 requests stay below."
template    = '{fault}histogram_quantile(0.95, sum by (le, {{group_by}})(rate({{metric_name}}_bucket{{{{{{labels}}}}}}[{{window}}])))'
window      = "5m"
unit        = "seconds"
"#
    );
    let name = format!("team_{}/service_{number}.toml", number / 50);
    SourceFile { path: format!("presets/{name}"), name, text }
}

fn one_file(presets: usize) -> SourceFile {
    let mut text = String::new();
    for number in 0..presets {
        let query = "sum by ({group_by})(rate(http_requests_total{{{labels}}}[{window}]))";
        _ = writeln!(text, "[presets.rate_{number}]\ntemplate = '{query}'\nwindow = \"5m\"\n");
    }
    SourceFile { name: "all.toml".to_owned(), path: "presets/all.toml".to_owned(), text }
}
