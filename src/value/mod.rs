//! What queries return: vectors, matrices, scalars and strings, with the annotations that came along.
//!
//! A [`Matrix`] is columnar: each [`Series`] holds its timestamps and its values side by side, 16 bytes a sample, and
//! series on the same grid share one column of timestamps. Series read alike whether they hold floats or native
//! histograms.
//!
//! Getting one number out is explicit, see [`Vector::one`]: "no data", "several series", "NaN" and "partial data" are
//! errors with names of their own, never a number.

mod error;
mod histogram;
mod labels;
mod listing;
mod matrix;
mod meta;
mod rows;
mod sample;
mod scalar;
mod table;
mod time_interop;
mod timestamp;
mod vector;

pub use error::{RowError, ValueError};
pub use histogram::{Bounds, Bucket, Histogram};
pub use labels::Labels;
pub use listing::Listing;
pub use matrix::{ByTime, Matrix, Moment, Samples, Series};
pub(crate) use meta::meta_getters;
pub use meta::{Meta, Stats};
pub use rows::{Row, SeriesRow};
pub use sample::{Sample, Value};
pub use scalar::{Scalar, Text};
pub use timestamp::{ParseTimestampError, Timestamp};
pub use vector::{Element, Vector};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_and_errors_go_to_other_threads() {
        fn check<T: std::fmt::Debug + Clone + Send + Sync>() {}
        check::<Vector>();
        check::<Matrix>();
        check::<Scalar>();
        check::<Text>();
        check::<Moment<'_>>();
        check::<ByTime<'_>>();
        check::<Samples<'_>>();
        check::<ValueError>();
        check::<RowError>();
    }
}
