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
    let whole = |random: u64| (random >> 36) as f64;
    let decimals = |random: u64| (random >> 48) as f64 / 100.0;
    let digits = |random: u64| (random >> 11) as f64 / (1_u64 << 53) as f64 * 100.0;
    println!("{SERIES} series x {POINTS} points: ms into the same memory, ms of `to_vec`, and how many times as fast");
    for (name, value) in [
        ("whole numbers", &(|_, random| whole(random)) as &dyn Fn(usize, u64) -> f64),
        ("two decimals", &|_, random| decimals(random)),
        ("17 digits", &|_, random| digits(random)),
        ("half of the series whole, half 17 digits", &|at, random| {
            if at % 2 == 0 { whole(random) } else { digits(random) }
        }),
    ] {
        let matrix = matrix(value);
        let plain: Vec<PlainSeries> = plain(&matrix);
        let made_each_time = |to_vec: bool, json: &mut Vec<u8>| write(&self::plain(&matrix), to_vec, json);
        let contenders: [(&str, &dyn Fn(bool, &mut Vec<u8>)); 4] = [
            ("serde_json, Vec<(f64, String)>, made before", &|to_vec, json| write(&plain, to_vec, json)),
            ("serde_json, Vec<(f64, String)>, made each time", &made_each_time),
            ("promql-presets, columns", &|to_vec, json| write(&matrix, to_vec, json)),
            ("promql-presets, prometheus_json()", &|to_vec, json| write(&matrix.prometheus_json(), to_vec, json)),
        ];
        println!("{name}");
        let times = best(&contenders.map(|(_, run)| run));
        for ((contender, _), [same, new]) in contenders.iter().zip(&times) {
            let [same_first, new_first] = times[0];
            println!(
                "  {contender:<46} {:>8.2} {:>8.2} {:>8.2} x {:>6.2} x",
                same * 1e3,
                new * 1e3,
                same_first / same,
                new_first / new
            );
        }
    }
}

fn matrix(value: &dyn Fn(usize, u64) -> f64) -> Matrix {
    let mut random = xorshift();
    let series = (0..SERIES).map(|at| {
        let pod = format!("service-{:016x}", random());
        let labels: Labels =
            [("__name__", "container_cpu_usage"), ("cluster", "eu-1"), ("pod", &pod)].into_iter().collect();
        let time = |point| Timestamp::from_millis(1_700_000_000_000 + point * 15_000);
        let samples = (0..POINTS).map(|point| (time(point), value(at, random())));
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

fn write(value: &impl Serialize, to_vec: bool, json: &mut Vec<u8>) {
    if to_vec {
        *json = serde_json::to_vec(black_box(value)).unwrap();
    } else {
        json.clear();
        serde_json::to_writer(json, black_box(value)).unwrap();
    }
}

/// The best times in seconds into the same memory and into new memory. Contenders take many turns, so that other
/// programs disturb all of them alike.
fn best(contenders: &[&dyn Fn(bool, &mut Vec<u8>)]) -> Vec<[f64; 2]> {
    let mut best = vec![[f64::MAX; 2]; contenders.len()];
    for _ in 0..10 {
        for (contender, best) in contenders.iter().zip(&mut best) {
            for (best, to_vec) in best.iter_mut().zip([false, true]) {
                let (start, mut json) = (Instant::now(), Vec::new());
                while start.elapsed() < Duration::from_millis(300) {
                    let before = ThreadTime::now();
                    contender(to_vec, &mut json);
                    *best = best.min(before.elapsed().as_secs_f64());
                    if to_vec {
                        json = Vec::new();
                    }
                }
            }
        }
    }
    best
}
