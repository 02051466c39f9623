//! The methods of results that can fail with an [`Error`], which has the preset and the query: one number, one series,
//! rows, or a result of a certain type. All other methods are in [`value`](crate::value), which knows nothing of errors of
//! calls.

mod data;
mod row_value;
mod rows;
mod single;

use crate::error::{Error, ErrorKind};
use crate::value::Meta;

#[cfg(feature = "json")]
pub(crate) use row_value::RowText;
pub use row_value::RowValue;
pub use rows::{FromLabels, Row, SeriesRow, read_field};

/// An error about a result with this metadata.
pub(crate) fn error(meta: &Meta, kind: impl Into<ErrorKind>) -> Error {
    Error::new(kind.into(), meta.preset, meta.query.clone(), 0)
}

/// Fails if data is missing, unless that has been accepted.
fn require_complete(meta: &Meta) -> Result<(), Error> {
    let reason = meta.objection().map(str::to_owned);
    reason.map_or(Ok(()), |reason| Err(error(meta, ErrorKind::PartialData { reason })))
}
