//! Shows a metric of all containers over the last hour: `container-metrics <url> <metric> <value type>`.

use container_metrics::{ContainerMetricAction, ContainerUtilizationMetricService};
use promql_presets::{PrometheusClient, TimeRange};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, metric_name, value_type] = &arguments[..] else {
        return Err("usage: container-metrics <url> <metric> <value type>".into());
    };
    let service = ContainerUtilizationMetricService::new(PrometheusClient::new(url)?);
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
    for metric in service.fetch_metric(&action).await? {
        for (time, value) in metric.values {
            println!("{time}  {value}");
        }
    }
    Ok(())
}
