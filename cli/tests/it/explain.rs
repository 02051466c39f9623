//! `explain` of queries and presets.

use promql_presets_test_support::{Dataset, prometheus};
use serde_json::{Value, json};

use crate::{BAD, Folder, GOOD, lines, run, run_in};

#[test]
fn a_query_in_words() {
    let run = run(&["explain", "sum by (job) (rate((up{env=\"a\"}[5m]))) > 0.5"]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    assert_eq!(
        run.out,
        "\
>
│  series of the left side where the left value is greater than the right one
│  vector, labels: job?
├─ sum by (job)
│  │  sum, one series for each value of `job`
│  │  vector, labels: job?
│  └─ rate
│     │  per-second rate over 5 minutes
│     │  vector, labels: env, ... but not __name__
│     └─ up{env=\"a\"}[5m]
│           samples of the last 5 minutes of each series of `up` where `env` is `a`
│           matrix, labels: __name__, env, ...
└─ 0.5
      a number
      scalar
"
    );
}

#[test]
fn a_preset_in_words() {
    let folder = Folder::new("explain", &[("presets/http.toml", GOOD), ("presets/bad.toml", BAD)]);
    let run = |arguments: &[&str]| run_in(&folder.0, &[&["explain"], arguments].concat(), b"");
    let options = ["http::rate", "--label", "code=~5..", "--group-by", "job", "--window", "1m"];
    let human = run(&options);
    let query = "sum by (job)(rate(http_requests_total{code=~\"5..\"}[1m]))";
    assert!(human.status == 0 && human.out.starts_with(&format!("{query}\n\nsum by (job)\n")), "{}", human.out);
    assert!(
        human.out.contains(
            "samples of the last 1 minute of each series of `http_requests_total` where `code` matches `5..`"
        )
    );
    let objects = run(&[&options[..], &["--format", "json"]].concat()).out;
    let objects: Vec<Value> = lines(&objects).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 3);
    assert_eq!(
        objects[1],
        json!({
            "depth": 1, "node": "rate", "query": "rate(http_requests_total{code=~\"5..\"}[1m])", "type": "vector",
            "labels": "code, ... but not __name__", "meaning": "per-second rate over 1 minute",
        })
    );
    let bad = run(&["bad::up"]);
    assert!(bad.status == 1 && bad.out.is_empty() && bad.err.starts_with("error[unknown-placeholder]"), "{}", bad.err);
}

#[test]
fn what_an_argument_means() {
    let folder = Folder::new("explain-names", &[("presets/http.toml", GOOD)]);
    let run = |arguments: &[&str]| run_in(&folder.0, &[&["explain"], arguments].concat(), b"");
    assert!(run(&["syntax"]).out.starts_with("# `syntax`"));
    assert!(run(&["(syntax)"]).out.starts_with("syntax\n   latest sample of each series of `syntax`\n"));
    assert!(run(&["a-b"]).out.starts_with("-\n│  left side minus right side"));
    let unknown = run(&["http::rat"]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.err.contains("a preset with a similar name exists: `http::rate`"), "{}", unknown.err);
    for (name, help) in [("web::rate", "write its module: `http::rate`"), ("a::b", "`promql-presets list` shows them")]
    {
        let unknown = run(&[name]);
        let expected = format!("error: no preset `{name}`\n  |\n  = help: {help}");
        assert!(unknown.status == 2 && unknown.err.starts_with(&expected), "{}", unknown.err);
    }
    let module = run(&["http"]);
    assert!(
        module.status == 2 && module.err.starts_with("error: `http` is a module, not a preset\n"),
        "{}",
        module.err
    );
    let wrong = run(&["rate(up)"]);
    assert!(
        wrong.status == 1 && wrong.out.is_empty() && wrong.err.starts_with("error[type-mismatch]"),
        "{}",
        wrong.err
    );
    let options = run(&["up", "--label", "a=b"]);
    assert!(options.status == 2 && options.err.starts_with("error: the options of `render` need a preset\n"));
    // No folder of presets is needed.
    let empty = Folder::new("explain-alone", &[("a/b", "")]);
    assert_eq!(run_in(&empty.0, &["explain", "up"], b"").status, 0);
}

#[test]
fn series_of_each_node() {
    let Some(server) = prometheus::shared() else { return };
    let at = Dataset::of_tests().end().to_string();
    let query =
        "sum by (endpoint) (rate(backendai_api_request_count_total[5m])) > on () group_left () vector(1e9) # all";
    let run = run(&["explain", query, "--url", server.url(), "--at", &at, "--format", "json"]);
    assert_eq!((run.status, run.err.as_str()), (0, ""), "{}", run.out);
    let objects: Vec<Value> = lines(&run.out).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let series: Vec<(&str, Option<u64>)> =
        objects.iter().map(|node| (node["node"].as_str().unwrap(), node["series"].as_u64())).collect();
    assert_eq!(series[0].1, Some(0), "{series:?}");
    assert_eq!(series[1], ("sum by (endpoint)", Some(4)), "{series:?}");
    assert!(series[2].1 == series[3].1 && series[3].1 > Some(4), "{series:?}");
    assert_eq!(series[4..], [("vector", Some(1)), ("1000000000", None)], "{series:?}");
    // The message about a rejected query is shown at its node.
    let name = "backendai_api_request_count_total";
    let rejected = crate::run(&["explain", &format!("{name} + on () {name}"), "--url", server.url(), "--at", &at]);
    assert_eq!(rejected.status, 1);
    assert!(rejected.out.contains("\n│  vector, labels: none\n│  not counted: query at "), "{}", rejected.out);
    assert!(rejected.out.contains(" series, labels: __name__, ...\n"), "{}", rejected.out);
    let unreachable = crate::run(&["explain", "up", "--url", "http://127.0.0.1:9", "--timeout", "1s"]);
    assert_eq!((unreachable.status, unreachable.out.as_str()), (2, ""));
}
