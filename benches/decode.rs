//! Compares the decoder with other ways to read the same response from memory:
//! `cd benches && cargo run --release`, with the name of one input after `--` to run only that one.
//!
//! The input `real` comes from a real Prometheus, the others are generated. For each contender, this prints the shortest
//! CPU time of several runs, the throughput, the time relative to the decoder, and the peak memory relative to the
//! columns of the result, which take 16 bytes per sample. The contenders take turns, so that other load on the machine
//! affects all of them.

mod random;

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use promql_presets::reqwest;
use promql_presets::wire::{Data, Decoder, Limits, plain_sample};
use promql_presets_test_support::{Dataset, prometheus};
use serde::Deserialize;

use crate::random::xorshift;

/// The time for all contenders on one input.
const TIME: Duration = Duration::from_secs(16);

fn main() {
    let only = std::env::args().nth(1);
    let wanted = |name: &str| only.as_ref().is_none_or(|only| only == name);
    if wanted("real") {
        match real(1000, 1427) {
            Some(body) => compare("real", 1000, 1427, &body),
            None => println!("real: skipped, Prometheus is missing; `cargo xtask servers` fetches it"),
        }
    }
    for (name, series, points) in [
        ("large", 1000, 1427),
        ("small", 7, 1050),
        ("long", 1, 1_000_000),
        ("short", 10_000, 10),
        ("vector", 100_000, 1),
    ] {
        if wanted(name) {
            compare(name, series, points, &response(series, points, name == "vector"));
        }
    }
    if wanted("kubernetes") {
        compare("kubernetes", 100_000, 1, &kubernetes(10_000));
    }
}

fn compare(name: &str, series: usize, points: usize, body: &[u8]) {
    let columns = series * points * 16;
    println!("{name}: {series} series x {points} points, {:.3} MB of JSON", body.len() as f64 / 1e6);
    let contenders: [(&str, &dyn Fn() -> Measured); 8] = [
        ("promql-presets, whole", &|| measured(|| decode(body, usize::MAX))),
        ("promql-presets, chunks of 16 KiB", &|| measured(|| decode(body, 16 << 10))),
        ("promql-presets, chunks of 1400 bytes", &|| measured(|| decode(body, 1400))),
        ("numbers only", &|| measured(|| scan(body, plain_sample))),
        ("numbers only, str::parse", &|| measured(|| scan(body, parsed_sample))),
        ("prometheus-http-query 0.9, serde_json", &|| measured(|| peer(body))),
        ("serde_json, maps and Vec<(f64, String)>", &|| measured(|| with_serde_json(body))),
        ("sonic-rs, maps and Vec<(f64, String)>", &|| measured(|| with_sonic(body))),
    ];
    let mut best = [Measured { time: Duration::MAX, memory: usize::MAX }; 8];
    let (start, mut rounds) = (Instant::now(), 0);
    while rounds < 5 || start.elapsed() < TIME {
        for (best, (_, run)) in best.iter_mut().zip(&contenders) {
            let Measured { time, memory } = run();
            *best = Measured { time: best.time.min(time), memory: best.memory.min(memory) };
        }
        rounds += 1;
    }
    for (Measured { time, memory }, (contender, _)) in best.iter().zip(contenders) {
        println!(
            "  {contender:<40} {:>10.3} ms {:>8.1} MB/s {:>7.2} x time {:>7.2} x columns",
            time.as_secs_f64() * 1e3,
            body.len() as f64 / 1e6 / time.as_secs_f64(),
            time.as_secs_f64() / best[0].time.as_secs_f64(),
            *memory as f64 / columns as f64,
        );
    }
}

/// The response of a real Prometheus, or `None` if it is not installed.
fn real(series: u16, points: u16) -> Option<Vec<u8>> {
    let data = Dataset::large(series, points);
    let server = prometheus::start(&data).unwrap()?;
    let url = format!(
        "{}/api/v1/query_range?query=container_cpu_usage_seconds&start={}&end={}&step=15",
        server.url(),
        data.start(),
        data.end()
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    Some(runtime.block_on(async { reqwest::get(url).await.unwrap().bytes().await.unwrap() }).to_vec())
}

/// A response as Prometheus sends it. All series have the same times, with milliseconds as after a range that does not
/// start at a whole second if there are few series. Half of the series hold integers, half 17 digits. Each series has a
/// pod of its own.
fn response(series: usize, points: usize, vector: bool) -> Vec<u8> {
    let mut random = xorshift();
    let (result_type, samples, end) =
        if vector { ("vector", r#""value":"#, "") } else { ("matrix", r#""values":["#, "]") };
    let millis = if series < 10 { ".781" } else { "" };
    let mut json = format!(r#"{{"status":"success","data":{{"resultType":"{result_type}","result":["#);
    for at in 0..series {
        let comma = if at > 0 { "," } else { "" };
        write!(json, r#"{comma}{{"metric":{{"__name__":"container_cpu_usage","cluster":"eu-1","#).unwrap();
        for extra in 0..at % 6 {
            write!(json, r#""label_{extra}":"value_{}","#, random() % 20).unwrap();
        }
        write!(json, r#""pod":"service-{:016x}"}},{samples}"#, random()).unwrap();
        for point in 0..points {
            let comma = if point > 0 { "," } else { "" };
            write!(json, r#"{comma}[{}{millis},""#, 1_700_000_000 + point * 15).unwrap();
            if at % 2 == 0 {
                write!(json, "{}", random() >> 36).unwrap();
            } else {
                write!(json, "{}", (random() >> 11) as f64 / (1_u64 << 53) as f64 * 100.0).unwrap();
            }
            json.push_str("\"]");
        }
        json.push_str(end);
        json.push('}');
    }
    json.push_str("]}}");
    json.into_bytes()
}

/// An instant vector as a cluster monitored by kube-prometheus has it: ten series for each pod, five for each of its two
/// containers, from cAdvisor and kube-state-metrics. There are many labels, few of them unique, and the series are
/// sorted by their labels.
fn kubernetes(pods: usize) -> Vec<u8> {
    let mut random = xorshift();
    let mut series = Vec::with_capacity(pods * 10);
    for _ in 0..pods {
        let (app, namespace, address) = (random() % 200, random() % 40, random() % 300);
        let (set, suffix, uid, burstable) = (random() % 0xFFFF_FFFF, random() % 0xF_FFFF, random(), random() % 2 == 0);
        let uid = format!("{:08x}-{:04x}-4{:03x}-9{:03x}-{:012x}", uid >> 32, uid & 0xFFFF, set & 0xFFF, app, suffix);
        let class = if burstable { "burstable" } else { "besteffort" };
        let slice = format!("kubepods-{class}-pod{}.slice", uid.replace('-', "_"));
        let node = format!("ip-10-0-{}-{}.eu-west-1.compute.internal", address / 100, address);
        let pod = format!("app-{app}-{set:x}-{suffix:05x}");
        for container in [format!("app-{app}"), "istio-proxy".to_owned()] {
            let id = format!("{:016x}{:016x}{:016x}{:016x}", random(), random(), random(), random());
            for name in ["container_cpu_usage_seconds_total", "container_memory_working_set_bytes"] {
                series.push(format!(
                    r#""__name__":"{name}","cluster":"eu-1","container":"{container}","endpoint":"https-metrics","id":"/kubepods.slice/kubepods-{class}.slice/{slice}/cri-containerd-{id}.scope","image":"registry.example.com/team/{container}:v1.2.3","instance":"10.0.{}.{}:10250","job":"kubelet","metrics_path":"/metrics/cadvisor","name":"{id}","namespace":"team-{namespace}","node":"{node}","pod":"{pod}","service":"kubelet""#,
                    address / 100, address,
                ));
            }
            let state = format!(
                r#""cluster":"eu-1","container":"{container}","endpoint":"http","instance":"10.0.7.7:8080","job":"kube-state-metrics","namespace":"team-{namespace}","node":"{node}","pod":"{pod}""#
            );
            let service = format!(r#""service":"kube-state-metrics","uid":"{uid}""#);
            for (resource, unit) in [("cpu", "core"), ("memory", "byte")] {
                series.push(format!(
                    r#""__name__":"kube_pod_container_resource_requests",{state},"resource":"{resource}",{service},"unit":"{unit}""#
                ));
            }
            series.push(format!(r#""__name__":"kube_pod_container_status_restarts_total",{state},{service}"#));
        }
    }
    series.sort();
    let mut json = String::from(r#"{"status":"success","data":{"resultType":"vector","result":["#);
    for (at, labels) in series.iter().enumerate() {
        let comma = if at > 0 { "," } else { "" };
        write!(json, r#"{comma}{{"metric":{{{labels}}},"value":[1700000000.123,"{}"]}}"#, random() >> 36).unwrap();
    }
    json.push_str("]}}");
    json.into_bytes()
}

fn decode(body: &[u8], chunk: usize) -> Data {
    let mut decoder = Decoder::new(Limits::default());
    body.chunks(chunk).for_each(|chunk| decoder.push(chunk).unwrap());
    decoder.finish().unwrap().data.unwrap()
}

/// The milliseconds, the value and the length of the sample at the start of some bytes.
type Sample = Option<(i64, f64, usize)>;

/// Finds and parses the numbers, without syntax, labels or a result.
fn scan(body: &[u8], sample: impl Fn(&[u8]) -> Sample) -> (i64, f64) {
    let (mut times, mut values, mut at) = (0_i64, 0.0, 0);
    while at < body.len() {
        match sample(&body[at..]) {
            Some((millis, value, length)) => {
                times = times.wrapping_add(millis);
                values += value;
                at += length;
            }
            None => at += 1,
        }
    }
    (times, values)
}

/// The decoder's `plain_sample`, but with the parser of the standard library.
fn parsed_sample(bytes: &[u8]) -> Sample {
    let [b'[', digit, ..] = bytes else { return None };
    if !digit.is_ascii_digit() {
        return None;
    }
    let comma = bytes.iter().take(20).position(|byte| *byte == b',')?;
    let end = comma + 2 + bytes[comma + 2..].iter().take(40).position(|byte| *byte == b'"')?;
    let number = |bytes| std::str::from_utf8(bytes).ok()?.parse::<f64>().ok();
    let (time, value) = (number(&bytes[1..comma])?, number(&bytes[comma + 2..end])?);
    Some(((time * 1000.0) as i64, value, end + 2))
}

/// A copy of a type that is private in `prometheus-http-query`.
#[derive(Deserialize)]
#[serde(tag = "status")]
enum PeerResponse {
    #[serde(alias = "success")]
    Success { data: prometheus_http_query::response::PromqlResult },
}

fn peer(body: &[u8]) -> PeerResponse {
    let response = serde_json::from_slice(body).unwrap();
    let PeerResponse::Success { data } = &response;
    black_box(data);
    response
}

#[derive(Deserialize)]
struct PlainResponse {
    data: PlainData,
}

#[derive(Deserialize)]
struct PlainData {
    result: Vec<PlainSeries>,
}

#[derive(Deserialize)]
struct PlainSeries {
    metric: HashMap<String, String>,
    #[serde(default)]
    values: Vec<(f64, String)>,
    value: Option<(f64, String)>,
}

impl PlainResponse {
    fn used(self) -> Self {
        for series in &self.data.result {
            black_box((&series.metric, &series.values, &series.value));
        }
        self
    }
}

fn with_serde_json(body: &[u8]) -> PlainResponse {
    serde_json::from_slice::<PlainResponse>(body).unwrap().used()
}

fn with_sonic(body: &[u8]) -> PlainResponse {
    sonic_rs::from_slice::<PlainResponse>(body).unwrap().used()
}

/// The CPU time and the peak memory of a run.
#[derive(Clone, Copy)]
struct Measured {
    time: Duration,
    memory: usize,
}

/// Runs a contender twice, since counting memory takes time.
fn measured<T>(run: impl Fn() -> T) -> Measured {
    let before = ThreadTime::now();
    let result = black_box(run());
    let time = before.elapsed();
    drop(result);
    LIVE.store(0, Relaxed);
    PEAK.store(0, Relaxed);
    COUNTING.store(true, Relaxed);
    let result = black_box(run());
    COUNTING.store(false, Relaxed);
    drop(result);
    Measured { time, memory: PEAK.load(Relaxed) }
}

/// The allocator of the system, which counts memory while `COUNTING` is set.
struct Counting;

static COUNTING: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: passes every call on to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTING.load(Relaxed) {
            let live = LIVE.fetch_add(layout.size(), Relaxed) + layout.size();
            PEAK.fetch_max(live, Relaxed);
        }
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if COUNTING.load(Relaxed) {
            // Both exist for a moment where the memory has to move.
            let live = LIVE.fetch_add(size, Relaxed) + size;
            PEAK.fetch_max(live, Relaxed);
            LIVE.fetch_sub(layout.size(), Relaxed);
        }
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if COUNTING.load(Relaxed) {
            LIVE.fetch_sub(layout.size(), Relaxed);
        }
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
