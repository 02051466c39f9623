//! Requests of callers who want more than they may see.

use std::fmt::Write;
use std::time::Duration;

use axum::Router;
use axum::http::request::Parts;
use promql_presets::__private1::{LookBack, Segment};
use promql_presets::presets::{container_utilization as container, prometheus};
use promql_presets::{
    LabelInfo, LabelKind, LabelUse, MatchOp, Matcher, MetricQuerier, ParameterInfo, ParameterValue, Preset, PresetInfo,
    Presets, PromDuration, PrometheusClient, Querier, Timestamp, Vector, Windowed, not, one_of, preset, presets, regex,
    starts_with,
};
use promql_presets_axum::{Access, router};
use promql_presets_testing::{MockPrometheus, series};

use crate::support::{GAUGE, PROJECT, RATE, by_project, get, guarded, open, post};

/// Takes any metric and any label.
const ANY: Preset<dyn MetricQuerier, Vector, Windowed> =
    preset!("sum by ({group_by}) (rate({metric_name}{{{labels}}}[{window}]))", window = "5m", name = "any");
static ANY_PRESETS: [&PresetInfo; 2] = [ANY.info(), UNFILTERED.info()];
const ANY_QUERY: &str = "/presets/any/query";

/// Has a selector without `{labels}`.
const UNFILTERED: Preset<dyn MetricQuerier, Vector> = preset!(
    "{metric_name}{{{labels}}} / on () count(up)",
    name = "unfiltered",
    allow("unfiltered-selector", reason = "what is tested"),
);

fn any(client: PrometheusClient) -> Router {
    router(client, Presets::__new(&ANY_PRESETS)).guard(by_project).build()
}

/// A mock that accepts every query of a preset; what reaches it is looked at.
fn accepting<Q: MetricQuerier + ?Sized, R, W>(preset: Preset<Q, R, W>, metric: &str) -> MockPrometheus {
    let mock = MockPrometheus::start();
    for expectation in [mock.on(preset), mock.on_range(preset)] {
        let expectation = if metric.is_empty() { expectation } else { expectation.metric(metric) };
        expectation.any_labels().any_grouping().any_window().any_parameters().returns(series![]).any_times();
    }
    mock
}

/// Whether a query is limited to the project, whatever else it has.
fn is_limited(matchers: &[Matcher<'static>]) -> bool {
    matchers.iter().any(|m| m.label() == "project_id" && m.op() == MatchOp::Equal && m.value() == Some(PROJECT))
}

#[tokio::test]
async fn conditions_on_the_guarded_label_do_not_widen() {
    let conditions = [
        r#""00000000-0000-0000-0000-000000000002""#,
        r#"{"not": "00000000-0000-0000-0000-000000000001"}"#,
        r#"{"regex": ".*"}"#,
        r#"{"regex": ".*|00000000-0000-0000-0000-000000000002"}"#,
        r#"{"not_regex": "x"}"#,
        r#"{"starts_with": ""}"#,
        r#"{"one_of": ["00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"]}"#,
        r#"{"is": "00000000-0000-0000-0000-000000000001", "regex": "(?i:.*)"}"#,
    ];
    for condition in conditions {
        let body = format!(r#"{{"labels": {{"container_metric_name": "mem", "project_id": {condition}}}}}"#);
        let mock = accepting(container::GAUGE, "");
        let reply = post(&guarded(mock.client()), GAUGE, body).await;
        assert_eq!(reply.status, 200, "{condition}: {reply:?}");
        let calls = mock.calls();
        assert!(is_limited(calls[0].matchers()), "{:?}", calls[0].query());
        assert!(calls[0].matchers().iter().filter(|m| m.label() == "project_id").count() >= 2, "{condition}");
    }
}

#[tokio::test]
async fn grouping_by_the_guarded_label_does_not_widen() {
    let mock = accepting(container::GAUGE, "");
    let body = r#"{"labels": {"container_metric_name": "mem"}, "group_by": ["project_id", "session_id"]}"#;
    assert_eq!(post(&guarded(mock.client()), GAUGE, body).await.status, 200);
    assert!(is_limited(mock.calls()[0].matchers()));
}

#[tokio::test]
async fn values_and_names_are_never_promql() {
    let labels = [
        r#""job": "x\"} or secret{job=\"y""#,
        r#""job": {"regex": "a|b\"} or secret{x=~\".*"}"#,
        r#""job": "\\\" or {__name__=~\".+\"}""#,
        r#""größe": "ü""#,
        r#""a\"b\\": "c""#,
        r#""job=~\".*\"} or secret{x": "y""#,
        r#""pro\u006aect_id": "other""#,
        r#""job": "\u0000\n`'#""#,
    ];
    for label in labels {
        let body = format!(r#"{{"metric": "m", "labels": {{{label}}}, "group_by": ["a) or (b", "ß\n"]}}"#);
        let mock = accepting(ANY, "m");
        let reply = post(&any(mock.client()), ANY_QUERY, body).await;
        assert_eq!(reply.status, 200, "{label}: {reply:?}");
        // The test kit found the preset again, with everything in its holes.
        let calls = mock.calls();
        assert_eq!(calls[0].metric(), Some("m"), "{:?}", calls[0].query());
        assert!(is_limited(calls[0].matchers()), "{:?}", calls[0].query());
        assert_eq!(calls[0].group_by(), ["a) or (b", "ß\n"]);
        assert_eq!(calls[0].matchers().len(), 2);
    }
    let metric = "up{} or secret";
    let mock = accepting(ANY, metric);
    let reply = post(&any(mock.client()), ANY_QUERY, format!(r#"{{"metric": "{metric}"}}"#)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(mock.calls()[0].metric(), Some(metric));
    assert!(is_limited(mock.calls()[0].matchers()));
}

#[tokio::test]
async fn the_name_of_the_metric_is_not_a_label() {
    let mock = MockPrometheus::start();
    for (body, field) in [
        (r#"{"metric": "m", "labels": {"__name__": {"regex": ".+"}}}"#, "labels.__name__"),
        (r#"{"metric": "m", "labels": {"": "x"}}"#, "labels."),
        (r#"{"labels": {"job": "x"}}"#, "metric"),
    ] {
        assert_eq!(post(&any(mock.client()), ANY_QUERY, body).await.problem(), (400, field.to_owned()), "{body}");
    }
    let body = r#"{"metric": "secret", "labels": {"container_metric_name": "mem"}}"#;
    assert_eq!(post(&guarded(mock.client()), GAUGE, body).await.problem(), (400, "metric".to_owned()));
    assert!(mock.calls().is_empty());
}

#[tokio::test]
async fn duplicate_and_unknown_keys_are_refused() {
    let mock = MockPrometheus::start();
    let app = guarded(mock.client());
    for (body, field) in [
        (r#"{"labels": {"container_metric_name": "mem"}, "labels": {}}"#, ""),
        (r#"{"labels": {"container_metric_name": "mem"}, "l\u0061bels": {}}"#, ""),
        (r#"{"labels": {"container_metric_name": "mem", "container_metric_name": "cpu"}}"#, "labels"),
        (r#"{"labels": {"container_metric_name": {"is": "mem", "is": "cpu"}}}"#, "labels.container_metric_name"),
        (r#"{"labels": {"container_metric_name": {"=~": ".*"}}}"#, "labels.container_metric_name.=~"),
        (r#"{"labels": {"container_metric_name": {}}}"#, "labels.container_metric_name"),
        (r#"{"labels": {"container_metric_name": null}}"#, "labels.container_metric_name"),
        (r#"{"labels": {"container_metric_name": 1.5}}"#, "labels.container_metric_name"),
        (r#"{"labels": {"container_metric_name": {"one_of": ["a", {}]}}}"#, "labels.container_metric_name.one_of"),
        (r#"{"labels": {"container_metric_name": {"one_of": []}}}"#, "labels.container_metric_name"),
        (r#"{"labels": {"container_metric_name": {"regex": "("}}}"#, "labels.container_metric_name"),
        (r#"{"labels": {}}"#, "labels.container_metric_name"),
        (r#"{"labels": []}"#, "labels"),
        (r#"{"query": "secret"}"#, "query"),
        (r#"{"match[]": "secret"}"#, "match[]"),
        (r#"{"group_by": "agent_id"}"#, "group_by"),
        (r#"{"labels": {"container_metric_name": "mem"}, "group_by": ["other"]}"#, "group_by"),
        (r#"{"labels": {"container_metric_name": "mem", "other": "x"}}"#, "labels.other"),
        (r#"{"labels": {"container_metric_name": "mem", "kernel_id": "x"}}"#, "labels.kernel_id"),
        (r#"{"labels": {"container_metric_name": "mem"}, "start": 0}"#, "start"),
        ("[]", ""),
        ("", ""),
        ("{} {}", ""),
    ] {
        assert_eq!(post(&app, GAUGE, body).await.problem(), (400, field.to_owned()), "{body}");
    }
    assert!(mock.calls().is_empty());
}

#[tokio::test]
async fn invalid_times_are_refused() {
    let mock = MockPrometheus::start();
    let app = guarded(mock.client());
    for (fields, field) in [
        (r#""start": NaN, "end": 1"#, "start"),
        (r#""start": "NaN", "end": 1"#, "start"),
        (r#""start": "-Infinity", "end": "now()""#, "start"),
        (r#""start": 0, "end": 1e999"#, "end"),
        (r#""start": 0"#, "end"),
        (r#""start": 1700000000, "end": 1700000000000"#, "start"),
        (r#""start": 1700000000000, "end": 1700003600"#, "end"),
        (r#""start": 5000, "end": 1000"#, "end"),
        (r#""start": -9223372036854775808, "end": 9223372036854775807"#, "start"),
        (r#""start": 0, "end": 1000, "step": 0"#, "step"),
        (r#""start": 0, "end": 1000, "step": -1"#, "step"),
        (r#""start": 0, "end": 1000, "step": "0s""#, "step"),
        (r#""start": 0, "end": 1000, "step": {"auto": 0}"#, "step"),
        (r#""start": 0, "end": 1000, "step": {"auto": -5}"#, "step.auto"),
        (r#""start": 0, "end": 1000, "step": {"auto": 5, "x": 1}"#, "step"),
        (r#""start": 0, "end": 86400000, "step": "1ms""#, "step"),
        (r#""start": 0, "end": 1000, "window": "0s""#, "window"),
        (r#""start": 0, "end": 1000, "window": "5m]) or secret[5m""#, "window"),
    ] {
        let body = format!(r#"{{"labels": {{"container_metric_name": "mem"}}, {fields}}}"#);
        let reply = post(&app, RATE, body).await;
        assert_eq!(reply.status, 400, "{fields}: {reply:?}");
        let (_, found) = reply.problem();
        assert!(found == field || field == "start" && found == "step", "{fields}: {found}");
    }
    let body = r#"{"labels": {"container_metric_name": "mem"}, "window": "5m"}"#;
    assert_eq!(post(&app, GAUGE, body).await.problem(), (400, "window".to_owned()), "the preset has no window");
    assert!(mock.calls().is_empty());
}

#[tokio::test]
async fn caps_hold() {
    let mock = accepting(container::RATE, "");
    let guard = |_: &Parts, _: &'static PresetInfo| {
        Ok(Access::only("project_id", PROJECT)
            .max_range(Duration::from_hours(24))
            .max_window(Duration::from_hours(1))
            .max_points(100))
    };
    let app = router(mock.client(), presets::ALL).guard(guard).build();
    let day = 86_400_000_u64;
    for (fields, field) in [
        (format!(r#""start": 0, "end": {}"#, day + 1), "start"),
        (format!(r#""start": 0, "end": {day}, "step": "1m""#), "step"),
        (format!(r#""start": 0, "end": {day}, "step": {{"auto": 1000}}"#), "step"),
        (format!(r#""start": 0, "end": {day}, "window": "61m""#), "window"),
        (format!(r#""start": 0, "end": {day}, "window": "100y""#), "window"),
        (format!(r#""start": 0, "end": {day}, "window": "60m""#), ""),
        (format!(r#""start": 0, "end": {day}, "step": "auto""#), ""),
        (format!(r#""start": 0, "end": {day}"#), ""),
    ] {
        let body = format!(r#"{{"labels": {{"container_metric_name": "mem"}}, {fields}}}"#);
        let reply = post(&app, RATE, body).await;
        match field {
            "" => assert_eq!(reply.status, 200, "{fields}: {reply:?}"),
            _ => assert_eq!(reply.problem(), (400, field.to_owned()), "{fields}"),
        }
    }
    assert_eq!(mock.calls().len(), 3);
}

#[tokio::test]
async fn durations_of_parameters_are_windows() {
    static LAST: PresetInfo = PresetInfo {
        name: "last",
        template: "last_over_time(up[{range}])",
        parameters: &[ParameterInfo {
            name: "range",
            description: "",
            default: ParameterValue::Duration(PromDuration::from_secs(60)),
            min: ParameterValue::Duration(PromDuration::from_secs(60)),
            max: ParameterValue::Duration(PromDuration::MAX),
        }],
        segments: &[Segment::Text("last_over_time(up["), Segment::Parameter(0), Segment::Text("])")],
        ..*prometheus::UP.info()
    };
    static PRESETS: [&PresetInfo; 1] = [&LAST];
    let mock = MockPrometheus::start();
    mock.on_any().returns(series![]).any_times();
    let guard = |_: &Parts, _: &'static PresetInfo| Ok(Access::all().max_window(Duration::from_hours(1)));
    let app = router(mock.client(), Presets::__new(&PRESETS)).guard(guard).build();
    let body = |range: &str| format!(r#"{{"parameters": {{"range": "{range}"}}}}"#);
    assert_eq!(post(&app, "/presets/last/query", body("1h")).await.status, 200);
    let refused = post(&app, "/presets/last/query", body("1h1ms")).await;
    assert_eq!(refused.json()["detail"], "1h1ms is too long; at most 1h is allowed");
    assert_eq!(refused.problem(), (400, "parameters.range".to_owned()));
    assert_eq!(mock.calls().len(), 1);
}

#[tokio::test]
async fn durations_together_reach_no_further_than_the_limits() {
    // `max_over_time(rate(x[{window} * {factor}])[{long}:1m] offset 1d)`
    static NESTED: PresetInfo = PresetInfo {
        name: "nested",
        window: Some(PromDuration::from_secs(300)),
        parameters: &[
            ParameterInfo {
                name: "long",
                description: "",
                default: ParameterValue::Duration(PromDuration::from_secs(60)),
                min: ParameterValue::Duration(PromDuration::from_secs(1)),
                max: ParameterValue::Duration(PromDuration::MAX),
            },
            ParameterInfo {
                name: "factor",
                description: "",
                default: ParameterValue::Number(1.0),
                min: ParameterValue::Number(0.0),
                max: ParameterValue::Number(1e9),
            },
        ],
        segments: &[Segment::Text("up"), Segment::Window],
        look_back: &[
            LookBack::Parameter(0),
            LookBack::Seconds(86_400.0),
            LookBack::Add,
            LookBack::Window,
            LookBack::Parameter(1),
            LookBack::Mul,
            LookBack::Add,
        ],
        ..*prometheus::UP.info()
    };
    static PRESETS: [&PresetInfo; 1] = [&NESTED];
    let mock = MockPrometheus::start();
    mock.on_any().returns(series![]).any_times();
    let hours = Duration::from_hours;
    for (access, body, field) in [
        (Access::all().max_window(hours(1)), "", ""),
        (Access::all().max_window(hours(1)), r#""window": "1h""#, ""),
        (Access::all().max_window(hours(1)), r#""window": "1h", "parameters": {"long": "1s"}"#, "window"),
        (Access::all().max_window(hours(1)), r#""window": "30m", "parameters": {"long": "30m"}"#, ""),
        (Access::all().max_window(hours(1)), r#""parameters": {"long": "30m", "factor": 8}"#, "parameters.long"),
        (Access::all().max_window(hours(1)), r#""parameters": {"factor": 1000}"#, "parameters.factor"),
        (Access::all().max_window(hours(1)), r#""window": "1m", "parameters": {"factor": 61}"#, "window"),
        (Access::all().max_look_back(hours(25)), "", ""),
        (Access::all().max_look_back(hours(24)), "", "window"),
        (Access::all().max_look_back(hours(25)), r#""window": "59m""#, ""),
        (Access::all().max_look_back(hours(25)), r#""window": "59m1s""#, "window"),
        (Access::all().max_look_back(hours(26)), r#""start": 0, "end": 3600000"#, ""),
        (Access::all().max_look_back(hours(25)), r#""start": 0, "end": 3600000"#, "start"),
    ] {
        let guard = move |_: &Parts, _: &'static PresetInfo| Ok(access.clone());
        let app = router(mock.client(), Presets::__new(&PRESETS)).guard(guard).build();
        let path = if body.contains("start") { "/presets/nested/query_range" } else { "/presets/nested/query" };
        let reply = post(&app, path, format!("{{{body}}}")).await;
        match field {
            "" => assert_eq!(reply.status, 200, "{body}: {reply:?}"),
            _ => assert_eq!(reply.problem(), (400, field.to_owned()), "{body}"),
        }
    }
}

#[tokio::test]
async fn lists_are_within_the_longest_range() {
    let mock = MockPrometheus::start();
    let querier = Querier::new("backendai_container_utilization");
    mock.on_label_values("agent_id").matching(&querier).returns(vec!["a"]).any_times();
    let guard = |_: &Parts, _: &'static PresetInfo| Ok(Access::all().max_range(Duration::from_hours(24)));
    let app = router(mock.client(), presets::ALL).guard(guard).build();
    let path = "/presets/container_utilization::rate/labels/agent_id/values";
    for (times, field) in [
        ("start=0", "start"),
        ("start=0&end=86401", "start"),
        ("start=-9e15", "start"),
        ("start=yesterday", "start"),
        ("end=tomorrow", "end"),
    ] {
        assert_eq!(get(&app, &format!("{path}?{times}")).await.problem(), (400, field.to_owned()), "{times}");
    }
    assert!(mock.calls().is_empty());
    // Without a start, the list is that of the longest range.
    for (times, start) in [("end=86402", "2"), ("start=5&end=86402", "5")] {
        assert_eq!(get(&app, &format!("{path}?{times}")).await.status, 200);
        assert_eq!(mock.calls().last().unwrap().parameter("start"), Some(start), "{times}");
    }
    assert_eq!(get(&app, path).await.status, 200);
    let start = mock.calls().last().unwrap().parameter("start").unwrap().parse::<Timestamp>().unwrap();
    let age = Timestamp::now().duration_since(start).unwrap();
    assert!(age >= Duration::from_hours(24) && age < Duration::from_hours(25), "{age:?}");
}

#[tokio::test]
async fn huge_bodies_and_many_conditions_are_refused() {
    let mock = MockPrometheus::start();
    let app = guarded(mock.client());
    let huge = format!(r#"{{"labels": {{"container_metric_name": "{}"}}}}"#, "x".repeat(100_000));
    assert_eq!(post(&app, GAUGE, huge).await.problem().0, 413);

    let mut labels = String::new();
    for at in 0..3000 {
        _ = write!(labels, r#""l{at}":"","#);
    }
    let body = format!(r#"{{"metric": "m", "labels": {{{}}}}}"#, labels.trim_end_matches(','));
    assert_eq!(post(&any(mock.client()), ANY_QUERY, body).await.problem(), (400, "labels".to_owned()));
    let group_by = vec![r#""a""#; 65].join(",");
    let body = format!(r#"{{"metric": "m", "group_by": [{group_by}]}}"#);
    assert_eq!(post(&any(mock.client()), ANY_QUERY, body).await.problem(), (400, "group_by".to_owned()));
    let deep = format!(r#"{{"labels": {}"#, "[".repeat(60_000));
    assert_eq!(post(&app, GAUGE, deep).await.problem().0, 400);
    assert!(mock.calls().is_empty());
}

#[tokio::test]
async fn the_largest_body_can_be_set() {
    let mock = MockPrometheus::start();
    mock.on(ANY).metric("m").returns(series![]);
    let app = router(mock.client(), Presets::__new(&ANY_PRESETS)).max_body_bytes(20).unguarded().build();
    assert_eq!(post(&app, ANY_QUERY, r#"{"metric": "mmmmmmm"}"#).await.problem().0, 413);
    assert_eq!(post(&app, ANY_QUERY, r#"{"metric": "m"}"#).await.status, 200);
}

#[tokio::test]
async fn presets_that_the_filter_does_not_reach_are_refused() {
    let mock = MockPrometheus::start();
    let app = guarded(mock.client());
    // Its file declares labels, but no project.
    assert_eq!(post(&app, "/presets/api_requests::rate/query", "{}").await.problem().0, 403);
    assert_eq!(get(&app, "/presets/api_requests::rate/labels/job/values").await.problem().0, 403);
    assert_eq!(post(&app, "/presets/container_utilization::gauge_min/query", "{}").await.problem().0, 403);
    let hidden = post(&app, "/presets/container_utilization::gauge_max/query", "{}").await;
    let unknown = post(&app, "/presets/container_utilization::nothing/query", "{}").await;
    assert_eq!((hidden.status.as_u16(), &hidden.body), (404, &unknown.body));

    let app = any(mock.client());
    assert_eq!(post(&app, "/presets/unfiltered/query", r#"{"metric": "m"}"#).await.problem().0, 403);
}

#[tokio::test]
async fn lists_are_filtered_by_the_values_that_queries_have() {
    static GPU: LabelInfo<'static> = LabelInfo {
        name: "gpu",
        required: false,
        prefix: "GPU-",
        kind: LabelKind::Uuid,
        usage: LabelUse::Both,
        description: "",
    };
    static BY_GPU: PresetInfo = PresetInfo { labels: Some(&[GPU]), ..*ANY.info() };
    static PRESETS: [&PresetInfo; 1] = [&BY_GPU];
    let mock = MockPrometheus::start();
    let guard = |_: &Parts, _: &'static PresetInfo| Ok(Access::only("gpu", PROJECT));
    let app = router(mock.client(), Presets::__new(&PRESETS)).guard(guard).build();
    let own = Querier::new("m").label("gpu", format!("GPU-{PROJECT}"));
    mock.on_label_values("gpu").matching(&own).returns(["a"]);
    assert_eq!(get(&app, "/presets/any/labels/gpu/values?metric=m").await.status, 200);
}

#[tokio::test]
async fn an_empty_filter_is_not_the_series_without_the_label() {
    let mock = MockPrometheus::start();
    let guard = |caller: &Parts, _: &'static PresetInfo| {
        let project = caller.headers.get("x-other").and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Access::only("project_id", project.to_owned()))
    };
    let app = router(mock.client(), presets::ALL).guard(guard).build();
    let body = r#"{"labels": {"container_metric_name": "mem"}}"#;
    assert_eq!(post(&app, GAUGE, body).await.problem().0, 403);
    assert_eq!(get(&app, "/presets").await.json()["presets"], serde_json::json!([]));
}

#[tokio::test]
async fn conditions_that_match_a_missing_label_are_refused() {
    let mock = MockPrometheus::start();
    for condition in [starts_with(""), one_of([""]), one_of(["a", ""]), regex("").into(), regex("a|.*").into()] {
        let guard = move |_: &Parts, _: &'static PresetInfo| Ok(Access::only("project_id", condition.clone()));
        let app = router(mock.client(), Presets::__new(&ANY_PRESETS)).guard(guard).build();
        assert_eq!(post(&app, ANY_QUERY, r#"{"metric": "m"}"#).await.problem().0, 403);
        assert_eq!(get(&app, "/presets/any/labels/job/values?metric=m").await.problem().0, 403);
    }
    assert!(mock.calls().is_empty());
    mock.on(ANY).metric("m").label("project_id", not("secret")).returns(series![]);
    let guard = |_: &Parts, _: &'static PresetInfo| Ok(Access::only("project_id", not("secret")));
    let app = router(mock.client(), Presets::__new(&ANY_PRESETS)).guard(guard).build();
    assert_eq!(post(&app, ANY_QUERY, r#"{"metric": "m"}"#).await.status, 200);
}

#[tokio::test]
async fn values_of_labels_are_those_that_the_guard_allows() {
    let mock = MockPrometheus::start();
    let app = any(mock.client());
    let own = Querier::new("m").label("project_id", PROJECT);
    for (path, label) in [
        ("job", "job"),
        ("project_id", "project_id"),
        ("gr%C3%B6%C3%9Fe", "größe"),
        ("..%2f..%2f..%2fquery", "../../../query"),
        ("a%22%7d%20or%20b", "a\"} or b"),
    ] {
        mock.on_label_values(label).matching(&own).returns(["a"]);
        let reply = get(&app, &format!("/presets/any/labels/{path}/values?metric=m")).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["items"]), (200, &serde_json::json!(["a"])), "{path}");
    }
    let sent = mock.calls().len();
    for (path, status) in [
        ("any/labels/job/values", 400),
        ("any/labels/job/values?metric=m&match[]=secret", 400),
        ("any/labels/job/values?metric=secret&metric=m", 400),
        ("any/labels/job/values?metric=m&limit=1&lim%69t=2", 400),
        ("any/labels/job/values?metric=m&match%5B%5D=%7Bproject_id%3D~%22.%2B%22%7D", 400),
        ("any/labels/job/values?metric=m&project_id=x", 400),
        ("any/labels/job/values?metric=m&limit=-1", 400),
        ("any/labels/job/values?metric=m&start=now()", 400),
        ("any/labels/__name__/values?metric=m", 404),
        ("any/labels/%5f_name__/values?metric=m", 404),
        ("any/labels/%00/values?metric=m", 200),
        ("unfiltered/labels/job/values?metric=m", 403),
    ] {
        if status == 200 {
            mock.on_label_values("\0").matching(&own).returns(["a"]);
        }
        let reply = get(&app, &format!("/presets/{path}")).await;
        assert_eq!(reply.status.as_u16(), status, "{path}: {reply:?}");
    }
    assert_eq!(mock.calls().len(), sent + 1);

    // A hidden preset does not exist for the caller, and the labels of a forbidden one are not shown.
    let app = guarded(mock.client());
    let values = |preset: &str, label: &str| format!("/presets/container_utilization::{preset}/labels/{label}/values");
    let (hidden, unknown) =
        (get(&app, &values("gauge_max", "agent_id")).await, get(&app, &values("nothing", "agent_id")).await);
    assert_eq!((hidden.status.as_u16(), &hidden.body), (404, &unknown.body));
    let [forbidden, other] = [values("gauge_min", "agent_id"), values("gauge_min", "other")];
    assert_eq!(get(&app, &forbidden).await.body, get(&app, &other).await.body);
    let body = post(&app, "/presets/container_utilization::gauge_min/query", "not json").await.body;
    assert_eq!(body, get(&app, &forbidden).await.body);
}

#[tokio::test]
async fn json_that_parsers_disagree_on_is_refused() {
    let mock = MockPrometheus::start();
    let app = any(mock.client());
    for body in [
        // A byte order mark, comments, trailing commas, other quotes, lone surrogates, UTF-8 that is not valid.
        b"\xef\xbb\xbf{\"metric\": \"m\"}".to_vec(),
        b"{\"metric\": \"m\" /* */}".to_vec(),
        b"{\"metric\": \"m\",}".to_vec(),
        b"{'metric': 'm'}".to_vec(),
        b"{\"metric\": \"m\", \"labels\": {\"job\": \"\\ud800\"}}".to_vec(),
        b"{\"metric\": \"m\", \"labels\": {\"job\": \"\xff\"}}".to_vec(),
        b"{\"metric\": \"m\", \"labels\": {\"project_id\": \"a\", \"project\\u005fid\": \"b\"}}".to_vec(),
        b"{\"metric\": \"m\", \"METRIC\": \"n\"}".to_vec(),
        b"{\"metric\": \"m\", \"parameters\": {\"x\": 1}}".to_vec(),
        b"{\"metric\": \"m\", \"labels\": {\"job\": {\"is\": {\"is\": \"a\"}}}}".to_vec(),
        b"{\"metric\": \"m\", \"labels\": {\"job\": [\"a\", \"b\"]}}".to_vec(),
        b"{\"metric\": \"m\", \"labels\": {\"job\": true}}".to_vec(),
        b"{\"metric\": \"m\", \"labels\": {\"job\": 1e3}}".to_vec(),
        b"{\"metric\": \"m\", \"labels\": {\"job\": {\"regex\": \"a{2000}\"}}}".to_vec(),
        b"{\"metric\": \"m\", \"labels\": {\"job\": {\"regex\": \"(?P<x>a)(?=b)\"}}}".to_vec(),
        b"{\"metric\": [\"m\"]}".to_vec(),
        b"{\"metric\": \"m\", \"group_by\": [1]}".to_vec(),
        b"{\"metric\": \"m\", \"group_by\": [\"\"]}".to_vec(),
    ] {
        let shown = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(post(&app, ANY_QUERY, body).await.problem().0, 400, "{shown}");
    }
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"]
    {
        let request =
            axum::http::Request::post(ANY_QUERY).header("content-type", content_type).header("x-project", PROJECT);
        let reply = crate::support::send(&app, request.body(r#"{"metric": "m"}"#.into()).unwrap()).await;
        assert_eq!(reply.problem().0, 415, "{content_type}");
    }
    assert!(mock.calls().is_empty());
}

#[tokio::test]
async fn the_tenant_is_that_of_the_guard() {
    let mock = MockPrometheus::start();
    mock.on(container::GAUGE).label("container_metric_name", "mem").tenant("team-a").returns(series![]);
    let guard = |_: &Parts, _: &'static PresetInfo| Ok(Access::all().tenant("team-a"));
    let app = router(mock.client(), presets::ALL).guard(guard).build();
    assert_eq!(post(&app, GAUGE, r#"{"labels": {"container_metric_name": "mem"}}"#).await.status, 200);
}

#[tokio::test]
async fn presets_are_found_by_their_full_name() {
    let mock = MockPrometheus::start();
    let app = open(mock.client());
    for name in ["", "container_utilization", "container_utilization%3a%3arate%00", "..%2f..%2fetc", "CONTAINER"] {
        assert_eq!(post(&app, &format!("/presets/{name}/query"), "{}").await.status, 404, "{name}");
    }
}
