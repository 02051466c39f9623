//! A session finds after each change what compiling all files finds.

use std::fs;
use std::path::{Path, PathBuf};

use promql_presets_compiler::{Session, SourceFile, compile};

/// The texts of all cases of `tests/ui`, each with the name of the file that it is for.
fn texts() -> Vec<(&'static str, String)> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui")).unwrap() {
        paths.extend(fs::read_dir(folder.unwrap().path()).unwrap().map(|entry| entry.unwrap().path()));
    }
    paths.sort();
    let toml = paths.into_iter().filter(|path| path.extension().is_some_and(|it| it == "toml"));
    let text = |path: PathBuf| {
        let name = match path.to_str().unwrap() {
            name if name.ends_with(".metrics.toml") => SourceFile::METRICS,
            name if name.ends_with(".promql.toml") => SourceFile::SETTINGS,
            _ => "example.toml",
        };
        (name, fs::read_to_string(path).unwrap())
    };
    toml.map(text).collect()
}

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), path: format!("presets/{name}"), text: text.to_owned() }
}

#[track_caller]
fn assert_equal(session: &mut Session, change: &str) {
    let found = session.findings();
    assert_eq!(found, compile(session.files()).findings, "after {change}");
}

#[test]
fn findings_are_those_of_compiling_all() {
    let neighbours = [
        ("a/requests.toml", "metric = { name = \"http_requests_total\", type = \"gauge\" }\nlabels.job = \"string\"\n"),
        ("b.toml", "presets.b.template = 'rate(http_requests_total{{{labels}}}[5m]) / on (team) up{{{labels}}}'\n"),
        (
            "z.toml",
            "metric.name = \"up\"\nlabels.team = [\"a\", \"b\"]\npresets.z.template = '{metric_name}{{{labels}}}'\n",
        ),
    ];
    let mut session = Session::new(neighbours.map(|(name, text)| file(name, text)).into());
    assert_equal(&mut session, "the start");
    for (name, text) in texts() {
        // Declares its metric under another name, so that the neighbours see a change.
        let renamed = text.replacen("name = \"", "name = \"x", 1);
        for text in [text.clone(), renamed] {
            session.replace(file(name, &text));
            assert_equal(&mut session, &text);
        }
        if name != "example.toml" {
            session.remove(name);
            assert_equal(&mut session, "a removal");
        }
    }
    let again = "metric = { name = \"http_requests_total\", type = \"counter\" }\nlabels.team = \"string\"\n";
    for (name, text) in [("a/requests.toml", again), ("A/requests.toml", again), ("a/requests.toml", "")] {
        session.replace(file(name, text));
        assert_equal(&mut session, text);
    }
    session.remove("A/requests.toml");
    session.remove("missing.toml");
    assert_equal(&mut session, "removals");
}

#[test]
fn a_change_checks_only_what_it_may_matter_to() {
    let text =
        |metric: &str| format!("metric.name = \"{metric}\"\npresets.p.template = '{metric}{{{{{{labels}}}}}}'\n");
    let mut session = Session::new(vec![file("a.toml", &text("a_total")), file("b.toml", &text("b_total"))]);
    assert_eq!(session.findings(), []);
    session.replace(file("a.toml", &text("a_seconds")));
    // Not yet checked again.
    assert!(session.module(0).is_none() && session.module(1).is_some());
    assert_eq!(session.findings(), []);
    assert_eq!(session.module(0).and_then(|module| module.metric.as_deref()), Some("a_seconds"));
    session.replace(file("a.toml", &text("b_total")));
    assert!(session.module(1).is_none(), "two files declare one metric");
}
