//! The variables in a query of Grafana.
//!
//! Durations become `{window}`, further durations and numbers parameters, constants their value. Any other variable
//! becomes a stand-in: a name that is valid in matchers, in groupings and as a metric. So the query can be parsed, and the
//! place of the variable is found again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::Range;

use promql_presets_core::name::is_classic_label;
use promql_presets_core::{MAX_PARAMETERS, ParameterKind, ParameterValue, PromDuration, keyword};

use super::{Variable, names};

/// The start of each stand-in. The number of its variable and `_` follow.
const STAND_IN: &str = "imported_variable_";

/// The window of variables without a duration of their own.
pub(super) const WINDOW: &str = "5m";

/// A query without variables.
#[derive(Debug, Default)]
pub(super) struct Replaced {
    /// The query as a template, with doubled braces.
    pub(super) text: String,
    /// The default of `{window}`, if the template has it.
    pub(super) window: Option<String>,
    /// The parameters that the template takes.
    pub(super) parameters: BTreeMap<String, Parameter>,
    /// The variables that stand-ins stand for, as written.
    pub(super) stand_ins: Vec<String>,
    /// Notes about differences from the query.
    pub(super) notes: Vec<String>,
}

/// Why a query cannot be converted.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) reason: String,
    /// The variable, as written, whose value would make the conversion possible.
    pub(super) variable: Option<String>,
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self { reason, variable: None }
    }
}

/// A parameter that a variable becomes.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    /// The variable.
    variable: String,
    /// The value of the variable.
    pub(super) default: ParameterValue,
    /// Its bounds, as keys of TOML after the default.
    pub(super) bounds: &'static str,
}

impl Parameter {
    /// Limits a number to quantiles, if its value is one.
    pub(super) fn limit_to_quantiles(&mut self) {
        if (0.0..=1.0).contains(&self.default.as_f64()) {
            self.bounds = ", min = 0, max = 1";
        }
    }

    /// Limits a number to divisors from 1, if its value is one.
    pub(super) fn limit_to_divisors(&mut self) {
        if self.default.as_f64() >= 1.0 {
            self.bounds = ", min = 1";
        }
    }

    /// Limits a number to counts from 1, if its value is one.
    pub(super) fn limit_to_counts(&mut self) {
        let count = ParameterValue::parse(ParameterKind::Integer, &self.default.to_string());
        if let Some(count) = count.filter(|count| count.as_f64() >= 1.0) {
            self.default = count;
            self.bounds = ", min = 1";
        }
    }
}

impl Replaced {
    /// Writes a placeholder for a variable that is a number or a duration. Returns whether it can be a parameter.
    fn parameter(&mut self, variable: &str, written: &str, kind: ParameterKind, value: &str) -> bool {
        let name = names::name(variable);
        let is_free = self.parameters.get(&name).map_or(self.parameters.len() < MAX_PARAMETERS, |known| {
            known.variable == variable && known.default.kind() == kind
        });
        let is_reserved = matches!(name.as_str(), "" | "metric_name" | "labels" | "group_by" | "window");
        let Some(default) = ParameterValue::parse(kind, value).filter(|_| is_free && !is_reserved) else {
            return false;
        };
        _ = write!(self.text, "{{{name}}}");
        self.notes.push(format!("`{written}` became the parameter `{name}`"));
        self.parameters.insert(name, Parameter { variable: variable.to_owned(), default, bounds: "" });
        true
    }

    /// The first variable in a part of the template, as written.
    pub(super) fn variable(&self, text: &str) -> Option<String> {
        let (_, rest) = text.split_once(STAND_IN)?;
        let (number, _) = rest.split_once('_')?;
        self.stand_ins.get(number.parse::<usize>().ok()?).cloned()
    }

    /// The variables in a part of the template, without their formats.
    pub(super) fn variables(&self, text: &str) -> BTreeSet<String> {
        let numbers = text.split(STAND_IN).skip(1).filter_map(|rest| rest.split_once('_')?.0.parse::<usize>().ok());
        let written = numbers.filter_map(|number| self.stand_ins.get(number));
        written.filter_map(|written| Some(format!("${}", variable(written, 0)?.1))).collect()
    }

    /// Whether a part of the template contains a stand-in.
    pub(super) fn has_stand_in(text: &str) -> bool {
        text.contains(STAND_IN)
    }

    /// A text with the variables as they were written, and single braces.
    pub(super) fn restore(&self, text: &str) -> String {
        let mut out = text.replace("{{", "{").replace("}}", "}");
        for (number, written) in self.stand_ins.iter().enumerate().rev() {
            out = out.replace(&format!("{STAND_IN}{number}_"), written);
        }
        out
    }
}

/// Where a variable stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// A range.
    Duration,
    /// The duration of an offset.
    Offset,
    /// The resolution of a subquery.
    Resolution,
    String,
    /// Between the braces of a selector.
    Braces,
    Elsewhere,
}

/// A variable in a query.
struct Reference<'q> {
    span: Range<usize>,
    name: &'q str,
    place: Place,
}

/// Replaces the variables of a query; with `fixed`, those that could be parameters by their values.
///
/// # Errors
/// If a variable stands for a part of the language, such as a function.
pub(super) fn replace(query: &str, variables: &BTreeMap<String, Variable>, fixed: bool) -> Result<Replaced, Refusal> {
    // Constants may hold any piece of a query, with other constants in it.
    let query = &(0..3).fold(query.to_owned(), |query, _| constants(&query, variables));
    let references = references(query, variables);
    // A number of seconds that belongs to a window would not follow it.
    let has_number = references.iter().any(|it| it.place == Place::Elsewhere && number(it.name).is_some());
    let window = window(&references).filter(|_| !has_number);
    let mut replacer = Replacer { query, fixed, has_number, window, out: Replaced::default() };
    let mut at = 0;
    for reference in &references {
        double_braces(&query[at..reference.span.start], &mut replacer.out.text);
        let value = variables.get(reference.name).and_then(|variable| variable.value.as_deref());
        at = replacer.replace(reference, value)?;
    }
    double_braces(&query[at..], &mut replacer.out.text);
    Ok(replacer.out)
}

struct Replacer<'q> {
    query: &'q str,
    /// Whether variables become their values instead of parameters.
    fixed: bool,
    /// Whether the query uses the length of a range or of an interval as a number.
    has_number: bool,
    /// The variable that becomes `{window}`.
    window: Option<&'q str>,
    out: Replaced,
}

impl Replacer<'_> {
    /// Writes what a variable becomes. Returns where the query goes on after it.
    fn replace(&mut self, reference: &Reference<'_>, value: Option<&str>) -> Result<usize, Refusal> {
        let end = reference.span.end;
        let written = &self.query[reference.span.clone()];
        match reference.place {
            Place::Resolution if !is_duration(value) && Some(reference.name) != self.window => {
                self.out.notes.push(format!("the resolution `{written}` became the server's default"));
            }
            Place::Duration | Place::Offset | Place::Resolution => return Ok(self.duration(reference, written, value)),
            Place::Elsewhere => self.elsewhere(reference, written, value)?,
            Place::Braces if self.query[end..].trim_start().starts_with([',', '}']) => {
                self.out.notes.push(format!("the matchers `{written}` became filters of the caller"));
                self.out.text.push_str("{labels}");
            }
            Place::Braces | Place::String => self.stand_in(written),
        }
        Ok(end)
    }

    fn duration(&mut self, reference: &Reference<'_>, written: &str, value: Option<&str>) -> usize {
        // The unit behind a number of seconds, as in `${__range_s}s`.
        let rest = &self.query[reference.span.end..];
        let unit = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_lowercase()).len();
        let default = default(reference.name, value, &rest[..unit]);
        if Some(reference.name) == self.window {
            self.out.text.push_str("{window}");
            self.out.window.get_or_insert(default);
        } else if self.fixed
            || value.is_none()
            || !self.out.parameter(reference.name, written, ParameterKind::Duration, &default)
        {
            let why = match reference.place {
                Place::Offset if value.is_none() => "its variable has no value in the file",
                _ if self.has_number => "the query uses it as a number, too",
                _ => "a template has one window",
            };
            self.out.notes.push(format!("`{written}` became `{default}`: {why}"));
            self.out.text.push_str(&default);
        }
        reference.span.end + unit
    }

    fn elsewhere(&mut self, reference: &Reference<'_>, written: &str, value: Option<&str>) -> Result<(), Refusal> {
        let (before, after) = (&self.query[..reference.span.start], &self.query[reference.span.end..]);
        if let Some(value) = value.filter(|it| is_number(Some(it)) && stands_alone(self.query, &reference.span)) {
            if self.fixed || !self.out.parameter(reference.name, written, ParameterKind::Number, value) {
                self.out.notes.push(format!("`{written}` became its value, {value}"));
                self.out.text.push_str(value);
            }
        } else if is_function(after) {
            let reason = format!("the variable `{written}` stands for a function or an operator");
            return Err(Refusal { reason, variable: Some(written.to_owned()) });
        } else if let Some(end) = end(reference.name).filter(|_| before.trim_end().ends_with('@')) {
            self.out.text.push_str(end);
        } else if let Some(number) = number(reference.name) {
            self.out.notes.push(format!("`{written}` became {number}"));
            _ = write!(self.out.text, "{number}");
        } else {
            match reference.name {
                "__from" | "__to" => {
                    return Err(format!("`{written}` is a time of the dashboard, which no template has").into());
                }
                name if name.starts_with("__") => {
                    return Err(format!("the variable `{written}` outside of a range").into());
                }
                _ => self.stand_in(written),
            }
        }
        Ok(())
    }

    fn stand_in(&mut self, written: &str) {
        let number = self.out.stand_ins.len();
        _ = write!(self.out.text, "{STAND_IN}{number}_");
        self.out.stand_ins.push(written.to_owned());
    }
}

fn double_braces(text: &str, out: &mut String) {
    for c in text.chars() {
        out.extend(std::iter::repeat_n(c, if matches!(c, '{' | '}') { 2 } else { 1 }));
    }
}

/// The query with the values of constants, except for numbers, which can be parameters.
fn constants(query: &str, variables: &BTreeMap<String, Variable>) -> String {
    let mut out = query.to_owned();
    for reference in references(query, variables).iter().rev() {
        let is_operand = reference.place == Place::Elsewhere && stands_alone(query, &reference.span);
        if let Some(Variable { value: Some(value), is_constant: true, .. }) = variables.get(reference.name)
            && !(is_operand && is_number(Some(value)))
        {
            out.replace_range(reference.span.clone(), value);
        }
    }
    out
}

/// The variable that becomes `{window}`: the first one, but `$__range` only if there is no other.
fn window<'q>(references: &[Reference<'q>]) -> Option<&'q str> {
    let mut durations = references.iter().filter(|it| it.place == Place::Duration).map(|it| it.name);
    let is_range = |name: &&str| name.starts_with("__range");
    durations.clone().find(|name| !is_range(name)).or_else(|| durations.next())
}

/// The number that a variable stands for, if it is the length of a range or of an interval.
fn number(name: &str) -> Option<u32> {
    Some(match name {
        "__range_s" => 3600,
        "__range_ms" => 3_600_000,
        "__interval_ms" | "__rate_interval_ms" => 300_000,
        _ => return None,
    })
}

/// The time after `@` that a variable stands for.
fn end(name: &str) -> Option<&'static str> {
    match name {
        "__from" => Some("start()"),
        "__to" => Some("end()"),
        _ => None,
    }
}

/// The duration of a variable, with a unit that stands behind it.
fn default(name: &str, value: Option<&str>, unit: &str) -> String {
    let value = format!("{}{unit}", value.unwrap_or_default());
    match name {
        _ if is_duration(Some(&value)) => value,
        "__range" | "__range_s" | "__range_ms" => "1h".to_owned(),
        _ => WINDOW.to_owned(),
    }
}

fn is_duration(value: Option<&str>) -> bool {
    value.is_some_and(|value| value.parse::<PromDuration>().is_ok_and(|it| it != PromDuration::ZERO))
}

fn is_number(value: Option<&str>) -> bool {
    value.is_some_and(|value| value.parse::<f64>().is_ok_and(f64::is_finite))
}

/// Whether a variable is a whole operand: neither a part of a name nor the name of a selector.
fn stands_alone(query: &str, span: &Range<usize>) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    !query[..span.start].ends_with(is_word)
        && !query[span.end..].starts_with(is_word)
        && !query[span.end..].trim_start().starts_with(['{', '[', '('])
}

/// Whether a function or an operator comes before this text.
fn is_function(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.starts_with('(')
        || [keyword::BY, keyword::WITHOUT]
            .iter()
            .any(|word| rest.strip_prefix(word).is_some_and(|rest| rest.trim_start().starts_with('(')))
}

/// The variables of a query, in order.
fn references<'q>(query: &'q str, variables: &BTreeMap<String, Variable>) -> Vec<Reference<'q>> {
    let bytes = query.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut quote, mut in_braces) = (0, None, false);
    // In brackets: whether a `:` has been passed.
    let mut brackets: Option<bool> = None;
    while let Some(&byte) = bytes.get(at) {
        if let Some((end, name)) = variable(query, at) {
            let place = match (quote, brackets) {
                (Some(_), _) => Place::String,
                (None, Some(false)) => Place::Duration,
                (None, Some(true)) => Place::Resolution,
                _ if in_braces => Place::Braces,
                _ if follows_offset(&query[..at]) => Place::Offset,
                _ => Place::Elsewhere,
            };
            // In strings that are not values of matchers, `$1` and `$name` refer to groups of an expression.
            if place != Place::String || in_braces || name.starts_with("__") || variables.contains_key(name) {
                found.push(Reference { span: at..end, name, place });
            }
            at = end;
            continue;
        }
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(b'"' | b'\''), b'\\') => at += 1,
            (None, b'"' | b'\'' | b'`') => quote = Some(byte),
            (None, b'#') => at += query[at..].find('\n').unwrap_or(query.len() - at),
            (None, b'{') => in_braces = true,
            (None, b'}') => in_braces = false,
            (None, b'[') => brackets = Some(false),
            (None, b']') => brackets = None,
            (None, b':') => brackets = brackets.map(|_| true),
            _ => {}
        }
        at += 1;
    }
    found
}

fn follows_offset(before: &str) -> bool {
    before.trim_end_matches(['-', ' ', '\t', '\n']).to_ascii_lowercase().ends_with("offset")
}

/// The variable that starts at an offset: its end, and its name without a format. `$job`, `${job:csv}`, `[[job]]`.
fn variable(query: &str, at: usize) -> Option<(usize, &str)> {
    let rest = query.get(at..)?;
    let (open, close) = if rest.starts_with("${") {
        ("${", "}")
    } else if rest.starts_with("[[") {
        ("[[", "]]")
    } else if let Some(name) = rest.strip_prefix('$') {
        let name = word(name)?;
        return Some((at + 1 + name.len(), name));
    } else {
        return None;
    };
    let inside = &rest[open.len()..];
    let name = word(inside)?;
    let length = inside.find(close)?;
    let is_closed = length == name.len() || inside[name.len()..].starts_with([':', '.']);
    (is_closed && length >= name.len()).then(|| (at + open.len() + length + close.len(), name))
}

/// The labels that a variable, as written, may name.
pub(super) fn labels<'v>(written: &str, variables: &'v BTreeMap<String, Variable>) -> Option<&'v BTreeSet<String>> {
    let (_, name) = variable(written, 0)?;
    variables.get(name).map(|variable| &variable.labels).filter(|labels| !labels.is_empty())
}

/// Whether a variable, as written, has a value that can stand for it.
pub(super) fn has_value(written: &str, variables: &BTreeMap<String, Variable>) -> bool {
    let found = variable(written, 0).and_then(|(_, name)| variables.get(name));
    found.is_some_and(|variable| variable.value.is_some() && !variable.is_constant)
}

/// Whether a variable, as written, has a value that names labels.
pub(super) fn names_labels(written: &str, variables: &BTreeMap<String, Variable>) -> bool {
    let value = variable(written, 0).and_then(|(_, name)| variables.get(name)?.value.as_deref());
    value.is_some_and(|value| value.split(',').all(|label| is_classic_label(label.trim())))
}

/// Makes a variable, as written, a constant, and returns a note about that. `None` if it has no value, or is a constant
/// already.
pub(super) fn fix(written: &str, variables: &mut BTreeMap<String, Variable>) -> Option<String> {
    let (_, name) = variable(written, 0)?;
    let variable = variables.get_mut(name)?;
    let was_fixed = std::mem::replace(&mut variable.is_constant, true);
    let value = variable.value.as_deref().filter(|_| !was_fixed)?;
    let what = if variable.has_more { "the first of its values" } else { "its value" };
    Some(format!("`{written}` became {what}, `{value}`"))
}

/// The name at the start of a text, which does not start with a digit.
fn word(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    (end > 0 && !text.starts_with(|c: char| c.is_ascii_digit())).then(|| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> BTreeMap<String, Variable> {
        let variable =
            |value: &str, is_constant| Variable { value: Some(value.to_owned()), is_constant, ..Variable::default() };
        [
            ("interval", variable("10m", false)),
            ("job", variable("api", false)),
            ("q", variable("0.9", false)),
            ("prefix", variable("node", true)),
            ("seconds", variable("30", false)),
            ("limit", variable("1e3", true)),
            ("window", variable("3", false)),
        ]
        .map(|(name, variable)| (name.to_owned(), variable))
        .into()
    }

    #[test]
    fn durations_become_the_window() {
        for (query, text, window) in [
            ("rate(a[$__rate_interval])", "rate(a[{window}])", "5m"),
            ("rate(a[${__interval}]) / rate(b[[[interval]]])", "rate(a[{window}]) / rate(b[{interval}])", "5m"),
            ("rate(a[$interval]) + rate(b[$interval])", "rate(a[{window}]) + rate(b[{window}])", "10m"),
            ("increase(a[${__range_s}s])", "increase(a[{window}])", "1h"),
            ("increase(a[$__range]) + rate(b[$__interval])", "increase(a[1h]) + rate(b[{window}])", "5m"),
            ("rate(a[${seconds}s] offset $seconds)", "rate(a[{window}] offset {window})", "30s"),
            ("max_over_time(a[$interval:$__interval])", "max_over_time(a[{window}:])", "10m"),
            ("max_over_time(a[$__range:$interval])", "max_over_time(a[{window}:{interval}])", "1h"),
            ("max_over_time(a[$interval:$interval])", "max_over_time(a[{window}:{window}])", "10m"),
        ] {
            let replaced = replace(query, &variables(), false).unwrap();
            assert_eq!((replaced.text.as_str(), replaced.window.as_deref()), (text, Some(window)), "{query}");
        }
    }

    #[test]
    fn other_variables_become_values_or_stand_ins() {
        for (query, text) in [
            ("histogram_quantile($q, ${prefix}_x{a=~\"b{2}\"})", "histogram_quantile({q}, node_x{{a=~\"b{{2}}\"}})"),
            (
                "a{job=\"$job\",x=~\"${y:regex}:[[z]]$\"}",
                "a{{job=\"imported_variable_0_\",x=~\"imported_variable_1_:imported_variable_2_$\"}}",
            ),
            (
                "label_replace(a, \"b\", \"$1-$other\", \"c\", \"(.*)$\") # $job",
                "label_replace(a, \"b\", \"$1-$other\", \"c\", \"(.*)$\") # $job",
            ),
            ("sum by ($job) (a{$filters, x='y'})", "sum by (imported_variable_0_) (a{{{labels}, x='y'}})"),
            ("increase(a[$__range]) / $__range_s", "increase(a[1h]) / 3600"),
            ("$job{a=\"b\"}", "imported_variable_0_{{a=\"b\"}}"),
            ("a @ ${__to:date:seconds} - a @$__from", "a @ end() - a @start()"),
        ] {
            let replaced = replace(query, &variables(), false).unwrap();
            assert_eq!(replaced.text, text, "{query}");
            assert_eq!(
                replaced.restore("imported_variable_0_"),
                replaced.stand_ins.first().cloned().unwrap_or("imported_variable_0_".to_owned())
            );
        }
    }

    #[test]
    fn numbers_become_parameters() {
        for (query, text, parameters) in [
            ("topk($seconds, a) > $limit", "topk({seconds}, a) > {limit}", "limit=1000 seconds=30"),
            ("a[${seconds}s] + b[$__range] > $seconds", "a[{window}] + b[1h] > {seconds}", "seconds=30"),
            ("a > $window", "a > 3", ""),
            ("max_over_time(a[1d:$interval])", "max_over_time(a[1d:{interval}])", "interval=10m"),
            ("a[$__range] offset $interval", "a[{window}] offset {interval}", "interval=10m"),
            ("a[5m] offset $interval + b offset $none", "a[5m] offset {interval} + b offset 5m", "interval=10m"),
            ("a[$__interval] offset ${interval}", "a[{window}] offset {interval}", "interval=10m"),
        ] {
            let replaced = replace(query, &variables(), false).unwrap();
            let found: Vec<String> =
                replaced.parameters.iter().map(|(name, it)| format!("{name}={}", it.default)).collect();
            assert_eq!((replaced.text.as_str(), found.join(" ").as_str()), (text, parameters), "{query}");
        }
        assert_eq!(replace("a > $limit", &variables(), true).unwrap().text, "a > 1e3");
    }

    #[test]
    fn some_variables_cannot_be_replaced() {
        for query in ["$job(a)", "$job by (x) (a)", "up > ${__to:date:seconds}"] {
            assert!(replace(query, &variables(), false).is_err(), "{query}");
        }
    }
}
