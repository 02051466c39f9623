//! How the client handles responses and faults.

use std::time::{Duration, Instant};

use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{
    Bounds, Bucket, Data, Error, ErrorKind, Histogram, MetricQuerier, NoWindow, Preset, PrometheusClient, Querier,
    RetryPolicy, Scalar, Text, TimeRange, Value, preset,
};
use promql_presets_testing::{MockPrometheus, MockResponse, series};

use crate::message;

async fn query(client: &PrometheusClient) -> Result<f64, Error> {
    client.query(UP, &prometheus::Querier::new()).await?.number()
}

fn range() -> TimeRange {
    TimeRange::parse("1700000000", "1700000060", "15s").unwrap()
}

#[tokio::test]
async fn vectors() {
    let mock = MockPrometheus::start();
    let histogram = Histogram::new(3.0, 4.5, [Bucket::new(Bounds::OpenLeft, 0.5, 1.0, 3.0)]);
    mock.on(UP).at("1700000000.5").returns(series![
        up { job = "a", "http.code" = 200 } => 1.5,
        { job = "b" } => f64::INFINITY,
        { job = "c" } => "NaN",
        { job = "d" } => histogram.clone(),
        { job = "e", instance = "" } => "{{schema:1 sum:4 count:3 buckets:[1 2] offset:1}}",
    ]);
    let response = mock.client().query(UP, &prometheus::Querier::new()).at("1700000000.5").await.unwrap();
    let shown: Vec<_> = response.iter().map(|element| format!("{} {}", element.labels(), element.value())).collect();
    assert_eq!(
        shown,
        [
            r#"up{"http.code"="200", job="a"} 1.5"#,
            r#"{job="b"} +Inf"#,
            r#"{job="c"} NaN"#,
            r#"{job="d"} {count:3, sum:4.5, (0.5,1]:3}"#,
            r#"{job="e"} {count:3, sum:4, (1,1.4142135623730951]:1, (1.4142135623730951,2]:2}"#,
        ]
    );
    assert_eq!(response.iter().next().unwrap().timestamp().as_millis(), 1_700_000_000_500);
}

#[tokio::test]
async fn matrices() {
    let mock = MockPrometheus::start();
    mock.on(UP).returns(series![
        { job = "a" } => "0+10x60",
        { job = "b" } => "1 _ 3 stale",
        { job = "c" } => "_x10",
        { job = "d" } => "{{count:1 buckets:[1]}}+{{count:1 buckets:[1]}}x1",
    ]);
    let matrix = mock.client().query_range(UP, &prometheus::Querier::new(), range()).await.unwrap();
    let points = |at: usize| {
        let samples = matrix
            .iter()
            .nth(at)
            .unwrap()
            .iter()
            .map(|sample| (sample.timestamp.as_millis() / 1000 - 1_700_000_000, sample.value.to_string()));
        samples.map(|(time, value)| format!("{time}:{value}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(points(0), "0:0 15:10 30:20 45:30 60:40");
    assert_eq!(points(1), "0:1 30:3");
    assert_eq!(points(2), "0:{count:1, sum:0, (0.5,1]:1} 15:{count:2, sum:0, (0.5,1]:2}");
    assert_eq!(matrix.len(), 3, "a series without samples is not returned");
}

#[tokio::test]
async fn parts_of_a_range() {
    let mock = MockPrometheus::start();
    let range = TimeRange::parse("1700000000", "1700009000", "10s").unwrap();
    let client = mock.client_builder().max_steps(99).build().unwrap();
    mock.on(UP).over_parts_of(range).returns(series![{} => "0+1x900"]);
    let matrix = client.query_range(UP, &prometheus::Querier::new(), range).split().await.unwrap();
    let expected: Vec<f64> = (0..=900).map(f64::from).collect();
    assert_eq!(matrix.one().unwrap().values(), expected);
    assert!(mock.calls().len() > 5);
    let error = client
        .query_range(UP, &prometheus::Querier::new(), TimeRange::parse("1700000000", "1700009010", "10s").unwrap())
        .split()
        .await;
    assert!(error.is_err());
    assert!(crate::failure(mock).contains("is not a part of"));

    let half = TimeRange::parse("1700000000", "1700004490", "10s").unwrap();
    for is_optional in [false, true] {
        let mock = MockPrometheus::start();
        let expected = mock.on(UP).over_parts_of(range).returns(1);
        if is_optional {
            expected.any_times();
        }
        mock.client().query_range(UP, &prometheus::Querier::new(), half).await.unwrap();
        if is_optional {
            mock.verify();
        } else {
            assert!(crate::failure(mock).contains("is not queried from 2023-11-14T23:28:20Z on"));
        }
    }
}

#[tokio::test]
async fn scalars_and_strings() {
    const SCALAR: Preset<dyn MetricQuerier, Scalar, NoWindow> = preset!("scalar(sum(up{{{labels}}}))");
    const TEXT: Preset<dyn MetricQuerier, Text, NoWindow> = preset!("\"a\"");
    let mock = MockPrometheus::start();
    mock.on(SCALAR).returns(5.5);
    mock.on_range(SCALAR).returns(2);
    mock.on(TEXT).returns(MockResponse::text("a"));
    let client = mock.client();
    assert_eq!(client.query(SCALAR, &Querier::default()).await.unwrap().value(), 5.5);
    let matrix = client.query_range(SCALAR, &Querier::default(), range()).await.unwrap();
    assert_eq!(matrix.one().unwrap().values(), [2.0; 5]);
    assert_eq!(client.query(TEXT, &Querier::default()).await.unwrap().value(), "a");
}

#[tokio::test]
async fn notes_and_partial_data() {
    let mock = MockPrometheus::start();
    mock.on(UP).returns(MockResponse::from(1).warning("w").info("i").partial());
    let response = mock.client().query(UP, &prometheus::Querier::new()).await.unwrap();
    assert_eq!(
        (response.meta().warnings.as_slice(), response.meta().infos.as_slice()),
        (&["w".to_owned()][..], &["i".to_owned()][..])
    );
    assert!(response.is_partial());
}

#[tokio::test]
async fn errors() {
    for (response, status, retries) in [
        (MockResponse::error("bad_data", "no"), 400, 0),
        (MockResponse::error("execution", "no"), 422, 0),
        (MockResponse::error("internal", "no"), 500, 3),
        (MockResponse::error("timeout", "no"), 503, 3),
        (MockResponse::error("unavailable", "no").status(503), 503, 3),
        (MockResponse::html(502), 502, 3),
        (MockResponse::html(404), 404, 0),
        (MockResponse::http(200, "text/html", "<html>"), 200, 0),
        (MockResponse::too_many_requests("60"), 429, 0),
    ] {
        let mock = MockPrometheus::start();
        mock.on(UP).returns(response);
        let error = query(&mock.client()).await.unwrap_err();
        assert_eq!((error.status(), error.retries()), (Some(status), retries), "{error}");
        assert_eq!(mock.calls().len(), retries as usize + 1);
    }
}

#[tokio::test]
async fn faults() {
    for (response, is_transport) in [
        (MockResponse::reset(), true),
        (MockResponse::close(), true),
        (MockResponse::from(1).truncate_after(20), false),
        (MockResponse::from(1).reset_after(20), false),
        (MockResponse::from(1).truncate_after(0), false),
    ] {
        let mock = MockPrometheus::start();
        mock.on(UP).returns(response.clone()).any_times();
        let client = mock.client_builder().retry(RetryPolicy::never()).build().unwrap();
        let error = query(&client).await.unwrap_err();
        assert_eq!(matches!(error.kind(), ErrorKind::Transport(_)), is_transport, "{response:?} {error:?}");
        assert_eq!(mock.calls().len(), 1, "{response:?}");

        let mock = MockPrometheus::start();
        mock.on(UP).returns(response.clone()).then(7);
        assert_eq!(query(&mock.client()).await.unwrap(), 7.0, "{response:?}");
    }
}

#[tokio::test]
async fn invalid_http() {
    let mock = MockPrometheus::start();
    mock.on(UP).returns(MockResponse::raw("nonsense\r\n\r\n").then_close());
    let error = query(&mock.client()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Protocol(_)), "{error:?}");
}

#[tokio::test]
async fn slow_servers() {
    let mock = MockPrometheus::start();
    mock.on(UP)
        .returns(MockResponse::never())
        .then(MockResponse::from(1).stall_after(10))
        .then(MockResponse::from(1).delay(Duration::from_secs(5)));
    let client = mock.client_builder().timeout(Duration::from_millis(100)).retry(RetryPolicy::never()).build().unwrap();
    for _ in 0..3 {
        let start = Instant::now();
        assert!(query(&client).await.unwrap_err().is_timeout());
        assert!(start.elapsed() < Duration::from_secs(3));
    }

    let mock = MockPrometheus::start();
    mock.on(UP).returns(MockResponse::from(1).trickle(10, Duration::from_millis(5)));
    assert_eq!(query(&mock.client()).await.unwrap(), 1.0);
}

#[tokio::test]
async fn refused_connections() {
    let mock = MockPrometheus::start();
    mock.on(UP).returns(1).any_times();
    let client = mock.client();
    query(&client).await.unwrap();
    {
        let _refusing = mock.refuse_connections();
        let error = query(&client).await.unwrap_err().to_string();
        assert!(error.contains("Connection refused"), "{error}");
    }
    query(&client).await.unwrap();
    assert_eq!(mock.connections(), 2);
}

#[test]
fn responses_that_do_not_fit_the_query() {
    const SCALAR: Preset<dyn MetricQuerier, Scalar, NoWindow> = preset!("scalar(sum(up{{{labels}}}))");
    let mock = MockPrometheus::start();
    for (text, expected) in [
        (
            message(|| mock.on(UP).at("1").returns(series![{} => "1x5"])),
            "an instant query returns one value for each series",
        ),
        (message(|| mock.on(UP).returns(series![{} => "_"])), "an instant query returns one value for each series"),
        (message(|| mock.on(UP).returns(["a"])), "a query of this preset returns series"),
        (message(|| mock.on(SCALAR).returns(series![{} => 1])), "an instant query of this preset returns a number"),
        (message(|| mock.on_labels().returns(1)), "this endpoint returns a list of names"),
        (message(|| mock.on(UP).returns(1).any_times().then(["a"])), "a query of this preset returns series"),
        (message(|| mock.on(UP).returns(series![{} => "x"])), "invalid values \"x\": `x` is not a number"),
        (message(|| MockResponse::data("{")), "invalid JSON"),
    ] {
        assert!(text.contains(expected), "{text}");
    }
    assert!(matches!(Data::Vector(promql_presets::Vector::default()), Data::Vector(_)));
    let _ = Value::Float(1.0);
}
