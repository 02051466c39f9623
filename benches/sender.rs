//! A server that only sends prepared bytes, and what measuring needs.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use crate::random::xorshift;

/// The number of series, and of points per series.
pub const LARGE: (usize, usize) = (1000, 1427);

/// The number of series of a long vector.
pub const LONG: usize = 100_000;

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The peak memory of this process, in bytes.
pub fn high_water() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// A server that only sends prepared bytes, in a process of its own.
pub struct Sender {
    pub url: String,
    pub process: Child,
}

impl Sender {
    pub fn start() -> Self {
        let mut process =
            Command::new(std::env::current_exe().unwrap()).arg("serve").stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { url: url.trim().to_owned(), process }
    }
}

pub fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    let large = Arc::new(response(&matrix(LARGE.0, LARGE.1)));
    let small = Arc::new(response(&matrix(1, 61)));
    let vector = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}"#;
    let vector = Arc::new(response(vector.as_bytes()));
    let long = Arc::new(response(&long_vector()));
    for stream in listener.incoming() {
        let (large, small) = (Arc::clone(&large), Arc::clone(&small));
        let (vector, long) = (Arc::clone(&vector), Arc::clone(&long));
        thread::spawn(move || {
            let mut stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            while let Some(form) = request(&mut stream) {
                let response = match &*form {
                    form if form.contains("LARGE") => &large,
                    form if form.contains("LONG") => &long,
                    form if form.contains("start=") => &small,
                    _ => &vector,
                };
                if stream.write_all(response).is_err() {
                    return;
                }
            }
        });
    }
}

/// The form of the next request.
fn request(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        text.extend_from_slice(&buffer[..read]);
        let known = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = known.split_once("\r\n\r\n") else { continue };
        let head = head.to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse::<usize>().ok()?;
        if body.len() >= length {
            return Some(body.to_owned());
        }
    }
}

fn response(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A vector with labels as in Kubernetes.
fn long_vector() -> Vec<u8> {
    let mut json = String::from(r#"{"status":"success","data":{"resultType":"vector","result":["#);
    for at in 0..LONG {
        let comma = if at > 0 { "," } else { "" };
        write!(
            json,
            r#"{comma}{{"metric":{{"__name__":"container_memory_usage_bytes","namespace":"team-{}","node":"node-{}","pod":"service-{at}"}},"value":[1700000000.781,"{}"]}}"#,
            at % 50,
            at % 300,
            at * 4096
        )
        .unwrap();
    }
    json.push_str("]}}");
    json.into_bytes()
}

/// A matrix as Prometheus sends it. Half of the series hold integers, half 17 digits.
fn matrix(series: usize, points: usize) -> Vec<u8> {
    let mut random = xorshift();
    let mut json = String::from(r#"{"status":"success","data":{"resultType":"matrix","result":["#);
    for at in 0..series {
        let comma = if at > 0 { "," } else { "" };
        write!(json, r#"{comma}{{"metric":{{"__name__":"container_cpu_usage","pod":"service-{at}"}},"values":["#)
            .unwrap();
        for point in 0..points {
            let comma = if point > 0 { "," } else { "" };
            write!(json, r#"{comma}[{},""#, 1_700_000_000 + point * 15).unwrap();
            if at % 2 == 0 {
                write!(json, "{}", random() >> 36).unwrap();
            } else {
                write!(json, "{}", (random() >> 11) as f64 / (1_u64 << 53) as f64 * 100.0).unwrap();
            }
            json.push_str("\"]");
        }
        json.push_str("]}");
    }
    json.push_str("]}}");
    json.into_bytes()
}
