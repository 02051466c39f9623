//! One call: its deadline, its retries, and its end.

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

/// A future that can be sent between threads.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// How long a call may take if nobody says.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// How much later than the server the client gives up at most, so that the server's own word on a timeout arrives.
const MOST_GRACE: Duration = Duration::from_secs(1);

/// How long to wait for what a server says about a request that failed, beyond its status.
const FAILURE_TIME: Duration = Duration::from_secs(2);

/// One request to the server, ready to be sent. It borrows nothing.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) transport: Arc<Transport>,
    /// For reports.
    pub(crate) endpoint: &'static str,
    pub(crate) target: Target,
    pub(crate) parameters: Vec<Parameter>,
    /// Whether the server takes a `timeout`.
    pub(crate) tells_timeout: bool,
    /// Of the call, and of the client what these leave open.
    pub(crate) options: Arc<Options>,
    /// The first input that was bad.
    pub(crate) failure: Option<Box<ErrorKind>>,
    pub(crate) preset: Option<&'static str>,
    pub(crate) query: Option<String>,
    /// When all must be over, if that is not for this call to say.
    pub(crate) deadline: Option<Deadline>,
    /// What counts the samples of several calls together.
    pub(crate) pool: Option<Arc<Pool>>,
    /// How long the answer may be if nobody says.
    pub(crate) max_bytes: u64,
}

/// When the server and when the client gives up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    server: Instant,
    pub(crate) client: Instant,
}

impl Deadline {
    pub(crate) fn after(timeout: Option<Duration>, start: Instant) -> Self {
        let timeout = timeout.unwrap_or(DEFAULT_TIMEOUT);
        // A year is forever.
        let later = |time: Duration| start + time.min(Duration::from_hours(24 * 365));
        let grace = (timeout / 10).clamp(Duration::from_millis(20), MOST_GRACE);
        Self { server: later(timeout), client: later(timeout.saturating_add(grace)) }
    }
}

impl Call {
    /// A call of an endpoint below `/api/v1/` or, without a name for it, of any path.
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

    /// A call whose answer is short, unless somebody says otherwise.
    pub(crate) fn at_most(self, max_bytes: u64) -> Self {
        Self { max_bytes, ..self }
    }

    /// An endpoint that takes neither `POST` nor a timeout.
    pub(crate) fn get_only(mut self) -> Self {
        self.target.get_only = true;
        self.tells_timeout = false;
        self
    }

    /// The same call with options of its own.
    pub(crate) fn with(mut self, options: Options) -> Self {
        if !options.is_empty() {
            let mut options = options.or(&self.transport.options);
            self.failure = options.failure.take().map(Box::new);
            self.options = Arc::new(options);
        }
        self
    }

    /// Whether the call, or its client, says how many series an answer may have.
    pub(crate) fn is_limited(&self) -> bool {
        let mut parameters = self.parameters.iter().chain(&self.options.parameters);
        parameters.any(|(name, value)| name == "limit" && value != "0")
    }

    /// A copy of a good call.
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

    /// Asks, reads the whole answer, and makes of it what the caller wants.
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

    /// Asks, and returns the answer once it has begun well.
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

    /// Asks where the answer is a line of text; a page for people, such as one to log in, is an error.
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

/// A call whose answer has begun to arrive.
pub(crate) struct StartedCall {
    pub(crate) answer: HttpResponse,
    pub(crate) body: Body<Decoder>,
    pub(crate) deadline: Deadline,
    pub(crate) partial: PartialData,
    pub(crate) observer: Observer,
}

/// What comes of some work before the end of its time; `None` if it is late. A call has one timer for all that it waits
/// for, as timers are not free.
fn until_deadline<T>(
    end: Pin<&mut Sleep>,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> impl Future<Output = Option<T>> {
    // The end comes also for work that uses up what tokio lets a task do at a stretch.
    let mut end = unconstrained(end);
    poll_fn(move |context| match work.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => Pin::new(&mut end).poll(context).map(|()| None),
    })
}

/// A call that is being made.
struct Attempts {
    /// In a box, as a future that is larger than what allocators have ready costs more than what it does.
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
        // Of a parameter that is sent twice, some methods would take the first value and others the last.
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

    /// Asks until a whole answer has come.
    async fn whole<S: JsonReader>(&mut self) -> Result<S::Output, Error> {
        let mut end = pin!(sleep_until(self.deadline.client));
        loop {
            let failure = {
                // The place is free only when the answer is gone.
                let (_permit, mut answer) = self.begin(end.as_mut()).await?;
                match self.body::<S>(&mut answer, end.as_mut()).await {
                    Ok(output) => return Ok(output),
                    Err(failure) => failure,
                }
            };
            self.pause(failure).await?;
        }
    }

    /// Asks until a good answer begins.
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
        // A place among the calls that are made at the same time.
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
        // A server may close an idle connection at the moment at which a request is sent on it. That is not a failure, so
        // the request is repeated once, at once, and without a retry.
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
        // In a box, as this is rare and would make every call larger.
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
        // If the request failed, its status says more than a body that broke.
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

    /// The error of the last attempt, which also says why the one before it failed.
    fn last(&mut self, error: Error) -> Error {
        match self.last_failure.take() {
            Some(before) => error.after(before),
            None => error,
        }
    }

    /// Waits until it is time for a retry; if there is none, the failure comes back.
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
