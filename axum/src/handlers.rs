//! The endpoints.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, RawQuery, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{Router, get, post};
use promql_presets::{Error, InstantQuery, MetricQuerier, PresetInfo, Presets, PrometheusClient, Querier, RangeQuery};

use crate::catalogue::{Catalogue, Entry, etag, is_known};
use crate::guard::{Access, Guard, NO_PRESET};
use crate::output;
use crate::problem::Problem;
use crate::request::Body;

/// What all requests share.
pub(crate) struct Service {
    pub(crate) client: PrometheusClient,
    pub(crate) presets: Presets,
    pub(crate) guard: Box<dyn Guard>,
    pub(crate) is_verbose: bool,
}

/// The parameters of a path. Routers around this one can have some of their own.
type Names = Path<BTreeMap<String, String>>;

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(service: Service, max_body: usize) -> Router<S> {
    Router::new()
        .route("/presets", get(catalogue))
        .route("/presets/{preset}/query", post(query))
        .route("/presets/{preset}/query_range", post(query_range))
        .route("/presets/{preset}/labels/{label}/values", get(label_values))
        .layer(DefaultBodyLimit::max(max_body))
        .with_state(Arc::new(service))
}

impl Service {
    fn access(&self, caller: &Parts, preset: &'static PresetInfo) -> Result<Access, Problem> {
        let access = self.guard.access(caller, preset)?;
        access.check_preset(preset)?;
        Ok(access)
    }

    /// The preset of a path, and what the caller may see of it.
    fn find(&self, names: &Names, caller: &Parts) -> Result<(&'static PresetInfo, Access), Problem> {
        let found = names.get("preset").and_then(|name| self.presets.find(name));
        let preset = found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, NO_PRESET))?;
        Ok((preset, self.access(caller, preset)?))
    }

    fn problem(&self, error: Error, querier: &Querier) -> Problem {
        let is_filter = |label: &str| querier.labels().iter().any(|matcher| matcher.label() == label);
        Problem::of_call(error, is_filter, self.is_verbose)
    }
}

async fn catalogue(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let (caller, _) = request.into_parts();
    let mut entries = Vec::new();
    for preset in service.presets {
        match service.guard.access(&caller, preset) {
            Ok(access) if access.check_preset(preset).is_ok() => entries.push(Entry { preset, access }),
            Err(refusal) if refusal.is_final() => return Err(refusal.into()),
            _ => {}
        }
    }
    // Strings are always JSON.
    let body = serde_json::to_vec(&Catalogue(entries)).unwrap_or_default();
    let etag = etag(&body);
    let is_known = |tags: &HeaderValue| tags.to_str().is_ok_and(|tags| is_known(tags, &etag));
    let mut response = if caller.headers.get_all(IF_NONE_MATCH).iter().any(is_known) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        output::respond(body.into())
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        response.headers_mut().insert(ETAG, etag);
    }
    Ok(response)
}

async fn query(State(service): State<Arc<Service>>, names: Names, request: Request) -> Result<Response, Problem> {
    let (caller, body) = request.into_parts();
    let (preset, access) = service.find(&names, &caller)?;
    let json = read_body(Request::from_parts(caller, body)).await?;
    let body = Body::read(&json, &["metric", "labels", "group_by", "window", "parameters", "time", "format"])?;
    let (querier, window, format) = (body.querier()?, body.window(&access)?, body.format()?);
    let query = access.limit(&service.client).query(body.preset(preset)?, &querier).into_owned();
    let query = query.when_some(window, InstantQuery::window);
    let query = query.when_some(body.time()?, InstantQuery::at);
    match query.await {
        Ok(data) => Ok(output::data(&data, format)),
        Err(error) => Err(service.problem(error, &querier)),
    }
}

async fn query_range(State(service): State<Arc<Service>>, names: Names, request: Request) -> Result<Response, Problem> {
    let (caller, body) = request.into_parts();
    let (preset, access) = service.find(&names, &caller)?;
    let json = read_body(Request::from_parts(caller, body)).await?;
    let fields = ["metric", "labels", "group_by", "window", "parameters", "start", "end", "step", "aligned", "format"];
    let body = Body::read(&json, &fields)?;
    let (querier, window, format) = (body.querier()?, body.window(&access)?, body.format()?);
    let range = body.range(&access)?;
    let query = access.limit(&service.client).query_range(body.preset(preset)?, &querier, range).into_owned();
    let query = query.when_some(window, RangeQuery::window).stream();
    let response = async { output::stream(query.await?, format).await };
    response.await.map_err(|error| service.problem(error, &querier))
}

async fn label_values(
    State(service): State<Arc<Service>>,
    names: Names,
    RawQuery(parameters): RawQuery,
    request: Request,
) -> Result<Response, Problem> {
    let (caller, _) = request.into_parts();
    let (preset, access) = service.find(&names, &caller)?;
    let label = names.get("label").map_or("", String::as_str);
    let is_declared = preset.labels.is_none_or(|labels| labels.iter().any(|info| info.name == label));
    if !is_declared || label == "__name__" {
        return Err(Problem::new(StatusCode::NOT_FOUND, "the preset has no label of this name"));
    }
    let mut metric = preset.metric.unwrap_or_default().to_owned();
    let mut values = access.limit(&service.client).label_values(label);
    for (name, value) in form_urlencoded::parse(parameters.unwrap_or_default().as_bytes()) {
        values = match &*name {
            "metric" if preset.metric.is_none() && preset.takes_metric_name() => {
                metric = value.into_owned();
                values
            }
            "start" => values.start(&*value),
            "end" => values.end(&*value),
            "limit" => match value.parse() {
                Ok(limit) => values.limit(limit),
                Err(_) => return Err(Problem::field("limit", "expected a whole number")),
            },
            _ => return Err(Problem::field(name, "unknown parameter, expected one of `start`, `end`, `limit`")),
        };
    }
    if metric.is_empty() && preset.takes_metric_name() {
        return Err(Problem::field("metric", "the preset needs the name of a metric"));
    }
    let querier = Querier::new(metric.clone());
    let values = if metric.is_empty() { values } else { values.matching(&querier) };
    match values.await {
        Ok(values) => Ok(output::json(&values)),
        Err(error) => Err(service.problem(error, &querier)),
    }
}

/// Reads a body of JSON. Without its content type, a form of another site could send one.
async fn read_body(request: Request) -> Result<Bytes, Problem> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        let detail = "expected a body with the content type `application/json`";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
        status => Problem::new(status, "the body cannot be read"),
    })
}
