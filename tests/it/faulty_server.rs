//! A local HTTP server that does what servers should not do.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{ClientBuilder, Error, ErrorKind, PrometheusClient, RetryPolicy};

/// What a client asked.
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

/// What becomes of a connection after an answer.
#[derive(Clone, Copy)]
pub(crate) enum After {
    Keep,
    Close,
    /// Closed in a way that tells the client of an error.
    Reset,
}

/// A server on a port of its own, until the end of the program.
pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    connections: Arc<AtomicUsize>,
    /// Connections whose client has gone away.
    gone: Arc<AtomicUsize>,
}

impl Server {
    /// Answers each request by whatever `answer` writes.
    pub(crate) fn start(
        answer: impl Fn(&Request, &mut TcpStream) -> io::Result<After> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            requests: Arc::default(),
            connections: Arc::default(),
            gone: Arc::default(),
        };
        let (requests, connections) = (Arc::clone(&server.requests), Arc::clone(&server.connections));
        let (gone, answer) = (Arc::clone(&server.gone), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let connection = connections.fetch_add(1, Ordering::SeqCst);
                let (requests, gone, answer) = (Arc::clone(&requests), Arc::clone(&gone), Arc::clone(&answer));
                thread::spawn(move || {
                    if serve(stream, connection, &requests, &*answer).is_err() {
                        gone.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        server
    }

    /// Answers each request with the same.
    pub(crate) fn always(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |_, stream| stream.write_all(&answer).map(|()| After::Keep))
    }

    /// Answers the first requests with these, and all others with the last.
    pub(crate) fn sequence(answers: &[String]) -> Self {
        let answers = answers.to_vec();
        Self::start(move |request, stream| {
            stream.write_all(answers[request.number.min(answers.len() - 1)].as_bytes())?;
            Ok(After::Keep)
        })
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits until a client has gone away from as many connections.
    pub(crate) async fn wait_for_gone(&self, count: usize) {
        for _ in 0..400 {
            if self.gone.load(Ordering::SeqCst) >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} clients have gone away, not {count}", self.gone.load(Ordering::SeqCst));
    }
}

fn serve(
    mut stream: TcpStream,
    connection: usize,
    requests: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request, &mut TcpStream) -> io::Result<After>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(mut request) = read(&mut reader)? {
        {
            let mut requests = requests.lock().unwrap();
            (request.number, request.connection) = (requests.len(), connection);
            requests.push(request.clone());
        }
        match answer(&request, &mut stream)? {
            After::Keep => {}
            After::Close => return stream.shutdown(Shutdown::Both),
            After::Reset => return socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)),
        }
    }
    Ok(())
}

/// The next request of a connection, `None` at its end.
fn read(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut request = Request::default();
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let Some((method, rest)) = line.split_once(' ') else { return Ok(None) };
    let target = rest.split(' ').next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    (request.method, request.path, request.query) = (method.to_owned(), path.to_owned(), query.to_owned());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        request.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = request.headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    for form in [request.query.as_bytes(), &body] {
        request.parameters.extend(url::form_urlencoded::parse(form).into_owned());
    }
    Ok(Some(request))
}

/// Blocks until the client goes away, which is an error.
pub(crate) fn wait_for_client_to_go(stream: &mut TcpStream) -> io::Error {
    match stream.read(&mut [0; 64]) {
        Ok(0) => io::ErrorKind::ConnectionAborted.into(),
        Ok(_) => io::Error::other("the client has more to say"),
        Err(error) => error,
    }
}

/// A whole answer.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} Whatever\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
}

/// A whole answer in JSON.
pub(crate) fn json(status: u16, body: &str) -> String {
    answer(status, "Content-Type: application/json\r\n", body)
}

/// An answer to a query whose result is one number.
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

pub(crate) async fn ask(client: &PrometheusClient) -> Result<f64, Error> {
    Ok(client.query(UP, &prometheus::Querier::new()).await?.number().unwrap())
}

pub(crate) async fn ask_once(server: &Server) -> Result<f64, Error> {
    ask(&client_of(server).retry(RetryPolicy::never()).build().unwrap()).await
}

pub(crate) fn http_error(error: &Error) -> (u16, &str) {
    match error.kind() {
        ErrorKind::Http { status, body } => (*status, body),
        other => panic!("{other:?}"),
    }
}
