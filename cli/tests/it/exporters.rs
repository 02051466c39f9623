//! Presets over pages of well-known exporters: what only the page shows to be a mistake is found, and nothing else.
//! `EXPORTER.promql.toml` are the settings beside them.

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
        let settings = fs::read_to_string(page.with_extension("promql.toml")).unwrap_or_default();
        let registry = Folder::new(&exporter, &[("presets/a.toml", &right), ("promql.toml", &settings)]);
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
            let files = [(SourceFile::METRICS, &*snapshot), (SourceFile::SETTINGS, &settings), ("a.toml", presets)];
            let files = files.map(|(name, text)| file(name, text));
            let findings = compile(&files).findings;
            findings
                .iter()
                .map(|found| format!("{}: {}", found.diagnostic.code.as_str(), found.diagnostic.title))
                .collect::<Vec<_>>()
        };
        for found in found(&right) {
            writeln!(faults, "{exporter}: {found}").unwrap();
        }
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
    assert!(count > 90, "{count}");
}
