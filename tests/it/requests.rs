//! What the client sends for queries.

use std::time::Duration;

use crate::faulty_server::{Request, Server, json, vector};
use promql_presets::presets::prometheus::{self, UP};
use promql_presets::presets::{self, api_requests};
use promql_presets::{
    Data, Error, ErrorKind, HttpMethod, Mimir, PartialData, PrometheusClient, Querier, RangeError, ResultType, Thanos,
    TimeRange, Timestamp, VictoriaMetrics,
};

/// The request of a call, without what comes and goes.
pub(crate) fn last(server: &Server) -> (String, String, Vec<(String, String)>) {
    let Request { method, path, mut parameters, .. } = server.requests().pop().unwrap();
    parameters.retain(|(name, _)| name != "timeout");
    (method, path, parameters)
}

pub(crate) fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn client(server: &Server) -> PrometheusClient {
    PrometheusClient::new(&server.url).unwrap()
}

#[tokio::test]
async fn instant_queries_send_their_settings() {
    let server = Server::always(vector("7"));
    let prometheus = client(&server);
    let querier = api_requests::Querier::new().status_code(500).group_by([api_requests::Label::Endpoint]);
    let vector = prometheus
        .query(api_requests::RATE, &querier)
        .at("2023-11-14T22:13:20.5Z")
        .window("1m")
        .limit(3)
        .lookback_delta("90s")
        .stats()
        .timeout(Duration::from_secs(7))
        .parameter("extra", "1")
        .parameter("extra", "2")
        .await
        .unwrap();
    assert_eq!(vector.number().unwrap(), 7.0);
    let (method, path, parameters) = last(&server);
    assert_eq!((method.as_str(), path.as_str()), ("POST", "/api/v1/query"));
    let query = r#"sum by (endpoint) (rate(backendai_api_request_count_total{status_code="500"}[1m]))"#;
    assert_eq!(
        parameters,
        pairs(&[
            ("time", "1700000000.500"),
            ("limit", "3"),
            ("lookback_delta", "90.000"),
            ("stats", "true"),
            ("query", query),
            ("extra", "1"),
            ("extra", "2"),
        ])
    );
    let timeout: f64 = server.requests()[0].parameter("timeout").unwrap().parse().unwrap();
    assert!((6.0..=7.0).contains(&timeout), "{timeout}");
}

#[tokio::test]
async fn range_queries_send_their_settings() {
    let server = Server::always(json(200, r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#));
    let range = TimeRange::parse("1.5", "61.25", "500ms").unwrap();
    let querier = prometheus::Querier::new().job("api");
    let query = client(&server).query_range(UP, &querier, range).stats_per_step().limit(9).limit(2).await;
    assert!(query.unwrap().is_empty());
    let (_, path, parameters) = last(&server);
    assert_eq!(path, "/api/v1/query_range");
    let expected = [
        ("limit", "2"),
        ("stats", "all"),
        ("start", "1.500"),
        ("end", "61.250"),
        ("step", "0.500"),
        ("query", r#"up{job="api"}"#),
    ];
    let sorted = |mut parameters: Vec<(String, String)>| {
        parameters.sort();
        parameters
    };
    assert_eq!(sorted(parameters), sorted(pairs(&expected)));
}

#[tokio::test]
async fn headers_and_parameters_of_a_call_replace_those_of_its_client() {
    let server = Server::always(vector("7"));
    let client = PrometheusClient::builder(format!("{}/select/0/prometheus?key=base", server.url))
        .bearer_auth("token")
        .header("x-a", "client")
        .tenant("client")
        .with(Thanos::new().dedup(true))
        .build()
        .unwrap();
    let querier = prometheus::Querier::new();
    client.query(UP, &querier).await.unwrap();
    let request = server.requests().pop().unwrap();
    assert_eq!(request.path, "/select/0/prometheus/api/v1/query");
    assert_eq!(&request.headers["authorization"], "Bearer token");
    assert_eq!((&*request.headers["x-a"], &*request.headers["x-scope-orgid"]), ("client", "client"));
    assert_eq!((request.parameter("dedup"), request.parameter("key")), (Some("true"), Some("base")));

    client.query(UP, &querier).header("X-A", "call").with(Mimir::new().tenants(["a", "b"])).await.unwrap();
    let request = server.requests().pop().unwrap();
    assert_eq!((&*request.headers["x-a"], &*request.headers["x-scope-orgid"]), ("call", "a|b"));
    client.query(UP, &querier).with(Thanos::new().dedup(false)).with(VictoriaMetrics::new().nocache()).await.unwrap();
    let request = server.requests().pop().unwrap();
    assert_eq!((request.parameter("dedup"), request.parameter("nocache")), (Some("false"), Some("1")));
    assert_eq!(request.parameters.iter().filter(|(name, _)| name == "dedup").count(), 1);
}

#[tokio::test]
async fn parameters_of_the_base_url_remain_in_the_url() {
    let server = Server::always(vector("7"));
    let builder = || PrometheusClient::builder(format!("{}/?api_key=a%26b&x=1&x=2", server.url));
    let (querier, form) = (prometheus::Querier::new(), [("query", "up{}"), ("y", "3")]);
    for method in [HttpMethod::Post, HttpMethod::Get] {
        let client = builder().method(method).parameter("y", "3").build().unwrap();
        client.query(UP, &querier).await.unwrap();
        let request = server.requests().pop().unwrap();
        assert!(request.query.starts_with("api_key=a%26b&x=1&x=2"), "{}", request.query);
        assert_eq!(request.query.contains("up"), method == HttpMethod::Get, "{}", request.query);
        assert_eq!(form.map(|(name, _)| request.parameter(name)), form.map(|(_, value)| Some(value)));
        assert_eq!(request.parameters.iter().filter(|(name, _)| name == "api_key").count(), 1);
        client.query(UP, &querier).parameter("x", "3").await.unwrap();
        let request = server.requests().pop().unwrap();
        let values: Vec<_> = request.parameters.iter().filter(|(name, _)| name == "x").collect();
        assert_eq!(values, [&("x".to_owned(), "3".to_owned())]);
        client.label_values("job").await.unwrap_err();
        assert_eq!(server.requests().pop().unwrap().parameter("api_key"), Some("a&b"));
        // A parameter with a setter of its own is sent once.
        let client = PrometheusClient::builder(format!("{}/?limit=5", server.url)).method(method).build();
        client.unwrap().query(UP, &querier).limit(3).await.unwrap();
        let parameters = server.requests().pop().unwrap().parameters;
        let values = |wanted: &'static str| {
            parameters.iter().filter(move |(name, _)| name == wanted).map(|(_, value)| value.as_str())
        };
        assert_eq!(values("limit").collect::<Vec<_>>(), ["3"]);
        assert!(values("timeout").all(|timeout| timeout.starts_with("29.") || timeout == "30.000"));
        assert_eq!(values("timeout").count(), 1);
    }
}

#[tokio::test]
async fn a_base_url_may_end_in_the_path_of_the_api() {
    let server = Server::always(vector("7"));
    for (path, expected) in [
        ("/api/v1", "/api/v1/query"),
        ("/api/v1/", "/api/v1/query"),
        ("/a/prometheus/api/v1//", "/a/prometheus/api/v1/query"),
        ("/a/api/v11", "/a/api/v11/api/v1/query"),
        ("", "/api/v1/query"),
    ] {
        let client = PrometheusClient::new(format!("{}{path}", server.url)).unwrap();
        client.query(UP, &prometheus::Querier::new()).await.unwrap();
        assert_eq!(server.requests().pop().unwrap().path, expected);
    }
}

#[tokio::test]
async fn calls_cannot_remove_filters_of_their_client() {
    let server = Server::always(vector("7"));
    let of_call = || VictoriaMetrics::new().extra_label("env", "prod");
    let querier = prometheus::Querier::new();
    let labels = |server: &Server| {
        let (_, _, parameters) = last(server);
        parameters.into_iter().filter(|(name, _)| name == "extra_label").map(|(_, value)| value).collect::<Vec<_>>()
    };
    let built = PrometheusClient::builder(&server.url).with(VictoriaMetrics::new().extra_label("tenant", "a"));
    let written = PrometheusClient::builder(format!("{}?extra_label=tenant=a", server.url));
    for client in [built.build().unwrap(), written.build().unwrap()] {
        client.query(UP, &querier).with(of_call()).await.unwrap();
        assert_eq!(labels(&server), ["env=prod", "tenant=a"]);
    }

    let filter = |tenant: &str| VictoriaMetrics::new().extra_filters(&Querier::new("").label("tenant", tenant));
    let client = PrometheusClient::builder(&server.url).with(filter("a")).build().unwrap();
    client.query(UP, &querier).await.unwrap();
    assert_eq!(server.requests().pop().unwrap().parameter("extra_filters[]"), Some(r#"{tenant="a"}"#));
    let sent = server.requests().len();
    let error = client.query(UP, &querier).with(filter("b")).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Config(message) if message.contains("extra_filters[]")), "{error:?}");
    let written = PrometheusClient::builder(format!("{}?extra_filters={{tenant=\"a\"}}", server.url));
    assert!(matches!(written.with(filter("b")).build().unwrap_err().kind(), ErrorKind::Config(_)));
    assert_eq!(server.requests().len(), sent);
}

#[tokio::test]
async fn refusing_partial_data_overrides_the_dialect() {
    let server = Server::always(vector("7"));
    let client = PrometheusClient::builder(&server.url).with(Thanos::new().partial_response(true)).build().unwrap();
    client.query(UP, &prometheus::Querier::new()).partial_data(PartialData::Refuse).await.unwrap();
    let (_, _, mut parameters) = last(&server);
    parameters.retain(|(name, _)| name.contains("partial"));
    assert_eq!(parameters, pairs(&[("partial_response", "false"), ("deny_partial_response", "1")]));
}

#[tokio::test]
async fn basic_credentials_come_from_the_builder_or_the_url() {
    let server = Server::always(vector("7"));
    let built = PrometheusClient::builder(&server.url).basic_auth("user", "p@ss").build().unwrap();
    let written = PrometheusClient::new(server.url.replace("//", "//user:p%40ss@")).unwrap();
    for client in [built, written] {
        client.query(UP, &prometheus::Querier::new()).await.unwrap();
        assert_eq!(server.requests().pop().unwrap().headers["authorization"], "Basic dXNlcjpwQHNz");
    }
}

#[tokio::test]
async fn presets_by_name_and_raw_queries_have_results_of_any_type() {
    let server = Server::always(vector("7"));
    let client = client(&server);
    let info = presets::ALL.find("api_requests::rate").unwrap();
    let querier = Querier::new("").label("endpoint", "/auth").group_by(["job"]);
    let found = client.query(info.preset::<Data>(), &querier).window("2m").await.unwrap();
    assert_eq!(found.meta().preset, Some("api_requests::rate"));
    assert_eq!(found.into_vector().unwrap().number().unwrap(), 7.0);
    let query = r#"sum by (job) (rate(backendai_api_request_count_total{endpoint="/auth"}[2m]))"#;
    assert_eq!(last(&server).2, pairs(&[("query", query)]));
    let undeclared = client.query(info.preset::<Data>(), &Querier::new("").label("x", "y")).await.unwrap_err();
    assert!(matches!(undeclared.kind(), ErrorKind::Render(_)));
    assert_eq!(undeclared.preset(), Some("api_requests::rate"));

    let raw = client.raw_query("1 +").at("5").await.unwrap();
    assert_eq!(raw.result_type(), ResultType::InstantVector);
    assert_eq!(raw.to_string(), raw.clone().into_vector().unwrap().to_string());
    assert!(!raw.is_partial() && raw.warnings().is_empty());
    let error = raw.clone().into_matrix().unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "wrong result type: expected range vector, the server returned instant vector; \
         the query is 1 +"
    );
    assert!(raw.clone().into_text().is_err());
    // As VictoriaMetrics sends one; this vector has labels.
    assert!(raw.into_scalar().is_err());
    assert_eq!(last(&server).2, pairs(&[("time", "5"), ("query", "1 +")]));
    let error = client.raw_query_range("up", TimeRange::parse("0", "1", "1").unwrap()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ResultType(_)));
    assert_eq!((error.preset(), error.query()), (None, Some("up")));
}

#[tokio::test]
async fn invalid_input_is_reported_by_the_call() {
    let server = Server::always(vector("7"));
    let client = client(&server);
    let querier = prometheus::Querier::new();
    let kind = |error: Error| {
        assert_eq!(error.preset(), Some("prometheus::up"));
        format!("{:?}", error.kind())
    };
    let time = client.query(UP, &querier).at("yesterday").at("5").await.unwrap_err();
    assert!(matches!(time.kind(), ErrorKind::Range(RangeError::InvalidTime(_))));
    assert!(kind(client.query(UP, &querier).lookback_delta("x").await.unwrap_err()).contains("InvalidLookback"));
    assert!(kind(client.query(UP, &querier).header("a b", "x").await.unwrap_err()).starts_with("Config"));
    let filter = VictoriaMetrics::new().extra_filters(&Querier::new(""));
    assert!(kind(client.query(UP, &querier).with(filter).await.unwrap_err()).starts_with("Render"));
    let millis = client.query(UP, &querier).at(Timestamp::from_secs(1_763_900_000_000)).await.unwrap_err();
    assert!(matches!(millis.kind(), ErrorKind::Range(RangeError::Milliseconds { seconds: 1_763_900_000_000 })));
    let window = client.query(api_requests::RATE, &api_requests::Querier::new()).window("x").await.unwrap_err();
    assert!(matches!(window.kind(), ErrorKind::Render(_)));
    assert!(server.requests().is_empty());
}

#[test]
fn invalid_servers_are_refused() {
    for url in ["", "localhost:9090", "ftp://host", "/path", "http://"] {
        let error = PrometheusClient::new(url).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Config(_)), "{url}");
    }
    let secure = PrometheusClient::new("https://host");
    assert_eq!(secure.is_ok(), cfg!(any(feature = "rustls", feature = "native-tls")));
    let error = PrometheusClient::builder("http://host").header("a\n", "b").build().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Config(_)));
}

#[tokio::test]
async fn windows_are_durations_or_seconds() {
    let server = Server::always(vector("7"));
    let (client, querier) = (client(&server), api_requests::Querier::new());
    client.query(api_requests::RATE, &querier).window("90").await.unwrap();
    client.query(api_requests::RATE, &querier).window(90).await.unwrap();
    client.query(api_requests::RATE, &querier).window(90.0).await.unwrap();
    client.query(api_requests::RATE, &querier).window(Duration::from_secs(90)).await.unwrap();
    client.query(api_requests::RATE, &querier).window("1m30s").lookback_delta("60").await.unwrap();
    assert!(server.requests().iter().all(|request| last_query(&request.parameters).contains("[1m30s]")));
}

pub(crate) fn last_query(parameters: &[(String, String)]) -> String {
    parameters.iter().find(|(name, _)| name == "query").map(|(_, value)| value.clone()).unwrap_or_default()
}

#[test]
fn headers_that_the_http_library_sets_are_refused() {
    for (name, value, message) in [
        ("content-length", "1", "the header `content-length` cannot be set"),
        ("Transfer-Encoding", "chunked", "the header `Transfer-Encoding` cannot be set"),
        ("content-type", "text/plain", "the header `content-type` cannot be set"),
        ("Connection", "close", "the header `Connection` cannot be set"),
        ("x-a", "b\r\nc", "invalid value of the header `x-a`"),
    ] {
        let error = PrometheusClient::builder("http://localhost:9090").header(name, value).build().unwrap_err();
        assert_eq!(error.to_string(), format!("invalid configuration: {message}"));
    }
    let error = PrometheusClient::builder("http://localhost:9090").tenant("a\r\nb").build().unwrap_err();
    assert_eq!(error.to_string(), "invalid configuration: invalid value of the header `x-scope-orgid`");
}
