//! One number or one series.

use super::{error, require_complete};
use crate::error::Error;
use crate::value::{Matrix, Sample, Scalar, Series, Value, ValueError, Vector};

impl Vector {
    /// Returns the sample of the only series.
    ///
    /// ```
    /// # use promql_presets::{Element, ErrorKind, Labels, Timestamp, Value, ValueError, Vector};
    /// let element = |value| Element::new(Labels::default(), Timestamp::default(), Value::Float(value));
    /// let vector: Vector = [element(0.5)].into_iter().collect();
    /// assert_eq!(vector.one()?.number()?, 0.5);
    ///
    /// let several: Vector = [element(1.0), element(2.0)].into_iter().collect();
    /// let error = several.one().unwrap_err();
    /// assert!(matches!(error.kind(), ErrorKind::Value(ValueError::SeveralSeries { count: 2 })));
    /// assert_eq!(Vector::default().one().unwrap_err().to_string(), "the query returned no data");
    /// # Ok::<(), promql_presets::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ValueError::NoData`], [`ValueError::SeveralSeries`] and
    /// [`ErrorKind::PartialData`](crate::ErrorKind::PartialData).
    pub fn one(&self) -> Result<&Sample, Error> {
        self.at_most_one()?.ok_or_else(|| error(self.meta(), ValueError::NoData))
    }

    /// Returns the sample of the only series, or `None` if there are no series.
    ///
    /// # Errors
    ///
    /// [`ValueError::SeveralSeries`] and [`ErrorKind::PartialData`](crate::ErrorKind::PartialData).
    pub fn at_most_one(&self) -> Result<Option<&Sample>, Error> {
        require_complete(self.meta())?;
        match self.elements() {
            [] => Ok(None),
            [element] => Ok(Some(element.sample())),
            several => Err(error(self.meta(), ValueError::SeveralSeries { count: several.len() })),
        }
    }

    /// Returns the number of the only series, or zero if there are no series: for counts of events that may not have
    /// happened yet.
    ///
    /// # Errors
    ///
    /// [`ValueError::SeveralSeries`], [`ValueError::NotFinite`], [`ValueError::HistogramNotFloat`] and
    /// [`ErrorKind::PartialData`](crate::ErrorKind::PartialData).
    pub fn number_or_zero(&self) -> Result<f64, Error> {
        self.at_most_one()?.map_or(Ok(0.0), Sample::number).map_err(|failure| error(self.meta(), failure))
    }

    /// Returns the number of the only series, short for `one()?.number()`.
    ///
    /// # Errors
    ///
    /// All variants of [`ValueError`], and [`ErrorKind::PartialData`](crate::ErrorKind::PartialData).
    pub fn number(&self) -> Result<f64, Error> {
        self.one()?.number().map_err(|failure| error(self.meta(), failure))
    }
}

impl Matrix {
    /// Returns the only series.
    ///
    /// # Errors
    ///
    /// [`ValueError::NoData`], [`ValueError::SeveralSeries`] and
    /// [`ErrorKind::PartialData`](crate::ErrorKind::PartialData).
    pub fn one(&self) -> Result<&Series, Error> {
        self.at_most_one()?.ok_or_else(|| error(self.meta(), ValueError::NoData))
    }

    /// Returns the only series, or `None` if there are no series.
    ///
    /// # Errors
    ///
    /// [`ValueError::SeveralSeries`] and [`ErrorKind::PartialData`](crate::ErrorKind::PartialData).
    pub fn at_most_one(&self) -> Result<Option<&Series>, Error> {
        require_complete(self.meta())?;
        match self.series() {
            [] => Ok(None),
            [series] => Ok(Some(series)),
            several => Err(error(self.meta(), ValueError::SeveralSeries { count: several.len() })),
        }
    }
}

impl Scalar {
    /// Returns the value if it is a number.
    ///
    /// # Errors
    ///
    /// [`ValueError::NotFinite`] for `NaN` and infinities, and
    /// [`ErrorKind::PartialData`](crate::ErrorKind::PartialData).
    pub fn number(&self) -> Result<f64, Error> {
        require_complete(self.meta())?;
        Value::Float(self.value()).number().map_err(|failure| error(self.meta(), failure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::value::{Element, Histogram, Labels, Meta, Timestamp};

    fn vector(values: impl IntoIterator<Item = Value>) -> Vector {
        values.into_iter().map(|value| Element::new(Labels::default(), Timestamp::default(), value)).collect()
    }

    fn fault<T: std::fmt::Debug>(result: Result<T, Error>) -> ValueError {
        match result.unwrap_err().kind() {
            ErrorKind::Value(error) => error.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_data_is_zero_only_on_request() {
        let nothing = Vector::default();
        assert_eq!(fault(nothing.number()), ValueError::NoData);
        assert_eq!(nothing.at_most_one().unwrap(), None);
        assert_eq!(nothing.number_or_zero().ok(), Some(0.0));
    }

    #[test]
    fn a_number_requires_a_single_series() {
        assert_eq!(vector([1.5.into()]).number_or_zero().ok(), Some(1.5));
        assert_eq!(fault(vector([1.5.into(), 2.0.into()]).number_or_zero()), ValueError::SeveralSeries { count: 2 });
        assert!(matches!(fault(vector([f64::INFINITY.into()]).number_or_zero()), ValueError::NotFinite { .. }));
        let histogram = vector([Histogram::new(1.0, 1.0, []).into()]);
        assert_eq!(fault(histogram.number()), ValueError::HistogramNotFloat);
    }

    #[test]
    fn one_requires_a_single_series() {
        let series = |pod: &&str| Series::new([("pod", *pod)].into_iter().collect(), []);
        let matrix = |pods: &[&str]| pods.iter().map(series).collect::<Matrix>();
        assert_eq!(fault(matrix(&[]).one()), ValueError::NoData);
        assert_eq!(matrix(&[]).at_most_one().unwrap(), None);
        assert!(matrix(&["a"]).one().is_ok());
        assert_eq!(fault(matrix(&["a", "b"]).at_most_one()), ValueError::SeveralSeries { count: 2 });
    }

    #[test]
    fn errors_name_preset_and_query() {
        let meta = Meta { preset: Some("node::load"), query: Some("load".to_owned()), ..Meta::default() };
        for vector in [vector([]), vector([f64::NAN.into()]), vector([1.0.into(), 1.0.into()])] {
            let error = vector.with_meta(meta.clone()).number().unwrap_err();
            assert_eq!((error.preset(), error.query()), (Some("node::load"), Some("load")));
            assert!(error.to_string().starts_with("preset node::load: the "), "{error}");
            assert!(format!("{error:#}").ends_with("; the query is load"), "{error:#}");
        }
    }

    #[test]
    fn a_partial_response_is_not_a_number_until_accepted() {
        let meta = |warnings: &[&str], is_partial| Meta {
            warnings: warnings.iter().map(|&warning| warning.to_owned()).collect(),
            is_partial,
            ..Meta::default()
        };
        let one = vector([1.0.into()]);
        for partial in [meta(&[], true), meta(&["PromQL warning: x", "results truncated due to limit"], false)] {
            let partial = one.clone().with_meta(partial);
            assert!(partial.is_partial());
            assert!(matches!(partial.one().unwrap_err().kind(), ErrorKind::PartialData { .. }));
            assert_eq!(partial.accept_partial().number().ok(), Some(1.0));
        }
        assert!(one.with_meta(meta(&["PromQL warning: x", "3 more warnings omitted"], false)).number().is_ok());
    }
}
