//! The state of a mock: its expectations, and the requests so far.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use promql_presets::Timestamp;

use crate::call::Call;
use crate::clock::Clock;
use crate::expected::{Expected, Reply};
use crate::record::{Recorder, Recording};
use crate::response::{HttpResponse, MockResponse, Shape, Times};

/// The state of a mock, which its server shares.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) clock: Arc<Clock>,
    pub(crate) source: Source,
    state: Mutex<State>,
}

/// Where responses come from.
#[derive(Debug, Default)]
pub(crate) enum Source {
    #[default]
    Expectations,
    Server(Recorder),
    File(Recording),
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) expected: Vec<Expected>,
    pub(crate) calls: Vec<Call>,
}

impl Shared {
    pub(crate) fn new(source: Source) -> Self {
        Self { source, ..Self::default() }
    }

    /// Locks the state, also after a panic in another thread.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a request, and responds to it.
    pub(crate) async fn response(&self, mut call: Call) -> HttpResponse {
        let response = match &self.source {
            Source::Expectations => return self.respond_as_expected(call),
            Source::Server(recorder) => recorder.forward(&call).await,
            Source::File(recording) => recording.response(&call),
        };
        let response = response.unwrap_or_else(|problem| unexpected(&mut call, problem));
        let mut state = self.lock();
        call.number = state.calls.len();
        state.calls.push(call);
        response.http_response(Shape::Other, Times::At(Timestamp::default()))
    }

    fn respond_as_expected(&self, mut call: Call) -> HttpResponse {
        let mut state = self.lock();
        call.number = state.calls.len();
        let (reply, shape, times) = match state.accept(&mut call) {
            Ok(found) => found,
            Err(problem) => {
                let response = Reply::Response(Box::new(unexpected(&mut call, problem)));
                (Some(response), Shape::Other, Times::At(Timestamp::default()))
            }
        };
        state.calls.push(call.clone());
        drop(state);
        match reply {
            Some(Reply::Response(response)) => response.http_response(shape, times),
            Some(Reply::Function(function)) => function(&call).http_response(shape, times),
            None => MockResponse::close().http_response(shape, times),
        }
    }
}

/// Records a problem with a request, and returns it as an error response.
fn unexpected(call: &mut Call, problem: String) -> MockResponse {
    let message = problem.replace("\n  - ", "; ").replace("\n  ", "; ");
    call.problem = Some(problem);
    MockResponse::error("unexpected_request", message).status(400)
}

impl State {
    /// The response to a request, or why there is none.
    fn accept(&mut self, call: &mut Call) -> Result<(Option<Reply>, Shape, Times), String> {
        let compared: Vec<_> = self.expected.iter().map(|expected| expected.differences(call)).collect();
        let fits = |at: &usize| compared[*at].texts.is_empty() && !self.expected[*at].is_used_up();
        let found = (0..compared.len()).find(fits);
        let placeholders = |expected: &Expected| expected.placeholders_of(call);
        let placeholders =
            found.map_or_else(|| self.expected.iter().find_map(placeholders), |at| placeholders(&self.expected[at]));
        call.placeholders = placeholders.unwrap_or_default();
        if let Some(expected) = found.map(|at| &mut self.expected[at]) {
            call.preset = expected.preset().map(|info| info.name);
            return Ok((expected.next(call), expected.shape(), expected.times(call)));
        }
        let nearest = self.expected.iter().zip(&compared).min_by_key(|(_, differences)| differences.distance);
        let why = match nearest {
            None => vec!["nothing is expected".to_owned()],
            Some((expected, differences)) if differences.texts.is_empty() => {
                let times = if expected.used == 1 { "once".to_owned() } else { format!("{} times", expected.used) };
                vec![format!("it was expected {times}, at {}", expected.place)]
            }
            Some((expected, differences)) => {
                let nearest = format!("nearest expectation: {expected}, at {}", expected.place);
                let differences = differences.texts.iter().map(|text| format!("- {text}"));
                std::iter::once(nearest).chain(differences).collect()
            }
        };
        Err(format!("unexpected {call}\n  {}", why.join("\n  ")))
    }

    /// All problems: unexpected requests, and expectations that were not used.
    pub(crate) fn problems(&self) -> Vec<String> {
        let unexpected = self.calls.iter().filter_map(|call| call.problem.clone());
        unexpected.chain(self.expected.iter().filter_map(Expected::shortfall)).collect()
    }
}
