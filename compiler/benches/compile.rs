//! How long preset files take to compile, from memory, all layers together:
//! `cargo bench -p promql-presets-compiler --bench compile`. A build script runs unoptimised, which `--profile dev` measures.

#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a program that measures")]

use std::env;
use std::fmt::Write as _;
use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use promql_presets_compiler::{SourceFile, compile};

const TEMPLATES: [&str; 6] = [
    "sum by ({group_by})(rate({metric_name}_count{{code=~\"5..\",{labels}}}[{window}])) / sum by ({group_by})(rate({metric_name}_count{{{labels}}}[{window}]))",
    "histogram_quantile(0.95, sum by (le, {group_by})(rate({metric_name}_bucket{{{labels}}}[{window}])))",
    "sum by ({group_by})(rate({metric_name}_sum{{{labels}}}[{window}])) / sum by ({group_by})(rate({metric_name}_count{{{labels}}}[{window}]))",
    "topk(5, sum by (instance, {group_by})(increase({metric_name}_count{{{labels}}}[{window}]))) or on () vector(0)",
    "max_over_time(sum by ({group_by})(rate({metric_name}_count{{{labels}}}[5m]))[{window}:5m])",
    "sum by (job, {group_by})(rate({metric_name}_count{{{labels}}}[{window}])) * on (job) group_left (version) max by (job, version)(build_info{{{labels}}})",
];

/// How many files a process of its own compiles.
const ALONE: &str = "PROMQL_PRESETS_BENCH_FILES";

fn main() {
    let files = |count: usize, presets: usize| (0..count).map(|number| file(number, presets)).collect::<Vec<_>>();
    if let Some(count) = env::var(ALONE).ok().and_then(|count| count.parse().ok()) {
        println!("{}", time(&files(count, 3), 0));
        return;
    }
    measure("1,000 files of 3 presets", &files(1_000, 3), 0);
    let mut known = files(1_000, 3);
    known.push(snapshot());
    measure("the same with a snapshot of 3,000 metrics", &known, 0);
    let thousand = alone(1_000);
    println!("{thousand:9.1} ms for the same, once in a process of its own, as a build script does it");
    let ten_thousand = alone(10_000);
    println!(
        "{ten_thousand:9.1} ms for 10,000 files of 3 presets in the same way, {:.1} times as long",
        ten_thousand / thousand
    );
    measure("100 files of 30 presets", &files(100, 30), 0);
    measure("one file of 3,000 presets", &files(1, 3_000), 0);
    measure("1,000 files of 3 wrong presets", &wrong(files(1_000, 3)), 3_000);
    measure("one file of 3,000 wrong presets", &wrong(files(1, 3_000)), 3_000);
}

/// Milliseconds in the best of several runs, in which there are so many findings.
fn measure(what: &str, files: &[SourceFile], findings: usize) {
    let runs = if cfg!(debug_assertions) { 3 } else { 10 };
    let best = (0..runs).map(|_| time(files, findings)).fold(f64::INFINITY, f64::min);
    println!("{best:9.1} ms for {what}");
}

/// Milliseconds in the best of several processes that each compile so many files once: memory is new to each of them.
fn alone(files: usize) -> f64 {
    let run = || -> Option<f64> {
        let output = Command::new(env::current_exe().ok()?).env(ALONE, files.to_string()).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    (0..5).filter_map(|_| run()).fold(f64::INFINITY, f64::min)
}

/// Milliseconds that it takes once, with so many findings.
fn time(files: &[SourceFile], findings: usize) -> f64 {
    let start = Instant::now();
    let output = black_box(compile(black_box(files)));
    let time = start.elapsed();
    assert_eq!(output.findings.len(), findings, "{:?}", output.findings.first());
    time.as_nanos() as f64 / 1e6
}

/// A file as people write them.
fn file(number: usize, presets: usize) -> SourceFile {
    let mut text = format!(
        "description = \"Requests of service {number}.\"\n\n[metric]\nname = \"service_{number}_seconds\"\ntype = \"histogram\"\n\
         unit = \"seconds\"\nscrape_interval = \"15s\"\n\n[labels]\nmethod = \"string\"\ncode = \"integer\"\nregion = [\"eu\", \"us\"]\n"
    );
    for preset in 0..presets {
        let template = TEMPLATES[(number + preset) % TEMPLATES.len()];
        _ = write!(
            text,
            "\n[presets.p{preset}]\ndescription = \"What it is.\"\ntemplate = '{template}'\nwindow = \"5m\"\n"
        );
    }
    let name = format!("team_{}/service_{number}.toml", number / 50);
    SourceFile { path: format!("presets/{name}"), name, text }
}

/// A `metrics.toml` with the metrics that the files read, and as many that they do not read as make 3,000.
fn snapshot() -> SourceFile {
    let mut text =
        String::from("[build_info]\ntype   = \"gauge\"\nlabels = [\"code\", \"method\", \"region\", \"version\"]\n");
    for number in 0..2_999 {
        _ = write!(
            text,
            "\n[service_{number}_seconds]\ntype   = \"histogram\"\nhelp   = \"Time from a request to the end of its response.\"\n\
             unit   = \"seconds\"\nlabels = [\"code\", \"instance\", \"job\", \"method\", \"region\"]\n\
             values = {{ region = [\"eu\", \"us\"] }}\n"
        );
    }
    SourceFile { name: SourceFile::METRICS.to_owned(), path: "metrics.toml".to_owned(), text }
}

/// The same files with one fault in each query.
fn wrong(mut files: Vec<SourceFile>) -> Vec<SourceFile> {
    for file in &mut files {
        file.text = file.text.replace("template = '", "template = '(");
    }
    files
}
