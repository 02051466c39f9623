//! How expectations are used up, and what is recorded.

use promql_presets::presets::prometheus::{self, UP, UP_RATIO};
use promql_presets::{MetricQuerier, PrometheusClient, Querier, TimeRange};
use promql_presets_testing::{Endpoint, MockPrometheus, MockResponse, series};

use crate::{failure, message};

async fn query(client: &PrometheusClient) -> Result<f64, promql_presets::Error> {
    client.query(UP, &prometheus::Querier::new()).await?.number()
}

#[tokio::test]
async fn responses_follow_each_other() {
    let mock = MockPrometheus::start();
    let client = mock.client();
    let up = mock.on(UP).returns(1).then(2).then(MockResponse::error("execution", "no"));
    assert_eq!(query(&client).await.unwrap(), 1.0);
    assert_eq!(query(&client).await.unwrap(), 2.0);
    assert_eq!(query(&client).await.unwrap_err().status(), Some(422));
    assert_eq!(up.count(), 3);
    assert!(mock.problems().is_empty());
    query(&client).await.unwrap_err();
    let text = failure(mock);
    assert!(text.contains("it was expected 3 times, at testing/tests/it/expectations.rs:"), "{text}");
}

#[tokio::test]
async fn counts() {
    let mock = MockPrometheus::start();
    let client = mock.client();
    mock.on(UP).returns(1).times(2);
    mock.on(UP).returns(3).times(1);
    for expected in [1.0, 1.0, 3.0] {
        assert_eq!(query(&client).await.unwrap(), expected);
    }
    query(&client).await.unwrap_err();
    assert!(failure(mock).contains("it was expected 2 times"));

    let mock = MockPrometheus::start();
    mock.on(UP).returns(1).times(0);
    mock.on(UP_RATIO).returns(1).any_times();
    assert!(mock.problems().is_empty());
    query(&mock.client()).await.unwrap_err();
    assert!(failure(mock).contains("it was expected 0 times"));
}

#[tokio::test]
async fn unused_expectations_fail() {
    let mock = MockPrometheus::start();
    mock.on(UP).label("job", "api").returns(1);
    let text = failure(mock);
    assert!(
        text.starts_with(
            r#"no call of instant query of prometheus::up{job="api"}, expected at testing/tests/it/expectations.rs:"#
        ),
        "{text}"
    );

    let mock = MockPrometheus::start();
    mock.on(UP).returns(1).then(2).then(3);
    query(&mock.client()).await.unwrap();
    let text = message(|| mock.verify());
    assert!(text.starts_with("1 call of instant query of prometheus::up{}, where 3 are expected at "), "{text}");
}

#[test]
fn a_test_that_already_panics_keeps_its_own_message() {
    let text = message(|| {
        let mock = MockPrometheus::start();
        mock.on(UP).returns(1);
        panic!("the first");
    });
    assert_eq!(text, "the first");
}

#[test]
fn tests_without_a_runtime() {
    let mock = MockPrometheus::start();
    mock.on(UP).returns(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(query(&mock.client())).unwrap(), 1.0);
}

#[tokio::test]
async fn calls_are_recorded() {
    let mock = MockPrometheus::start();
    mock.on(UP).label("job", "api").at("1700000000").tenant("team-a").returns(1);
    mock.on_range(UP_RATIO).group_by(["job"]).any_tenant().returns(series![]);
    mock.on_any().returns(["a"]);
    let client = mock.client_builder().tenant("team-a").build().unwrap();
    client.query(UP, &prometheus::Querier::new().job("api")).at("1700000000").await.unwrap();
    let range = TimeRange::parse("1700000000", "1700000060", "15s").unwrap();
    let by_job = prometheus::Querier::new().group_by([prometheus::Label::Job]);
    client.query_range(UP_RATIO, &by_job, range).await.unwrap();
    client.labels().await.unwrap();

    let calls = mock.calls();
    assert_eq!(calls.len(), 3);
    let [first, second, third] = &calls[..] else { panic!() };
    assert_eq!((first.endpoint(), first.preset()), (&Endpoint::Query, Some("prometheus::up")));
    assert_eq!((first.label("job"), first.query()), (Some("api"), Some(r#"up{job="api"}"#)));
    assert_eq!(first.time().unwrap().as_millis(), 1_700_000_000_000);
    assert_eq!(
        (first.method(), first.path(), first.header("X-Scope-OrgID")),
        ("POST", "/api/v1/query", Some("team-a"))
    );
    assert!(first.header("x-promql-preset").is_none());
    assert_eq!(second.range().unwrap(), range);
    assert_eq!((second.endpoint(), second.group_by()), (&Endpoint::QueryRange, &["job".to_owned()][..]));
    assert_eq!((third.endpoint(), third.preset()), (&Endpoint::Labels, None));
    assert!(calls.iter().all(promql_presets_testing::Call::is_expected));
    mock.verify();
}

#[tokio::test]
async fn other_endpoints() {
    let mock = MockPrometheus::start();
    let client = mock.client();
    let up = Querier::new("up").label("job", "api").label("a", "b");
    let swapped = Querier::new("up").label("a", "b").label("job", "api");
    mock.on_labels().returns(["job", "instance"]);
    mock.on_label_values("a/b").matching(&up).start("1700000000").limit(5).returns(["x"]);
    mock.on_series(&up).returns(series![up { job = "api" } => 1]);
    mock.on_exemplars(UP).returns(MockResponse::data(r#"[{"seriesLabels":{"job":"api"},"exemplars":[]}]"#));
    mock.on_metadata().returns(MockResponse::data(r#"{"up":[{"type":"gauge","help":"h","unit":""}]}"#));
    mock.on_path("/-/ready").returns(MockResponse::http(200, "text/plain", "ready"));
    mock.on_path("/api/v1/status/buildinfo").returns(MockResponse::data(r#"{"version":"3.5.0"}"#));
    assert_eq!(client.labels().await.unwrap().into_vec(), ["job", "instance"]);
    let values = client.label_values("a/b").matching(&swapped).start("1700000000").limit(5).await.unwrap();
    assert_eq!(values.into_vec(), ["x"]);
    let series = client.series(&swapped).await.unwrap().into_vec();
    assert_eq!(series[0].to_string(), r#"up{job="api"}"#);
    let exemplars = client.exemplars(UP, &prometheus::Querier::new()).await.unwrap();
    assert_eq!(exemplars[0].labels.to_string(), r#"{job="api"}"#);
    assert_eq!(client.metadata().await.unwrap().into_map()["up"][0].kind, "gauge");
    client.ready().await.unwrap();
    assert_eq!(client.build_info().await.unwrap().version, "3.5.0");

    for (call, expected) in [
        (client.labels().matching(&up).await.err(), "the selector up{job=\"api\",a=\"b\"}, which is not expected"),
        (client.label_values("a/b").start("1700000000").limit(5).await.err(), "no selector up{job=\"api\",a=\"b\"}"),
        (
            client.label_values("a/b").matching(&up).start("1700000001").limit(5).await.err(),
            "start: 2023-11-14T22:13:21Z, not 2023-11-14T22:13:20Z",
        ),
        (client.label_values("job").await.err(), "values of the label `job`, not values of the label `a/b`"),
        (client.series(&up).or(&Querier::new("m")).await.err(), "the selector m{}, which is not expected"),
        (client.healthy().await.err(), "/-/healthy, not /-/ready"),
    ] {
        let error = call.unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
    failure(mock);
}

#[tokio::test]
async fn any_selectors() {
    let mock = MockPrometheus::start();
    let client = mock.client();
    let [one, other] = ["m", "n"].map(Querier::new);
    mock.on_series(&one).any_selectors().returns(series![m {} => 1]);
    mock.on_labels().any_selectors().returns(["job"]).times(2);
    assert_eq!(client.series(&other).or(&one).await.unwrap().len(), 1);
    assert_eq!(client.labels().matching(&other).await.unwrap().into_vec(), ["job"]);
    assert_eq!(client.labels().await.unwrap().into_vec(), ["job"]);
}

#[tokio::test]
async fn base_paths_and_headers() {
    let mock = MockPrometheus::start();
    mock.on(UP).base_path("/select/42/prometheus").tenant("a").returns(1);
    let client = mock.client_builder_at("/select/42/prometheus").tenant("a").build().unwrap();
    query(&client).await.unwrap();
    query(&mock.client()).await.unwrap_err();
    mock.on_labels().returns(["a"]).any_times();
    client.labels().await.unwrap_err();
    let text = failure(mock);
    assert!(text.contains("- the tenant \"a\", not none"), "{text}");
    assert!(text.contains("- the tenant none, not \"a\""), "{text}");
    assert!(text.contains("- path before the API: \"\", not \"/select/42/prometheus\""), "{text}");
}

#[tokio::test]
async fn computed_responses() {
    let mock = MockPrometheus::start();
    mock.on(UP).any_labels().responds_with(|call| {
        call.label("job").map_or(0, str::len).try_into().map_or(MockResponse::empty(), |len: i32| len.into())
    });
    let response = mock.client().query(UP, &prometheus::Querier::new().job("four")).await.unwrap();
    assert_eq!(response.number().unwrap(), 4.0);
}

#[tokio::test]
async fn unchecked_queries() {
    let mock = MockPrometheus::start();
    mock.on_raw("up").returns(1);
    mock.on_raw_range("up").returns(series![{} => "1x4"]);
    let client = mock.client();
    client.raw_query("up").await.unwrap();
    client.raw_query_range("up", TimeRange::last_hours(1)).await.unwrap();
    client.raw_query("up ").await.unwrap_err();
    let querier = Querier::default();
    assert_eq!(querier.labels().len(), 0);
    client
        .query(promql_presets::preset!("up", allow("unfiltered-selector", reason = "test")), &querier)
        .await
        .unwrap_err();
    let text = failure(mock);
    assert!(text.contains("- the query is not `up`") && text.contains("not unchecked PromQL"), "{text}");
}
