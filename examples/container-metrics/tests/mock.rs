//! The service without a Prometheus: which preset it queries for which metric, and what it makes of failures.

use container_metrics::presets::container_utilization::{self as container, Label, ValueType};
use container_metrics::{ContainerMetricAction, ContainerUtilizationMetricService};
use promql_presets::{ErrorKind, RangeError, TimeRange};
use promql_presets_testing::{MockPrometheus, MockResponse, series};
use uuid::Uuid;

const KERNEL: Uuid = Uuid::from_u128(1);

fn action(metric_name: &str, value_type: ValueType) -> ContainerMetricAction {
    ContainerMetricAction {
        metric_name: metric_name.to_owned(),
        value_type,
        kernel_id: None,
        session_id: None,
        agent_id: None,
        user_id: None,
        project_id: None,
        start: "2026-04-16T00:00:00Z".to_owned(),
        end: "2026-04-16T01:00:00Z".to_owned(),
        step: "5m".to_owned(),
    }
}

#[tokio::test]
async fn each_metric_has_its_preset() {
    for (metric, value_type, preset) in [
        ("net_rx", ValueType::Current, container::RATE.any_window()),
        ("net_tx", ValueType::Current, container::RATE.any_window()),
        ("net_rx", ValueType::Pct, container::GAUGE.any_window()),
        ("cpu_used", ValueType::Current, container::DIFF.any_window()),
        ("cpu_used", ValueType::Capacity, container::GAUGE.any_window()),
        ("mem", ValueType::Current, container::GAUGE.any_window()),
    ] {
        let mock = MockPrometheus::start();
        mock.on_range(preset)
            .label(Label::ContainerMetricName, metric)
            .label(Label::ValueType, value_type)
            .group_by([Label::ValueType])
            .over(TimeRange::parse("2026-04-16T00:00:00Z", "2026-04-16T01:00:00Z", "5m").unwrap())
            .returns(series![{ value_type = value_type } => "0+10x12"]);
        let service = ContainerUtilizationMetricService::new(mock.client());
        let matrix = service.fetch_metric(&action(metric, value_type)).await.unwrap();
        assert_eq!(matrix.one().unwrap().last().unwrap().value.to_string(), "120");
    }
}

#[tokio::test]
async fn filters_are_also_grouped_by() {
    let mock = MockPrometheus::start();
    mock.on_range(container::GAUGE)
        .label("container_metric_name", "mem")
        .label("value_type", "current")
        .label("kernel_id", KERNEL)
        .label("agent_id", "i-gpu\"01")
        .group_by(["value_type", "kernel_id", "agent_id"])
        .returns(series![{ value_type = "current", kernel_id = KERNEL, agent_id = "i-gpu\"01" } => "1 2"]);
    let service = ContainerUtilizationMetricService::new(mock.client());
    let filtered = ContainerMetricAction {
        kernel_id: Some(KERNEL),
        agent_id: Some("i-gpu\"01".to_owned()),
        ..action("mem", ValueType::Current)
    };
    let matrix = service.fetch_metric(&filtered).await.unwrap();
    let rows = matrix.into_rows::<container::Row>().unwrap();
    assert_eq!(rows[0].labels.kernel_id, Some(KERNEL));
}

#[tokio::test]
async fn a_server_that_starts_is_waited_for() {
    let mock = MockPrometheus::start();
    mock.on_label_values(Label::ContainerMetricName).returns(MockResponse::html(503)).then(["cpu_util", "mem"]);
    let service = ContainerUtilizationMetricService::new(mock.client());
    assert_eq!(service.metric_names().await.unwrap(), ["cpu_util", "mem"]);
}

#[tokio::test]
async fn partial_data_is_returned_as_such() {
    let mock = MockPrometheus::start();
    mock.on_range(container::GAUGE).any_labels().any_grouping().returns(MockResponse::from(series![{} => 1]).partial());
    let service = ContainerUtilizationMetricService::new(mock.client());
    assert!(service.fetch_metric(&action("mem", ValueType::Current)).await.unwrap().is_partial());
}

#[tokio::test]
async fn times_that_are_none_are_refused_without_a_request() {
    let mock = MockPrometheus::start();
    let service = ContainerUtilizationMetricService::new(mock.client());
    let action = ContainerMetricAction { end: "yesterday".to_owned(), ..action("mem", ValueType::Current) };
    let error = service.fetch_metric(&action).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Range(RangeError::InvalidTime(_))), "{error:?}");
    assert!(mock.calls().is_empty());
}
