//! What the client makes of bodies that are not as they should be.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::faulty_server::{
    After, Server, client_of, http_error, json, query, query_once, response, vector, vector_body,
};
use promql_presets::DecodeError;
use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{ErrorKind, PartialData, PrometheusClient, RetryPolicy, TimeRange};

#[tokio::test]
async fn foreign_bodies_are_shown() {
    for status in [200, 401, 413, 502] {
        let page = "<html>\n<head><title>Who are you?</title>";
        let server = Server::always(response(status, "Content-Type: text/html\r\n", page));
        let error = query_once(&server).await.unwrap_err();
        assert_eq!(http_error(&error), (status, "<html> <head><title>Who are you?</title>"));
        assert_eq!(error.status(), Some(status));
        let server = Server::always(response(status, "", ""));
        assert_eq!(http_error(&query_once(&server).await.unwrap_err()), (status, ""));
    }
    let server = Server::always(json(401, r#"{"message":"no API key"}"#));
    assert_eq!(http_error(&query_once(&server).await.unwrap_err()), (401, r#"{"message":"no API key"}"#));
    let body = format!(r#"{{"message":"log in",{}"a":1}}"#, r#""url":"x","#.repeat(100));
    let server = Server::always(json(200, &body));
    let error = query_once(&server).await.unwrap_err();
    assert_eq!(http_error(&error), (200, &body[..512]));
    assert_eq!(http_error(&client_of(&server).build().unwrap().labels().await.unwrap_err()), (200, &body[..512]));
    let server = Server::always("HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(http_error(&query_once(&server).await.unwrap_err()), (204, ""));
}

#[tokio::test]
async fn json_is_read_with_any_content_type() {
    for header in ["Content-Type: text/plain\r\n", "Content-Type: text/html; charset=utf-8\r\n", ""] {
        let server = Server::always(response(200, header, &format!("\n  {}\n", vector_body("7"))));
        assert_eq!(query_once(&server).await.unwrap(), 7.0);
    }
}

#[tokio::test]
async fn whitespace_before_a_body_counts_towards_the_limit() {
    let blanks = " \r\n\t".repeat(500);
    let server = Server::start(move |_, stream| {
        let body = vector_body("7");
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", blanks.len() + body.len())?;
        write!(stream, "{blanks}{body}")?;
        Ok(After::Trickle(700, Duration::from_millis(10)))
    });
    assert_eq!(query_once(&server).await.unwrap(), 7.0);
    for blanks in [3, 600] {
        let server = Server::always(json(200, &format!(r#"{}{{"status":1}}"#, "\n".repeat(blanks))));
        let error = query_once(&server).await.unwrap_err().to_string();
        assert!(error.contains(&format!("at byte {} of the body, found `1", blanks + 10)), "{error}");
    }
}

#[tokio::test]
async fn errors_of_prometheus_keep_type_and_message() {
    let body =
        r#"{"status":"error","errorType":"brand_new","error":"1:3: parse error","data":{"resultType":"vector"}}"#;
    let error = query_once(&Server::always(json(422, body))).await.unwrap_err();
    let ErrorKind::Server { status: 422, error: said } = error.kind() else { panic!("{error:?}") };
    assert_eq!((said.kind.as_str(), said.message.as_str()), ("brand_new", "1:3: parse error"));
    let line = format!(
        "preset prometheus::up: query at {}: server reported an error (brand_new, HTTP 422): 1:3: parse error",
        error.server().unwrap()
    );
    assert_eq!(error.to_string(), line);
    assert_eq!(format!("{error:#}"), format!("{line}; the query is up{{}}"));
    assert_eq!(std::error::Error::source(error.kind()).unwrap().to_string(), "1:3: parse error");
    let timeout = r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#;
    assert!(query_once(&Server::always(json(503, timeout))).await.unwrap_err().is_timeout());
    // Whatever comes with them, and whatever the status.
    for data in ["null", "[]", r#"{"a":[1]}"#, "7", r#""x""#] {
        let body = format!(r#"{{"status":"error","data":{data},"errorType":"bad_data","error":"no"}}"#);
        let server = Server::always(json(200, &body));
        let list = client_of(&server).build().unwrap().labels().await.unwrap_err();
        for error in [list, query_once(&server).await.unwrap_err()] {
            let ErrorKind::Server { status: 200, error: said } = error.kind() else { panic!("{error:?}") };
            assert_eq!(said.message, "no");
        }
    }
}

#[tokio::test]
async fn truncated_bodies_are_errors() {
    let body = vector_body("7");
    let chunk = |chunk: &[u8]| format!("{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).unwrap());
    let chunked = body.as_bytes().chunks(9).map(chunk).collect::<Vec<_>>().concat() + "0\r\n\r\n";
    let heads = [
        (format!("Content-Length: {}\r\n", body.len()), body.clone()),
        ("Transfer-Encoding: chunked\r\n".to_owned(), chunked),
        ("Connection: close\r\n".to_owned(), body),
    ];
    for (head, whole) in heads {
        let length = whole.len();
        let shown = head.clone();
        let server = Server::start(move |request, stream| {
            write!(stream, "HTTP/1.1 200 OK\r\n{head}\r\n{}", &whole[..request.number])?;
            Ok(After::Close)
        });
        let client = client_of(&server).retry(RetryPolicy::never()).build().unwrap();
        for cut in 0..length {
            let error = query(&client).await.expect_err(&format!("{shown} cut at {cut}"));
            let expected = match error.kind() {
                // Of the body itself, so without the lengths of chunks.
                ErrorKind::Truncated { bytes, .. } if shown.starts_with("Transfer-Encoding") => *bytes <= cut as u64,
                ErrorKind::Truncated { bytes, .. } => *bytes == cut as u64,
                ErrorKind::Decode(DecodeError::Truncated { length, .. }) => *length == cut as u64,
                ErrorKind::Http { status: 200, body } => body.is_empty() && cut == 0,
                _ => false,
            };
            assert!(expected && (error.is_retryable() || cut == 0), "{shown} cut at {cut}: {error:?}");
        }
        assert_eq!(query(&client).await.unwrap(), 7.0, "{shown} whole");
    }
}

#[tokio::test]
async fn unusual_chunks_are_read_and_invalid_ones_are_errors() {
    let (first, second) = (&vector_body("7")[..5], &vector_body("7")[5..]);
    let chunked = |body: String| format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
    let right = [
        format!("5;name=value\r\n{first}\r\n{:X}\r\n{second}\r\n0\r\n\r\n", second.len()),
        format!("00005\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\nTrailer: yes\r\n\r\n", second.len()),
    ];
    for body in right {
        assert_eq!(query_once(&Server::always(chunked(body))).await.unwrap(), 7.0);
    }
    let wrong = [
        format!("5\r\n{first}\r\nhello\r\n{second}\r\n0\r\n\r\n"),
        format!("fffffffffffffffff\r\n{first}{second}"),
        format!("-5\r\n{first}\r\n0\r\n\r\n"),
    ];
    for body in wrong {
        let shown = format!("{body:?}");
        let error = query_once(&Server::always(chunked(body))).await.expect_err(&shown);
        assert!(matches!(error.kind(), ErrorKind::Truncated { .. }), "{shown}: {error:?}");
    }
    let whole = format!("{:x}\r\n{first}{second}\r\n", first.len() + second.len());
    let server =
        Server::start(move |_, stream| stream.write_all(chunked(whole.clone()).as_bytes()).map(|()| After::Close));
    let error = query_once(&server).await.unwrap_err();
    let expected = format!(": the response is truncated after {} bytes", vector_body("7").len());
    assert!(error.to_string().contains(&expected), "{error}");
}

#[tokio::test]
async fn wrong_lengths_are_errors() {
    let body = vector_body("7");
    let with_length = |length: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
    let long = with_length(body.len() + 5);
    let server = Server::start(move |_, stream| stream.write_all(long.as_bytes()).map(|()| After::Close));
    let error = query_once(&server).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Truncated { bytes, .. } if *bytes == body.len() as u64), "{error:?}");

    // What is left over must not become the response to the next request.
    let short = Server::always(with_length(body.len() - 5));
    let client = client_of(&short).retry(RetryPolicy::never()).build().unwrap();
    for _ in 0..3 {
        let error = query(&client).await.unwrap_err();
        let length = body.len() as u64 - 5;
        let expected =
            matches!(error.kind(), ErrorKind::Decode(DecodeError::Truncated { length: l, .. }) if *l == length);
        assert!(expected || matches!(error.kind(), ErrorKind::Protocol(_)), "{error:?}");
    }
    let more = Server::always(with_length(body.len()) + "{\"status\":\"success\"}");
    let client = client_of(&more).build().unwrap();
    assert_eq!(query(&client).await.unwrap(), 7.0);
    let twice = format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let error = query_once(&Server::always(twice)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Protocol(_)), "{error:?}");
    let old = Server::start(|_, stream| {
        write!(stream, "HTTP/1.0 200 OK\r\n\r\n{}", vector_body("7"))?;
        Ok(After::Close)
    });
    assert_eq!(query_once(&old).await.unwrap(), 7.0);
}

#[tokio::test]
async fn almost_valid_json_is_refused() {
    let (body, label) = (vector_body("7"), r#""api""#);
    for bad in [
        body.clone() + "{}",
        body.clone() + "\0",
        body.replace(label, r#""\ud800""#),
        body.replace(label, r#""\udc00\ud800""#),
        body.replace(label, "\"a\tb\""),
        body.replace(label, "NaN"),
        body.replace(r#""7""#, r#""1e999""#),
        body.replace(":{", ":{,"),
    ] {
        let error = query_once(&Server::always(json(200, &bad))).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode(DecodeError::Unexpected { .. })), "{bad}: {error:?}");
        assert!(!error.is_retryable());
        assert_eq!((error.preset(), error.query()), (Some("prometheus::up"), Some("up{}")));
    }
    let body = body.replace(label, "\"#\"");
    let mut bytes = response(200, "", &body).into_bytes();
    let place = bytes.iter().position(|byte| *byte == b'#').unwrap();
    bytes[place] = 0xFF;
    let error = query_once(&Server::always(bytes)).await.unwrap_err();
    assert!(error.to_string().contains(": expected a string in UTF-8 at byte"), "{error}");
    let large = query_once(&Server::always(vector("1e999"))).await.unwrap_err().to_string();
    assert!(large.contains(": expected a number that a 64-bit float can hold at byte"), "{large}");
    let marked = query_once(&Server::always(json(200, &format!("\u{feff}{body}")))).await.unwrap_err();
    assert!(http_error(&marked).1.starts_with("\u{feff}{"), "{marked:?}");
}

#[tokio::test]
async fn statuses_without_a_body_are_errors_and_others_of_success_are_not() {
    for status in [204, 304] {
        let server = Server::always(format!("HTTP/1.1 {status} Nothing\r\n\r\n"));
        assert_eq!(http_error(&query_once(&server).await.unwrap_err()), (status, ""));
    }
    for status in [203, 206] {
        assert_eq!(query_once(&Server::always(json(status, &vector_body("7")))).await.unwrap(), 7.0);
    }
    // One that did not arrive, before one that does.
    let server = Server::start(|request, stream| match request.number {
        0 => stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").map(|()| After::Close),
        _ => stream.write_all(vector("7").as_bytes()).map(|()| After::Keep),
    });
    assert_eq!(query(&client_of(&server).build().unwrap()).await.unwrap(), 7.0);
    // A client does not wait for the end of an interim response.
    let interim = format!("HTTP/1.1 100 Continue\r\n\r\n{}", vector("7"));
    assert_eq!(query_once(&Server::always(interim)).await.unwrap(), 7.0);
}

#[tokio::test]
async fn failures_keep_their_status_without_a_body() {
    let heads = [
        "Content-Length: 100\r\n\r\nslow down",
        "Transfer-Encoding: chunked\r\n\r\n9\r\nslow down\r\nhello",
        #[cfg(feature = "gzip")]
        "Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nslow down",
        #[cfg(feature = "gzip")]
        "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
        "Content-Encoding: br\r\nContent-Length: 9\r\n\r\nslow down",
        "Content-Encoding: identity\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nslow down",
        "Content-Length: 9\r\n\r\nslow down, and more than announced",
    ];
    for (is_reset, head) in [false, true].into_iter().flat_map(|is_reset| heads.map(|head| (is_reset, head))) {
        let failing = move |status| {
            Server::start(move |request, stream| {
                if request.number > 0 {
                    return stream.write_all(vector("7").as_bytes()).map(|()| After::Keep);
                }
                write!(stream, "HTTP/1.1 {status} Whatever\r\n{head}")?;
                Ok(if is_reset { After::Reset } else { After::Close })
            })
        };
        let error = query(&client_of(&failing(400)).build().unwrap()).await.expect_err(head);
        assert_eq!((error.status(), error.retries()), (Some(400), 0), "{head}: {error:?}");
        assert!(head.contains("Encoding: ") || http_error(&error).1.contains("slow down"), "{error:?}");
        let error = query_once(&failing(429)).await.expect_err(head);
        assert_eq!(error.status(), Some(429), "{head}: {error:?}");
        assert_eq!(query(&client_of(&failing(429)).build().unwrap()).await.unwrap(), 7.0);
    }

    // Nor with one that does not come.
    let server = Server::start(|_, stream| {
        write!(stream, "HTTP/1.1 503 Whatever\r\nContent-Length: 100\r\n\r\nslow down")?;
        Ok(After::Stall)
    });
    let client = client_of(&server).timeout(Duration::from_millis(200)).build().unwrap();
    assert_eq!(http_error(&query(&client).await.unwrap_err()), (503, "slow down"));
}

/// Writes a start, and then the same without an end.
fn endless(status: u16, start: &'static str, again: &'static str) -> Server {
    Server::start(move |_, stream| {
        write!(stream, "HTTP/1.1 {status} OK\r\n\r\n{start}")?;
        Ok(After::Repeat(again.repeat(4096).into(), Duration::ZERO))
    })
}

/// The peak memory of this process, on systems that report it.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB")?.trim().parse().ok());
    kilobytes.unwrap_or(0_u64) << 10
}

/// The CPU time of this thread, on systems that report it. Other processes on the machine do not change it.
fn cpu_time() -> Duration {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(schedstat.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

#[tokio::test]
async fn the_memory_of_responses_is_limited() {
    async fn failure(server: &Server, client: &PrometheusClient) -> String {
        let error = client.query(UP, &prometheus::Querier::new()).await.unwrap_err();
        server.wait_for_gone(1).await;
        assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error:?}");
        error.to_string()
    }
    let start = cpu_time();
    for (start, again, expected) in [
        (r#"{"data":{"result":["#, "{},", "expected a series with a `metric`"),
        (r#"{"new":""#, "x", "expected a string or a number of at most 1 MiB at byte 7"),
        (r#"{"new":1"#, "0", "expected a string or a number of at most 1 MiB at byte 7"),
        (r#"{"new":{"a":["#, "\0", "expected a value or `]` at byte 13"),
        (r#"{"new":"#, "{\"\":", "expected less than 128 levels"),
    ] {
        let server = endless(200, start, again);
        let failure = failure(&server, &client_of(&server).build().unwrap()).await;
        assert!(failure.contains(expected), "{failure}");
    }
    for (start, again) in [
        (r#"{"warnings":["#, r#""","#),
        (r#"{"data":{"resultType":"matrix","result":["#, r#"{"metric":{}},"#),
        (r#"{"stats":{"a":["#, "[1,2],"),
    ] {
        let server = endless(200, start, again);
        let limited = client_of(&server).max_response_bytes(4 << 20).build().unwrap();
        let failure = failure(&server, &limited).await;
        assert!(failure.contains("than the limit of"), "{failure}");
    }
    let server = endless(200, r#"{"status":"success","data":["#, "{},");
    let client = client_of(&server).build().unwrap();
    let error = client.series(&prometheus::Querier::new().job("x")).await.unwrap_err();
    let expected = matches!(error.kind(), ErrorKind::Decode(DecodeError::TooMuchMemory { limit: 0x1000_0000 }));
    assert!(expected, "{error:?}");
    let error = client.build_info().await.unwrap_err();
    let expected = matches!(error.kind(), ErrorKind::Decode(DecodeError::TooMuchMemory { limit: 0x0100_0000 }));
    assert!(expected, "{error:?}");
    let server = endless(200, r#"{"status":"success","data":["#, " ");
    let client = client_of(&server).build().unwrap();
    let error = client.series(&prometheus::Querier::new().job("x")).await.unwrap_err();
    let expected = matches!(error.kind(), ErrorKind::Decode(DecodeError::TooManyBytes { limit: 0x0400_0000 }));
    assert!(expected, "{error:?}");
    // Client and decoder run on this thread, the servers on others.
    let time = cpu_time().saturating_sub(start);
    assert!(time < Duration::from_secs(10), "{time:?}");
    assert!(peak_memory() < 400 << 20, "{} bytes", peak_memory());
}

#[tokio::test]
async fn endless_bodies_are_aborted() {
    let query = async |server: &Server| {
        let client = client_of(server).max_response_bytes(1 << 20).max_samples(10_000).build().unwrap();
        let start = Instant::now();
        let error = client.query(UP, &prometheus::Querier::new()).await.unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(5));
        server.wait_for_gone(1).await;
        error
    };
    let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":""#;
    let error = query(&endless(200, matrix, "xyz")).await;
    assert!(matches!(error.kind(), ErrorKind::Decode(DecodeError::TooManyBytes { limit: 1_048_576 })), "{error:?}");
    let values = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"]"#;
    let error = query(&endless(200, values, r#",[1,"1"]"#)).await;
    assert_eq!((error.preset(), error.query()), (Some("prometheus::up"), Some("up{}")));
    assert!(matches!(error.kind(), ErrorKind::Decode(DecodeError::TooManySamples { limit: 10_000 })), "{error:?}");
    let error = query(&endless(200, "", " ")).await;
    assert!(matches!(error.kind(), ErrorKind::Decode(DecodeError::TooManyBytes { limit: 1_048_576 })), "{error:?}");
    for (status, start) in [(200, "<html>"), (502, "<html>"), (502, "{")] {
        let error = query(&endless(status, start, "xyz")).await;
        assert_eq!(http_error(&error).0, status);
        assert!(http_error(&error).1.len() <= 512);
    }

    let server = endless(200, r#"{"status":"success","data":["#, r#""a-value","#);
    let client = client_of(&server).max_response_bytes(1 << 20).build().unwrap();
    let error = client.label_values("job").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Decode(DecodeError::TooManyBytes { .. })), "{error:?}");
}

#[tokio::test]
async fn deep_nesting_does_not_overflow_the_stack() {
    let nest = "[".repeat(1_000_000);
    for body in [format!(r#"{{"status":"success","x":{nest}"#), format!(r#"{{"status":"success","data":{nest}"#)] {
        let server = Server::always(json(200, &body));
        let client = client_of(&server).retry(RetryPolicy::never()).build().unwrap();
        let error = query(&client).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error:?}");
        let error = client.series(&prometheus::Querier::new().job("x")).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error:?}");
    }
}

#[tokio::test]
async fn partial_data_is_refused_unless_accepted() {
    let body = vector_body("7").replace(r#""status""#, r#""isPartial":true,"status""#);
    let server = Server::always(json(200, &body));
    let client = client_of(&server).build().unwrap();
    let querier = prometheus::Querier::new();
    assert!(client.query(UP, &querier).await.unwrap().number().is_err());
    let accepted = client.query(UP, &querier).partial_data(PartialData::Accept).await.unwrap();
    assert_eq!(accepted.number().unwrap(), 7.0);
    let refused = client.query(UP, &querier).partial_data(PartialData::Refuse).await.unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::PartialData { .. }) && !refused.is_retryable());
    assert_eq!((refused.preset(), refused.query()), (Some("prometheus::up"), Some("up{}")));
    let requests = server.requests();
    assert_eq!(requests[1].parameter("partial_response"), None);
    assert_eq!(requests[2].parameter("partial_response"), Some("false"));
    assert_eq!(requests[2].parameter("deny_partial_response"), Some("1"));
}

#[tokio::test]
async fn a_stream_returns_complete_series_before_an_error() {
    let series = |name: &str| format!(r#"{{"metric":{{"job":"{name}"}},"values":[[1,"1"],[2,"2"]]}}"#);
    let start = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}"#, series("a"));
    let end = format!(r#",{}]}},"warnings":["w"]}}"#, series("b"));
    let (head, tail) = (start.clone(), end.clone());
    let cut = Server::start(move |_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{head},", head.len() + tail.len())?;
        Ok(After::Reset)
    });
    let querier = prometheus::Querier::new();
    let range = TimeRange::last_hours(1);
    let client = client_of(&cut).build().unwrap();
    let mut stream = client.query_range(UP, &querier, range).stream().await.unwrap();
    assert_eq!(stream.try_next().await.unwrap().unwrap().labels().get("job"), Some("a"));
    let error = stream.try_next().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Truncated { bytes, .. } if *bytes > 100), "{error:?}");
    assert_eq!(error.preset(), Some("prometheus::up"));
    assert!(stream.try_next().await.unwrap().is_none());
    assert_eq!(cut.requests().len(), 1);

    let whole = Server::sequence(&[response(503, "", ""), json(200, &(start + &end))]);
    let client = client_of(&whole).build().unwrap();
    let mut stream = client.query_range(UP, &querier, range).stream().await.unwrap();
    let mut names = Vec::new();
    while let Some(series) = stream.try_next().await.unwrap() {
        assert_eq!(series.len(), 2);
        names.push(series.labels().get("job").unwrap().to_owned());
    }
    assert_eq!(names, ["a", "b"]);
    assert_eq!(stream.meta().warnings, ["w"]);
    let adapted = client.query_range(UP, &querier, range).stream().await.unwrap();
    let series: Vec<_> = futures_util::TryStreamExt::try_collect(adapted).await.unwrap();
    assert_eq!(series.len(), 2);

    let refused = Server::always(json(400, r#"{"status":"error","errorType":"bad_data","error":"no"}"#));
    let client = client_of(&refused).build().unwrap();
    let error = client.query_range(UP, &querier, range).stream().await.unwrap_err();
    assert_eq!(error.status(), Some(400));
    let vector = Server::always(vector("7"));
    let client = client_of(&vector).build().unwrap();
    let mut stream = client.query_range(UP, &querier, range).stream().await.unwrap();
    assert!(matches!(stream.try_next().await.unwrap_err().kind(), ErrorKind::ResultType(_)));
}

#[tokio::test]
async fn timeouts_of_streams_apply_to_servers_and_not_to_readers() {
    let series = r#"{"metric":{"job":"a"},"values":[[1,"1"]]}"#;
    let wait = Duration::from_millis(60);
    let server = Server::start(move |_, stream| {
        write!(
            stream,
            "HTTP/1.1 200 OK\r\n\r\n{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":["
        )?;
        Ok(After::Repeat(format!("{series},").into(), wait))
    });
    let client = client_of(&server).timeout(Duration::from_millis(300)).build().unwrap();
    let querier = prometheus::Querier::new();
    let mut stream = client.query_range(UP, &querier, TimeRange::last_hours(1)).stream().await.unwrap();
    let start = Instant::now();
    for _ in 0..6 {
        assert!(stream.try_next().await.unwrap().is_some());
        // Longer than the server, so that there is always a series.
        tokio::time::sleep(2 * wait).await;
    }
    assert!(start.elapsed() > Duration::from_millis(700));
    let error = loop {
        match stream.try_next().await {
            Ok(series) => assert!(series.is_some()),
            Err(error) => break error,
        }
    };
    assert!(error.is_timeout(), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_dropped_stream_closes_its_connection() {
    let server = Server::start(|_, stream| {
        let start = r#"{"status":"success","data":{"resultType":"matrix","result":["#;
        write!(stream, "HTTP/1.1 200 OK\r\n\r\n{start}")?;
        Ok(After::Repeat(br#"{"metric":{"job":"a"},"values":[[1,"1"]]},"#.to_vec(), Duration::ZERO))
    });
    let client = client_of(&server).max_concurrent(1).build().unwrap();
    let querier = prometheus::Querier::new();
    for count in 1..4 {
        let mut stream = client.query_range(UP, &querier, TimeRange::last_hours(1)).stream().await.unwrap();
        assert!(stream.try_next().await.unwrap().is_some());
        drop(stream);
        server.wait_for_gone(count).await;
    }
}

#[tokio::test]
async fn a_split_range_has_each_point_once() {
    let server = Server::start(|request, stream| {
        let number = |name| request.parameter(name).unwrap().split('.').next().unwrap().parse::<usize>().unwrap();
        let (start, end, step) = (number("start"), number("end"), number("step"));
        let values: Vec<_> = (start..=end).step_by(step).map(|at| format!(r#"[{at},"{at}"]"#)).collect();
        let result = format!(r#"[{{"metric":{{"job":"a"}},"values":[{}]}}]"#, values.join(","));
        let body = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":{result}}}}}"#);
        stream.write_all(json(200, &body).as_bytes())?;
        // Later parts come first.
        Ok(After::Late(Duration::from_millis(if start < 3000 { 60 } else { 5 })))
    });
    let client = client_of(&server).max_steps(99).build().unwrap();
    let querier = prometheus::Querier::new();
    let range = TimeRange::parse("1007", "10000", "10s").unwrap();
    let refused = client.query_range(UP, &querier, range).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "preset prometheus::up: invalid time range: \
         900 points per series exceed the server's limit of 100; a step of 1m31s would fit"
    );
    assert_eq!(server.requests().len(), 0);

    let mut seen = Vec::new();
    let query = client.query_range(UP, &querier, range).split().concurrency(3);
    let matrix =
        query.on_progress(|progress| seen.push((progress.done, progress.parts, progress.samples))).await.unwrap();
    let times: Vec<i64> = matrix.one().unwrap().timestamps().iter().map(|time| time.as_millis() / 1000).collect();
    // On multiples of the step, as whole ranges and parts of any length are for every server.
    assert_eq!(times, (1000..=10000).step_by(10).collect::<Vec<_>>());
    assert_eq!(seen.len(), 10);
    assert_eq!((seen[0].0, seen[9]), (1, (10, 10, 901)));
    assert!(server.connections() <= 3, "{}", server.connections());

    for limit in [99, 500, 900] {
        let before = server.requests().len();
        let limited = client.query_range(UP, &querier, range).max_samples(limit).split().await.unwrap_err();
        let expected = DecodeError::TooManySamples { limit };
        assert!(matches!(limited.kind(), ErrorKind::Decode(error) if *error == expected), "{limited:?}");
        assert_eq!(limited.query(), Some("up{}"));
        // No more than were under way once there were too many.
        assert!((server.requests().len() - before) as u64 <= limit / 100 + 5);
    }
    assert!(client.query_range(UP, &querier, range).max_samples(901).split().await.is_ok());
}

#[tokio::test]
async fn a_failed_part_fails_the_query() {
    let server = Server::start(|request, stream| {
        let failure = json(422, r#"{"status":"error","errorType":"execution","error":"too many samples"}"#);
        let empty = json(200, r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#);
        let response = if request.number == 3 { failure } else { empty };
        stream.write_all(response.as_bytes()).map(|()| After::Keep)
    });
    let client = client_of(&server).build().unwrap();
    let range = TimeRange::parse("0", "100000000", "60s").unwrap();
    let error = client.query_range(UP, &prometheus::Querier::new(), range).split().concurrency(1).await.unwrap_err();
    assert_eq!((error.status(), error.preset()), (Some(422), Some("prometheus::up")));
    assert_eq!(server.requests().len(), 4);
}
