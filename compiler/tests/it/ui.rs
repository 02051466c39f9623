//! `tests/ui/CODE/CASE.toml` gives one finding of that code, which `CASE.txt` shows; `CASE.fixed.toml` gives none.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use promql_presets_compiler::diagnostic::emit::Messages;
use promql_presets_compiler::{SourceFile, compile};

use crate::update_snapshots;

/// The codes of the findings in a file, and how they look.
fn findings(path: &Path) -> (Vec<&'static str>, String) {
    let text = fs::read_to_string(path).unwrap();
    let file = SourceFile { name: "example.toml".into(), path: "presets/example.toml".into(), text };
    let findings = compile(std::slice::from_ref(&file)).findings;
    let shown = findings.iter().map(|finding| Messages::of(&file).full(&finding.diagnostic) + "\n").collect();
    (findings.iter().map(|finding| finding.diagnostic.code.as_str()).collect(), shown)
}

#[test]
fn one_mistake_gives_one_finding() {
    let (mut cases, mut faults) = (0, String::new());
    for folder in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui")).unwrap() {
        let folder = folder.unwrap();
        let code = folder.file_name().into_string().unwrap();
        for entry in fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            // Nor `CASE.fixed.toml`.
            let Some(case) = name.strip_suffix(".toml").filter(|case| !case.contains('.')) else { continue };
            cases += 1;
            let (codes, shown) = findings(&path);
            if codes != [code.as_str()] {
                writeln!(faults, "{code}/{name} gives {codes:?}\n{shown}").unwrap();
            }
            let expected = path.with_extension("txt");
            if update_snapshots() {
                fs::write(&expected, &shown).unwrap();
            }
            if fs::read_to_string(&expected).unwrap_or_default() != shown {
                writeln!(faults, "{code}/{case}.txt does not show\n{shown}").unwrap();
            }
            let fixed = path.with_extension("fixed.toml");
            let (codes, shown) = if fixed.exists() { findings(&fixed) } else { Default::default() };
            if !codes.is_empty() {
                writeln!(faults, "{code}/{case}.fixed.toml gives {codes:?}\n{shown}").unwrap();
            }
        }
    }
    assert!(faults.is_empty(), "{faults}");
    assert!(cases >= 165, "{cases} cases");
}
