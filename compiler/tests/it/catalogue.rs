//! The built-in catalogue has no findings, and the code that the runtime contains is what it compiles to.

use std::fs;
use std::path::Path;

use promql_presets_compiler::{compile, diagnostic::emit, discover};

#[test]
fn the_catalogue_is_clean_and_compiled() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let files = discover::discover(&root.join("presets"), "presets").unwrap();
    assert!(files.len() >= 8, "{} files", files.len());
    let output = compile(&files);
    let findings = output.findings;
    let shown: Vec<String> =
        findings.iter().map(|finding| emit::Messages::of(&files[finding.file]).full(&finding.diagnostic)).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n\n"));
    let path = root.join("src/catalogue.rs");
    if crate::update_snapshots() {
        fs::write(&path, &output.code).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap_or_default() == output.code, "run again with UPDATE_SNAPSHOTS=1");
}
