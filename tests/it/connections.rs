//! Connections: closed ones, and how many there are at a time.

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use crate::faulty_server::{After, Server, client_of, http_error, query, response, vector};
use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{Error, PrometheusClient, RetryPolicy, TimeRange, reqwest};

#[tokio::test]
async fn closed_connections_are_replaced() {
    let server = Server::start(|_, stream| stream.write_all(vector("7").as_bytes()).map(|()| After::Close));
    let client = client_of(&server).build().unwrap();
    for _ in 0..20 {
        assert_eq!(query(&client).await.unwrap(), 7.0);
    }
    assert!(server.connections() >= 20);

    // Closed when the request is already there.
    let server = Server::start(|request, stream| {
        if request.connection == 0 && request.number > 0 {
            return Ok(After::Close);
        }
        stream.write_all(vector("7").as_bytes()).map(|()| After::Keep)
    });
    let client = client_of(&server).build().unwrap();
    for _ in 0..5 {
        assert_eq!(query(&client).await.unwrap(), 7.0);
    }
    assert_eq!(server.connections(), 2);
}

/// A runtime that runs only now and then does not notice that the server has closed an idle connection.
#[test]
fn connections_closed_while_idle_cost_no_retry() {
    let server = Server::start(|request, stream| {
        stream.write_all(vector("7").as_bytes())?;
        // The client believes that the connection is kept alive.
        Ok(if request.connection == 0 { After::Close } else { After::Keep })
    });
    let client = client_of(&server).retry(RetryPolicy::never()).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(query(&client)).unwrap(), 7.0);
    thread::sleep(Duration::from_millis(100));
    assert_eq!(runtime.block_on(query(&client)).unwrap(), 7.0);
    // At most once, and only if a connection can have been idle. A connection that is closed before the second request
    // does not receive it.
    for (responses, requests) in [(1, 2..=3), (0, 1..=1)] {
        let closing = Server::start(move |request, stream| {
            if request.connection < responses {
                stream.write_all(vector("7").as_bytes())?;
            }
            Ok(After::Close)
        });
        let client = client_of(&closing).retry(RetryPolicy::never()).build().unwrap();
        for _ in 0..responses {
            assert_eq!(runtime.block_on(query(&client)).unwrap(), 7.0);
        }
        let error = runtime.block_on(query(&client)).unwrap_err();
        assert_eq!(error.retries(), 0);
        let received = closing.requests().len();
        assert!(requests.contains(&received), "{received} requests");
    }
}

#[tokio::test]
async fn concurrent_calls_are_limited() {
    let server = Server::start(move |_, stream| {
        stream.write_all(vector("7").as_bytes())?;
        Ok(After::Late(Duration::from_millis(30)))
    });
    let client = client_of(&server).max_concurrent(2).build().unwrap();
    let calls = (0..8).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { query(&client).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().unwrap(), 7.0);
    }
    // Each connection has one call at a time.
    assert_eq!(server.connections(), 2);

    // Waiting for a turn counts towards the timeout.
    let stuck = Server::start(|_, _| Ok(After::Stall));
    let client = client_of(&stuck).max_concurrent(1).timeout(Duration::from_millis(200)).build().unwrap();
    let first = tokio::spawn(first_of(client.clone()));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let error = query(&client).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(stuck.requests().len(), 1);
    first.abort();
}

pub(crate) async fn first_of(client: PrometheusClient) -> Result<f64, Error> {
    Ok(client.query(UP, &prometheus::Querier::new()).timeout(Duration::from_mins(1)).await?.number().unwrap())
}

#[tokio::test]
async fn clients_share_the_connections_of_an_http_client() {
    let server = Server::always(vector("7"));
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    for shared in [true, false] {
        let before = server.connections();
        for tenant in ["a", "b", "c"] {
            let builder = client_of(&server).tenant(tenant);
            let builder = if shared { builder.http_client(http.clone()) } else { builder };
            assert_eq!(query(&builder.build().unwrap()).await.unwrap(), 7.0);
            assert_eq!(server.requests().pop().unwrap().headers["x-scope-orgid"], tenant);
        }
        assert_eq!(server.connections() - before, if shared { 1 } else { 3 });
    }
}

#[tokio::test]
async fn unread_streams_do_not_block_calls() {
    let server = Server::start(|request, stream| {
        if request.path.ends_with("query_range") {
            write!(stream, "HTTP/1.1 200 OK\r\n\r\n{{\"status\":\"success\",")?;
            return Ok(After::Stall);
        }
        stream.write_all(vector("7").as_bytes()).map(|()| After::Keep)
    });
    let client = client_of(&server).max_concurrent(2).timeout(Duration::from_secs(5)).build().unwrap();
    let range = TimeRange::last_hours(1).step("1m").unwrap();
    let mut streams = Vec::new();
    for _ in 0..4 {
        streams.push(client.raw_query_range("up", range).stream().await.unwrap());
    }
    assert_eq!(query(&client).await.unwrap(), 7.0);
    assert_eq!(streams.len(), 4);
}

#[tokio::test]
async fn responses_before_the_end_of_a_request_are_read() {
    for status in [401, 413] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; 100]).unwrap();
            stream.write_all(response(status, "Connection: close\r\n", "too much").as_bytes()).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            // As Go's server does: closing at once would lose the response.
            thread::sleep(Duration::from_millis(500));
        });
        let client = PrometheusClient::builder(url).retry(RetryPolicy::never()).build().unwrap();
        let query = format!("up{{a=\"{}\"}}", "x".repeat(16 << 20));
        let error = client.raw_query(query).await.unwrap_err().without_query();
        assert_eq!(http_error(&error), (status, "too much"), "{error}");
        server.join().unwrap();
    }
}
