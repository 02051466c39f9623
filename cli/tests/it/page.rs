//! Servers of tests: a page that can change, a proxy that counts, and a Prometheus that scrapes.

use std::io::{BufRead, BufReader, Read, Write, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use promql_presets_test_support::{Server, Tool, prometheus, servers_required};

/// Serves one text at every path.
pub(crate) struct Page {
    pub(crate) address: String,
    text: Arc<Mutex<String>>,
}

impl Page {
    pub(crate) fn serve(text: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let text = Arc::new(Mutex::new(text.to_owned()));
        let shared = Arc::clone(&text);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let text = shared.lock().unwrap().clone();
                thread::spawn(move || respond(stream, &text));
            }
        });
        Self { address, text }
    }

    pub(crate) fn set(&self, text: &str) {
        text.clone_into(&mut self.text.lock().unwrap());
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }
}

fn respond(mut stream: TcpStream, text: &str) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        line.clear();
    }
    let kind = if text.ends_with("# EOF\n") {
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
    } else {
        "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
    };
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n", text.len());
    _ = stream.write_all(format!("{head}\r\n{text}").as_bytes());
}

/// Forwards connections, one request each, to a server.
pub(crate) struct Proxy {
    pub(crate) url: String,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    requests: AtomicUsize,
    open: AtomicUsize,
    most: AtomicUsize,
}

impl Proxy {
    pub(crate) fn to(server: &str) -> Self {
        let server = server.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (server, counts) = (server.clone(), Arc::clone(&shared));
                thread::spawn(move || {
                    counts.requests.fetch_add(1, Ordering::SeqCst);
                    let open = counts.open.fetch_add(1, Ordering::SeqCst) + 1;
                    counts.most.fetch_max(open, Ordering::SeqCst);
                    forward(stream, &server);
                    counts.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { url, counts }
    }

    /// The number of requests, and the largest number at once.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.counts.requests.load(Ordering::SeqCst), self.counts.most.load(Ordering::SeqCst))
    }
}

/// Forwards one request, and closes the connection after its response.
fn forward(mut client: TcpStream, server: &str) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        let is_last = line == "\r\n";
        head.push_str(if is_last { "Connection: close\r\n\r\n" } else { &line });
        if is_last {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut upstream = TcpStream::connect(server).unwrap();
    upstream.write_all(head.as_bytes()).unwrap();
    upstream.write_all(&body).unwrap();
    _ = copy(&mut upstream, &mut client);
    _ = client.shutdown(Shutdown::Both);
}

/// Waits until a server has samples of some queries.
pub(crate) fn wait(server: &Server, queries: &[&str]) {
    let deadline = Instant::now() + Duration::from_mins(1);
    for query in queries {
        let has_samples = || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let found = server.query(query, i64::try_from(now.as_secs()).unwrap());
            found.is_ok_and(|found| !found.is_empty())
        };
        while !has_samples() {
            assert!(Instant::now() < deadline, "no samples of `{query}`");
            thread::sleep(Duration::from_millis(200));
        }
    }
}

/// A Prometheus that scrapes, if there is one with UTF-8 names and infos.
pub(crate) fn scrape(jobs: &[(&str, &str)], rules: &str) -> Option<Server> {
    let server = prometheus::scrape(jobs, rules).unwrap();
    assert!(server.is_some() || !servers_required(), "`{}` is missing", Tool::Prometheus);
    server.filter(|server| !is_old(server))
}

/// Whether a server is older than Prometheus 3.
pub(crate) fn is_old(server: &Server) -> bool {
    server.version().unwrap().starts_with("Prometheus 2.")
}
