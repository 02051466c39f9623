//! Queriers: a metric name, label matchers and labels to group by.

use std::borrow::Cow;

use crate::render::{check_matcher, normalize};
use crate::{IntoCondition, LabelInfo, Matcher, RenderError};

/// The input of a query: the [`Preset`](crate::Preset) is the query, the querier selects series and groups them.
///
/// Preset files with `[labels]` have a generated querier. [`Querier`] is for any metric. Services can implement the
/// trait, as below, or derive it with `#[derive(MetricQuerier)]` of the feature `macros`.
///
/// ```
/// use std::borrow::Cow;
/// use promql_presets_core::{Matcher, MetricQuerier};
///
/// struct ApiRequests { endpoint: String }
///
/// impl MetricQuerier for ApiRequests {
///     fn name(&self) -> &str {
///         "api_request_count_total"
///     }
///     fn labels(&self) -> Cow<'_, [Matcher<'_>]> {
///         vec![Matcher::equal("endpoint", &self.endpoint)].into()
///     }
///     fn group_by_labels(&self) -> Cow<'_, [Cow<'_, str>]> {
///         vec!["method".into()].into()
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a querier",
    note = "pass the `Querier` of the preset's own module, `promql_presets::Querier`, or derive `MetricQuerier`"
)]
pub trait MetricQuerier {
    /// The metric name, for templates with `{metric_name}`; empty if there is none.
    fn name(&self) -> &str;

    /// The label matchers, in the order in which they are rendered.
    fn labels(&self) -> Cow<'_, [Matcher<'_>]>;

    /// The labels to group by, in the order in which they are rendered.
    fn group_by_labels(&self) -> Cow<'_, [Cow<'_, str>]> {
        Cow::Borrowed(&[])
    }
}

impl<Q: MetricQuerier + ?Sized> MetricQuerier for &Q {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn labels(&self) -> Cow<'_, [Matcher<'_>]> {
        (**self).labels()
    }

    fn group_by_labels(&self) -> Cow<'_, [Cow<'_, str>]> {
        (**self).group_by_labels()
    }
}

/// A querier for any metric, with labels as strings.
///
/// ```
/// use promql_presets_core::Querier;
///
/// let querier = Querier::new("http_requests_total").label("job", "api").label("code", 500).group_by(["instance"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a querier does nothing until it is passed to a query"]
pub struct Querier {
    name: Cow<'static, str>,
    labels: Vec<Matcher<'static>>,
    group_by: Vec<Cow<'static, str>>,
}

impl Querier {
    /// A querier for the metric of this name.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Adds a condition on a label; a plain value means `=`. All conditions must hold, including several on one label.
    pub fn label<K>(self, label: impl Into<Cow<'static, str>>, condition: impl IntoCondition<K>) -> Self {
        self.matcher(condition.into_condition().on(label))
    }

    /// Adds a matcher.
    pub fn matcher(mut self, matcher: Matcher<'static>) -> Self {
        self.labels.push(matcher);
        self
    }

    /// Adds a condition on one of these labels.
    ///
    /// # Errors
    /// Those of rendering, for this condition.
    #[doc(hidden)]
    pub fn __set<K>(
        self,
        declared: &[LabelInfo<'_>],
        label: impl Into<Cow<'static, str>>,
        condition: impl IntoCondition<K>,
    ) -> Result<Self, RenderError> {
        let matcher = condition.into_condition().on(label);
        check_matcher(&matcher)?;
        let normalized = normalize(declared, &matcher)?;
        Ok(self.matcher(normalized.unwrap_or(matcher)))
    }

    /// Adds labels to group by.
    pub fn group_by(mut self, labels: impl IntoIterator<Item: Into<Cow<'static, str>>>) -> Self {
        self.group_by.extend(labels.into_iter().map(Into::into));
        self
    }

    /// Applies a setter if there is a value.
    ///
    /// ```
    /// # use promql_presets_core::Querier;
    /// # let tenant: Option<&str> = None;
    /// let querier = Querier::new("up").when_some(tenant, |querier, tenant| querier.label("tenant", tenant));
    /// ```
    pub fn when_some<T>(self, value: Option<T>, set: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => set(self, value),
            None => self,
        }
    }
}

impl MetricQuerier for Querier {
    fn name(&self) -> &str {
        &self.name
    }

    fn labels(&self) -> Cow<'_, [Matcher<'_>]> {
        Cow::Borrowed(&self.labels)
    }

    fn group_by_labels(&self) -> Cow<'_, [Cow<'_, str>]> {
        Cow::Borrowed(&self.group_by)
    }
}
