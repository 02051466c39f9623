//! Presets and their metadata.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::Deref;

use crate::render::{Input, normalize};
use crate::{
    Condition, LabelInfo, LookBack, MatchOp, Matcher, MetricQuerier, ParameterInfo, ParameterValue, ParameterValues,
    PromDuration, Querier, RenderError,
};

/// A query template that was checked when it was compiled.
///
/// `Q` is the type of its querier, `R` the type of its result, and `W` whether its template has `{window}`. Constants of
/// this type come from preset files and from `preset!`.
pub struct Preset<Q: ?Sized, R, W = NoWindow> {
    info: &'static PresetInfo,
    parameters: ParameterValues,
    types: PhantomData<Types<Q, R, W>>,
}

/// Covariant in all three, and always `Send` and `Sync`.
type Types<Q, R, W> = fn() -> (*const Q, *const R, *const W);

impl<Q: ?Sized, R, W> Preset<Q, R, W> {
    /// For generated code, which knows the types.
    #[doc(hidden)]
    #[must_use]
    pub const fn __new(info: &'static PresetInfo) -> Self {
        Self { info, parameters: ParameterValues::DEFAULTS, types: PhantomData }
    }

    /// For generated setters, which know the index and the kind of a parameter.
    #[doc(hidden)]
    #[must_use]
    pub const fn __with_parameter(self, index: usize, value: ParameterValue) -> Self {
        Self { parameters: self.parameters.with(index, value), ..self }
    }

    /// The same preset with other types.
    const fn retyped<P: ?Sized, S, V>(self) -> Preset<P, S, V> {
        Preset { info: self.info, parameters: self.parameters, types: PhantomData }
    }

    /// Sets a parameter by name. Constants with parameters have a setter for each.
    ///
    /// # Errors
    /// [`RenderError::UndeclaredParameter`], and [`RenderError::InvalidParameter`] for a value of another kind or out of
    /// bounds.
    pub fn with_parameter(self, name: &str, value: impl Into<ParameterValue>) -> Result<Self, RenderError> {
        let declared = self.info.parameters;
        let index = ParameterInfo::find(declared, name)?;
        Ok(self.__with_parameter(index, declared[index].check(value.into())?))
    }

    /// The parts that rendering needs.
    #[doc(hidden)]
    #[must_use]
    pub const fn __template(&self) -> Template<'static> {
        Template { values: self.parameters, ..self.info.__template() }
    }

    /// The metadata of the preset: name, description, template and more.
    #[must_use]
    pub const fn info(&self) -> &'static PresetInfo {
        self.info
    }

    /// The same preset for any querier. If the preset's file declares labels, the querier is checked against them when
    /// the query is rendered.
    #[must_use]
    pub const fn any_querier<'q>(self) -> Preset<dyn MetricQuerier + 'q, R, W> {
        self.retyped()
    }

    /// The same preset without its types: for any querier, with or without a window, and with results of type `T`. Its
    /// name is `promql_presets::AnyPreset` if `T` is `Data`.
    #[must_use]
    pub const fn any<'q, T>(self) -> Preset<dyn MetricQuerier + 'q, T, AnyWindow> {
        self.retyped()
    }

    /// Erases whether the template has a `{window}`, so that presets with and without one have the same type.
    ///
    /// ```
    /// # use promql_presets_core::{AnyWindow, NoWindow, Preset, Querier, Windowed};
    /// fn choose<R>(
    ///     now: Preset<Querier, R, NoWindow>,
    ///     rate: Preset<Querier, R, Windowed>,
    ///     is_rate: bool,
    /// ) -> Preset<Querier, R, AnyWindow> {
    ///     if is_rate { rate.any_window() } else { now.any_window() }
    /// }
    /// ```
    ///
    /// A window for a template without `{window}` is [`RenderError::UnexpectedWindow`] when the query is rendered.
    #[must_use]
    pub const fn any_window(self) -> Preset<Q, R, AnyWindow> {
        self.retyped()
    }
}

impl<Q: MetricQuerier + ?Sized, R, W> Preset<Q, R, W> {
    /// Renders the query for a querier. It is a pure function, so services can test their queries.
    ///
    /// `window` replaces the default of the preset's `{window}`; pass `None` to keep it.
    ///
    /// # Errors
    /// [`RenderError`] where the querier has a name, a matcher or a label to group by that the preset does not take, or
    /// the window is zero, too long, or not in the template.
    pub fn render(&self, querier: &Q, window: Option<PromDuration>) -> Result<String, RenderError> {
        Input::of(querier).render(self.__template(), window, None)
    }
}

/// A preset to query: a [`Preset`], or a constant with setters for its parameters.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a preset",
    note = "pass a constant of a preset file, a `preset!`, or `info.preset()` of a preset that is looked up by name"
)]
pub trait IntoPreset {
    /// The type of its querier.
    type Querier: ?Sized;
    /// The type of its result.
    type Result;
    /// Whether its template has `{window}`.
    type Window;

    /// The preset, with the values of its parameters.
    fn into_preset(self) -> Preset<Self::Querier, Self::Result, Self::Window>;
}

impl<Q: ?Sized, R, W> IntoPreset for Preset<Q, R, W> {
    type Querier = Q;
    type Result = R;
    type Window = W;

    fn into_preset(self) -> Self {
        self
    }
}

impl<Q: ?Sized, R, W> Clone for Preset<Q, R, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Q: ?Sized, R, W> Copy for Preset<Q, R, W> {}

/// Presets are equal if their names, their places and the values of their parameters are.
impl<Q: ?Sized, R, W> PartialEq for Preset<Q, R, W> {
    fn eq(&self, other: &Self) -> bool {
        (self.info.identity(), self.parameters.bits()) == (other.info.identity(), other.parameters.bits())
    }
}

impl<Q: ?Sized, R, W> Eq for Preset<Q, R, W> {}

impl<Q: ?Sized, R, W> Hash for Preset<Q, R, W> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.info.identity(), self.parameters.bits()).hash(state);
    }
}

impl<Q: ?Sized, R, W> fmt::Debug for Preset<Q, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Preset")
            .field("name", &self.info.name)
            .field("template", &self.info.template)
            .finish_non_exhaustive()
    }
}

/// The preset's template has no `{window}`.
#[derive(Clone, Copy, Debug)]
pub struct NoWindow;

/// The preset's template has a `{window}`.
#[derive(Clone, Copy, Debug)]
pub struct Windowed;

/// The preset's template may have a `{window}`, which is checked when the query is rendered.
#[derive(Clone, Copy, Debug)]
pub struct AnyWindow;

/// Implemented if a window can be set.
#[diagnostic::on_unimplemented(
    message = "this preset's template has no `{{window}}`",
    label = "there is no window to set",
    note = "write `[{{window}}]` in the template and `window = \"5m\"` beside it in the preset file"
)]
pub trait TakesWindow: private::Sealed {}

impl TakesWindow for Windowed {}
impl TakesWindow for AnyWindow {}

mod private {
    pub trait Sealed {}
    impl Sealed for super::Windowed {}
    impl Sealed for super::AnyWindow {}
}

/// The metadata of a preset that was compiled into the program.
pub type PresetInfo = PresetMetadata<'static>;

/// The metadata of a preset.
///
/// Created by generated code, and by the compiler for presets that it reads while a program runs. Any version can add
/// fields.
#[derive(Debug)]
pub struct PresetMetadata<'a> {
    /// Module and name: `container_utilization::rate`.
    pub name: &'a str,
    /// The title, if declared.
    pub title: Option<&'a str>,
    /// The category in catalogues: that of the preset, or else of its file.
    pub category: Option<&'a str>,
    /// The description in the preset file; may be empty.
    pub description: &'a str,
    /// Unit of the result, if declared.
    pub unit: Option<&'a str>,
    /// The template as written in the file.
    pub template: &'a str,
    /// The preset file and the line of the preset: `presets/container_utilization.toml:17`.
    pub source: &'a str,
    /// Type of the result of an instant query.
    pub result: ResultType,
    /// The default window; `None` if the template has no `{window}`.
    pub window: Option<PromDuration>,
    /// The longest window that callers may pass, if the policy of the presets limits it.
    pub max_window: Option<PromDuration>,
    /// The metric of the preset's file, if declared.
    pub metric: Option<&'a str>,
    /// The labels that the file declares; `None` allows any label.
    pub labels: Option<&'a [LabelInfo<'a>]>,
    /// The parameters that callers may set.
    pub parameters: &'a [ParameterInfo<'a>],
    /// The part of the query that prevents splitting a range, such as `range()`, whose value differs in each part.
    pub indivisible: Option<&'a str>,
    /// The first part of the template that reads series without `{labels}`, so that no filter reaches them.
    pub unfiltered: Option<&'a str>,
    /// The part of the template that makes the values of one group depend on the series of other groups, such as an
    /// aggregation without `by ({group_by})`. A query for some groups can then return other values than a query for
    /// all. `None` if groups are independent.
    pub across_groups: Option<&'a str>,
    /// The selectors that do not depend on `{metric_name}`; empty if some of them names no series.
    #[doc(hidden)]
    pub selectors: &'a [SelectorInfo<'a>],
    /// How far back the query reads; if empty, as far as its window.
    #[doc(hidden)]
    pub look_back: &'a [LookBack],
    /// The template, taken apart.
    #[doc(hidden)]
    pub segments: &'a [Segment<&'a str>],
}

impl PresetInfo {
    /// Defaults, which generated code does not repeat.
    #[doc(hidden)]
    pub const __DEFAULT: Self = Self {
        name: "",
        title: None,
        category: None,
        description: "",
        unit: None,
        template: "",
        source: "",
        result: ResultType::InstantVector,
        window: None,
        max_window: None,
        metric: None,
        labels: None,
        parameters: &[],
        indivisible: None,
        unfiltered: None,
        across_groups: None,
        selectors: &[],
        look_back: &[],
        segments: &[],
    };

    /// The preset, for any querier and with results of type `R`: `promql_presets::Data` for results of any type, or the
    /// type that the caller expects. A result of another type is an error.
    #[must_use]
    pub const fn preset<'q, R>(&'static self) -> Preset<dyn MetricQuerier + 'q, R, AnyWindow> {
        Preset::__new(self)
    }

    /// A constant has no address of its own.
    const fn identity(&self) -> [&'static str; 3] {
        [self.name, self.source, self.template]
    }
}

impl<'a> PresetMetadata<'a> {
    /// The parts that rendering needs.
    #[doc(hidden)]
    #[must_use]
    pub const fn __template(&self) -> Template<'a> {
        Template {
            metric: self.metric,
            labels: self.labels,
            window: self.window,
            max_window: self.max_window,
            segments: self.segments,
            parameters: self.parameters,
            values: ParameterValues::DEFAULTS,
        }
    }

    /// Renders the query for a querier, as [`Preset::render`] does, with values of parameters by name.
    ///
    /// # Errors
    /// Those of [`Preset::render`] and [`Preset::with_parameter`].
    pub fn render(
        &self,
        querier: &dyn MetricQuerier,
        window: Option<PromDuration>,
        parameters: &[(String, ParameterValue)],
    ) -> Result<String, RenderError> {
        let mut values = ParameterValues::DEFAULTS;
        for (name, value) in parameters {
            values = values.with(ParameterInfo::find(self.parameters, name)?, *value);
        }
        Input::of(querier).render(Template { values, ..self.__template() }, window, None)
    }

    /// Whether the template has `{metric_name}`, so that the querier must name a metric. Other presets refuse a name,
    /// except that of their own [`metric`](Self::metric).
    #[must_use]
    pub fn takes_metric_name(&self) -> bool {
        self.__template().takes_metric_name()
    }

    /// The names of the metrics that the template reads by `{metric_name}`, such as `latency_seconds_bucket` for
    /// `latency_seconds`.
    #[must_use]
    pub fn metrics_of(&self, metric: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for segment in self.segments {
            if let Segment::MetricName(before, after) | Segment::MetricNameOpen(before, after) = segment {
                let name = [before, metric, after].concat();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// A querier for each selector of the template, with `metric` as the metric's name: the series that the preset reads,
    /// before filters of callers. Empty if they are unknown, such as those of `{__name__=~"http_.*"}`.
    #[must_use]
    pub fn series_of(&self, metric: &str) -> Vec<Querier> {
        let by_name = self.metrics_of(metric).into_iter().filter(|name| !name.is_empty()).map(Querier::new);
        let in_full = self.selectors.iter().map(SelectorInfo::querier);
        let all: Vec<Querier> = by_name.chain(in_full).collect();
        let is_own = all.is_empty() && !self.takes_metric_name() && !metric.is_empty();
        if is_own { vec![Querier::new(metric.to_owned())] } else { all }
    }

    /// Gives a matcher the values that queries of this preset have, such as with the prefix of the label. Invalid values
    /// stay as they are.
    #[doc(hidden)]
    pub fn __normalize(&self, matcher: &mut Matcher<'_>) {
        if let Some(Ok(Some(normalized))) = self.labels.map(|labels| normalize(labels, matcher)) {
            *matcher = normalized;
        }
    }

    /// Whether the template has `{labels}`. Other presets refuse queriers with matchers.
    #[must_use]
    pub fn takes_labels(&self) -> bool {
        self.segments.contains(&Segment::Labels)
    }

    /// Whether the template has `{group_by}`. Other presets refuse queriers with labels to group by.
    #[must_use]
    pub fn takes_group_by(&self) -> bool {
        self.segments.contains(&Segment::GroupBy)
    }
}

/// What a template fixes about the series of one of its selectors.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct SelectorInfo<'a> {
    /// The name of the metric; empty if only matchers select the series.
    pub metric: &'a str,
    /// The label, the operator and the value of each matcher.
    pub matchers: &'a [(&'a str, MatchOp, &'a str)],
}

impl SelectorInfo<'_> {
    fn querier(&self) -> Querier {
        let matchers =
            self.matchers.iter().map(|&(label, op, value)| Condition::new(op, value.to_owned()).on(label.to_owned()));
        matchers.fold(Querier::new(self.metric.to_owned()), Querier::matcher)
    }
}

/// The parts of a preset that rendering needs.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Template<'a> {
    pub metric: Option<&'a str>,
    pub labels: Option<&'a [LabelInfo<'a>]>,
    pub window: Option<PromDuration>,
    pub max_window: Option<PromDuration>,
    pub segments: &'a [Segment<&'a str>],
    pub parameters: &'a [ParameterInfo<'a>],
    pub values: ParameterValues,
}

impl Template<'_> {
    pub(crate) fn takes_metric_name(&self) -> bool {
        self.segments.iter().any(|segment| matches!(segment, Segment::MetricName(..) | Segment::MetricNameOpen(..)))
    }
}

/// Type of a PromQL expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResultType {
    /// One number without labels.
    Scalar,
    /// One sample per series.
    InstantVector,
    /// Several samples per series.
    RangeVector,
    /// A string.
    String,
}

impl ResultType {
    /// The name in the HTTP API: `scalar`, `vector`, `matrix`, `string`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::InstantVector => "vector",
            Self::RangeVector => "matrix",
            Self::String => "string",
        }
    }

    /// The name in messages: `an instant vector`.
    #[must_use]
    pub const fn with_article(self) -> &'static str {
        match self {
            Self::Scalar => "a scalar",
            Self::InstantVector => "an instant vector",
            Self::RangeVector => "a range vector",
            Self::String => "a string",
        }
    }
}

impl fmt::Display for ResultType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar => "scalar",
            Self::InstantVector => "instant vector",
            Self::RangeVector => "range vector",
            Self::String => "string",
        })
    }
}

/// A piece of a template.
///
/// A list is a run of [`Item`](Self::Item), [`Labels`](Self::Labels) and [`GroupBy`](Self::GroupBy), between whose
/// elements the renderer writes commas. `T` is the type of texts: constants borrow them, the compiler owns them.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment<T = &'static str> {
    /// PromQL that is copied as it is. It ends a list.
    Text(T),
    /// One element of a list.
    Item(T),
    /// `{metric_name}` with the text before and after it in the same name, not followed by braces.
    MetricName(T, T),
    /// `{metric_name}` with the text before and after it in the same name, and the `{` that follows.
    MetricNameOpen(T, T),
    /// `{labels}`: as many elements as the querier has matchers.
    Labels,
    /// `{group_by}`: as many elements as the querier groups by labels.
    GroupBy,
    /// `{window}`.
    Window,
    /// A parameter, by its index.
    Parameter(usize),
    /// `start()` after `@`.
    Start,
    /// `end()` after `@`.
    End,
}

impl<T: AsRef<str>> Segment<T> {
    /// The segment with borrowed texts, as it is rendered.
    #[must_use]
    pub fn borrowed(&self) -> Segment<&str> {
        match self {
            Self::Text(text) => Segment::Text(text.as_ref()),
            Self::Item(text) => Segment::Item(text.as_ref()),
            Self::MetricName(before, after) => Segment::MetricName(before.as_ref(), after.as_ref()),
            Self::MetricNameOpen(before, after) => Segment::MetricNameOpen(before.as_ref(), after.as_ref()),
            Self::Labels => Segment::Labels,
            Self::GroupBy => Segment::GroupBy,
            Self::Window => Segment::Window,
            Self::Parameter(index) => Segment::Parameter(*index),
            Self::Start => Segment::Start,
            Self::End => Segment::End,
        }
    }
}

/// The presets of a registry: the constant `ALL` of an `include_presets!` module.
#[derive(Clone, Copy, Debug)]
pub struct Presets(&'static [&'static PresetInfo]);

impl Presets {
    #[doc(hidden)]
    #[must_use]
    pub const fn __new(presets: &'static [&'static PresetInfo]) -> Self {
        Self(presets)
    }

    /// The preset of this name, such as `container_utilization::rate`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'static PresetInfo> {
        // Generated in the order of names.
        self.0.binary_search_by(|preset| preset.name.cmp(name)).ok().map(|at| self.0[at])
    }
}

impl Deref for Presets {
    type Target = [&'static PresetInfo];

    fn deref(&self) -> &Self::Target {
        self.0
    }
}

impl IntoIterator for Presets {
    type Item = &'static PresetInfo;
    type IntoIter = std::iter::Copied<std::slice::Iter<'static, &'static PresetInfo>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().copied()
    }
}
