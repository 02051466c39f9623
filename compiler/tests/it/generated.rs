//! Generated code is deterministic, and equal to its snapshots.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use promql_presets_compiler::discover::{discover, shown_folder};
use promql_presets_compiler::{FileKind, SourceFile, compile};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/presets")
}

/// An empty folder below `target/`.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("generated-{name}-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn code(folder: &Path) -> String {
    let output = compile(&discover(folder, "presets").unwrap());
    assert_eq!(output.findings, []);
    output.code
}

/// It is also compiled, by the runtime's tests.
#[test]
fn the_snapshot_holds() {
    let code = code(&fixtures());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/presets.rs");
    if crate::update_snapshots() {
        fs::write(&path, &code).unwrap();
    }
    let snapshot = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        code == snapshot,
        "generated code has changed; run again with UPDATE_SNAPSHOTS=1 and read what `git diff` shows:\n{code}"
    );
}

#[test]
fn neither_folders_nor_the_order_of_files_matter() {
    let base = scratch("order");
    let mut files = discover(&fixtures(), "presets").unwrap();
    let mut codes = Vec::new();
    for folder in ["a", "b/c"] {
        for file in &files {
            let path = base.join(folder).join(&file.name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &file.text).unwrap();
        }
        codes.push(code(&base.join(folder)));
        files.reverse();
    }
    fs::remove_dir_all(base).unwrap();
    assert_eq!(codes, [code(&fixtures()), code(&fixtures())]);
}

#[test]
fn files_share_enums_that_are_the_same() {
    let file = |name: &str, labels: &str| SourceFile {
        name: name.to_owned(),
        path: format!("presets/{name}"),
        text: format!("[labels]\n{labels}\n[presets.x]\ntemplate = 'sum by ({{group_by}}) (x{{{{{{labels}}}}}})'\n"),
    };
    let files = [
        file("a.toml", "code = [\"2xx\", \"5xx\"]\njob = \"string\""),
        file("b/type.toml", "code = [\"2xx\", \"5xx\"]\njob = \"integer\""),
        file("c.toml", "code = [\"2xx\"]\ndomain = \"string\""),
        file("d.toml", "status = { values = [\"2xx\", \"5xx\"], rust_name = \"code\" }\ndomain = \"string\""),
    ];
    let output = compile(&files);
    assert!(!output.has_errors(), "{:?}", output.findings);
    let shared: Vec<&str> = output.code.lines().map(str::trim).filter(|line| line.starts_with("pub use")).collect();
    assert_eq!(shared, ["pub use super::super::a::Label;", "pub use super::super::a::Code;"]);
    assert_eq!(output.code.matches("pub enum Label").count(), 3);
    assert_eq!(output.code.matches("pub enum ").count(), 6);
}

#[test]
fn broken_files_do_not_depend_on_the_machine_either() {
    let file = |text: &str| SourceFile { name: "a.toml".into(), path: "presets/a.toml".into(), text: text.into() };
    let output = compile(&[file("[presets.a]\ntemplate = 'up{'\nwindow = '5'\n")]);
    assert_eq!(output.errors.len(), 2);
    assert_eq!(
        output.code.matches("::core::compile_error!(::core::include_str!(\"promql_presets.errors.txt\"").count(),
        1
    );
    assert!(output.code.contains("pub const A: "), "{}", output.code);
}

#[test]
fn files_are_found_at_any_depth_and_named_as_people_see_them() {
    let base = scratch("discover");
    let write = |path: &str, text: &[u8]| {
        let path = base.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("Cargo.toml", b"[workspace]\n");
    write("crates/x/Cargo.toml", b"[package]\n");
    write("crates/x/presets/a/b.toml", "\u{FEFF}a".as_bytes());
    write("crates/x/presets/.hidden/c.toml", b"");
    write("crates/x/presets/.d.toml", b"");
    write("crates/x/presets/e.txt", b"");
    let package = base.join("crates/x");
    let shown = shown_folder(&package, Path::new("presets"));
    assert_eq!(shown, "crates/x/presets");
    let expected = SourceFile { name: "a/b.toml".into(), path: "crates/x/presets/a/b.toml".into(), text: "a".into() };
    assert_eq!(discover(&package.join("presets"), &shown).unwrap(), [expected], "a byte order mark is left out");

    write("crates/x/promql.toml", b"");
    write("crates/x/metrics.toml", b"[up]");
    let found = discover(&package.join("presets"), &shown).unwrap();
    let found: Vec<_> = found.iter().map(|file| (file.name.as_str(), file.path.as_str(), file.kind())).collect();
    let expected = [
        ("../metrics.toml", "crates/x/metrics.toml", FileKind::Metrics),
        ("../promql.toml", "crates/x/promql.toml", FileKind::Settings),
        ("a/b.toml", "crates/x/presets/a/b.toml", FileKind::Presets),
    ];
    assert_eq!(found, expected);
    fs::remove_file(package.join("metrics.toml")).unwrap();
    fs::remove_file(package.join("promql.toml")).unwrap();

    write("crates/x/presets/f.toml", b"\xFF");
    assert_eq!(discover(&package.join("presets"), &shown).unwrap()[1].text, "\u{FFFF}", "for the compiler to report");
    let error = discover(&base.join("nothing"), "nothing").unwrap_err().to_string();
    assert!(error.starts_with("cannot read `nothing`"), "{error}");
    fs::remove_dir_all(base).unwrap();
}
