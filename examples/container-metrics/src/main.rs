//! Shows a metric of all containers over the last hour: `container-metrics <url> <metric> <value type>`.

use std::time::Duration;

use container_metrics::presets::container_utilization;
use container_metrics::{ContainerMetricAction, ContainerUtilizationMetricService};
use promql_presets::{PrometheusClient, TimeRange};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, metric_name, value_type] = &arguments[..] else {
        return Err("usage: container-metrics <url> <metric> <value type>".into());
    };
    let prometheus = PrometheusClient::builder(url).timeout(Duration::from_secs(10)).build()?;
    let service = ContainerUtilizationMetricService::new(prometheus);
    println!("there are {}", service.metric_names().await?.join(", "));
    let hour = TimeRange::last_hours(1);
    let action = ContainerMetricAction {
        metric_name: metric_name.clone(),
        value_type: value_type.parse()?,
        kernel_id: None,
        session_id: None,
        agent_id: None,
        user_id: None,
        project_id: None,
        start: hour.start().to_string(),
        end: hour.end().to_string(),
        step: "5m".to_owned(),
    };
    let metric = service.fetch_metric(&action).await?;
    if let Some(reason) = metric.meta().partial_reason() {
        eprintln!("containers may be missing: {reason}");
    }
    for row in metric.into_rows::<container_utilization::Row>()? {
        println!("{:?}", row.labels);
        // Floats and native histograms alike.
        for sample in &row.series {
            println!("  {}  {}", sample.timestamp, sample.value);
        }
    }
    Ok(())
}
