//! Presets over pages of well-known exporters: what only the page shows to be a mistake is found, and nothing else.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use promql_presets_compiler::{SourceFile, compile};

use crate::{Folder, run_in};

/// The tables of a preset file, with their names.
fn presets(text: &str) -> impl Iterator<Item = (&str, String)> {
    text.split("\n[presets.").skip(1).map(|table| (table.split(']').next().unwrap(), format!("[presets.{table}\n")))
}

#[test]
fn mistakes_that_only_the_page_shows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exporters");
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let pages: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "prom")).collect();
    let (mut faults, mut count) = (String::new(), 0);
    for page in &pages {
        let text = fs::read_to_string(page.with_extension("toml")).unwrap();
        let (wrong, right): (Vec<_>, Vec<_>) = presets(&text).partition(|(name, _)| name.starts_with("wrong"));
        let right: String = right.into_iter().map(|(_, preset)| preset).collect();
        let exporter = format!("exporters-{}", page.file_stem().unwrap().display());
        let registry = Folder::new(&exporter, &[("presets/a.toml", &right)]);
        // Presets of one exporter may read metrics of others.
        let from = pages.iter().flat_map(|page| ["--from", page.to_str().unwrap()]);
        let arguments: Vec<&str> = ["schema", "pull"].into_iter().chain(from).collect();
        let pull = || {
            let run = run_in(&registry.0, &arguments, b"");
            assert_eq!(run.status, 0, "{}", run.err);
            fs::read_to_string(registry.0.join("metrics.toml")).unwrap()
        };
        let snapshot = pull();
        assert_eq!(pull(), snapshot);
        let found = |presets: &str| {
            let file = |name: &str, text: &str| SourceFile { name: name.into(), path: name.into(), text: text.into() };
            let findings = compile(&[file(SourceFile::METRICS, &snapshot), file("a.toml", presets)]).findings;
            findings
                .iter()
                .map(|found| format!("{}: {}", found.diagnostic.code.as_str(), found.diagnostic.title))
                .collect::<Vec<_>>()
        };
        assert_eq!(found(&right), [""; 0], "{exporter}");
        for (name, preset) in wrong {
            count += 1;
            let code = preset.split("description = \"").nth(1).unwrap().split('"').next().unwrap();
            let found = found(&preset);
            if found.is_empty() || !found.iter().all(|found| found.starts_with(&format!("{code}: "))) {
                writeln!(faults, "{exporter} {name}, {code}: {found:?}").unwrap();
            }
        }
    }
    assert!(faults.is_empty(), "{faults}");
    assert!(count > 45, "{count}");
}
