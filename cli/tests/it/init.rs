//! `init`: folders of presets, and crates that compile them.

use std::fs;

use serde_json::Value;

use crate::schema::build;
use crate::{Folder, lines, run_in};

/// A crate without presets, whose dependencies come from this workspace.
fn crate_in(folder: &str, more: &[(&str, &str)]) -> Folder {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let manifest = format!(
        "# Mine.\n[package]\nname = \"{folder}\"\nversion = \"0.1.0\"\nedition = \"2024\" # new\n\n[workspace]\n\n\
         [patch.crates-io]\npromql-presets = {{ path = '{root}' }}\n\
         promql-presets-compiler = {{ path = '{root}/compiler' }}\n"
    );
    let files: Vec<(&str, &str)> = [("Cargo.toml", &*manifest)].into_iter().chain(more.iter().copied()).collect();
    let folder = Folder::new(folder, &files);
    fs::copy(format!("{root}/Cargo.lock"), folder.0.join("Cargo.lock")).unwrap();
    folder
}

#[test]
fn a_crate_builds_after_init() {
    let folder = crate_in("init-build", &[("src/lib.rs", "")]);
    let read = |file: &str| fs::read_to_string(folder.0.join(file)).unwrap();
    let manifest = read("Cargo.toml");
    let run = run_in(&folder.0, &["init"], b"");
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    assert_eq!(
        run.out,
        "\
created  presets/http.toml: an example to change; `promql-presets check` checks it
created  build.rs: compiles `presets` with `cargo build`
created  src/presets.rs: the module of the presets
to do    src/lib.rs: add `mod presets;`, or `pub mod presets;` to make the presets public
changed  Cargo.toml: added `promql-presets` to `[dependencies]` and `promql-presets-compiler` to `[build-dependencies]`
"
    );
    assert!(read("Cargo.toml").starts_with(&manifest), "{}", read("Cargo.toml"));
    for (text, is_left) in [("", true), ("// mod presets;\n", true), ("pub(crate) mod presets;\n", false)] {
        fs::write(folder.0.join("src/lib.rs"), text).unwrap();
        let again = run_in(&folder.0, &["init"], b"").out;
        assert_eq!(again.contains("to do    src/lib.rs: add `mod presets;`"), is_left, "{text}: {again}");
    }
    // The steps that the report leaves to do, and a use of the example.
    fs::write(folder.0.join("src/lib.rs"), "pub mod presets;\npub use presets::http::RATE;\n").unwrap();
    assert_eq!(build(&folder), None);
    for arguments in [&["check", "--deny-warnings"][..], &["fmt", "--check"]] {
        assert_eq!(run_in(&folder.0, arguments, b"").status, 0, "{arguments:?}");
    }

    let before = read("Cargo.toml");
    let again = run_in(&folder.0, &["init"], b"");
    assert!(again.status == 0 && lines(&again.out).iter().all(|line| line.starts_with("kept ")), "{}", again.out);
    assert_eq!(read("Cargo.toml"), before);
}

#[test]
fn existing_files_are_kept() {
    let script = "fn main() {}\n";
    let files =
        [("build.rs", script), ("src/main.rs", script), ("src/presets.rs", "// Mine.\n"), ("presets/a.toml", "")];
    let folder = crate_in("init-kept", &files);
    let run = run_in(&folder.0, &["init", "--format", "json"], b"");
    let steps: Vec<Value> = lines(&run.out).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let steps: Vec<_> = steps.iter().map(|it| (it["file"].as_str().unwrap(), it["action"].as_str().unwrap())).collect();
    let expected = [
        ("presets", "kept"),
        ("build.rs", "to do"),
        ("src/presets.rs", "to do"),
        ("src/main.rs", "to do"),
        ("Cargo.toml", "changed"),
    ];
    assert_eq!(steps, expected);
    for (file, text) in files {
        assert_eq!(fs::read_to_string(folder.0.join(file)).unwrap(), text, "{file}");
    }
}

#[test]
fn without_rust_there_is_only_the_folder() {
    let folder = Folder::new("init-no-rust", &[("readme", "")]);
    for arguments in [&["init"][..], &["init", "inner", "--presets-only"]] {
        let run = run_in(&folder.0, arguments, b"");
        assert!(run.status == 0 && run.out.starts_with("created  "), "{}{}", run.out, run.err);
    }
    assert!(folder.0.join("inner/presets/http.toml").exists() && !folder.0.join("build.rs").exists());
    assert_eq!(run_in(&folder.0, &["check", "--deny-warnings"], b"").status, 0);
}

#[test]
fn a_file_in_place_of_the_folder_is_an_error() {
    let folder = Folder::new("init-file", &[("presets", "")]);
    let run = run_in(&folder.0, &["init"], b"");
    assert_eq!(run.status, 2, "{}", run.out);
    assert!(run.err.starts_with("error: `./presets` is not a folder\n"), "{}", run.err);
}

#[test]
fn a_manifest_that_cannot_be_changed_leaves_all_as_it_is() {
    for (manifest, message) in [
        ("[workspace]\n", "error: `./Cargo.toml` has no `[package]`\n"),
        ("[package\n", "error: cannot read `./Cargo.toml`: "),
    ] {
        let folder = Folder::new("init-manifest", &[("Cargo.toml", manifest)]);
        let run = run_in(&folder.0, &["init"], b"");
        assert!(run.status == 2 && run.err.starts_with(message), "{}", run.err);
        assert!(!folder.0.join("presets").exists());
    }
}
