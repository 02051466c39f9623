//! All that knows reqwest: calls, their options and retries, bodies, and what can be observed of them.

pub(crate) mod body;
pub(crate) mod call;
mod dialect;
pub(crate) mod observe;
pub(crate) mod options;
mod redaction;
pub(crate) mod request;
pub(crate) mod retry;
pub(crate) mod transport;

pub use dialect::{Dialect, Mimir, Thanos, VictoriaMetrics};
pub use observe::{CallReport, Outcome};
pub use options::PartialData;
pub use retry::RetryPolicy;
pub use transport::HttpMethod;
