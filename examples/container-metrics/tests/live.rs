//! The service against a real Prometheus with known data.

use container_metrics::presets::container_utilization::{self, ValueType};
use container_metrics::{ContainerMetricAction, ContainerUtilizationMetricService};
use promql_presets::PrometheusClient;
use promql_presets_test_support::{Dataset, prometheus};

fn action(metric_name: &str, data: &Dataset) -> ContainerMetricAction {
    ContainerMetricAction {
        metric_name: metric_name.to_owned(),
        value_type: ValueType::Current,
        kernel_id: None,
        session_id: None,
        agent_id: Some("i-gpu-01".to_owned()),
        user_id: None,
        project_id: None,
        start: (data.end() - 3600).to_string(),
        end: data.end().to_string(),
        step: "5m".to_owned(),
    }
}

#[tokio::test]
async fn fetches_what_was_asked_for() -> Result<(), Box<dyn std::error::Error>> {
    let Some(server) = prometheus::shared() else { return Ok(()) };
    let data = Dataset::of_tests();
    let service = ContainerUtilizationMetricService::new(PrometheusClient::new(server.url())?);

    let names = service.metric_names().await?;
    assert_eq!(names, ["cpu_used", "cpu_util", "mem", "net_rx", "net_tx"]);

    let labels = [("container_metric_name", "mem"), ("value_type", "current"), ("agent_id", "i-gpu-01")];
    let memory = service.fetch_metric(&action("mem", &data)).await?;
    assert!(!memory.is_partial());
    let rows = memory.into_rows::<container_utilization::Row>()?;
    assert_eq!(rows.len(), 1, "one agent, one series");
    assert_eq!(rows[0].labels.agent_id.as_deref(), Some("i-gpu-01"));
    assert_eq!(rows[0].series.len(), 13);
    for (time, value) in rows[0].series.timestamps().iter().zip(rows[0].series.values()) {
        let expected: f64 = data
            .select("backendai_container_utilization", &labels)
            .iter()
            .filter_map(|s| s.at(time.as_millis() / 1000))
            .sum();
        assert_eq!(*value, expected, "at {time}");
    }

    // 262,144 bytes per second on the first kernel of the agent, twice that on the second.
    let traffic = service.fetch_metric(&action("net_rx", &data)).await?;
    let last = traffic.one()?.values()[12];
    assert!((last - 3.0 * 262_144.0).abs() < 1e-6, "{last}");
    Ok(())
}
