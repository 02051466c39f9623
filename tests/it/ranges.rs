//! Ranges in parts and as streams, from servers that cut them off or contradict themselves.

use std::io::Write;
use std::time::Duration;

use crate::faulty_server::{After, Server, json};
use promql_presets::DecodeError;
use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{
    ErrorKind, MetricQuerier, NoWindow, Preset, PrometheusClient, Querier, RetryPolicy, SplitError, TimeRange, Vector,
    preset,
};

/// A client whose retries a test need not wait for.
fn client_of(server: &Server) -> PrometheusClient {
    let quick = RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(2));
    PrometheusClient::builder(&server.url).retry(quick).build().unwrap()
}

fn matrix(result: &str) -> String {
    json(200, &format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{result}]}}}}"#))
}

#[tokio::test]
async fn samples_of_an_attempt_that_failed_do_not_count() {
    let server = Server::start(|request, stream| {
        let start = request.parameter("start").unwrap();
        let whole = matrix(&format!(r#"{{"metric":{{}},"values":[[{start},"1"],[{start}.5,"2"]]}}"#));
        let cut = if request.number % 2 == 0 { whole.len() - 1 } else { whole.len() };
        stream.write_all(&whole.as_bytes()[..cut])?;
        Ok(if cut < whole.len() { After::Reset } else { After::Keep })
    });
    let client = client_of(&server);
    let range = TimeRange::parse("0", "5", "1").unwrap();
    let querier = prometheus::Querier::new();
    let query = client.query_range(UP, &querier, range).max_samples(6).split().max_points(2).concurrency(1);
    assert_eq!(query.await.unwrap().sample_count(), 6);
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn contradictory_series_are_errors() {
    let query = async |result: &str| {
        let server = Server::always(matrix(result));
        let client = client_of(&server);
        let range = TimeRange::parse("0", "3", "1").unwrap();
        let whole = client.raw_query_range("up", range).await.map(|_| ());
        let split = client.query_range(UP, &prometheus::Querier::new(), range).split().await.map(|_| ());
        let mut stream = client.raw_query_range("up", range).stream().await.unwrap();
        let streamed = stream.try_next().await.map(|_| ());
        [whole, split, streamed].map(|result| match result {
            Ok(()) => "fine".to_owned(),
            Err(error) => match error.kind() {
                ErrorKind::Decode(error) => error.to_string(),
                other => panic!("{other:?}"),
            },
        })
    };
    let series = r#"{"metric":{"a":"b"},"values":[[1,"1"],[2,"2"]]}"#;
    assert_eq!(query(series).await, ["fine"; 3]);
    let twice = query(&format!("{series},{series}")).await;
    assert_eq!(twice, ["fine", r#"series `{a="b"}` occurs twice in one response"#, "fine"]);
    let same = query(&series.replace("[2,", "[1,")).await;
    assert_eq!(same, [r#"series `{a="b"}` has two samples with one timestamp"#; 3]);
    for error in query(&series.replace("[2,", "[0.5,")).await {
        assert!(error.starts_with("expected a time that is not before the last one"), "{error}");
    }
}

#[tokio::test]
async fn parts_have_no_points_of_others() {
    for moved in [-1, 1] {
        let server = Server::start(move |request, stream| {
            let [start, end] = ["start", "end"].map(|name| request.parameter(name).unwrap().parse::<i64>().unwrap());
            let points: Vec<String> = (start..=end).map(|time| format!(r#"[{},"1"]"#, time + moved)).collect();
            let response = matrix(&format!(r#"{{"metric":{{"a":"b"}},"values":[{}]}}"#, points.join(",")));
            stream.write_all(response.as_bytes()).map(|()| After::Keep)
        });
        let range = TimeRange::parse("0", "9", "1").unwrap();
        let client = client_of(&server);
        let error = client.query_range(UP, &prometheus::Querier::new(), range).split().max_points(5).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode(DecodeError::Series { .. })), "{error:?}");
        let line = r#": the response cannot be decoded: series `{a="b"}` has samples outside of the requested range"#;
        assert_eq!(error.to_string(), format!("preset prometheus::up: query_range at {}{line}", server.url));
    }
}

#[tokio::test]
async fn parts_use_the_ends_of_the_whole_range() {
    let server = Server::always(matrix(""));
    let client = client_of(&server);
    let range = TimeRange::parse("2.5", "21", "1").unwrap();
    let querier = Querier::default();
    let growth = preset!("x @ end() - x @ start()", allow("unfiltered-selector", reason = "short"));
    let split = client.query_range(growth, &querier, range).split().max_points(10).await.unwrap();
    assert_eq!(server.requests().len(), 3);
    for request in server.requests() {
        assert_eq!(request.parameter("query"), Some("x @ 21 - x @ 2"));
    }
    assert_eq!(split.meta().query.as_deref(), Some("x @ 21 - x @ 2"));
}

#[tokio::test]
async fn queries_of_the_whole_range_are_not_split() {
    let server = Server::always(matrix(""));
    let client = client_of(&server);
    let range = TimeRange::parse("0", "20", "1").unwrap();
    let limits = PrometheusClient::builder(format!("{}?limit=7", server.url)).build().unwrap();
    let (querier, up) = (Querier::new("m"), prometheus::Querier::new());
    let of_range: Preset<dyn MetricQuerier, Vector, NoWindow> = preset!("rate({metric_name}{{{labels}}}[range()])");
    let chosen = preset!("limitk(2, {metric_name}{{{labels}}})", features = ["promql-experimental-functions"]);
    let whole = |name| SplitError::WholeRange { name };
    for (error, expected) in [
        (client.query_range(of_range, &querier, range).split().await.unwrap_err(), whole("range()")),
        (client.query_range(chosen, &querier, range).split().await.unwrap_err(), whole("limitk")),
        (client.query_range(UP, &up, range).limit(7).split().await.unwrap_err(), SplitError::Limit),
        (client.query_range(UP, &up, range).parameter("limit", "7").split().await.unwrap_err(), SplitError::Limit),
        (limits.query_range(UP, &up, range).split().await.unwrap_err(), SplitError::Limit),
        (client.raw_query_range("up", range).split().await.unwrap_err(), SplitError::Unchecked),
    ] {
        let ErrorKind::Split(found) = error.kind() else { panic!("{error:?}") };
        assert_eq!(*found, expected);
        let line = error.to_string();
        assert!(line.ends_with(&format!("the query cannot be split: {expected}")), "{line}");
        assert!(error.query().is_some());
    }
    assert!(server.requests().is_empty());
    assert!(client.query_range(UP, &up, range).limit(0).split().await.unwrap().is_empty());
}
