//! Whether a server is ready and healthy.

use std::io::Write;
use std::time::Duration;

use promql_presets::RetryPolicy;

use crate::faulty_server::{After, Server, client_of, http_error, json, response, vector_body};
use crate::requests::{client, last};

#[tokio::test]
async fn a_server_is_ready_or_not() {
    let server = Server::always(response(200, "", "Prometheus Server is Ready.\n"));
    assert!(client(&server).ready().await.unwrap());
    assert_eq!(last(&server), ("GET".to_owned(), "/-/ready".to_owned(), Vec::new()));
    assert!(client(&server).healthy().await.unwrap());
    assert_eq!(last(&server).1, "/-/healthy");
    let server = Server::always(response(503, "", "Service Unavailable"));
    assert!(!client(&server).ready().await.unwrap());
    assert_eq!(server.requests().len(), 1);
    let server = Server::always(response(404, "", ""));
    assert_eq!(client(&server).ready().await.unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn a_login_page_is_not_ready() {
    let page = response(200, "Content-Type: text/html\r\n", "\n<!doctype html>Who are you?");
    let server = Server::always(page.clone());
    assert_eq!(http_error(&client_of(&server).build().unwrap().ready().await.unwrap_err()).0, 200);
    let redirecting = |to: &'static str| {
        Server::start(move |request, stream| {
            let response = match &*request.path {
                "/-/ready" | "/-/healthy" => response(302, &format!("Location: {to}\r\n"), ""),
                _ => response(200, "", "Prometheus Server is Ready.\n"),
            };
            stream.write_all(response.as_bytes()).map(|()| After::Keep)
        })
    };
    let moved = client_of(&redirecting("/login?to=ready")).build().unwrap();
    assert_eq!(http_error(&moved.ready().await.unwrap_err()), (200, "Prometheus Server is Ready."));
    assert!(client_of(&redirecting("/prometheus/-/ready")).build().unwrap().ready().await.unwrap());
    // The login page may be JSON.
    let json_page = Server::start(|request, stream| {
        let response = match &*request.path {
            "/-/healthy" => response(302, "Location: /login\r\n", ""),
            _ => json(200, r#"{"login":"please"}"#),
        };
        stream.write_all(response.as_bytes()).map(|()| After::Keep)
    });
    let error = client_of(&json_page).build().unwrap().healthy().await.unwrap_err();
    assert_eq!(http_error(&error), (200, "{\"login\":\"please\"}"));
    let starting = json(503, r#"{"status":"error","errorType":"unavailable","error":"starting"}"#);
    for response in [starting, response(503, "", "Service Unavailable")] {
        assert!(!client_of(&Server::always(response)).build().unwrap().ready().await.unwrap());
    }
    for body in ["", "OK", "VictoriaMetrics is Healthy.\n"] {
        let server = Server::always(response(200, "", body));
        assert!(client_of(&server).build().unwrap().healthy().await.unwrap(), "{body}");
    }
    // No server responds with JSON.
    for body in ["{}", "[]", r#"{"status":"ok"}"#, r#"{"login":"please"}"#, vector_body("7").as_str()] {
        let error = client_of(&Server::always(json(200, body))).build().unwrap().healthy().await.unwrap_err();
        assert_eq!(error.status(), Some(200), "{body}: {error}");
    }
    let cut = Server::start(|_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nOK")?;
        Ok(After::Close)
    });
    assert!(client_of(&cut).build().unwrap().healthy().await.is_err());
    assert_eq!(cut.requests().len(), 1);
}

#[tokio::test]
async fn incomplete_responses_to_health_checks_are_retried_if_that_is_set() {
    let server = Server::start(|request, stream| {
        let length = if request.number == 0 { 100 } else { 2 };
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nOK")?;
        Ok(After::Close)
    });
    assert!(client_of(&server).build().unwrap().healthy().retry(RetryPolicy::default()).await.unwrap());
    assert_eq!(server.requests().len(), 2);
    // A page is no transient failure.
    let page = Server::always(json(200, "{}"));
    let retried = client_of(&page).build().unwrap().healthy().retry(RetryPolicy::default()).await;
    assert_eq!((retried.unwrap_err().status(), page.requests().len()), (Some(200), 1));
}

#[tokio::test]
async fn responses_to_health_checks_are_limited() {
    let endless = Server::start(|_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n{{\"a\":[1")?;
        Ok(After::Repeat(b",1".repeat(1 << 16), Duration::ZERO))
    });
    let error = client_of(&endless).build().unwrap().healthy().await.unwrap_err();
    assert!(error.to_string().contains("longer than the limit of 4194304 bytes"), "{error}");
}
