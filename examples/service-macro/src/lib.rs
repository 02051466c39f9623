//! A service without preset files: its queries are in its Rust code, and it defines its own querier.

use promql_presets::{
    Error, MetricQuerier, PartialData, Preset, PrometheusClient, Vector, Windowed, preset, starts_with,
};

/// Ratio of requests that failed with a 5xx status.
pub const ERROR_RATIO: Preset<dyn MetricQuerier, Vector, Windowed> = preset!(
    r#"
      sum by ({group_by}) (rate({metric_name}{{status_code=~"5..",{labels}}}[{window}]))
    /
      sum by ({group_by}) (rate({metric_name}{{{labels}}}[{window}]))
    "#,
    window = "5m"
);

/// Selects requests.
#[derive(Clone, Debug, Default, MetricQuerier)]
#[querier(name = "backendai_api_request_count_total")]
pub struct Requests {
    /// Only this domain.
    pub domain: Option<String>,
    /// Only endpoints with this prefix.
    #[querier(label = "endpoint")]
    pub under: Option<promql_presets::Match<String>>,
    /// Labels to group by.
    #[querier(group_by)]
    pub each: Vec<&'static str>,
}

impl Requests {
    /// Selects the requests to a domain.
    pub fn of_domain(domain: impl Into<String>) -> Self {
        Self { domain: Some(domain.into()), ..Self::default() }
    }

    /// Selects only requests to endpoints with this prefix.
    pub fn under(mut self, path: &str) -> Self {
        self.under = Some(starts_with(path));
        self
    }
}

/// Returns the failing endpoints of a domain with their error ratios, the highest first.
pub async fn failing_endpoints(
    prometheus: &PrometheusClient,
    domain: &str,
    at: promql_presets::Timestamp,
) -> Result<Vec<(String, f64)>, Error> {
    let requests = Requests { each: vec!["endpoint"], ..Requests::of_domain(domain) };
    // In a partial result, a missing endpoint would look like one without errors.
    let query = prometheus.query(ERROR_RATIO, &requests).window("30m").at(at).partial_data(PartialData::Refuse);
    let ratios = query.await?;
    let mut failing = Vec::new();
    for ratio in &ratios {
        // Without requests the ratio is NaN, which is not an error.
        let value = ratio.value().float()?;
        if value > 0.0 {
            failing.push((ratio.labels().get("endpoint").unwrap_or_default().to_owned(), value));
        }
    }
    failing.sort_by(|one, other| other.1.total_cmp(&one.1));
    Ok(failing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_matchers() {
        let requests = Requests::of_domain("re\"search").under("/se.");
        let query = ERROR_RATIO.render(&requests, None).unwrap();
        let all = r#"backendai_api_request_count_total{domain="re\"search",endpoint=~"/se\\.(?s:.*)"}[5m]"#;
        assert!(query.contains(all), "{query}");
    }
}
