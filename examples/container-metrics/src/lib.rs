//! A service with preset files. Its own code only chooses the preset for each metric, and defines what callers receive.

use promql_presets::{Error, Matrix, PrometheusClient, TimeRange};
use uuid::Uuid;

/// The queries, one constant for each table of `presets/container_utilization.toml`.
pub mod presets {
    promql_presets::include_presets!();
}

use presets::container_utilization::{self as container, Label, Querier, ValueType};

/// A metric to fetch, for the containers that match all filters.
#[derive(Clone, Debug)]
pub struct ContainerMetricAction {
    /// `cpu_util`, `mem`, ...
    pub metric_name: String,
    /// The aspect of the metric.
    pub value_type: ValueType,
    /// Only this kernel.
    pub kernel_id: Option<Uuid>,
    /// Only kernels of this session.
    pub session_id: Option<Uuid>,
    /// Only kernels on this agent.
    pub agent_id: Option<String>,
    /// Only kernels of this user.
    pub user_id: Option<Uuid>,
    /// Only kernels of this project.
    pub project_id: Option<Uuid>,
    /// RFC 3339 or Unix seconds.
    pub start: String,
    /// RFC 3339 or Unix seconds.
    pub end: String,
    /// `1m`, or seconds.
    pub step: String,
}

impl ContainerMetricAction {
    /// The filters as a querier that also groups by each filtered label.
    fn querier(&self) -> Querier {
        let Self { kernel_id, session_id, agent_id, user_id, project_id, .. } = self;
        let filtered = [
            (Label::KernelId, kernel_id.is_some()),
            (Label::SessionId, session_id.is_some()),
            (Label::AgentId, agent_id.is_some()),
            (Label::UserId, user_id.is_some()),
            (Label::ProjectId, project_id.is_some()),
        ];
        Querier::new(&self.metric_name)
            .value_type(self.value_type)
            .when_some(*kernel_id, Querier::kernel_id)
            .when_some(*session_id, Querier::session_id)
            .when_some(agent_id.as_ref(), Querier::agent_id)
            .when_some(*user_id, Querier::user_id)
            .when_some(*project_id, Querier::project_id)
            .group_by([Label::ValueType])
            .group_by(filtered.into_iter().filter(|(_, is_filtered)| *is_filtered).map(|(label, _)| label))
    }
}

/// Fetches container metrics from Prometheus.
#[derive(Clone, Debug)]
pub struct ContainerUtilizationMetricService {
    prometheus: PrometheusClient,
}

impl ContainerUtilizationMetricService {
    /// Creates the service with a client.
    pub fn new(prometheus: PrometheusClient) -> Self {
        Self { prometheus }
    }

    /// Returns the possible values of an action's `metric_name`.
    pub async fn metric_names(&self) -> Result<Vec<String>, Error> {
        Ok(self.prometheus.label_values(Label::ContainerMetricName.as_str()).await?.into_vec())
    }

    /// Fetches a metric over a time range. Use `rows::<container::Row>()` for the labels of each series, and
    /// `is_partial()` to find out whether containers may be missing.
    pub async fn fetch_metric(&self, action: &ContainerMetricAction) -> Result<Matrix, Error> {
        let range = TimeRange::parse(&action.start, &action.end, &action.step)?;
        let querier = action.querier();
        // All three metrics are counters: network traffic is shown per second, CPU time as an amount.
        match (action.metric_name.as_str(), action.value_type) {
            ("net_rx" | "net_tx", ValueType::Current) => {
                self.prometheus.query_range(container::RATE, &querier, range).await
            }
            ("cpu_used", ValueType::Current) => self.prometheus.query_range(container::DIFF, &querier, range).await,
            _ => self.prometheus.query_range(container::GAUGE, &querier, range).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_reaches_the_query() {
        let action = ContainerMetricAction {
            metric_name: "mem".to_owned(),
            value_type: ValueType::Current,
            kernel_id: Some(Uuid::from_u128(1)),
            session_id: None,
            agent_id: Some("i-gpu\"01".to_owned()),
            user_id: None,
            project_id: None,
            start: String::new(),
            end: String::new(),
            step: String::new(),
        };
        assert_eq!(
            container::GAUGE.render(&action.querier(), None).unwrap(),
            "sum by (value_type,kernel_id,agent_id) (backendai_container_utilization{container_metric_name=\"mem\",\
             value_type=\"current\",kernel_id=\"00000000-0000-0000-0000-000000000001\",agent_id=\"i-gpu\\\"01\"})"
        );
    }
}
