//! `import`: each file in `tests/import` with the report and the files that it becomes.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::{Folder, Run, run_in};

/// The files below a folder, by name, with their texts.
fn files(folder: &Path) -> Vec<(String, String)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let read = |path: std::path::PathBuf| {
        (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(path).unwrap())
    };
    let mut files: Vec<_> = entries.map(|entry| read(entry.unwrap().path())).collect();
    files.sort();
    files
}

fn import(folder: &Folder, arguments: &[&str]) -> Run {
    run_in(&folder.0, &[&["import"], arguments].concat(), b"")
}

#[test]
fn every_shape_becomes_files_that_pass() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import");
    let update = std::env::var_os("UPDATE_SNAPSHOTS").is_some();
    assert!(!update || std::env::var_os("CI").is_none(), "snapshots are not updated on CI");
    let is_snapshot = |name: &str| Path::new(name).extension().is_some_and(|extension| extension == "txt");
    let inputs = files(&fixtures).into_iter().filter(|(name, _)| !is_snapshot(name));
    let mut count = 0;
    for (name, text) in inputs {
        count += 1;
        let folder = Folder::new("import", &[(&name, &text)]);
        let run = import(&folder, &[&name]);
        let mut shown = format!("exit status: {}\n{}{}", run.status, run.out, run.err);
        for (file, text) in files(&folder.0.join("presets")) {
            shown.extend(["\n==> presets/", &file, "\n", &text]);
        }
        let snapshot = fixtures.join(&name).with_extension("txt");
        if update {
            fs::write(&snapshot, &shown).unwrap();
        }
        assert_eq!(shown, fs::read_to_string(&snapshot).unwrap(), "{name}");
        for command in [&["check", "--deny-warnings"][..], &["fmt", "--check"]] {
            let run = run_in(&folder.0, command, b"");
            assert_eq!(run.status, 0, "{name}\n{}", run.out);
        }
    }
    assert!(count >= 5, "{count}");
}

#[test]
fn groupings_become_those_of_the_caller() {
    let expr = |expr: &str| json!({ "title": "Panel", "targets": [{ "refId": "A", "expr": expr }] });
    let panels = [
        "sum by (job, instance) (up) / on (job) count by (job) (up)",
        "count(count by (job) (up))",
        "histogram_quantile(0.9, sum by (le, job) (rate(x_bucket[5m])))",
        "sum without (job) (up) + sum(up)",
        "max by (quantile, Job, job) (x)",
        "sum by (job) (label_replace(count by (version) (up), \"job\", \"x\", \"version\", \".*\"))",
        "sum by (job) (a) / on (job) (sum by (job) (b) + sum by (job) (c))",
        "sum by (job, code) (a) / ignoring (code) group_left () sum by (job) (b)",
        "sum by (job) (a) / on () group_left () sum(b)",
        "a * on (job) group_left () sum by (job) (b)",
    ];
    let board = json!({ "title": "Board", "panels": panels.map(expr) }).to_string();
    let folder = Folder::new("import-group-by", &[("board.json", &board)]);
    assert_eq!(import(&folder, &["board.json", "--group-by"]).status, 0);
    let text = &files(&folder.0.join("presets"))[0].1;
    // `Job` and `job` would be one name in Rust.
    assert!(!text.contains("[labels]"));
    assert!(text.contains("\n# the labels are not declared, so that callers can use any: "), "{text}");
    for line in [
        "'max by (quantile, {group_by}) (x{{{labels}}})'",
        "'sum by (job, instance) (up{{{labels}}}) / on (job) count by (job) (up{{{labels}}})'",
        "'count(count by (job) (up{{{labels}}}))'",
        "'histogram_quantile(0.9, sum by (le, {group_by}) (rate(x_bucket{{{labels}}}[5m])))'",
        "'sum without (job) (up{{{labels}}}) + sum(up{{{labels}}})'",
        "sum by ({group_by}) (a{{{labels}}})\n/ on ({group_by})\n",
        "# `by (...)` stays: series are matched `ignoring (code)`\n",
        "'sum by ({group_by}) (a{{{labels}}}) / on () group_left () sum(b{{{labels}}})'",
        "# `by (...)` stays: series are matched `on (job)`\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(run_in(&folder.0, &["check", "--deny-warnings"], b"").status, 0);
}

const BOARD: &str =
    r#"{"title": "A board", "panels": [{"title": "Up", "targets": [{"expr": "up"}, {"expr": "up("}]}]}"#;

#[test]
fn a_policy_may_require_descriptions_and_units() {
    let policy = "[policy]\nrequire = [\"description\", \"unit\"]\n";
    let folder = Folder::new("import-policy", &[("board.json", BOARD), ("promql.toml", policy)]);
    let run = import(&folder, &["board.json"]);
    assert!(run.out.contains("  up_1: the unit is not in the file: replace `unknown`\n"), "{}", run.out);
    let check = run_in(&folder.0, &["check", "--deny-warnings"], b"");
    assert_eq!(check.status, 0, "{}", check.out);
}

#[test]
fn files_that_exist_are_kept() {
    let folder = Folder::new("import-force", &[("board.json", BOARD), ("presets/a_board.toml", "mine")]);
    let run = import(&folder, &["board.json"]);
    assert_eq!(run.status, 2);
    assert!(
        run.err.starts_with("error: `presets/a_board.toml` exists\n  |\n  = help: use another folder"),
        "{}",
        run.err
    );
    assert_eq!(files(&folder.0.join("presets"))[0].1, "mine");
    assert_eq!(import(&folder, &["board.json", "--dir", "other/folder"]).status, 1);
    assert_eq!(files(&folder.0.join("other/folder")).len(), 1);
    assert_eq!(import(&folder, &["board.json", "--force"]).status, 1);
    assert!(files(&folder.0.join("presets"))[0].1.starts_with("# Imported from board.json."));
}

#[test]
fn files_pass_beside_those_of_the_folder() {
    let gauge = "[metric]\nname = 'load'\ntype = 'gauge'\n[labels]\njob = 'string'\n";
    let board = BOARD.replace("\"up\"", "\"rate(load[5m])\"");
    let preset = r#"{"query_template": "rate({metric_name}{{{labels}}}[{window}])", "metric_name": "up", "name": "rate", "time_window": "soon"}"#;
    let files = [
        ("presets/load.toml", gauge),
        ("board.json", &board),
        ("rules.yaml", "groups: [{name: a, rules: [{record: a, expr: up}]}]"),
        ("preset.json", preset),
    ];
    let folder = Folder::new("import-beside", &files);
    let run = import(&folder, &["board.json", "rules.yaml", "preset.json"]);
    assert!(run.out.contains("  up_1: allowed `rate-on-gauge`: `rate` of a gauge\n"), "{}", run.out);
    assert!(run.out.contains("  rate: the window became `5m`: `soon` is not a duration\n"), "{}", run.out);
    let check = run_in(&folder.0, &["check"], b"");
    assert_eq!((check.status, check.out.as_str()), (0, ""));
    let text = fs::read_to_string(folder.0.join("presets/up.toml")).unwrap();
    assert!(text.contains("window      = \"5m\"\n"), "{text}");
}

#[test]
fn a_variable_in_a_grouping_declares_its_labels() {
    let board = |by: &str| {
        let list = json!([
            { "name": "by", "type": "custom", "query": "Path : path, method",
              "current": { "value": ["code"] }, "options": [{ "value": "$__all" }, { "value": "method" }] },
            { "name": "other", "type": "query", "query": "label_names()" },
        ]);
        let expr = format!("sum by (${by}) (up{{job=\"$job\"}})");
        let panels = json!([{ "title": "Up", "targets": [{ "expr": expr }] }]);
        json!({ "title": "Board", "templating": { "list": list }, "panels": panels }).to_string()
    };
    let folder = Folder::new("import-labels", &[]);
    fs::create_dir_all(&folder.0).unwrap();
    let imported = run_in(&folder.0, &["import", "-"], board("{by:csv}").as_bytes());
    assert_eq!((imported.status, imported.out.as_str()), (0, "presets/board.toml: 1 preset\n"), "{}", imported.err);
    let rendered = folder.run("render board::up --group-by path,method,code --label job=api");
    assert_eq!(rendered.out, "sum by (path,method,code) (up{job=\"api\"})\n", "{}", rendered.err);
    let unknown = run_in(&folder.0, &["import", "-", "--force"], board("other").as_bytes());
    let note = "  up: `$other` became `{group_by}`: its labels are not in the file; add them to `[labels]`\n";
    assert!(unknown.out.contains(note), "{}", unknown.out);
}

#[test]
fn variables_in_matchings_are_not_the_callers_grouping() {
    let variables = json!([
        { "name": "by", "type": "custom", "current": { "value": "zone" } },
        { "name": "none", "type": "query", "query": "label_names()" },
    ]);
    let panel = |expr: &str| json!({ "title": "Rate of $by", "targets": [{ "expr": expr }] });
    let panels = [
        "sum by ($by) (a) / on ($by) sum by ($by) (b)",
        "a / ignoring ($none) b",
        "a * on (job) group_left (${by:csv}) b",
    ];
    let board = json!({ "title": "Board", "templating": { "list": variables }, "panels": panels.map(panel) });
    let folder = Folder::new("import-matching", &[("board.json", &board.to_string())]);
    let run = import(&folder, &["board.json"]);
    let reason = "stands for labels that series are matched by, or that are copied";
    let expected = format!(
        "presets/board.toml: 1 preset\n  rate: the title was `Rate of $by`\n  rate: `$by` became its value, `zone`\n  \
         not imported: panel `Rate of $by`: the variable `$none` {reason}\n  \
         not imported: panel `Rate of $by`: the variable `${{by:csv}}` {reason}\n"
    );
    assert_eq!(run.out, expected);
    let text = folder.read("presets/board.toml");
    assert!(text.contains("sum by (zone) (a{{{labels}}}) / on (zone) sum by (zone) (b{{{labels}}})"), "{text}");
}

#[test]
fn queries_outside_of_panels_are_not_lost() {
    let prometheus = json!({ "type": "prometheus" });
    let board = json!({
        "title": "Board",
        "panels": [],
        "annotations": { "list": [
            { "name": "Annotations & Alerts", "datasource": "-- Grafana --", "builtIn": 1 },
            { "name": "Deploys", "datasource": prometheus, "target": { "expr": "changes(up[5m]) > 0" } },
            { "name": "Nothing", "datasource": prometheus, "target": {} },
        ] },
        "templating": { "list": [
            { "name": "top", "type": "query", "query": { "query": "query_result(topk(5, up))", "refId": "A" } },
            { "name": "job", "type": "query", "query": "label_values(up, job)" },
        ] },
    });
    let folder = Folder::new("import-annotations", &[("board.json", &board.to_string())]);
    let run = import(&folder, &["board.json"]);
    assert_eq!(
        run.out,
        "presets/board.toml: 1 preset\n  \
         not imported: variable `top`: a query for the values of a variable\n  \
         not imported: annotation `Nothing`: no query\n"
    );
    assert_eq!(run.err, "1 of 3 queries imported into 1 file\n");
    assert!(folder.read("presets/board.toml").contains("changes(up{{{labels}}}[5m]) > 0"));
}

#[test]
fn files_of_one_name_get_numbers() {
    let folder = Folder::new("import-names", &[("a.json", BOARD), ("b.json", &BOARD.replace("A board", "a-board"))]);
    let run = import(&folder, &["a.json", "b.json", "--format", "json"]);
    let lines: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = |place: &str, query: &str, preset: Option<&str>, reason: Option<&str>| {
        let file = preset.map(|_| "presets/a_board_2.toml");
        json!({
            "source": "b.json", "place": place, "query": query, "file": file, "preset": preset, "reason": reason, "notes": []
        })
    };
    assert_eq!(lines[0]["file"], "presets/a_board.toml");
    assert_eq!(
        lines[2..],
        [
            line("panel `Up`, query 1", "up", Some("up_1"), None),
            line("panel `Up`, query 2", "up(", None, Some("not PromQL: unclosed `(`")),
        ]
    );
    assert_eq!((run.status, run.err.as_str()), (1, ""));
}

#[test]
fn unreadable_files_are_failures() {
    let folder = Folder::new(
        "import-failures",
        &[
            ("bad.json", "{\"panels\": ["),
            ("bad.yaml", "groups: [a: b: c]"),
            ("other.yaml", "scrape_configs: []"),
            ("empty.json", ""),
            ("helm.yaml", "{{- if .Values.rules }}\ngroups: []\n{{- end }}\n"),
            ("none.json", r#"{"title": "Empty", "panels": []}"#),
        ],
    );
    for (file, message) in [
        ("bad.json", "error: cannot read `bad.json`: EOF while parsing a list at line 1 column 12\n"),
        ("bad.yaml", "error: cannot read `bad.yaml`: "),
        ("other.yaml", "error: nothing to import in `other.yaml`\n  |\n  = help: a file holds "),
        ("empty.json", "error: nothing to import in `empty.json`\n"),
        (
            "helm.yaml",
            "error: cannot read `helm.yaml`: key must be a string at line 1 column 2\n  |\n  = help: it looks like a template of Helm",
        ),
        ("missing.json", "error: cannot read `missing.json`: "),
    ] {
        let run = import(&folder, &[file]);
        assert!(run.status == 2 && run.err.starts_with(message), "{file}: {}", run.err);
        assert!(!folder.0.join("presets").exists());
    }
    let run = import(&folder, &["none.json"]);
    assert_eq!((run.status, run.out.as_str()), (0, "presets/empty.toml: not written, since there are no presets\n"));
}

#[test]
fn only_the_first_of_several_values_is_noted() {
    let board = json!({
        "title": "Board",
        "templating": { "list": [{ "name": "by", "type": "custom", "current": { "value": ["job", "instance"] } }] },
        "panels": [{ "title": "Ratio", "targets": [{ "expr": "a / on ($by) b" }] }],
    });
    let folder = Folder::new("import-several", &[("board.json", &board.to_string())]);
    let run = import(&folder, &["board.json"]);
    assert!(run.out.contains("  ratio: `$by` became the first of its values, `job`\n"), "{}", run.out);
}

#[test]
fn queries_without_a_text_are_reported() {
    let target = json!({ "refId": "A", "datasource": { "type": "cloudwatch" }, "metricName": "CPUUtilization" });
    let board = json!({ "title": "Board", "panels": [{ "title": "CPU", "targets": [target, { "expr": "up" }] }] });
    let folder = Folder::new("import-no-text", &[("board.json", &board.to_string())]);
    let run = import(&folder, &["board.json"]);
    assert_eq!(run.status, 1);
    assert!(run.out.contains("a query of the data source `cloudwatch`, which is not Prometheus"), "{}", run.out);
}

#[test]
fn the_meaning_of_matchers_on_variables_is_kept_or_noted() {
    let variables = json!([
        { "name": "a", "type": "custom", "current": { "value": "api" } },
        { "name": "b", "type": "custom", "current": { "value": "web" } },
        { "name": "node", "type": "query", "query": "label_values(up, instance)" },
        { "name": "other", "type": "query", "query": "label_values(up, instance)" },
    ]);
    let excludes = |matcher: &str, operator: &str| {
        format!("`{matcher}` became a filter of the caller, who excludes series with `{operator}`")
    };
    let value = |name: &str, value: &str| format!("`${name}` became its value, `{value}`");
    let cases = [
        (r#"sum(up{instance!~"$node"})"#, "sum(up{{{labels}}})", vec![excludes(r#"instance!~"$node""#, "!~")]),
        (r#"up{job!="${a:regex}.*"}"#, "up{{{labels}}}", vec![excludes(r#"job!="${a:regex}.*""#, "!=")]),
        (
            r#"up{instance=~"$node",instance!="$other"} / down{instance=~"[[node]]",instance!="$other"}"#,
            "up{{{labels}}} / down{{{labels}}}",
            vec![excludes(r#"instance!="$other""#, "!=")],
        ),
        (
            r#"sum(up{job="$a"}) / sum(up{job!="$a"})"#,
            r#"sum(up{{job="api",{labels}}}) / sum(up{{job!="api",{labels}}})"#,
            vec![value("a", "api")],
        ),
        (
            r#"sum(up{job!="$a"}) / sum(up)"#,
            r#"sum(up{{job!="api",{labels}}}) / sum(up{{{labels}}})"#,
            vec![value("a", "api")],
        ),
        (
            r#"sum(up{job="$a"}) / sum(up{job="$b"})"#,
            r#"sum(up{{job="api",{labels}}}) / sum(up{{job="web",{labels}}})"#,
            vec![value("a", "api"), value("b", "web")],
        ),
        (
            r#"up{job=~"$a"} / down"#,
            "up{{{labels}}} / down{{{labels}}}",
            vec![r#"`job=~"$a"` became a filter of the caller, which also holds for `down`"#.to_owned()],
        ),
        (r#"up{job=~"$a",job!=""} / down{job=~"$a"}"#, r#"up{{job!="",{labels}}} / down{{{labels}}}"#, vec![]),
    ];
    let refused = r#"sum(up{instance!="$node"}) / sum(up)"#;
    let panels = cases.iter().map(|(query, ..)| *query).chain([refused]);
    let panel = |expr: &str| json!({ "title": "Panel", "targets": [{ "expr": expr }] });
    let panels: Vec<Value> = panels.map(panel).collect();
    let board = json!({ "title": "Board", "templating": { "list": variables }, "panels": panels });
    let folder = Folder::new("import-filters", &[("board.json", &board.to_string())]);
    let run = import(&folder, &["board.json", "--format", "json"]);
    let lines: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let text = folder.read("presets/board.toml");
    for (line, (query, template, notes)) in lines.iter().zip(&cases) {
        assert_eq!(line["notes"], json!(notes), "{query}");
        assert!(text.contains(&format!("'{template}'")), "{query}\n{text}");
        assert!(notes.iter().all(|note| text.contains(&format!("# {note}\n"))), "{query}\n{text}");
    }
    let reason = "`instance!=\"$node\"` is not in all selectors, as filters of callers are, and its variable has no \
                  value in the file";
    assert_eq!(lines.last().unwrap()["reason"], reason);
    assert!(text.contains(&format!("# Not imported: panel `Panel`: {reason}\n#   {refused}\n")), "{text}");
    assert_eq!(folder.run("check").status, 0);
}

#[test]
fn declarations_break_no_other_file() {
    let stored = r#"[{"query_template": "sum by ({group_by})({metric_name}{{{labels}}})", "metric_name": "load", "name": "load",
        "options": {"filter_labels": ["pod"], "group_labels": ["pod"]}}]"#;
    let other = "[presets.load]\ntemplate = 'sum by (zone) (load{{{labels}}})'\n";
    let folder = Folder::new("import-others", &[("stored.json", stored), ("presets/other.toml", other)]);
    let run = import(&folder, &["stored.json"]);
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    assert!(!folder.read("presets/load.toml").contains("[labels]"));
    let note = "  the labels are not declared, so that callers can use any: ";
    assert!(run.out.starts_with(&format!("presets/load.toml: 1 preset\n{note}")), "{}", run.out);
    let json = import(&folder, &["stored.json", "--force", "--format", "json"]);
    assert!(json.out.contains(note.trim()), "{}", json.out);
    let check = folder.run("check");
    assert_eq!(check.status, 0, "{}", check.out);
}

#[test]
fn types_of_labels_are_those_of_the_folder() {
    let stored = r#"[{"query_template": "sum by ({group_by})({metric_name}{{{labels}}})", "metric_name": "load", "name": "load",
        "options": {"filter_labels": ["pod", "zone"], "group_labels": ["zone"]}}]"#;
    let other = "[metric]\nname = \"load\"\ntype = \"gauge\"\n[labels]\npod = \"uuid\"\nzone = [\"a\", \"b\"]\n";
    let folder = Folder::new("import-types", &[("stored.json", stored), ("presets/a.toml", other)]);
    let run = import(&folder, &["stored.json"]);
    assert_eq!((run.status, run.out.as_str()), (0, "presets/load.toml: 1 preset\n"), "{}", run.err);
    let labels = "\n[labels]\npod  = { type = \"uuid\", use = [\"filter\"] }\nzone = [\"a\", \"b\"]\n";
    assert!(folder.read("presets/load.toml").contains(labels), "{}", folder.read("presets/load.toml"));
    let check = folder.run("check");
    assert_eq!(check.status, 0, "{}", check.out);
}
