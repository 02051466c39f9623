//! `tests/ui/CODE/CASE.toml` gives one finding of that code, or one for each preset or each comment `# mistake`, which
//! `CASE.txt` shows; `CASE.fixed.toml` gives none. `CASE.metrics.toml` and `CASE.promql.toml` are the files beside the presets, and
//! `CASE.other.toml` is another preset file, of both unless there is a `CASE.fixed.metrics.toml` and so on.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use promql_presets_compiler::diagnostic::emit;
use promql_presets_compiler::{Finding, SourceFile, compile, discover};

use crate::update_snapshots;

/// A case and the files beside it.
fn files(path: &Path) -> Vec<SourceFile> {
    let file = |name: &str, path: &Path| {
        let shown = discover::normalized(&Path::new("presets").join(name)).display().to_string();
        SourceFile { name: name.to_owned(), path: shown, text: fs::read_to_string(path).unwrap() }
    };
    let plain = path.with_file_name(path.file_name().unwrap().to_str().unwrap().replace(".fixed", ""));
    let beside = [SourceFile::METRICS, SourceFile::SETTINGS, "other.toml"].into_iter().filter_map(|name| {
        let extension = name.trim_start_matches("../");
        let found = [path, &plain].map(|path| path.with_extension(extension)).into_iter().find(|path| path.exists());
        Some(file(name, &found?))
    });
    beside.chain([file("example.toml", path)]).collect()
}

/// The codes of the findings in a file, and the output.
fn findings(path: &Path) -> (Vec<&'static str>, String) {
    let files = files(path);
    let findings = compile(&files).findings;
    let all: Vec<&Finding> = findings.iter().collect();
    let shown = emit::each(&files, &all, |messages, finding| messages.full(&finding.diagnostic) + "\n").concat();
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
            let text = fs::read_to_string(&path).unwrap();
            let [presets, mistakes] = ["[presets.", "# mistake"].map(|part| text.matches(part).count());
            if codes.iter().any(|found| *found != code) || ![1, presets, mistakes].contains(&codes.len()) {
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
    assert!(cases >= 190, "{cases} cases");
}

#[test]
fn sound_templates_give_no_finding() {
    let (codes, shown) = findings(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sound.toml"));
    assert!(codes.is_empty(), "{shown}");
}
