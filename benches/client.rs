//! The client end to end, beside the same reqwest that reads the same bytes and throws them away, and beside `wrk`:
//! `cd benches && cargo run --release --bin client`.
//!
//! The server is a real Prometheus, which takes its time, and then one that only sends bytes that it has, beside which
//! nothing is free. Both are processes of their own.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use promql_presets::{HttpMethod, PrometheusClient, TimeRange, Timestamp, reqwest};
use promql_presets_test_support::{Dataset, prometheus};

/// What the server that only sends bytes has: series and points of each.
const SMALL: (usize, usize) = (1, 1);
const MEDIUM: (usize, usize) = (10, 240);
const LARGE: (usize, usize) = (1000, 1427);

/// What many ask at once: ten series, and their sum.
const RATES: &str = r#"rate(container_cpu_usage_seconds{pod=~"service-5."}[5m])"#;
const SUM: &str = r#"sum(rate(container_cpu_usage_seconds{pod=~"service-5."}[5m]))"#;
const AT_ONCE: usize = 64;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("serve") => serve(),
        Some("small") => Pair::new(&arguments[2]).small(arguments[3].parse().unwrap()).await,
        Some("peak") => peak(&arguments[2]).await,
        Some("stream") => stream(&arguments[2]).await,
        // As a service asks: in a task, beside the one that reads from the connection.
        _ => tokio::spawn(compare()).await.unwrap(),
    }
}

async fn compare() {
    let data = Dataset::large(1000, 1427);
    let Some(server) = prometheus::start(&data).unwrap() else {
        panic!("there is no Prometheus: `cargo xtask servers` fetches it");
    };
    let [start, end] = [data.start(), data.end()].map(Timestamp::from_secs);
    let range = TimeRange::new(start, end).unwrap().step("15s").unwrap();
    println!("against Prometheus");
    let live = Pair::new(server.url());
    live.whole("large answer", "container_cpu_usage_seconds", range, 25).await;
    live.whole("answer of ten series", r#"container_cpu_usage_seconds{pod=~"service-5."}"#, range, 60).await;
    live.small(4000).await;
    let hour = TimeRange::new(end.checked_sub(Duration::from_secs(3600)).unwrap(), end).unwrap().step("15s").unwrap();
    live.concurrent(RATES, hour, 6).await;
    live.limit("ten series", RATES, hour, 5).await;
    live.limit("one sum", SUM, hour, 5).await;
    drop(server);

    println!("against a server that only sends bytes");
    let mut sender = Sender::start();
    let sent = Pair::new(&sender.url);
    sent.whole("large answer", "LARGE", hour, 25).await;
    sent.small(5000).await;
    sent.concurrent("MEDIUM", hour, 20).await;
    for mode in ["peak", "stream"] {
        let child = Command::new(std::env::current_exe().unwrap()).args([mode, &sender.url]).output().unwrap();
        print!("{}", String::from_utf8(child.stdout).unwrap());
    }
    sender.process.kill().unwrap();
}

/// The client, and what it is compared with.
#[derive(Clone)]
struct Pair {
    url: String,
    client: PrometheusClient,
    http: reqwest::Client,
}

impl Pair {
    fn new(url: &str) -> Self {
        let client = PrometheusClient::new(url).unwrap();
        Self { url: url.to_owned(), client, http: reqwest::Client::new() }
    }

    async fn read(&self, query: &str, range: Option<TimeRange>) -> u64 {
        let mut form = format!("query={}&timeout=30.000", query.replace('+', "%2B"));
        let endpoint = match range {
            Some(range) => {
                let (start, end) = (range.start().to_unix_seconds(), range.end().to_unix_seconds());
                let step = range.step_duration().as_millis() as f64 / 1000.0;
                write!(form, "&start={start}&end={end}&step={step}").unwrap();
                "query_range"
            }
            None => "query",
        };
        let request = self.http.post(format!("{}/api/v1/{endpoint}", self.url)).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        // As the client has one.
        let request = request.timeout(Duration::from_secs(31));
        let mut response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let mut bytes = 0;
        while let Some(chunk) = response.chunk().await.unwrap() {
            bytes += black_box(chunk).len() as u64;
        }
        bytes
    }

    async fn whole(&self, name: &str, query: &str, range: TimeRange, runs: usize) {
        let mut times = [Vec::new(), Vec::new()];
        let (mut bytes, mut samples) = (0, 0);
        for _ in 0..runs {
            let start = Watch::start();
            bytes = self.read(query, Some(range)).await;
            times[0].push(start.stop());
            let start = Watch::start();
            samples = black_box(self.client.raw_query_range(query, range).await.unwrap()).sample_count();
            times[1].push(start.stop());
        }
        let size = format!("{name}, {:.1} MB, {samples} samples", bytes as f64 / 1e6);
        report(&size, times, 1.0);
    }

    async fn small(&self, runs: usize) {
        const BATCH: usize = 50;
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..runs / BATCH {
            let start = Watch::start();
            for _ in 0..BATCH {
                self.read("vector(1)", None).await;
            }
            times[0].push(start.stop());
            let start = Watch::start();
            for _ in 0..BATCH {
                black_box(self.client.raw_query("vector(1)").await.unwrap());
            }
            times[1].push(start.stop());
        }
        report("one small query after the other", times, BATCH as f64);
    }

    async fn concurrent(&self, query: &'static str, range: TimeRange, runs: usize) {
        const EACH: usize = 4;
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..runs {
            for (decode, times) in [false, true].into_iter().zip(&mut times) {
                let start = Watch::start();
                let tasks = (0..AT_ONCE).map(|_| {
                    let pair = self.clone();
                    tokio::spawn(async move {
                        for _ in 0..EACH {
                            if decode {
                                black_box(pair.client.raw_query_range(query, range).await.unwrap());
                            } else {
                                pair.read(query, Some(range)).await;
                            }
                        }
                    })
                });
                for task in tasks.collect::<Vec<_>>() {
                    task.await.unwrap();
                }
                times.push(start.stop());
            }
        }
        report(&format!("{AT_ONCE} range queries at once"), times, (AT_ONCE * EACH) as f64);
    }

    /// As many queries as the server answers, beside what `wrk` gets out of it with the same request.
    async fn limit(&self, name: &str, query: &'static str, range: TimeRange, runs: usize) {
        const TIME: Duration = Duration::from_secs(4);
        println!("  {name} over {AT_ONCE} connections for {} s, {runs} times", TIME.as_secs());
        let client = PrometheusClient::builder(&self.url).method(HttpMethod::Get).build().unwrap();
        let pair = Self { client, ..self.clone() };
        let mut url = reqwest::Url::parse(&format!("{}/api/v1/query_range", self.url)).unwrap();
        let [start, end] = [range.start(), range.end()].map(|time| time.to_unix_seconds().to_string());
        let step = range.step_duration().to_string();
        url.query_pairs_mut().extend_pairs([("query", query), ("start", &start), ("end", &end), ("step", &step)]);
        let mut rates = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..runs {
            let Some(rate) = tokio::task::block_in_place(|| wrk(url.as_str(), TIME)) else {
                println!("    there is no `wrk` to compare with: Debian has it");
                return;
            };
            rates[0].push(rate);
            rates[1].push(pair.rate(None, &url, TIME).await);
            rates[2].push(pair.rate(Some((query, range)), &url, TIME).await);
        }
        let [wrk, bare, ours] = rates.map(|mut rates| {
            rates.sort_by(f64::total_cmp);
            rates[rates.len() / 2]
        });
        println!(
            "    {ours:.0} answers a second, wrk {wrk:.0}: {:.2} x; read and thrown away {bare:.0}: {:.2} x of wrk",
            ours / wrk,
            bare / wrk,
        );
    }

    /// How many answers a second the client gets, or the same reqwest without one.
    async fn rate(&self, client: Option<(&'static str, TimeRange)>, url: &reqwest::Url, time: Duration) -> f64 {
        let start = Instant::now();
        let tasks = (0..AT_ONCE).map(|_| {
            let (pair, url) = (self.clone(), url.clone());
            tokio::spawn(async move {
                let mut answers = 0;
                while start.elapsed() < time {
                    if let Some((query, range)) = client {
                        black_box(pair.client.raw_query_range(query, range).await.unwrap());
                    } else {
                        let request = pair.http.get(url.clone()).timeout(Duration::from_secs(31));
                        let mut response = request.send().await.unwrap();
                        while let Some(chunk) = response.chunk().await.unwrap() {
                            black_box(chunk);
                        }
                    }
                    answers += 1;
                }
                answers
            })
        });
        let mut answers = 0;
        for task in tasks.collect::<Vec<_>>() {
            answers += task.await.unwrap();
        }
        f64::from(answers) / start.elapsed().as_secs_f64()
    }
}

/// What `wrk` says it got, in requests a second; `None` where there is no `wrk`.
fn wrk(url: &str, time: Duration) -> Option<f64> {
    let mut command = Command::new("wrk");
    command.args(["-t2", &format!("-c{AT_ONCE}"), &format!("-d{}s", time.as_secs()), url]);
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("Non-2xx"), "{text}");
    text.lines().find_map(|line| line.strip_prefix("Requests/sec:"))?.trim().parse().ok()
}

/// Time on the wall, and of this process on processors.
struct Watch(Instant, ProcessTime);

impl Watch {
    fn start() -> Self {
        Self(Instant::now(), ProcessTime::now())
    }

    fn stop(self) -> (Duration, Duration) {
        (self.0.elapsed(), self.1.elapsed())
    }
}

fn report(name: &str, [theirs, ours]: [Vec<(Duration, Duration)>; 2], calls: f64) {
    let best = |times: Vec<Duration>| times.into_iter().min().unwrap().as_secs_f64();
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64()
    };
    let split = |times: &[(Duration, Duration)]| times.iter().copied().unzip::<_, _, Vec<_>, Vec<_>>();
    let ((wall, cpu), (our_wall, our_cpu)) = (split(&theirs), split(&ours));
    println!("  {name}");
    for (kind, theirs, ours) in [("wall", wall, our_wall), ("processor", cpu, our_cpu)] {
        println!(
            "    {kind:<10} best {:>9.1} us, read and thrown away {:>9.1} us: {:.2} x; medians {:.2} x",
            best(ours.clone()) / calls * 1e6,
            best(theirs.clone()) / calls * 1e6,
            best(ours.clone()) / best(theirs.clone()),
            median(ours) / median(theirs),
        );
    }
}

/// Says how much more memory this process has taken for one large answer than before it.
async fn peak(url: &str) {
    let client = PrometheusClient::new(url).unwrap();
    let range = TimeRange::last_hours(1);
    black_box(client.raw_query_range("SMALL", range).await.unwrap());
    let before = high_water();
    let matrix = client.raw_query_range("LARGE", range).await.unwrap();
    report_memory("memory for one large answer", before, matrix.sample_count() * 16);
}

/// Says how much more memory this process has taken for streaming one large answer than before it.
async fn stream(url: &str) {
    let client = PrometheusClient::new(url).unwrap();
    let range = TimeRange::last_hours(1);
    black_box(client.raw_query_range("SMALL", range).await.unwrap());
    let before = high_water();
    let mut stream = client.raw_query_range("LARGE", range).stream().await.unwrap();
    let mut columns = 0;
    while let Some(series) = stream.try_next().await.unwrap() {
        columns += series.len() * 16;
    }
    report_memory("memory for streaming it", before, columns);
}

fn report_memory(name: &str, before: usize, columns: usize) {
    let more = (high_water() - before) as f64;
    println!("  {name}");
    println!(
        "    {:.1} MB beside {:.1} MB of columns: {:.2} x",
        more / 1e6,
        columns as f64 / 1e6,
        more / columns as f64
    );
}

/// The most bytes that this process has had in memory.
fn high_water() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// A server that only sends bytes that it has, in a process of its own.
struct Sender {
    url: String,
    process: Child,
}

impl Sender {
    fn start() -> Self {
        let mut process =
            Command::new(std::env::current_exe().unwrap()).arg("serve").stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { url: url.trim().to_owned(), process }
    }
}

fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    let bodies = Arc::new([SMALL, MEDIUM, LARGE].map(|(series, points)| answer(&matrix(series, points))));
    let vector = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}"#;
    let vector = Arc::new(answer(vector.as_bytes()));
    for stream in listener.incoming() {
        let (bodies, vector) = (Arc::clone(&bodies), Arc::clone(&vector));
        thread::spawn(move || {
            let mut stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            while let Some(form) = request(&mut stream) {
                let names = ["SMALL", "MEDIUM", "LARGE"];
                let body = names.iter().position(|name| form.contains(name)).map_or(&*vector, |at| &bodies[at]);
                if stream.write_all(body).is_err() {
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

fn answer(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A matrix as Prometheus sends it: half of the series hold whole numbers, half 17 digits.
fn matrix(series: usize, points: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
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
