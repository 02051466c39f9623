//! Pairs of preset files: `CODE.what-is-wrong.wrong.toml` gives exactly that finding, its twin `.right.toml` none.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use promql_presets_compiler::diagnostic::emit::Messages;
use promql_presets_compiler::{SourceFile, compile};

/// The codes of the findings, and how they look.
fn findings(path: &Path) -> (Vec<&'static str>, String) {
    let text = fs::read_to_string(path).unwrap();
    let file =
        SourceFile { name: "example.toml".into(), path: path.file_name().unwrap().to_str().unwrap().into(), text };
    let findings = compile(std::slice::from_ref(&file)).findings;
    let shown: Vec<String> = findings.iter().map(|finding| Messages::of(&file).full(&finding.diagnostic)).collect();
    (findings.iter().map(|finding| finding.diagnostic.code.as_str()).collect(), shown.join("\n"))
}

#[test]
fn one_mistake_gives_one_finding() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seeded");
    let (mut pairs, mut faults) = (0, String::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(stem) = name.strip_suffix(".wrong.toml") else { continue };
        pairs += 1;
        let code = stem.split('.').next().unwrap();
        let (codes, shown) = findings(&path);
        if codes != [code] {
            writeln!(faults, "{name} gives {codes:?}\n{shown}\n").unwrap();
        }
        let (codes, shown) = findings(&path.with_file_name(format!("{stem}.right.toml")));
        if !codes.is_empty() {
            writeln!(faults, "{stem}.right.toml gives {codes:?}\n{shown}\n").unwrap();
        }
    }
    assert!(faults.is_empty(), "{faults}");
    assert!(pairs >= 60, "{pairs} pairs");
}
