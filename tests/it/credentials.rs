//! Headers that are made for each request: tokens that change, signatures, and their redaction.

use std::fs;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::faulty_server::{After, Request, Server, json, vector};
use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{ClientBuilder, ErrorClass, ErrorKind, HttpMethod, PrometheusClient, RetryPolicy, TimeRange};

type Headers = Vec<(&'static str, String)>;

fn builder(server: &Server) -> ClientBuilder {
    let policy = RetryPolicy::default().retries(2).backoff(Duration::from_millis(1), Duration::from_millis(1));
    PrometheusClient::builder(&server.url).retry(policy)
}

fn authorizations(server: &Server) -> Vec<String> {
    server.requests().into_iter().map(|request| request.headers["authorization"].clone()).collect()
}

#[tokio::test]
async fn a_hook_supplies_headers_for_each_attempt() {
    let server = Server::start(|request: &Request, stream| {
        let response = if request.number < 2 { json(503, "busy") } else { vector("7") };
        stream.write_all(response.as_bytes()).map(|()| After::Keep)
    });
    let count = Arc::new(AtomicUsize::new(0));
    let client = builder(&server)
        .bearer_auth("replaced")
        .header("x-kept", "1")
        .credentials(move |_| {
            let number = count.fetch_add(1, Ordering::Relaxed);
            async move { Ok::<_, std::convert::Infallible>([("authorization", format!("Bearer token-{number}"))]) }
        })
        .build()
        .unwrap();
    assert_eq!(client.query(UP, &prometheus::Querier::new()).await.unwrap().number().unwrap(), 7.0);
    assert_eq!(authorizations(&server), ["Bearer token-0", "Bearer token-1", "Bearer token-2"]);
    assert!(server.requests().iter().all(|request| request.headers["x-kept"] == "1"));
    // Scoped clients and other endpoints have the hook as well.
    client.for_tenant("a").build_info().await.unwrap();
    assert_eq!(authorizations(&server).last().unwrap(), "Bearer token-3");
}

#[tokio::test]
async fn a_signature_sees_what_is_sent() {
    for method in [HttpMethod::Post, HttpMethod::Get] {
        let server = Server::always(vector("7"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let of_hook = Arc::clone(&seen);
        let client = builder(&server)
            .method(method)
            .tenant("team-a")
            .credentials(move |attempt| {
                let of_hook = Arc::clone(&of_hook);
                async move {
                    assert!(!format!("{attempt:?}").contains("job"));
                    let body = String::from_utf8(attempt.body().to_vec())?;
                    let tenant = attempt.headers()["x-scope-orgid"].to_str()?.to_owned();
                    let signature = format!("AWS4-HMAC-SHA256 Signature={}{}", attempt.method(), body.len());
                    let url = attempt.url().to_string();
                    of_hook.lock().unwrap().push((attempt.method().to_owned(), url, body, tenant));
                    Ok::<Headers, Box<dyn std::error::Error + Send + Sync>>(vec![
                        ("authorization", signature),
                        ("x-amz-date", "20260101T000000Z".to_owned()),
                    ])
                }
            })
            .build()
            .unwrap();
        client.query(UP, &prometheus::Querier::new().job("api")).at("5").await.unwrap();
        let (name, url, body, tenant) = seen.lock().unwrap()[0].clone();
        let request = server.requests().pop().unwrap();
        assert_eq!((name.as_str(), tenant.as_str()), (request.method.as_str(), "team-a"));
        let query = "query=up%7Bjob%3D%22api%22%7D";
        match method {
            HttpMethod::Get => {
                assert!(url.ends_with(&request.query) && request.query.contains(query) && body.is_empty());
            }
            _ => assert!(url.ends_with("/api/v1/query") && body.contains(query), "{url} {body}"),
        }
        assert_eq!(request.headers["authorization"], format!("AWS4-HMAC-SHA256 Signature={name}{}", body.len()));
        assert_eq!(request.headers["x-amz-date"], "20260101T000000Z");
    }
}

#[tokio::test]
async fn a_failing_hook_fails_the_call() {
    let server = Server::always(vector("7"));
    let failing = builder(&server).credentials(|_| async { Err::<Headers, _>("the token server is down") });
    let client = failing.build().unwrap();
    let querier = prometheus::Querier::new();
    let error = client.query(UP, &querier).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Credentials(_)), "{error}");
    assert!(error.to_string().ends_with("no credentials for the request: the token server is down"), "{error}");
    assert_eq!((error.class(), error.retries(), error.is_retryable()), (ErrorClass::Internal, 0, false));
    assert_eq!(error.public_message(), "internal error");
    for (name, value) in [("x y", "1"), ("x-y", "a\nb"), ("content-length", "1")] {
        let hook = move |_| async move { Ok::<_, std::fmt::Error>([(name, value)]) };
        let error = builder(&server).credentials(hook).build().unwrap().query(UP, &querier).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Config(_)) && !error.to_string().contains("a\n"), "{error}");
    }
    // A tenant that is not the client's.
    let hook = |_| async { Ok::<_, std::fmt::Error>([("x-scope-orgid", "team-b")]) };
    let client = builder(&server).credentials(hook).build().unwrap();
    let error = client.for_tenant("team-a").query(UP, &querier).await.unwrap_err();
    assert!(error.to_string().contains("limited to the tenant `team-a`"), "{error}");
    assert_eq!(server.requests().len(), 0);
    client.query(UP, &querier).await.unwrap();
}

#[tokio::test]
async fn a_slow_hook_counts_towards_the_timeout() {
    let server = Server::always(vector("7"));
    let slow = builder(&server).credentials(|_| async {
        tokio::time::sleep(Duration::from_mins(1)).await;
        Ok::<Headers, std::fmt::Error>(Vec::new())
    });
    let client = slow.build().unwrap();
    let querier = prometheus::Querier::new();
    let error = client.query(UP, &querier).timeout(Duration::from_millis(50)).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
}

#[tokio::test]
async fn supplied_headers_are_redacted_whatever_their_names() {
    let server = Server::start(|request: &Request, stream| {
        let headers = &request.headers;
        let texts = [&headers["authorization"], &headers["x-custom"]].map(String::as_str);
        let page = json(403, &format!("<p>not for {}</p>", texts.join(" ")));
        stream.write_all(page.as_bytes()).map(|()| After::Keep)
    });
    let hook = |_| async {
        let headers = [("authorization", "Bearer secret-of-hook-1"), ("x-custom", "another-secret-2")];
        Ok::<_, std::fmt::Error>(headers)
    };
    let client = builder(&server).credentials(hook).build().unwrap();
    let querier = prometheus::Querier::new();
    let range = TimeRange::last_hours(1);
    for error in [
        client.query(UP, &querier).await.unwrap_err(),
        client.query_range(UP, &querier, range).stream().await.unwrap_err(),
        client.labels().await.unwrap_err(),
    ] {
        let shown = format!("{error} {error:?} {:?} {client:?}", error.kind());
        assert!(shown.contains("not for") && shown.contains("***"), "{shown}");
        assert!(!shown.contains("secret-of-hook-1") && !shown.contains("another-secret-2"), "{shown}");
    }
}

#[tokio::test]
async fn a_token_file_is_read_again_when_it_changes() {
    let server = Server::always(vector("7"));
    let path = std::env::temp_dir().join(format!("promql-presets-token-{}", std::process::id()));
    let client = builder(&server).bearer_auth_file(&path).build().unwrap();
    let querier = prometheus::Querier::new();
    let missing = client.query(UP, &querier).await.unwrap_err();
    assert!(matches!(missing.kind(), ErrorKind::Credentials(_)), "{missing}");
    assert!(missing.to_string().contains("promql-presets-token-"), "{missing}");
    fs::write(&path, " \n").unwrap();
    let empty = client.query(UP, &querier).await.unwrap_err();
    assert!(empty.to_string().contains("the file is empty"), "{empty}");
    for token in ["token-1\n", "token-22", "  token-333 \n"] {
        fs::write(&path, token).unwrap();
        client.query(UP, &querier).await.unwrap();
        client.query(UP, &querier).await.unwrap();
    }
    fs::remove_file(&path).unwrap();
    let expected = [1, 1, 22, 22, 333, 333].map(|number| format!("Bearer token-{number}"));
    assert_eq!(authorizations(&server), expected);
}
