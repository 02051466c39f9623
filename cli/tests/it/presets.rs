//! `explain`, `list` and `render`.

use std::fs;

use serde_json::{Value, json};

use crate::{BAD, Folder, GOOD, WARNED, lines, run, run_in};

#[test]
fn explain_shows_pages() {
    let page = run(&["explain", "unknown-placeholder"]);
    assert_eq!(page.status, 0);
    assert!(page.out.starts_with("# `unknown-placeholder`\n") && page.out.contains("\n## Fix\n"));
    let page = run(&["explain", "unknown-key", "--format", "json"]).out;
    let page: Value = serde_json::from_str(&page).unwrap();
    assert_eq!((page["check"].as_str(), page["severity"].as_str()), (Some("unknown-key"), Some("error")));
    assert!(page["page"].as_str().unwrap().starts_with("# `unknown-key`\n"));
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
PRESET            TYPE    UNIT                 WINDOW  LABELS  DESCRIPTION
http::good::rate  vector  requests per second  5m      any     -
warned::up        vector  -                    -       any     -
"
    );
    assert_eq!(lines(&run(&["list"]).out).len(), 2);
    let objects = run(&["list", "presets", "more", "--format", "json"]).out;
    let objects: Vec<Value> = lines(&objects).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 2);
    assert_eq!(
        objects[0],
        json!({
            "preset": "http::good::rate", "file": "presets/http/good.toml", "line": 5, "title": null, "category": null,
            "description": null, "type": "vector", "unit": "requests per second", "window": "5m",
            "max_window": null, "metric": "http_requests_total", "labels": null, "output_labels": [], "parameters": [],
            "placeholders": ["labels", "group_by", "window"],
            "template": "sum by ({group_by})(rate({metric_name}{{{labels}}}[{window}]))", "tests": [],
        })
    );
    let declared = "metric = { name = \"x\" }\n[labels]\nkind = { values = [\"a\"], required = true, use = [\"filter\"], description = \"d\" }\n\
        [presets.top]\ntitle = \"Top\"\ntemplate = 'topk({n}, {metric_name}{{{labels}}})'\n\
        parameters = { n = { type = \"integer\", default = 5, min = 1, max = 9 } }\n";
    let labels = Folder::new("list-labels", &[("presets/a.toml", declared)]);
    let run_here = |arguments: &[&str]| run_in(&labels.0, arguments, b"").out;
    assert!(run_here(&["list"]).ends_with("\na::top  vector  -     -       kind (required)  Top\n"));
    let object: Value = serde_json::from_str(&run_here(&["list", "--format", "json"])).unwrap();
    assert_eq!(
        object["labels"],
        json!([{
            "name": "kind", "kind": "one_of", "values": ["a"], "required": true, "prefix": null, "description": "d",
            "filter": true, "group_by": false,
        }])
    );
    let n = json!({ "name": "n", "kind": "integer", "default": 5, "min": 1, "max": 9, "description": null });
    assert_eq!(
        object["output_labels"],
        json!([
            { "name": "kind", "required": true },
            { "name": "instance", "required": false },
            { "name": "job", "required": false },
        ])
    );
    assert_eq!((&object["parameters"], object["title"].as_str()), (&json!([n]), Some("Top")));
    assert_eq!(run(&["list", "--dir", "more"]).out, run(&["list", "more"]).out);
    fs::write(folder.0.join("more/bad.toml"), BAD).unwrap();
    let wrong = run(&["list", "more"]);
    assert!(wrong.status == 1 && wrong.err.contains("promql-presets check"), "{}", wrong.err);
}

#[test]
fn render_shows_promql() {
    let unnamed = "[presets.max]\ntemplate = 'max by ({group_by})({metric_name}{{{labels}}})'\n";
    let top = "[presets.top]\ntemplate = 'topk({n}, up{{{labels}}})'\nparameters = { n = { type = \"integer\", default = 5, min = 1 } }\n";
    let files = [("presets/good.toml", GOOD), ("presets/top.toml", top), ("more/any.toml", unnamed)];
    let folder = Folder::new("render", &files);
    let run = |arguments: &[&str]| run_in(&folder.0, arguments, b"");
    let out = |arguments: &[&str]| run(arguments).out;
    assert_eq!(out(&["render", "good::rate"]), "sum by ()(rate(http_requests_total{}[5m]))\n");
    assert_eq!(out(&["render", "top::top", "--param", "n=3"]), "topk(3, up{})\n");
    let twice = run(&["render", "top::top", "--param", "n=3", "--param", "n=4"]);
    assert_eq!(twice.err, "error: invalid value `4` of parameter `n`, which is set already\n");
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

    let as_json = out(&["render", "good::rate", "--format", "json"]);
    assert_eq!(as_json, "{\"preset\":\"good::rate\",\"query\":\"sum by ()(rate(http_requests_total{}[5m]))\"}\n");

    let nameless = run(&["render", "any::max", "--dir", "more"]);
    assert_eq!((nameless.status, nameless.out.as_str()), (1, ""));
    assert_eq!(nameless.err, "error: the querier names no metric, but the template has `{metric_name}`\n");
    let unknown = run(&["render", "good::rat"]);
    assert_eq!(
        (unknown.status, unknown.err.as_str()),
        (2, "error: no preset `good::rat`\n  |\n  = help: a preset with a similar name exists: `good::rate`\n")
    );
    for (name, help) in [("rate", "write its module: `good::rate`"), ("x::yyyyyy", "`promql-presets list` shows them")]
    {
        let message = format!("error: no preset `{name}`\n  |\n  = help: {help}\n");
        assert_eq!(run(&["render", name]).err, message);
    }
    let nowhere = run_in(&folder.0.join("more"), &["check"], b"").err;
    assert!(nowhere.contains("= help: `promql-presets init` makes a folder, and `--dir` names another\n"), "{nowhere}");
    fs::write(folder.0.join("presets/bad.toml"), BAD).unwrap();
    let bad = run(&["render", "bad::up"]);
    assert!(bad.out.is_empty() && bad.status == 1, "{}", bad.out);
    assert!(bad.err.starts_with("error[unknown-placeholder]"), "{}", bad.err);
    assert_eq!(run(&["render", "bad::up", "--format", "json"]).out, "");
    assert_eq!(run(&["render", "good::rate"]).status, 0);
}

#[test]
fn faults_of_tests_do_not_matter_to_a_query() {
    let file = "[presets.a]\ntemplate = 'up{{{labels}}}'\n\
        [[presets.a.tests]]\nnam = \"x\"\nat = \"1m\"\nseries = { up = \"?\" }\nexpect = { '{a=}' = 1 }\n\
        [presets.b]\ntemplate = 'max(up{{{labels}}})'\n\
        [[presets.b.tests]]\nname = \"y\"\nat = \"1m\"\nseries = { down = \"1x2\" }\nexpect = {}\n";
    let folder = Folder::new("render-tests", &[("presets/x.toml", file)]);
    let run = |arguments: &[&str]| run_in(&folder.0, arguments, b"");
    assert!(run(&["check"]).out.contains("error[invalid-test]"));
    for preset in ["x::a", "x::b"] {
        for command in ["render", "explain"] {
            let run = run(&[command, preset]);
            assert_eq!((run.status, run.err.as_str()), (0, ""));
        }
    }
}
