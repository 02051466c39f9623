//! The endpoints.

use std::collections::BTreeMap;
use std::future::{IntoFuture, poll_fn};
use std::pin::Pin;
use std::sync::Arc;

use axum::body::{Bytes, HttpBody};
use axum::extract::{FromRequestParts, RawPathParams, RawQuery, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{Router, any, get, post};
use promql_presets::{
    Error, InstantQuery, LabelNames, LabelValues, MetricQuerier, PresetMetadata, PrometheusClient, Querier, RangeQuery,
    Timestamp,
};

use crate::catalogue::{Entry, etag, is_known};
use crate::guard::Access;
use crate::presets::{Found, Source};
use crate::problem::Problem;
use crate::request::Body;
use crate::response;

/// The state that all requests share.
pub(crate) struct Service {
    pub(crate) client: PrometheusClient,
    pub(crate) source: Source,
    pub(crate) is_verbose: bool,
    /// The largest body that is read, in bytes.
    pub(crate) max_body: usize,
}

/// The parameters of a path. Invalid UTF-8 is a [`Problem`].
struct Names(RawPathParams);

impl<S: Send + Sync> FromRequestParts<S> for Names {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let names = RawPathParams::from_request_parts(parts, state).await;
        names.map(Self).map_err(|error| Problem::new(error.status(), error.body_text()))
    }
}

/// A parameter of a path. Routers around this one can have some of their own.
fn parameter<'a>(names: &'a RawPathParams, wanted: &str) -> &'a str {
    names.iter().filter(|(name, _)| *name == wanted).last().map_or("", |(_, value)| value)
}

/// The fields of all queries.
const QUERY: [&str; 6] = ["metric", "labels", "group_by", "window", "parameters", "format"];

/// The fields of instant queries, and those of range queries.
const INSTANT: [&str; 1] = ["time"];
const RANGE: [&str; 4] = ["start", "end", "step", "aligned"];

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(service: Service) -> Router<S> {
    let mut routes = Router::new()
        .route("/presets", get(catalogue))
        .route("/presets/{preset}/query", post(query))
        .route("/presets/{preset}/query_range", post(query_range))
        .route("/presets/{preset}/labels", get(label_names))
        .route("/presets/{preset}/labels/{label}/values", get(label_values));
    // Not as the router's fallback, which would apply to all paths of a router that this one is merged into.
    for path in ["/presets/", "/presets/{preset}", "/presets/{preset}/", "/presets/{preset}/{*path}"] {
        routes = routes.route(path, any(unknown_path));
    }
    if matches!(service.source, Source::Live(..)) {
        routes = routes.route("/presets/{preset}/render", post(render));
    }
    let refused = async || Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this method is not allowed here");
    routes.method_not_allowed_fallback(refused).with_state(Arc::new(service))
}

async fn unknown_path() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no such endpoint")
}

impl Service {
    /// Passes the preset of a path to a function.
    fn read<T>(&self, names: &RawPathParams, read: impl FnOnce(Found<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
        self.source.read(parameter(names, "preset"), read)
    }

    /// What the caller may see of the preset of a path.
    fn access(&self, names: &RawPathParams, caller: &Parts) -> Result<Access, Problem> {
        self.read(names, |preset| {
            let mut access = self.source.access(caller, preset)?;
            access.check_preset(&preset)?;
            access.normalize(&preset);
            Ok(access)
        })
    }

    /// What the caller of a request with a body of JSON may see, and the body.
    async fn receive(&self, names: &RawPathParams, request: Request) -> Result<(Access, Bytes), Problem> {
        let (caller, body) = request.into_parts();
        let access = self.access(names, &caller)?;
        Ok((access, read_body(&caller, body, self.max_body).await?))
    }

    fn problem(&self, error: Error, querier: &Querier) -> Problem {
        let is_filter = |label: &str| querier.labels().iter().any(|matcher| matcher.label() == label);
        Problem::of_call(error, is_filter, self.is_verbose)
    }
}

async fn catalogue(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let (caller, _) = request.into_parts();
    let (mut body, mut last) = (br#"{"presets":["#.to_vec(), Ok(()));
    let start = body.len();
    service.source.each(|preset| match service.source.access(&caller, preset) {
        Ok(access) if access.check_preset(&preset).is_ok() => {
            if body.len() > start {
                body.push(b',');
            }
            response::write(&mut body, &Entry { preset: &preset, access });
        }
        Err(refusal) if refusal.is_final() => last = Err(refusal),
        _ => {}
    });
    last?;
    body.extend_from_slice(b"]}");
    let etag = etag(&body);
    let is_known = |tags: &HeaderValue| tags.to_str().is_ok_and(|tags| is_known(tags, &etag));
    let mut response = if caller.headers.get_all(IF_NONE_MATCH).iter().any(is_known) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        response::respond(body.into())
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        response.headers_mut().insert(ETAG, etag);
    }
    Ok(response)
}

async fn query(
    State(service): State<Arc<Service>>,
    Names(names): Names,
    request: Request,
) -> Result<Response, Problem> {
    let (mut access, json) = service.receive(&names, request).await?;
    let mut body = Body::read(&json, &[&QUERY, &INSTANT])?;
    let (querier, format, time) = (body.querier()?, body.format(), body.time());
    let client = access.limit(&service.client);
    let query = service.read(&names, |preset| {
        Ok(match preset {
            Found::Constant(preset) => {
                let query = client.query(body.preset(preset, &access, None)?, &querier);
                let query = query.when_some(body.window(), InstantQuery::window);
                query.when_some(time, InstantQuery::at).when_some(access.series(), InstantQuery::limit).into_future()
            }
            Found::Live(preset) => {
                let promql = body.render(preset, &querier, &access, None)?;
                let query = client.raw_query(promql).result_type(preset.result).when_some(time, InstantQuery::at);
                query.when_some(access.series(), InstantQuery::limit).into_future()
            }
        })
    })?;
    let response = async { response::data(query.await?, format).await };
    response.await.map_err(|error| service.problem(error, &querier))
}

async fn query_range(
    State(service): State<Arc<Service>>,
    Names(names): Names,
    request: Request,
) -> Result<Response, Problem> {
    let (mut access, json) = service.receive(&names, request).await?;
    let mut body = Body::read(&json, &[&QUERY, &RANGE])?;
    let (querier, format, range) = (body.querier()?, body.format(), body.range(&access)?);
    let client = access.limit(&service.client);
    let query = service.read(&names, |preset| {
        Ok(match preset {
            Found::Constant(preset) => {
                let query = client.query_range(body.preset(preset, &access, Some(&range))?, &querier, range);
                let query = query.when_some(body.window(), RangeQuery::window);
                query.when_some(access.series(), RangeQuery::limit).stream().into_future()
            }
            Found::Live(preset) => {
                let query = client.raw_query_range(body.render(preset, &querier, &access, Some(&range))?, range);
                query.when_some(access.series(), RangeQuery::limit).stream().into_future()
            }
        })
    })?;
    let response = async { response::stream(query.await?, format).await };
    response.await.map_err(|error| service.problem(error, &querier))
}

async fn render(
    State(service): State<Arc<Service>>,
    Names(names): Names,
    request: Request,
) -> Result<Response, Problem> {
    let (access, json) = service.receive(&names, request).await?;
    let mut body = Body::read(&json, &[&QUERY, &INSTANT, &RANGE])?;
    let querier = body.querier()?;
    let query = service.read(&names, |preset| body.render(&preset, &querier, &access, None))?;
    Ok(response::json(&BTreeMap::from([("query", query)])))
}

async fn label_names(
    State(service): State<Arc<Service>>,
    Names(names): Names,
    RawQuery(parameters): RawQuery,
    request: Request,
) -> Result<Response, Problem> {
    let (caller, _) = request.into_parts();
    let mut access = service.access(&names, &caller)?;
    let scope = service.read(&names, |preset| match preset.labels {
        Some(_) => Err(Problem::new(StatusCode::NOT_FOUND, "the labels of the preset are in the catalogue")),
        None => Scope::read(&preset, parameters.as_deref().unwrap_or_default())?.within(&access),
    })?;
    let labels = access.limit(&service.client).labels();
    let labels = scope.queriers.iter().fold(labels, |labels, querier| labels.matching(querier));
    let labels = labels.when_some(scope.start, LabelNames::start).when_some(scope.end, LabelNames::end);
    match labels.when_some(scope.limit, LabelNames::limit).await {
        Ok(labels) => Ok(response::json(&labels)),
        Err(error) => Err(service.problem(error, &Querier::default())),
    }
}

async fn label_values(
    State(service): State<Arc<Service>>,
    Names(names): Names,
    RawQuery(parameters): RawQuery,
    request: Request,
) -> Result<Response, Problem> {
    let (caller, _) = request.into_parts();
    let mut access = service.access(&names, &caller)?;
    let label = parameter(&names, "label");
    let scope = service.read(&names, |preset| {
        let parameters = parameters.as_deref().unwrap_or_default();
        let needs_metric = preset.metric.is_none() && preset.takes_metric_name();
        if label == "__name__" && matches!(preset, Found::Live(_)) && needs_metric {
            return Scope::of_all(&preset, parameters)?.within(&access);
        }
        let is_declared = preset.labels.is_none_or(|labels| labels.iter().any(|info| info.name == label));
        if !is_declared || label == "__name__" {
            return Err(Problem::new(StatusCode::NOT_FOUND, "the preset has no label of this name"));
        }
        Scope::read(&preset, parameters)?.within(&access)
    })?;
    let values = access.limit(&service.client).label_values(label);
    let values = scope.queriers.iter().fold(values, |values, querier| values.matching(querier));
    let values = values.when_some(scope.start, LabelValues::start).when_some(scope.end, LabelValues::end);
    match values.when_some(scope.limit, LabelValues::limit).await {
        Ok(values) => Ok(response::json(&values)),
        Err(error) => Err(service.problem(error, &Querier::default())),
    }
}

/// The series whose labels are listed.
#[derive(Default)]
struct Scope {
    metric: String,
    /// The selectors of the preset. Empty, which selects all series, if some of them names no series.
    queriers: Vec<Querier>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    limit: Option<u64>,
}

impl Scope {
    /// The series that a preset reads.
    fn read(preset: &PresetMetadata<'_>, parameters: &str) -> Result<Self, Problem> {
        let scope = Self::of_all(preset, parameters)?;
        let metric = scope.metric.clone();
        if metric.is_empty() && preset.takes_metric_name() {
            return Err(Problem::field("metric", "the preset needs the name of a metric"));
        }
        Ok(Self { queriers: preset.series_of(&metric), ..scope })
    }

    /// The series of all metrics.
    fn of_all(preset: &PresetMetadata<'_>, parameters: &str) -> Result<Self, Problem> {
        let mut scope = Self { metric: preset.metric.unwrap_or_default().to_owned(), ..Self::default() };
        let time = |name: &str, value: &str| {
            Timestamp::try_from(value).map(Some).map_err(|error| Problem::field(name, error.to_string()))
        };
        let takes_metric = preset.metric.is_none() && preset.takes_metric_name();
        let mut names = Vec::new();
        for (name, value) in form_urlencoded::parse(parameters.as_bytes()) {
            // Other readers of the request could see another of the values.
            if names.contains(&name) {
                return Err(Problem::field(name, "duplicate parameter"));
            }
            match &*name {
                "metric" if takes_metric => scope.metric = value.into_owned(),
                "start" => scope.start = time(&name, &value)?,
                "end" => scope.end = time(&name, &value)?,
                "limit" => {
                    let limit = value.parse().map_err(|_| Problem::field("limit", "expected a whole number"))?;
                    scope.limit = Some(limit);
                }
                _ => {
                    let metric = if takes_metric { "`metric`, " } else { "" };
                    let detail = format!("unknown parameter, expected one of {metric}`start`, `end`, `limit`");
                    return Err(Problem::field(name, detail));
                }
            }
            names.push(name);
        }
        Ok(scope)
    }

    /// The part of the series that the caller may see.
    fn within(self, access: &Access) -> Result<Self, Problem> {
        Ok(Self { start: access.start(self.start, self.end)?, ..self })
    }
}

/// Reads a body of JSON. Without its content type, a form of another site could send one.
async fn read_body(caller: &Parts, mut body: axum::body::Body, most: usize) -> Result<Bytes, Problem> {
    let content_type = caller.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        let detail = "expected a body with the content type `application/json`";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let (mut first, mut more) = (Bytes::new(), Vec::new());
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the body cannot be read"))?;
        // Trailers are ignored.
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > most - first.len().max(more.len()) {
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"));
        }
        // Nearly all bodies have one part, which is not copied.
        if first.is_empty() {
            first = data;
        } else {
            if more.is_empty() {
                more.extend_from_slice(&first);
            }
            more.extend_from_slice(&data);
        }
    }
    Ok(if more.is_empty() { first } else { more.into() })
}
