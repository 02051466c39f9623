//! `check`: standard input, formats for CI, and `--watch`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::{BAD, Folder, GOOD, WARNED, run_in};

const SCHEMA: &str = "[metric]\nname = \"jobs\"\ntype = \"counter\"\n[labels]\nqueue = \"string\"\n";
const WRONG: &str = "[presets.a]\ntemplate = 'sum by (queue) (rate(jobs{{queu=\"a\",{labels}}}[5m]))'\n";

#[test]
fn a_text_takes_the_place_of_its_file() {
    let folder = Folder::new(
        "stdin",
        &[
            ("presets/schema.toml", SCHEMA),
            ("presets/sub/a.toml", "presets.b.template = 'rate(jobs{{{labels}}}[5m])'\n"),
            ("promql.toml", ""),
        ],
    );
    let check = |at: &str, path: &str, text: &str| {
        let run = run_in(&folder.0.join(at), &["check", "-", "--format", "short", "--path", path], text.as_bytes());
        (run.status, run.out + &run.err)
    };
    let place = |path: &str| format!("{path}:2:40: error: `jobs` has no label `queu` [undeclared-label]\n");
    for (at, path) in
        [("", "presets/sub/a.toml"), ("", "presets/sub/new.toml"), ("presets/sub", "a.toml"), ("presets", "sub/a.toml")]
    {
        let (status, text) = check(at, path, WRONG);
        assert!(status == 1 && text.starts_with(&place(path)) && text.lines().count() == 1, "{path}: {status} {text}");
        assert_eq!(check(at, path, "presets.b.template = 'rate(jobs{{{labels}}}[5m])'"), (0, String::new()), "{path}");
    }
    // Only findings about the text are shown.
    fs::write(folder.0.join("presets/sub/a.toml"), WRONG).unwrap();
    assert_eq!(check("", "presets/schema.toml", SCHEMA), (0, String::new()));
    let settings = check("", "promql.toml", "[policy]\nrequire_label = []\n");
    assert!(settings.1.starts_with("promql.toml:2:1: error: unknown key `require_label`"), "{settings:?}");
    // A file outside of folders of presets, or in one that does not exist, is compiled alone.
    assert_eq!(check("", "elsewhere/a.toml", WRONG), (0, String::new()));
    let alone = run_in(&folder.0, &["check", "-"], BAD.as_bytes());
    assert!(alone.status == 1 && alone.out.contains("\n --> <stdin>:2:48\n"), "{}", alone.out);
    assert_eq!(alone.err, "1 file, 1 preset: 1 error\n");
    let latin = run_in(&folder.0, &["check", "-", "--format", "short"], b"presets.a.template = '\xe9{{{labels}}}'\n");
    assert!(latin.out.starts_with("<stdin>:1:23: error: "), "{}", latin.out);
    for (arguments, message) in [
        (&["check", "--path", "a.toml"][..], "error: `--path` names a text from standard input\n"),
        (&["check", "-", "--watch"], "error: standard input cannot be watched\n"),
        (&["check", "-", "--path", "a.txt"], "error: `a.txt` is not the path of a preset file\n"),
    ] {
        let run = run_in(&folder.0, arguments, b"");
        assert!(run.status == 2 && run.err.starts_with(message), "{}", run.err);
    }
}

#[test]
fn a_folder_without_presets_fails() {
    let folder = Folder::new(
        "no-presets",
        &[("presets/notes.txt", ""), ("a/notes.md", ""), ("b/a.toml", GOOD), ("c/schema.toml", SCHEMA)],
    );
    for (path, shown) in [("presets", "presets"), ("a", "a"), ("./a/", "./a/")] {
        let run = run_in(&folder.0, &["check", path, "b"], b"");
        assert_eq!((run.status, run.out.as_str()), (1, ""), "{path}");
        let expected =
            format!("error: no preset files in `{shown}`\n  |\n  = help: write one with `promql-presets new");
        assert!(run.err.starts_with(&expected), "{}", run.err);
    }
    assert_eq!(run_in(&folder.0, &["check"], b"").status, 1);
    for path in ["b", "c"] {
        assert_eq!(run_in(&folder.0, &["check", path], b"").status, 0, "{path}");
    }
}

#[test]
fn annotations_of_github() {
    let broken = "[presets.up]\ntemplate = '''\nrate(\n  a{{{labels}}}\n+ b{{{labels}}}\n)'''\n";
    let folder =
        Folder::new("github", &[("presets/a,b.toml", BAD), ("presets/c.toml", broken), ("presets/d.toml", WARNED)]);
    let run = run_in(&folder.0, &["check", "--format", "github"], b"");
    assert_eq!(run.status, 1);
    let lines = [
        "::error file=presets/a%2Cb.toml,line=1,endLine=1,col=1,endColumn=1,title=invalid-name::invalid name of a preset \
         file: `presets/a,b.toml`: a name is a letter, then letters, digits, `_` and `-`%0Ahelp: rename it to \
         `a_b.toml`%0Anote: the names of the file and of its folders become modules of Rust",
        "::error file=presets/a%2Cb.toml,line=2,endLine=2,col=48,endColumn=53,title=unknown-placeholder::unknown placeholder \
         `windw`: not a placeholder%0Ahelp: a placeholder with a similar name exists: `window`",
        "::error file=presets/c.toml,line=4,endLine=5,title=type-mismatch::`rate` takes a range vector: this is an instant \
         vector%0Ahelp: write `rate(a{{{labels}}}[{window}])%0A+ rate(b{{{labels}}}[{window}])`",
        "::warning file=presets/d.toml,line=3,endLine=3,col=23,endColumn=44,title=unused-allow::`allow` of \
         `unfiltered-selector` silences nothing: no such finding in this preset%0Ahelp: remove the entry",
    ];
    assert_eq!(run.out.lines().collect::<Vec<_>>(), lines);
    assert_eq!(run.err, "3 files, 3 presets: 3 errors, 1 warning\n");
}

#[test]
fn a_log_in_sarif() {
    let wide = "[presets.up]\ntemplate = 'sum by (job)(😀{{{labels}}}) + up{{job=\"a\",{lables}}}' # é\n";
    let folder = Folder::new("sarif", &[("presets/é/a.toml", wide)]);
    let run = run_in(&folder.0, &["check", "--format", "sarif"], b"");
    let log: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.status, run.err.as_str(), &log["version"]), (1, "", &json!("2.1.0")));
    let run = &log["runs"][0];
    assert_eq!(run["columnKind"], "utf16CodeUnits");
    let results = run["results"].as_array().unwrap();
    let result = results.iter().find(|result| result["ruleId"] == "unknown-placeholder").unwrap();
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(rules.iter().all(|rule| results.iter().any(|result| result["ruleId"] == rule["id"])), "{rules:?}");
    let rule = rules.iter().find(|rule| rule["id"] == result["ruleId"]).unwrap();
    assert!(rule["help"]["markdown"].as_str().unwrap().starts_with("# `unknown-placeholder`"), "{rule}");
    let region = |start: u32, end: u32| json!({ "startLine": 2, "startColumn": start, "endLine": 2, "endColumn": end });
    let uri = json!({ "uri": "presets/%C3%A9/a.toml" });
    assert_eq!(
        *result,
        json!({
            "ruleId": "unknown-placeholder", "level": "error",
            "message": { "text": "unknown placeholder `lables`: not a placeholder\nhelp: a placeholder with a similar name exists: `labels`" },
            "locations": [{ "physicalLocation": { "artifactLocation": uri, "region": region(57, 63) } }],
            "fixes": [{
                "description": { "text": "a placeholder with a similar name exists: `labels`" },
                "artifactChanges": [{
                    "artifactLocation": uri,
                    "replacements": [{ "deletedRegion": region(57, 63), "insertedContent": { "text": "labels" } }],
                }],
            }],
        })
    );
    let clean =
        run_in(&Folder::new("sarif-clean", &[("presets/a.toml", GOOD)]).0, &["check", "--format", "sarif"], b"");
    let log: Value = serde_json::from_str(&clean.out).unwrap();
    assert_eq!((clean.status, &log["runs"][0]["results"]), (0, &json!([])));
}

#[test]
fn fixes_in_sarif() {
    let text = "[presets.a]\ntemplate = 'rate(x_total{{{labels}}}[{windw}])'\n\n[presets.b]\ntemplate = 'rate(up{{{labels}}}[5m])'\n";
    let metrics = "[up]\ntype = \"gauge\"\n[x_total]\ntype = \"counter\"\n";
    let folder = Folder::new("sarif-fixes", &[("presets/a.toml", text), ("metrics.toml", metrics)]);
    let run = run_in(&folder.0, &["check", "--format", "sarif"], b"");
    let log: Value = serde_json::from_str(&run.out).unwrap();
    let fixes = |result: &Value| {
        let replacements = result["fixes"][0]["artifactChanges"][0]["replacements"].as_array().unwrap();
        let replacement =
            |it: &Value| (it["deletedRegion"]["startLine"].clone(), it["insertedContent"]["text"].clone());
        replacements.iter().map(replacement).collect::<Vec<_>>()
    };
    let results = log["runs"][0]["results"].as_array().unwrap();
    let found: Vec<_> = results.iter().map(|result| (result["ruleId"].as_str().unwrap(), fixes(result))).collect();
    // Two edits, and one that comes from the code in the help.
    let window = vec![(json!(2), json!("window")), (json!(3), json!("window = \"5m\"\n"))];
    let deriv = vec![(json!(5), json!("deriv(up{{{labels}}}[5m])"))];
    assert_eq!(found, [("unknown-placeholder", window), ("rate-on-gauge", deriv)]);
}

#[test]
fn other_places_in_sarif() {
    let snapshot = "[http_requests_total]\ntype = \"gauge\"\nlabels = []\n";
    let folder = Folder::new("sarif-places", &[("presets/b.toml", GOOD), ("metrics.toml", snapshot)]);
    let run = run_in(&folder.0, &["check", "--format", "sarif"], b"");
    let log: Value = serde_json::from_str(&run.out).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let conflict = results.iter().find(|result| result.get("relatedLocations").is_some()).unwrap();
    let place = &conflict["relatedLocations"][0]["physicalLocation"];
    let uri = &place["artifactLocation"]["uri"];
    assert_eq!((uri, &place["region"]["startLine"]), (&json!("metrics.toml"), &json!(2)), "{conflict}");
}

#[test]
fn changes_are_checked_again() {
    let folder = Folder::new("watch", &[("presets/a.toml", GOOD)]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_promql-presets"))
        .args(["check", "--watch"])
        .current_dir(&folder.0)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert_eq!(next(), "1 file, 1 preset: no findings");
    fs::write(folder.0.join("presets/a.toml"), BAD).unwrap();
    assert_eq!(next(), "1 file, 1 preset: 1 error");
    fs::create_dir(folder.0.join("presets/new")).unwrap();
    fs::write(folder.0.join("presets/new/b.toml"), GOOD).unwrap();
    assert_eq!(next(), "2 files, 2 presets: 1 error");
    fs::remove_file(folder.0.join("presets/a.toml")).unwrap();
    assert_eq!(next(), "1 file, 1 preset: no findings");
    fs::rename(folder.0.join("presets"), folder.0.join("gone")).unwrap();
    let failure = next();
    assert!(failure.starts_with("error: cannot read `presets`: "), "{failure}");
    assert_eq!([next(), next()], ["  |", "  = help: `promql-presets init` makes a folder, and `--dir` names another"]);
    fs::rename(folder.0.join("gone"), folder.0.join("presets")).unwrap();
    fs::write(folder.0.join("presets/new/b.toml"), WARNED).unwrap();
    assert_eq!(next(), "1 file, 1 preset: 1 warning");
    child.kill().unwrap();
    child.wait().unwrap();
}
