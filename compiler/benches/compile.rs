//! How long it takes to compile 3,000 presets, all layers together. `cargo bench -p promql-presets-compiler --bench compile`.

#![expect(clippy::print_stdout, reason = "a benchmark")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use promql_presets_compiler::{SourceFile, compile};

const TEMPLATES: [&str; 6] = [
    "sum by ({group_by})(rate({metric_name}_count{{code=~\"5..\",{labels}}}[{window}])) / sum by ({group_by})(rate({metric_name}_count{{{labels}}}[{window}]))",
    "histogram_quantile(0.95, sum by (le, {group_by})(rate({metric_name}_bucket{{{labels}}}[{window}])))",
    "sum by ({group_by})(rate({metric_name}_sum{{{labels}}}[{window}])) / sum by ({group_by})(rate({metric_name}_count{{{labels}}}[{window}]))",
    "topk(5, sum by (instance, {group_by})(increase({metric_name}_count{{{labels}}}[{window}]))) or on () vector(0)",
    "max_over_time(sum by ({group_by})(rate({metric_name}_count{{{labels}}}[5m]))[{window}:5m])",
    "sum by (job, {group_by})(rate({metric_name}_count{{{labels}}}[{window}])) * on (job) group_left (version) max by (job, version)(build_info{{{labels}}})",
];

fn file(number: usize) -> SourceFile {
    let mut text = format!(
        "description = \"Requests of service {number}.\"\n\n[metric]\nname = \"service_{number}_seconds\"\ntype = \"histogram\"\n\
         unit = \"seconds\"\nscrape_interval = \"15s\"\n\n[labels]\nmethod = \"string\"\ncode = \"integer\"\nregion = [\"eu\", \"us\"]\n"
    );
    for preset in 0..30 {
        let template = TEMPLATES[preset % TEMPLATES.len()];
        let _ = write!(
            text,
            "\n[presets.p{preset}]\ndescription = \"What it is.\"\ntemplate = '{template}'\nwindow = \"5m\"\n"
        );
    }
    let name = format!("service{number}.toml");
    SourceFile { path: format!("presets/{name}"), name, text }
}

fn main() {
    let files: Vec<SourceFile> = (0..100).map(file).collect();
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    let run = || {
        let start = Instant::now();
        let output = compile(&files);
        assert!(output.findings.is_empty(), "{:?}", output.findings.first());
        assert_eq!(output.registry.modules.iter().map(|module| module.presets.len()).sum::<usize>(), 3000);
        start.elapsed()
    };
    let best = (0..15).map(|_| run()).min().unwrap_or(Duration::ZERO);
    println!("3000 presets, {} kB: {best:?}", bytes / 1024);
}
