//! The program as its users run it.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use serde_json::{Value, json};

const GOOD: &str = "\
[metric]
name = \"http_requests_total\"
type = \"counter\"

[presets.rate]
template = 'sum by ({group_by})(rate({metric_name}{{{labels}}}[{window}]))'
window   = \"5m\"
unit     = \"requests per second\"
";

const BAD: &str = "\
[presets.up]
template = 'sum by ({group_by})(ü{{{labels}}}[{windw}])'
";

/// An error-free file with one warning.
const WARNED: &str = "\
[presets.up]
template = 'sum by ({group_by})(up{{{labels}}})'
allow    = [{ check = \"unfiltered-selector\", reason = \"none\" }]
";

/// A folder that is gone after the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str, files: &[(&str, &str)]) -> Self {
        let path = env::temp_dir().join(format!("promql-presets-cli-{}-{test}", std::process::id()));
        for (name, text) in files {
            let file = path.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

struct Run {
    status: i32,
    out: String,
    err: String,
}

fn run_in(folder: &Path, arguments: &[&str], input: &[u8]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_promql-presets"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that fails early does not read.
    _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    Run {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn run(arguments: &[&str]) -> Run {
    run_in(&env::temp_dir(), arguments, b"")
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn help_and_version() {
    assert!(run(&["--help"]).out.contains("usage: promql-presets <command>"));
    assert_eq!(run(&["-V"]).out, format!("promql-presets {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(run(&["--version"]).status, 0);
    for command in ["check", "parse", "explain", "list", "render"] {
        let help = run(&[command, "--help"]);
        assert!(help.status == 0 && help.out.contains(&format!("usage: promql-presets {command}")), "{command}");
        assert_eq!(run(&[command, "-h"]).out, help.out);
        assert_eq!(run(&["help", command]).out, help.out);
        assert!(run(&["help"]).out.contains(&format!("  {command} ")));
    }
}

#[test]
fn wrong_arguments() {
    for (arguments, message) in [
        (&[][..], "no command given"),
        (&["chek"], "unknown command `chek`; did you mean `check`?"),
        (&["--colour"], "unknown option `--colour`"),
        (&["check", "--formt", "json"], "unknown option `--formt`; did you mean `--format`?"),
        (&["check", "--format", "xml"], "unknown format `xml`, expected `human`, `short` or `json`"),
        (&["check", "--format"], "`--format` needs a value"),
        (&["check", "--deny-warnings=yes"], "`--deny-warnings` takes no value"),
        (&["check", "nowhere"], "cannot read `nowhere`: "),
        (&["parse", "--format", "short"], "unknown format `short`, expected `human` or `json`"),
        (&["parse", "--jsonl", "up"], "`--jsonl` reads standard input"),
        (&["parse", "--jsonl", "--format", "human"], "`--jsonl` writes JSON only"),
        (&["explain", "unknown-ky"], "no check `unknown-ky`; did you mean `unknown-key`?"),
        (&["explain", "syntax", "syntax"], "unexpected argument `syntax`"),
        (&["render"], "no preset given"),
        (&["render", "a", "--label", "job"], "invalid matcher `job`, expected one such as `job=api`"),
        (&["render", "a", "--window", "5 min"], "invalid window: "),
        (&["list", "--dir", "x"], "unknown option `--dir`"),
    ] {
        let run = run(arguments);
        assert_eq!((run.status, run.out.as_str()), (2, ""), "{arguments:?}");
        assert!(run.err.starts_with(&format!("error: {message}")), "{arguments:?}: {}", run.err);
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
fn parse_shows_type_and_tree() {
    let human = run(&["parse", "sum by (job) (rate(up[5m])) > 0"]);
    assert_eq!((human.status, human.err.as_str()), (0, ""));
    assert!(human.out.starts_with("type: vector\nlabels: job?\n\n"), "{}", human.out);
    assert!(run(&["parse", "1 + 1"]).out.starts_with("type: scalar\n\n+ : scalar\n"));
    let doubtful = run(&["parse", "histogram_quantile(0.9, sum by (job) (rate(x_bucket[5m])))"]);
    assert_eq!(doubtful.status, 0);
    assert!(doubtful.out.contains("\n\nwarning[quantile-without-le]: "), "{}", doubtful.out);
    assert!(human.out.contains("\n    rate : vector\n      up[5m] : matrix\n"), "{}", human.out);

    let refused = run(&["parse", "rate(up)"]);
    assert_eq!(refused.status, 1);
    assert!(refused.out.starts_with("error[type-mismatch]: `rate` takes a range vector\n --> query:1:6\n"));

    let input = run_in(&env::temp_dir(), &["parse", "--format", "json"], b"sum(\n  up\n");
    assert_eq!(input.status, 1);
    let answer: Value = serde_json::from_str(&input.out).unwrap();
    assert_eq!(answer["errors"][0]["start"], 3);

    let broken = run_in(&env::temp_dir(), &["parse"], b"\xff");
    assert!(broken.status == 2 && broken.err.starts_with("error: cannot read standard input: "), "{}", broken.err);
}

#[test]
fn parse_answers_in_json() {
    let answers = run(&["parse", "--format", "json", "1", "rate(up)", "\"a\"", "up[5m]"]);
    assert_eq!(answers.status, 1);
    assert_eq!(
        lines(&answers.out),
        [
            r#"{"ok":true,"type":"scalar","errors":[]}"#,
            r#"{"ok":false,"type":null,"errors":[{"message":"`rate` takes a range vector","start":5,"end":7}]}"#,
            r#"{"ok":true,"type":"string","errors":[]}"#,
            r#"{"ok":true,"type":"matrix","errors":[]}"#,
        ]
    );
}

#[test]
fn parse_reads_json_lines() {
    let input = b"\"up\"\n\"\\u0075p\"\nup\n\n\"limitk(1, up)\"";
    let by_default = run_in(&env::temp_dir(), &["parse", "--jsonl"], input);
    let ok = |run: &Run| -> Vec<bool> {
        lines(&run.out).iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["ok"] == true).collect()
    };
    assert_eq!((by_default.status, ok(&by_default)), (1, vec![true, true, false, false, false]));
    let experimental = run_in(&env::temp_dir(), &["parse", "--jsonl", "--experimental"], input);
    assert_eq!(ok(&experimental), [true, true, false, false, true]);
    assert_eq!(run(&["parse", "limitk(1, up)"]).status, 1);
    assert_eq!(run(&["parse", "--experimental", "limitk(1, up)"]).status, 0);
}

#[test]
fn explain_shows_pages() {
    let page = run(&["explain", "unknown-placeholder"]);
    assert_eq!(page.status, 0);
    assert!(page.out.starts_with("# `unknown-placeholder`\n") && page.out.contains("\n## Fix\n"));
    let all = run(&["explain"]);
    assert!(all.out.starts_with("File: "), "{}", all.out);
    assert!(all.out.contains("\n  unused-allow "), "{}", all.out);
    assert!(all.out.contains("\n\nTemplate: ") && all.out.contains("\n\nQuery: ") && all.out.contains("\n\nMeaning: "));
}

#[test]
fn list_shows_presets() {
    let folder = Folder::new("list", &[("presets/http/good.toml", GOOD), ("more/warned.toml", WARNED)]);
    let run = |arguments: &[&str]| run_in(&folder.0, arguments, b"");
    let all = run(&["list", "presets", "more"]);
    assert_eq!((all.status, all.err.as_str()), (0, ""));
    assert_eq!(
        all.out,
        "\
PRESET            TYPE    UNIT                 WINDOW
http::good::rate  vector  requests per second  5m
warned::up        vector  -                    -
"
    );
    assert_eq!(lines(&run(&["list"]).out).len(), 2);
    fs::write(folder.0.join("more/bad.toml"), BAD).unwrap();
    let wrong = run(&["list", "more"]);
    assert!(wrong.status == 1 && wrong.err.contains("promql-presets check"), "{}", wrong.err);
}

#[test]
fn render_shows_promql() {
    let unnamed = "[presets.max]\ntemplate = 'max by ({group_by})({metric_name}{{{labels}}})'\n";
    let folder = Folder::new("render", &[("presets/good.toml", GOOD), ("more/any.toml", unnamed)]);
    let run = |arguments: &[&str]| run_in(&folder.0, arguments, b"");
    let out = |arguments: &[&str]| run(arguments).out;
    assert_eq!(out(&["render", "good::rate"]), "sum by ()(rate(http_requests_total{}[5m]))\n");
    assert_eq!(
        out(&[
            "render",
            "good::rate",
            "--label",
            "job=a\"b",
            "--label=code!=200",
            "--label",
            "code=~5..",
            "--label",
            "x!~y"
        ]),
        "sum by ()(rate(http_requests_total{job=\"a\\\"b\",code!=\"200\",code=~\"5..\",x!~\"y\"}[5m]))\n"
    );
    assert_eq!(
        out(&["render", "good::rate", "--group-by", "job, code", "--group-by", "x", "--window", "90s"]),
        "sum by (job,code,x)(rate(http_requests_total{}[1m30s]))\n"
    );
    assert_eq!(out(&["render", "any::max", "--dir", "more", "--name", "up"]), "max by ()(up{})\n");

    let nameless = run(&["render", "any::max", "--dir", "more"]);
    assert_eq!((nameless.status, nameless.out.as_str()), (1, ""));
    assert_eq!(nameless.err, "error: the querier names no metric, but the template has `{metric_name}`\n");
    let unknown = run(&["render", "good::rat"]);
    assert_eq!(
        (unknown.status, unknown.err.as_str()),
        (2, "error: no preset `good::rat`; did you mean `good::rate`?\n")
    );
    fs::write(folder.0.join("presets/bad.toml"), BAD).unwrap();
    let bad = run(&["render", "bad::up"]);
    assert!(bad.status == 1 && bad.out.starts_with("error[unknown-placeholder]"), "{}", bad.out);
    assert_eq!(run(&["render", "good::rate"]).status, 0);
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_promql-presets"))
        .args(["parse", "--jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    _ = child.stdin.take().unwrap().write_all("\"up\"\n".repeat(10_000).as_bytes());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
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
    for path in ["presets/sub", "presets/sub/deep/", "./presets/sub/../sub/deep/a.toml", "presets/sub/deep/../../sub"] {
        assert_eq!(check(path), all, "{path}");
    }
    assert_eq!(check("presets/schema.toml"), (0, String::new()));
    let inside = run_in(&folder.0.join("presets/sub"), &["check", "--format", "short", "."], b"");
    assert!(inside.out.starts_with("../sub/deep/a.toml:2:"), "{}", inside.out);
    let inside = run_in(&folder.0.join("presets/sub/deep"), &["check", "--format", "short", "a.toml"], b"");
    assert!(inside.out.starts_with("a.toml:2:"), "{}", inside.out);
    let inside = run_in(&folder.0.join("presets/sub/deep"), &["check", "--format", "short", ".."], b"");
    assert!(inside.out.starts_with("../../sub/deep/a.toml:2:"), "{}", inside.out);
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
