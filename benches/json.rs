//! Writing a matrix as JSON, beside `serde_json` with columns of `(f64, String)`, whose strings were made before:
//! `cd benches && cargo run --release --bin json`.

mod random;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use promql_presets::{Labels, Matrix, Series, Timestamp};
use serde::Serialize;

use crate::random::xorshift;

const SERIES: usize = 1000;
const POINTS: i64 = 1427;

#[derive(Serialize)]
struct PlainSeries {
    metric: BTreeMap<String, String>,
    values: Vec<(f64, String)>,
}

fn main() {
    for (name, millis) in [("whole seconds", 0), ("with milliseconds", 781)] {
        let matrix = matrix(millis);
        let plain: Vec<PlainSeries> = plain(&matrix);
        println!("{name}: {SERIES} series x {POINTS} points");
        let ours = measure(&matrix);
        let report = |contender: &str, (time, length): (Duration, usize)| {
            println!(
                "  {contender:<44} {:>8.2} ms {:>7.1} MB {:>6.2} x time",
                time.as_secs_f64() * 1e3,
                length as f64 / 1e6,
                time.as_secs_f64() / ours.0.as_secs_f64(),
            );
        };
        report("promql-presets, columns", ours);
        report("promql-presets, prometheus_json()", measure(&matrix.prometheus_json()));
        report("serde_json, Vec<(f64, String)>, made before", measure(&plain));
        report(
            "serde_json, Vec<(f64, String)>, made each time",
            best(|out| serde_json::to_writer(out, &self::plain(&matrix)).unwrap()),
        );
    }
}

/// Half of the series hold whole numbers, half 17 digits.
fn matrix(millis: i64) -> Matrix {
    let mut random = xorshift();
    let series = (0..SERIES).map(|at| {
        let pod = format!("service-{:016x}", random());
        let labels: Labels =
            [("__name__", "container_cpu_usage"), ("cluster", "eu-1"), ("pod", &pod)].into_iter().collect();
        let samples = (0..POINTS).map(|point| {
            let value = match at % 2 {
                0 => (random() >> 36) as f64,
                _ => (random() >> 11) as f64 / (1_u64 << 53) as f64 * 100.0,
            };
            (Timestamp::from_millis(1_700_000_000_000 + millis + point * 15_000), value)
        });
        Series::new(labels, samples.collect::<Vec<_>>())
    });
    series.collect()
}

fn plain(matrix: &Matrix) -> Vec<PlainSeries> {
    let series = |series: &Series| PlainSeries {
        metric: series.labels().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        values: series
            .timestamps()
            .iter()
            .zip(series.values())
            .map(|(time, value)| (time.as_secs_f64(), value.to_string()))
            .collect(),
    };
    matrix.iter().map(series).collect()
}

fn measure(value: &impl Serialize) -> (Duration, usize) {
    best(|out| serde_json::to_writer(out, black_box(value)).unwrap())
}

/// The best of the runs that fit into two seconds, at least five, and the length. All write into the same memory.
fn best(run: impl Fn(&mut Vec<u8>)) -> (Duration, usize) {
    let (start, mut best, mut runs, mut json) = (Instant::now(), Duration::MAX, 0, Vec::new());
    while runs < 5 || start.elapsed() < Duration::from_secs(2) {
        json.clear();
        let before = ThreadTime::now();
        run(black_box(&mut json));
        best = best.min(before.elapsed());
        runs += 1;
    }
    (best, json.len())
}
