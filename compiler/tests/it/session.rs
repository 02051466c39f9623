//! A session finds after each change what compiling all files finds.

use std::fs;
use std::path::{Path, PathBuf};

use promql_presets_compiler::{Finding, Session, SourceFile, compile};

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
    assert_eq!(session.stale().collect::<Vec<_>>(), [0]);
    assert_eq!(session.findings(), []);
    assert_eq!(session.module(0).and_then(|module| module.metric.as_deref()), Some("a_seconds"));
    session.replace(file("a.toml", &text("b_total")));
    assert_eq!(session.stale().collect::<Vec<_>>(), [0, 1], "two files declare one metric");
}

#[test]
fn a_change_of_the_snapshot_checks_only_the_files_that_read_the_metric() {
    let preset = |metric: &str| format!("presets.p.template = 'rate({metric}{{{{{{labels}}}}}}[5m])'\n");
    let snapshot = |b: &str| {
        file(SourceFile::METRICS, &format!("a_requests_total.type = \"counter\"\nb_requests_total.type = \"{b}\"\n"))
    };
    let files = [
        file("a.toml", &preset("a_requests_total")),
        file("b.toml", &preset("b_requests_total")),
        file("c.toml", &preset("c_requests_total")),
    ];
    let mut session = Session::new([vec![snapshot("counter")], files.into()].concat());
    assert_equal(&mut session, "the start");
    session.replace(snapshot("gauge"));
    // `c_requests_total` is not in the snapshot, so that its finding may suggest another name.
    assert_eq!(session.stale().collect::<Vec<_>>(), [2, 3]);
    // Findings about a file come with its check.
    let of_file = |findings: Vec<Finding>, file| findings.into_iter().filter(|it| it.file == file).count();
    assert_eq!(of_file(session.findings_after(&[3]), 2), 0);
    assert_eq!(of_file(session.findings_after(&[2]), 2), 1);
    assert_eq!(session.stale().next(), None);
    assert_equal(&mut session, "a change of the type");
    session.replace(SourceFile { text: format!("# moved\n{}", snapshot("gauge").text), ..snapshot("gauge") });
    assert_eq!(session.stale().collect::<Vec<_>>(), [2, 3], "their findings show lines of the snapshot");
    assert_equal(&mut session, "a comment");
    session.replace(file(SourceFile::METRICS, "a_requests_total"));
    assert_eq!(session.stale().count(), 3, "what a faulty snapshot lacks is unknown");
    assert_equal(&mut session, "a fault");
}

#[test]
fn a_new_name_matters_to_files_that_read_unknown_metrics() {
    let read = "presets.p.template = 'rate(http_reqests_total{{{labels}}}[5m])'\n";
    let declared = "metric = { name = \"http_requests_total\", type = \"counter\" }\n";
    let mut session = Session::new(vec![file("a.toml", ""), file("b.toml", read)]);
    assert_equal(&mut session, "the start");
    session.replace(file("a.toml", declared));
    assert_equal(&mut session, "a declaration of a similar name");
    assert_eq!(session.findings().len(), 1);
}
