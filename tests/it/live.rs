//! The built-in catalogue, queried through its constants, against arithmetic on the formulas of the data.

use std::collections::BTreeMap;

use promql_presets::presets::node::{cpu, filesystem, memory, network};
use promql_presets::presets::{api_requests as api, container_utilization as container, prometheus as own, vllm};
use promql_presets::{
    Matrix, MetricQuerier, Preset, PrometheusClient, Querier, TimeRange, Timestamp, Vector, Windowed, none_of, not,
    one_of, preset, regex,
};
use promql_presets_test_support::{Dataset, Labels, Series, Server, histogram_quantile, prometheus, victoria_metrics};

const CONTAINER: &str = "backendai_container_utilization";
const REQUESTS: &str = "backendai_api_request_count_total";
const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;

/// A server, a client of it, and the expected results.
struct Live {
    server: &'static Server,
    client: PrometheusClient,
    data: Dataset,
}

/// Both servers, where there are any.
fn servers() -> impl Iterator<Item = Live> {
    let servers = prometheus::shared().into_iter().chain(victoria_metrics::shared());
    servers.map(|server| Live {
        server,
        client: PrometheusClient::new(server.url()).unwrap(),
        data: Dataset::of_tests(),
    })
}

fn at(time: i64) -> Timestamp {
    Timestamp::from_millis(time * 1_000)
}

fn owned(labels: &promql_presets::Labels) -> Labels {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A vector by the labels of its series.
fn by_labels(vector: &Vector) -> BTreeMap<Labels, f64> {
    vector.iter().map(|element| (owned(element.labels()), element.sample().float().unwrap())).collect()
}

/// A point of a matrix by the labels of its series.
fn point(matrix: &Matrix, time: i64) -> BTreeMap<Labels, f64> {
    let series = matrix.iter().filter_map(|series| {
        let found = series.timestamps().iter().position(|point| *point == at(time))?;
        Some((owned(series.labels()), series.values()[found]))
    });
    series.collect()
}

#[track_caller]
fn assert_close(found: &BTreeMap<Labels, f64>, expected: &BTreeMap<Labels, f64>) {
    assert!(!expected.is_empty(), "nothing to compare with");
    assert!(found.keys().eq(expected.keys()), "{found:#?}\nis not {expected:#?}");
    for (labels, expected) in expected {
        let error = (found[labels] - expected).abs();
        assert!(error <= expected.abs() * 1e-9 + 1e-12, "{labels:?}: {} is not {expected}", found[labels]);
    }
}

/// `of` applied to the values of each group of series.
fn grouped(
    series: &[&Series],
    by: &[&str],
    value: impl Fn(&Series) -> Option<f64>,
    of: impl Fn(&[f64]) -> f64,
) -> BTreeMap<Labels, f64> {
    let mut groups: BTreeMap<Labels, Vec<f64>> = BTreeMap::new();
    for series in series {
        let Some(value) = value(series) else { continue };
        let mut labels = series.labels.clone();
        labels.retain(|name, _| by.contains(&name.as_str()));
        groups.entry(labels).or_default().push(value);
    }
    groups.into_iter().map(|(labels, values)| (labels, of(&values))).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap())
}

fn greatest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}

fn divided(above: &BTreeMap<Labels, f64>, below: &BTreeMap<Labels, f64>) -> BTreeMap<Labels, f64> {
    above.iter().filter_map(|(labels, value)| Some((labels.clone(), value / below.get(labels)?))).collect()
}

#[tokio::test]
async fn containers() {
    use container::{Label, ValueType};
    for Live { client, data, .. } in servers() {
        let now = data.end() - 2 * HOUR;
        let memory = || container::Querier::new("mem").value_type(ValueType::Current).group_by([Label::AgentId]);
        let series = data.select(CONTAINER, &[("container_metric_name", "mem"), ("value_type", "current")]);
        let by = ["agent_id"];
        let value = |series: &Series| series.at(now);
        let query = async |preset| by_labels(&client.query(preset, &memory()).at(at(now)).await.unwrap());
        assert_close(&query(container::GAUGE).await, &grouped(&series, &by, value, sum));
        assert_close(&query(container::GAUGE_AVG).await, &grouped(&series, &by, value, mean));
        assert_close(&query(container::GAUGE_MAX).await, &grouped(&series, &by, value, greatest));
        assert_close(&query(container::GAUGE_MIN).await, &grouped(&series, &by, value, least));

        let used = || container::Querier::new("cpu_used").group_by([Label::AgentId]);
        let series = data.select(CONTAINER, &[("container_metric_name", "cpu_used")]);
        // No rate changes between these.
        let now = data.end() - 2 * HOUR - 10 * MINUTE;
        let rate = |series: &Series| series.rate(now, 300);
        let query = async |preset| by_labels(&client.query(preset, &used()).at(at(now)).await.unwrap());
        assert_close(&query(container::RATE).await, &grouped(&series, &by, rate, sum));
        assert_close(&query(container::RATE_AVG).await, &grouped(&series, &by, rate, mean));
        assert_close(&query(container::RATE_MAX).await, &grouped(&series, &by, rate, greatest));
        assert_close(&query(container::RATE_MIN).await, &grouped(&series, &by, rate, least));
    }
}

/// Which series a condition keeps.
type Keeps<'a> = Box<dyn Fn(&Series) -> bool + 'a>;

#[tokio::test]
async fn every_operator_filters() {
    use container::{Label, Querier as Containers, ValueType};
    for Live { client, data, .. } in servers() {
        let now = data.end() - 2 * HOUR;
        let all = data.select(CONTAINER, &[("container_metric_name", "cpu_util")]);
        let kernels: Vec<uuid::Uuid> = all.iter().map(|series| series.labels["kernel_id"].parse().unwrap()).collect();
        let base = || Containers::new("cpu_util").group_by([Label::KernelId, Label::ValueType]);
        let is = |series: &Series, label: &str, value: &str| series.labels[label] == value;
        let first = kernels[0];
        let cases: Vec<(Containers, Keeps<'_>)> = vec![
            (base(), Box::new(|_| true)),
            (base().kernel_id(first), Box::new(|s| is(s, "kernel_id", &first.to_string()))),
            (base().kernel_id(not(first)), Box::new(|s| !is(s, "kernel_id", &first.to_string()))),
            (base().agent_id(regex(".*-01")), Box::new(|s| is(s, "agent_id", "i-gpu-01"))),
            (
                base().value_type(one_of([ValueType::Current, ValueType::Pct])),
                Box::new(|s| !is(s, "value_type", "capacity")),
            ),
            (
                base().value_type(none_of([ValueType::Current, ValueType::Pct])).agent_id("i-gpu-02"),
                Box::new(|s| is(s, "value_type", "capacity") && is(s, "agent_id", "i-gpu-02")),
            ),
            // Several conditions on one label must all hold.
            (base().agent_id(regex("i-.*")).agent_id(not("i-gpu-01")), Box::new(|s| is(s, "agent_id", "i-gpu-02"))),
        ];
        for (querier, keeps) in cases {
            let series: Vec<&Series> = all.iter().copied().filter(|series| keeps(series)).collect();
            let expected = grouped(&series, &["kernel_id", "value_type"], |series| series.at(now), sum);
            let found = client.query(container::GAUGE, &querier).at(at(now)).await.unwrap();
            assert_close(&by_labels(&found), &expected);
        }
        let nothing = base().agent_id("no-such-agent");
        assert!(client.query(container::GAUGE, &nothing).at(at(now)).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn requests() {
    use api::Label;
    for Live { client, data, .. } in servers() {
        let now = data.end() - 10 * MINUTE;
        let all = data.select(REQUESTS, &[]);
        for (labels, by) in [
            (vec![], vec![]),
            (vec![Label::Endpoint], vec!["endpoint"]),
            (vec![Label::Method, Label::Domain], vec!["domain", "method"]),
        ] {
            let querier = api::Querier::new().group_by(labels);
            let rates = Dataset::sum_by(&all, &by, |series| series.rate(now, 300));
            let found = client.query(api::RATE, &querier).at(at(now)).await.unwrap();
            assert_close(&by_labels(&found), &rates);

            let rates = Dataset::sum_by(&all, &by, |series| series.rate(now, 120));
            let found = client.query(api::RATE, &querier).window("2m").at(at(now)).await.unwrap();
            assert_close(&by_labels(&found), &rates);
            let increases = rates.iter().map(|(labels, rate)| (labels.clone(), rate * 120.0)).collect();
            let found = client.query(api::INCREASE, &querier).window("2m").at(at(now)).await.unwrap();
            assert_close(&by_labels(&found), &increases);
        }

        let querier = api::Querier::new().group_by([Label::Endpoint]);
        let failed = data.select(REQUESTS, &[("status_code", "500")]);
        let rate = |series: &Series| series.rate(now, 300);
        let (failed, all) = (Dataset::sum_by(&failed, &["endpoint"], rate), Dataset::sum_by(&all, &["endpoint"], rate));
        let ratio = |(labels, rate): (&Labels, &f64)| (labels.clone(), failed.get(labels).unwrap_or(&0.0) / rate);
        let expected = all.iter().map(ratio).collect();
        let found = client.query(api::ERROR_RATIO, &querier).at(at(now)).await.unwrap();
        assert_close(&by_labels(&found), &expected);
        // Without failures the ratio is zero, and not missing.
        let ok = client.query(api::ERROR_RATIO, &querier.clone().status_code(200)).at(at(now)).await.unwrap();
        assert_close(&by_labels(&ok), &all.keys().map(|labels| (labels.clone(), 0.0)).collect());
    }
}

#[tokio::test]
async fn models() {
    for Live { client, data, .. } in servers() {
        let now = data.end() - 10 * MINUTE;
        let querier = vllm::Querier::new().group_by([vllm::Label::ModelName]);
        let by = ["model_name"];
        let query = async |preset| by_labels(&client.query(preset, &querier).at(at(now)).await.unwrap());
        let value = |name: &str| Dataset::sum_by(&data.select(name, &[]), &by, |series| series.at(now));
        assert_close(&query(vllm::RUNNING).await, &value("vllm:num_requests_running"));
        assert_close(&query(vllm::WAITING).await, &value("vllm:num_requests_waiting"));
        let mut usage = value("vllm:gpu_cache_usage_perc");
        usage.extend(value("vllm:kv_cache_usage_perc"));
        assert_close(&query(vllm::CACHE_USAGE).await, &usage);

        let query = async |preset| by_labels(&client.query(preset, &querier).at(at(now)).await.unwrap());
        let rate = |name: &str| Dataset::sum_by(&data.select(name, &[]), &by, |series| series.rate(now, 300));
        assert_close(&query(vllm::SUCCESS_RATE).await, &rate("vllm:request_success_total"));
        let latency = "vllm:e2e_request_latency_seconds";
        let mean = divided(&rate(&format!("{latency}_sum")), &rate(&format!("{latency}_count")));
        assert_close(&query(vllm::E2E_LATENCY_MEAN).await, &mean);

        let quantiles = |name: &str, quantile: f64| {
            let buckets = data.select(&format!("{name}_bucket"), &[]);
            let models = grouped(&buckets, &by, |_| Some(0.0), sum);
            let of = |model: &Labels| {
                let own = buckets.iter().filter(|series| series.labels["model_name"] == model["model_name"]);
                let own: Vec<_> = own.map(|s| (s.labels["le"].parse().unwrap(), s.rate(now, 300).unwrap())).collect();
                histogram_quantile(quantile, &own)
            };
            models.keys().map(|model| (model.clone(), of(model))).collect()
        };
        assert_close(&query(vllm::E2E_LATENCY_P50).await, &quantiles(latency, 0.5));
        assert_close(&query(vllm::E2E_LATENCY_P95).await, &quantiles(latency, 0.95));
        assert_close(&query(vllm::E2E_LATENCY_P99).await, &quantiles(latency, 0.99));
        assert_close(&query(vllm::FIRST_TOKEN_P95).await, &quantiles("vllm:time_to_first_token_seconds", 0.95));
    }
}

#[tokio::test]
async fn nodes() {
    for Live { client, data, .. } in servers() {
        let now = data.end() - HOUR;
        let by = ["instance"];
        let value = |name: &str| Dataset::sum_by(&data.select(name, &[]), &by, |series| series.at(now));
        let rate = |series: &[&Series]| Dataset::sum_by(series, &by, |series| series.rate(now, 300));

        let querier = cpu::Querier::new().group_by([cpu::Label::Instance]);
        let busy: Vec<_> = data.select("node_cpu_seconds_total", &[]);
        let (idle, busy): (Vec<&Series>, Vec<&Series>) = busy.into_iter().partition(|s| s.labels["mode"] == "idle");
        let cores = client.query(cpu::CORES, &querier).at(at(now)).await.unwrap();
        assert_close(&by_labels(&cores), &rate(&busy));
        let usage = client.query(cpu::USAGE, &querier).at(at(now)).await.unwrap();
        let expected = grouped(&idle, &by, |series| series.rate(now, 300), |idle| 1.0 - mean(idle));
        assert_close(&by_labels(&usage), &expected);

        let (total, available) = (value("node_memory_MemTotal_bytes"), value("node_memory_MemAvailable_bytes"));
        let querier = memory::Querier::new().group_by([memory::Label::Instance]);
        let used = client.query(memory::USED, &querier).at(at(now)).await.unwrap();
        assert_close(
            &by_labels(&used),
            &total.iter().map(|(node, all)| (node.clone(), all - available[node])).collect(),
        );
        let usage = client.query(memory::USAGE, &querier).at(at(now)).await.unwrap();
        let shares = total.iter().map(|(node, all)| (node.clone(), 1.0 - available[node] / all)).collect();
        assert_close(&by_labels(&usage), &shares);

        let (size, free) = (value("node_filesystem_size_bytes"), value("node_filesystem_avail_bytes"));
        let querier = filesystem::Querier::new().group_by([filesystem::Label::Instance]);
        let found = client.query(filesystem::AVAILABLE, &querier).at(at(now)).await.unwrap();
        assert_close(&by_labels(&found), &free);
        let found = client.query(filesystem::USAGE, &querier).at(at(now)).await.unwrap();
        assert_close(
            &by_labels(&found),
            &size.iter().map(|(node, all)| (node.clone(), 1.0 - free[node] / all)).collect(),
        );
        let found = client.query(filesystem::USAGE_MAX, &querier).at(at(now)).await.unwrap();
        let sizes = data.select("node_filesystem_size_bytes", &[]);
        let used = |series: &Series| {
            let labels: Vec<_> = series.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let free = data.select("node_filesystem_avail_bytes", &labels)[0].at(now)?;
            Some(1.0 - free / series.at(now)?)
        };
        assert_close(&by_labels(&found), &grouped(&sizes, &by, used, greatest));

        let querier = network::Querier::new().group_by([network::Label::Instance]);
        for (preset, name) in [
            (network::RECEIVE, "node_network_receive_bytes_total"),
            (network::TRANSMIT, "node_network_transmit_bytes_total"),
        ] {
            let devices: Vec<_> = data.select(name, &[("device", "eth0")]);
            let found = client.query(preset, &querier).at(at(now)).await.unwrap();
            assert_close(&by_labels(&found), &rate(&devices));
        }
    }
}

#[tokio::test]
async fn prometheus_itself() {
    for Live { client, data, .. } in servers() {
        let now = data.end();
        let none = own::Querier::new();
        let up = client.query(own::UP, &none).at(at(now)).await.unwrap();
        assert_eq!(up.len(), 5);
        assert_eq!(up.iter().filter(|element| element.sample().number() == Ok(0.0)).count(), 1, "one target is down");
        let by_job = own::Querier::new().group_by([own::Label::Job]);
        let ratio = client.query(own::UP_RATIO, &by_job).at(at(now)).await.unwrap();
        assert_close(&by_labels(&ratio), &grouped(&data.select("up", &[]), &["job"], |s| s.at(now), mean));
        let number = async |preset: Preset<_, Vector, Windowed>| {
            client.query(preset, &none).at(at(now)).await.unwrap().number().unwrap()
        };
        assert!((number(own::INGESTION).await - 1536.0).abs() < 1e-9);
        assert!((number(own::QUERY_LATENCY_MEAN).await - 1.0 / 512.0).abs() < 1e-12);
        let buckets = [(0.1, 6.0), (0.4, 7.0), (1.0, 7.5), (3.0, 7.75), (f64::INFINITY, 8.0)];
        assert!((number(own::QUERY_LATENCY_P90).await - histogram_quantile(0.9, &buckets)).abs() < 1e-9);
    }
}

#[tokio::test]
async fn ranges_have_a_point_for_each_step() {
    for Live { client, data, .. } in servers() {
        // One of the kernels ends an hour before the others.
        for (start, end, kernels) in
            [(data.end() - 3 * HOUR, data.end() - 2 * HOUR, 4), (data.end() - 3_000, data.end(), 3)]
        {
            let range = TimeRange::parse(&start.to_string(), &end.to_string(), "5m").unwrap();
            let querier = container::Querier::new("mem")
                .value_type(container::ValueType::Pct)
                .group_by([container::Label::KernelId]);
            let matrix = client.query_range(container::GAUGE, &querier, range).await.unwrap();
            let series = data.select(CONTAINER, &[("container_metric_name", "mem"), ("value_type", "pct")]);
            assert_eq!(matrix.len(), kernels);
            let times: Vec<i64> = (start..=end).step_by(300).collect();
            for time in &times {
                let expected = Dataset::sum_by(&series, &["kernel_id"], |series| series.at(*time));
                assert_close(&point(&matrix, *time), &expected);
            }
            let points = matrix.iter().map(|series| series.timestamps().len());
            assert!(points.into_iter().all(|points| points == times.len()), "{matrix:?}");
        }

        let (start, end) = (data.end() - HOUR, data.end());
        let range = TimeRange::parse(&start.to_string(), &end.to_string(), "15s").unwrap();
        let querier = api::Querier::new().endpoint("/events").group_by([api::Label::Domain]);
        let matrix = client.query_range(api::RATE, &querier, range).window("1m").await.unwrap();
        let series = data.select(REQUESTS, &[("endpoint", "/events")]);
        for time in [start, start + 15, end] {
            let expected = Dataset::sum_by(&series, &["domain"], |series| series.rate(time, 60));
            assert_close(&point(&matrix, time), &expected);
        }
        // A scalar has a series too, in a range query.
        let seconds = client.query_range(preset!("time()"), &Querier::default(), range).await.unwrap();
        let first = seconds.one().unwrap().first().unwrap().number().unwrap();
        assert!((first - f64::from(u32::try_from(start).unwrap())).abs() < 1e-3);
    }
}

#[tokio::test]
async fn every_type_of_result() {
    for Live { client, data, server } in servers() {
        let any = Querier::default();
        let now = at(data.end());
        assert_eq!(client.query(preset!("1 + 1"), &any).at(now).await.unwrap().value(), 2.0);
        let samples: Matrix =
            client.query(preset!("up{{job=\"prometheus\",{labels}}}[2m]"), &any).at(now).await.unwrap();
        // Prometheus 2 includes the sample at the left edge.
        assert!((8..=9).contains(&samples.one().unwrap().len()), "{samples:?}");
        let is_prometheus = prometheus::shared().is_some_and(|prometheus| prometheus.url() == server.url());
        if is_prometheus {
            let text = client.query(preset!("'a\"b'"), &any).at(now).await.unwrap();
            assert_eq!(text.value(), "a\"b");
            let nan = preset!("prometheus_engine_query_duration_seconds{{slice='queue_time',quantile='0.9',{labels}}}");
            let nan = client.query(nan, &any).at(now).await.unwrap();
            assert!(nan.one().unwrap().float().unwrap().is_nan());
            assert!(nan.number().is_err(), "NaN is not a number to calculate with");
        }
    }
}

#[tokio::test]
async fn labels_and_series() {
    for Live { client, data, .. } in servers() {
        let (start, end) = (at(data.start()), at(data.end()));
        let names = client.label_values("container_metric_name").start(start).end(end).await.unwrap();
        assert_eq!(names.into_vec(), ["cpu_used", "cpu_util", "mem", "net_rx", "net_tx"]);
        let memory = container::Querier::new("mem");
        let types = client.label_values("value_type").matching(&memory).start(start).end(end).await.unwrap();
        assert_eq!(types.into_vec(), ["capacity", "current", "pct"]);
        let current = memory.value_type(container::ValueType::Current);
        let found = client.series(&current).start(start).end(end).await.unwrap().into_vec();
        let mut found: Vec<Labels> = found.iter().map(owned).collect();
        found.sort();
        let labels = [("container_metric_name", "mem"), ("value_type", "current")];
        let mut expected: Vec<Labels> =
            data.select(CONTAINER, &labels).iter().map(|series| series.labels.clone()).collect();
        for labels in &mut expected {
            labels.insert("__name__".to_owned(), current.name().to_owned());
        }
        expected.sort();
        assert_eq!(found, expected);
    }
}
