//! Renders segments and a querier as PromQL.

use std::borrow::Cow;

use crate::escape::{escape_into, is_plain, quoted_len};
use crate::name::{check_label, check_name, is_bare_label, is_bare_metric};
use crate::preset::Template;
use crate::{LabelInfo, Matcher, MetricQuerier, ParameterValues, PromDuration, RenderError, Segment};

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
        let mut out = Output { query, in_list: false, is_plain };
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

struct Output {
    query: String,
    /// Whether the current list has an element.
    in_list: bool,
    /// Whether no label needs quotes and no value needs escapes.
    is_plain: bool,
}

impl Output {
    /// Starts the next element of a list.
    fn item(&mut self) -> &mut String {
        if self.in_list {
            self.query.push(',');
        }
        self.in_list = true;
        &mut self.query
    }

    fn matcher(&mut self, matcher: &Matcher<'_>) {
        self.label(matcher.label());
        self.query.push_str(matcher.op().as_str());
        let value = matcher.value().unwrap_or_default();
        if self.is_plain {
            self.query.push('"');
            self.query.push_str(value);
            self.query.push('"');
        } else {
            escape_into(&mut self.query, value);
        }
    }

    fn label(&mut self, label: &str) {
        let is_bare = self.is_plain || is_bare_label(label);
        let out = self.item();
        if is_bare {
            out.push_str(label);
        } else {
            escape_into(out, label);
        }
    }

    fn metric_name(&mut self, parts: [&str; 3], open: bool) {
        let start = self.query.len();
        for part in parts {
            self.query.push_str(part);
        }
        self.in_list = false;
        if is_bare_metric(&self.query[start..]) {
            if open {
                self.query.push('{');
            }
            return;
        }
        let name = self.query.split_off(start);
        self.query.push('{');
        escape_into(&mut self.query, &name);
        if open {
            self.in_list = true;
        } else {
            self.query.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LabelKind, LabelUse, Match, PresetInfo, Querier, none_of, not, one_of, regex};

    const RATE: &[Segment] = &[
        Segment::Text("sum by ("),
        Segment::GroupBy,
        Segment::Text(")(rate("),
        Segment::MetricNameOpen("", ""),
        Segment::Labels,
        Segment::Text("}["),
        Segment::Window,
        Segment::Text("]))"),
    ];
    const PARTS: &[Segment] = &[
        Segment::MetricName("", "_sum"),
        Segment::Text("/"),
        Segment::MetricNameOpen("", "_count"),
        Segment::Item("a=\"b\""),
        Segment::Text("}"),
    ];
    const FIVE_MINUTES: Option<PromDuration> = Some(PromDuration::from_secs(300));

    const fn label(name: &'static str, kind: LabelKind) -> LabelInfo<'static> {
        LabelInfo { name, required: false, prefix: "", kind, usage: LabelUse::Both, description: "" }
    }

    const fn preset(segments: &'static [Segment], window: Option<PromDuration>) -> PresetInfo {
        PresetInfo { name: "test::preset", source: "presets/test.toml:1", window, segments, ..PresetInfo::__DEFAULT }
    }

    fn render(preset: &PresetInfo, querier: &Querier, window: Option<PromDuration>) -> Result<String, RenderError> {
        Input::of(querier).render(preset.__template(), window, None)
    }

    fn rendered(segments: &'static [Segment], querier: &Querier) -> String {
        let uses_window = segments.contains(&Segment::Window);
        render(&preset(segments, FIVE_MINUTES.filter(|_| uses_window)), querier, None).unwrap()
    }

    fn failed(preset: &PresetInfo, querier: &Querier) -> RenderError {
        render(preset, querier, None).unwrap_err()
    }

    #[test]
    fn renders_the_documented_examples() {
        let api = Querier::new("backendai_api_request_count_total").label("endpoint", "/auth").group_by(["endpoint"]);
        assert_eq!(
            render(&preset(RATE, FIVE_MINUTES), &api, Some(PromDuration::from_secs(60))).unwrap(),
            r#"sum by (endpoint)(rate(backendai_api_request_count_total{endpoint="/auth"}[1m]))"#
        );
        let gauge = &[Segment::MetricNameOpen("", ""), Segment::Labels, Segment::Text("}")];
        assert_eq!(
            rendered(gauge, &Querier::new("backendai_container_utilization").label("value_type", "current")),
            r#"backendai_container_utilization{value_type="current"}"#
        );
    }

    #[test]
    fn commas_stand_between_elements_only() {
        const LIST: &[Segment] = &[
            Segment::Text("m{"),
            Segment::Labels,
            Segment::Item("job=\"api\""),
            Segment::Labels,
            Segment::Text("}/on("),
            Segment::GroupBy,
            Segment::Text(")up{"),
            Segment::Item("a=\"b\""),
            Segment::Labels,
            Segment::Text("}"),
        ];
        let none = Querier::default();
        assert_eq!(rendered(LIST, &none), r#"m{job="api"}/on()up{a="b"}"#);
        let one = none.label("x", "1").group_by(["y"]);
        assert_eq!(rendered(LIST, &one), r#"m{x="1",job="api",x="1"}/on(y)up{a="b",x="1"}"#);
        let two = one.label("z", not("2")).group_by(["z"]);
        assert_eq!(rendered(LIST, &two), r#"m{x="1",z!="2",job="api",x="1",z!="2"}/on(y,z)up{a="b",x="1",z!="2"}"#);
    }

    #[test]
    fn names_that_are_not_identifiers_are_quoted() {
        let querier = Querier::new("http.requests").label("http.code", "500").group_by(["http.code", "inf"]);
        assert_eq!(
            rendered(RATE, &querier),
            r#"sum by ("http.code","inf")(rate({"http.requests","http.code"="500"}[5m]))"#
        );
        assert_eq!(rendered(PARTS, &Querier::new("x")), r#"x_sum/x_count{a="b"}"#);
        assert_eq!(rendered(PARTS, &Querier::new("x.y")), r#"{"x.y_sum"}/{"x.y_count",a="b"}"#);
        assert_eq!(rendered(&[Segment::MetricName("", "")], &Querier::new("sum")), r#"{"sum"}"#);
    }

    #[test]
    fn a_render_takes_one_allocation() {
        let querier = Querier::new("http.requests\n")
            .label("a\"b", "\u{FFFD}\0\u{1b}")
            .label("c", one_of(["1.5", "[x]"]))
            .label("d", regex("x|y"))
            .group_by(["http.code", "c"]);
        let query = rendered(RATE, &querier);
        let exact = Input::of(&querier);
        assert!(query.len() <= exact.capacity(RATE, Values::default(), false));
        assert_eq!(query.capacity(), exact.capacity(RATE, Values::default(), false), "the string grew");
    }

    #[test]
    fn the_ends_of_a_range_are_functions_or_times() {
        const AT: &[Segment] = &[Segment::Text("up @ "), Segment::Start, Segment::Text(" - up @ "), Segment::End];
        let (input, preset) = (Querier::default(), preset(AT, None));
        let input = Input::of(&input);
        assert_eq!(input.render(preset.__template(), None, None).unwrap(), "up @ start() - up @ end()");
        let ends = Some(["-5.000", "1700000000.250"]);
        let query = input.render(preset.__template(), None, ends).unwrap();
        assert_eq!(query, "up @ -5.000 - up @ 1700000000.250");
        assert_eq!(query.capacity(), query.len());
    }

    #[test]
    fn selectors_of_queriers() {
        let of = |querier: Querier| selector(&querier);
        assert_eq!(of(Querier::new("up").label("job", "x")).unwrap(), r#"up{job="x"}"#);
        assert_eq!(of(Querier::new("a.b")).unwrap(), r#"{"a.b"}"#);
        assert_eq!(of(Querier::new("").label("job", "x")).unwrap(), r#"{job="x"}"#);
        assert_eq!(of(Querier::new("")), Err(RenderError::EmptySelector));
    }

    #[test]
    fn refuses_invalid_values() {
        let rate = preset(RATE, FIVE_MINUTES);
        let label = |label: &str| label.to_owned();
        assert_eq!(failed(&rate, &Querier::new("")), RenderError::MissingMetricName);
        assert_eq!(
            failed(&rate, &Querier::new("m").label("", "x")),
            RenderError::InvalidLabelName { label: label("") }
        );
        assert_eq!(
            failed(&rate, &Querier::new("m").label("__name__", "x")),
            RenderError::InvalidLabelName { label: label("__name__") }
        );
        assert_eq!(
            failed(&rate, &Querier::new("m").group_by([""])),
            RenderError::InvalidLabelName { label: label("") }
        );
        assert_eq!(
            failed(&rate, &Querier::new("m").label("a", none_of([""; 0]))),
            RenderError::NoAlternatives { label: label("a") }
        );
        assert!(matches!(failed(&rate, &Querier::new("m").label("a", regex("("))), RenderError::InvalidRegex { .. }));
        let zero = render(&rate, &Querier::new("m"), Some(PromDuration::ZERO));
        assert_eq!(zero, Err(RenderError::ZeroWindow));
        let limited = PresetInfo { max_window: FIVE_MINUTES, ..preset(RATE, FIVE_MINUTES) };
        assert!(render(&limited, &Querier::new("m"), FIVE_MINUTES).is_ok());
        let long = render(&limited, &Querier::new("m"), Some(PromDuration::from_secs(301)));
        assert_eq!(long.unwrap_err().to_string(), "a window of 5m1s, but at most 5m is permitted");
        let unexpected = render(&preset(&[Segment::Text("up")], None), &Querier::default(), FIVE_MINUTES);
        assert_eq!(unexpected, Err(RenderError::UnexpectedWindow));
    }

    #[test]
    fn refuses_values_without_a_placeholder() {
        let plain = preset(&[Segment::Text("up")], None);
        let matcher = RenderError::UnexpectedMatcher { label: "job".to_owned() };
        for condition in [Match::equal("api"), not("api"), regex("a.*"), one_of(["a", "b"])] {
            assert_eq!(failed(&plain, &Querier::new("").label("job", condition)), matcher);
        }
        let group_by = RenderError::UnexpectedGroupBy { label: "path".to_owned() };
        assert_eq!(failed(&plain, &Querier::new("").group_by(["path"])), group_by);
        let name = RenderError::UnexpectedMetricName { name: "m".to_owned() };
        assert_eq!(failed(&plain, &Querier::new("m")), name);
        let named = PresetInfo { metric: Some("m"), ..plain };
        assert_eq!(render(&named, &Querier::new("m"), None).as_deref(), Ok("up"));
        assert!(!named.takes_metric_name() && !named.takes_labels() && !named.takes_group_by());
        let rate = preset(RATE, FIVE_MINUTES);
        assert!(rate.takes_metric_name() && rate.takes_labels() && rate.takes_group_by());
    }

    #[test]
    fn declared_labels_are_checked_for_any_querier() {
        const LABELS: &[LabelInfo] = &[
            LabelInfo { required: true, ..label("job", LabelKind::String) },
            label("id", LabelKind::Uuid),
            label("code", LabelKind::Integer),
            LabelInfo { usage: LabelUse::Filter, ..label("kind", LabelKind::OneOf(&["a", "b"])) },
            LabelInfo { usage: LabelUse::GroupBy, ..label("zone", LabelKind::String) },
        ];
        let preset = PresetInfo { labels: Some(LABELS), metric: Some("m"), ..preset(RATE, FIVE_MINUTES) };
        let base = || Querier::new("m").label("job", "api");
        let wrong_value = |querier: Querier| matches!(failed(&preset, &querier), RenderError::InvalidLabelValue { .. });

        assert_eq!(failed(&preset, &Querier::new("m")), RenderError::MissingRequiredLabel { label: "job".to_owned() });
        assert_eq!(
            failed(&preset, &Querier::new("n").label("job", "api")),
            RenderError::OtherMetric { expected: "m".to_owned(), found: "n".to_owned() }
        );
        assert!(matches!(failed(&preset, &base().label("jbo", "x")), RenderError::UndeclaredLabel { .. }));
        assert!(matches!(failed(&preset, &base().group_by(["x"])), RenderError::UndeclaredLabel { .. }));
        assert!(matches!(failed(&preset, &base().label("zone", "x")), RenderError::NotAFilter { .. }));
        assert!(matches!(failed(&preset, &base().group_by(["kind"])), RenderError::NotAGroupBy { .. }));
        assert!(render(&preset, &base().label("kind", "a").group_by(["zone"]), None).is_ok());
        assert!(wrong_value(base().label("id", "1")));
        assert!(wrong_value(base().label("code", "x")));
        assert!(wrong_value(base().label("kind", "c")));
        let right = base()
            .label("id", "6a9f3c0e-8d1b-4e5f-9a2c-7b6d5e4f3a21")
            .label("code", "-1")
            .label("kind", not("b"))
            .label("kind", regex("a|c"));
        assert!(render(&preset, &right, None).is_ok());

        let (upper, lower) = ("6A9F3C0E-8D1B-4E5F-9A2C-7B6D5E4F3A21", "6a9f3c0e-8d1b-4e5f-9a2c-7b6d5e4f3a21");
        let foreign = base().label("id", one_of([upper, lower])).label("id", not(upper)).label("code", "0200");
        let query = render(&preset, &foreign, None).unwrap();
        assert!(query.contains(&format!(r#"id=~"{lower}|{lower}",id!="{lower}",code="200"}}"#)), "{query}");
        assert!(wrong_value(base().label("id", one_of([lower, "1"]))));
        assert!(wrong_value(base().label("kind", none_of(["a", "c"]))));
        assert!(wrong_value(base().label("kind", not("c"))));
    }

    #[test]
    fn uuids_with_a_prefix_are_uuids() {
        const GPU: &[LabelInfo<'_>] = &[LabelInfo { prefix: "GPU-", ..label("UUID", LabelKind::Uuid) }];
        let (upper, lower) = ("6A9F3C0E-8D1B-4E5F-9A2C-7B6D5E4F3A21", "6a9f3c0e-8d1b-4e5f-9a2c-7b6d5e4f3a21");
        let gpu = PresetInfo { labels: Some(GPU), ..preset(RATE, FIVE_MINUTES) };
        let query = render(&gpu, &Querier::new("m").label("UUID", format!("GPU-{upper}")), None).unwrap();
        assert!(query.contains(&format!(r#"UUID="GPU-{lower}""#)), "{query}");
        let bare = render(&gpu, &Querier::new("m").label("UUID", upper), None).unwrap();
        assert_eq!(bare, query);
        let other = failed(&gpu, &Querier::new("m").label("UUID", format!("MIG-{lower}")));
        assert!(other.to_string().ends_with("of label `UUID`, which is a UUID after `GPU-`"), "{other}");
    }
}
