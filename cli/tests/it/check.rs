//! `check`: findings, and the files that are checked together.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use serde_json::{Value, json};

use crate::{BAD, Folder, GOOD, WARNED, lines, run_in};

#[test]
fn nothing_is_sent_anywhere() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    let settings = format!("[defaults]\nurl = \"{url}\"\n");
    let snapshot = "[http_requests_total]\ntype = \"counter\"\n";
    let folder =
        Folder::new("offline", &[("presets/a.toml", GOOD), ("promql.toml", &settings), ("metrics.toml", snapshot)]);
    for arguments in [&["check"][..], &["list"], &["render", "a::rate"], &["fmt", "--check"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_promql-presets"));
        let output = command.args(arguments).current_dir(&folder.0).env("PROMETHEUS_URL", &url).output().unwrap();
        assert_ne!(output.status.code(), Some(2), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(server.accept().is_err(), "{arguments:?} went online");
    }
}

#[test]
fn check_shows_faults() {
    let folder = Folder::new("check", &[("presets/good.toml", GOOD), ("presets/sub/bad.toml", BAD)]);
    let run = |arguments: &[&str]| run_in(&folder.0, arguments, b"");

    let human = run(&["check"]);
    assert_eq!(human.status, 1);
    assert_eq!(
        human.out,
        "\
error[unknown-placeholder]: unknown placeholder `windw`
 --> presets/sub/bad.toml:2:48
  |
2 | template = 'sum by ({group_by})(ü{{{labels}}}[{windw}])'
  |                                                ^^^^^ not a placeholder
  |
  = help: a placeholder with a similar name exists: `window`

"
    );
    assert_eq!(human.err, "2 files, 2 presets: 1 error\n");

    let short = run(&["check", "presets", "--format", "short"]);
    assert_eq!(
        (short.status, short.out.as_str(), short.err.as_str()),
        (1, "presets/sub/bad.toml:2:48: error: unknown placeholder `windw` [unknown-placeholder]\n", "")
    );

    let as_json = run(&["check", "--format=json"]);
    let object: Value = serde_json::from_str(as_json.out.trim_end()).unwrap();
    assert_eq!(
        object,
        json!({
            "file": "presets/sub/bad.toml", "preset": "up", "check": "unknown-placeholder", "severity": "error",
            "message": "unknown placeholder `windw`", "line": 2, "column": 48, "end_line": 2, "end_column": 53,
            "help": "a placeholder with a similar name exists: `window`",
        })
    );
    assert_eq!((as_json.status, as_json.err.as_str()), (1, ""));
}

#[test]
fn check_takes_files_and_folders() {
    let folder = Folder::new(
        "files",
        &[
            ("presets/good.toml", GOOD),
            ("presets/a/bad.toml", BAD),
            ("presets/a/worse.toml", "x"),
            ("other/bad.toml", BAD),
        ],
    );
    let run = |arguments: &[&str]| run_in(&folder.0, arguments, b"");
    let good = run(&["check", "presets/good.toml"]);
    assert_eq!((good.status, good.err.as_str()), (0, "1 file, 1 preset: no findings\n"));
    let bad = run(&["check", "presets/a/bad.toml", "--format", "short"]);
    assert_eq!((bad.status, lines(&bad.out).len()), (1, 1));
    assert!(bad.out.starts_with("presets/a/bad.toml:2:48: "));
    let several = run(&["check", "--format", "short", "./presets/a/", "presets/good.toml", "other"]);
    let places: Vec<&str> = lines(&several.out).iter().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(places, ["presets/a/bad.toml:2:48", "presets/a/worse.toml:1:2", "other/bad.toml:2:48"]);
    // A name is shown as it was given, also from within the folder.
    let within = run_in(&folder.0.join("presets/a"), &["check", "bad.toml", "--format", "short"], b"");
    assert!(within.out.starts_with("bad.toml:2:48: "), "{}", within.out);
    fs::write(folder.0.join("presets/notes.txt"), "").unwrap();
    let none = run(&["check", "presets/notes.txt"]);
    assert_eq!(none.status, 2);
    assert!(none.err.starts_with("error: `presets/notes.txt` is not a preset file"));
}

#[cfg(unix)]
#[test]
fn links_back_are_not_followed() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new("links", &[("presets/a.toml", WARNED), ("other/b.toml", WARNED)]);
    symlink(&folder.0, folder.0.join("presets/x")).unwrap();
    symlink(folder.0.join("presets"), folder.0.join("presets/y")).unwrap();
    let checked = run_in(&folder.0, &["check"], b"");
    assert_eq!(checked.err, "2 files, 2 presets: 2 warnings\n", "{}", checked.out);
}

#[test]
fn a_file_is_checked_against_its_neighbours() {
    let other = GOOD.replace("counter", "gauge").replace("rate", "increase");
    let folder = Folder::new("neighbours", &[("presets/a.toml", GOOD), ("presets/b.toml", &other)]);
    let checks = |file: &str| run_in(&folder.0, &["check", file, "--format", "short"], b"").out;
    assert_eq!(checks("presets/a.toml"), "");
    assert!(checks("presets/b.toml").contains("[conflicting-metric]"), "{}", checks("presets/b.toml"));
}

#[test]
fn warnings_fail_when_denied() {
    let folder = Folder::new("warnings", &[("presets/a.toml", WARNED)]);
    let run = |arguments: &[&str]| run_in(&folder.0, arguments, b"");
    let allowed = run(&["check"]);
    assert_eq!((allowed.status, allowed.err.as_str()), (0, "1 file, 1 preset: 1 warning\n"));
    assert!(allowed.out.starts_with("warning[unused-allow]"));
    assert_eq!(run(&["check", "--deny-warnings"]).status, 1);
}

#[test]
fn output_that_is_no_terminal_has_no_colors() {
    let folder = Folder::new("colors", &[("presets/a.toml", BAD)]);
    assert!(!run_in(&folder.0, &["check"], b"").out.contains('\u{1b}'));
}

#[test]
fn folders_files_and_all_have_one_verdict() {
    let schema = "[metric]\nname = \"jobs\"\ntype = \"counter\"\n[labels]\nqueue = \"string\"\n";
    let wrong = "[presets.a]\ntemplate = 'sum by (x) (rate(jobs{{queu=\"a\",{labels}}}[5m]))'\n";
    let folder = Folder::new("one-verdict", &[("presets/schema.toml", schema), ("presets/sub/deep/a.toml", wrong)]);
    let check = |path: &str| {
        let run = run_in(&folder.0, &["check", "--format", "short", path], b"");
        (run.status, run.out)
    };
    let all = check("presets");
    assert_eq!(all.0, 1);
    assert!(all.1.starts_with("presets/sub/deep/a.toml:2:"), "{}", all.1);
    assert!(all.1.contains("`jobs` has no label `queu`"), "{}", all.1);
    // Not the files of the package, such as `metrics.toml`.
    fs::write(folder.0.join("metrics.toml"), "[jobs]\ntype = \"counter\"\n").unwrap();
    assert_eq!(check("."), all);
    fs::remove_file(folder.0.join("metrics.toml")).unwrap();
    for path in ["presets/sub", "presets/sub/deep/", "./presets/sub/../sub/deep/a.toml", "presets/sub/deep/../../sub"] {
        assert_eq!(check(path), all, "{path}");
    }
    assert_eq!(check("presets/schema.toml"), (0, String::new()));
    let inside = run_in(&folder.0.join("presets/sub"), &["check", "--format", "short", "."], b"");
    assert!(inside.out.starts_with("deep/a.toml:2:"), "{}", inside.out);
    let inside = run_in(&folder.0.join("presets/sub/deep"), &["check", "--format", "short", "a.toml"], b"");
    assert!(inside.out.starts_with("a.toml:2:"), "{}", inside.out);
    let inside = run_in(&folder.0.join("presets/sub/deep"), &["check", "--format", "short", ".."], b"");
    assert!(inside.out.starts_with("a.toml:2:"), "{}", inside.out);
}

/// Files with their contents.
type Files<'a> = &'a [(&'a str, &'a str)];

/// A registry whose folder has this name, in a package with these files as well.
fn registry(test: &str, name: &str, others: Files<'_>) -> Folder {
    let schema = "[metric]\nname = \"jobs\"\ntype = \"counter\"\n[labels]\nqueue = \"string\"\n";
    let wrong = "[presets.a]\ntemplate = 'sum by (x) (rate(jobs{{queu=\"a\",{labels}}}[5m]))'\n";
    let (declared, used) = (format!("{name}/schema.toml"), format!("{name}/sub/deep/a.toml"));
    let mut files = vec![(&*declared, schema), (&*used, wrong)];
    files.extend(others);
    Folder::new(test, &files)
}

#[test]
fn the_folder_of_presets_may_have_any_name() {
    let script =
        "fn main() {\n    // build(\"old\")\n    promql_presets_compiler::build(\n        \"NAME\",\n    );\n}\n";
    let named = script.replace("NAME", "src/queries");
    let internal = "fn main() { promql_presets_compiler::Build::new(\"src/queries\").name(\"internal\").run(); }";
    let cases: [(&str, Files, &[&str]); 5] = [
        ("named", &[("Cargo.toml", ""), ("build.rs", &named)], &[]),
        (
            "internal",
            &[("Cargo.toml", ""), ("build.rs", internal), ("src/old/a.toml", "x"), ("src/promql.toml", "")],
            &[],
        ),
        (
            "metrics",
            &[("src/promql.toml", ""), (".git/HEAD", ""), ("src/queries/sub/metrics.toml", GOOD)],
            &["src/queries"],
        ),
        ("settings", &[("src/promql.toml", ""), (".git/HEAD", "")], &["--dir", "src/queries"]),
        ("option", &[("Cargo.toml", "")], &["--dir", "src/queries"]),
    ];
    for (test, others, all) in cases {
        let folder = registry(&format!("root-{test}"), "src/queries", others);
        let check = |arguments: &[&str]| {
            let run = run_in(&folder.0, &[&["check", "--format", "short"], arguments].concat(), b"");
            (run.status, run.out)
        };
        let expected = check(all);
        assert_eq!(expected.0, 1, "{test}: {expected:?}");
        assert!(expected.1.contains("src/queries/sub/deep/a.toml:2:"), "{test}: {expected:?}");
        assert!(expected.1.contains("`jobs` has no label `queu`"), "{test}: {expected:?}");
        for path in ["src/queries", "src/queries/sub", "src/queries/sub/deep/a.toml"] {
            let dir: &[&str] = if all.len() == 2 { all } else { &[] };
            assert_eq!(check(&[dir, &[path]].concat()), expected, "{test}: {path}");
        }
    }
}

#[test]
fn other_folders_beside_the_settings_are_no_presets() {
    let folder =
        registry("root-beside", "presets", &[("promql.toml", ""), ("tests/a/a.toml", GOOD), ("tests/b/b.toml", "x")]);
    assert_eq!(run_in(&folder.0, &["check", "tests/a"], b"").err, "1 file, 1 preset: no findings\n");
}

#[test]
fn a_command_for_one_folder_asks_which() {
    let script =
        "fn main() { promql_presets_compiler::build(\"a\"); promql_presets_compiler::Build::new(\"b\").run() }";
    let folder = Folder::new("root-several", &[("build.rs", script), ("a/x.toml", GOOD), ("b/y.toml", GOOD)]);
    let run = run_in(&folder.0, &["render", "x::rate"], b"");
    let expected = "error: `build.rs` compiles several folders: `a`, `b`; choose one with `--dir`\n";
    assert_eq!((run.status, run.err.as_str()), (2, expected));
    assert_eq!(run_in(&folder.0, &["check"], b"").err.lines().last(), Some("2 files, 2 presets: no findings"));
}

#[cfg(unix)]
#[test]
fn dangling_links_are_named() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new("dangling", &[("presets/good.toml", GOOD)]);
    for name in ["presets/gone.toml", "presets/shared"] {
        let link = folder.0.join(name);
        symlink("../nowhere", &link).unwrap();
        for argument in ["presets", name] {
            let run = run_in(&folder.0, &["check", argument], b"");
            let expected =
                format!("error: cannot read `{name}`: a symbolic link to `../nowhere`, which does not exist\n");
            assert_eq!((run.status, run.err), (2, expected), "{argument}");
        }
        fs::remove_file(link).unwrap();
    }
}
