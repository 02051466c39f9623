//! Our verdict on a corpus of queries, compared with the verdict of Prometheus' own parser.
//!
//! The corpus is a folder of JSON lines, named by `PROMQL_PRESETS_CORPUS`. Without it the test says that it was
//! skipped; on CI, that is a failure.

use std::collections::BTreeMap;
use std::path::PathBuf;

use promql_presets_compiler::promql::{Features, Syntax, parse};
use serde_json::Value;

const FILES: [&str; 4] = ["conformance", "realworld", "mutants", "mutants_conformance"];

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("PROMQL_PRESETS_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"), PathBuf::from);
    if folder.join("conformance.jsonl").is_file() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "no corpus at {}", folder.display());
    eprintln!("skipped: no corpus at {}", folder.display());
    None
}

fn rows(folder: &std::path::Path, file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join(file).with_extension("jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn verdicts_agree() {
    let Some(folder) = corpus() else { return };
    let mut differences = Vec::new();
    let mut total = 0;
    for file in FILES {
        for row in rows(&folder, file) {
            total += 1;
            let query = row["q"].as_str().unwrap();
            let plain = parse(query, Syntax::PROMQL);
            let experimental = parse(query, Syntax { template: false, features: Features::all() });
            let ok = plain.diagnostics.is_empty();
            let ok_experimental = experimental.diagnostics.is_empty();
            assert!(!ok || plain.expr.is_some(), "{query}");
            let ty = experimental.expr.filter(|_| ok_experimental).map(|expr| expr.ty().as_str());
            let wanted = (row["ok"].as_bool().unwrap(), row["ok_experimental"].as_bool().unwrap());
            if (ok, ok_experimental) != wanted || (ok_experimental && ty != row["type"].as_str()) {
                differences.push(format!(
                    "{file}: {query:?}\n  ours {ok} {ok_experimental} {ty:?} {:?}\n  theirs {wanted:?} {} {}",
                    plain.diagnostics.first().map(|diagnostic| (&diagnostic.title, diagnostic.span)),
                    row["type"],
                    row["err"],
                ));
            }
        }
    }
    eprintln!("{} of {total} rows agree", total - differences.len());
    assert!(differences.is_empty(), "{} differences\n{}", differences.len(), differences.join("\n"));
}

/// Where an error is: at most a few point elsewhere than Prometheus' does.
/// `cargo test --test corpus places -- --nocapture` with `PROMQL_PRESETS_VERBOSE` lists the differences by kind.
#[test]
fn places_agree() {
    let Some(folder) = corpus() else { return };
    let mut kinds: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let (mut total, mut inside, mut several) = (0, 0, 0);
    for file in FILES {
        for row in rows(&folder, file) {
            let Some([start, end]) = row["pos"].as_array().map(Vec::as_slice) else { continue };
            let query = row["q"].as_str().unwrap();
            let parsed = parse(query, Syntax::PROMQL);
            let Some(first) = parsed.diagnostics.first() else { continue };
            total += 1;
            several += usize::from(parsed.diagnostics.len() > 1);
            let range = start.as_u64().unwrap()..=end.as_u64().unwrap();
            if range.contains(&u64::from(first.span.start)) {
                inside += 1;
                continue;
            }
            let error = row["err"].as_str().unwrap_or_default();
            let kind: String = error.split('"').step_by(2).collect::<Vec<_>>().join("_");
            let title: String = first.title.split('`').step_by(2).collect::<Vec<_>>().join("_");
            kinds.entry((kind, title)).or_default().push(format!("{query:?} {:?} / {range:?}", first.span.range()));
        }
    }
    eprintln!("{inside} of {total} errors start where Prometheus' do; {several} queries have several");
    if std::env::var_os("PROMQL_PRESETS_VERBOSE").is_some() {
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        kinds.sort_by_key(|(_, queries)| std::cmp::Reverse(queries.len()));
        for ((theirs, ours), queries) in kinds {
            eprintln!("{:4} {theirs} -> {ours}\n       {}", queries.len(), queries[0]);
        }
    }
    assert!(inside * 10 >= total * 7, "{inside} of {total}");
}
