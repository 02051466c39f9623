//! A local HTTP server that does what servers should not do, such as responses that are not quite HTTP.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{ClientBuilder, Error, ErrorKind, PrometheusClient, RetryPolicy};
use promql_presets_testing::{Call, MockPrometheus, MockResponse};

/// A request of a client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    /// Of the URL, as it came.
    pub(crate) query: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// Of the query and of the body, decoded.
    pub(crate) parameters: Vec<(String, String)>,
    /// How many came before it.
    pub(crate) number: usize,
    /// How many connections came before its own.
    pub(crate) connection: usize,
}

impl Request {
    /// The first parameter of this name.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

impl From<&Call> for Request {
    fn from(call: &Call) -> Self {
        Self {
            method: call.method().to_owned(),
            path: call.path().to_owned(),
            query: call.query_string().to_owned(),
            headers: call.headers().iter().cloned().collect(),
            parameters: call.parameters().to_vec(),
            number: call.number(),
            connection: call.connection(),
        }
    }
}

/// What becomes of a connection after a response.
pub(crate) enum After {
    Keep,
    Close,
    /// Closed with an error for the client.
    Reset,
    /// Nothing, until the client goes away.
    Stall,
    /// The response is sent in pieces, with pauses, and the connection closed.
    Trickle(usize, Duration),
    /// The response is sent late.
    Late(Duration),
    /// The same again and again, with pauses.
    Repeat(Vec<u8>, Duration),
}

/// A mock whose responses are bytes, until the end of the program.
pub(crate) struct Server {
    pub(crate) url: String,
    mock: &'static MockPrometheus,
}

impl Server {
    /// Responds to each request with what `response` writes.
    pub(crate) fn start(
        response: impl Fn(&Request, &mut Vec<u8>) -> io::Result<After> + Send + Sync + 'static,
    ) -> Self {
        let mock: &MockPrometheus = Box::leak(Box::new(MockPrometheus::start()));
        mock.on_any()
            .responds_with(move |call| {
                let mut bytes = Vec::new();
                let after = response(&call.into(), &mut bytes).unwrap();
                let response = MockResponse::raw(bytes);
                match after {
                    After::Keep => response,
                    After::Close => response.then_close(),
                    After::Reset => response.reset_after(usize::MAX),
                    After::Stall => response.stall_after(usize::MAX),
                    After::Trickle(piece, pause) => response.trickle(piece, pause).then_close(),
                    After::Late(delay) => response.delay(delay),
                    After::Repeat(bytes, pause) => response.then_repeat(bytes).trickle(usize::MAX, pause),
                }
            })
            .any_times();
        Self { url: mock.url().to_owned(), mock }
    }

    /// Responds to each request with the same bytes.
    pub(crate) fn always(response: impl Into<Vec<u8>>) -> Self {
        let mock: &MockPrometheus = Box::leak(Box::new(MockPrometheus::start()));
        mock.on_any().returns(MockResponse::raw(response)).any_times();
        Self { url: mock.url().to_owned(), mock }
    }

    /// Responds to the first requests with these, and to all others with the last.
    pub(crate) fn sequence(responses: &[String]) -> Self {
        let responses = responses.to_vec();
        Self::start(move |request, stream| {
            stream.extend_from_slice(responses[request.number.min(responses.len() - 1)].as_bytes());
            Ok(After::Keep)
        })
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.mock.calls().iter().map(Request::from).collect()
    }

    pub(crate) fn connections(&self) -> usize {
        self.mock.connections()
    }

    /// Waits until a client has gone away from as many connections.
    pub(crate) async fn wait_for_gone(&self, count: usize) {
        for _ in 0..400 {
            if self.mock.abandoned() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} clients have gone away, not {count}", self.mock.abandoned());
    }
}

/// A whole response.
pub(crate) fn response(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} Whatever\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
}

/// A whole response in JSON.
pub(crate) fn json(status: u16, body: &str) -> String {
    response(status, "Content-Type: application/json\r\n", body)
}

/// A response to a query whose result is one number.
pub(crate) fn vector(value: &str) -> String {
    json(200, &vector_body(value))
}

pub(crate) fn vector_body(value: &str) -> String {
    let result = format!(r#"[{{"metric":{{"job":"api"}},"value":[1700000000,"{value}"]}}]"#);
    format!(r#"{{"status":"success","data":{{"resultType":"vector","result":{result}}}}}"#)
}

/// Retries that a test need not wait for.
pub(crate) fn quick() -> RetryPolicy {
    RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(2))
}

pub(crate) fn client_of(server: &Server) -> ClientBuilder {
    PrometheusClient::builder(&server.url).retry(quick())
}

pub(crate) async fn query(client: &PrometheusClient) -> Result<f64, Error> {
    Ok(client.query(UP, &prometheus::Querier::new()).await?.number().unwrap())
}

pub(crate) async fn query_once(server: &Server) -> Result<f64, Error> {
    query(&client_of(server).retry(RetryPolicy::never()).build().unwrap()).await
}

pub(crate) fn http_error(error: &Error) -> (u16, &str) {
    match error.kind() {
        ErrorKind::Http { status, body } => (*status, body),
        other => panic!("{other:?}"),
    }
}
