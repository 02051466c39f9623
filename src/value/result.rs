//! Decoded responses to queries, and the types of results.

use std::fmt;

use promql_presets_core::ResultType;

use super::{Matrix, Meta, Scalar, Text, Timestamp, Vector};

/// A decoded response of `/query` or `/query_range`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Response {
    /// The result; `None` if the query failed.
    pub data: Option<Data>,
    /// The error that the server reports, which can come with a result.
    pub error: Option<ServerError>,
    /// Warnings, infos and statistics.
    pub meta: Meta,
}

impl Response {
    /// The response to a query whose type is a scalar: VictoriaMetrics sends scalars as vectors, without a sample for
    /// `NaN`.
    pub(crate) fn into_scalar(mut self, time: Option<Timestamp>) -> Self {
        let scalar = match &self.data {
            Some(Data::Vector(vector)) if vector.is_empty() => {
                Some(Scalar::new(time.unwrap_or_else(Timestamp::now), f64::NAN))
            }
            Some(Data::Vector(vector)) => scalar_of(vector),
            _ => None,
        };
        self.data = scalar.map(Data::Scalar).or(self.data);
        self
    }
}

/// The scalar that VictoriaMetrics sends as a vector of one sample without labels.
fn scalar_of(vector: &Vector) -> Option<Scalar> {
    match vector.elements() {
        [element] if element.labels().is_empty() => {
            Some(Scalar::new(element.timestamp(), element.value().float().ok()?))
        }
        _ => None,
    }
}

/// An error that the server reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerError {
    /// `errorType`, such as `bad_data`; VictoriaMetrics sends the HTTP status. Can be empty.
    pub kind: String,
    /// `error`, the message. Can be empty.
    pub message: String,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ServerError {}

impl ServerError {
    /// The error of a response with this status, if any. An error in a successful response counts.
    pub(crate) fn of_response(self, success: bool) -> Option<Self> {
        (!success || self != Self::default()).then_some(self)
    }
}

/// A result of any type.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Data {
    /// One sample for each series.
    Vector(Vector),
    /// Many samples for each series.
    Matrix(Matrix),
    /// A number.
    Scalar(Scalar),
    /// A string.
    Text(Text),
}

impl Data {
    /// The type of the result.
    #[must_use]
    pub fn result_type(&self) -> ResultType {
        match self {
            Self::Vector(_) => ResultType::InstantVector,
            Self::Matrix(_) => ResultType::RangeVector,
            Self::Scalar(_) => ResultType::Scalar,
            Self::Text(_) => ResultType::String,
        }
    }

    /// Warnings, infos and statistics of the response.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        match self {
            Self::Vector(vector) => vector.meta(),
            Self::Matrix(matrix) => matrix.meta(),
            Self::Scalar(scalar) => scalar.meta(),
            Self::Text(text) => text.meta(),
        }
    }

    /// The warnings of the server. Not all of them mean that data is missing, see [`is_partial`](Self::is_partial).
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.meta().warnings
    }

    /// Whether data is missing, see [`Meta::partial_reason`].
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.meta().partial_reason().is_some()
    }
}

/// Displays the result: a table of series, a number, or a string.
impl fmt::Display for Data {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vector(vector) => vector.fmt(f),
            Self::Matrix(matrix) => matrix.fmt(f),
            Self::Scalar(scalar) => scalar.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// The result does not have the type of the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResultTypeError {
    /// The type of the query.
    pub expected: ResultType,
    /// The type of the result; `None` if the response has no result.
    pub got: Option<ResultType>,
}

impl fmt::Display for ResultTypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let got = self.got.map_or_else(|| "no result".to_owned(), |got| got.to_string());
        write!(f, "expected {}, the server returned {got}", self.expected)
    }
}

impl std::error::Error for ResultTypeError {}

mod sealed {
    pub trait Sealed {}
}

/// The types that a query can return: [`Vector`], [`Matrix`], [`Scalar`] and [`Text`].
pub trait QueryResult: sealed::Sealed + Sized {
    /// Extracts the result.
    ///
    /// # Errors
    ///
    /// The result has another type, or the response has none.
    fn from_response(response: Response) -> Result<Self, ResultTypeError>;
}

impl sealed::Sealed for Vector {}
impl QueryResult for Vector {
    fn from_response(response: Response) -> Result<Self, ResultTypeError> {
        match response.data {
            Some(Data::Vector(vector)) => Ok(vector.with_meta(response.meta)),
            other => Err(mismatch(ResultType::InstantVector, other.as_ref())),
        }
    }
}

impl sealed::Sealed for Matrix {}
impl QueryResult for Matrix {
    fn from_response(response: Response) -> Result<Self, ResultTypeError> {
        match response.data {
            Some(Data::Matrix(matrix)) => Ok(matrix.with_meta(response.meta)),
            other => Err(mismatch(ResultType::RangeVector, other.as_ref())),
        }
    }
}

/// VictoriaMetrics sends a scalar as a vector of one sample without labels; both are accepted.
impl sealed::Sealed for Scalar {}
impl QueryResult for Scalar {
    fn from_response(response: Response) -> Result<Self, ResultTypeError> {
        match response.data {
            Some(Data::Scalar(scalar)) => Ok(scalar.with_meta(response.meta)),
            Some(Data::Vector(vector)) => scalar_of(&vector)
                .map(|scalar| scalar.with_meta(response.meta))
                .ok_or_else(|| mismatch(ResultType::Scalar, Some(&Data::Vector(vector)))),
            other => Err(mismatch(ResultType::Scalar, other.as_ref())),
        }
    }
}

impl sealed::Sealed for Text {}
impl QueryResult for Text {
    fn from_response(response: Response) -> Result<Self, ResultTypeError> {
        match response.data {
            Some(Data::Text(text)) => Ok(text.with_meta(response.meta)),
            other => Err(mismatch(ResultType::String, other.as_ref())),
        }
    }
}

/// Accepts every type of result.
impl sealed::Sealed for Data {}
impl QueryResult for Data {
    fn from_response(response: Response) -> Result<Self, ResultTypeError> {
        let meta = response.meta;
        match response.data {
            Some(Self::Vector(vector)) => Ok(Self::Vector(vector.with_meta(meta))),
            Some(Self::Matrix(matrix)) => Ok(Self::Matrix(matrix.with_meta(meta))),
            Some(Self::Scalar(scalar)) => Ok(Self::Scalar(scalar.with_meta(meta))),
            Some(Self::Text(text)) => Ok(Self::Text(text.with_meta(meta))),
            None => Err(mismatch(ResultType::InstantVector, None)),
        }
    }
}

fn mismatch(expected: ResultType, got: Option<&Data>) -> ResultTypeError {
    ResultTypeError { expected, got: got.map(Data::result_type) }
}
