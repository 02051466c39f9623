//! A call: its deadline, attempts, and end.

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use url::form_urlencoded::Serializer;

use crate::error::{ClosedConnection, Error, ErrorKind};
use crate::http::body::{Body, JsonReader};
use crate::http::observe::{Observer, within};
use crate::http::options::{Options, Parameter, PartialData};
use crate::http::transport::{EncodedParameters, HttpResponse, Target, Transport};
use crate::wire::{DecodeError, Decoder, Limits, Pool};

/// A boxed future that is `Send`.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Default timeout of a call.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The maximum time that the client waits longer than the server, so that the server's error for a timeout can arrive.
const MOST_GRACE: Duration = Duration::from_secs(1);

/// The time to wait for the body of a failed request.
const FAILURE_TIME: Duration = Duration::from_secs(2);

/// One request to the server, ready to be sent. It borrows nothing.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) transport: Arc<Transport>,
    /// Name of the endpoint in reports.
    pub(crate) endpoint: &'static str,
    pub(crate) target: Target,
    pub(crate) parameters: Vec<Parameter>,
    /// Whether the endpoint has the parameter `timeout`.
    pub(crate) tells_timeout: bool,
    /// Options of the call, with those of the client as defaults.
    pub(crate) options: Arc<Options>,
    /// The first invalid input.
    pub(crate) failure: Option<Box<ErrorKind>>,
    pub(crate) preset: Option<&'static str>,
    pub(crate) query: Option<String>,
    /// Deadline of all parts, if this call is one of several.
    pub(crate) deadline: Option<Deadline>,
    /// Counts the samples of several calls together.
    pub(crate) pool: Option<Arc<Pool>>,
    /// Default limit on the size of the response, in bytes.
    pub(crate) max_bytes: u64,
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
            target: Target { path: path.into(), get_only: false },
            parameters: Vec::new(),
            tells_timeout: true,
            options: Arc::clone(&transport.options),
            failure: None,
            preset: None,
            query: None,
            deadline: None,
            pool: None,
            max_bytes: Limits::default().max_bytes,
        }
    }

    /// Sets the default limit on the size of the response.
    pub(crate) fn at_most(self, max_bytes: u64) -> Self {
        Self { max_bytes, ..self }
    }

    /// Marks an endpoint that accepts neither `POST` nor a timeout.
    pub(crate) fn get_only(mut self) -> Self {
        self.target.get_only = true;
        self.tells_timeout = false;
        self
    }

    /// Sets the options of the call.
    pub(crate) fn with(mut self, options: Options) -> Self {
        if !options.is_empty() {
            let mut options = options.or(&self.transport.options);
            self.failure = options.failure.take().map(Box::new);
            self.options = Arc::new(options);
        }
        self
    }

    /// Whether the call or its client limits the number of series.
    pub(crate) fn is_limited(&self) -> bool {
        let mut parameters = self.parameters.iter().chain(&self.options.parameters);
        parameters.any(|(name, value)| name == "limit" && value != "0")
    }

    /// A copy of a valid call.
    pub(crate) fn part(&self) -> Self {
        Self {
            transport: Arc::clone(&self.transport),
            target: self.target.clone(),
            parameters: self.parameters.clone(),
            options: Arc::clone(&self.options),
            failure: None,
            query: self.query.clone(),
            pool: self.pool.clone(),
            ..*self
        }
    }

    /// Makes the call, reads the whole response, and converts it.
    pub(crate) fn read<S: JsonReader, T>(
        self,
        convert: impl FnOnce(S::Output) -> Result<T, ErrorKind>,
    ) -> impl Future<Output = Result<T, Error>> {
        let call = Box::new(self);
        async {
            let mut attempts = Attempts::new(call);
            let span = attempts.observer.span();
            let work = async {
                let result = match attempts.whole::<S>().await {
                    Ok(output) => convert(output).map_err(|failure| attempts.observer.error(failure)),
                    Err(error) => Err(error),
                };
                attempts.observer.end_with(result)
            };
            within(span, work).await
        }
    }

    /// Makes the call, and returns once a successful response has started.
    pub(crate) async fn open(self) -> Result<StartedCall, Error> {
        let mut attempts = Attempts::new(Box::new(self));
        let span = attempts.observer.span();
        let end = pin!(sleep_until(attempts.deadline.client));
        // The permit is for requests until their response begins: a caller that reads a stream slowly, or not at all, must
        // not keep others waiting.
        let begun = within(span, attempts.begin(end)).await.and_then(|(_permit, answer)| {
            let body = attempts.new_body(&answer).map_err(|failure| attempts.observer.error(failure))?;
            Ok((answer, body))
        });
        match begun {
            Ok((answer, body)) => {
                let Attempts { call, deadline, observer, .. } = attempts;
                Ok(StartedCall { answer, body, deadline, partial: call.options.partial.unwrap_or_default(), observer })
            }
            Err(error) => attempts.observer.end_with(Err(error)),
        }
    }

    /// Makes a call whose response is a line of text. A page, such as a login page, is an error.
    pub(crate) async fn text(self) -> Result<(), Error> {
        let mut attempts = Attempts::new(Box::new(self));
        let span = attempts.observer.span();
        let work = async {
            let mut end = pin!(sleep_until(attempts.deadline.client));
            let result = match attempts.begin(end.as_mut()).await {
                Ok((_permit, mut answer)) => {
                    let (moved, status) = (answer.moved, answer.status);
                    let elsewhere = || ErrorKind::Http { status, body: "a redirect led to another page".to_owned() };
                    let is_text = |body: &str| !moved && !body.starts_with('<');
                    let result = match attempts.body::<Decoder>(&mut answer, end).await {
                        Err(ErrorKind::Http { ref body, .. }) if is_text(body) => Ok(()),
                        // JSON, whatever it contains.
                        Ok(_)
                        | Err(ErrorKind::Decode(DecodeError::MissingField { .. } | DecodeError::Unexpected { .. })) => {
                            if moved {
                                Err(elsewhere())
                            } else {
                                Ok(())
                            }
                        }
                        Err(failure) => Err(failure),
                    };
                    match result {
                        Ok(()) => Ok(()),
                        Err(failure) => {
                            let error = attempts.observer.error(failure);
                            Err(attempts.last(error))
                        }
                    }
                }
                Err(error) => Err(error),
            };
            attempts.observer.end_with(result)
        };
        within(span, work).await
    }
}

/// A call whose response has started.
pub(crate) struct StartedCall {
    pub(crate) answer: HttpResponse,
    pub(crate) body: Body<Decoder>,
    pub(crate) deadline: Deadline,
    pub(crate) partial: PartialData,
    pub(crate) observer: Observer,
}

/// Runs some work until a deadline, and returns `None` if it is late. A call has a single timer, since timers have a cost.
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

/// The attempts of a call.
struct Attempts {
    /// Boxed, since large futures are slow to allocate.
    call: Box<Call>,
    question: EncodedParameters,
    deadline: Deadline,
    observer: Observer,
    /// Why the last attempt failed, if it is not the first.
    last_failure: Option<Error>,
    /// Whether the request was repeated because the server had closed the connection.
    is_repeated: bool,
}

impl Attempts {
    fn new(mut call: Box<Call>) -> Self {
        let transport = &call.transport;
        transport.budget.earn();
        let options = &call.options;
        let start = Instant::now();
        let observer = Observer::start(transport, options, call.endpoint, call.preset, call.query.take(), start);
        let deadline = call.deadline.unwrap_or_else(|| Deadline::after(options.timeout, start));
        let mut form = Serializer::new(String::with_capacity(256));
        form.extend_pairs(&call.parameters);
        if let Some(query) = observer.query() {
            form.append_pair("query", query);
        }
        if let Some(conflict) = options.conflict(&call.parameters) {
            call.failure.get_or_insert(Box::new(conflict));
        }
        // If a parameter is sent twice, some methods use the first value and others the last.
        let is_set = |name: &str| call.parameters.iter().any(|(setter, _)| setter == name);
        let (in_url, in_form): (Vec<_>, Vec<_>) = options
            .sent()
            .filter(|(name, _)| !is_set(name))
            .partition(|(name, _)| transport.in_url.iter().any(|other| other == name));
        form.extend_pairs(in_form);
        let in_url = Serializer::new(String::new()).extend_pairs(in_url).finish();
        Self {
            question: EncodedParameters {
                in_url,
                form: form.finish(),
                deadline: call.tells_timeout.then_some(deadline.server),
            },
            deadline,
            observer,
            last_failure: None,
            is_repeated: false,
            call,
        }
    }

    /// Makes attempts until a response is complete.
    async fn whole<S: JsonReader>(&mut self) -> Result<S::Output, Error> {
        let mut end = pin!(sleep_until(self.deadline.client));
        loop {
            let failure = {
                // The permit is released with the response.
                let (_permit, mut answer) = self.begin(end.as_mut()).await?;
                match self.body::<S>(&mut answer, end.as_mut()).await {
                    Ok(output) => return Ok(output),
                    Err(failure) => failure,
                }
            };
            self.pause(failure).await?;
        }
    }

    /// Makes attempts until a successful response starts.
    async fn begin(&mut self, mut end: Pin<&mut Sleep>) -> Result<(OwnedSemaphorePermit, HttpResponse), Error> {
        if let Some(failure) = self.call.failure.take() {
            return Err(self.observer.error(*failure));
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
        let permits = || Arc::clone(&self.call.transport.permits);
        let permit = match permits().try_acquire_owned() {
            Ok(permit) => Some(Ok(permit)),
            Err(_) => until_deadline(end.as_mut(), pin!(permits().acquire_owned())).await,
        };
        let Some(Ok(permit)) = permit else {
            let why = "as many calls as the client may make at once take too long";
            return Err(ErrorKind::Timeout(Some(Box::<dyn std::error::Error + Send + Sync>::from(why).into())));
        };
        let mut answer = until_deadline(end.as_mut(), pin!(self.send())).await;
        // A server can close an idle connection while a request is sent on it. The request is then repeated once,
        // immediately, and without using a retry.
        if let Some(Err(ErrorKind::Transport(source))) = &answer
            && source.is::<ClosedConnection>()
            && !std::mem::replace(&mut self.is_repeated, true)
        {
            answer = until_deadline(end.as_mut(), pin!(self.send())).await;
        }
        let mut answer = answer.unwrap_or(Err(ErrorKind::Timeout(None)))?;
        self.observer.retry_after = answer.retry_after;
        if answer.is_success() {
            return Ok((permit, answer));
        }
        let status = answer.status;
        end.as_mut().reset(self.deadline.client.min(Instant::now() + FAILURE_TIME));
        // Boxed, since this is rare and would make every future larger.
        let failure = Box::pin(self.body::<Decoder>(&mut answer, end.as_mut())).await.err();
        end.reset(self.deadline.client);
        Err(failure.unwrap_or(ErrorKind::Http { status, body: String::new() }))
    }

    fn send(&self) -> impl Future<Output = Result<HttpResponse, ErrorKind>> {
        let Call { transport, target, options, .. } = &*self.call;
        transport.send(target, &self.question, &options.headers)
    }

    fn new_body<S: JsonReader>(&self, answer: &HttpResponse) -> Result<Body<S>, ErrorKind> {
        let limits = self.call.options.limits(self.call.max_bytes);
        let mut body = Body::<S>::new(answer.status, answer.encoding.as_deref(), limits)?;
        if let Some(pool) = &self.call.pool {
            body.sink().share(Arc::clone(pool));
        }
        if self.call.is_limited() {
            body.set_limited();
        }
        Ok(body)
    }

    async fn body<S: JsonReader>(
        &mut self,
        answer: &mut HttpResponse,
        end: Pin<&mut Sleep>,
    ) -> Result<S::Output, ErrorKind> {
        let mut body = self.new_body::<S>(answer)?;
        let arrive = async {
            while let Some(chunk) = answer.chunk().await? {
                self.observer.bytes += chunk.len() as u64;
                for piece in chunk.chunks(body.piece()) {
                    body.push(piece)?;
                    if body.is_turn_over() {
                        tokio::task::yield_now().await;
                    }
                }
            }
            Ok(())
        };
        let arrived = until_deadline(end, pin!(arrive)).await.unwrap_or(Err(ErrorKind::Timeout(None)));
        // The status of a failed request is more informative than an incomplete body.
        if answer.is_success() {
            arrived?;
        }
        let mut result = body.finish(self.call.options.partial.unwrap_or_default());
        if let Ok(output) = &mut result {
            self.observer.attach_context(S::meta(output));
        }
        if matches!(result, Ok(_) | Err(ErrorKind::Server { .. } | ErrorKind::PartialData { .. })) {
            answer.confirm();
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
        let policy = self.call.options.retry.clone().unwrap_or_default();
        let now = Instant::now();
        let wait = policy.wait(&error, self.observer.retries);
        let wait = wait.filter(|wait| now.checked_add(*wait).is_some_and(|then| then < self.deadline.server));
        match wait.filter(|_| self.call.transport.budget.spend(now.into_std())) {
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
