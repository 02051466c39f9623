//! Compares the client end to end with reqwest alone, which reads the same bytes and discards them, with
//! `prometheus-http-query`, and with `wrk`: `cd benches && cargo run --release --bin client`.
//!
//! The server is first a real Prometheus, then one that only sends prepared bytes, so that the client's own time shows.
//! Both run as processes of their own. The contenders take turns, call by call where calls are short, so that other load
//! on the machine affects all of them. Ratios are ratios of medians; for concurrent calls, medians of ratios. `-- small`
//! and `-- at-once` run a part of it.

mod random;
mod sender;

use std::fmt::Write as _;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use promql_presets::{HttpMethod, PrometheusClient, TimeRange, Timestamp, reqwest};
use promql_presets_test_support::{Dataset, Server, prometheus as tool};
use tokio::runtime::Builder;

use crate::sender::{LARGE, Sender, high_water, median, serve};

const ALL: &str = "container_cpu_usage_seconds";
const TEN: &str = r#"container_cpu_usage_seconds{pod=~"service-5."}"#;

/// The queries of concurrent callers: ten series, and their sum.
const RATES: &str = r#"rate(container_cpu_usage_seconds{pod=~"service-5."}[5m])"#;
const SUM: &str = r#"sum(rate(container_cpu_usage_seconds{pod=~"service-5."}[5m]))"#;
const AT_ONCE: usize = 64;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["serve"] => serve(),
        ["memory", how, url] => run(1, memory(how.to_owned(), url.to_owned())),
        ["small"] => run(1, small_queries(prometheus().url().to_owned())),
        ["at-once"] => at_once(prometheus().url()),
        _ => all(),
    }
}

/// Runs queries as a service does: in a task, with another one that reads from the connection.
fn run(workers: usize, work: impl Future<Output = ()> + Send + 'static) {
    let runtime = Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap();
    runtime.block_on(async { tokio::spawn(work).await.unwrap() });
}

fn all() {
    let server = prometheus();
    println!("against Prometheus");
    // One worker, since the server needs the other processor.
    run(1, large_queries(server.url().to_owned()));
    run(1, small_queries(server.url().to_owned()));
    at_once(server.url());
    memory_of_all(server.url());
    drop(server);

    println!("against a server that only sends bytes");
    let mut sender = Sender::start();
    let peers = Peers::new(&sender.url);
    run(1, async move { peers.compare("1,000 series of 1,427 points", "LARGE", Some(whole()), 25).await });
    memory_of_all(&sender.url);
    sender.process.kill().unwrap();
}

fn prometheus() -> Server {
    let server = tool::start(&Dataset::large(1000, 1427)).unwrap();
    server.expect("Prometheus is missing; `cargo xtask servers` fetches it")
}

async fn large_queries(url: String) {
    let peers = Peers::new(&url);
    peers.compare("1,000 series of 1,427 points", ALL, Some(whole()), 25).await;
    peers.compare("ten of these", TEN, Some(whole()), 200).await;
}

async fn small_queries(url: String) {
    let peers = Peers::new(&url);
    let end = Dataset::large(1, 1427).end();
    let last = SUM.replace("[5m]", &format!("[5m] @ {end}"));
    peers.compare("a small query, the sum of ten rates", &last, None, 4000).await;
    peers.compare("the smallest query, vector(1)", "vector(1)", None, 4000).await;
}

/// With one worker, and with the two that tokio starts by default on two processors, where workers and server compete.
fn at_once(url: &str) {
    for workers in [1, 2] {
        for (name, query) in [("rates of ten series", RATES), ("their sum", SUM)] {
            let (peers, name) = (Peers::new(url), format!("{name}, workers: {workers}"));
            run(workers, async move { peers.limit(&name, query, hour()).await });
        }
    }
}

/// The time range of all data.
fn whole() -> TimeRange {
    let data = Dataset::large(1, 1427);
    let [start, end] = [data.start(), data.end()].map(Timestamp::from_secs);
    TimeRange::new(start, end).unwrap().step("15s").unwrap()
}

/// The last hour of the data.
fn hour() -> TimeRange {
    let end = whole().end();
    TimeRange::new(end.checked_sub(Duration::from_hours(1)).unwrap(), end).unwrap().step("15s").unwrap()
}

#[derive(Clone, Copy)]
enum Who {
    /// reqwest, which discards the bytes.
    Bare,
    Client,
    /// `prometheus-http-query`.
    Peer,
}

/// The client and its contenders.
#[derive(Clone)]
struct Peers {
    url: String,
    bare: reqwest::Client,
    client: PrometheusClient,
    peer: prometheus_http_query::Client,
}

impl Peers {
    fn new(url: &str) -> Self {
        let client = PrometheusClient::new(url).unwrap();
        Self { url: url.to_owned(), bare: reqwest::Client::new(), client, peer: url.parse().unwrap() }
    }

    async fn ask(&self, who: Who, query: &str, range: Option<TimeRange>) {
        match (who, range) {
            (Who::Bare, _) => self.read(query, range).await,
            (Who::Client, Some(range)) => {
                black_box(self.client.raw_query_range(query, range).await.unwrap());
            }
            (Who::Client, None) => {
                black_box(self.client.raw_query(query).await.unwrap());
            }
            (Who::Peer, Some(range)) => {
                let [start, end] = [range.start(), range.end()].map(|time| time.as_millis() / 1000);
                let step = range.step_duration().as_millis() as f64 / 1000.0;
                black_box(self.peer.query_range(query, start, end, step).post().await.unwrap());
            }
            (Who::Peer, None) => {
                black_box(self.peer.query(query).post().await.unwrap());
            }
        }
    }

    async fn read(&self, query: &str, range: Option<TimeRange>) {
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
        let request = self.bare.post(format!("{}/api/v1/{endpoint}", self.url)).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        // The client sets a timeout too.
        discard(request.timeout(Duration::from_secs(31))).await;
    }

    async fn compare(&self, name: &str, query: &str, range: Option<TimeRange>, runs: usize) {
        let mut times = [const { Vec::new() }; 3];
        // Each runs equally often after each of the others, and never after itself, whose code would still be cached.
        const TURNS: [Who; 6] = [Who::Bare, Who::Client, Who::Bare, Who::Peer, Who::Client, Who::Peer];
        for _ in 0..runs.div_ceil(2) {
            for who in TURNS {
                let start = Instant::now();
                self.ask(who, query, range).await;
                times[who as usize].push(start.elapsed().as_secs_f64() * 1e6);
            }
        }
        let best = times.each_ref().map(|times| times.iter().copied().fold(f64::MAX, f64::min));
        let [bare, client, peer] = times.map(median);
        println!("  {name}");
        println!("    read and discarded   {bare:>9.0} us, best {:>9.0} us", best[0]);
        for (who, time, best_time) in [("promql-presets", client, best[1]), ("prometheus-http-query", peer, best[2])] {
            println!(
                "    {who:<21} {time:>8.0} us: {:.2} x; best {best_time:>9.0} us: {:.2} x",
                time / bare,
                best_time / best[0]
            );
        }
    }

    /// The rate at which the server responds, compared with that of `wrk` for the same request.
    async fn limit(&self, name: &str, query: &'static str, range: TimeRange) {
        const TIME: Duration = Duration::from_secs(1);
        const RUNS: usize = 24;
        println!("  {name} over {AT_ONCE} connections, {RUNS} times {} s", TIME.as_secs());
        let client = PrometheusClient::builder(&self.url).method(HttpMethod::Get).build().unwrap();
        let peers = Self { client, ..self.clone() };
        let mut url = reqwest::Url::parse(&format!("{}/api/v1/query_range", self.url)).unwrap();
        let [start, end] = [range.start(), range.end()].map(|time| time.to_unix_seconds().to_string());
        let step = range.step_duration().to_string();
        url.query_pairs_mut().extend_pairs([("query", query), ("start", &start), ("end", &end), ("step", &step)]);
        let mut rates = [const { Vec::new() }; 3];
        for run in 0..RUNS {
            for turn in 0..rates.len() {
                let who = (run + turn) % rates.len();
                let rate = match who {
                    0 => tokio::task::block_in_place(|| wrk(url.as_str(), TIME)),
                    1 => Some(peers.rate(None, &url, TIME).await),
                    _ => Some(peers.rate(Some((query, range)), &url, TIME).await),
                };
                let Some(rate) = rate else {
                    println!("    skipped, `wrk` is missing; it is a package of Debian");
                    return;
                };
                rates[who].push(rate);
            }
        }
        // Ratios within a turn, since the load of the machine changes between turns.
        let ratio = |who: usize| median(rates[who].iter().zip(&rates[0]).map(|(rate, wrk)| rate / wrk).collect());
        let (bare_ratio, our_ratio) = (ratio(1), ratio(2));
        let [wrk, bare, ours] = rates.map(median);
        println!("    wrk            {wrk:>6.0} responses per second");
        println!("    discarded      {bare:>6.0}: {bare_ratio:.2} x");
        println!("    promql-presets {ours:>6.0}: {our_ratio:.2} x");
    }

    /// The number of responses per second that the client receives, or reqwest alone.
    async fn rate(&self, client: Option<(&'static str, TimeRange)>, url: &reqwest::Url, time: Duration) -> f64 {
        let start = Instant::now();
        let tasks = (0..AT_ONCE).map(|_| {
            let (peers, url) = (self.clone(), url.clone());
            tokio::spawn(async move {
                let mut responses = 0;
                while start.elapsed() < time {
                    match client {
                        Some((query, range)) => peers.ask(Who::Client, query, Some(range)).await,
                        None => discard(peers.bare.get(url.clone()).timeout(Duration::from_secs(31))).await,
                    }
                    responses += 1;
                }
                responses
            })
        });
        let mut responses = 0;
        for task in tasks.collect::<Vec<_>>() {
            responses += task.await.unwrap();
        }
        f64::from(responses) / start.elapsed().as_secs_f64()
    }
}

async fn discard(request: reqwest::RequestBuilder) {
    let mut response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    while let Some(chunk) = response.chunk().await.unwrap() {
        black_box(chunk);
    }
}

/// The requests per second that `wrk` reports, or `None` if it is not installed.
fn wrk(url: &str, time: Duration) -> Option<f64> {
    let mut command = Command::new("wrk");
    command.args(["-t2", &format!("-c{AT_ONCE}"), &format!("-d{}s", time.as_secs()), url]);
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("Non-2xx"), "{text}");
    text.lines().find_map(|line| line.strip_prefix("Requests/sec:"))?.trim().parse().ok()
}

/// Prints how much memory a process takes for one large response.
fn memory_of_all(url: &str) {
    println!("  memory for 1,000 series of 1,427 points, relative to 16 bytes per sample");
    for how in ["whole", "streamed", "prometheus-http-query"] {
        let child = Command::new(std::env::current_exe().unwrap()).args(["memory", how, url]).output().unwrap();
        assert!(child.status.success(), "{child:?}");
        print!("{}", String::from_utf8(child.stdout).unwrap());
    }
}

async fn memory(how: String, url: String) {
    let peers = Peers::new(&url);
    for who in [Who::Client, Who::Peer] {
        peers.ask(who, "vector(1)", None).await;
    }
    let before = high_water();
    // Each server knows one of the two names.
    let query = "LARGE or container_cpu_usage_seconds";
    let samples = match &*how {
        "whole" => peers.client.raw_query_range(query, whole()).await.unwrap().sample_count(),
        "streamed" => {
            let mut stream = peers.client.raw_query_range(query, whole()).stream().await.unwrap();
            let mut samples = 0;
            while let Some(series) = stream.try_next().await.unwrap() {
                samples += series.len();
            }
            samples
        }
        _ => {
            peers.ask(Who::Peer, query, Some(whole())).await;
            LARGE.0 * LARGE.1
        }
    };
    let (more, columns) = ((high_water() - before) as f64, (samples * 16) as f64);
    println!("    {how:<21} {:>6.1} MB: {:.2} x", more / 1e6, more / columns);
}
