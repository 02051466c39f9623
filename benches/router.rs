//! Compares queries through the router of `promql-presets-axum` with those of the client alone, and with a handler that a
//! service writes with it, and measures the memory of large results:
//! `cd benches && cargo run --release --bin router`.
//!
//! The server sends prepared bytes, in a process of its own, so that the router's own time shows. The contenders take
//! turns, call by call. The client alone also writes its result as JSON. The handler reads the same request as the router,
//! on axum as well. `-- prometheus` compares them on a real server, for the small query of the client's benchmark.

mod random;
mod sender;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::hint::black_box;
use std::pin::Pin;
use std::process::Command;
use std::time::Instant;

use axum::body::{Body, HttpBody};
use axum::extract::State;
use axum::http::Request;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use promql_presets::{
    MetricQuerier, Preset, PresetInfo, Presets, PrometheusClient, Querier, Step, TimeRange, Timestamp, Vector, preset,
    regex,
};
use promql_presets_axum::{Access, router};
use promql_presets_test_support::{Dataset, prometheus as tool};
use serde::Deserialize;
use tokio::runtime::Builder;
use tower::ServiceExt;

use crate::sender::{Sender, high_water, median, serve};

const SUM: Preset<dyn MetricQuerier, Vector> = preset!("sum(rate({metric_name}{{{labels}}}[5m]))", name = "sum");
static PRESETS: [&PresetInfo; 1] = [SUM.info()];

/// The metric of small queries, and the time at which [`Dataset::large`] ends.
const METRIC: &str = "container_cpu_usage_seconds";
const END: i64 = 1_748_779_200;

const RUNS: usize = 20_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["serve"] => serve(),
        ["memory", what, how, url] => run(memory(what == "matrix", how.to_owned(), url.to_owned())),
        ["prometheus"] => {
            // The pods 50 to 59 are the ten series that the queries sum up.
            let server = tool::start(&Dataset::large(100, 1427)).unwrap();
            compare(server.expect("Prometheus is missing; `cargo xtask servers` fetches it").url());
        }
        _ => all(),
    }
}

/// Runs queries as a service does: in a task, with another one that reads from the connection.
fn run(work: impl Future<Output = ()> + Send + 'static) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async { tokio::spawn(work).await.unwrap() });
}

fn compare(url: &str) {
    let peers = Peers::new(url);
    run(async move { peers.compare_all().await });
}

fn all() {
    let mut sender = Sender::start();
    compare(&sender.url);
    let all = ["router", "client, streamed", "client, whole"];
    for (what, ways) in [("matrix", &all[..]), ("vector", &[all[0], all[2]])] {
        println!("memory for a {what}: 1,000 series of 1,427 points, or 100,000 series of one");
        for how in ways {
            let arguments = ["memory", what, how, &sender.url];
            let child = Command::new(std::env::current_exe().unwrap()).args(arguments).output().unwrap();
            assert!(child.status.success(), "{child:?}");
            print!("{}", String::from_utf8(child.stdout).unwrap());
        }
    }
    sender.process.kill().unwrap();
}

struct Peers {
    client: PrometheusClient,
    router: Router,
    handlers: Router,
}

/// What the handlers of a service read.
#[derive(Deserialize)]
struct Question {
    metric: String,
    labels: BTreeMap<String, Pattern>,
    time: Option<Timestamp>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    step: Option<Step>,
}

#[derive(Deserialize)]
struct Pattern {
    regex: String,
}

impl Question {
    fn querier(&self) -> Querier {
        let querier = Querier::new(self.metric.clone()).label("namespace", "production");
        self.labels.iter().fold(querier, |querier, (name, value)| querier.label(name.clone(), regex(&*value.regex)))
    }
}

async fn query(State(client): State<PrometheusClient>, Json(question): Json<Question>) -> Response {
    let querier = question.querier();
    Json(client.query(SUM.any_querier(), &querier).at(question.time.unwrap()).await.unwrap()).into_response()
}

async fn query_range(State(client): State<PrometheusClient>, Json(question): Json<Question>) -> Response {
    let range = TimeRange::new(question.start.unwrap(), question.end.unwrap()).unwrap();
    let (querier, range) = (question.querier(), range.step(question.step.unwrap()).unwrap());
    Json(client.query_range(SUM.any_querier(), &querier, range).await.unwrap()).into_response()
}

impl Peers {
    fn new(url: &str) -> Self {
        let client = PrometheusClient::new(url).unwrap();
        let guard = |_: &Parts, _: &'static PresetInfo| Ok(Access::only("namespace", "production"));
        let router = router(client.clone(), Presets::__new(&PRESETS)).guard(guard).build();
        let handlers = Router::new()
            .route("/presets/sum/query", post(query))
            .route("/presets/sum/query_range", post(query_range))
            .with_state(client.clone());
        Self { client, router, handlers }
    }

    async fn ask(&self, endpoint: &str) -> usize {
        let querier = Querier::new(METRIC).label("pod", regex("service-5.")).label("namespace", "production");
        let preset = SUM.any_querier();
        let json = if endpoint == "query" {
            let vector = self.client.query(preset, &querier).at(Timestamp::from_secs(END)).await.unwrap();
            assert_eq!(vector.len(), 1);
            serde_json::to_vec(&vector)
        } else {
            let [start, end] = [END - 900, END].map(Timestamp::from_secs);
            let range = TimeRange::new(start, end).unwrap().step("15s").unwrap();
            let matrix = self.client.query_range(preset, &querier, range).await.unwrap();
            assert_eq!(matrix.sample_count(), 61);
            serde_json::to_vec(&matrix)
        };
        json.unwrap().len()
    }

    async fn compare_all(&self) {
        let query = format!(r#"{{"metric": "{METRIC}", "labels": {{"pod": {{"regex": "service-5."}}}}, "#);
        let instant = format!(r#"{query}"time": {END}000}}"#);
        self.compare("a small query, the sum of ten rates", "query", instant.leak()).await;
        let range = format!(r#"{query}"start": {}000, "end": {END}000, "step": "15s"}}"#, END - 900);
        self.compare("a small range, 61 points of it", "query_range", range.leak()).await;
    }

    async fn compare(&self, name: &str, endpoint: &str, body: &'static str) {
        let (mut times, mut sizes) = ([const { Vec::new() }; 3], [0; 3]);
        for run in 0..RUNS * 3 {
            let request = request(endpoint, body);
            let start = Instant::now();
            let bytes = match run % 3 {
                0 => self.ask(endpoint).await,
                1 => route(&self.handlers, request).await,
                _ => route(&self.router, request).await,
            };
            times[run % 3].push(start.elapsed().as_secs_f64() * 1e6);
            sizes[run % 3] = bytes;
        }
        assert!(sizes == [sizes[0]; 3], "not the same results: {sizes:?} bytes");
        let [client, handler, router] = times.map(median);
        println!("{name}");
        println!("  client  {client:>7.1} us");
        println!("  handler {handler:>7.1} us: {:.2} x client", handler / client);
        println!("  router  {router:>7.1} us: {:.2} x client, {:.2} x handler", router / client, router / handler);
    }
}

fn request(endpoint: &str, body: &'static str) -> Request<Body> {
    let request = Request::post(format!("/presets/sum/{endpoint}")).header("content-type", "application/json");
    request.body(Body::from(body)).unwrap()
}

/// Sends a request to a router, and returns the size of the response.
async fn route(router: &Router, request: Request<Body>) -> usize {
    let response = router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let (mut body, mut bytes) = (response.into_body(), 0);
    while let Some(more) = next(&mut body).await {
        bytes += more;
    }
    bytes
}

/// The next part of a body.
async fn next(body: &mut Body) -> Option<usize> {
    let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await?.unwrap();
    Some(frame.data_ref().map_or(0, |data| black_box(data).len()))
}

async fn memory(is_matrix: bool, how: String, url: String) {
    const LARGE: &str = r#"{"metric": "LARGE", "start": 1700000000000, "end": 1700021390000, "step": "15s"}"#;
    let peers = Peers::new(&url);
    for endpoint in ["query", "query_range"] {
        peers.ask(endpoint).await;
    }
    route(&peers.router, request("query", r#"{"metric": "small"}"#)).await;
    let (client, preset) = (&peers.client, SUM.any_querier());
    let (querier, range) = (Querier::new("LARGE"), TimeRange::parse("1700000000", "1700021390", "15s").unwrap());
    let long = Querier::new("LONG");
    let before = high_water();
    let bytes = match (is_matrix, &*how) {
        (true, "router") => route(&peers.router, request("query_range", LARGE)).await,
        (true, "client, streamed") => {
            let (mut stream, mut bytes) = (client.query_range(preset, &querier, range).stream().await.unwrap(), 0);
            while let Some(series) = stream.try_next().await.unwrap() {
                bytes += series.len() * 16;
            }
            bytes
        }
        (true, _) => serde_json::to_vec(&client.query_range(preset, &querier, range).await.unwrap()).unwrap().len(),
        (false, "router") => route(&peers.router, request("query", r#"{"metric": "LONG"}"#)).await,
        (false, _) => serde_json::to_vec(&client.query(preset, &long).await.unwrap()).unwrap().len(),
    };
    let more = (high_water() - before) as f64 / 1e6;
    println!("  {how:<17} {more:>6.1} MB more, for {:.1} MB", bytes as f64 / 1e6);
}
