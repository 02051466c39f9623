//! `POST`, and `GET` where a server refuses it.

use std::io::Write;

use crate::faulty_server::{After, Server, client_of, http_error, json, query, response, vector};
use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{ErrorKind, HttpMethod, TimeRange};

#[tokio::test]
async fn get_replaces_post_where_it_is_refused() {
    for status in [403, 405, 501] {
        let server = Server::start(move |request, stream| {
            let refused = response(status, "", "no");
            let response = if request.method == "POST" { refused } else { vector("7") };
            stream.write_all(response.as_bytes()).map(|()| After::Keep)
        });
        let client = client_of(&server).build().unwrap();
        let clone = client.clone();
        assert_eq!(query(&client).await.unwrap(), 7.0);
        assert_eq!(query(&clone).await.unwrap(), 7.0);
        let methods: Vec<_> = server.requests().iter().map(|request| request.method.clone()).collect();
        assert_eq!(methods, ["POST", "GET", "GET"], "{status}");
        assert_eq!(server.requests()[2].parameter("query"), Some("up{}"));

        let strict = client_of(&server).method(HttpMethod::Post).build().unwrap();
        assert_eq!(query(&strict).await.unwrap_err().status(), Some(status));
    }
}

#[tokio::test]
async fn post_remains_where_get_is_refused_too() {
    let server = Server::start(|request, stream| {
        let refused = json(403, r#"{"status":"error","errorType":"forbidden","error":"no"}"#);
        let response = match request.number {
            0 | 1 => response(403, "", "no"),
            2 | 3 => refused,
            _ => vector("7"),
        };
        stream.write_all(response.as_bytes()).map(|()| After::Keep)
    });
    let client = client_of(&server).build().unwrap();
    assert_eq!(http_error(&query(&client).await.unwrap_err()), (403, "no"));
    assert!(matches!(query(&client).await.unwrap_err().kind(), ErrorKind::Server { status: 403, .. }));
    assert_eq!(query(&client).await.unwrap(), 7.0);
    let methods: Vec<_> = server.requests().iter().map(|request| request.method.clone()).collect();
    assert_eq!(methods, ["POST", "GET", "POST", "GET", "POST"]);
    let gets = client_of(&server).method(HttpMethod::Get).build().unwrap();
    assert_eq!(query(&gets).await.unwrap(), 7.0);
    assert_eq!(server.requests()[5].method, "GET");

    // Nor where it cannot be tried.
    let server = Server::always(response(403, "", "no"));
    let error = client_of(&server).build().unwrap().raw_query("x".repeat(70_000)).await.unwrap_err();
    assert_eq!(http_error(&error), (403, "no"));
}

#[tokio::test]
async fn post_remains_where_get_returns_a_login_page() {
    let server = Server::start(|request, stream| {
        let response = match (&*request.method, request.number) {
            ("POST", 0) => response(405, "", "no"),
            ("GET", 1) => response(200, "Content-Type: text/html\r\n", "<html>Who are you?"),
            _ => vector("7"),
        };
        stream.write_all(response.as_bytes()).map(|()| After::Keep)
    });
    let client = client_of(&server).build().unwrap();
    assert_eq!(http_error(&query(&client).await.unwrap_err()), (200, "<html>Who are you?"));
    assert_eq!(query(&client).await.unwrap(), 7.0);
    let methods: Vec<_> = server.requests().iter().map(|request| request.method.clone()).collect();
    assert_eq!(methods, ["POST", "GET", "POST"]);

    // An error of Prometheus is a response, and so is a stream.
    let error = r#"{"status":"error","errorType":"bad_data","error":"no"}"#;
    let empty = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
    for (status, body) in [(400, error), (200, empty)] {
        let server = Server::start(move |request, stream| {
            let response = if request.method == "POST" { response(405, "", "no") } else { json(status, body) };
            stream.write_all(response.as_bytes()).map(|()| After::Keep)
        });
        let client = client_of(&server).build().unwrap();
        for _ in 0..2 {
            let querier = prometheus::Querier::new();
            let stream = client.query_range(UP, &querier, TimeRange::last_hours(1)).stream().await;
            assert_eq!(stream.is_ok(), status == 200);
            if let Ok(mut stream) = stream {
                assert_eq!(stream.try_next().await.unwrap(), None);
            }
        }
        let methods: Vec<_> = server.requests().iter().map(|request| request.method.clone()).collect();
        assert_eq!(methods, ["POST", "GET", "GET"], "{status}");
    }
}

#[tokio::test]
async fn queries_too_long_for_get_are_not_sent() {
    let server = Server::always(vector("7"));
    let client = client_of(&server).method(HttpMethod::Get).build().unwrap();
    let error = client.raw_query("x".repeat(70_000)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Config(_)) && !error.is_retryable());
    assert!(error.to_string().contains("the query is too long for `GET`: a URL of 70"), "{error}");
    assert!(client.raw_query("x".repeat(60_000)).await.is_ok());
    assert_eq!(server.requests().len(), 1);
}
