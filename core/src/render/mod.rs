//! Renders segments and a querier as PromQL.

#[cfg(test)]
mod tests;
mod writer;

use std::borrow::Cow;

use crate::escape::{is_plain, quoted_len};
use crate::name::{check_label, check_name, is_bare_label};
use crate::preset::Template;
use crate::{LabelInfo, Matcher, MetricQuerier, ParameterValues, PromDuration, RenderError, Segment};
use writer::Writer;

/// The longest text of a [`PromDuration`] is shorter.
const WINDOW_LEN: usize = 32;

/// Nearly every parameter is shorter.
const PARAMETER_LEN: usize = 32;

/// The series selector of a querier: `name{label="value"}`. Labels to group by are not part of it.
///
/// # Errors
/// [`RenderError`] for invalid matchers, and if there is neither a name nor a matcher.
pub fn selector(querier: &dyn MetricQuerier) -> Result<String, RenderError> {
    Input::of(querier).selector()
}

fn check_window(template: Template<'_>, window: Option<PromDuration>) -> Result<PromDuration, RenderError> {
    match (template.window, window) {
        (None, Some(_)) => Err(RenderError::UnexpectedWindow),
        (_, Some(PromDuration::ZERO)) => Err(RenderError::ZeroWindow),
        // The compiler has checked the default.
        (_, Some(window)) if template.max_window.is_some_and(|limit| window > limit) => {
            Err(RenderError::WindowTooLong { window, limit: template.max_window.unwrap_or_default() })
        }
        (default, window) => Ok(window.or(default).unwrap_or_default()),
    }
}

/// The values of placeholders that do not depend on the querier.
#[derive(Clone, Copy, Default)]
struct Values<'a> {
    window: PromDuration,
    parameters: ParameterValues,
    /// The text for `start()` and `end()`.
    ends: [&'a str; 2],
}

/// The values that a querier returns. It is `Send`, even if the querier is not `Sync`.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Input<'a> {
    name: Cow<'a, str>,
    labels: Cow<'a, [Matcher<'a>]>,
    group_by: Cow<'a, [Cow<'a, str>]>,
}

impl<'a> Input<'a> {
    #[must_use]
    pub fn of<Q: MetricQuerier + ?Sized>(querier: &'a Q) -> Self {
        Self { name: querier.name().into(), labels: querier.labels(), group_by: querier.group_by_labels() }
    }

    /// The same input, independent of the querier.
    #[must_use]
    pub fn into_owned(self) -> Input<'static> {
        Input {
            name: self.name.into_owned().into(),
            labels: self.labels.into_owned().into_iter().map(Matcher::into_owned).collect(),
            group_by: self.group_by.into_owned().into_iter().map(|label| label.into_owned().into()).collect(),
        }
    }

    /// Adds a matcher, on one of the declared labels if there are any.
    ///
    /// # Errors
    /// Those of rendering, for this matcher.
    pub fn add_matcher(
        &mut self,
        declared: Option<&[LabelInfo<'_>]>,
        matcher: &Matcher<'a>,
    ) -> Result<(), RenderError> {
        check_matcher(matcher)?;
        let normalized = declared.map(|declared| normalize(declared, matcher)).transpose()?.flatten();
        let mut labels = match std::mem::take(&mut self.labels) {
            Cow::Borrowed(labels) => {
                // Not a copy of their texts.
                let mut all = Vec::with_capacity(labels.len() + 1);
                all.extend(labels.iter().map(Matcher::borrowed));
                all
            }
            Cow::Owned(labels) => labels,
        };
        labels.push(normalized.unwrap_or_else(|| matcher.clone()));
        self.labels = labels.into();
        Ok(())
    }

    /// As [`selector`].
    ///
    /// # Errors
    /// Those of [`selector`].
    pub fn selector(&self) -> Result<String, RenderError> {
        const NAMED: &[Segment] = &[Segment::MetricNameOpen("", ""), Segment::Labels, Segment::Text("}")];
        const UNNAMED: &[Segment] = &[Segment::Text("{"), Segment::Labels, Segment::Text("}")];
        self.check_matchers()?;
        let segments = match (&*self.name, &*self.labels) {
            ("", []) => return Err(RenderError::EmptySelector),
            ("", _) => UNNAMED,
            _ => NAMED,
        };
        Ok(self.write(segments, Values::default()))
    }

    /// Adds a label to group by, unless it is there.
    pub fn add_group_by(&mut self, label: impl Into<Cow<'a, str>>) {
        let label = label.into();
        if !self.group_by.contains(&label) {
            self.group_by.to_mut().push(label);
        }
    }

    /// Renders a preset. Everything is checked first; then the query is written into one allocation.
    ///
    /// `ends` are what `start()` and `end()` after `@` become in a query for a part of a range: the times of the whole.
    ///
    /// # Errors
    /// Those of [`Preset::render`](crate::Preset::render).
    pub fn render(
        &self,
        template: Template<'_>,
        window: Option<PromDuration>,
        ends: Option<[&str; 2]>,
    ) -> Result<String, RenderError> {
        let window = check_window(template, window)?;
        let parameters = template.values.checked(template.parameters)?;
        let values = Values { window, parameters, ends: ends.unwrap_or(["start()", "end()"]) };
        Ok(match self.check(template)? {
            Some(normalized) => {
                let labels = normalized.into();
                let group_by = Cow::Borrowed(&*self.group_by);
                Input { name: Cow::Borrowed(&*self.name), labels, group_by }.write(template.segments, values)
            }
            None => self.write(template.segments, values),
        })
    }

    /// The matchers with normalized values, if they differ.
    fn check(&self, template: Template<'_>) -> Result<Option<Vec<Matcher<'_>>>, RenderError> {
        if let Some(expected) = template.metric
            && self.name != expected
            && !self.name.is_empty()
        {
            return Err(RenderError::OtherMetric { expected: expected.to_owned(), found: self.name.to_string() });
        }
        if self.name.is_empty() && template.takes_metric_name() {
            return Err(RenderError::MissingMetricName);
        }
        self.check_placeholders(template)?;
        self.check_matchers()?;
        for label in &*self.group_by {
            // Grouping by `__name__` is fine.
            check_name(label).map_err(|_| RenderError::InvalidLabelName { label: String::new() })?;
        }
        template.labels.map_or(Ok(None), |declared| self.check_declared(declared))
    }

    /// Refuses input that the template has no placeholder for: a filter may be a permission, so none is dropped.
    fn check_placeholders(&self, template: Template<'_>) -> Result<(), RenderError> {
        if !self.name.is_empty() && template.metric.is_none() && !template.takes_metric_name() {
            return Err(RenderError::UnexpectedMetricName { name: self.name.to_string() });
        }
        match (&*self.labels, &*self.group_by) {
            ([matcher, ..], _) if !template.segments.contains(&Segment::Labels) => {
                Err(RenderError::UnexpectedMatcher { label: matcher.label().to_owned() })
            }
            (_, [label, ..]) if !template.segments.contains(&Segment::GroupBy) => {
                Err(RenderError::UnexpectedGroupBy { label: label.to_string() })
            }
            _ => Ok(()),
        }
    }

    fn check_matchers(&self) -> Result<(), RenderError> {
        self.labels.iter().try_for_each(check_matcher)
    }

    /// Checks the querier against the labels that the preset's file declares, and normalizes values.
    fn check_declared(&self, declared: &[LabelInfo<'_>]) -> Result<Option<Vec<Matcher<'_>>>, RenderError> {
        let mut in_order = declared.iter();
        let mut normalized: Option<Vec<Matcher<'_>>> = None;
        for (at, matcher) in self.labels.iter().enumerate() {
            // The file's own queriers have them in the order of the file.
            let info = match in_order.find(|info| info.name == matcher.label()) {
                Some(info) => info,
                None => find(declared, matcher.label())?,
            };
            if let Some(matcher) = normalize_as(info, matcher)? {
                normalized.get_or_insert_with(|| self.labels.to_vec())[at] = matcher;
            }
        }
        for label in &*self.group_by {
            if !find(declared, label)?.usage.is_group_by() {
                return Err(RenderError::NotAGroupBy { label: label.to_string() });
            }
        }
        match declared.iter().find(|info| info.required && !self.labels.iter().any(|m| m.label() == info.name)) {
            Some(missing) => Err(RenderError::MissingRequiredLabel { label: missing.name.to_owned() }),
            None => Ok(normalized),
        }
    }

    fn write(&self, segments: &[Segment<&str>], values: Values<'_>) -> String {
        let is_plain = self.is_plain();
        let query = String::with_capacity(self.capacity(segments, values, is_plain));
        let mut out = Writer { query, in_list: false, is_plain };
        for segment in segments {
            match *segment {
                Segment::Text(text) => {
                    out.query.push_str(text);
                    out.in_list = false;
                }
                Segment::Item(text) => out.item().push_str(text),
                Segment::MetricName(before, after) => out.metric_name([before, &self.name, after], false),
                Segment::MetricNameOpen(before, after) => out.metric_name([before, &self.name, after], true),
                Segment::Labels => self.labels.iter().for_each(|matcher| out.matcher(matcher)),
                Segment::GroupBy => self.group_by.iter().for_each(|label| out.label(label)),
                // Writing to a `String` cannot fail.
                Segment::Window => _ = values.window.write_to(&mut out.query),
                Segment::Parameter(index) => values.parameters.write_to(index, &mut out.query),
                Segment::Start => out.query.push_str(values.ends[0]),
                Segment::End => out.query.push_str(values.ends[1]),
            }
        }
        out.query
    }

    /// Whether no label needs quotes and no value needs escapes, which is nearly always the case.
    fn is_plain(&self) -> bool {
        let plain = |m: &Matcher<'_>| is_bare_label(m.label()) && is_plain(m.value().unwrap_or_default());
        self.labels.iter().all(plain) && self.group_by.iter().all(|label| is_bare_label(label))
    }

    /// An upper bound of the query's length, and a close one.
    fn capacity(&self, segments: &[Segment<&str>], values: Values<'_>, is_plain: bool) -> usize {
        let quoted = |text: &str| if is_plain { text.len() + 2 } else { quoted_len(text) };
        let labels = || {
            let len = |m: &Matcher<'_>| quoted(m.label()) + quoted(m.value().unwrap_or_default()) + 3;
            self.labels.iter().map(len).sum::<usize>()
        };
        let group_by = || self.group_by.iter().map(|label| quoted(label) + 1).sum::<usize>();
        let len = |segment: &Segment<&str>| match segment {
            Segment::Text(text) => text.len(),
            Segment::Item(text) => text.len() + 1,
            Segment::MetricName(before, after) | Segment::MetricNameOpen(before, after) => {
                // The text around the name is part of an identifier.
                before.len() + quoted_len(&self.name) + after.len() + 2
            }
            Segment::Labels => labels(),
            Segment::GroupBy => group_by(),
            Segment::Window => WINDOW_LEN,
            Segment::Parameter(_) => PARAMETER_LEN,
            Segment::Start => values.ends[0].len(),
            Segment::End => values.ends[1].len(),
        };
        segments.iter().map(len).sum()
    }
}

fn find<'i, 'l>(declared: &'i [LabelInfo<'l>], label: &str) -> Result<&'i LabelInfo<'l>, RenderError> {
    declared.iter().find(|info| info.name == label).ok_or_else(|| RenderError::UndeclaredLabel {
        label: label.to_owned(),
        declared: declared.iter().map(|info| info.name.to_owned()).collect(),
    })
}

/// The matcher with normalized values, if they differ.
pub(crate) fn normalize<'m>(
    declared: &[LabelInfo<'_>],
    matcher: &Matcher<'m>,
) -> Result<Option<Matcher<'m>>, RenderError> {
    normalize_as(find(declared, matcher.label())?, matcher)
}

fn normalize_as<'m>(info: &LabelInfo<'_>, matcher: &Matcher<'m>) -> Result<Option<Matcher<'m>>, RenderError> {
    if !info.usage.is_filter() {
        return Err(RenderError::NotAFilter { label: info.name.to_owned() });
    }
    let replaced = matcher.replace_values(|value| info.normalize(value));
    replaced.map_err(|value| RenderError::InvalidLabelValue {
        label: info.name.to_owned(),
        value: value.into_owned(),
        expected: info.shown_values(),
    })
}

pub(crate) fn check_matcher(matcher: &Matcher<'_>) -> Result<(), RenderError> {
    let label = || matcher.label().to_owned();
    check_label(matcher.label()).map_err(|_| RenderError::InvalidLabelName { label: label() })?;
    let value = matcher.value().ok_or_else(|| RenderError::NoAlternatives { label: label() })?;
    if matcher.op().is_regex() {
        crate::regex::validate(value).map_err(|error| RenderError::InvalidRegex {
            label: label(),
            pattern: value.to_owned(),
            reason: error.to_string(),
        })?;
    }
    Ok(())
}
