//! Responses of a real server in a file, to be replayed.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use promql_presets::{Timestamp, reqwest};
use serde_json::{Map, Value, json};

use crate::call::{Call, Endpoint};
use crate::expected::TENANT_HEADER;
use crate::response::MockResponse;

/// The headers of a response that the client reads.
const HEADERS: [&str; 2] = ["content-type", "retry-after"];

/// Headers of a request that are for one connection only, or that would change the response.
const OWN_HEADERS: [&str; 5] = ["host", "content-length", "connection", "accept-encoding", "transfer-encoding"];

/// Parameters that differ each time.
const TIMES: [&str; 4] = ["time", "start", "end", "timeout"];

/// A request and its response.
#[derive(Clone, Debug)]
struct Exchange {
    /// The time of the request.
    at: Timestamp,
    path: String,
    /// All parameters but the timeout.
    parameters: Vec<(String, String)>,
    tenant: Option<String>,
    /// The name of the preset; empty for other requests. `None` if the client did not name it.
    preset: Option<String>,
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
    is_used: bool,
}

#[derive(Clone, Debug)]
enum Body {
    Json(Value),
    Text(String),
}

/// Forwards requests to a server, and keeps its responses.
#[derive(Debug)]
pub(crate) struct Recorder {
    url: String,
    file: PathBuf,
    client: reqwest::Client,
    exchanges: Mutex<Vec<Exchange>>,
}

impl Recorder {
    pub(crate) fn new(url: &str, file: &Path) -> Result<Self, String> {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        let client = client.map_err(|error| format!("cannot set up the HTTP library: {error}"))?;
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self { url, file: file.to_owned(), client, exchanges: Mutex::default() })
    }

    /// The response of the server.
    pub(crate) async fn forward(&self, call: &Call) -> Result<MockResponse, String> {
        let exchange = self.request(call).await.map_err(|error| format!("cannot reach {}: {error}", self.url))?;
        let response = exchange.response(exchange.body.clone());
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
        Ok(response)
    }

    async fn request(&self, call: &Call) -> reqwest::Result<Exchange> {
        let at = Timestamp::now();
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&call.parameters).finish();
        let url = format!("{}{}", self.url, call.path);
        let mut request = match call.method.as_str() {
            "POST" => self.client.post(url).body(form),
            _ => self.client.get(if form.is_empty() { url } else { format!("{url}?{form}") }),
        };
        for (name, value) in call.headers.iter().filter(|(name, _)| !OWN_HEADERS.contains(&name.as_str())) {
            request = request.header(name, value);
        }
        let response = request.send().await?;
        let header = |name: &&str| Some(((*name).to_owned(), response.headers().get(*name)?.to_str().ok()?.to_owned()));
        let headers = HEADERS.iter().filter_map(header).collect();
        let status = response.status().as_u16();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).map_or(Body::Text(text), Body::Json);
        let parameters = call.parameters.iter().filter(|(name, _)| name != "timeout").cloned().collect();
        let (path, tenant) = (call.path.clone(), call.header(TENANT_HEADER).map(str::to_owned));
        let preset = call.named.clone();
        Ok(Exchange { at, path, parameters, tenant, preset, status, headers, body, is_used: false })
    }

    /// Writes the file.
    pub(crate) fn write(&self) -> Result<(), String> {
        let exchanges = self.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        pretty(&mut text, &exchanges.iter().map(Exchange::to_json).collect(), 0);
        text.push('\n');
        let written = self.file.parent().map_or(Ok(()), std::fs::create_dir_all);
        let written = written.and_then(|()| std::fs::write(&self.file, text));
        written.map_err(|error| format!("cannot write `{}`: {error}", self.file.display()))
    }
}

/// Recorded requests and their responses.
#[derive(Debug)]
pub(crate) struct Recording {
    exchanges: Mutex<Vec<Exchange>>,
}

impl Recording {
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let shown = file.display();
        let text = std::fs::read_to_string(file).map_err(|error| format!("cannot read `{shown}`: {error}"))?;
        let json: Value = serde_json::from_str(&text).map_err(|error| format!("`{shown}` is not JSON: {error}"))?;
        let exchanges = json.as_array().and_then(|list| list.iter().map(Exchange::from_json).collect());
        let exchanges = exchanges.ok_or_else(|| format!("`{shown}` is not a recording"))?;
        Ok(Self { exchanges: Mutex::new(exchanges) })
    }

    /// The recorded response to a request: the next one that has not been used, or else the last.
    pub(crate) fn response(&self, call: &Call) -> Result<MockResponse, String> {
        let mut exchanges = self.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
        let differences: Vec<_> = exchanges.iter().map(|exchange| exchange.differences(call)).collect();
        let same = || (0..exchanges.len()).filter(|at| differences[*at].is_empty());
        if let Some(at) = same().find(|at| !exchanges[*at].is_used).or_else(|| same().next_back()) {
            let exchange = &mut exchanges[at];
            exchange.is_used = true;
            return Ok(exchange.response(exchange.body_for(call)));
        }
        let nearest = differences.iter().min_by_key(|differences| differences.len());
        let nearest = nearest.map_or("nothing was recorded".to_owned(), |differences| differences.join("\n  - "));
        Err(format!("{call} was not recorded\n  - {nearest}"))
    }
}

impl Exchange {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    fn time(&self, name: &str) -> Option<Timestamp> {
        self.parameter(name)?.parse().ok()
    }

    /// The differences to a request, except for its times.
    fn differences(&self, call: &Call) -> Vec<String> {
        let mut found = Vec::new();
        if self.path != call.path {
            found.push(format!("{}, not {}", call.path, self.path));
        }
        if self.tenant.as_deref() != call.header(TENANT_HEADER) {
            let shown = |tenant: Option<&str>| tenant.map_or("none".to_owned(), |tenant| format!("{tenant:?}"));
            let [tenant, recorded] = [call.header(TENANT_HEADER), self.tenant.as_deref()].map(shown);
            found.push(format!("the tenant is {tenant}, not {recorded}"));
        }
        if let (Some(recorded), Some(preset)) = (&self.preset, &call.named)
            && recorded != preset
        {
            let shown = |name: &str| match name {
                "" => "unchecked PromQL".to_owned(),
                name => format!("the preset {name}"),
            };
            found.push(format!("{}, not {}", shown(preset), shown(recorded)));
        }
        let is_compared = |(name, _): &&(String, String)| !TIMES.contains(&name.as_str());
        let mut left: Vec<_> = self.parameters.iter().filter(is_compared).collect();
        for parameter in call.parameters.iter().filter(is_compared) {
            match left.iter().position(|other| *other == parameter) {
                Some(at) => _ = left.remove(at),
                None => found.push(format!("{}: {:?}, which was not recorded", parameter.0, parameter.1)),
            }
        }
        found.extend(left.iter().map(|(name, value)| format!("{name}: {value:?} was recorded")));
        let length = |start: Option<Timestamp>, end: Option<Timestamp>| Some(end?.as_millis() - start?.as_millis());
        if let Some(range) = call.range() {
            let step = i64::try_from(range.step_duration().as_millis()).unwrap_or(i64::MAX);
            let recorded = length(self.time("start"), self.time("end"));
            let length = length(Some(range.start()), Some(range.end()));
            // An aligned range may be a step longer or shorter.
            if recorded.zip(length).is_none_or(|(recorded, length)| (recorded - length).abs() > step) {
                found.push("a range of another length".to_owned());
            }
        }
        found
    }

    /// The body, with the times of a result moved to those of a request.
    fn body_for(&self, call: &Call) -> Body {
        let times = match call.endpoint {
            Endpoint::Query => {
                (Some(self.time("time").unwrap_or(self.at)), Some(call.time().unwrap_or_else(Timestamp::now)))
            }
            Endpoint::QueryRange => (self.time("start"), call.timestamp("start")),
            _ => (None, None),
        };
        let (Body::Json(mut body), (Some(recorded), Some(requested))) = (self.body.clone(), times) else {
            return self.body.clone();
        };
        let by = requested.as_millis() - recorded.as_millis();
        let end = call.timestamp("end").map_or(i64::MAX, Timestamp::as_millis);
        if by != 0 || end != i64::MAX {
            move_times(&mut body["data"]["result"], by, end);
        }
        Body::Json(body)
    }

    fn response(&self, body: Body) -> MockResponse {
        let body = match body {
            Body::Json(body) => body.to_string(),
            Body::Text(text) => text,
        };
        let response = MockResponse::http(self.status, "application/json", body);
        self.headers.iter().fold(response, |response, (name, value)| response.header(name, value))
    }

    fn to_json(&self) -> Value {
        let object = |pairs: &[(String, String)]| -> Value {
            let mut object = Map::new();
            for (name, value) in pairs {
                match object.get_mut(name) {
                    // A parameter may occur several times.
                    Some(Value::Array(values)) => values.push(json!(value)),
                    _ => _ = object.insert(name.clone(), json!([value])),
                }
            }
            for value in object.values_mut() {
                if let Some([single]) = value.as_array().map(Vec::as_slice) {
                    *value = single.clone();
                }
            }
            object.into()
        };
        let body = match &self.body {
            Body::Json(body) => ("json", body.clone()),
            Body::Text(text) => ("text", json!(text)),
        };
        let at = self.at.to_string();
        let mut request = json!({ "path": self.path, "parameters": object(&self.parameters), "at": at });
        if let Some(tenant) = &self.tenant {
            request["tenant"] = json!(tenant);
        }
        if let Some(preset) = &self.preset {
            request["preset"] = json!(preset);
        }
        json!({
            "request": request,
            "response": { "status": self.status, "headers": object(&self.headers), body.0: body.1 },
        })
    }

    fn from_json(json: &Value) -> Option<Self> {
        let (request, response) = (&json["request"], &json["response"]);
        let pairs = |object: &Value| -> Option<Vec<(String, String)>> {
            let mut pairs = Vec::new();
            for (name, value) in object.as_object()? {
                let single = std::slice::from_ref(value);
                for value in value.as_array().map_or(single, Vec::as_slice) {
                    pairs.push((name.clone(), value.as_str()?.to_owned()));
                }
            }
            Some(pairs)
        };
        let text = response["text"].as_str().map(|text| Body::Text(text.to_owned()));
        Some(Self {
            at: request["at"].as_str()?.parse().ok()?,
            path: request["path"].as_str()?.to_owned(),
            parameters: pairs(&request["parameters"])?,
            tenant: request["tenant"].as_str().map(str::to_owned),
            preset: request["preset"].as_str().map(str::to_owned),
            status: u16::try_from(response["status"].as_u64()?).ok()?,
            headers: pairs(&response["headers"])?,
            body: text.or_else(|| Some(Body::Json(response.get("json")?.clone())))?,
            is_used: false,
        })
    }
}

/// Moves the times of a result, and removes samples after the end of the range.
fn move_times(result: &mut Value, by: i64, end: i64) {
    let moved = |sample: &Value| millis(sample).map(|time| time.saturating_add(by));
    let move_one = |sample: &mut Value| {
        if let Some(time) = moved(sample) {
            sample[0] = crate::response::seconds(time);
        }
    };
    // A scalar or a string.
    if millis(result).is_some() {
        return move_one(result);
    }
    for series in result.as_array_mut().into_iter().flatten() {
        for name in ["value", "histogram"] {
            if let Some(sample) = series.get_mut(name) {
                move_one(sample);
            }
        }
        for name in ["values", "histograms"] {
            if let Some(samples) = series.get_mut(name).and_then(Value::as_array_mut) {
                samples.retain(|sample| moved(sample).is_none_or(|time| time <= end));
                samples.iter_mut().for_each(move_one);
            }
        }
    }
}

/// The time of a sample, in milliseconds.
#[expect(clippy::cast_possible_truncation, reason = "times of samples")]
fn millis(sample: &Value) -> Option<i64> {
    sample.get(0)?.as_f64().map(|seconds| (seconds * 1000.0).round() as i64)
}

/// Writes JSON with short values, such as a sample, on one line.
fn pretty(out: &mut String, value: &Value, depth: usize) {
    let compact = value.to_string();
    let indent = |out: &mut String, depth| out.extend(std::iter::repeat_n("  ", depth));
    match value {
        Value::Array(items) if compact.len() > 100 => {
            out.push_str("[\n");
            for (at, item) in items.iter().enumerate() {
                indent(out, depth + 1);
                pretty(out, item, depth + 1);
                out.push_str(if at + 1 < items.len() { ",\n" } else { "\n" });
            }
            indent(out, depth);
            out.push(']');
        }
        Value::Object(fields) if compact.len() > 100 => {
            out.push_str("{\n");
            for (at, (name, field)) in fields.iter().enumerate() {
                indent(out, depth + 1);
                // Writing to a `String` cannot fail.
                let _ = write!(out, "{}: ", json!(name));
                pretty(out, field, depth + 1);
                out.push_str(if at + 1 < fields.len() { ",\n" } else { "\n" });
            }
            indent(out, depth);
            out.push('}');
        }
        _ => out.push_str(&compact),
    }
}
