//! The service against a real Prometheus with known data.

use promql_presets::{PrometheusClient, Timestamp};
use promql_presets_test_support::{Dataset, prometheus};

#[tokio::test]
async fn finds_what_fails() -> Result<(), Box<dyn std::error::Error>> {
    let Some(server) = prometheus::shared() else { return Ok(()) };
    let end = Timestamp::from_secs(Dataset::of_tests().end());
    let client = PrometheusClient::new(server.url())?;
    let failing = service_macro::failing_endpoints(&client, "default", end).await?;
    // One in 145 requests to sessions fails: 0.125 of 16 + 2 + 0.125 per second at any time of the day.
    assert_eq!(failing.len(), 1, "{failing:?}");
    assert_eq!(failing[0].0, "/session");
    assert!((failing[0].1 - 0.125 / 18.125).abs() < 1e-6, "{failing:?}");
    assert_eq!(service_macro::failing_endpoints(&client, "nowhere", end).await?, []);
    Ok(())
}
