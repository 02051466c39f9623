//! Requests that are almost as expected.

use std::time::Duration;

use promql_presets::presets::container_utilization::{self as container, Label, ValueType};
use promql_presets::presets::{api_requests, prometheus};
use promql_presets::{
    ErrorKind, MetricQuerier, NoWindow, Preset, PrometheusClient, Querier, Thanos, TimeRange, Vector, VictoriaMetrics,
    not, one_of, preset, regex,
};
use promql_presets_testing::{MockPrometheus, series};
use uuid::Uuid;

use crate::{failure, message};

const ID: Uuid = Uuid::from_u128(7);

fn querier() -> container::Querier {
    container::Querier::new("net_rx").kernel_id(ID).group_by([Label::SessionId])
}

fn expecting() -> MockPrometheus {
    let mock = MockPrometheus::start();
    mock.on(container::RATE)
        .label("container_metric_name", "net_rx")
        .label("kernel_id", ID)
        .group_by(["session_id"])
        .at("1700000000")
        .returns(series![{ session_id = "s" } => 5])
        .any_times();
    mock
}

/// Makes a call that is not expected, and returns what the mock says is wrong.
async fn wrong(call: impl AsyncFnOnce(PrometheusClient) -> Result<(), promql_presets::Error>) -> String {
    let mock = expecting();
    let error = call(mock.client()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Server { status: 400, .. }), "{error}");
    assert!(error.to_string().contains("unexpected"), "{error}");
    assert_eq!(error.retries(), 0);
    assert_eq!(mock.calls().len(), 1);
    assert!(!mock.calls()[0].is_expected());
    let text = failure(mock);
    let differences: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("  - ")).collect();
    differences.join("; ")
}

async fn query<W>(
    client: PrometheusClient,
    preset: Preset<container::Querier, Vector, W>,
    querier: container::Querier,
) -> Result<(), promql_presets::Error> {
    client.query(preset, &querier).at("1700000000").await.map(|_| ())
}

#[tokio::test]
async fn the_expected_query_gets_its_response() {
    let mock = expecting();
    let response = mock.client().query(container::RATE, &querier()).at("1700000000").await.unwrap();
    assert_eq!(response.iter().next().unwrap().labels().get("session_id"), Some("s"));
    mock.verify();
}

#[tokio::test]
async fn labels() {
    let base = || container::Querier::new("net_rx").group_by([Label::SessionId]);
    for (other, expected) in [
        (base(), format!("no matcher kernel_id=\"{ID}\"")),
        (querier().agent_id("a"), "the matcher agent_id=\"a\", which is not expected".to_owned()),
        (querier().kernel_id(ID), format!("the matcher kernel_id=\"{ID}\", which is not expected")),
        (base().kernel_id(not(ID)), format!("the matcher kernel_id!=\"{ID}\", not kernel_id=\"{ID}\"")),
        (base().kernel_id(regex(ID.to_string())), format!("the matcher kernel_id=~\"{ID}\", not kernel_id=\"{ID}\"")),
        (base().kernel_id(Uuid::nil()), format!("the matcher kernel_id=\"{}\", not kernel_id=\"{ID}\"", Uuid::nil())),
        (
            base().session_id(ID),
            format!("no matcher kernel_id=\"{ID}\"; the matcher session_id=\"{ID}\", which is not expected"),
        ),
        (
            container::Querier::new("net_tx").kernel_id(ID).group_by([Label::SessionId]),
            "the matcher container_metric_name=\"net_tx\", not container_metric_name=\"net_rx\"".to_owned(),
        ),
    ] {
        assert_eq!(wrong(async |client| query(client, container::RATE, other).await).await, expected);
    }
}

#[tokio::test]
async fn groupings() {
    let base = || container::Querier::new("net_rx").kernel_id(ID);
    for (other, grouped) in [
        (base(), "[]"),
        (base().group_by([Label::KernelId]), r#"["kernel_id"]"#),
        (querier().group_by([Label::SessionId]), r#"["session_id", "session_id"]"#),
        (querier().group_by([Label::KernelId]), r#"["session_id", "kernel_id"]"#),
    ] {
        let found = wrong(async |client| query(client, container::RATE, other).await).await;
        assert_eq!(found, format!("grouped by {grouped}, not by [\"session_id\"]"));
    }
    let mock = MockPrometheus::start();
    mock.on(prometheus::UP_RATIO).group_by(["job", "instance"]).returns(1);
    let swapped = prometheus::Querier::new().group_by([prometheus::Label::Instance, prometheus::Label::Job]);
    mock.client().query(prometheus::UP_RATIO, &swapped).await.unwrap_err();
    assert!(failure(mock).contains(r#"grouped by ["instance", "job"], not by ["job", "instance"]"#));
}

#[tokio::test]
async fn presets_windows_and_kinds() {
    let range = TimeRange::last_hours(1).step("1m").unwrap();
    let of_a_minute = |client: PrometheusClient| async move {
        client.query(container::RATE, &querier()).at("1700000000").window("1m").await.map(|_| ())
    };
    assert_eq!(wrong(async |client| of_a_minute(client).await).await, "the window 1m, not 5m");
    let found = wrong(async |client| query(client, container::RATE_AVG, querier()).await).await;
    assert_eq!(found, "the preset container_utilization::rate_avg, not container_utilization::rate");
    let found = wrong(async |client| client.query_range(container::RATE, &querier(), range).await.map(|_| ()));
    assert_eq!(found.await, "range query, not instant query; time: none, not 2023-11-14T22:13:20Z");
    let found = wrong(async |client| client.query(container::RATE, &querier()).at("1700000001").await.map(|_| ()));
    assert_eq!(found.await, "time: 2023-11-14T22:13:21Z, not 2023-11-14T22:13:20Z");
    let found = wrong(async |client| client.query(container::RATE, &querier()).await.map(|_| ()));
    assert_eq!(found.await, "time: none, not 2023-11-14T22:13:20Z");
    let raw = container::RATE.render(&querier(), None).unwrap();
    let found = wrong(async |client| client.raw_query(raw).at("1700000000").await.map(|_| ()));
    assert_eq!(found.await, "unchecked PromQL, not the preset container_utilization::rate");
    let found = wrong(async |client| client.labels().await.map(|_| ())).await;
    assert!(found.starts_with("names of labels, not instant query"), "{found}");
}

#[tokio::test]
async fn parameters_that_change_the_result() {
    let query = async |client: PrometheusClient, which: u8| {
        let querier = querier();
        let query = client.query(container::RATE, &querier).at("1700000000");
        let filter = Querier::new("").label("tenant", "b");
        let query = match which {
            0 => query.limit(1),
            1 => query.lookback_delta("1m"),
            2 => query.with(VictoriaMetrics::new().extra_filters(&filter)),
            3 => query.with(Thanos::new().dedup(false)),
            _ => query.stats().timeout(Duration::from_secs(9)),
        };
        query.await.map(|_| ())
    };
    for (which, expected) in [
        (0, "parameter `limit`: \"1\", which is not expected"),
        (1, "parameter `lookback_delta`: \"60.000\", which is not expected"),
        (2, "parameter `extra_filters[]`: \"{tenant=\\\"b\\\"}\", which is not expected"),
        (3, "parameter `dedup`: \"false\", which is not expected"),
    ] {
        assert_eq!(wrong(async |client| query(client, which).await).await, expected);
    }
    let mock = expecting();
    query(mock.client(), 4).await.unwrap();
}

#[tokio::test]
async fn a_filter_that_another_one_widens() {
    let filter = |tenant: &str| Querier::new("").label("tenant", tenant);
    let mock = MockPrometheus::start();
    mock.on(prometheus::UP).parameter("extra_filters[]", r#"{tenant="a"}"#).returns(1);
    let querier = prometheus::Querier::new();
    let client = mock.client();
    let query = |settings| client.query(prometheus::UP, &querier).with(settings);
    let narrow = VictoriaMetrics::new().extra_filters(&filter("a"));
    query(narrow.clone()).await.unwrap();
    query(narrow.extra_filters(&filter("b"))).await.unwrap_err();
    let text = failure(mock);
    assert!(text.contains("parameter `extra_filters[]`: \"{tenant=\\\"b\\\"}\", which is not expected"), "{text}");
}

#[tokio::test]
async fn other_presets_with_the_same_text() {
    const ONE: Preset<dyn MetricQuerier, Vector, NoWindow> = preset!("sum(up{{job=\"a\",{labels}}})", name = "one");
    const OTHER: Preset<dyn MetricQuerier, Vector, NoWindow> = preset!("sum(up{{{labels}}})", name = "other");
    let job = Querier::default().label("job", "a");
    assert_eq!(OTHER.render(&job, None).unwrap(), ONE.render(&Querier::default(), None).unwrap());

    let mock = MockPrometheus::start();
    mock.on(ONE).returns(1).any_times();
    mock.client().query(OTHER, &job).await.unwrap_err();
    let text = failure(mock);
    assert!(text.contains("unexpected instant query of other: sum(up{job=\"a\"})"), "{text}");
    assert!(text.contains("- the preset other, not one"), "{text}");

    // Matchers of the template do not count, and those of the caller do, even if they are the same.
    let mock = MockPrometheus::start();
    mock.on(ONE).label("job", "a").returns(1);
    mock.client().query(ONE, &Querier::default()).await.unwrap_err();
    mock.client().query(ONE, &job).await.unwrap();
    assert!(failure(mock).contains("- no matcher job=\"a\""));

    // A client of the service's own does not name presets.
    let mock = MockPrometheus::start();
    mock.on(ONE).returns(1);
    PrometheusClient::new(mock.url()).unwrap().query(OTHER, &job).await.unwrap();
    mock.verify();
}

#[tokio::test]
async fn ranges() {
    let range = |start: &str, end: &str, step: &str| TimeRange::parse(start, end, step).unwrap();
    let expected = range("1700000000", "1700003600", "60");
    for (other, difference) in [
        (range("1700000000.001", "1700003600", "60"), "start: 2023-11-14T22:13:20.001Z, not 2023-11-14T22:13:20Z"),
        (range("1700000000", "1700003601", "60"), "end: 2023-11-14T23:13:21Z, not 2023-11-14T23:13:20Z"),
        (range("1700000000", "1700003600", "30"), "step: 30s, not 1m"),
    ] {
        let mock = MockPrometheus::start();
        mock.on(prometheus::UP).over(expected).returns(series![{} => "1x60"]).any_times();
        let client = mock.client();
        client.query_range(prometheus::UP, &prometheus::Querier::new(), expected).await.unwrap();
        client.query_range(prometheus::UP, &prometheus::Querier::new(), other).await.unwrap_err();
        client.query(prometheus::UP, &prometheus::Querier::new()).await.unwrap_err();
        let text = failure(mock);
        assert!(text.contains(difference), "{text}");
        assert!(text.contains("instant query, not range query"), "{text}");
    }
}

#[tokio::test]
async fn metrics_and_hostile_values() {
    const SUM: Preset<dyn MetricQuerier, Vector, NoWindow> = preset!(
        "sum by ({group_by}) ({metric_name}_total{{a=\"}},{{\",{labels},b='c'}} / on(le,{group_by}) {metric_name}{{{labels}}})",
        allow("many-to-many", reason = "test")
    );
    let values =
        ["", "a", "\"", "\\", "a\",b=\"c", "\n\r\t\u{0}\u{7f}", "\u{FFFD}", "größe", "}", "{{x}}", ",", "(", "`'"];
    for value in values {
        for metric in ["m", "a.b", "sum", "größe"] {
            let mock = MockPrometheus::start();
            mock.on(SUM).metric(metric).label("l", value).label("a b", not("x")).group_by(["g", "g h"]).returns(1);
            let good = Querier::new(metric).label("a b", not("x")).label("l", value).group_by(["g", "g h"]);
            mock.client().query(SUM, &good).await.unwrap();
            let call = &mock.calls()[0];
            assert_eq!((call.metric(), call.label("l")), (Some(metric), Some(value)));
            assert_eq!(call.group_by(), ["g", "g h"]);
            let other =
                Querier::new(metric).label("a b", not("x")).label("l", format!("{value}.")).group_by(["g", "g h"]);
            mock.client().query(SUM, &other).await.unwrap_err();
            let text = failure(mock);
            assert!(text.contains("- the matcher l="), "{text}");
        }
    }
    let mock = MockPrometheus::start();
    mock.on(SUM).metric("m").returns(1);
    mock.client().query(SUM, &Querier::new("n")).await.unwrap_err();
    assert!(failure(mock).contains("- the metric \"n\", not \"m\""));
}

#[tokio::test]
async fn loosened() {
    let mock = MockPrometheus::start();
    mock.on(container::RATE).label("kernel_id", ID).any_labels().any_grouping().any_window().returns(1);
    let client = mock.client();
    client.query(container::RATE, &querier().agent_id("a")).window("1m").await.unwrap();
    client.query(container::RATE, &container::Querier::new("x")).await.unwrap_err();
    let text = failure(mock);
    assert!(text.contains("nearest expectation: instant query of container_utilization::rate{kernel_id=\"00000000-0000-0000-0000-000000000007\", ...}, at testing/tests/it/strict.rs:"), "{text}");
    assert_eq!(text.matches("  - ").count(), 1, "{text}");

    let mock = MockPrometheus::start();
    mock.on(prometheus::UP).limit(3).any_parameters().returns(1).any_times();
    let querier = prometheus::Querier::new();
    mock.client().query(prometheus::UP, &querier).limit(3).with(Thanos::new().dedup(true)).await.unwrap();
    mock.client().query(prometheus::UP, &querier).limit(4).await.unwrap_err();
    assert!(failure(mock).contains("parameter `limit`: \"4\", not \"3\""));
}

#[tokio::test]
async fn typed_queriers_and_conditions() {
    let mock = MockPrometheus::start();
    let expected = container::Querier::new("mem").value_type(ValueType::Pct).kernel_id(one_of([ID, Uuid::nil()]));
    mock.on(container::GAUGE).querier(&expected).returns(series![]);
    mock.client().query(container::GAUGE, &expected).await.unwrap();

    mock.on(container::GAUGE)
        .label(Label::ContainerMetricName, "mem")
        .label(Label::ValueType, ValueType::Pct)
        .label("user_id", ID.to_string().to_uppercase())
        .label("agent_id", regex("i-.*"))
        .matcher(one_of([ID, Uuid::nil()]).on("kernel_id"))
        .group_by([Label::KernelId])
        .returns(series![]);
    let querier = expected.user_id(ID).agent_id(regex("i-.*")).group_by([Label::KernelId]);
    mock.client().query(container::GAUGE, &querier).await.unwrap();
    mock.verify();
}

#[test]
fn expectations_that_no_query_can_meet() {
    let mock = MockPrometheus::start();
    for (text, expected) in [
        (
            message(|| mock.on(container::RATE).returns(1)),
            "container_utilization::rate: missing matcher for the required label `container_metric_name`",
        ),
        (
            message(|| mock.on(prometheus::UP).label("jb", "a").returns(1)),
            "undeclared label `jb`; the preset declares `instance`, `job`",
        ),
        (message(|| mock.on(prometheus::UP).group_by(["job"]).returns(1)), "has no `{group_by}`"),
        (message(|| mock.on(prometheus::UP).metric("m").returns(1)), "has no `{metric_name}`"),
        (message(|| mock.on(prometheus::UP).window("5m").returns(1)), "has no `{window}`"),
        (message(|| mock.on(prometheus::UP).label("job", one_of([""; 0])).returns(1)), "empty list of values"),
        (
            message(|| mock.on(container::GAUGE).label("kernel_id", "x").any_labels().returns(1)),
            "invalid value `x` of label `kernel_id`",
        ),
        (message(|| mock.on_range(prometheus::UP).at("1").returns(1)), "only instant queries have a time"),
        (message(|| mock.on(prometheus::UP).at("x").returns(1)), "found `x`"),
        (message(|| mock.on(api_requests::RATE).window("0s").returns(1)), "longer than zero"),
        (message(|| mock.on_labels().label("a", "b").returns(["a"])), "only queries of presets have matchers"),
    ] {
        assert!(text.starts_with("no query can be as expected: ") && text.contains(expected), "{text}");
    }
    mock.verify();
}

mod generated {
    #[allow(unused_imports, reason = "as `include_presets!` does it")]
    use promql_presets::__private1 as __p;

    include!("../../../compiler/tests/snapshots/presets.rs");
}

#[tokio::test]
async fn parameters() {
    use generated::latency::{self, LATENCY};
    let expecting = || {
        let mock = MockPrometheus::start();
        mock.on(LATENCY.floor(-3)).returns(series![{} => 1]);
        mock
    };
    let querier = latency::Querier::new();
    let mock = expecting();
    mock.client().query(LATENCY.floor(-3), &querier).await.unwrap();
    mock.verify();
    for (preset, difference) in [
        (LATENCY, "the parameter `floor` is -1, not -3"),
        (LATENCY.floor(-3).quantile(0.5), "the parameter `quantile` is 0.5, not 0.95"),
        (LATENCY.floor(-3).ago("5m".parse().unwrap()), "the parameter `ago` is 5m, not 1h"),
    ] {
        let mock = expecting();
        mock.client().query(preset, &querier).await.unwrap_err();
        let text = failure(mock);
        assert!(text.contains(difference), "{text}");
    }
}
