//! Results of queries: vectors, matrices, scalars and strings, with their warnings and statistics.

pub(crate) mod decimal;
mod error;
mod histogram;
mod labels;
mod listing;
mod matrix;
mod meta;
mod result;
mod sample;
mod scalar;
mod stats;
mod table;
mod time_interop;
mod timestamp;
mod vector;

pub(crate) use error::SeriesError;
pub use error::ValueError;
pub use histogram::{Bounds, Bucket, Histogram};
pub(crate) use labels::Block;
pub use labels::Labels;
pub use listing::Listing;
pub use matrix::{ByTime, Matrix, Moment, Samples, Series};
pub use meta::Meta;
pub(crate) use meta::meta_getters;
pub use result::{Data, QueryResult, Response, ResultTypeError, ServerError};
pub use sample::{Sample, Value};
pub use scalar::{Scalar, Text};
#[cfg(feature = "json")]
pub(crate) use stats::Stat;
pub use stats::Stats;
pub use timestamp::{ParseTimestampError, Timestamp};
pub use vector::{Element, Vector};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_and_errors_are_clone_send_and_sync() {
        fn check<T: std::fmt::Debug + Clone + Send + Sync>() {}
        check::<Vector>();
        check::<Matrix>();
        check::<Scalar>();
        check::<Text>();
        check::<Moment<'_>>();
        check::<ByTime<'_>>();
        check::<Samples<'_>>();
        check::<ValueError>();
    }
}
