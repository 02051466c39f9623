//! A call: its deadline, attempts, and end.

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::error::{ClosedConnection, Error, ErrorKind, RangeError};
use crate::http::body::{BodyReader, BufferedJson, Decode, Json};
use crate::http::credentials::Secrets;
use crate::http::observe::{Observer, within};
use crate::http::options::{Options, Parameter};
use crate::http::request::Request;
use crate::http::transport::{HttpResponse, Transport, unusable};
use crate::value::{Meta, Response, Timestamp};
use crate::wire::{DecodeError, Decoder, Limits, Pool};

/// A boxed future that is `Send`.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// A call whose response is read, and the observer that reports how it ends.
type Read<T> = Pin<Box<dyn Future<Output = (Result<T, Error>, Observer)> + Send>>;

/// Default timeout of a call.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The maximum time that the client waits longer than the server, so that the server's error for a timeout can arrive.
const MOST_GRACE: Duration = Duration::from_secs(1);

/// The time to wait for the body of a failed request.
const FAILURE_TIME: Duration = Duration::from_secs(2);

/// A call of an endpoint, which setters complete until it is made. Invalid input is reported then.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) transport: Arc<Transport>,
    /// Name of the endpoint in reports.
    endpoint: &'static str,
    /// Path below the base URL, escaped.
    path: Cow<'static, str>,
    /// Whether the endpoint does not accept `POST`.
    pub(crate) get_only: bool,
    /// Whether the endpoint has the parameter `timeout`.
    takes_timeout: bool,
    /// The parameters that have setters.
    pub(crate) parameters: Vec<Parameter>,
    /// Options of the call, without those of the client.
    pub(crate) options: Options,
    pub(crate) preset: Option<&'static str>,
    pub(crate) query: Option<String>,
    /// Deadline of all parts, if this call is one of several.
    pub(crate) deadline: Option<Deadline>,
    /// Counts the samples of several calls together.
    pub(crate) pool: Option<Arc<Pool>>,
    /// Default limit on the size of the response, in bytes.
    max_bytes: u64,
}

/// The deadlines of the server and of the client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    server: Instant,
    pub(crate) client: Instant,
}

impl Deadline {
    pub(crate) fn after(timeout: Option<Duration>, start: Instant) -> Self {
        let timeout = timeout.unwrap_or(DEFAULT_TIMEOUT);
        // A year is long enough, and does not overflow.
        let later = |time: Duration| start + time.min(Duration::from_hours(24 * 365));
        let grace = (timeout / 10).clamp(Duration::from_millis(20), MOST_GRACE);
        Self { server: later(timeout), client: later(timeout.saturating_add(grace)) }
    }
}

impl Call {
    /// Creates a call of an endpoint.
    pub(crate) fn new(transport: &Arc<Transport>, endpoint: &'static str, path: impl Into<Cow<'static, str>>) -> Self {
        Self {
            transport: Arc::clone(transport),
            endpoint,
            path: path.into(),
            get_only: false,
            takes_timeout: true,
            parameters: Vec::new(),
            options: Options::default(),
            preset: None,
            query: None,
            deadline: None,
            pool: None,
            max_bytes: Limits::default().max_bytes,
        }
    }

    /// Sets the default limit on the size of the response.
    pub(crate) fn with_max_bytes(self, max_bytes: u64) -> Self {
        Self { max_bytes, ..self }
    }

    /// Marks an endpoint that accepts neither `POST` nor a timeout.
    pub(crate) fn get_only(self) -> Self {
        Self { get_only: true, takes_timeout: false, ..self }
    }

    /// Sets a parameter, replacing an earlier value.
    pub(crate) fn parameter(&mut self, name: &'static str, value: impl Into<String>) {
        self.parameters.retain(|(other, _)| *other != name);
        self.parameters.push((name.into(), value.into()));
    }

    /// Sets a parameter to a point in time.
    pub(crate) fn time<T: TryInto<Timestamp, Error: Into<RangeError>>>(&mut self, name: &'static str, time: T) {
        let time = time.try_into().map_err(Into::into);
        match time.and_then(|time| RangeError::check_unit(time).map(|()| time)) {
            Ok(time) => self.parameter(name, time.to_unix_seconds()),
            Err(error) => self.options.fail(error.into()),
        }
    }

    /// Whether the call or its client limits the number of series.
    pub(crate) fn is_limited(&self) -> bool {
        let lists = [&self.parameters, &self.options.parameters, &self.transport.options.parameters];
        let limit = lists.into_iter().find_map(|list| list.iter().find(|(name, _)| name == "limit"));
        limit.is_some_and(|(_, value)| value != "0")
    }

    /// Adds the options of the client, so that `options` has the first invalid input.
    pub(crate) fn merge_options(&mut self) {
        if let Some(error) = self.transport.scope.error_of_call(&self.options, &self.parameters) {
            self.options.failure = Some(error);
        }
        let own = std::mem::take(&mut self.options);
        self.options = own.or(&self.transport.options, &self.parameters);
    }

    /// The options of the call, with those of the client as defaults.
    fn all_options(&mut self) -> Arc<Options> {
        let defaults = &self.transport.options;
        let is_set = |(name, _): &Parameter| self.parameters.iter().any(|(other, _)| other == name);
        if self.options.is_empty() && !defaults.parameters.iter().any(is_set) {
            return Arc::clone(defaults);
        }
        self.merge_options();
        Arc::new(std::mem::take(&mut self.options))
    }

    /// Makes the call of a query, reads the whole response, and converts it.
    pub(crate) fn query<T>(
        self,
        convert: impl FnOnce(Response) -> Result<T, ErrorKind>,
    ) -> impl Future<Output = Result<T, Error>> {
        converted(self.read_query(), convert)
    }

    /// Makes the call of another endpoint, reads the whole response, and converts it.
    pub(crate) fn json<D: DeserializeOwned, T>(
        self,
        convert: impl FnOnce(D, Meta) -> Result<T, ErrorKind>,
    ) -> impl Future<Output = Result<T, Error>> {
        converted(self.read_json(), |json: Json| convert(json.data()?, json.meta))
    }

    // Boxed here, so that rustc proves once that these futures are `Send`, and not again in each generic function.
    fn read_query(self) -> Read<Response> {
        Box::pin(self.read::<Decoder>())
    }

    #[inline]
    fn read_json(self) -> Read<Json> {
        Box::pin(self.read::<BufferedJson>())
    }

    async fn read<D: Decode>(self) -> (Result<D::Output, Error>, Observer) {
        let mut attempts = Attempts::new(self);
        let span = attempts.observer.span();
        let result = within(span, attempts.whole::<D>()).await;
        (result, attempts.observer)
    }

    /// Makes the call, and returns once a successful response has started.
    #[inline]
    pub(crate) async fn open(self) -> Result<(Attempts, HttpResponse, BodyReader<Decoder>), Error> {
        let mut attempts = Attempts::new(self);
        let span = attempts.observer.span();
        let end = pin!(sleep_until(attempts.deadline.client));
        // The permit is for requests until their response begins: a caller that reads a stream slowly, or not at all,
        // must not keep others waiting.
        let begun = within(span, attempts.begin(end)).await.and_then(|(_permit, response)| {
            let body = attempts.new_body(&response).map_err(|failure| attempts.observer.error(failure))?;
            Ok((response, body))
        });
        match begun {
            Ok((response, body)) => Ok((attempts, response, body)),
            Err(error) => attempts.observer.end_with(Err(error)),
        }
    }

    /// Makes a call whose response is a line of text. A page of HTML or JSON, such as a login page, is an error.
    #[inline]
    pub(crate) async fn text(self) -> Result<(), Error> {
        let mut attempts = Attempts::new(self);
        let span = attempts.observer.span();
        let work = async {
            let result = attempts.text().await;
            attempts.observer.end_with(result)
        };
        within(span, work).await
    }
}

/// Converts what was read, and reports the end of the call.
async fn converted<D, T>(read: Read<D>, convert: impl FnOnce(D) -> Result<T, ErrorKind>) -> Result<T, Error> {
    let (read, mut observer) = read.await;
    let result = read.and_then(|read| convert(read).map_err(|failure| observer.error(failure)));
    observer.end_with(result)
}

/// Runs some work until a deadline, and returns `None` if it is late. A call has a single timer, since timers have a
/// cost.
fn until_deadline<T>(
    end: Pin<&mut Sleep>,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> impl Future<Output = Option<T>> {
    // Unconstrained, so that the deadline also ends work that uses up tokio's cooperative budget.
    let mut end = unconstrained(end);
    poll_fn(move |context| match work.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => Pin::new(&mut end).poll(context).map(|()| None),
    })
}

/// The attempts of a call that is being made, until one succeeds, or until its time or its retries are used up.
pub(crate) struct Attempts {
    transport: Arc<Transport>,
    request: Request,
    pub(crate) deadline: Deadline,
    pub(crate) observer: Observer,
    limits: Limits,
    pool: Option<Arc<Pool>>,
    is_limited: bool,
    /// Invalid input.
    failure: Option<ErrorKind>,
    /// Why the last attempt failed, if it is not the first.
    last_failure: Option<Error>,
    /// Whether the request was repeated because the server had closed the connection.
    is_repeated: bool,
}

impl Attempts {
    fn new(mut call: Call) -> Self {
        let is_limited = call.is_limited();
        let error = call.transport.scope.error_of_call(&call.options, &call.parameters);
        let options = call.all_options();
        let Call { transport, endpoint, preset, query, .. } = call;
        transport.budget.earn();
        let start = Instant::now();
        let deadline = call.deadline.unwrap_or_else(|| Deadline::after(options.timeout, start));
        let secrets: Option<Secrets> = transport.credentials.is_some().then(Arc::default);
        let mut observer = Observer::start(&transport.reports, &options, endpoint, preset, query, start);
        let server_deadline = call.takes_timeout.then_some(deadline.server);
        let parameters = (preset, &*call.parameters, observer.query());
        let failure = error.or_else(|| options.failure.clone());
        let limits = options.limits(call.max_bytes);
        let mut request =
            Request::new(call.path, call.get_only, options, parameters, &transport.in_url, server_deadline);
        request.secrets.clone_from(&secrets);
        observer.secrets = secrets;
        Self {
            transport,
            request,
            deadline,
            observer,
            limits,
            pool: call.pool,
            is_limited,
            failure,
            last_failure: None,
            is_repeated: false,
        }
    }

    /// Makes attempts until a response is complete.
    async fn whole<D: Decode>(&mut self) -> Result<D::Output, Error> {
        let mut end = pin!(sleep_until(self.deadline.client));
        loop {
            let failure = {
                // The permit is released with the response.
                let (_permit, mut response) = self.begin(end.as_mut()).await?;
                match self.body::<D>(&mut response, end.as_mut()).await {
                    Ok(output) => return Ok(output),
                    Err(failure) => failure,
                }
            };
            self.pause(failure).await?;
        }
    }

    /// Makes attempts until a response is complete, which must not be a page.
    #[inline]
    async fn text(&mut self) -> Result<(), Error> {
        let mut end = pin!(sleep_until(self.deadline.client));
        loop {
            let failure = {
                let (_permit, mut response) = self.begin(end.as_mut()).await?;
                let (moved, status) = (response.moved, response.status);
                match self.body::<Decoder>(&mut response, end.as_mut()).await {
                    Err(ErrorKind::Http { ref body, .. }) if !moved && !body.starts_with(['<', '{', '[']) => {
                        return Ok(());
                    }
                    // JSON of the form of a query's result.
                    Ok(_)
                    | Err(ErrorKind::Decode(DecodeError::MissingField { .. } | DecodeError::Unexpected { .. })) => {
                        unusable(status, "JSON instead of a line of text")
                    }
                    Err(failure) => failure,
                }
            };
            self.pause(failure).await?;
        }
    }

    /// Makes attempts until a successful response starts.
    async fn begin(&mut self, mut end: Pin<&mut Sleep>) -> Result<(OwnedSemaphorePermit, HttpResponse), Error> {
        if let Some(failure) = self.failure.take() {
            return Err(self.observer.error(failure));
        }
        loop {
            match self.attempt(end.as_mut()).await {
                Ok(begun) => return Ok(begun),
                Err(failure) => self.pause(failure).await?,
            }
        }
    }

    async fn attempt(&mut self, mut end: Pin<&mut Sleep>) -> Result<(OwnedSemaphorePermit, HttpResponse), ErrorKind> {
        self.observer.retry_after = None;
        // Limits the number of concurrent calls.
        let permits = || Arc::clone(&self.transport.permits);
        let permit = match permits().try_acquire_owned() {
            Ok(permit) => Some(Ok(permit)),
            Err(_) => until_deadline(end.as_mut(), pin!(permits().acquire_owned())).await,
        };
        let Some(Ok(permit)) = permit else {
            let why = "timed out while waiting for other calls to finish (`max_concurrent`)";
            return Err(ErrorKind::Timeout(Some(Box::<dyn std::error::Error + Send + Sync>::from(why).into())));
        };
        let may_be_idle = self.transport.has_responded.load(Ordering::Relaxed);
        let mut response = until_deadline(end.as_mut(), pin!(self.transport.send(&self.request))).await;
        // A server can close an idle connection while a request is sent on it. The request is then repeated once,
        // immediately, and without using a retry.
        if let Some(Err(ErrorKind::Transport(source))) = &response
            && may_be_idle
            && source.is::<ClosedConnection>()
            && !std::mem::replace(&mut self.is_repeated, true)
        {
            response = until_deadline(end.as_mut(), pin!(self.transport.send(&self.request))).await;
        }
        let mut response = response.unwrap_or(Err(ErrorKind::Timeout(None)))?;
        self.observer.retry_after = response.retry_after;
        if response.is_success() {
            return Ok((permit, response));
        }
        let status = response.status;
        end.as_mut().reset(self.deadline.client.min(Instant::now() + FAILURE_TIME));
        // Boxed, since this is rare and would make every future larger.
        let failure = Box::pin(self.body::<Decoder>(&mut response, end.as_mut())).await.err();
        end.reset(self.deadline.client);
        Err(failure.unwrap_or(ErrorKind::Http { status, body: String::new() }))
    }

    fn new_body<D: Decode>(&self, response: &HttpResponse) -> Result<BodyReader<D>, ErrorKind> {
        let mut body = BodyReader::<D>::new(response.status, response.encoding.as_deref(), self.limits)?;
        body.partial = self.request.options.partial.unwrap_or_default();
        body.is_limited = self.is_limited;
        if let Some(pool) = &self.pool {
            body.decoder.share(Arc::clone(pool));
        }
        Ok(body)
    }

    async fn body<D: Decode>(
        &mut self,
        response: &mut HttpResponse,
        end: Pin<&mut Sleep>,
    ) -> Result<D::Output, ErrorKind> {
        let mut body = self.new_body::<D>(response)?;
        let arrive = async {
            while let Some(chunk) = response.chunk().await? {
                self.observer.bytes += chunk.len() as u64;
                for piece in chunk.chunks(body.piece()) {
                    body.push(piece)?;
                    if body.should_yield() {
                        tokio::task::yield_now().await;
                    }
                }
            }
            Ok(())
        };
        let arrived = until_deadline(end, pin!(arrive)).await.unwrap_or(Err(ErrorKind::Timeout(None)));
        // The status of a failed request is more informative than an incomplete body.
        if response.is_success() {
            arrived?;
        }
        let mut result = body.finish();
        if let Ok(output) = &mut result {
            self.observer.attach_context(D::meta(output));
        }
        if matches!(result, Ok(_) | Err(ErrorKind::Server { .. } | ErrorKind::PartialData { .. })) {
            response.confirm();
        }
        result
    }

    /// The error of the last attempt, with the failure before it.
    fn last(&mut self, error: Error) -> Error {
        match self.last_failure.take() {
            Some(before) => error.after(before),
            None => error,
        }
    }

    /// Waits until the next retry, or returns the failure if there is none.
    async fn pause(&mut self, failure: ErrorKind) -> Result<(), Error> {
        let error = self.observer.error(failure);
        let policy = self.request.options.retry.clone().unwrap_or_default();
        let now = Instant::now();
        let wait = policy.wait(&error, self.observer.retries);
        let wait = wait.filter(|wait| now.checked_add(*wait).is_some_and(|then| then < self.deadline.server));
        match wait.filter(|_| self.transport.budget.spend(now.into_std())) {
            Some(wait) => {
                self.observer.retry(&error, wait);
                self.last_failure = Some(error);
                sleep(wait).await;
                Ok(())
            }
            None => Err(self.last(error)),
        }
    }
}
