//! The content of a [`Dataset`](crate::Dataset): the metrics of the built-in presets.
//!
//! It includes what happens in practice: a series that ends an hour early, a counter that restarts, a quantile that is
//! NaN, a target that is down, and two versions of a program with different metric names.

use crate::data::{Builder, Family, Kind, Shape};

const HOUR: i64 = 3600;
const GIB: f64 = 1_073_741_824.0;

/// kernel, session, agent, user, project. Two kernels of one session run on two agents; the last one ends early.
const KERNELS: [[&str; 5]; 4] = [
    [
        "0b6e1c2a-7d0f-4c55-9a31-5f2d8e6b1a01",
        "5d2f9a10-3c4e-4b7a-8f15-6a9e0c7d2b01",
        "i-gpu-01",
        "f38dea23-50fa-42a0-b5ae-338f5f4693f4",
        "2de2b969-1d04-48a6-af16-0bc8adb3c831",
    ],
    [
        "1c7f2d3b-8e1a-4d66-8b42-6a3e9f7c2b02",
        "6e3a0b21-4d5f-4c8b-9a26-7b0f1d8e3c02",
        "i-gpu-01",
        "f38dea23-50fa-42a0-b5ae-338f5f4693f4",
        "2de2b969-1d04-48a6-af16-0bc8adb3c831",
    ],
    [
        "2d8a3e4c-9f2b-4e77-9c53-7b4f0a8d3c03",
        "6e3a0b21-4d5f-4c8b-9a26-7b0f1d8e3c02",
        "i-gpu-02",
        "f38dea23-50fa-42a0-b5ae-338f5f4693f4",
        "2de2b969-1d04-48a6-af16-0bc8adb3c831",
    ],
    [
        "3e9b4f5d-0a3c-4f88-8d64-8c5a1b9e4d04",
        "7f4b1c32-5e6a-4d9c-8b37-8c1a2e9f4d03",
        "i-gpu-02",
        "dfa9da54-4b28-432f-be29-c0d680c7a412",
        "8e32dd28-d319-4e3a-8851-ea37837699a5",
    ],
];

const MODELS: [&str; 2] = ["meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3-32B"];

/// All families. Each series lasts from `start` to `end`, unless noted.
pub(crate) fn families(start: i64, end: i64) -> Vec<Family> {
    let mut to = Builder { start, end, families: Vec::new() };
    container(&mut to);
    api(&mut to);
    vllm(&mut to);
    node(&mut to);
    prometheus(&mut to);
    to.families
}

fn container(to: &mut Builder) {
    to.family("backendai_container_utilization", Kind::Gauge);
    // Size, least and greatest load in percent, and hours from one low to the next.
    let loads = [(1.0, 5.0, 95.0, 4), (2.0, 10.0, 40.0, 2), (2.0, 20.0, 80.0, 5), (4.0, 10.0, 100.0, 3)];
    for (turn, ([kernel, session, agent, user, project], (size, low, high, hours))) in
        KERNELS.into_iter().zip(loads).enumerate()
    {
        let last = kernel == KERNELS[3][0];
        let end = if last { to.end - HOUR } else { to.end };
        let mut series = |metric: &str, value_type: &str, shape: Shape| {
            let labels = [
                ("container_metric_name", metric),
                ("value_type", value_type),
                ("kernel_id", kernel),
                ("session_id", session),
                ("agent_id", agent),
                ("user_id", user),
                ("project_id", project),
            ];
            to.series_until("", &labels, shape, end);
        };
        // Percent of one core: `size` * 4 cores are 100 % of its capacity.
        let period = hours * HOUR;
        series("cpu_util", "current", Shape::Wave { low: low * 4.0 * size, high: high * 4.0 * size, period });
        series("cpu_util", "capacity", Shape::Flat(400.0 * size));
        series("cpu_util", "pct", Shape::Wave { low, high, period });
        // Milliseconds of processor time, a counter by nature; the second kernel restarts halfway.
        let reset = (kernel == KERNELS[1][0]).then_some(3 * HOUR + HOUR / 4);
        let rates = vec![400.0 * size, 3200.0 * size, 1600.0 * size];
        series("cpu_used", "current", Shape::Counter { from: 4e6 * size, rates, each: HOUR / 2, reset });
        let mut values = [8.0, 12.0, 20.0, 16.0];
        values.rotate_left(turn);
        let memory = values.map(|gib| gib * size * GIB).to_vec();
        series("mem", "current", Shape::Steps { values: memory, each: HOUR / 2 });
        series("mem", "capacity", Shape::Flat(32.0 * size * GIB));
        series("mem", "pct", Shape::Steps { values: values.map(|gib| gib / 32.0 * 100.0).to_vec(), each: HOUR / 2 });
        // Bytes, counters by nature too.
        series("net_rx", "current", Shape::steady(262_144.0 * size));
        series("net_tx", "current", Shape::paced(vec![65_536.0 * size, 131_072.0 * size], HOUR));
    }
}

fn api(to: &mut Builder) {
    to.family("backendai_api_request_count", Kind::Counter);
    for (endpoint, method, status_code, busy) in [
        ("/auth", "POST", "200", 8.0),
        ("/auth", "POST", "401", 0.5),
        ("/session", "GET", "200", 16.0),
        ("/session", "POST", "201", 2.0),
        ("/session", "POST", "500", 0.125),
        ("/events", "GET", "200", 4.0),
        ("/folders", "GET", "200", 6.0),
        ("/folders", "DELETE", "204", 0.25),
    ] {
        for (domain, share) in [("default", 1.0), ("research", 0.5)] {
            let labels = [
                ("endpoint", endpoint),
                ("method", method),
                ("status_code", status_code),
                ("domain", domain),
                ("instance", "manager-1:8081"),
                ("job", "backendai-manager"),
            ];
            // `/events` is a stream of steady clients; everything else follows the day.
            let day: &[f64] = if endpoint == "/events" { &[1.0] } else { &[0.25, 0.5, 1.0, 0.75] };
            to.series("_total", &labels, Shape::paced(day.iter().map(|part| part * busy * share).collect(), HOUR / 2));
        }
    }
}

fn vllm(to: &mut Builder) {
    let models = MODELS.map(|model| [("model_name", model), ("engine", "0"), ("job", "vllm")]);
    to.family("vllm:num_requests_running", Kind::Gauge);
    for (labels, many) in models.iter().zip([4.0, 16.0]) {
        to.series("", labels, Shape::Steps { values: vec![many, 2.0 * many, 3.0 * many], each: HOUR / 4 });
    }
    to.family("vllm:num_requests_waiting", Kind::Gauge);
    for (labels, many) in models.iter().zip([0.0, 5.0]) {
        to.series("", labels, Shape::Steps { values: vec![0.0, 0.0, many, 3.0 * many], each: HOUR / 4 });
    }
    // The first model is served by an old version, the second by one that has renamed the metric.
    let usage = |high| Shape::Wave { low: 0.125, high, period: 3 * HOUR };
    to.family("vllm:gpu_cache_usage_perc", Kind::Gauge);
    to.series("", &models[0], usage(0.625));
    to.family("vllm:kv_cache_usage_perc", Kind::Gauge);
    to.series("", &models[1], usage(0.9375));

    to.family("vllm:request_success", Kind::Counter);
    for (labels, share) in models.iter().zip([1.0, 4.0]) {
        for (reason, rate) in [("stop", 1.5), ("length", 0.375), ("abort", 0.125)] {
            let labels: Vec<_> = labels.iter().copied().chain([("finished_reason", reason)]).collect();
            to.series("_total", &labels, Shape::steady(rate * share));
        }
    }
    for (name, rate) in [("vllm:prompt_tokens", 1024.0), ("vllm:generation_tokens", 256.0)] {
        to.family(name, Kind::Counter);
        for (labels, share) in models.iter().zip([1.0, 4.0]) {
            to.series("_total", labels, Shape::paced(vec![rate * share, 2.0 * rate * share], HOUR));
        }
    }
    // Observations per second up to each bound: when quiet, then when busy, which is half as many that take longer.
    let end_to_end: &[(&str, &[f64])] = &[
        ("0.5", &[0.5, 0.125]),
        ("1", &[1.0, 0.25]),
        ("2.5", &[1.5, 0.5]),
        ("5", &[1.875, 0.75]),
        ("10", &[2.0, 0.9375]),
        ("30", &[2.0, 1.0]),
        ("+Inf", &[2.0, 1.0]),
    ];
    let first_token: &[(&str, &[f64])] = &[
        ("0.02", &[0.25, 0.0625]),
        ("0.05", &[1.0, 0.125]),
        ("0.1", &[1.75, 0.25]),
        ("0.25", &[2.0, 0.5]),
        ("0.5", &[2.0, 0.875]),
        ("1", &[2.0, 1.0]),
        ("+Inf", &[2.0, 1.0]),
    ];
    for (name, buckets, mean) in [
        ("vllm:e2e_request_latency_seconds", end_to_end, 1.5),
        ("vllm:time_to_first_token_seconds", first_token, 0.125),
    ] {
        to.family(name, Kind::Histogram);
        for (labels, each) in models.iter().zip([HOUR / 2, HOUR]) {
            to.histogram(labels, buckets, each, mean);
        }
    }
}

fn node(to: &mut Builder) {
    let nodes = [("node-1:9100", 1.0), ("node-2:9100", 2.0)];
    let labels = |instance, more: &[(&'static str, &'static str)]| {
        let own = [("instance", instance), ("job", "node")];
        own.into_iter().chain(more.iter().copied()).collect::<Vec<_>>()
    };
    // The modes of a processor add up to one second per second.
    to.family("node_cpu_seconds", Kind::Counter);
    for (instance, load) in nodes {
        for cpu in ["0", "1"] {
            let busy = [("user", 0.25 * load), ("system", 0.0625 * load), ("iowait", 0.03125 * load)];
            let idle = 1.0 - busy.iter().map(|(_, rate)| rate).sum::<f64>();
            for (mode, rate) in busy.into_iter().chain([("idle", idle)]) {
                to.series("_total", &labels(instance, &[("cpu", cpu), ("mode", mode)]), Shape::steady(rate));
            }
        }
    }
    to.family("node_memory_MemTotal_bytes", Kind::Gauge);
    for (instance, size) in nodes {
        to.series("", &labels(instance, &[]), Shape::Flat(64.0 * size * GIB));
    }
    to.family("node_memory_MemAvailable_bytes", Kind::Gauge);
    for (instance, size) in nodes {
        let shape = Shape::Wave { low: 16.0 * size * GIB, high: 48.0 * size * GIB, period: 4 * HOUR };
        to.series("", &labels(instance, &[]), shape);
    }
    let disks = [("/dev/nvme0n1p2", "ext4", "/", 256.0), ("/dev/sdb", "xfs", "/data", 4096.0)];
    for (name, free) in [("node_filesystem_size_bytes", None), ("node_filesystem_avail_bytes", Some(0.5))] {
        to.family(name, Kind::Gauge);
        for (instance, load) in nodes {
            for (device, fstype, mountpoint, gib) in disks {
                let labels = labels(instance, &[("device", device), ("fstype", fstype), ("mountpoint", mountpoint)]);
                let shape = match free {
                    None => Shape::Flat(gib * GIB),
                    // Fills at 256 KiB, or twice as much, per second.
                    Some(part) => Shape::Line { from: gib * GIB * part, per_second: -262_144.0 * load },
                };
                to.series("", &labels, shape);
            }
        }
    }
    for (name, rate) in [("node_network_receive_bytes", 1_048_576.0), ("node_network_transmit_bytes", 262_144.0)] {
        to.family(name, Kind::Counter);
        for (instance, load) in nodes {
            for (device, part) in [("eth0", 1.0), ("lo", 0.125)] {
                to.series("_total", &labels(instance, &[("device", device)]), Shape::steady(rate * load * part));
            }
        }
    }
}

fn prometheus(to: &mut Builder) {
    let own = [("instance", "localhost:9090"), ("job", "prometheus")];
    to.family("up", Kind::Gauge);
    for (job, instance, up) in [
        ("prometheus", "localhost:9090", 1.0),
        ("node", "node-1:9100", 1.0),
        ("node", "node-2:9100", 1.0),
        ("node", "node-3:9100", 0.0),
        ("backendai-manager", "manager-1:8081", 1.0),
    ] {
        to.series("", &[("instance", instance), ("job", job)], Shape::Flat(up));
    }
    to.family("prometheus_tsdb_head_samples_appended", Kind::Counter);
    let labels: Vec<_> = own.into_iter().chain([("type", "float")]).collect();
    to.series("_total", &labels, Shape::steady(1536.0));

    to.family("prometheus_engine_query_duration_seconds", Kind::Summary);
    // Nothing has waited in the queue, so its quantiles are NaN.
    for (slice, [half, ninety, most], rate) in
        [("inner_eval", [0.001, 0.008, 0.064], 2.0), ("queue_time", [f64::NAN; 3], 0.0)]
    {
        let labels = |more: &[(&'static str, &'static str)]| {
            let labels = own.into_iter().chain([("slice", slice)]).chain(more.iter().copied());
            labels.collect::<Vec<_>>()
        };
        for (quantile, value) in [("0.5", half), ("0.9", ninety), ("0.99", most)] {
            to.series("", &labels(&[("quantile", quantile)]), Shape::Flat(value));
        }
        to.series("_sum", &labels(&[]), Shape::steady(rate / 512.0));
        to.series("_count", &labels(&[]), Shape::steady(rate));
    }
    to.family("prometheus_http_request_duration_seconds", Kind::Histogram);
    for handler in ["/api/v1/query", "/api/v1/query_range"] {
        let labels: Vec<_> = own.into_iter().chain([("handler", handler)]).collect();
        let buckets: &[(&str, &[f64])] =
            &[("0.1", &[3.0]), ("0.4", &[3.5]), ("1", &[3.75]), ("3", &[3.875]), ("+Inf", &[4.0])];
        to.histogram(&labels, buckets, HOUR, 0.125);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::{Dataset, Shape};

    #[test]
    fn no_two_series_are_the_same_and_no_family_is_empty() {
        let data = Dataset::of_tests();
        assert!(data.families().iter().all(|family| !family.series.is_empty()));
        let names: BTreeSet<_> = data.series().map(|series| (&series.name, &series.labels)).collect();
        assert_eq!(names.len(), data.series().count());
    }

    #[test]
    fn faults_that_happen_in_practice_happen_once() {
        let data = Dataset::of_tests();
        let ended: BTreeSet<_> =
            data.series().filter(|s| s.end() < data.end()).map(|s| &s.labels["kernel_id"]).collect();
        assert_eq!(ended.len(), 1, "one kernel ends early");
        let resets = data.series().filter(|s| matches!(s.shape, Shape::Counter { reset: Some(_), .. }));
        assert_eq!(resets.count(), 1, "one counter restarts");
        assert!(data.series().any(|s| s.at(data.end()).is_some_and(f64::is_nan)), "something is NaN");
        assert_eq!(
            data.select("up", &[]).iter().filter(|s| s.at(data.end()) == Some(0.0)).count(),
            1,
            "one target is down"
        );
    }
}
