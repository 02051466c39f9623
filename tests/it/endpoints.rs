//! The endpoints besides queries: what the client sends, and how it reads the responses.

use crate::faulty_server::{Server, json, vector_body};
use crate::requests::{client, last, pairs};
use promql_presets::presets::api_requests;
use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{ErrorKind, PartialData, PrometheusClient, Querier};

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
    let body = vector_body("7");
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
