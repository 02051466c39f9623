//! The requests that an expectation accepts, and the differences of others.

use std::fmt::{self, Write};
use std::panic::Location;
use std::sync::Arc;

use promql_presets::{Matcher, PresetInfo, PromDuration, ResultType, TimeRange, Timestamp};

use crate::call::{Call, Endpoint};
use crate::placeholders::{Placeholders, key};
use crate::response::{MockResponse, Shape, Times};

/// Whether a parameter has a place of its own in an expectation, or does not change the result.
fn is_neutral(parameter: &str, endpoint: &Endpoint) -> bool {
    match parameter {
        "query" | "timeout" | "stats" | "match[]" => true,
        "time" => *endpoint == Endpoint::Query,
        "start" | "end" => *endpoint != Endpoint::Query,
        // The `step` of an instant query is the lookback delta of VictoriaMetrics.
        "step" => *endpoint == Endpoint::QueryRange,
        _ => false,
    }
}

/// The header in which Mimir and others expect the tenant.
pub(crate) const TENANT_HEADER: &str = "x-scope-orgid";

/// The expected value of a placeholder, or of a part of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part<T> {
    Is(T),
    Any,
}

/// The query of a request.
#[derive(Clone, Debug)]
pub(crate) enum Query {
    Preset(&'static PresetInfo),
    Raw(String),
    /// An endpoint without a query.
    None,
    /// Any request at all.
    Any,
}

#[derive(Clone)]
pub(crate) enum Reply {
    Response(Box<MockResponse>),
    Function(Arc<dyn Fn(&Call) -> MockResponse + Send + Sync>),
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Response(response) => response.fmt(f),
            Self::Function(_) => f.write_str("Function"),
        }
    }
}

/// How many requests an expectation accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// Each response once, or a single response at least once.
    Responses,
    Exactly(usize),
    Any,
}

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent of each other")]
pub(crate) struct Expected {
    pub(crate) query: Query,
    pub(crate) endpoint: Endpoint,
    pub(crate) placeholders: Placeholders,
    pub(crate) more_labels: bool,
    pub(crate) any_grouping: bool,
    pub(crate) window: Part<Option<PromDuration>>,
    pub(crate) time: Part<Timestamp>,
    pub(crate) range: Part<TimeRange>,
    /// Whether the range may be queried in parts.
    pub(crate) in_parts: bool,
    /// The first and the last point of each part so far.
    pub(crate) parts: Vec<(Timestamp, Timestamp)>,
    pub(crate) start: Part<Timestamp>,
    pub(crate) end: Part<Timestamp>,
    pub(crate) selectors: Part<Vec<Placeholders>>,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) any_parameters: bool,
    pub(crate) headers: Vec<(String, String)>,
    /// In `X-Scope-OrgID`.
    pub(crate) tenant: Part<Option<String>>,
    pub(crate) base_path: String,
    pub(crate) place: &'static Location<'static>,
    pub(crate) replies: Vec<Reply>,
    pub(crate) count: Count,
    pub(crate) used: usize,
}

/// The differences between a request and an expectation. The expectation with the smallest distance is the most similar.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    pub(crate) distance: u32,
    pub(crate) texts: Vec<String>,
}

impl Differences {
    fn add(&mut self, distance: u32, text: impl Into<String>) {
        self.distance += distance;
        self.texts.push(text.into());
    }
}

impl Expected {
    pub(crate) fn new(query: Query, endpoint: Endpoint, place: &'static Location<'static>) -> Self {
        let window = if let Query::Preset(info) = query { info.window } else { None };
        Self {
            query,
            endpoint,
            placeholders: Placeholders::default(),
            more_labels: false,
            any_grouping: false,
            window: Part::Is(window),
            time: Part::Any,
            range: Part::Any,
            in_parts: false,
            parts: Vec::new(),
            start: Part::Any,
            end: Part::Any,
            selectors: Part::Is(Vec::new()),
            parameters: Vec::new(),
            any_parameters: false,
            headers: Vec::new(),
            tenant: Part::Is(None),
            base_path: String::new(),
            place,
            replies: Vec::new(),
            count: Count::Responses,
            used: 0,
        }
    }

    /// The shape of a response.
    pub(crate) fn shape(&self) -> Shape {
        match (&self.endpoint, &self.query) {
            (_, Query::Any) => Shape::Other,
            (Endpoint::Query, Query::Preset(info)) => match info.result {
                ResultType::Scalar => Shape::Scalar,
                ResultType::InstantVector => Shape::Vector,
                ResultType::RangeVector => Shape::Other,
                ResultType::String => Shape::Text,
            },
            (Endpoint::QueryRange, _) => Shape::Matrix,
            (Endpoint::Labels | Endpoint::LabelValues(_), _) => Shape::Names,
            (Endpoint::Series, _) => Shape::LabelSets,
            _ => Shape::Other,
        }
    }

    /// The times of a response.
    pub(crate) fn times(&self, call: &Call) -> Times {
        let Some(range) = call.range() else { return Times::At(call.time().unwrap_or_else(Timestamp::now)) };
        let (start, end) = (range.start().as_millis(), range.end().as_millis());
        let base = match &self.range {
            Part::Is(whole) => whole.start().as_millis(),
            Part::Any => start,
        };
        let step = i64::try_from(range.step_duration().as_millis()).unwrap_or(i64::MAX);
        Times::Range { base, start, end, step }
    }

    /// Whether it accepts no further request.
    pub(crate) fn is_used_up(&self) -> bool {
        match self.count {
            Count::Responses => self.replies.len() > 1 && self.used >= self.replies.len(),
            Count::Exactly(count) => self.used >= count,
            Count::Any => false,
        }
    }

    /// The reason why it does not have the requests that it expects.
    pub(crate) fn shortfall(&self) -> Option<String> {
        let wanted = match self.count {
            Count::Any => 0,
            Count::Exactly(count) => count,
            Count::Responses => self.replies.len().max(1),
        };
        let calls = if self.used == 1 { "1 call".to_owned() } else { format!("{} calls", self.used) };
        if self.used >= wanted {
            return self.missing_part().filter(|_| self.count != Count::Any);
        }
        Some(match (wanted, self.used) {
            (_, 0) => format!("no call of {self}, expected at {}", self.place),
            _ => format!("{calls} of {self}, where {wanted} are expected at {}", self.place),
        })
    }

    /// The points of the range that are in no part.
    fn missing_part(&self) -> Option<String> {
        let (Part::Is(range), true) = (&self.range, self.in_parts) else { return None };
        let mut parts = self.parts.clone();
        parts.sort_unstable();
        let mut next = range.start();
        for (first, last) in parts {
            if first > next {
                break;
            }
            next = next.max(last.checked_add(range.step_duration().into())?);
        }
        let is_whole = next > range.end();
        (!is_whole).then(|| format!("{self} is not queried from {next} on, expected at {}", self.place))
    }

    pub(crate) fn preset(&self) -> Option<&'static PresetInfo> {
        match self.query {
            Query::Preset(info) => Some(info),
            _ => None,
        }
    }

    /// The values of the placeholders in a request, if it is a query of the expected preset.
    pub(crate) fn placeholders_of(&self, call: &Call) -> Option<Placeholders> {
        let info = self.preset()?;
        call.named.as_ref().is_none_or(|name| name == info.name).then(|| Placeholders::of(info, call.query()?))?
    }

    /// The differences to a request; none if it is the expected one.
    pub(crate) fn differences(&self, call: &Call) -> Differences {
        let mut found = Differences::default();
        if matches!(self.query, Query::Any) {
            return found;
        }
        if self.endpoint != call.endpoint {
            let is_alike = std::mem::discriminant(&self.endpoint) == std::mem::discriminant(&call.endpoint)
                || self.endpoint.is_query() && call.endpoint.is_query();
            let distance = if is_alike { 100 } else { 5_000 };
            found.add(distance, format!("{}, not {}", call.endpoint, self.endpoint));
        }
        self.compare_query(call, &mut found);
        self.compare_times(call, &mut found);
        self.compare_selectors(call, &mut found);
        self.compare_parameters(call, &mut found);
        for (name, value) in &self.headers {
            if call.header(name) != Some(value) {
                found.add(1, format!("header `{name}`: {}, not {value:?}", shown(call.header(name))));
            }
        }
        if let (Part::Is(expected), tenant) = (&self.tenant, call.header(TENANT_HEADER))
            && expected.as_deref() != tenant
        {
            found.add(1, format!("the tenant {}, not {}", shown(tenant), shown(expected.as_deref())));
        }
        if self.base_path != call.base_path {
            found.add(1, format!("path before the API: {:?}, not {:?}", call.base_path, self.base_path));
        }
        found
    }

    fn compare_query(&self, call: &Call, found: &mut Differences) {
        let query = call.query().unwrap_or_default();
        let named = call.named.as_deref();
        match &self.query {
            Query::Raw(promql) => {
                if let Some(preset) = named.filter(|name| !name.is_empty()) {
                    found.add(500, format!("a query of the preset {preset}, not unchecked PromQL"));
                } else if promql != query {
                    found.add(1_000, format!("the query is not `{promql}`"));
                }
            }
            Query::Preset(info) => match (Placeholders::of(info, query), named) {
                (_, Some("")) => found.add(900, format!("unchecked PromQL, not the preset {}", info.name)),
                (_, Some(name)) if name != info.name => {
                    found.add(1_000, format!("the preset {name}, not {}", info.name));
                }
                (None, _) => found.add(1_000, format!("not a query of the preset {}", info.name)),
                (Some(placeholders), _) => self.compare_placeholders(&placeholders, found),
            },
            Query::None | Query::Any => {}
        }
    }

    fn compare_placeholders(&self, placeholders: &Placeholders, found: &mut Differences) {
        if self.placeholders.metric != placeholders.metric {
            let (is, expected) = (shown(placeholders.metric.as_deref()), shown(self.placeholders.metric.as_deref()));
            found.add(3, format!("the metric {is}, not {expected}"));
        }
        self.compare_matchers(&placeholders.matchers, found);
        self.compare_values(placeholders, found);
        if !self.any_grouping && self.placeholders.group_by != placeholders.group_by {
            found.add(1, format!("grouped by {:?}, not by {:?}", placeholders.group_by, self.placeholders.group_by));
        }
        if let Part::Is(window) = self.window
            && window != placeholders.window
        {
            let window = |window: Option<PromDuration>| window.map_or_else(|| "none".to_owned(), |it| it.to_string());
            found.add(
                1,
                format!("the window {}, not {}", window(placeholders.window), window(self.window_or_default())),
            );
        }
    }

    /// The parameters of the preset.
    fn compare_values(&self, placeholders: &Placeholders, found: &mut Differences) {
        let Query::Preset(info) = self.query else { return };
        for (index, parameter) in info.parameters.iter().enumerate() {
            let shown = |placeholders: &Placeholders| {
                placeholders.parameters.get(index).unwrap_or(parameter.default).to_string()
            };
            let (is, expected) = (shown(placeholders), shown(&self.placeholders));
            if is != expected {
                found.add(1, format!("the parameter `{}` is {is}, not {expected}", parameter.name));
            }
        }
    }

    fn window_or_default(&self) -> Option<PromDuration> {
        match self.window {
            Part::Is(window) => window,
            Part::Any => None,
        }
    }

    /// Each matcher must occur as often as expected, in any order.
    fn compare_matchers(&self, matchers: &[Matcher<'static>], found: &mut Differences) {
        let mut left: Vec<_> = matchers.iter().collect();
        let mut missing = Vec::new();
        for expected in &self.placeholders.matchers {
            match left.iter().position(|matcher| key(matcher) == key(expected)) {
                Some(at) => _ = left.remove(at),
                None => missing.push(expected),
            }
        }
        for expected in missing {
            match left.iter().position(|matcher| matcher.label() == expected.label()) {
                Some(at) => found.add(1, format!("the matcher {}, not {expected}", left.remove(at))),
                None => found.add(1, format!("no matcher {expected}")),
            }
        }
        if !self.more_labels {
            for matcher in left {
                found.add(1, format!("the matcher {matcher}, which is not expected"));
            }
        }
    }

    fn compare_times(&self, call: &Call, found: &mut Differences) {
        for (name, expected) in [("time", &self.time), ("start", &self.start), ("end", &self.end)] {
            if let Part::Is(expected) = expected
                && call.timestamp(name) != Some(*expected)
            {
                let found_time = call.timestamp(name).map_or_else(|| "none".to_owned(), |time| time.to_string());
                found.add(1, format!("{name}: {found_time}, not {expected}"));
            }
        }
        let Part::Is(expected) = &self.range else { return };
        let Some(range) = call.range() else {
            found.add(3, "no range");
            return;
        };
        if range.step_duration() != expected.step_duration() {
            found.add(1, format!("step: {}, not {}", range.step_duration(), expected.step_duration()));
        }
        if self.in_parts {
            let step = i64::try_from(expected.step_duration().as_millis()).unwrap_or(i64::MAX).max(1);
            let off_grid = (range.start().as_millis() - expected.start().as_millis()) % step != 0;
            if off_grid || range.start() < expected.start() || range.end() > expected.end() {
                let part = format!("{} to {}", range.start(), range.end());
                found.add(1, format!("{part} is not a part of {} to {}", expected.start(), expected.end()));
            }
            return;
        }
        for (name, time, expected) in [("start", range.start(), expected.start()), ("end", range.end(), expected.end())]
        {
            if time != expected {
                found.add(1, format!("{name}: {time}, not {expected}"));
            }
        }
    }

    fn compare_selectors(&self, call: &Call, found: &mut Differences) {
        let Part::Is(expected) = &self.selectors else { return };
        let texts = call.parameters.iter().filter(|(name, _)| name == "match[]").map(|(_, value)| value);
        let mut expected: Vec<_> = expected.iter().collect();
        for text in texts {
            let is_same = |expected: &&Placeholders| {
                Placeholders::of_selector(text).is_some_and(|selector| {
                    let mut differences = Differences::default();
                    let only = Self {
                        placeholders: (*expected).clone(),
                        ..Self::new(Query::None, Endpoint::Series, self.place)
                    };
                    only.compare_placeholders(&selector, &mut differences);
                    differences.texts.is_empty()
                })
            };
            match expected.iter().position(is_same) {
                Some(at) => _ = expected.remove(at),
                None => found.add(1, format!("the selector {text}, which is not expected")),
            }
        }
        for selector in expected {
            let selector = promql_presets_core::selector(&selector.querier()).unwrap_or_default();
            found.add(1, format!("no selector {selector}"));
        }
    }

    fn compare_parameters(&self, call: &Call, found: &mut Differences) {
        let mut left: Vec<_> = call.parameters.iter().collect();
        let mut missing = Vec::new();
        for expected in &self.parameters {
            match left.iter().position(|parameter| *parameter == expected) {
                Some(at) => _ = left.remove(at),
                None => missing.push(expected),
            }
        }
        for (name, value) in missing {
            let other = left.iter().position(|(other, _)| name == other).map(|at| &left.remove(at).1);
            found.add(1, format!("parameter `{name}`: {}, not {value:?}", shown(other.map(String::as_str))));
        }
        let is_unexpected = |name: &str| !self.any_parameters && !is_neutral(name, &call.endpoint);
        for (name, value) in left.into_iter().filter(|(name, _)| is_unexpected(name)) {
            found.add(1, format!("parameter `{name}`: {value:?}, which is not expected"));
        }
    }

    /// Counts a request, and returns its response.
    pub(crate) fn next(&mut self, call: &Call) -> Option<Reply> {
        self.used += 1;
        self.parts.extend(call.range().filter(|_| self.in_parts).map(|range| (range.start(), range.end())));
        self.replies.get(self.used - 1).or(self.replies.last()).cloned()
    }
}

fn shown(text: Option<&str>) -> String {
    text.map_or_else(|| "none".to_owned(), |text| format!("{text:?}"))
}

/// `range query of container_utilization::rate{kernel_id="..."} by ["session_id"] [5m]`.
impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.query {
            Query::Any => return f.write_str("any request"),
            Query::Preset(info) => write!(f, "{} of {}", self.endpoint, info.name)?,
            Query::Raw(promql) => return write!(f, "{} of `{promql}`", self.endpoint),
            Query::None => {
                self.endpoint.fmt(f)?;
                if let Part::Is(selectors) = &self.selectors {
                    for selector in selectors {
                        let selector = promql_presets_core::selector(&selector.querier()).unwrap_or_default();
                        write!(f, " {selector}")?;
                    }
                }
                return Ok(());
            }
        }
        if let Some(metric) = &self.placeholders.metric {
            write!(f, " of {metric}")?;
        }
        f.write_char('{')?;
        for (at, matcher) in self.placeholders.matchers.iter().enumerate() {
            write!(f, "{}{matcher}", if at > 0 { ", " } else { "" })?;
        }
        f.write_str(match (self.more_labels, self.placeholders.matchers.is_empty()) {
            (false, _) => "}",
            (true, true) => "...}",
            (true, false) => ", ...}",
        })?;
        if !self.any_grouping && !self.placeholders.group_by.is_empty() {
            write!(f, " by {:?}", self.placeholders.group_by)?;
        }
        match self.window {
            Part::Is(Some(window)) => write!(f, " [{window}]"),
            _ => Ok(()),
        }
    }
}
