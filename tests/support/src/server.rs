//! A running server, and the queries of tests.

use std::env;
use std::io::{Write, stderr};

use serde_json::Value;

use promql_presets_testing::guard::Guard;

use crate::{Error, Labels, Tool, http};

/// The variable that makes live tests fail, instead of being skipped, where servers are missing.
pub const REQUIRE_SERVERS: &str = "PROMQL_PRESETS_REQUIRE_SERVERS";

/// Whether a missing server is a failure: in CI, and where [`REQUIRE_SERVERS`] is set.
#[must_use]
pub fn servers_required() -> bool {
    [REQUIRE_SERVERS, "CI"].iter().any(|name| env::var(name).is_ok_and(|value| !["", "0", "false"].contains(&&*value)))
}

/// A server that speaks the Prometheus HTTP API. Dropping it stops it and removes its data, if this process started it.
#[derive(Debug)]
pub struct Server {
    url: String,
    _guard: Option<Guard>,
}

/// One series of a result: its labels, including `__name__`, and its points as (Unix time in seconds, value).
#[derive(Clone, Debug, PartialEq)]
pub struct ResultSeries {
    /// Names and values.
    pub labels: Labels,
    /// Oldest first.
    pub points: Vec<(f64, f64)>,
}

/// Prints that a test is skipped, because of programs that are missing.
///
/// # Panics
///
/// When what is missing is required.
pub(crate) fn report_missing(tool: &str) {
    assert!(!servers_required(), "missing and required here: `{tool}`, which `cargo xtask servers` fetches");
    // The test harness hides the output of `eprintln!` when the test passes.
    let skipped = format!("\n*** SKIPPED without `{tool}`, which `cargo xtask servers` fetches ***\n");
    let _ = stderr().write_all(skipped.as_bytes());
}

impl Server {
    /// A server that is already running, by its `http://host:port`.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), _guard: None }
    }

    pub(crate) const fn started(url: String, guard: Guard) -> Self {
        Self { url, _guard: Some(guard) }
    }

    /// The server whose URL is in `variable`, else one from `start`. Without either, prints which of the programs that
    /// `start` needs are missing, and returns `None`.
    ///
    /// # Panics
    ///
    /// When a server cannot be started, and when it is missing although [`servers_required`].
    #[expect(clippy::panic, reason = "this is how a test fails")]
    pub(crate) fn obtain(
        programs: &[Tool],
        variable: &str,
        start: impl FnOnce() -> Result<Option<Self>, Error>,
    ) -> Option<Self> {
        if let Some(url) = env::var(variable).ok().filter(|url| !url.is_empty()) {
            return Some(Self::at(&url));
        }
        match start() {
            Ok(Some(server)) => Some(server),
            Ok(None) => {
                let is_missing = |tool: &&Tool| matches!(tool.find(), Ok(None));
                let missing: Vec<String> = programs.iter().filter(is_missing).map(Tool::to_string).collect();
                report_missing(&missing.join("` and `"));
                None
            }
            Err(error) => panic!("cannot start a server: {error}"),
        }
    }

    /// `http://host:port`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The name and the version of the server: `Prometheus 3.5.3`.
    pub fn version(&self) -> Result<String, Error> {
        let info = data(&http::get(&self.url, "/api/v1/status/buildinfo")?.body)?;
        Ok(format!("Prometheus {}", info["version"].as_str().unwrap_or("of unknown version")))
    }

    /// The result of an instant query at a Unix time in seconds. A scalar is one series without labels.
    pub fn query(&self, promql: &str, time: i64) -> Result<Vec<ResultSeries>, Error> {
        self.call("query", &[("query", promql), ("time", &time.to_string())])
    }

    /// The result of a range query, with the Unix times of the first and last point and the step, in seconds.
    pub fn query_range(&self, promql: &str, start: i64, end: i64, step: i64) -> Result<Vec<ResultSeries>, Error> {
        let [start, end, step] = [start, end, step].map(|number| number.to_string());
        self.call("query_range", &[("query", promql), ("start", &start), ("end", &end), ("step", &step)])
    }

    /// Whether Prometheus' parser accepts a query, which is not evaluated.
    ///
    /// # Errors
    ///
    /// The parser's message, or why the request failed.
    pub fn accepts(&self, promql: &str) -> Result<(), String> {
        let fault = |error: Error| format!("no verdict: {error}");
        let response = self.post_form("format_query", &[("query", promql)]).map_err(fault)?;
        data(&response).map(|_| ()).map_err(|error| error.to_string())
    }

    fn call(&self, endpoint: &str, fields: &[(&str, &str)]) -> Result<Vec<ResultSeries>, Error> {
        let response = self.post_form(endpoint, fields)?;
        result(&data(&response)?)
    }

    fn post_form(&self, endpoint: &str, fields: &[(&str, &str)]) -> Result<String, Error> {
        let path = format!("/api/v1/{endpoint}");
        let form = http::form(fields);
        Ok(http::post(&self.url, &path, "application/x-www-form-urlencoded", form.as_bytes())?.body)
    }
}

/// The `data` of a successful response, or the server's error.
fn data(response: &str) -> Result<Value, Error> {
    let mut response: Value =
        serde_json::from_str(response).map_err(|error| format!("not JSON ({error}): {response}"))?;
    match response["status"].as_str() {
        Some("success") => Ok(response["data"].take()),
        _ => Err(response["error"].as_str().unwrap_or("the response has neither data nor an error").into()),
    }
}

fn result(data: &Value) -> Result<Vec<ResultSeries>, Error> {
    let result = &data["result"];
    match data["resultType"].as_str() {
        Some("scalar") => Ok(vec![ResultSeries { labels: Labels::new(), points: vec![point(result)?] }]),
        Some("vector") => series(result, |series| Ok(vec![point(&series["value"])?])),
        Some("matrix") => series(result, |series| {
            series["values"].as_array().ok_or("a series without values")?.iter().map(point).collect()
        }),
        other => Err(format!("unexpected result type {other:?}").into()),
    }
}

fn series(
    result: &Value,
    points: impl Fn(&Value) -> Result<Vec<(f64, f64)>, Error>,
) -> Result<Vec<ResultSeries>, Error> {
    let result = result.as_array().ok_or("a result that is not a list")?;
    result
        .iter()
        .map(|series| Ok(ResultSeries { labels: labels(&series["metric"]), points: points(series)? }))
        .collect()
}

fn labels(metric: &Value) -> Labels {
    let labels = metric.as_object().into_iter().flatten();
    labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// A point is `[<seconds>, "<value>"]`; Rust reads `NaN`, `+Inf` and `-Inf` as Go writes them.
fn point(value: &Value) -> Result<(f64, f64), Error> {
    match (value[0].as_f64(), value[1].as_str()) {
        (Some(time), Some(text)) => Ok((time, text.parse()?)),
        _ => Err(format!("`{value}` is not a point").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_type_of_result() {
        let read = |text: &str| data(text).and_then(|data| result(&data));
        let vector = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1.5,"+Inf"]}]}}"#;
        let labels = Labels::from([("a".to_owned(), "b".to_owned())]);
        assert_eq!(read(vector).unwrap(), [ResultSeries { labels, points: vec![(1.5, f64::INFINITY)] }]);
        let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"],[3,"NaN"]]}]}}"#;
        let points = &read(matrix).unwrap()[0].points;
        assert!(points[0] == (1.0, 2.0) && points[1].1.is_nan());
        let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[7,"-1e3"]}}"#;
        assert_eq!(read(scalar).unwrap()[0].points, [(7.0, -1000.0)]);
        assert_eq!(read(r#"{"status":"error","error":"no"}"#).unwrap_err().to_string(), "no");
        assert!(read("<html>").is_err());
    }
}
