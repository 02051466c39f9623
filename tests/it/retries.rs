//! Retries and their limits.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant, SystemTime};

use crate::connections::first_of;
use crate::faulty_server::{After, Server, client_of, http_error, json, query, quick, response, vector, vector_body};
use httpdate::fmt_http_date;
use promql_presets::{ErrorKind, HttpMethod, PrometheusClient, RetryPolicy};

#[tokio::test]
async fn refused_connections_are_retried_and_reported() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = query(&PrometheusClient::builder(&url).retry(quick()).build().unwrap()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Transport(_)), "{error:?}");
    assert!(error.is_retryable() && !error.is_timeout());
    assert_eq!((error.retries(), error.preset(), error.query()), (3, Some("prometheus::up"), Some("up{}")));
    let line = error.to_string();
    let where_and_what = format!("query at {url}, after 3 retries: the server cannot be reached: ");
    assert!(line.starts_with(&format!("preset prometheus::up: {where_and_what}")), "{line}");
    assert!(line.ends_with("Connection refused (os error 111)"), "{line}");
}

#[tokio::test]
async fn a_reset_within_the_body_is_retried() {
    let server = Server::start(|request, stream| {
        let whole = vector("7");
        let cut = if request.number < 2 { whole.len() - 20 } else { whole.len() };
        stream.write_all(&whole.as_bytes()[..cut])?;
        Ok(if request.number < 2 { After::Reset } else { After::Keep })
    });
    assert_eq!(query(&client_of(&server).build().unwrap()).await.unwrap(), 7.0);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn only_transient_failures_are_retried() {
    let error =
        |status, kind: &str| json(status, &format!(r#"{{"status":"error","errorType":"{kind}","error":"no"}}"#));
    let requests = async |first: String| {
        let server = Server::sequence(&[first, vector("7")]);
        let client = client_of(&server).method(HttpMethod::Post).build().unwrap();
        let result = query(&client).await;
        assert_eq!(result.is_ok(), server.requests().len() == 2);
        server.requests().len()
    };
    for status in [408, 429, 502, 503, 504] {
        assert_eq!(requests(response(status, "", "a proxy")).await, 2, "{status}");
    }
    for (status, kind) in [(503, "timeout"), (500, "internal"), (200, "timeout"), (200, "internal"), (500, "timeout")] {
        assert_eq!(requests(error(status, kind)).await, 2, "{status} {kind}");
    }
    for status in [400, 401, 403, 404, 405, 413, 414, 422, 499, 500, 501] {
        assert_eq!(requests(response(status, "", "a proxy")).await, 1, "{status}");
    }
    for (status, kind) in
        [(400, "bad_data"), (422, "execution"), (499, "canceled"), (500, "unavailable"), (404, "x"), (400, "internal")]
    {
        assert_eq!(requests(error(status, kind)).await, 1, "{kind}");
    }

    let server = Server::sequence(&[error(422, "execution"), vector("7")]);
    let policy = quick().retry_if(|error| error.status() == Some(422));
    assert_eq!(query(&client_of(&server).retry(policy).build().unwrap()).await.unwrap(), 7.0);
}

#[tokio::test]
async fn invalid_http_is_not_retried() {
    for greeting in [
        "SSH-2.0-OpenSSH_9.6\r\n".to_owned(),
        "\x15\x03\x01\0\x02\x02\x16".to_owned(),
        "<html>hello</html>\r\n\r\n".to_owned(),
        "HTTP/9.9 200 OK\r\n\r\n".to_owned(),
        "HTTP/1.1 20 OK\r\n\r\n".to_owned(),
        response(200, "No colon\r\n", ""),
    ] {
        let shown = greeting.get(..40).unwrap_or(&greeting).to_owned();
        let server = Server::always(greeting);
        let error = query(&client_of(&server).build().unwrap()).await.expect_err(&shown);
        assert!(matches!(error.kind(), ErrorKind::Protocol(_)), "{shown:?}: {error:?}");
        let line = format!("preset prometheus::up: query at {}: the response is not valid HTTP: ", server.url);
        assert!(error.to_string().starts_with(&line), "{error}");
        assert_eq!((error.retries(), server.requests().len()), (0, 1), "{shown:?}");
    }
    for headers in ["X: x\r\n".repeat(500), format!("X: {}\r\n", "x".repeat(1 << 20))] {
        let server = Server::always(response(200, &headers, ""));
        let error = query(&client_of(&server).build().unwrap()).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unusable { status: None, .. }), "{error:?}");
        assert!(error.to_string().ends_with(": the headers of the response are too many or too large"), "{error}");
        assert_eq!((error.retries(), server.requests().len()), (0, 1));
    }
    let large = response(200, &format!("X: {}\r\n", "x".repeat(10_000)), &vector_body("7"));
    assert_eq!(query(&client_of(&Server::always(large)).build().unwrap()).await.unwrap(), 7.0);
}

#[tokio::test]
async fn the_retry_budget_limits_load() {
    let server = Server::always(response(503, "", ""));
    let client = client_of(&server).build().unwrap();
    let start = Instant::now();
    for _ in 0..100 {
        query(&client).await.unwrap_err();
    }
    // A fifth of the calls, ten, and ten a second; not three for each.
    let requests = server.requests().len() as u128;
    let most = 100 + 20 + 10 + start.elapsed().as_millis() / 100 + 1;
    assert!((130..=most).contains(&requests), "{requests} requests");
}

#[tokio::test]
async fn calls_that_wait_for_a_retry_do_not_block_others() {
    let server = Server::start(|request, stream| {
        let limited = response(429, "Retry-After: 2\r\n", "");
        let response = if request.number == 0 { limited } else { vector("7") };
        stream.write_all(response.as_bytes()).map(|()| After::Keep)
    });
    let client = client_of(&server).max_concurrent(1).build().unwrap();
    let limited = tokio::spawn(first_of(client.clone()));
    while server.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(query(&client).await.unwrap(), 7.0);
    assert!(!limited.is_finished());
    assert_eq!(limited.await.unwrap().unwrap(), 7.0);
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let limited = |after: &str| response(429, &format!("Retry-After: {after}\r\n"), "slow down");
    let server = Server::sequence(&[limited("1"), vector("7")]);
    let start = Instant::now();
    assert_eq!(query(&client_of(&server).build().unwrap()).await.unwrap(), 7.0);
    assert!((1000..10_000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());

    // Longer than the deadline of the call: no wait.
    let server = Server::sequence(&[limited("60"), vector("7")]);
    let start = Instant::now();
    let error = query(&client_of(&server).build().unwrap()).await.unwrap_err();
    assert_eq!((http_error(&error), error.retries()), ((429, "slow down"), 0));
    assert!(start.elapsed() < Duration::from_secs(10));

    let date = fmt_http_date(SystemTime::now() + Duration::from_secs(2));
    // The clock of the server counts.
    let late = "Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Sun, 06 Nov 1994 08:49:36 GMT";
    for date in [&date, late] {
        let server = Server::sequence(&[limited(date), vector("7")]);
        let start = Instant::now();
        assert_eq!(query(&client_of(&server).build().unwrap()).await.unwrap(), 7.0);
        assert!((900..10_000).contains(&start.elapsed().as_millis()), "{date} {:?}", start.elapsed());
    }
}

#[tokio::test]
async fn errors_report_retry_after() {
    let query = async |after: &str, policy: RetryPolicy| {
        let limited = response(429, &format!("Retry-After: {after}\r\n"), "");
        let server = Server::sequence(&[limited, vector("7")]);
        let result = query(&client_of(&server).retry(policy).build().unwrap()).await;
        result.map_err(|error| (error.retries(), error.retry_after()))
    };
    let long = Some(Duration::from_secs(99_999_999_999));
    assert_eq!(query("99999999999", quick()).await, Err((0, long)));
    assert_eq!(query("99999999999999999999999", quick()).await, Err((0, Some(Duration::MAX))));
    assert_eq!(query("Fri, 31 Dec 9999 23:59:59 GMT", quick()).await.unwrap_err().0, 0);
    for nothing in ["-1", "soon", "", "1.5", "0", "Sun, 06 Nov 1994 08:49:37 GMT"] {
        assert_eq!(query(nothing, quick()).await, Ok(7.0), "{nothing}");
    }
    assert_eq!(query("7", RetryPolicy::never()).await, Err((0, Some(Duration::from_secs(7)))));
    assert_eq!(query("-7", RetryPolicy::never()).await, Err((0, None)));
    // A status of success changes nothing.
    let busy = response(200, "Retry-After: 7\r\n", r#"{"status":"error","errorType":"timeout","error":"busy"}"#);
    let server = Server::sequence(&[busy]);
    let error = client_of(&server).retry(RetryPolicy::never()).build().unwrap().raw_query("up").await.unwrap_err();
    assert_eq!((error.is_retryable(), error.retry_after()), (true, Some(Duration::from_secs(7))));
}
