//! A decoded answer, before it is known to be of the type that was asked for.

use crate::value::{Matrix, Meta, Scalar, Text, Value, Vector};

/// A decoded answer of `/query` or `/query_range`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Response {
    /// The result; absent where the query failed.
    pub data: Option<Data>,
    /// What the server said went wrong; a result may come with it nevertheless.
    pub error: Option<ServerError>,
    /// Warnings, infos and statistics.
    pub meta: Meta,
}

/// What the server said went wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct ServerError {
    /// `errorType`, such as `bad_data`; `VictoriaMetrics` sends the status of HTTP here. May be empty.
    pub kind: String,
    /// `error`, the message. May be empty.
    pub message: String,
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

/// The types of results, by the names that `resultType` has for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResultType {
    /// [`Vector`].
    Vector,
    /// [`Matrix`].
    Matrix,
    /// [`Scalar`].
    Scalar,
    /// [`Text`].
    String,
}

impl ResultType {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Vector, Self::Matrix, Self::Scalar, Self::String].into_iter().find(|known| known.name() == name)
    }

    /// As `resultType` has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vector => "vector",
            Self::Matrix => "matrix",
            Self::Scalar => "scalar",
            Self::String => "string",
        }
    }
}

impl std::fmt::Display for ResultType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl Data {
    /// Which type of result it is.
    #[must_use]
    pub fn result_type(&self) -> ResultType {
        match self {
            Self::Vector(_) => ResultType::Vector,
            Self::Matrix(_) => ResultType::Matrix,
            Self::Scalar(_) => ResultType::Scalar,
            Self::Text(_) => ResultType::String,
        }
    }
}

/// The answer is not of the type that the query has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a {expected}, the server returned {}", .got.map_or("no result", ResultType::name))]
#[non_exhaustive]
pub struct ResultTypeError {
    /// The type of the query.
    pub expected: ResultType,
    /// The type of the answer; `None` where it has no result at all.
    pub got: Option<ResultType>,
}

mod sealed {
    pub trait Sealed {}
}

/// The types that a query can return: [`Vector`], [`Matrix`], [`Scalar`] and [`Text`].
pub trait QueryResult: sealed::Sealed + Sized {
    /// Takes the result out of an answer.
    ///
    /// # Errors
    ///
    /// The answer is of another type, or has no result.
    fn from_response(response: Response) -> Result<Self, ResultTypeError>;
}

impl sealed::Sealed for Vector {}
impl QueryResult for Vector {
    fn from_response(response: Response) -> Result<Self, ResultTypeError> {
        match response.data {
            Some(Data::Vector(vector)) => Ok(vector.with_meta(response.meta)),
            other => Err(mismatch(ResultType::Vector, other.as_ref())),
        }
    }
}

impl sealed::Sealed for Matrix {}
impl QueryResult for Matrix {
    fn from_response(response: Response) -> Result<Self, ResultTypeError> {
        match response.data {
            Some(Data::Matrix(matrix)) => Ok(matrix.with_meta(response.meta)),
            other => Err(mismatch(ResultType::Matrix, other.as_ref())),
        }
    }
}

/// For `VictoriaMetrics` a scalar is a vector of one sample without labels; both are accepted.
impl sealed::Sealed for Scalar {}
impl QueryResult for Scalar {
    fn from_response(response: Response) -> Result<Self, ResultTypeError> {
        match response.data {
            Some(Data::Scalar(scalar)) => Ok(scalar.with_meta(response.meta)),
            Some(Data::Vector(vector)) => match vector.elements() {
                [element] if element.labels().is_empty() => match element.value() {
                    Value::Float(value) => Ok(Self::new(element.timestamp(), *value).with_meta(response.meta)),
                    Value::Histogram(_) => Err(mismatch(ResultType::Scalar, Some(&Data::Vector(vector)))),
                },
                _ => Err(mismatch(ResultType::Scalar, Some(&Data::Vector(vector)))),
            },
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

/// Takes whatever there is.
impl sealed::Sealed for Data {}
impl QueryResult for Data {
    fn from_response(response: Response) -> Result<Self, ResultTypeError> {
        let meta = response.meta;
        match response.data {
            Some(Self::Vector(vector)) => Ok(Self::Vector(vector.with_meta(meta))),
            Some(Self::Matrix(matrix)) => Ok(Self::Matrix(matrix.with_meta(meta))),
            Some(Self::Scalar(scalar)) => Ok(Self::Scalar(scalar.with_meta(meta))),
            Some(Self::Text(text)) => Ok(Self::Text(text.with_meta(meta))),
            None => Err(mismatch(ResultType::Vector, None)),
        }
    }
}

fn mismatch(expected: ResultType, got: Option<&Data>) -> ResultTypeError {
    ResultTypeError { expected, got: got.map(Data::result_type) }
}
