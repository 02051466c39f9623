//! One call: its deadline, its retries, and its end.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, timeout_at};
use url::form_urlencoded::Serializer;

use crate::body::{Body, Content, Sink};
use crate::error::{Error, ErrorKind};
use crate::observe::{Watch, within};
use crate::options::{Options, Parameter, PartialData};
use crate::transport::{Answer, Target, Transport};
use crate::wire::{Decoder, Pool};

/// A future that can be sent between threads.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// How long a call may take if nobody says.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// How much later than the server the client gives up at most, so that the server's own word on a timeout arrives.
const MOST_GRACE: Duration = Duration::from_secs(1);

/// One question to the server, ready to be sent. It borrows nothing, so that a querier need not be `Sync`.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) transport: Arc<Transport>,
    /// For reports.
    pub(crate) endpoint: &'static str,
    pub(crate) target: Target,
    pub(crate) parameters: Vec<Parameter>,
    /// Whether the server takes a `timeout`.
    pub(crate) tells_timeout: bool,
    /// Of the call; the client's are added when it is sent.
    pub(crate) options: Options,
    pub(crate) preset: Option<&'static str>,
    pub(crate) query: Option<String>,
    /// When all must be over, if that is not for this call to say.
    pub(crate) deadline: Option<Deadline>,
    /// What counts the samples of several calls together.
    pub(crate) pool: Option<Arc<Pool>>,
}

/// When the server and when the client gives up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    server: Instant,
    pub(crate) client: Instant,
}

impl Deadline {
    pub(crate) fn after(timeout: Option<Duration>) -> Self {
        let timeout = timeout.unwrap_or(DEFAULT_TIMEOUT);
        let now = Instant::now();
        // A year is forever.
        let later = |time: Duration| now + time.min(Duration::from_hours(24 * 365));
        let grace = (timeout / 10).clamp(Duration::from_millis(20), MOST_GRACE);
        Self { server: later(timeout), client: later(timeout.saturating_add(grace)) }
    }

    /// How long the server may work, as a parameter: seconds with three decimals.
    fn left(&self) -> String {
        let millis = self.server.saturating_duration_since(Instant::now()).as_millis().max(1);
        format!("{}.{:03}", millis / 1000, millis % 1000)
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
            options: Options::default(),
            preset: None,
            query: None,
            deadline: None,
            pool: None,
        }
    }

    /// An endpoint that takes neither `POST` nor a timeout.
    pub(crate) fn get_only(mut self) -> Self {
        self.target.get_only = true;
        self.tells_timeout = false;
        self
    }

    /// The same call with what its client adds, so that it can be made in parts; the failure if there is no such call.
    pub(crate) fn settled(mut self) -> Result<Self, Error> {
        self.options = std::mem::take(&mut self.options).or(&self.transport.options);
        match self.options.failure.take() {
            Some(failure) => Err(Error::new(failure, self.preset, self.query, 0)),
            None => Ok(self),
        }
    }

    /// A copy of a settled call.
    pub(crate) fn part(&self) -> Self {
        Self {
            transport: Arc::clone(&self.transport),
            target: self.target.clone(),
            parameters: self.parameters.clone(),
            options: Options::default().or(&self.options),
            query: self.query.clone(),
            pool: self.pool.clone(),
            ..*self
        }
    }

    /// Asks, reads the whole answer, and makes of it what the caller wants.
    pub(crate) async fn read<S: Sink, T>(
        self,
        convert: impl FnOnce(S::Output) -> Result<T, ErrorKind>,
    ) -> Result<T, Error> {
        let mut run = Run::new(self);
        let span = run.watch.span();
        let work = async {
            let result = run.whole::<S>().await.and_then(convert).map_err(|failure| run.redacted(failure));
            run.watch.end_with(result)
        };
        within(span, work).await
    }

    /// Asks, and returns the answer once it has begun well.
    pub(crate) async fn open(self) -> Result<Open, Error> {
        let mut run = Run::new(self);
        let span = run.watch.span();
        match within(span, run.begin()).await {
            Ok((answer, permit)) => {
                let Run { call, deadline, watch, .. } = run;
                Ok(Open { answer, deadline, options: call.options, watch, permit })
            }
            Err(failure) => {
                let failure = run.redacted(failure);
                run.watch.end_with(Err(failure))
            }
        }
    }
}

/// A call whose answer has begun to arrive.
pub(crate) struct Open {
    pub(crate) answer: Answer,
    pub(crate) deadline: Deadline,
    pub(crate) options: Options,
    pub(crate) watch: Watch,
    /// Holds the place among those that are being made.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// A call that is being made.
struct Run {
    call: Call,
    /// The parameters, encoded.
    form: String,
    deadline: Deadline,
    watch: Watch,
}

impl Run {
    fn new(mut call: Call) -> Self {
        let transport = &call.transport;
        let watch = Watch::start(transport.hook.clone(), call.endpoint, call.preset, call.query.take());
        let options = std::mem::take(&mut call.options).or(&transport.options);
        let deadline = call.deadline.unwrap_or_else(|| Deadline::after(options.timeout));
        let mut form = Serializer::new(String::with_capacity(256));
        form.extend_pairs(&call.parameters);
        if let Some(query) = watch.query() {
            form.append_pair("query", query);
        }
        form.extend_pairs(&options.parameters);
        if options.partial == Some(PartialData::Refuse) {
            // Thanos and VictoriaMetrics; others ignore them.
            form.append_pair("partial_response", "false").append_pair("deny_partial_response", "1");
        }
        let form = form.finish();
        Self { form, deadline, watch, call: Call { options, ..call } }
    }

    async fn whole<S: Sink>(&mut self) -> Result<S::Output, ErrorKind> {
        let _permit = self.permit().await?;
        loop {
            let mut retry_after = None;
            let deadline = self.deadline.client;
            match timeout_at(deadline, self.attempt::<S>(&mut retry_after)).await {
                Ok(Ok(output)) => return Ok(output),
                Ok(Err(failure)) => self.pause(failure, retry_after).await?,
                Err(_) => return Err(ErrorKind::Timeout(None)),
            }
        }
    }

    /// Asks, and reads until the header of a good answer.
    async fn begin(&mut self) -> Result<(Answer, OwnedSemaphorePermit), ErrorKind> {
        let permit = self.permit().await?;
        loop {
            let mut retry_after = None;
            let deadline = self.deadline.client;
            let attempt = async {
                let answer = self.send(&mut retry_after).await?;
                if (200..300).contains(&answer.status) {
                    return Ok(answer);
                }
                let status = answer.status;
                let failure = self.body::<Decoder>(answer).await.err();
                Err(failure.unwrap_or(ErrorKind::Http { status, body: String::new() }))
            };
            match timeout_at(deadline, attempt).await {
                Ok(Ok(answer)) => return Ok((answer, permit)),
                Ok(Err(failure)) => self.pause(failure, retry_after).await?,
                Err(_) => return Err(ErrorKind::Timeout(None)),
            }
        }
    }

    /// Waits for a place among the calls that are made at the same time.
    async fn permit(&mut self) -> Result<OwnedSemaphorePermit, ErrorKind> {
        if let Some(failure) = self.call.options.failure.take() {
            return Err(failure);
        }
        self.call.transport.budget.earn();
        let permit = Arc::clone(&self.call.transport.permits).acquire_owned();
        match timeout_at(self.deadline.client, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(ErrorKind::Timeout(Some("as many calls as the client may make at once take too long".into()))),
        }
    }

    async fn attempt<S: Sink>(&mut self, retry_after: &mut Option<Duration>) -> Result<S::Output, ErrorKind> {
        let answer = self.send(retry_after).await?;
        self.body::<S>(answer).await
    }

    async fn send(&mut self, retry_after: &mut Option<Duration>) -> Result<Answer, ErrorKind> {
        let Call { transport, target, options, tells_timeout, .. } = &self.call;
        let sent;
        let form = if *tells_timeout {
            let separator = if self.form.is_empty() { "" } else { "&" };
            sent = format!("{}{separator}timeout={}", self.form, self.deadline.left());
            &sent
        } else {
            &self.form
        };
        let answer = transport.send(target, form, &options.headers).await?;
        *retry_after = answer.retry_after;
        Ok(answer)
    }

    async fn body<S: Sink>(&mut self, mut answer: Answer) -> Result<S::Output, ErrorKind> {
        let options = &self.call.options;
        let mut content = Content::<S>::new(answer.status, options.limits());
        if let Some(pool) = &self.call.pool {
            content.sink().share(Arc::clone(pool));
        }
        let mut body = Body::new(content, answer.encoding.as_deref())?;
        while let Some(chunk) = answer.chunk().await? {
            self.watch.bytes += chunk.len() as u64;
            body.push(&chunk)?;
        }
        let mut output = body.finish(options.partial.unwrap_or_default())?;
        self.watch.introduce(S::meta(&mut output));
        Ok(output)
    }

    fn redacted(&self, mut failure: ErrorKind) -> ErrorKind {
        Error::redact(&mut failure, &self.call.options.headers);
        failure
    }

    /// Waits until it is time for a retry; if there is none, the failure comes back.
    async fn pause(&mut self, failure: ErrorKind, retry_after: Option<Duration>) -> Result<(), ErrorKind> {
        let error = self.watch.error(self.redacted(failure));
        let policy = self.call.options.retry.clone().unwrap_or_default();
        let now = Instant::now();
        let wait = policy.wait(&error, self.watch.retries, retry_after);
        let wait = wait.filter(|wait| now.checked_add(*wait).is_some_and(|then| then < self.deadline.server));
        match wait.filter(|_| self.call.transport.budget.spend(now.into_std())) {
            Some(wait) => {
                self.watch.retry(&error, wait);
                sleep(wait).await;
                Ok(())
            }
            None => Err(error.into_kind()),
        }
    }
}
