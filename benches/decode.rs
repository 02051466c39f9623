//! Decoding results from memory, beside what else one could use: `cd benches && cargo run --release`, with the
//! name of one body behind `--` for that one alone.
//!
//! The first is what a real Prometheus answered, the others are made up. Prints for each contender the best time of the
//! processor of several runs, its throughput, the time relative to the decoder, and the peak of memory relative to the
//! columns of the result, 16 bytes a sample.

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

fn main() {
    let only = std::env::args().nth(1);
    let wanted = |name: &str| only.as_ref().is_none_or(|only| only == name);
    if wanted("real") {
        match real(1000, 1427) {
            Some(body) => compare("real", 1000, 1427, &body),
            None => println!("real: there is no Prometheus: `cargo xtask servers` fetches it"),
        }
    }
    for (name, series, points) in
        [("large", 1000, 1427), ("small", 7, 1050), ("long", 1, 1_000_000), ("short", 10_000, 10), ("vector", 100_000, 1)]
    {
        if wanted(name) {
            compare(name, series, points, &response(series, points, name == "vector"));
        }
    }
}

fn compare(name: &str, series: usize, points: usize, body: &[u8]) {
    let columns = series * points * 16;
    println!("{name}: {series} series x {points} points, {:.3} MB of JSON", body.len() as f64 / 1e6);
    let ours = measure(body, |body| decode(body, usize::MAX));
    let report = |contender: &str, (time, peak): (Duration, usize)| {
        println!(
            "  {contender:<40} {:>10.3} ms {:>8.1} MB/s {:>7.2} x time {:>7.2} x columns",
            time.as_secs_f64() * 1e3,
            body.len() as f64 / 1e6 / time.as_secs_f64(),
            time.as_secs_f64() / ours.0.as_secs_f64(),
            peak as f64 / columns as f64,
        );
    };
    report("promql-presets, whole", ours);
    report("promql-presets, chunks of 16 KiB", measure(body, |body| decode(body, 16 << 10)));
    report("promql-presets, chunks of 1400 bytes", measure(body, |body| decode(body, 1400)));
    report("bare scan for numbers", measure(body, |body| scan(body, plain_sample)));
    report("bare scan for numbers, str::parse", measure(body, |body| scan(body, parsed_sample)));
    report("prometheus-http-query 0.9, serde_json", measure(body, peer));
    report("serde_json, Vec<(f64, String)>", measure(body, with_serde_json));
    report("sonic-rs, Vec<(f64, String)>", measure(body, with_sonic));
}

/// What a real Prometheus answers; `None` where there is none.
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

/// A response as Prometheus sends it: all series have the same times, which have milliseconds if the range did not start
/// at a whole second; half of the series hold whole numbers, half 17 digits.
fn response(series: usize, points: usize, vector: bool) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
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

fn decode(body: &[u8], chunk: usize) -> Data {
    let mut decoder = Decoder::new(Limits::default());
    body.chunks(chunk).for_each(|chunk| decoder.push(chunk).unwrap());
    decoder.finish().unwrap().data.unwrap()
}

/// Milliseconds, a value, and the length of the sample that bytes start with.
type Sample = Option<(i64, f64, usize)>;

/// Finds and parses the numbers, and does nothing else: no syntax, no labels, no result.
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

/// As the decoder's `plain_sample`, with the standard library's parser.
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

/// As `prometheus-http-query` has it, where this type is private.
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

/// The best of the runs that fit into two seconds, at least five; and the peak of memory of one more.
fn measure<T>(body: &[u8], run: impl Fn(&[u8]) -> T) -> (Duration, usize) {
    let (start, mut best, mut runs) = (Instant::now(), Duration::MAX, 0);
    while runs < 5 || start.elapsed() < Duration::from_secs(2) {
        let before = ThreadTime::now();
        let result = black_box(run(black_box(body)));
        best = best.min(before.elapsed());
        drop(result);
        runs += 1;
    }
    LIVE.store(0, Relaxed);
    PEAK.store(0, Relaxed);
    COUNTING.store(true, Relaxed);
    let result = black_box(run(body));
    COUNTING.store(false, Relaxed);
    drop(result);
    (best, PEAK.load(Relaxed))
}

/// The system's allocator, which counts while it is told to.
struct Counting;

static COUNTING: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTING.load(Relaxed) {
            let live = LIVE.fetch_add(layout.size(), Relaxed) + layout.size();
            PEAK.fetch_max(live, Relaxed);
        }
        unsafe { System.alloc(layout) }
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
