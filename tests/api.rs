//! What callers see of calls: errors for others, settings in any order, parameters, types of results.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp)]

mod misbehaving;

use std::net::{Ipv4Addr, TcpListener};

use misbehaving::{Server, answer, ask_once, client_of, json, vector};
use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{Error, ErrorClass, ErrorKind, PrometheusClient, RetryPolicy, TimeRange};

#[tokio::test]
async fn errors_without_server_do_not_name_it_anywhere() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let refused = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = PrometheusClient::builder(&refused).retry(RetryPolicy::never()).build().unwrap();
    let query = prometheus::Querier::new();
    let unreachable = client.query(UP, &query).await.unwrap_err();
    assert!(unreachable.to_string().contains("127.0.0.1"), "{unreachable}");

    let repeats = Server::start(|_, stream| {
        use std::io::Write;
        let address = stream.local_addr().unwrap();
        let said =
            format!(r#"{{"status":"error","errorType":"internal","error":"store {address} of 127.0.0.1 failed"}}"#);
        stream.write_all(json(500, &said).as_bytes()).map(|()| misbehaving::After::Keep)
    });
    let repeated = ask_once(&repeats).await.unwrap_err();
    assert!(repeated.to_string().contains("store 127.0.0.1:"), "{repeated}");

    let redirects = Server::always(answer(302, "Location: http://127.0.0.2:9/\r\n", ""));
    let redirected = ask_once(&redirects).await.unwrap_err();

    for error in [unreachable, repeated, redirected] {
        assert_eq!(error.class(), ErrorClass::Server, "{error}");
        let (is_retryable, is_timeout) = (error.is_retryable(), error.is_timeout());
        // Errors can be kept and shared.
        let hidden = error.clone().without_server();
        assert_eq!((hidden.server(), hidden.endpoint()), (None, Some("query")));
        assert_eq!((hidden.is_retryable(), hidden.is_timeout()), (is_retryable, is_timeout));
        for shown in [hidden.to_string(), format!("{hidden:#}"), format!("{hidden:?}"), hidden.public_message()] {
            assert!(!shown.contains("127.0.0"), "{shown}");
        }
        assert!(error.server().is_some());
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_timeout_remains_one_without_its_server() {
    // A server whose queue of connections is full.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let _queued: Vec<_> =
        (0..3).map(|_| std::net::TcpStream::connect_timeout(&address, std::time::Duration::from_millis(100))).collect();
    let client = PrometheusClient::builder(format!("http://{address}"))
        .connect_timeout(std::time::Duration::from_millis(50))
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    let error = client.query(UP, &prometheus::Querier::new()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Transport(_)) && error.is_timeout(), "{error:?}");
    let hidden = error.without_server();
    assert!(hidden.is_timeout() && hidden.public_message() == "the metrics server did not respond in time");
}

#[tokio::test]
async fn a_class_maps_to_a_status_and_a_message_to_the_public() {
    let failing = |status, kind: &str| {
        let body = format!(r#"{{"status":"error","errorType":"{kind}","error":"1:3: secret detail"}}"#);
        async move { ask_once(&Server::always(json(status, &body))).await.unwrap_err() }
    };
    let client = client_of(&Server::always(vector("NaN"))).build().unwrap();
    let none = Server::always(json(200, r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#));
    let up = prometheus::Querier::new();
    let number = |client: PrometheusClient, up: prometheus::Querier| async move {
        client.query(UP, &up).await.unwrap().number().unwrap_err()
    };
    let invalid: Error = TimeRange::parse("2", "1", "1s").unwrap_err().into();
    let cases = [
        (invalid, ErrorClass::Caller, "invalid time range: the range ends at"),
        (
            client.series(&promql_presets::Querier::new("")).await.unwrap_err(),
            ErrorClass::Caller,
            "the query cannot be",
        ),
        (failing(400, "bad_data").await, ErrorClass::Caller, "the metrics server rejected the query"),
        (failing(422, "execution").await, ErrorClass::Caller, "the metrics server rejected the query"),
        (failing(503, "timeout").await, ErrorClass::Server, "the metrics server did not respond in time"),
        (failing(500, "internal").await, ErrorClass::Server, "the metrics server is unavailable"),
        (
            ask_once(&Server::always(answer(414, "", ""))).await.unwrap_err(),
            ErrorClass::Caller,
            "the query is too long",
        ),
        (
            ask_once(&Server::always(answer(401, "", "secret"))).await.unwrap_err(),
            ErrorClass::Server,
            "the metrics server is unavailable",
        ),
        (
            ask_once(&Server::always(json(200, r#"{"status":"success","data":[]}"#))).await.unwrap_err(),
            ErrorClass::Server,
            "the metrics server returned an invalid response",
        ),
        (
            client.query(UP, &up).max_response_bytes(10).await.unwrap_err(),
            ErrorClass::Caller,
            "the result is too large",
        ),
        (number(client.clone(), up.clone()).await, ErrorClass::NoData, "the value is NaN"),
        (number(client_of(&none).build().unwrap(), up).await, ErrorClass::NoData, "the query returned no data"),
        (PrometheusClient::new("ftp://secret").unwrap_err(), ErrorClass::Internal, "internal error"),
    ];
    for (error, class, message) in cases {
        assert_eq!(error.class(), class, "{error}");
        let public = error.public_message();
        assert!(public.starts_with(message), "{error}: {public}");
        for private in ["secret", "127.0.0.1", "prometheus::up", "up{"] {
            assert!(!public.contains(private), "{public}");
        }
    }
}
