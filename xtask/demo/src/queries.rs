//! Queries of the built-in catalogue's presets. Each result comes with the rendered PromQL.

use std::ops::RangeInclusive;

use promql_presets::presets::{api_requests, container_utilization as container, vllm};
use promql_presets::{
    Labels, Matrix, MetricQuerier, Preset, PrometheusClient, RangeResult, Series, TimeRange, Timestamp, Vector, one_of,
};

use crate::{Error, Share, Trend};

/// Queries one server about the hours before one time.
pub(crate) struct Queries {
    client: PrometheusClient,
    end: Timestamp,
}

impl Queries {
    /// Queries the server at `url` about the time before `end`, in Unix seconds.
    pub(crate) fn new(url: &str, end: &str) -> Result<Self, Error> {
        Ok(Self { client: PrometheusClient::new(url)?, end: end.parse()? })
    }

    /// The last hours before the end, in Unix seconds.
    pub(crate) fn hours(&self, hours: i64) -> RangeInclusive<i64> {
        let end = self.end.as_millis() / 1000;
        end - hours * 3600..=end
    }

    /// Each kernel's processor utilization, in percent of its limit.
    pub(crate) async fn utilization_by_kernel(&self) -> Result<(String, Vec<Share>), Error> {
        let querier = container::Querier::new("cpu_util")
            .value_type(container::ValueType::Pct)
            .group_by([container::Label::KernelId]);
        let kernels: Vector = self.client.query(container::GAUGE, &querier).at(self.end).await?;
        let share = |element: &promql_presets::Element| {
            Ok(Share { name: name(element.labels(), container::Label::KernelId), value: element.value().float()? })
        };
        let shares = kernels.iter().map(share).collect::<Result<_, Error>>()?;
        Ok((container::GAUGE.render(&querier, None)?, shares))
    }

    /// One kernel's processor and memory utilization, in percent.
    pub(crate) async fn utilization_of(&self, kernel: &str) -> Result<(String, Vec<Trend>), Error> {
        let querier = container::Querier::new(one_of(["cpu_util", "mem"]))
            .value_type(container::ValueType::Pct)
            .kernel_id(kernel.parse::<uuid::Uuid>()?)
            .group_by([container::Label::ContainerMetricName]);
        self.trends(container::GAUGE, &querier, container::Label::ContainerMetricName, 6).await
    }

    /// Each kernel's memory use, in bytes.
    pub(crate) async fn memory_by_kernel(&self) -> Result<(String, Vec<Trend>), Error> {
        let querier = container::Querier::new("mem")
            .value_type(container::ValueType::Current)
            .group_by([container::Label::KernelId]);
        self.trends(container::GAUGE, &querier, container::Label::KernelId, 6).await
    }

    /// Requests per second.
    pub(crate) async fn requests_by_endpoint(&self) -> Result<(String, Vec<Trend>), Error> {
        let querier = api_requests::Querier::new().group_by([api_requests::Label::Endpoint]);
        self.trends(api_requests::RATE, &querier, api_requests::Label::Endpoint, 4).await
    }

    /// The 95th percentile of request latency, in seconds.
    pub(crate) async fn latency_by_model(&self) -> Result<(String, Vec<Trend>), Error> {
        let querier = vllm::Querier::new().group_by([vllm::Label::ModelName]);
        self.trends(vllm::E2E_LATENCY_P95, &querier, vllm::Label::ModelName, 4).await
    }

    /// The named series of a range query with a step of one minute.
    async fn trends<Q, R, W>(
        &self,
        preset: Preset<Q, R, W>,
        querier: &Q,
        label: impl AsRef<str>,
        hours: i64,
    ) -> Result<(String, Vec<Trend>), Error>
    where
        Q: MetricQuerier,
        R: RangeResult,
    {
        let hours = self.hours(hours);
        let range = TimeRange::new(Timestamp::from_secs(*hours.start()), self.end)?.step("1m")?;
        let matrix: Matrix = self.client.query_range(preset, querier, range).await?;
        let trend = |series: &Series| {
            let seconds = series.timestamps().iter().map(|time| time.as_secs_f64());
            Trend {
                name: name(series.labels(), &label),
                points: seconds.zip(series.values().iter().copied()).collect(),
            }
        };
        Ok((preset.render(querier, None)?, matrix.iter().map(trend).collect()))
    }
}

fn name(labels: &Labels, label: impl AsRef<str>) -> String {
    labels.get(label.as_ref()).unwrap_or_default().to_owned()
}
