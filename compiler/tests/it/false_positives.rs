//! What the checks say about queries that people run every day, without a schema.
//!
//! An error here is either a true mistake, which `tests/false_positives.txt` lists, or a fault of ours. The corpus is a
//! folder of JSON lines, named by `PROMQL_PRESETS_CORPUS`; without it the test says that it was skipped, and fails on
//! CI.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use promql_presets_compiler::diagnostic::emit::Messages;
use promql_presets_compiler::promql::{Features, Syntax, parse};
use promql_presets_compiler::{Code, Severity, SourceFile, check};
use serde_json::Value;

const KNOWN: &str = include_str!("../false_positives.txt");

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("PROMQL_PRESETS_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"), PathBuf::from);
    if folder.join("realworld.jsonl").is_file() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "no corpus at {}", folder.display());
    eprintln!("skipped: no corpus at {}", folder.display());
    None
}

/// With `PROMQL_PRESETS_VERBOSE=code` the findings of that code are shown.
#[test]
fn errors_are_true_mistakes() {
    let Some(folder) = corpus() else { return };
    let verbose = std::env::var("PROMQL_PRESETS_VERBOSE").unwrap_or_default();
    let text = std::fs::read_to_string(folder.join("realworld.jsonl")).unwrap();
    let (mut total, mut errors) = (0, String::new());
    let mut kinds: BTreeMap<(Severity, Code), usize> = BTreeMap::new();
    for row in text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let query = row["q"].as_str().unwrap();
        let parsed = parse(query, Syntax { template: false, features: Features::none() });
        let Some(expr) = parsed.expr.filter(|_| parsed.diagnostics.is_empty()) else { continue };
        total += 1;
        let file = SourceFile { name: String::new(), path: "query".to_owned(), text: query.to_owned() };
        let findings = check::check_query(query, &expr);
        for finding in &findings {
            *kinds.entry((finding.severity, finding.code)).or_default() += 1;
            if finding.code.as_str() == verbose {
                eprintln!("{}\n{}\n", row["src"], Messages::of(&file).full(finding));
            }
        }
        let codes: Vec<&str> = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| finding.code.as_str())
            .collect();
        if !codes.is_empty() {
            writeln!(errors, "{} {}", codes.join(" "), serde_json::to_string(query).unwrap()).unwrap();
        }
    }
    eprintln!("{total} queries, {} with errors", errors.lines().count());
    for ((severity, code), count) in kinds {
        eprintln!("{count:5} {severity:?} {}", code.as_str());
    }
    if crate::update_snapshots() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/false_positives.txt"), &errors).unwrap();
        return;
    }
    assert!(errors.lines().count() * 1000 < total * 8, "{} of {total}", errors.lines().count());
    assert_eq!(errors, KNOWN);
}
