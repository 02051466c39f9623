//! The built-in catalogue has no findings.

use std::path::Path;

use promql_presets_compiler::{compile, diagnostic::emit, discover};

#[test]
fn the_catalogue_is_clean() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let files = discover::discover(&root.join("presets"), "presets").unwrap();
    assert!(files.len() >= 8, "{} files", files.len());
    let findings = compile(&files).findings;
    let shown: Vec<String> =
        findings.iter().map(|finding| emit::Messages::of(&files[finding.file]).full(&finding.diagnostic)).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n\n"));
}
