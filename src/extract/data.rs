//! Results of a certain type.

use super::error;
use crate::error::Error;
use crate::value::{Data, Matrix, QueryResult, Response, Scalar, Text, Vector};

impl Data {
    /// Returns the instant vector.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ResultType`](crate::ErrorKind::ResultType) if the result has another type.
    pub fn into_vector(self) -> Result<Vector, Error> {
        into_type(self)
    }

    /// Returns the range vector, which is the result of range queries, and of a selector with a range.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ResultType`](crate::ErrorKind::ResultType) if the result has another type.
    pub fn into_matrix(self) -> Result<Matrix, Error> {
        into_type(self)
    }

    /// Returns the scalar, which VictoriaMetrics sends as a vector of one sample without labels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ResultType`](crate::ErrorKind::ResultType) if the result has another type.
    pub fn into_scalar(self) -> Result<Scalar, Error> {
        into_type(self)
    }

    /// Returns the string.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ResultType`](crate::ErrorKind::ResultType) if the result has another type.
    pub fn into_text(self) -> Result<Text, Error> {
        into_type(self)
    }
}

fn into_type<R: QueryResult>(data: Data) -> Result<R, Error> {
    let meta = data.meta().clone();
    let response = Response { data: Some(data), error: None, meta: meta.clone() };
    R::from_response(response).map_err(|failure| error(&meta, failure))
}
