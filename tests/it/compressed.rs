//! What the client makes of compressed bodies.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::faulty_server::{After, Server, client_of, query, query_once, response, vector, vector_body};
use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{RetryPolicy, TimeRange};

fn zip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zipped(body: Vec<u8>) -> Server {
    Server::start(move |_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len())?;
        stream.write_all(&body)?;
        Ok(After::Keep)
    })
}

#[tokio::test]
async fn truncated_compressed_bodies_are_errors() {
    let body = zip(vector_body("7").as_bytes());
    let length = body.len();
    let server = Server::start(move |request, stream| {
        assert_eq!(request.headers["accept-encoding"], "gzip");
        let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n";
        stream.write_all(head.as_bytes())?;
        stream.write_all(&body[..request.number])?;
        Ok(After::Close)
    });
    let client = client_of(&server).retry(RetryPolicy::never()).build().unwrap();
    for cut in 0..length {
        query(&client).await.expect_err(&format!("cut at {cut}"));
    }
    assert_eq!(query(&client).await.unwrap(), 7.0);

    // What the decompressor holds back until the end is not lost.
    let series = r#"{"metric":{"job":"a"},"values":[[1,"1"]]}"#;
    let matrix = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series},{series}]}}}}"#);
    let server = zipped(zip(matrix.as_bytes()));
    let client = client_of(&server).build().unwrap();
    let querier = prometheus::Querier::new();
    let mut stream = client.query_range(UP, &querier, TimeRange::last_hours(1)).stream().await.unwrap();
    let mut count = 0;
    while stream.try_next().await.unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 2);

    let plain = Server::always(vector("7"));
    let client = client_of(&plain).compressed(false).build().unwrap();
    assert_eq!(query(&client).await.unwrap(), 7.0);
    assert_eq!(plain.requests()[0].headers.get("accept-encoding"), None);

    // Compressed without being requested, and accepted.
    let body = zip(vector_body("7").as_bytes());
    let server = Server::start(move |_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Encoding: GZIP\r\nContent-Length: {}\r\n\r\n", body.len())?;
        stream.write_all(&body)?;
        Ok(After::Keep)
    });
    assert_eq!(query(&client_of(&server).compressed(false).build().unwrap()).await.unwrap(), 7.0);
    let lie = Server::always(response(200, "Content-Encoding: gzip\r\n", &vector_body("7")));
    let error = query_once(&lie).await.unwrap_err();
    assert!(error.to_string().contains("the body is not valid gzip, after 112 bytes"), "{error}");
}

/// Few bytes of the network may be a thousand times as many, and all of them there at once.
#[tokio::test]
async fn the_deadline_holds_while_a_body_is_decompressed() {
    let server = zipped(zip(format!(r#"{{"new":[{}1]}}"#, "[],".repeat(12_000_000)).as_bytes()));
    let client = client_of(&server).timeout(Duration::from_millis(200)).build().unwrap();
    let querier = prometheus::Querier::new();
    let start = Instant::now();
    let error = query(&client).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    let range = TimeRange::last_hours(1);
    let mut stream = client.query_range(UP, &querier, range).stream().await.unwrap();
    let error = stream.try_next().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn other_tasks_run_while_a_body_is_decompressed() {
    // 30 MB in one piece, or eight, of the network.
    let server = zipped(zip(format!(r#"{{"new":[{}1]}}"#, "[],".repeat(10_000_000)).as_bytes()));
    let client = client_of(&server).build().unwrap();
    let turns = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&turns);
    let others = tokio::spawn(async move {
        loop {
            counter.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    let querier = prometheus::Querier::new();
    let mut stream = client.query_range(UP, &querier, TimeRange::last_hours(1)).stream().await.unwrap();
    // All of it has come, but for what a connection holds.
    tokio::time::sleep(Duration::from_millis(100)).await;
    turns.store(0, Ordering::Relaxed);
    stream.try_next().await.unwrap_err();
    let turns = turns.load(Ordering::Relaxed);
    assert!(turns >= 12, "{turns} turns");
    others.abort();
}
