//! The service in the examples of the documentation: its page of metrics, and a Prometheus with six hours of them.

use promql_presets_testing::{TestPrometheus, TestSeries, Timestamp};

use crate::{Error, Tool};

/// The time of the first samples: 2026-01-31T06:00:00Z. The last ones are six hours later.
const START: i64 = 1_769_839_200;

/// One sample a minute.
const SAMPLES: u32 = 361;

/// When requests fail and are slow, in minutes from the start.
const INCIDENT: std::ops::Range<u32> = 200..235;

/// Requests per second by method and code.
const REQUESTS: [(&str, &str, f64); 6] = [
    ("GET", "200", 40.0),
    ("GET", "404", 1.5),
    ("GET", "500", 0.2),
    ("POST", "201", 12.0),
    ("POST", "500", 0.1),
    ("DELETE", "204", 0.5),
];

/// The shares of requests that take up to each bound, usually and in the incident.
const BUCKETS: [(&str, f64, f64); 7] = [
    ("0.05", 0.55, 0.20),
    ("0.1", 0.80, 0.35),
    ("0.25", 0.95, 0.55),
    ("0.5", 0.985, 0.70),
    ("1", 0.997, 0.85),
    ("2.5", 1.0, 0.97),
    ("+Inf", 1.0, 1.0),
];

const INSTANCES: [(&str, f64); 2] = [("10.0.0.1:8080", 0.55), ("10.0.0.2:8080", 0.45)];

/// The page of metrics, with some of the series.
pub const METRICS: &str = r#"# HELP http_requests_total Requests that the service has responded to.
# TYPE http_requests_total counter
http_requests_total{method="GET",code="200"} 951204
http_requests_total{method="POST",code="201"} 285361
# HELP http_request_duration_seconds Time from a request to the end of its response.
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{method="GET",le="0.05"} 680214
http_request_duration_seconds_bucket{method="GET",le="0.1"} 989402
http_request_duration_seconds_bucket{method="GET",le="0.25"} 1174915
http_request_duration_seconds_bucket{method="GET",le="0.5"} 1218201
http_request_duration_seconds_bucket{method="GET",le="1"} 1233042
http_request_duration_seconds_bucket{method="GET",le="2.5"} 1236565
http_request_duration_seconds_bucket{method="GET",le="+Inf"} 1236565
http_request_duration_seconds_sum{method="GET"} 97688.6
http_request_duration_seconds_count{method="GET"} 1236565
# HELP process_resident_memory_bytes Resident memory.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 2.68435456e+08
"#;

/// Starts the Prometheus. Without the program, prints so and returns `None`, or fails where servers are required.
///
/// # Errors
///
/// When the variable of the program does not name a file.
pub fn prometheus() -> Result<Option<TestPrometheus>, Error> {
    let builder = TestPrometheus::builder().start_time(Timestamp::from_secs(START));
    let builder = match Tool::find(Tool::Prometheus)? {
        Some(program) => builder.program(program),
        None => builder,
    };
    Ok(builder.start(series()))
}

fn series() -> Vec<TestSeries> {
    let mut all = Vec::new();
    for (instance, share) in INSTANCES {
        let series = |name: &str, labels: &[(&str, &str)], values: Vec<f64>| {
            let own = [("__name__", name), ("job", "api"), ("instance", instance)];
            let labels = own.iter().chain(labels);
            labels.fold(TestSeries::new(values), |series, (name, value)| series.label(*name, value))
        };
        all.push(series("up", &[], (0..SAMPLES).map(|_| 1.0).collect()));
        let memory = |minute| 2.6e8 * share + 1e6 * f64::from(minute % 45);
        all.push(series("process_resident_memory_bytes", &[], (0..SAMPLES).map(memory).collect()));
        for (method, code, rate) in REQUESTS {
            let failures = if code == "500" { 30.0 } else { 1.0 };
            let per_second = |minute| share * rate * load(minute) * during(minute, 1.0, failures);
            all.push(series("http_requests_total", &[("method", method), ("code", code)], counter(per_second)));
        }
        for method in ["GET", "POST"] {
            let rate: f64 = REQUESTS.iter().filter(|(own, ..)| *own == method).map(|(_, _, rate)| rate).sum();
            let requests = |minute| share * rate * load(minute);
            let series = |suffix: &str, labels: &[(&str, &str)], per_second: &dyn Fn(u32) -> f64| {
                let labels: Vec<_> = [("method", method)].iter().chain(labels).copied().collect();
                series(&format!("http_request_duration_seconds{suffix}"), &labels, counter(per_second))
            };
            // Fewer of the requests that write are fast.
            let power = if method == "POST" { 1.8 } else { 1.0 };
            for (le, usual, slow) in BUCKETS {
                let below = |minute| requests(minute) * during(minute, usual, slow).powf(power);
                all.push(series("_bucket", &[("le", le)], &below));
            }
            all.push(series("_count", &[], &requests));
            all.push(series("_sum", &[], &|minute| requests(minute) * during(minute, 0.079, 0.45)));
        }
    }
    all
}

/// The load follows the day.
fn load(minute: u32) -> f64 {
    let minute = f64::from(minute);
    1.0 + 0.35 * (minute / 57.0).sin() + 0.06 * (minute / 5.0).sin()
}

fn during(minute: u32, usual: f64, incident: f64) -> f64 {
    if INCIDENT.contains(&minute) { incident } else { usual }
}

/// The values of a counter.
fn counter(per_second: impl Fn(u32) -> f64) -> Vec<f64> {
    let mut total = 0.0;
    let next = |minute| {
        total += 60.0 * per_second(minute);
        total
    };
    (0..SAMPLES).map(next).collect()
}
