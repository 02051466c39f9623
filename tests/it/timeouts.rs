//! Timeouts of calls, connections and servers.

use std::io::Write;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::faulty_server::{After, Server, client_of, json, query, query_once, response, vector_body};
use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{ErrorKind, PrometheusClient, RetryPolicy, TimeRange};

#[tokio::test]
async fn a_timeout_keeps_the_previous_error() {
    let server = Server::start(|request, stream| match request.number {
        0 => stream.write_all(response(503, "", "overload of hunter22").as_bytes()).map(|()| After::Keep),
        _ => Ok(After::Stall),
    });
    let client = client_of(&server).bearer_auth("hunter22").timeout(Duration::from_millis(200)).build().unwrap();
    let error = query(&client).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout(Some(_))) && error.is_timeout(), "{error:?}");
    let line = format!(
        "preset prometheus::up: query at {}, after 1 retry: no response in time: the previous attempt failed: \
         HTTP 503 and not a Prometheus response: \"overload of ***\"",
        server.url
    );
    assert_eq!(error.to_string(), line);
}

#[tokio::test]
async fn timeouts_of_servers_and_proxies_are_recognized() {
    let error = |status, kind: &str, text: &str| {
        json(status, &format!(r#"{{"status":"error","errorType":"{kind}","error":"{text}"}}"#))
    };
    for (body, is_timeout) in [
        (error(503, "timeout", "query timed out"), true),
        (error(200, "timeout", "query timed out"), true),
        (error(504, "", ""), true),
        (
            error(
                422,
                "422",
                "cannot evaluate `m`: timeout exceeded during query execution: 0.001 seconds (elapsed 1.773 seconds)",
            ),
            true,
        ),
        (error(422, "422", "cannot evaluate `m`"), false),
        (error(422, "execution", "no"), false),
        (response(504, "", "upstream request timeout"), true),
        (response(408, "", ""), true),
        (response(503, "", ""), false),
    ] {
        let error = query_once(&Server::always(body)).await.unwrap_err();
        assert_eq!(error.is_timeout(), is_timeout, "{error}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_that_takes_too_long_is_a_timeout() {
    // Whose queue of connections is full.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let connect = || std::net::TcpStream::connect_timeout(&address, Duration::from_millis(50));
    let queued: Vec<_> = (0..10).map_while(|_| connect().ok()).collect();
    assert!(queued.len() < 10);
    let builder = PrometheusClient::builder(format!("http://{address}")).retry(RetryPolicy::never());
    let error = query(&builder.connect_timeout(Duration::from_millis(100)).build().unwrap()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Transport(_)), "{error:?}");
    assert!(error.is_timeout() && error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn slow_headers_end_with_the_deadline() {
    let server = Server::start(|_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\n")?;
        Ok(After::Repeat(b"X: x\r\n".to_vec(), Duration::from_millis(50)))
    });
    let client = client_of(&server).timeout(Duration::from_millis(200)).build().unwrap();
    assert!(matches!(query(&client).await.unwrap_err().kind(), ErrorKind::Timeout(_)));
    server.wait_for_gone(1).await;
}

#[tokio::test]
async fn slow_bodies_end_with_the_deadline() {
    let server = Server::start(|_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\n\r\n{}", vector_body("7"))?;
        Ok(After::Trickle(19, Duration::from_millis(200)))
    });
    let client = client_of(&server).timeout(Duration::from_millis(400)).build().unwrap();
    let start = Instant::now();
    let error = query(&client).await.unwrap_err();
    assert!(error.is_timeout() && error.is_retryable(), "{error:?}");
    assert!((400..3500).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    let left: f64 = server.requests()[0].parameter("timeout").unwrap().parse().unwrap();
    assert!((0.2..=0.4).contains(&left), "{left}");

    let mut stream = client
        .query_range(UP, &prometheus::Querier::new(), TimeRange::last_hours(1))
        .timeout(Duration::from_millis(300))
        .stream()
        .await
        .unwrap();
    assert!(stream.try_next().await.unwrap_err().is_timeout());
    assert!(stream.try_next().await.unwrap().is_none());
    server.wait_for_gone(2).await;
}

#[tokio::test]
async fn calls_without_a_response_end_with_the_deadline() {
    let server = Server::start(|_, _| Ok(After::Stall));
    let client = client_of(&server).timeout(Duration::from_millis(200)).build().unwrap();
    let error = query(&client).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout(_)));
    server.wait_for_gone(1).await;

    // A future that is dropped closes the connection, which is how the server learns to stop.
    let patient = client_of(&server).build().unwrap();
    let queried = tokio::time::timeout(Duration::from_millis(100), query(&patient)).await;
    assert!(queried.is_err());
    server.wait_for_gone(2).await;
    assert_eq!(server.requests().len(), 2);
}
