//! Calls over HTTP: their options and retries, the bodies of responses, and what can be observed of them. Only this module
//! and the builder of the client use reqwest.
//!
//! A [`Call`](call::Call) has the parameters and [`Options`](options::Options) that setters give it. When it is made,
//! [`Attempts`](call::Attempts) send it as a [`Request`](request::Request) through the
//! [`Transport`](transport::Transport). The [`HttpResponse`](transport::HttpResponse) arrives in chunks, and a
//! [`BodyReader`](body::BodyReader) makes a result of them. An [`Observer`](observe::Observer) reports how it ended.

pub(crate) mod body;
pub(crate) mod call;
pub(crate) mod credentials;
mod dialect;
pub(crate) mod observe;
pub(crate) mod options;
pub(crate) mod proxy;
mod redaction;
pub(crate) mod request;
pub(crate) mod retry;
pub(crate) mod scope;
pub(crate) mod transport;

pub use credentials::Attempt;
pub use dialect::{Dialect, Mimir, Thanos, VictoriaMetrics};
pub use observe::{CallReport, Outcome};
pub use options::PartialData;
pub use retry::RetryPolicy;
pub use transport::HttpMethod;
