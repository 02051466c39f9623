//! Queries for each of many values of a label: how they are cut, and whose each series is.

use std::io::Write;

use crate::faulty_server::{After, Request, Server, json, vector};
use promql_presets::presets::container_utilization::{self as container, Label};
use promql_presets::presets::{api_requests, prometheus};
use promql_presets::{
    AnyPreset, Error, ErrorKind, ForEach, HttpMethod, MetricQuerier, PrometheusClient, Querier, RenderError, TimeRange,
    Timestamp, Vector, one_of, preset,
};
use promql_presets_test_support::{Dataset, prometheus as real, victoria_metrics};
use uuid::Uuid;

fn ids(count: u128) -> Vec<Uuid> {
    (0..count).map(|id| Uuid::from_u128(id << 64 | 0x4242)).collect()
}

/// The values of a matcher in a query.
fn queried(request: &Request) -> Vec<String> {
    let query = request.parameter("query").unwrap();
    let (_, rest) = query.split_once("kernel_id=").unwrap();
    let values = rest.trim_start_matches('~').trim_start_matches('"').split('"').next().unwrap();
    values.replace('\\', "").split('|').map(str::to_owned).collect()
}

/// Whether [`even`] has data of an id: whether the digit in which [`ids`] count is even.
fn has_data(id: &str) -> bool {
    id.as_bytes()[17].is_multiple_of(2)
}

/// Responds with the sample 1 for every second of [`ids`], and with no series for the others.
fn even(matrix: bool) -> Server {
    Server::start(move |request: &Request, stream| {
        let samples = if matrix { r#""values":[[60,"1"],[75,"2"]]"# } else { r#""value":[60,"1"]"# };
        let series = |id: &String| format!(r#"{{"metric":{{"kernel_id":"{id}"}},{samples}}}"#);
        let series: Vec<_> = queried(request).iter().filter(|id| has_data(id)).map(series).collect();
        let kind = if matrix { "matrix" } else { "vector" };
        let result = format!(r#"{{"resultType":"{kind}","result":[{}]}}"#, series.join(","));
        let warning = format!("warning {}", request.number % 2);
        let body = format!(r#"{{"status":"success","data":{result},"warnings":["same","{warning}"]}}"#);
        stream.write_all(json(200, &body).as_bytes()).map(|()| After::Keep)
    })
}

#[tokio::test]
async fn ids_are_put_into_few_queries_within_their_length() {
    let ids = ids(1000);
    for (method, limit, most) in [(HttpMethod::Post, 16_000, 3), (HttpMethod::Get, 4_000, 13)] {
        let server = even(false);
        let client = PrometheusClient::builder(&server.url).method(method).build().unwrap();
        let querier = container::Querier::new("cpu_util").group_by([Label::SessionId]);
        let query = client.query(container::RATE, &querier).window("1m").at("60");
        let usage = query.for_each_of(Label::KernelId, ids.iter().copied().chain([ids[0]])).await.unwrap();
        let requests = server.requests();
        assert!(requests.len() <= most, "{}", requests.len());
        assert!(requests.iter().all(|request| request.parameter("query").unwrap().len() <= limit));
        let query = requests[0].parameter("query").unwrap();
        assert!(query.starts_with("sum by (session_id,kernel_id) (rate(") && query.contains("[1m]"), "{query}");
        // Each value is queried once, sorted, and all of them are returned, in their order.
        assert!(requests.iter().all(|request| queried(request).is_sorted()));
        let mut all: Vec<String> = requests.iter().flat_map(queried).collect();
        all.sort();
        let mut expected: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        expected.sort();
        assert_eq!(all, expected);
        assert_eq!(usage.len(), 1000);
        for ((id, vector), expected) in usage.iter().zip(&ids) {
            assert_eq!(id, expected);
            let has_data = has_data(&id.to_string());
            assert_eq!(vector.len(), usize::from(has_data), "{id}");
            assert_eq!(vector.number_or_zero().unwrap(), f64::from(u8::from(has_data)));
            assert_eq!(usage.get(id), Some(vector));
        }
        assert_eq!(usage.get(&Uuid::from_u128(1)), None);
        assert_eq!(usage.warnings()[0], "same");
        assert_eq!(usage.warnings().iter().filter(|warning| *warning == "same").count(), 1);
    }
}

#[tokio::test]
async fn ranges_return_a_matrix_for_each_id() {
    let server = even(true);
    let client = PrometheusClient::new(&server.url).unwrap().for_tenant("a");
    let range = TimeRange::parse("60", "75", "15s").unwrap();
    let querier = container::Querier::new("cpu_util");
    let query = client.query_range(container::RATE, &querier, range).for_each_of(Label::KernelId, ids(40));
    let usage = query.max_query_bytes(500).concurrency(2).await.unwrap();
    assert!(server.requests().len() > 3);
    assert_eq!(usage.len(), 40);
    for (id, matrix) in usage {
        let has_data = has_data(&id.to_string());
        assert_eq!(matrix.sample_count(), if has_data { 2 } else { 0 });
        assert!(matrix.at_most_one().is_ok());
    }
    // A value that is longer than the limit has a query of its own.
    let count = server.requests().len();
    let query = client.query_range(container::RATE, &querier, range).for_each_of(Label::KernelId, ids(3));
    query.max_query_bytes(1).await.unwrap();
    assert_eq!(server.requests().len(), count + 3);
    // No values, no requests.
    let query = client.query_range(container::RATE, &querier, range).for_each_of(Label::KernelId, ids(0));
    assert!(query.await.unwrap().is_empty());
    assert_eq!(server.requests().len(), count + 3);
}

#[tokio::test]
async fn values_are_matched_in_the_form_of_their_label() {
    let server = Server::always(json(
        200,
        r#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"status_code":"500"},"value":[60,"7"]}]}}"#,
    ));
    let client = PrometheusClient::new(&server.url).unwrap();
    let querier = api_requests::Querier::new();
    let query = client.query(api_requests::RATE, &querier);
    let rates = query.for_each_of(api_requests::Label::StatusCode, ["0500", "500", "404"]).await.unwrap();
    let numbers: Vec<f64> = rates.iter().map(|(_, vector)| vector.number_or_zero().unwrap()).collect();
    assert_eq!(numbers, [7.0, 7.0, 0.0]);

    // A series of something else.
    let error = client.query(api_requests::RATE, &querier).for_each_of("status_code", [404]).await.unwrap_err();
    assert!(error.to_string().contains("belongs to none of the requested values"), "{error}");
}

#[tokio::test]
async fn presets_as_values_are_queried_for_each_id() {
    let preset: AnyPreset = container::RATE.any();
    let querier = Querier::default().label("container_metric_name", "cpu_util");
    let server = even(false);
    let client = PrometheusClient::new(&server.url).unwrap();
    let usage = client.query(preset, &querier).window("1m").for_each_of("kernel_id", ids(20)).await.unwrap();
    let typed = container::Querier::new("cpu_util");
    let expected = client.query(container::RATE, &typed).window("1m").for_each_of("kernel_id", ids(20)).await.unwrap();
    let elements = |all: ForEach<_, Vector>| all.into_iter().map(|(id, vector)| (id, vector.elements().to_vec()));
    assert_eq!(elements(usage).collect::<Vec<_>>(), elements(expected).collect::<Vec<_>>());
    let requests = server.requests();
    assert_eq!(requests[0].parameter("query"), requests[1].parameter("query"));

    let server = even(true);
    let client = PrometheusClient::new(&server.url).unwrap();
    let range = TimeRange::parse("60", "75", "15s").unwrap();
    let usage = client.query_range(preset, &querier, range).for_each_of("kernel_id", ids(20)).await.unwrap();
    assert_eq!(usage.iter().filter(|(_, matrix)| matrix.len() == 1).count(), usage.len() / 2);
    assert_eq!(usage.len(), 20);
}

#[tokio::test]
async fn what_cannot_be_grouped_is_refused() {
    let server = Server::always(vector("7"));
    let client = PrometheusClient::new(&server.url).unwrap();
    let refused = |error: Error, expected: &str| {
        assert!(matches!(error.kind(), ErrorKind::Config(_)), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    };
    let up = prometheus::Querier::new();
    let error = client.query(prometheus::UP, &up).for_each_of("job", ["a"]).await.unwrap_err();
    refused(error, "`prometheus::up` has no `{group_by}`");
    let top = preset!("topk(3, sum by ({group_by}) ({metric_name}{{{labels}}}))", name = "top");
    let querier = Querier::new("up");
    let querier: &dyn MetricQuerier = &querier;
    let error = client.query(top, querier).for_each_of("job", ["a"]).await.unwrap_err();
    refused(error, "`top` has an aggregation without `by ({group_by})`");
    let scalar: AnyPreset = preset!("scalar(sum by ({group_by}) ({metric_name}{{{labels}}}))", name = "number").any();
    let error = client.query(scalar, querier).for_each_of("job", ["a"]).await.unwrap_err();
    refused(error, "`number` is a scalar, so it cannot be queried for each `job`");
    let kernels = container::Querier::new("cpu_util");
    let error = client.query(container::RATE, &kernels).limit(3).for_each_of(Label::KernelId, ids(2)).await;
    refused(error.unwrap_err(), "`limit` would apply to each");
    let limited = PrometheusClient::builder(&server.url).parameter("limit", "3").build().unwrap();
    let error = limited.query(container::RATE, &kernels).for_each_of(Label::KernelId, ids(2)).await;
    refused(error.unwrap_err(), "`limit` would apply to each");
    for (label, value) in [("tenant", "x"), ("kernel_id", "x")] {
        let error = client.query(container::RATE, &kernels).for_each_of(label, [value]).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Render(_)), "{error}");
        assert_eq!(error.preset(), Some("container_utilization::rate"));
    }
    let range = TimeRange::parse("0", "100000", "1s").unwrap();
    let error = client.query_range(container::RATE, &kernels, range).for_each_of(Label::KernelId, ids(2)).await;
    assert!(matches!(error.unwrap_err().kind(), ErrorKind::Range(_)));
    let empty = container::Querier::new("cpu_util").kernel_id(one_of(ids(0)));
    let error = client.query(container::RATE, &empty).for_each_of(Label::KernelId, ids(2)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Render(RenderError::NoAlternatives { .. })), "{error}");
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn real_servers_return_each_id() {
    let data = Dataset::of_tests();
    let at = Timestamp::from_secs(data.end());
    for server in real::shared().into_iter().chain(victoria_metrics::shared()) {
        let client = PrometheusClient::new(server.url()).unwrap();
        let querier = api_requests::Querier::new();
        let known = client.label_values("endpoint").start(Timestamp::from_secs(data.start())).end(at).await.unwrap();
        let ids: Vec<String> = known.into_vec().into_iter().chain(["/no/such\"|\\.*".to_owned()]).collect();
        assert!(ids.len() > 2, "{ids:?}");
        let grouped = api_requests::Querier::new().group_by([api_requests::Label::Endpoint]);
        let whole = client.query(api_requests::RATE, &grouped).at(at).await.unwrap();
        for limit in [150, 16_000] {
            let query = client.query(api_requests::RATE, &querier).at(at);
            let rates = query.for_each_of(api_requests::Label::Endpoint, ids.clone()).max_query_bytes(limit).await;
            let rates = rates.unwrap();
            assert_eq!(rates.len(), ids.len());
            for (endpoint, vector) in &rates.iter().collect::<Vec<_>>() {
                let expected = whole.iter().find(|element| element.labels().get("endpoint") == Some(endpoint));
                assert_eq!(vector.elements().first(), expected, "{endpoint}");
            }
        }
    }
}
