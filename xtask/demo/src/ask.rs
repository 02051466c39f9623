//! The questions. Each answer comes with the PromQL that was asked.

use std::ops::RangeInclusive;

use promql_presets_test_support::{Answer, Server};

use crate::{Error, Share, Trend};

/// Seconds between two points of a range.
pub(crate) const STEP: i64 = 60;

/// Asks one server about the hours before one time.
pub(crate) struct Ask {
    server: Server,
    end: i64,
}

impl Ask {
    /// Asks the server at `url` about the time before `end`, in Unix seconds.
    pub(crate) fn new(url: &str, end: i64) -> Self {
        Self { server: Server::at(url), end }
    }

    /// The last hours before the end.
    pub(crate) const fn hours(&self, hours: i64) -> RangeInclusive<i64> {
        self.end - hours * 3600..=self.end
    }

    /// Each kernel's use of its processors, in percent of what it may use.
    pub(crate) fn utilization_by_kernel(&self) -> Result<(String, Vec<Share>), Error> {
        let query =
            r#"sum by (kernel_id)(backendai_container_utilization{container_metric_name="cpu_util",value_type="pct"})"#;
        let answers = self.server.query(query, self.end)?;
        let share = |answer: Answer| Share { name: name(&answer, "kernel_id"), value: answer.points[0].1 };
        Ok((query.to_owned(), answers.into_iter().map(share).collect()))
    }

    /// One kernel's use of its processors and of its memory, in percent.
    pub(crate) fn utilization_of(&self, kernel: &str) -> Result<(String, Vec<Trend>), Error> {
        let query = format!(
            "sum by (container_metric_name)(backendai_container_utilization{{value_type=\"pct\",kernel_id={kernel:?}}})"
        );
        self.range(query, "container_metric_name", 6)
    }

    /// Each kernel's memory, in bytes.
    pub(crate) fn memory_by_kernel(&self) -> Result<(String, Vec<Trend>), Error> {
        let query =
            r#"sum by (kernel_id)(backendai_container_utilization{container_metric_name="mem",value_type="current"})"#;
        self.range(query.to_owned(), "kernel_id", 6)
    }

    /// Requests per second.
    pub(crate) fn requests_by_endpoint(&self) -> Result<(String, Vec<Trend>), Error> {
        self.range("sum by (endpoint)(rate(backendai_api_request_count_total[5m]))".to_owned(), "endpoint", 4)
    }

    /// The 95th percentile of the time from request to answer, in seconds.
    pub(crate) fn latency_by_model(&self) -> Result<(String, Vec<Trend>), Error> {
        let query =
            "histogram_quantile(0.95, sum by (le, model_name)(rate(vllm:e2e_request_latency_seconds_bucket[5m])))";
        self.range(query.to_owned(), "model_name", 4)
    }

    fn range(&self, query: String, label: &str, hours: i64) -> Result<(String, Vec<Trend>), Error> {
        let hours = self.hours(hours);
        let answers = self.server.query_range(&query, *hours.start(), *hours.end(), STEP)?;
        let trends = answers.into_iter().map(|answer| Trend { name: name(&answer, label), points: answer.points });
        Ok((query, trends.collect()))
    }
}

fn name(answer: &Answer, label: &str) -> String {
    answer.labels.get(label).cloned().unwrap_or_default()
}
