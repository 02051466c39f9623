//! Finds the values of the placeholders of a preset in a rendered query.

use promql_presets_core::{
    Condition, Input, MatchOp, Matcher, ParameterInfo, ParameterValue, ParameterValues, PresetInfo, PromDuration,
    Querier, Segment,
};

/// The values of the placeholders of a preset.
#[derive(Clone, Debug, Default)]
pub(crate) struct Placeholders {
    pub(crate) metric: Option<String>,
    pub(crate) matchers: Vec<Matcher<'static>>,
    pub(crate) group_by: Vec<String>,
    pub(crate) window: Option<PromDuration>,
    pub(crate) parameters: ParameterValues,
}

impl Placeholders {
    /// The values with which a preset renders a query, if there are any.
    pub(crate) fn of(preset: &PresetInfo, query: &str) -> Option<Self> {
        let mut template = preset.__template();
        let (placeholders, ends) = read(template.segments, template.parameters, query)?;
        template.values = placeholders.parameters;
        let ends = ends.as_ref().map(|[start, end]| [start.as_str(), end.as_str()]);
        // The reader may accept too much, since this comparison does not.
        let rendered = Input::of(&placeholders.querier()).render(template, placeholders.window, ends).ok()?;
        (rendered == query).then_some(placeholders)
    }

    /// The metric and the matchers of a series selector, as the client writes them.
    pub(crate) fn of_selector(selector: &str) -> Option<Self> {
        const NAMED: &[Segment] = &[Segment::MetricNameOpen("", ""), Segment::Labels, Segment::Text("}")];
        const UNNAMED: &[Segment] = &[Segment::Text("{"), Segment::Labels, Segment::Text("}")];
        [NAMED, UNNAMED].into_iter().find_map(|segments| Some(read(segments, &[], selector)?.0))
    }

    /// A querier that renders this text.
    pub(crate) fn querier(&self) -> Querier {
        let querier = Querier::new(self.metric.clone().unwrap_or_default()).group_by(self.group_by.iter().cloned());
        self.matchers.iter().cloned().fold(querier, Querier::matcher)
    }
}

/// The parts of a matcher, to compare it. Alternatives of a regular expression, as `one_of` has them, are sorted.
pub(crate) fn key<'a>(matcher: &'a Matcher<'_>) -> (&'a str, &'static str, Option<Vec<&'a str>>) {
    let is_regex = matcher.op().is_regex();
    // Outside of groups and classes, `|` separates alternatives, unless it is escaped.
    let is_split =
        |value: &str| is_regex && !value.contains(['(', '[']) && ![r"\|", r"\Q"].iter().any(|it| value.contains(it));
    let parts = |value: &'a str| {
        let mut parts: Vec<_> = if is_split(value) { value.split('|').collect() } else { vec![value] };
        parts.sort_unstable();
        parts
    };
    (matcher.label(), matcher.op().as_str(), matcher.value().map(parts))
}

/// A matcher from its parts.
pub(crate) fn matcher(label: String, op: MatchOp, value: String) -> Matcher<'static> {
    Condition::new(op, value).on(label)
}

/// The values of `start()` and `end()`, where they are times.
type Ends = Option<[String; 2]>;

fn read(segments: &[Segment], parameters: &[ParameterInfo<'_>], query: &str) -> Option<(Placeholders, Ends)> {
    let mut reader = Reader { rest: query, in_list: false };
    let mut filled = Filled::default();
    let mut segments = segments;
    while let [segment, after @ ..] = segments {
        let is_element = |segment: &Segment| matches!(segment, Segment::Item(_) | Segment::Labels | Segment::GroupBy);
        let elements = segments.iter().take_while(|segment| is_element(segment)).count();
        if elements > 0 {
            let (list, after) = segments.split_at(elements);
            reader.list(list, &mut filled)?;
            segments = after;
            continue;
        }
        match *segment {
            Segment::Text(text) => {
                reader.skip(text)?;
                reader.in_list = false;
            }
            Segment::MetricName(before, after) => fill(&mut filled.metric, reader.metric_name(before, after, false)?)?,
            Segment::MetricNameOpen(before, after) => {
                fill(&mut filled.metric, reader.metric_name(before, after, true)?)?;
            }
            Segment::Window => fill(&mut filled.window, reader.window()?)?,
            Segment::Parameter(index) => {
                let value = reader.parameter(parameters.get(index)?)?;
                if filled.parameters.get(index).is_some_and(|before| before != value) {
                    return None;
                }
                filled.parameters = filled.parameters.with(index, value);
            }
            Segment::Start => fill(&mut filled.start, reader.time("start()")?)?,
            Segment::End => fill(&mut filled.end, reader.time("end()")?)?,
            Segment::Item(_) | Segment::Labels | Segment::GroupBy => return None,
        }
        segments = after;
    }
    if !reader.rest.is_empty() {
        return None;
    }
    let Filled { metric, labels, group_by, window, parameters, start, end } = filled;
    let ends = match (start, end) {
        (None, None) => None,
        (start, end) => Some([start.unwrap_or_default(), end.unwrap_or_default()]),
    };
    let matchers = labels.unwrap_or_default().into_iter().map(|(label, op, value)| matcher(label, op, value));
    let (matchers, group_by) = (matchers.collect(), group_by.unwrap_or_default());
    Some((Placeholders { metric, matchers, group_by, window, parameters }, ends))
}

/// The value of each placeholder.
#[derive(Default)]
struct Filled {
    metric: Option<String>,
    labels: Option<Vec<(String, MatchOp, String)>>,
    group_by: Option<Vec<String>>,
    window: Option<PromDuration>,
    parameters: ParameterValues,
    start: Option<String>,
    end: Option<String>,
}

/// Sets the value of a placeholder. `None` if it has another one already.
fn fill<T: PartialEq>(hole: &mut Option<T>, value: T) -> Option<()> {
    if let Some(before) = hole {
        return (*before == value).then_some(());
    }
    *hole = Some(value);
    Some(())
}

struct Reader<'q> {
    rest: &'q str,
    /// Whether a quoted metric name was the first element of the list that follows.
    in_list: bool,
}

impl<'q> Reader<'q> {
    fn skip(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> Option<&'q str> {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!taken.is_empty()).then_some(taken)
    }

    /// A string in double quotes, unescaped.
    fn string(&mut self) -> Option<String> {
        self.skip("\"")?;
        let mut value = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Some(value);
                }
                '\\' => {
                    let digits = match chars.next()?.1 {
                        'x' => 2,
                        'u' => 4,
                        other => {
                            value.push(escaped(other)?);
                            continue;
                        }
                    };
                    let code: String = chars.by_ref().take(digits).map(|(_, c)| c).collect();
                    value.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
                }
                c => value.push(c),
            }
        }
        None
    }

    /// A label's name, in quotes if it needs them.
    fn label(&mut self) -> Option<String> {
        if self.rest.starts_with('"') {
            return self.string();
        }
        self.take_while(|c| c.is_ascii_alphanumeric() || c == '_').map(str::to_owned)
    }

    fn matcher(&mut self) -> Option<(String, MatchOp, String)> {
        let label = self.label()?;
        let ops = [MatchOp::Regex, MatchOp::NotRegex, MatchOp::NotEqual, MatchOp::Equal];
        let op = ops.into_iter().find(|op| self.rest.starts_with(op.as_str()))?;
        self.skip(op.as_str())?;
        Some((label, op, self.string()?))
    }

    fn metric_name(&mut self, before: &str, after: &str, open: bool) -> Option<String> {
        self.in_list = false;
        let name = if self.rest.starts_with("{\"") {
            self.skip("{")?;
            let name = self.string()?;
            if open {
                self.in_list = true;
            } else {
                self.skip("}")?;
            }
            name
        } else {
            let name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')?;
            if open {
                self.skip("{")?;
            }
            name.to_owned()
        };
        Some(name.strip_prefix(before)?.strip_suffix(after)?.to_owned())
    }

    fn window(&mut self) -> Option<PromDuration> {
        self.take_while(|c| c.is_ascii_alphanumeric())?.parse().ok()
    }

    /// The value of a parameter; a negative number is in parentheses.
    fn parameter(&mut self, info: &ParameterInfo<'_>) -> Option<ParameterValue> {
        let is_negative = self.skip("(").is_some();
        let text = self.take_while(|c| c.is_ascii_alphanumeric() || c == '.' || (is_negative && c == '-'))?;
        if is_negative {
            self.skip(")")?;
        }
        ParameterValue::parse(info.kind(), text)
    }

    fn time(&mut self, function: &str) -> Option<String> {
        if self.skip(function).is_some() {
            return Some(function.to_owned());
        }
        self.take_while(|c| c.is_ascii_digit() || c == '.' || c == '-').map(str::to_owned)
    }

    /// A list of items and placeholders. It holds one kind of placeholder, and each of them as many elements.
    fn list(&mut self, list: &[Segment], filled: &mut Filled) -> Option<()> {
        let mut elements = Vec::new();
        while !self.rest.starts_with(['}', ')']) {
            if self.in_list || !elements.is_empty() {
                self.skip(",")?;
            }
            elements.push(self.element()?);
        }
        self.in_list = false;
        let items = list.iter().filter(|segment| matches!(segment, Segment::Item(_))).count();
        let placeholders = list.len() - items;
        let each = elements.len().checked_sub(items)?.checked_div(placeholders).unwrap_or(0);
        let mut elements = elements.as_slice();
        for segment in list {
            if let Segment::Item(item) = segment {
                let (first, rest) = elements.split_first()?;
                elements = rest;
                if first != item {
                    return None;
                }
                continue;
            }
            let (own, rest) = elements.split_at_checked(each)?;
            elements = rest;
            if *segment == Segment::Labels {
                fill(&mut filled.labels, own.iter().map(|it| whole(it, Self::matcher)).collect::<Option<_>>()?)?;
            } else {
                fill(&mut filled.group_by, own.iter().map(|it| whole(it, Self::label)).collect::<Option<_>>()?)?;
            }
        }
        elements.is_empty().then_some(())
    }

    /// The text of an element, to the next comma or the end of the list. Items are as the preset file has them: with
    /// strings in any quotes.
    fn element(&mut self) -> Option<&'q str> {
        let mut quote = None;
        let mut is_escaped = false;
        for (at, c) in self.rest.char_indices() {
            match (quote, c) {
                _ if std::mem::take(&mut is_escaped) => {}
                (Some('"' | '\''), '\\') => is_escaped = true,
                (Some(open), c) if c == open => quote = None,
                (None, '"' | '\'' | '`') => quote = Some(c),
                (None, ',' | '}' | ')') => {
                    let (element, rest) = self.rest.split_at(at);
                    self.rest = rest;
                    return Some(element);
                }
                _ => {}
            }
        }
        None
    }
}

/// Reads all of a text.
fn whole<'q, T>(text: &'q str, read: impl FnOnce(&mut Reader<'q>) -> Option<T>) -> Option<T> {
    let mut reader = Reader { rest: text, in_list: false };
    read(&mut reader).filter(|_| reader.rest.is_empty())
}

/// The character that an escape stands for.
const fn escaped(c: char) -> Option<char> {
    match c {
        '"' | '\\' => Some(c),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        _ => None,
    }
}
