//! Responses of the mock: results, errors and faults.

use std::fmt;
use std::time::Duration;

use promql_presets::{Histogram, Timestamp};
use serde_json::{Value, json};

use crate::series::{Point, TestSeries};

/// How [`MockPrometheus`](crate::MockPrometheus) responds to a request.
///
/// Series, numbers and lists of names convert to a response. The others are made by the functions of this type, and
/// changed by its methods:
///
/// ```
/// use std::time::Duration;
/// use promql_presets_testing::{MockResponse, series};
///
/// let vector = MockResponse::from(series![{ job = "api" } => 5]).warning("a store is slow");
/// let slow = MockResponse::from(5.0).delay(Duration::from_secs(2));
/// let refused = MockResponse::error("execution", "query processing would load too many samples");
/// let limited = MockResponse::too_many_requests("1");
/// let cut = MockResponse::from(5.0).truncate_after(20);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a response does nothing until it is passed to `returns` or `then`"]
pub struct MockResponse {
    content: Content,
    status: Option<u16>,
    headers: Vec<(String, String)>,
    warnings: Vec<String>,
    infos: Vec<String>,
    is_partial: bool,
    pub(crate) delay: Duration,
    fault: Option<Fault>,
    pace: Option<(usize, Duration)>,
}

#[derive(Clone, Debug)]
enum Content {
    Series(Vec<TestSeries>),
    Number(f64),
    Text(String),
    Names(Vec<String>),
    Data(Value),
    Error { kind: String, message: String },
    Body(Vec<u8>),
    Raw(Vec<u8>),
}

/// Where in the body a response breaks off, and how.
#[derive(Clone, Debug)]
struct Fault {
    after: Option<usize>,
    end: End,
}

/// The state of the connection after the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It waits for the next request.
    Keep,
    /// It is closed.
    Close,
    /// It is reset, which is an error for the client.
    Reset,
    /// It stays open, without further bytes, until the client goes away.
    Stall,
    /// It stays open, with the same bytes repeated until the client goes away.
    Repeat(Vec<u8>),
}

/// The bytes of a response, and when they are sent.
#[derive(Debug)]
pub(crate) struct HttpResponse {
    pub(crate) delay: Duration,
    pub(crate) bytes: Vec<u8>,
    pub(crate) end: End,
    /// The number of bytes to send at once, and the pause after them.
    pub(crate) pace: Option<(usize, Duration)>,
}

/// The points in time of a response.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Times {
    /// An instant query.
    At(Timestamp),
    /// A range query: values belong to `base`, `base + step`, ...
    Range { base: i64, start: i64, end: i64, step: i64 },
}

/// The form of the response that a request expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Vector,
    Scalar,
    Text,
    Matrix,
    Names,
    LabelSets,
    /// Any form, or an unknown one.
    Other,
}

impl MockResponse {
    fn new(content: Content) -> Self {
        Self {
            content,
            status: None,
            headers: Vec::new(),
            warnings: Vec::new(),
            infos: Vec::new(),
            is_partial: false,
            delay: Duration::ZERO,
            fault: None,
            pace: None,
        }
    }

    /// A result without series.
    pub fn empty() -> Self {
        Self::new(Content::Series(Vec::new()))
    }

    /// A string, for presets whose result is a string.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Content::Text(text.into()))
    }

    /// The `data` of a successful response, as JSON, for endpoints without a response of their own.
    ///
    /// # Panics
    /// If it is not valid JSON.
    #[track_caller]
    #[expect(clippy::panic, reason = "a mistake in a test")]
    pub fn data(json: &str) -> Self {
        match serde_json::from_str(json) {
            Ok(data) => Self::new(Content::Data(data)),
            Err(error) => panic!("invalid JSON: {error}"),
        }
    }

    /// An error of Prometheus, with the status that belongs to its `errorType`: 400 for `bad_data`, 422 for
    /// `execution`, 503 for `timeout` and `canceled`, 404 for `not_found`, and else 500.
    pub fn error(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Content::Error { kind: error_type.into(), message: message.into() })
    }

    /// A response that is not from Prometheus, such as that of a proxy.
    pub fn http(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new(Content::Body(body.into())).status(status).header("Content-Type", content_type)
    }

    /// A page of a proxy, with this status.
    pub fn html(status: u16) -> Self {
        let page = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n");
        Self::http(status, "text/html", page)
    }

    /// Status 429 with `Retry-After`: seconds, or an HTTP date.
    pub fn too_many_requests(retry_after: impl fmt::Display) -> Self {
        Self::http(429, "text/plain", "too many requests").header("Retry-After", &retry_after.to_string())
    }

    /// No response: the connection is reset. The client repeats the request as after [`close`](Self::close).
    pub fn reset() -> Self {
        Self::new(Content::Raw(Vec::new())).fault(None, End::Reset)
    }

    /// No response: the connection is closed. If the client has received a response before, it immediately repeats the
    /// request once, even without retries, since servers close idle connections this way.
    pub fn close() -> Self {
        Self::new(Content::Raw(Vec::new())).fault(None, End::Close)
    }

    /// No response, until the client gives up.
    pub fn never() -> Self {
        Self::new(Content::Raw(Vec::new())).fault(None, End::Stall)
    }

    /// These bytes instead of an HTTP response. The connection stays open unless a method closes it.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Content::Raw(bytes.into()))
    }

    /// Sets the status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Sets a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a warning.
    pub fn warning(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }

    /// Adds an info.
    pub fn info(mut self, info: impl Into<String>) -> Self {
        self.infos.push(info.into());
        self
    }

    /// Marks the data as partial: not all storage nodes responded.
    pub fn partial(mut self) -> Self {
        self.is_partial = true;
        self
    }

    /// Sets a delay before the response. It is by the clock of the test if that is paused, see the
    /// [crate](crate#paused-time).
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Closes the connection after this many bytes of the body.
    pub fn truncate_after(self, bytes: usize) -> Self {
        self.fault(Some(bytes), End::Close)
    }

    /// Resets the connection after this many bytes of the body.
    pub fn reset_after(self, bytes: usize) -> Self {
        self.fault(Some(bytes), End::Reset)
    }

    /// Sends nothing after this many bytes of the body, until the client gives up.
    pub fn stall_after(self, bytes: usize) -> Self {
        self.fault(Some(bytes), End::Stall)
    }

    /// Closes the connection after the response.
    pub fn then_close(self) -> Self {
        self.fault(None, End::Close)
    }

    /// Sends these bytes again and again after the response, until the client goes away.
    pub fn then_repeat(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.fault(None, End::Repeat(bytes.into()))
    }

    /// Sends the response in pieces of this many bytes, with a pause after each.
    pub fn trickle(mut self, bytes: usize, pause: Duration) -> Self {
        self.pace = Some((bytes.max(1), pause));
        self
    }

    fn fault(mut self, after: Option<usize>, end: End) -> Self {
        self.fault = Some(Fault { after, end });
        self
    }

    /// Whether values belong to several steps, which only the result of a range query has.
    pub(crate) fn has_steps(&self) -> bool {
        matches!(&self.content, Content::Series(series) if series.iter().any(|series| series.values().len() > 1))
    }

    /// The reason why this is no response to a request that expects this form.
    pub(crate) fn misfit(&self, shape: Shape) -> Option<&'static str> {
        match (&self.content, shape) {
            (Content::Error { .. } | Content::Body(_) | Content::Raw(_) | Content::Data(_), _) | (_, Shape::Other) => {
                None
            }
            (Content::Series(series), Shape::Vector) => {
                let is_one =
                    |series: &TestSeries| series.values().0.iter().filter(|point| point.is_sample()).count() == 1;
                (self.has_steps() || !series.iter().all(is_one))
                    .then_some("an instant query returns one value for each series")
            }
            (Content::Series(_), Shape::Matrix | Shape::LabelSets)
            | (Content::Number(_), Shape::Vector | Shape::Scalar | Shape::Matrix)
            | (Content::Text(_), Shape::Text)
            | (Content::Names(_), Shape::Names) => None,
            (_, Shape::Vector | Shape::Matrix) => Some("a query of this preset returns series"),
            (_, Shape::Scalar) => Some("an instant query of this preset returns a number"),
            (_, Shape::Text) => Some("a query of this preset returns a string: write `MockResponse::text`"),
            (_, Shape::Names) => Some("this endpoint returns a list of names"),
            (_, Shape::LabelSets) => Some("this endpoint returns the labels of series"),
        }
    }

    /// The response to a request.
    pub(crate) fn http_response(&self, shape: Shape, times: Times) -> HttpResponse {
        let body = match &self.content {
            Content::Raw(bytes) => return self.finish(Vec::new(), bytes),
            Content::Body(body) => body.clone(),
            Content::Error { kind, message } => {
                let error = json!({ "status": "error", "errorType": kind, "error": message });
                self.with_notes(error).into_bytes()
            }
            Content::Data(data) => self.success(data),
            Content::Names(names) => self.success(&json!(names)),
            Content::Text(text) => {
                let Times::At(time) = times else { return self.finish(Vec::new(), &[]) };
                self.success(&json!({ "resultType": "string", "result": [seconds(time.as_millis()), text] }))
            }
            Content::Series(series) if shape == Shape::LabelSets => {
                self.success(&series.iter().map(labels).collect::<Vec<_>>().into())
            }
            Content::Series(series) => self.success(&result(series, times)),
            Content::Number(value) => match (shape, times) {
                (Shape::Scalar, Times::At(time)) => self
                    .success(&json!({ "resultType": "scalar", "result": [seconds(time.as_millis()), number(*value)] })),
                (_, Times::At(_)) => self.success(&result(&[TestSeries::new(*value)], times)),
                (_, Times::Range { start, end, step, .. }) => {
                    let steps = usize::try_from((end - start) / step.max(1) + 1).unwrap_or(0).min(100_000);
                    let series = TestSeries::new(vec![*value; steps]);
                    self.success(&result(&[series], Times::Range { base: start, start, end, step }))
                }
            },
        };
        let status = self.status.unwrap_or(match &self.content {
            Content::Error { kind, .. } => status_of(kind),
            _ => 200,
        });
        let mut head = format!("HTTP/1.1 {status} {}\r\nContent-Length: {}\r\n", reason(status), body.len());
        let is_typed = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if !is_typed {
            head += "Content-Type: application/json\r\n";
        }
        head.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
        head += "\r\n";
        self.finish(head.into_bytes(), &body)
    }

    fn finish(&self, mut bytes: Vec<u8>, body: &[u8]) -> HttpResponse {
        let Fault { after, end } = self.fault.clone().unwrap_or(Fault { after: None, end: End::Keep });
        bytes.extend_from_slice(&body[..after.unwrap_or(body.len()).min(body.len())]);
        HttpResponse { delay: self.delay, bytes, end, pace: self.pace }
    }

    fn success(&self, data: &Value) -> Vec<u8> {
        self.with_notes(json!({ "status": "success", "data": data })).into_bytes()
    }

    fn with_notes(&self, mut body: Value) -> String {
        for (name, notes) in [("warnings", &self.warnings), ("infos", &self.infos)] {
            if !notes.is_empty() {
                body[name] = json!(notes);
            }
        }
        if self.is_partial {
            body["isPartial"] = true.into();
        }
        body.to_string()
    }
}

/// The `data` of a query.
fn result(series: &[TestSeries], times: Times) -> Value {
    match times {
        Times::At(time) => {
            let elements = series.iter().filter_map(|series| {
                let point = series.values().0.iter().find(|point| point.is_sample())?;
                let (is_float, value) = value(point)?;
                let name = if is_float { "value" } else { "histogram" };
                Some(json!({ "metric": labels(series), name: [seconds(time.as_millis()), value] }))
            });
            json!({ "resultType": "vector", "result": elements.collect::<Vec<_>>() })
        }
        Times::Range { base, start, end, step } => {
            let series = series.iter().filter_map(|series| {
                let (mut floats, mut histograms) = (Vec::new(), Vec::new());
                let times = (0_i64..).map(|at| base.saturating_add(at.saturating_mul(step)));
                for (time, point) in times.zip(&series.values().0).filter(|(time, _)| (start..=end).contains(time)) {
                    match value(point) {
                        Some((true, value)) => floats.push(json!([seconds(time), value])),
                        Some((false, value)) => histograms.push(json!([seconds(time), value])),
                        None => {}
                    }
                }
                let mut shown = json!({ "metric": labels(series) });
                for (name, points) in [("values", floats), ("histograms", histograms)] {
                    if !points.is_empty() {
                        shown[name] = points.into();
                    }
                }
                // Prometheus returns no series without samples.
                (shown.as_object()?.len() > 1).then_some(shown)
            });
            json!({ "resultType": "matrix", "result": series.collect::<Vec<_>>() })
        }
    }
}

fn labels(series: &TestSeries) -> Value {
    series
        .labels()
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// The value of a sample, and whether it is a float.
fn value(point: &Point) -> Option<(bool, Value)> {
    match point {
        Point::Gap | Point::Stale => None,
        Point::Float(value) => Some((true, number(*value).into())),
        Point::Histogram(value) => Some((false, histogram(value))),
        Point::Native(value) => Some((false, histogram(&value.to_histogram()))),
    }
}

fn histogram(histogram: &Histogram) -> Value {
    use promql_presets::Bounds;
    let buckets = histogram.buckets.iter().map(|bucket| {
        let bounds = match bucket.bounds {
            Bounds::OpenLeft => 0,
            Bounds::OpenRight => 1,
            Bounds::Open => 2,
            Bounds::Closed => 3,
        };
        json!([bounds, number(bucket.lower), number(bucket.upper), number(bucket.count)])
    });
    let mut shown = json!({ "count": number(histogram.count), "sum": number(histogram.sum) });
    if !histogram.buckets.is_empty() {
        shown["buckets"] = buckets.collect::<Vec<_>>().into();
    }
    shown
}

/// A float as Prometheus writes it.
fn number(value: f64) -> String {
    if value.is_finite() || value.is_nan() {
        value.to_string()
    } else if value > 0.0 {
        "+Inf".to_owned()
    } else {
        "-Inf".to_owned()
    }
}

/// Unix seconds as JSON.
#[expect(clippy::cast_precision_loss, reason = "exact for all times of tests")]
pub(crate) fn seconds(millis: i64) -> Value {
    if millis % 1000 == 0 { json!(millis / 1000) } else { json!(millis as f64 / 1000.0) }
}

fn status_of(error_type: &str) -> u16 {
    match error_type {
        "bad_data" => 400,
        "not_found" => 404,
        "execution" => 422,
        "timeout" | "canceled" => 503,
        _ => 500,
    }
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Other",
    }
}

impl From<Vec<TestSeries>> for MockResponse {
    fn from(series: Vec<TestSeries>) -> Self {
        Self::new(Content::Series(series))
    }
}

impl From<TestSeries> for MockResponse {
    fn from(series: TestSeries) -> Self {
        vec![series].into()
    }
}

/// The result of a preset whose result is a scalar; for other presets, one series without labels.
impl From<f64> for MockResponse {
    fn from(value: f64) -> Self {
        Self::new(Content::Number(value))
    }
}

impl From<i32> for MockResponse {
    fn from(value: i32) -> Self {
        f64::from(value).into()
    }
}

/// Names of labels, or values of a label.
impl<const N: usize> From<[&str; N]> for MockResponse {
    fn from(names: [&str; N]) -> Self {
        names.to_vec().into()
    }
}

impl From<Vec<&str>> for MockResponse {
    fn from(names: Vec<&str>) -> Self {
        names.into_iter().map(str::to_owned).collect::<Vec<_>>().into()
    }
}

impl From<Vec<String>> for MockResponse {
    fn from(names: Vec<String>) -> Self {
        Self::new(Content::Names(names))
    }
}
