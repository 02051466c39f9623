//! What the client sends, and how it handles the responses.

use std::fmt::Debug;
use std::time::Duration;

use crate::faulty_server::{Request, Server, json, vector};
use promql_presets::presets::{self, api_requests, prometheus, prometheus::UP};
use promql_presets::{
    CallReport, Data, Dialect, Error, ErrorKind, HttpMethod, Mimir, Outcome, PartialData, PrometheusClient, Querier,
    RangeError, ResultType, RetryPolicy, SeriesStream, Thanos, TimeRange, Timestamp, VictoriaMetrics, preset,
};

/// The request of a call, without what comes and goes.
fn last(server: &Server) -> (String, String, Vec<(String, String)>) {
    let Request { method, path, mut parameters, .. } = server.requests().pop().unwrap();
    parameters.retain(|(name, _)| name != "timeout");
    (method, path, parameters)
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn client(server: &Server) -> PrometheusClient {
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
        // What a call says by a setter of its own comes once.
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
async fn configured_http_does_not_follow_redirects() {
    let other = Server::always(vector("7"));
    let server = Server::always(crate::faulty_server::response(307, &format!("Location: {}/\r\n", other.url), ""));
    let builder = PrometheusClient::builder(&server.url)
        .tenant("secret")
        .configure_http(|http| http.user_agent("mine").redirect(promql_presets::reqwest::redirect::Policy::limited(5)));
    let error = builder.build().unwrap().query(UP, &prometheus::Querier::new()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Redirect { .. }), "{error:?}");
    assert_eq!(server.requests()[0].headers["user-agent"], "mine");
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn lists_send_their_settings() {
    let server = Server::always(json(200, r#"{"status":"success","data":["a","b"],"warnings":["cut"]}"#));
    let client = client(&server);
    let (api, web) = (prometheus::Querier::new().job("api"), Querier::new("http.requests"));
    let names = client.labels().matching(&api).matching(&web).start("1").end("2.5").limit(10).await.unwrap();
    assert_eq!((&*names, names.warnings()), (&["a".to_owned(), "b".to_owned()][..], &["cut".to_owned()][..]));
    let expected = [
        ("match[]", r#"{job="api"}"#),
        ("match[]", r#"{"http.requests"}"#),
        ("start", "1"),
        ("end", "2.500"),
        ("limit", "10"),
    ];
    assert_eq!(last(&server), ("POST".to_owned(), "/api/v1/labels".to_owned(), pairs(&expected)));

    let values = client.label_values("http.code").matching(&web).limit(1).await.unwrap();
    assert_eq!(values.into_vec(), ["a", "b"]);
    let expected = [("match[]", r#"{"http.requests"}"#), ("limit", "1")];
    assert_eq!(last(&server), ("GET".to_owned(), "/api/v1/label/http.code/values".to_owned(), pairs(&expected)));
    for (label, path) in [("U__job", "U__U____job"), ("a/b", "U__a_2f_b"), ("größe", "gr%C3%B6%C3%9Fe")] {
        client.label_values(label).await.unwrap();
        assert_eq!(last(&server).1, format!("/api/v1/label/{path}/values"));
    }
    let error = client.label_values("").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Render(_)));

    let server = Server::always(json(200, r#"{"status":"success","data":[{"__name__":"up","job":"api"},{}]}"#));
    let client = self::client(&server);
    let series = client.series(&api).or(&web).end("3").await.unwrap();
    assert_eq!((series[0].to_string().as_str(), series[1].is_empty()), (r#"up{job="api"}"#, true));
    assert_eq!(last(&server).2, pairs(&[expected_match(), ("match[]", r#"{"http.requests"}"#), ("end", "3")]));
    assert!(matches!(client.series(&Querier::new("")).await.unwrap_err().kind(), ErrorKind::Render(_)));
}

fn expected_match() -> (&'static str, &'static str) {
    ("match[]", r#"{job="api"}"#)
}

#[tokio::test]
async fn metadata_is_read() {
    let body = r#"{"status":"success","warnings":["store gone"],"data":{"none":null,
        "up":[{"type":"gauge","help":"h","unit":null,"new":{"a":[]}},{"type":"unknown"}]}}"#;
    let server = Server::always(json(200, body));
    let metadata = client(&server).metadata().metric("up").limit(2).limit_per_metric(3).await.unwrap();
    assert_eq!((metadata["up"][0].kind.as_str(), metadata["up"][0].help.as_str()), ("gauge", "h"));
    assert_eq!((metadata["up"][0].unit.as_str(), metadata["up"][1].unit.as_str()), ("", ""));
    assert_eq!((metadata["none"].len(), metadata.warnings()), (0, &["store gone".to_owned()][..]));
    assert_eq!((metadata.meta().warnings.len(), metadata.into_map().len()), (1, 2));
    let expected = [("metric", "up"), ("limit", "2"), ("limit_per_metric", "3")];
    assert_eq!(last(&server), ("GET".to_owned(), "/api/v1/metadata".to_owned(), pairs(&expected)));
}

#[tokio::test]
async fn exemplars_are_read() {
    let exemplar = r#"{"labels":{"trace_id":"t"},"value":"0.25","timestamp":1600096945.479}"#;
    let series = format!(r#"{{"seriesLabels":{{"job":"api"}},"exemplars":[{exemplar}]}}"#);
    let server = Server::always(json(200, &format!(r#"{{"status":"success","data":[{series}],"warnings":["cut"]}}"#)));
    let prometheus = client(&server);
    let querier = api_requests::Querier::new();
    let found = prometheus.exemplars(api_requests::RATE, &querier).window("1m").start("1").end("2").await.unwrap();
    assert_eq!(found[0].exemplars[0].labels.get("trace_id"), Some("t"));
    assert_eq!(found.warnings(), ["cut"]);
    let query = "sum by () (rate(backendai_api_request_count_total{}[1m]))";
    let expected = [("start", "1"), ("end", "2"), ("query", query)];
    assert_eq!(last(&server), ("POST".to_owned(), "/api/v1/query_exemplars".to_owned(), pairs(&expected)));

    let server = Server::always(json(200, r#"{"status":"success","data":[{"seriesLabels":{"job":1}}]}"#));
    let error = client(&server).exemplars(api_requests::RATE, &querier).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Decode(_)));
}

#[tokio::test]
async fn duplicate_keys_are_refused() {
    async fn query(data: &str) -> [String; 3] {
        let server = Server::always(json(200, &format!(r#"{{"status":"success","data":{data}}}"#)));
        let (client, querier) = (client(&server), Querier::new("up"));
        let series = client.series(&querier).await.map(drop);
        let metadata = client.metadata().await.map(drop);
        let exemplars = client.exemplars(api_requests::RATE, &api_requests::Querier::new()).await.map(drop);
        [series, metadata, exemplars].map(|result| result.err().map_or_else(String::new, |error| error.to_string()))
    }
    let [series, ..] = query(r#"[{"job":"a","pod":"b","job":"c"}]"#).await;
    assert!(series.contains("duplicate key `job`"), "{series}");
    for data in [r#"{"up":[],"up":[]}"#, r#"{"up":[{"type":"gauge","type":"counter"}]}"#] {
        let [_, metadata, _] = query(data).await;
        assert!(metadata.contains("duplicate key `up`") || metadata.contains("duplicate field `type`"), "{metadata}");
    }
    for labels in [r#""seriesLabels":{"a":"1","a":"1"},"exemplars":[]"#, r#""seriesLabels":{},"seriesLabels":{}"#] {
        let [_, _, exemplars] = query(&format!("[{{{labels}}}]")).await;
        assert!(
            exemplars.contains("duplicate key `a`") || exemplars.contains("duplicate field `series"),
            "{exemplars}"
        );
    }
    let exemplar = r#"{"labels":{"trace_id":"t","trace_id":"u"},"value":"0.25","timestamp":1}"#;
    let [_, _, exemplars] = query(&format!(r#"[{{"seriesLabels":{{}},"exemplars":[{exemplar}]}}]"#)).await;
    assert!(exemplars.contains("duplicate key `trace_id`"), "{exemplars}");
}

#[tokio::test]
async fn null_is_an_empty_list_or_map() {
    let server = Server::always(json(200, r#"{"status":"success","data":null,"warnings":["store gone"]}"#));
    let client = client(&server);
    let values = client.label_values("job").await.unwrap();
    assert!(values.is_empty() && values.is_partial());
    assert!(client.labels().await.unwrap().is_empty());
    assert!(client.series(&Querier::new("up")).await.unwrap().is_empty());
    let metadata = client.metadata().await.unwrap();
    assert!(metadata.is_empty() && metadata.is_partial());
    assert!(client.exemplars(UP, &prometheus::Querier::new()).await.unwrap().is_empty());
    assert_eq!(client.features().await.unwrap().iter().count(), 0);
    assert!(client.build_info().await.is_err() && client.format_query("up").await.is_err());

    let server = Server::always(json(200, r#"{"status":"success"}"#));
    let error = self::client(&server).labels().await.unwrap_err();
    assert!(error.to_string().contains("no `data`"), "{error}");
}

#[tokio::test]
async fn a_requested_limit_is_not_partial_data() {
    let cut = r#""warnings":["results truncated due to limit"]}"#;
    let body = crate::faulty_server::vector_body("7");
    let server = Server::sequence(&[
        json(200, &format!(r#"{{"status":"success","data":["a"],{cut}"#)),
        json(200, &format!("{},{cut}", body.trim_end().strip_suffix('}').unwrap())),
        json(200, &format!("{},{cut}", body.trim_end().strip_suffix('}').unwrap())),
        json(200, &format!(r#"{{"status":"success","data":["a"],{cut}"#)),
    ]);
    let client = PrometheusClient::builder(&server.url).partial_data(PartialData::Refuse).build().unwrap();
    let labels = client.labels().limit(1).await.unwrap();
    assert!(!labels.is_partial());
    assert_eq!(labels.warnings(), ["results truncated due to limit"]);
    let querier = prometheus::Querier::new();
    let warned = client.query(UP, &querier).limit(1).partial_data(PartialData::Warn).await.unwrap();
    assert_eq!((warned.number().unwrap(), warned.warnings().len()), (7.0, 1));
    // Without a limit of the call, the limit is the one of the server.
    let warned = client.query(UP, &querier).partial_data(PartialData::Warn).await.unwrap();
    assert!(warned.is_partial() && warned.number().is_err());
    assert!(matches!(client.labels().await.unwrap_err().kind(), ErrorKind::PartialData { .. }));
}

#[tokio::test]
async fn status_of_the_server_is_read() {
    let data = |data: &str| Server::always(json(200, &format!(r#"{{"status":"success","data":{data}}}"#)));
    // As of Mimir, whose features are an object.
    let server =
        data(r#"{"version":"3.14.0","goVersion":"go1.26","branch":null,"features":{"a":[true]},"revision":7}"#);
    let info = client(&server).build_info().await.unwrap();
    assert_eq!((info.version.as_str(), info.go_version.as_str(), info.branch.as_str()), ("3.14.0", "go1.26", ""));
    assert_eq!(last(&server).1, "/api/v1/status/buildinfo");

    let server =
        data(r#"{"promql_functions":{"limitk":true,"info":false,"new":{"since":3}},"version":"x","none":null}"#);
    let features = client(&server).features().await.unwrap();
    assert!(features.has("promql_functions", "limitk") && !features.has("promql_functions", "info"));
    assert!(!features.has("api", "x"));
    assert_eq!(features.iter().count(), 2);
    assert_eq!(last(&server).1, "/api/v1/features");

    let server = data(r#""a + b""#);
    assert_eq!(client(&server).format_query("a+b").await.unwrap(), "a + b");
    assert_eq!(last(&server), ("POST".to_owned(), "/api/v1/format_query".to_owned(), pairs(&[("query", "a+b")])));
    let server = data(r#"{"type":"binaryExpr"}"#);
    let tree: promql_presets::serde_json::Value = client(&server).parse_query("a+b").await.unwrap();
    assert_eq!(tree["type"], "binaryExpr");
    assert_eq!(last(&server), ("POST".to_owned(), "/api/v1/parse_query".to_owned(), pairs(&[("query", "a+b")])));
}

#[tokio::test]
async fn a_server_is_ready_or_not() {
    let server = Server::always(crate::faulty_server::response(200, "", "Prometheus Server is Ready.\n"));
    assert!(client(&server).ready().await.unwrap());
    assert_eq!(last(&server), ("GET".to_owned(), "/-/ready".to_owned(), Vec::new()));
    assert!(client(&server).healthy().await.unwrap());
    assert_eq!(last(&server).1, "/-/healthy");
    let server = Server::always(crate::faulty_server::response(503, "", "Service Unavailable"));
    assert!(!client(&server).ready().await.unwrap());
    assert_eq!(server.requests().len(), 1);
    let server = Server::always(crate::faulty_server::response(404, "", ""));
    assert_eq!(client(&server).ready().await.unwrap_err().status(), Some(404));
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

/// A querier that is not for several threads.
struct NotSync(std::cell::Cell<u8>);
impl promql_presets::MetricQuerier for NotSync {
    fn name(&self) -> &'static str {
        "up"
    }
    fn labels(&self) -> std::borrow::Cow<'_, [promql_presets::Matcher<'_>]> {
        self.0.set(1);
        (&[][..]).into()
    }
}

#[test]
fn public_types_are_debug_and_send() {
    fn check<T: Debug + Send>(value: T) -> T {
        assert!(!format!("{value:?}").is_empty());
        value
    }
    fn check_type<T: Debug + Send + Sync>() {}
    fn check_stream<T: Debug + Send + futures_util::Stream>() {}
    fn check_future<F: IntoFuture<IntoFuture: Send>>(_: F) {}
    check_type::<PrometheusClient>();
    check_type::<promql_presets::ClientBuilder>();
    check_type::<Error>();
    check_type::<ErrorKind>();
    check_type::<RetryPolicy>();
    check_type::<Dialect>();
    check_type::<CallReport<'_>>();
    check_type::<Outcome<'_>>();
    check_type::<Data>();
    check_type::<HttpMethod>();
    check_stream::<SeriesStream>();
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    assert_eq!(size_of::<PrometheusClient>(), size_of::<usize>());

    let client = PrometheusClient::new("http://localhost").unwrap();
    let querier = NotSync(std::cell::Cell::new(0));
    let any = preset!("sum by ({group_by}) ({metric_name}{{{labels}}})");
    let range = TimeRange::new(Timestamp::from_secs(0), Timestamp::from_secs(1)).unwrap();
    check_future(client.query(any, &querier));
    check_future(client.query_range(any, &querier, range));
    check_future(client.query_range(any, &querier, range).split());
    check_future(client.query_range(any, &querier, range).stream().limit(1));
    check_future(client.exemplars(any, &querier));
    check_future(check(client.series(&querier)));
    check_future(check(client.labels()));
    check_future(check(client.label_values("job")));
    check_future(check(client.metadata()));
    check_future(check(client.build_info()));
    check_future(check(client.features()));
    check_future(check(client.format_query("up")));
    check_future(check(client.parse_query("up")));
    check_future(check(client.ready()));
    check_future(check(client.raw_query("up")));
    check_future(check(client.raw_query_range("up", range)));
    let shown = format!("{:?}", client.query_range(any, &querier, range).split());
    assert!(shown.starts_with("SplitQuery"), "{shown}");
}

/// Queries of presets that take any querier are built, held and awaited in a task that may move between threads.
#[tokio::test]
async fn every_kind_of_query_can_be_spawned() {
    const TYPED: promql_presets::Preset<prometheus::Querier, promql_presets::Vector> = UP;
    let server = Server::always(vector("7"));
    let matrix = r#"{"resultType":"matrix","result":[]}"#;
    let ranges = Server::always(json(200, &format!(r#"{{"status":"success","data":{matrix}}}"#)));
    let lists = Server::always(json(200, r#"{"status":"success","data":[]}"#));
    let [client, ranges, lists] = [&server, &ranges, &lists].map(client);
    let range = TimeRange::parse("1", "2", "1").unwrap();
    let window = Some("1m");
    let spawned = tokio::spawn(async move {
        let any = preset!("rate({metric_name}{{{labels}}}[{window}])", window = "5m");
        let info = presets::ALL.find("api_requests::rate").unwrap();
        let (querier, typed) = (Querier::new("m"), prometheus::Querier::new());
        let labels = api_requests::Querier::new();

        let mut query = client.query(any, &querier);
        if let Some(window) = window {
            query = query.window(window);
        }
        query.await.unwrap();
        let mut query = client.query(info.preset::<Data>(), &labels);
        if let Some(window) = window {
            query = query.window(window);
        }
        query.await.unwrap();
        client.query(TYPED.any_querier(), &typed).await.unwrap();
        let query = client.query(any, &querier).when_some(window, promql_presets::InstantQuery::window);
        query.when_some(None::<Duration>, promql_presets::InstantQuery::timeout).await.unwrap();

        let mut query = ranges.query_range(any, &querier, range);
        if let Some(window) = window {
            query = query.window(window);
        }
        query.await.unwrap();
        let split = ranges.query_range(any, &querier, range).split();
        split.when_some(Some(2), promql_presets::SplitQuery::max_points).await.unwrap();
        let mut stream = ranges.query_range(any, &querier, range).stream().await.unwrap();
        assert!(stream.try_next().await.unwrap().is_none());
        lists.exemplars(any, &querier).when_some(window, promql_presets::ExemplarsQuery::window).await.unwrap();
        lists.series(&querier).when_some(Some(3), promql_presets::SeriesQuery::limit).await.unwrap();
        lists.label_values("job").matching(&querier).await.unwrap();
    });
    spawned.await.unwrap();
    let rates: Vec<_> = server.requests().iter().map(|request| last_query(&request.parameters)).collect();
    assert_eq!(rates.iter().filter(|query| query.contains("[1m]")).count(), 3, "{rates:?}");
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

fn last_query(parameters: &[(String, String)]) -> String {
    parameters.iter().find(|(name, _)| name == "query").map(|(_, value)| value.clone()).unwrap_or_default()
}

#[cfg(feature = "tracing")]
#[tokio::test]
async fn spans_record_the_outcome_of_calls() {
    let server = Server::sequence(&[crate::faulty_server::response(503, "", ""), vector("7")]);
    let (log, _guard) = spans::collect();
    let policy = RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(1));
    client(&server).query(UP, &prometheus::Querier::new()).retry(policy).await.unwrap();
    let fields = log.fields();
    let get = |name: &str| fields.get(name).map(String::as_str);
    assert_eq!((get("preset"), get("query")), (Some("prometheus::up"), Some("up{}")));
    assert_eq!((get("endpoint"), get("outcome"), get("retries")), (Some("query"), Some("success"), Some("1")));
    assert_eq!(get("bytes"), Some(&*crate::faulty_server::vector_body("7").len().to_string()));
    assert!(get("duration_ms").is_some());
    assert_eq!(get("message"), Some("retrying"));
}

#[cfg(feature = "tracing")]
#[tokio::test]
async fn failed_calls_and_streams_emit_an_event() {
    let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"]]},"#;
    let querier = prometheus::Querier::new();
    let range = TimeRange::parse("1", "2", "1").unwrap();
    let failed = async |server: &Server, trace_query: bool, streamed: bool| {
        let (log, _guard) = spans::collect();
        let builder = PrometheusClient::builder(&server.url).retry(RetryPolicy::never());
        let client = builder.trace_query(trace_query).build().unwrap();
        let query = client.query_range(UP, &querier, range);
        let error = if streamed {
            let mut stream = query.stream().await.unwrap();
            stream.try_next().await.unwrap().unwrap();
            assert_eq!(log.fields().get("message"), None);
            stream.try_next().await.unwrap_err()
        } else {
            query.await.unwrap_err()
        };
        let fields = log.fields();
        assert_eq!((&*fields["message"], &*fields["level"], &*fields["outcome"]), ("call failed", "WARN", "failure"));
        assert_eq!((&*fields["error"], &*fields["target"]), (&*error.to_string(), "promql_presets"));
        assert_eq!(fields.get("query").map(String::as_str), trace_query.then_some("up{}"));
        error
    };
    let refusing = Server::always(json(400, r#"{"status":"error","errorType":"bad_data","error":"no"}"#));
    let truncated = Server::always(json(200, matrix));
    for trace_query in [true, false] {
        let error = failed(&refusing, trace_query, false).await;
        assert!(matches!(error.kind(), ErrorKind::Server { .. }), "{error}");
        let error = failed(&truncated, trace_query, true).await;
        assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    }
}

#[cfg(feature = "tracing")]
#[tokio::test]
async fn split_queries_that_fail_emit_an_event() {
    // A duplicate series in one part, which is found when the parts are joined.
    let series = r#"{"metric":{},"values":[[1,"1"]]}"#;
    let data = format!(r#"{{"resultType":"matrix","result":[{series},{series}]}}"#);
    let server = Server::always(json(200, &format!(r#"{{"status":"success","data":{data}}}"#)));
    let reports = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&reports);
    let builder = PrometheusClient::builder(&server.url);
    let client =
        builder.on_call(move |report| seen.lock().unwrap().push(format!("{:?}", report.outcome))).build().unwrap();
    let querier = prometheus::Querier::new();
    let query = || client.query_range(UP, &querier, TimeRange::parse("1", "1", "1").unwrap());
    for (query, kind) in [(query().split(), "Decode"), (query().split().limit(1), "Split")] {
        let (log, _guard) = spans::collect();
        let error = query.await.unwrap_err();
        assert!(format!("{:?}", error.kind()).starts_with(kind), "{error:?}");
        assert_eq!((error.preset(), error.query()), (Some("prometheus::up"), Some("up{}")));
        let fields = log.fields();
        assert_eq!((&*fields["message"], &*fields["error"]), ("call failed", &*error.to_string()));
        assert!(reports.lock().unwrap().pop().unwrap().starts_with("Failure"));
    }
}

#[cfg(feature = "tracing")]
#[tokio::test]
async fn partial_data_emits_a_warning() {
    let series = r#"{"metric":{},"values":[[1,"1"]]}"#;
    let data = format!(r#"{{"resultType":"matrix","result":[{series}]}}"#);
    let server = Server::always(json(200, &format!(r#"{{"status":"success","data":{data},"warnings":["no store"]}}"#)));
    let (client, querier) = (client(&server), prometheus::Querier::new());
    let query = || client.query_range(UP, &querier, TimeRange::parse("1", "2", "1").unwrap());
    let warned = async |policy, streamed| {
        let (log, _guard) = spans::collect();
        let query = query().partial_data(policy);
        if streamed {
            let mut stream = query.stream().await.unwrap();
            while stream.try_next().await.unwrap().is_some() {}
            assert_eq!(stream.meta().preset, Some("prometheus::up"));
        } else {
            assert!(query.await.unwrap().is_partial());
        }
        let fields = log.fields();
        assert_eq!(fields["preset"], "prometheus::up");
        fields.get("message").map(|message| format!("{message}: {}", fields["reason"]))
    };
    for streamed in [false, true] {
        let warning = warned(promql_presets::PartialData::Warn, streamed).await;
        assert_eq!(warning.as_deref(), Some("the response is partial: no store"));
        assert_eq!(warned(promql_presets::PartialData::Accept, streamed).await, None);
    }
}

/// As much of a subscriber as a test needs.
#[cfg(feature = "tracing")]
mod spans {
    use std::collections::BTreeMap;
    use std::fmt::Debug;
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    /// The fields of all spans and events of this library.
    #[derive(Clone, Default)]
    pub(super) struct Log(Arc<Mutex<BTreeMap<String, String>>>);

    /// Collects what this thread emits until the guard is dropped.
    pub(super) fn collect() -> (Log, tracing::subscriber::DefaultGuard) {
        // Without a subscriber for all threads, what other tests reach first could remain disabled.
        _ = tracing::subscriber::set_global_default(Log::default());
        let log = Log::default();
        let guard = tracing::subscriber::set_default(log.clone());
        tracing::callsite::rebuild_interest_cache();
        (log, guard)
    }

    impl Log {
        pub(super) fn fields(&self) -> BTreeMap<String, String> {
            self.0.lock().unwrap().clone()
        }
    }

    impl Visit for &Log {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0.lock().unwrap().insert(field.name().to_owned(), format!("{value:?}"));
        }

        fn record_str(&mut self, field: &Field, value: &str) {
            self.0.lock().unwrap().insert(field.name().to_owned(), value.to_owned());
        }
    }

    impl Subscriber for Log {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target().starts_with("promql_presets")
        }

        fn new_span(&self, span: &Attributes<'_>) -> Id {
            span.record(&mut &*self);
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, values: &Record<'_>) {
            values.record(&mut &*self);
        }

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            event.record(&mut &*self);
            let mut fields = self.0.lock().unwrap();
            fields.insert("level".to_owned(), event.metadata().level().to_string());
            fields.insert("target".to_owned(), event.metadata().target().to_owned());
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }
}
