//! Reports of calls.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::faulty_server::{After, Server, client_of, query, response, vector, vector_body};

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
