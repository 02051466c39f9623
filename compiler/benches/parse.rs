//! How long a query takes to parse and check, beside the crate `promql-parser`:
//! `cargo bench -p promql-presets-compiler`.

#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::cast_precision_loss, reason = "a program that measures")]

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use promql_presets_compiler::promql::{Syntax, parse};

fn main() {
    let folder = std::env::var_os("PROMQL_PRESETS_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(folder.join("realworld.jsonl")) else {
        println!("skipped: no corpus at {}", folder.display());
        return;
    };
    let queries: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|row| row["ok"] == true)
        .map(|row| row["q"].as_str().unwrap().to_owned())
        .collect();
    let bytes: usize = queries.iter().map(String::len).sum();
    println!("{} queries of {} bytes on average", queries.len(), bytes / queries.len());

    let ours = measure(&queries, 20, |query| parse(query, Syntax::PROMQL).diagnostics.is_empty());
    let theirs = measure(&queries, 3, |query| promql_parser::parser::parse(query).is_ok());
    println!("promql-presets: {ours:8.0} ns a query");
    println!("promql-parser:  {theirs:8.0} ns a query, {:.1} times as long", theirs / ours);
}

/// Nanoseconds a query, in the best of several runs.
fn measure(queries: &[String], runs: u32, parse: impl Fn(&str) -> bool) -> f64 {
    (0..runs)
        .map(|_| {
            let start = Instant::now();
            for query in queries {
                black_box(parse(black_box(query)));
            }
            start.elapsed().as_nanos() as f64 / queries.len() as f64
        })
        .fold(f64::INFINITY, f64::min)
}
