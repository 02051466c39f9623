//! The kinds of errors, and the causes that are distinguished.

use std::fmt;

use promql_presets_core::RenderError;

use super::{Causes, Source};
use super::{RangeError, RowError, SplitError};
use crate::value::{ResultTypeError, SeriesError, ServerError, ValueError};
use crate::wire::DecodeError;

/// The kind of an [`Error`](super::Error), with its cause.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The preset cannot be rendered with this querier.
    Render(RenderError),
    /// Invalid time range or point in time.
    Range(RangeError),
    /// The query cannot be split into parts.
    Split(SplitError),
    /// Invalid client or request configuration.
    Config(String),
    /// The hook of [`ClientBuilder::credentials`](crate::ClientBuilder::credentials) failed, or the file of
    /// [`bearer_auth_file`](crate::ClientBuilder::bearer_auth_file) cannot be read.
    Credentials(Source),
    /// The connection failed, or broke before the response.
    Transport(Source),
    /// The connection broke during the response.
    Truncated {
        /// Number of bytes of the body that were received, before decompression.
        bytes: u64,
        /// The cause.
        source: Source,
    },
    /// TLS failed: a certificate is not valid, or the server does not support TLS. With the feature `native-tls`, these
    /// are [`Transport`](Self::Transport) errors.
    Tls(Source),
    /// The response is not valid HTTP.
    Protocol(Source),
    /// No complete response within the timeout. If an attempt failed before, it is part of the cause.
    Timeout(Option<Source>),
    /// A response that is not from Prometheus, but from a proxy or another server.
    Http {
        /// HTTP status code.
        status: u16,
        /// Start of the body.
        body: String,
    },
    /// A response that cannot be used, whatever its body: because its headers are too large, its `Location` is not a
    /// URL, its encoding was not requested, a proxy requires credentials, or a health check returned a page instead of
    /// a line of text.
    Unusable {
        /// HTTP status code, if it was read.
        status: Option<u16>,
        /// The reason.
        reason: String,
    },
    /// A redirect that is not followed: to another server, which must not receive credentials and queries, or in a
    /// loop.
    Redirect {
        /// HTTP status code.
        status: u16,
        /// Scheme, host and port of the target.
        origin: String,
        /// Whether the redirects stay on the server, but are too many.
        in_circles: bool,
    },
    /// Data is missing from the response, see [`PartialData`](crate::PartialData).
    PartialData {
        /// The warning of the server.
        reason: String,
    },
    /// Prometheus returned an error.
    Server {
        /// HTTP status code.
        status: u16,
        /// Type and message of the error.
        error: ServerError,
    },
    /// The response is invalid, or exceeds a limit.
    Decode(DecodeError),
    /// The type of the result is not that of the preset.
    ResultType(ResultTypeError),
    /// The result is not a single number or series.
    Value(ValueError),
    /// The labels cannot be deserialized into the caller's type.
    Row(RowError),
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Render(_) => "the query cannot be rendered",
            Self::Range(_) => "invalid time range",
            Self::Split(_) => "the query cannot be split",
            Self::Config(reason) => return write!(f, "invalid configuration: {reason}"),
            Self::Credentials(_) => "no credentials for the request",
            Self::Transport(_) => "the server cannot be reached",
            Self::Truncated { bytes, .. } => return write!(f, "the response is truncated after {bytes} bytes"),
            Self::Tls(_) => "no secure connection to the server",
            Self::Protocol(_) => "the response is not valid HTTP",
            Self::Timeout(_) => "no response in time",
            Self::Http { status, body } if body.is_empty() => return write!(f, "HTTP {status} without a body"),
            Self::Http { status, body } => return write!(f, "HTTP {status} and not a Prometheus response: {body:?}"),
            Self::Unusable { status: Some(status), reason } => return write!(f, "HTTP {status}: {reason}"),
            Self::Unusable { reason, .. } => reason,
            Self::Redirect { status, origin, in_circles: true } => {
                return write!(f, "HTTP {status}: redirect loop at {origin}");
            }
            Self::Redirect { status, origin, .. } => {
                return write!(f, "HTTP {status}: redirect to {origin} not followed");
            }
            Self::PartialData { reason } => return write!(f, "the response is partial: {reason}"),
            Self::Server { status, error } => {
                let comma = if error.kind.is_empty() { "" } else { ", " };
                return write!(f, "server reported an error ({}{comma}HTTP {status})", error.kind);
            }
            Self::Decode(_) => "the response cannot be decoded",
            Self::ResultType(_) => "wrong result type",
            Self::Value(error) => return error.fmt(f),
            Self::Row(error) => return error.fmt(f),
        })
    }
}

impl std::error::Error for ErrorKind {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self {
            Self::Render(error) => error,
            Self::Range(error) => error,
            Self::Split(error) => error,
            Self::Credentials(error) | Self::Transport(error) | Self::Tls(error) | Self::Protocol(error) => &**error,
            Self::Truncated { source, .. } => &**source,
            Self::Timeout(error) => return error.as_deref().map(|error| error as _),
            Self::Server { error, .. } => error,
            Self::Decode(error) => error,
            Self::ResultType(error) => error,
            _ => return None,
        })
    }
}

impl ErrorKind {
    /// Whether the server is involved in the failure.
    pub(super) fn is_of_server(&self) -> bool {
        !matches!(
            self,
            Self::Render(_) | Self::Range(_) | Self::Split(_) | Self::Config(_) | Self::Value(_) | Self::Row(_)
        )
    }

    /// Text from the server.
    pub(crate) fn texts_of_server(&mut self) -> Vec<&mut String> {
        match self {
            Self::Http { body: text, .. }
            | Self::Unusable { reason: text, .. }
            | Self::Redirect { origin: text, .. }
            | Self::PartialData { reason: text }
            | Self::Decode(
                DecodeError::Data { reason: text }
                | DecodeError::Unexpected { found: text, .. }
                | DecodeError::Series { series: text, .. },
            ) => vec![text],
            Self::Server { error, .. } => vec![&mut error.kind, &mut error.message],
            _ => Vec::new(),
        }
    }
}

impl From<SeriesError> for ErrorKind {
    fn from(error: SeriesError) -> Self {
        Self::Decode(error.into())
    }
}

macro_rules! kinds {
    ($($source:ty => $kind:ident,)*) => {$(
        impl From<$source> for ErrorKind {
            fn from(error: $source) -> Self {
                Self::$kind(error)
            }
        }
    )*};
}

kinds! {
    RenderError => Render,
    RangeError => Range,
    SplitError => Split,
    DecodeError => Decode,
    ResultTypeError => ResultType,
    ValueError => Value,
    RowError => Row,
}

/// A connection that was not made in time.
#[derive(Debug)]
pub(crate) struct ConnectTimeout(pub(crate) Box<dyn std::error::Error + Send + Sync>);

/// A connection that was closed before a response began.
#[derive(Debug)]
pub(crate) struct ClosedConnection(pub(crate) Box<dyn std::error::Error + Send + Sync>);

/// Replaces a cause that can contain the server's address.
#[derive(Debug)]
pub(super) struct Removed {
    pub(super) is_timeout: bool,
}

/// Why the previous attempt failed.
#[derive(Debug)]
pub(super) struct AttemptBefore {
    pub(super) last: Option<Source>,
    pub(super) before: ErrorKind,
}

/// Errors that print as their causes do, but can be downcast.
macro_rules! transparent {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::error::Error for $name {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                self.0.source()
            }
        }
    )*};
}

transparent! { ConnectTimeout ClosedConnection }

impl fmt::Display for Removed {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Removed {}

impl fmt::Display for AttemptBefore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(last) = &self.last {
            write!(f, "{}; ", Causes(last))?;
        }
        f.write_str("the previous attempt failed")
    }
}

impl std::error::Error for AttemptBefore {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.before)
    }
}
