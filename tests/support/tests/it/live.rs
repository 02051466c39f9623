//! The servers hold the data that they should, return what the formulas give, and leave nothing behind.

use std::collections::BTreeMap;

use promql_presets_test_support::{
    Dataset, Labels, ResultSeries, Server, histogram_quantile, prometheus, victoria_metrics,
};

/// Both servers, where there are any.
fn servers() -> impl Iterator<Item = &'static Server> {
    prometheus::shared().into_iter().chain(victoria_metrics::shared())
}

/// The response to a query that drops the metric name, by its labels.
fn result(server: &Server, promql: &str, time: i64) -> BTreeMap<Labels, f64> {
    let series = server.query(promql, time).unwrap();
    series.into_iter().map(|ResultSeries { labels, points }| (labels, points[0].1)).collect()
}

#[track_caller]
fn assert_close(actual: &BTreeMap<Labels, f64>, expected: &BTreeMap<Labels, f64>) {
    assert!(!expected.is_empty(), "nothing to compare with");
    assert!(actual.keys().eq(expected.keys()), "{actual:?}\nis not {expected:?}");
    for (labels, expected) in expected {
        let actual = actual[labels];
        let error = (actual - expected).abs();
        assert!(error <= expected.abs() * 1e-9 + 1e-12, "{labels:?}: {actual} is not {expected}");
    }
}

#[test]
fn every_sample_arrives() {
    let data = Dataset::of_tests();
    // VictoriaMetrics stores decimals of about twelve digits.
    for (server, tolerance) in [(prometheus::shared(), 0.0), (victoria_metrics::shared(), 1e-11)] {
        let Some(server) = server else { continue };
        for series in data.series() {
            // Prometheus 3 stores `le="1"` as `1.0`.
            let labels: Vec<_> = series
                .labels
                .iter()
                .map(|(name, value)| match &**name {
                    "le" if !value.contains(['.', '+']) => format!("le=~\"{value}(\\\\.0)?\""),
                    _ => format!("{name}={value:?}"),
                })
                .collect();
            let selector = format!("{{__name__={:?},{}}}[7h]", series.name, labels.join(","));
            let expected: Vec<_> = series.samples().filter(|(_, value)| !value.is_nan()).collect();
            let mut series = server.query(&selector, data.end()).unwrap();
            let points = series.pop().map(|series| series.points).unwrap_or_default();
            assert_eq!(series, [], "{selector} is one series");
            let points: Vec<_> = points.into_iter().filter(|(_, value)| !value.is_nan()).collect();
            assert_eq!(points.len(), expected.len(), "{selector}");
            for ((time, value), (expected_time, expected)) in points.into_iter().zip(expected) {
                assert_eq!(time, expected_time as f64, "{selector}");
                assert!(
                    (value - expected).abs() <= expected.abs() * tolerance,
                    "{selector}: {value} is not {expected}"
                );
            }
        }
    }
}

#[test]
fn a_rate_is_the_slope() {
    let data = Dataset::of_tests();
    for server in servers() {
        for name in ["backendai_api_request_count_total", "node_cpu_seconds_total"] {
            for time in [data.end(), data.end() - 3600, data.end() - 3607] {
                let expected = Dataset::each(&data.select(name, &[]), |series| series.rate(time, 300));
                assert_close(&result(server, &format!("rate({name}[5m])"), time), &expected);
            }
        }
    }
}

#[test]
fn a_rate_is_the_slope_across_a_restart() {
    let data = Dataset::of_tests();
    let restart = data.start() + 3 * 3600 + 15 * 60;
    let used = data.select("backendai_container_utilization", &[("container_metric_name", "cpu_used")]);
    let falls = used.iter().filter(|series| series.at(restart) < series.at(restart - 15));
    assert_eq!(falls.count(), 1, "one kernel restarts");
    for server in servers() {
        let expected = Dataset::each(&used, |series| series.rate(restart + 60, 300));
        let query = r#"rate(backendai_container_utilization{container_metric_name="cpu_used"}[5m])"#;
        assert_close(&result(server, query, restart + 60), &expected);
    }
}

#[test]
fn sums_are_sums() {
    let data = Dataset::of_tests();
    let cpu = [("container_metric_name", "cpu_util"), ("value_type", "current")];
    for server in servers() {
        for time in [data.start(), data.end() - 3600, data.end() - 3600 + 301, data.end()] {
            let query = r#"sum by (kernel_id) (backendai_container_utilization{container_metric_name="cpu_util",value_type="current"})"#;
            let series = data.select("backendai_container_utilization", &cpu);
            let expected = Dataset::sum_by(&series, &["kernel_id"], |series| series.at(time));
            assert_eq!(expected.len(), if time > data.end() - 3600 { 3 } else { 4 }, "one kernel ends early");
            assert_close(&result(server, query, time), &expected);
        }
    }
}

#[test]
fn quantiles_agree_with_interpolation() {
    let data = Dataset::of_tests();
    let model = "Qwen/Qwen3-32B";
    for server in servers() {
        for (time, quantile) in [(data.end(), 0.5), (data.end(), 0.95), (data.end() - 3600, 0.5), (data.end(), 0.9)] {
            let buckets = data.select("vllm:e2e_request_latency_seconds_bucket", &[("model_name", model)]);
            let buckets: Vec<_> =
                buckets.iter().map(|s| (s.labels["le"].parse().unwrap(), s.rate(time, 300).unwrap())).collect();
            let expected = histogram_quantile(quantile, &buckets);
            let query = format!(
                "histogram_quantile({quantile}, sum by (le) (rate(vllm:e2e_request_latency_seconds_bucket{{model_name=\"{model}\"}}[5m])))"
            );
            assert_close(&result(server, &query, time), &BTreeMap::from([(Labels::new(), expected)]));
        }
    }
}

#[test]
fn a_range_has_a_point_per_step() {
    let data = Dataset::of_tests();
    let (start, end) = (data.end() - 3 * 3600, data.end());
    for server in servers() {
        let series = server.query_range(r#"vllm:num_requests_running{engine="0"}"#, start, end, 60).unwrap();
        assert_eq!(series.len(), 2);
        for found in series {
            let model = [("model_name", found.labels["model_name"].as_str())];
            let series = data.select("vllm:num_requests_running", &model)[0];
            let expected = (start..=end).step_by(60).map(|time| (time as f64, series.at(time).unwrap()));
            assert!(found.points.into_iter().eq(expected), "{model:?}");
        }
    }
}

#[test]
fn nan_is_a_value() {
    let Some(server) = prometheus::shared() else { return };
    let query = r#"prometheus_engine_query_duration_seconds{slice="queue_time",quantile="0.9"}"#;
    let series = server.query(query, Dataset::of_tests().end()).unwrap();
    assert!(series.len() == 1 && series[0].points[0].1.is_nan(), "{series:?}");
}

#[test]
fn the_parser_accepts_or_refuses_queries() {
    let Some(server) = prometheus::shared() else { return };
    assert_eq!(server.accepts("sum by (a) (rate(m{b=\"ü\"}[5m]))"), Ok(()));
    assert!(server.accepts("sum(").unwrap_err().contains("parse error"));
    assert!(server.accepts("rate(m)").unwrap_err().contains("expected type range vector"));
}
