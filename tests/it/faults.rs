//! Faulty servers, proxies and networks.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::faulty_server::{
    After, Server, client_of, http_error, json, query, query_once, quick, response, vector, vector_body,
};
use httpdate::fmt_http_date;
use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{Error, ErrorKind, HttpMethod, PrometheusClient, RetryPolicy, TimeRange};

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
async fn errors_name_the_server_without_credentials() {
    let failing = Server::always(json(400, r#"{"status":"error","errorType":"bad_data","error":"no"}"#));
    let url = failing.url.replace("//", "//user:hunter2@") + "/prefix?api_key=hunter2";
    let client = PrometheusClient::new(url).unwrap();
    let error = client.labels().await.unwrap_err();
    let said = "server reported an error (bad_data, HTTP 400): no";
    assert_eq!(error.to_string(), format!("labels at {}: {said}", failing.url));
    assert_eq!((error.server(), error.endpoint()), (Some(&*failing.url), Some("labels")));
    let error = client.query_range(UP, &prometheus::Querier::new(), TimeRange::last_hours(1)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("preset prometheus::up: query_range at {}: {said}", failing.url));

    // There are proxies that repeat the request.
    let echo = Server::start(|request, stream| {
        let said = format!("no such page: {}?{}", request.path, request.query);
        stream.write_all(response(404, "", &said).as_bytes()).map(|()| After::Keep)
    });
    let client = PrometheusClient::new(format!("{}/?api_key=hunter%2622&dc=europe", echo.url)).unwrap();
    let error = client.labels().await.unwrap_err().to_string();
    assert!(error.contains("api_key=***&dc=europe") && !error.contains("hunter"), "{error}");

    // Not where the server is not at fault.
    let error = client.labels().header("a b", "c").await.unwrap_err();
    assert_eq!(error.to_string(), "invalid configuration: invalid name of a header: \"a b\"");
    let empty = Server::always(json(200, r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#));
    let client = client_of(&empty).build().unwrap();
    let error = client.query(UP, &prometheus::Querier::new()).await.unwrap().one().unwrap_err();
    assert!(error.to_string().starts_with("preset prometheus::up: the query returned no"), "{error}");
    assert_eq!((error.server(), error.endpoint()), (None, None));
}

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
async fn redirects_to_other_servers_are_not_followed() {
    let other = Server::always(vector("7"));
    for status in [301, 302, 303, 307, 308] {
        let server =
            Server::always(response(status, &format!("Location: {}/login?secret=x\r\n", other.url), "over there"));
        let client = client_of(&server).bearer_auth("hunter2").tenant("a").build().unwrap();
        let error = query(&client).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Redirect { origin, .. } if *origin == other.url), "{error:?}");
        assert!(!format!("{error:?}").contains("secret"));
        assert_eq!(error.status(), Some(status));
    }
    assert_eq!(other.connections(), 0);

    let server = Server::start(|request, stream| {
        let moved = response(302, "Location: /new/api/v1/query?x=y\r\n", "");
        let response = if request.path.starts_with("/new/") { vector("7") } else { moved };
        stream.write_all(response.as_bytes()).map(|()| After::Keep)
    });
    let client = client_of(&server).bearer_auth("hunter2").tenant("a").build().unwrap();
    assert_eq!(query(&client).await.unwrap(), 7.0);
    let request = &server.requests()[1];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/new/api/v1/query"));
    assert_eq!((&*request.headers["authorization"], &*request.headers["x-scope-orgid"]), ("Bearer hunter2", "a"));
    assert_eq!((request.parameter("query"), request.parameter("x")), (Some("up{}"), Some("y")));

    // Another page, for `GET`, also if it was not requested.
    let server = Server::start(|request, stream| {
        let other = response(303, "Location: /new/\r\n", "");
        let response = if request.path.starts_with("/new/") { vector("7") } else { other };
        stream.write_all(response.as_bytes()).map(|()| After::Keep)
    });
    assert_eq!(query(&client_of(&server).build().unwrap()).await.unwrap(), 7.0);
    let request = &server.requests()[1];
    assert_eq!((request.method.as_str(), request.parameter("query")), ("GET", Some("up{}")));
    let nowhere = Server::always(response(302, "Location: http://[\r\n", "over there"));
    let error = query_once(&nowhere).await.unwrap_err();
    assert_eq!(http_error(&error), (302, "a redirect whose `Location` is no URL"));

    let circle = Server::always(response(307, "Location: /again\r\n", ""));
    let error = query(&client_of(&circle).build().unwrap()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Redirect { status: 307, in_circles: true, .. }));
    assert!(error.to_string().contains(": redirect loop at http:"), "{error}");
    assert_eq!(circle.requests().len(), 6);
}

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
    // Once, not for ever.
    let closing = Server::start(|_, _| Ok(After::Close));
    let client = client_of(&closing).retry(RetryPolicy::never()).build().unwrap();
    let error = runtime.block_on(query(&client)).unwrap_err();
    assert_eq!((error.retries(), closing.requests().len()), (0, 2));
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

async fn first_of(client: PrometheusClient) -> Result<f64, Error> {
    Ok(client.query(UP, &prometheus::Querier::new()).timeout(Duration::from_mins(1)).await?.number().unwrap())
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let builder = PrometheusClient::builder(format!("http://user:hunter2@{address}/?token=hunter2"))
        .header("x-api-key", "hunter2")
        .tenant("hunter2")
        .retry(RetryPolicy::never());
    assert!(!format!("{builder:?}").contains("hunter2"));
    let client = builder.build().unwrap();
    let querier = prometheus::Querier::new();
    let request = client.query(UP, &querier).header("x-other", "hunter2").parameter("key", "hunter2");
    let shown = format!("{client:?} {request:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let error = request.await.unwrap_err();
    let mut chain = vec![format!("{error:?} {error:#}")];
    let mut next: Option<&dyn std::error::Error> = Some(error.kind());
    while let Some(error) = next {
        chain.push(format!("{error} {error:?}"));
        next = error.source();
    }
    assert!(!chain.concat().contains("hunter2"), "{chain:#?}");
    // There are proxies that repeat what they were sent.
    for body in
        ["unknown token Bearer hunter22", r#"{"status":"error","errorType":"x","error":"hunter22 is no token"}"#]
    {
        let echo = Server::always(response(403, "", body));
        let client = client_of(&echo).bearer_auth("hunter22").build().unwrap();
        let error = query(&client).await.unwrap_err();
        assert!(!format!("{error:?}").contains("hunter22"), "{error:?}");
        assert!(format!("{error:?}").contains("***"), "{error:?}");
    }
    let bad = PrometheusClient::builder("http://h/").bearer_auth("hunter2\n").build().unwrap_err();
    assert!(!format!("{bad} {bad:?}").contains("hunter2"));
    let hidden = error.without_query();
    assert!(!format!("{hidden:?}").contains("up{}"));
}

#[tokio::test]
async fn each_call_is_reported_once() {
    let server = Server::start(|request, stream| match request.number {
        0 => stream.write_all(response(503, "", "").as_bytes()).map(|()| After::Keep),
        1 => stream.write_all(vector("7").as_bytes()).map(|()| After::Keep),
        2 => stream.write_all(response(400, "", "no").as_bytes()).map(|()| After::Keep),
        _ => Ok(After::Stall),
    });
    let reports = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&reports);
    let client = client_of(&server)
        .on_call(move |report| {
            let outcome = format!("{:?}", report.outcome);
            let outcome = outcome.split(['(', ' ']).next().unwrap().to_owned();
            assert!(report.duration < Duration::from_secs(5));
            log.lock().unwrap().push((
                report.endpoint,
                report.preset,
                report.query.map(str::to_owned),
                report.bytes,
                report.retries,
                outcome,
            ));
        })
        .build()
        .unwrap();
    query(&client).await.unwrap();
    query(&client).await.unwrap_err();
    assert!(tokio::time::timeout(Duration::from_millis(50), client.labels()).await.is_err());
    let up = Some("up{}".to_owned());
    let expected = [
        ("query", Some("prometheus::up"), up.clone(), vector_body("7").len() as u64, 1, "Success".to_owned()),
        ("query", Some("prometheus::up"), up, 2, 0, "Failure".to_owned()),
        ("labels", None, None, 0, 0, "Dropped".to_owned()),
    ];
    assert_eq!(*reports.lock().unwrap(), expected);
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
        response(200, &"X: x\r\n".repeat(500), ""),
        response(200, &format!("X: {}\r\n", "x".repeat(1 << 20)), ""),
    ] {
        let shown = greeting.get(..40).unwrap_or(&greeting).to_owned();
        let server = Server::always(greeting);
        let error = query(&client_of(&server).build().unwrap()).await.expect_err(&shown);
        assert!(matches!(error.kind(), ErrorKind::Protocol(_)), "{shown:?}: {error:?}");
        let line = format!("preset prometheus::up: query at {}: the response is not valid HTTP: ", server.url);
        assert!(error.to_string().starts_with(&line), "{error}");
        assert_eq!((error.retries(), server.requests().len()), (0, 1), "{shown:?}");
    }
    let large = response(200, &format!("X: {}\r\n", "x".repeat(10_000)), &vector_body("7"));
    assert_eq!(query(&client_of(&Server::always(large)).build().unwrap()).await.unwrap(), 7.0);
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
async fn queries_too_long_for_get_are_not_sent() {
    let server = Server::always(vector("7"));
    let client = client_of(&server).method(HttpMethod::Get).build().unwrap();
    let error = client.raw_query("x".repeat(70_000)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Config(_)) && !error.is_retryable());
    assert!(error.to_string().contains("the query is too long for `GET`: a URL of 70"), "{error}");
    assert!(client.raw_query("x".repeat(60_000)).await.is_ok());
    assert_eq!(server.requests().len(), 1);
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
    for body in ["", "OK", r#"{"status":"ok"}"#, "{}"] {
        let server = Server::always(response(200, "", body));
        assert!(client_of(&server).build().unwrap().healthy().await.unwrap(), "{body}");
    }
    let cut = Server::start(|_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nOK")?;
        Ok(After::Close)
    });
    assert!(client_of(&cut).build().unwrap().healthy().await.is_err());
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

#[test]
fn headers_that_the_http_library_sets_are_refused() {
    for (name, value, message) in [
        ("content-length", "1", "the header \"content-length\" cannot be set"),
        ("Transfer-Encoding", "chunked", "the header \"Transfer-Encoding\" cannot be set"),
        ("content-type", "text/plain", "the header \"content-type\" cannot be set"),
        ("Connection", "close", "the header \"Connection\" cannot be set"),
        ("x-a", "b\r\nc", "invalid value of the header \"x-a\""),
    ] {
        let error = PrometheusClient::builder("http://localhost:9090").header(name, value).build().unwrap_err();
        assert_eq!(error.to_string(), format!("invalid configuration: {message}"));
    }
    let error = PrometheusClient::builder("http://localhost:9090").tenant("a\r\nb").build().unwrap_err();
    assert_eq!(error.to_string(), "invalid configuration: invalid value of the header \"x-scope-orgid\"");
}

#[tokio::test]
async fn redirects_to_other_schemes_are_errors() {
    let server = Server::always(response(302, "Location: data:text/plain,up\r\n", ""));
    let error = client_of(&server).build().unwrap().raw_query("up").await.unwrap_err();
    assert!(error.to_string().contains("redirect to data: not followed"), "{error}");
}

#[tokio::test]
async fn redirects_keep_the_query() {
    let moving = |to: &'static str| {
        Server::start(move |request, stream| {
            let moved = response(301, &format!("Location: {to}\r\n"), "");
            let response = if request.path.starts_with("/new/") { vector("7") } else { moved };
            stream.write_all(response.as_bytes()).map(|()| After::Keep)
        })
    };
    for (method, location, expected) in [
        (HttpMethod::Get, "/new/", (Some("up{}"), None)),
        // As most proxies do it, with the query of the request.
        (HttpMethod::Get, "/new/?query=up&x=y#there", (Some("up"), Some("y"))),
        (HttpMethod::Post, "/new/", (Some("up{}"), None)),
        (HttpMethod::Post, "/new/?x=y", (Some("up{}"), Some("y"))),
    ] {
        let server = moving(location);
        assert_eq!(query(&client_of(&server).method(method).build().unwrap()).await.unwrap(), 7.0);
        let request = &server.requests()[1];
        assert_eq!((request.parameter("query"), request.parameter("x")), expected, "{method:?} {location}");
        assert_eq!(request.parameters.iter().filter(|(name, _)| name == "query").count(), 1);
    }
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
async fn only_secrets_are_removed_from_messages_of_servers() {
    let said = concat!(
        r#"{"status":"error","errorType":"x","error":"#,
        r#""no env=\"production\" for hunter22, sid hunter33, hunter44, hunter55, hunter66"}"#
    );
    let server = Server::always(json(403, said));
    let client = client_of(&server)
        .bearer_auth("hunter22")
        .header("cookie", "a=b; sid=hunter33")
        .header("x-api-key", "hunter44")
        .header("x-authenticated-as", "hunter55")
        .header("x-session", "hunter66")
        .header("accept-language", "for hunter")
        .tenant("production")
        .build()
        .unwrap();
    let querier = prometheus::Querier::new();
    let stream = client.query_range(UP, &querier, TimeRange::last_hours(1)).stream().await;
    for error in [query(&client).await.unwrap_err(), stream.unwrap_err()] {
        assert!(error.to_string().ends_with(r#": no env="production" for ***, sid ***, ***, ***, ***"#), "{error}");
    }

    // Whole, at the end of what is shown, and in a type.
    let page = format!("{}hunter22-and-more", " x".repeat(250));
    let server = Server::always(response(403, "", &page));
    let client = client_of(&server).bearer_auth("hunter22-and-more").build().unwrap();
    let error = query(&client).await.unwrap_err().to_string();
    assert!(error.ends_with("x***\"") && !error.contains("hunter"), "{error}");
    let kind = json(400, r#"{"status":"error","errorType":"hunter22","error":"m"}"#);
    let server = Server::always(kind);
    let client = client_of(&server).bearer_auth("hunter22").build().unwrap();
    let error = query(&client).await.unwrap_err();
    assert!(!error.to_string().contains("hunter22"), "{error}");

    // Also where a stream finds it on its way.
    let server = Server::always(json(200, said));
    let client = client_of(&server).bearer_auth("hunter22").build().unwrap();
    let mut stream = client.query_range(UP, &querier, TimeRange::last_hours(1)).stream().await.unwrap();
    let error = stream.try_next().await.unwrap_err();
    assert_eq!(error.status(), Some(200));
    assert!(!format!("{error:?}").contains("hunter22"), "{error:?}");
    let server = Server::always(json(200, r#"{"status":"success","data":{"result":"hunter22"}}"#));
    let client = client_of(&server).bearer_auth("hunter22").build().unwrap();
    let error = query(&client).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Decode(_)) && !format!("{error:?}").contains("hunter22"), "{error:?}");
}
