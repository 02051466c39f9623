//! Reports metrics, labels and values that neither a preset file declares nor the snapshot of a server has.

use promql_presets_core::{LabelKind, regex, sort};

use super::analysis::Analysis;
use super::schema::{Metric, Role};
use super::tree::{Id, Series, matches_any_name, may_overlap, pattern_of_names};
use crate::diagnostic::suggest::{is_one_edit, nearest};
use crate::file::metric_type::SUFFIXES;
use crate::file::toml_string::toml_key;
use crate::file::{Label, LabelType, MetricType};
use crate::promql::{MatchOp, Matcher, MatcherItem, Name, Selector};
use crate::vec_ext::{IntoVec, VecExt};
use crate::{Code, Diagnostic, Span};

/// The label of the finding about a name that no metric has.
const NOWHERE: &str = "neither in `metrics.toml` nor declared in a preset file";

/// How to add what is new to `metrics.toml`.
pub(super) const PULL: &str = "run `promql-presets schema pull`";

/// How to add what is new. The command does not read presets in Rust code, so that `preset!` needs another way.
fn if_new(query: &Analysis<'_>, what: &str) -> String {
    let update = if query.scope.inline { "add it to `metrics.toml`" } else { PULL };
    format!("{update} if the {what} is new")
}

/// Whether selectors read the metric that their file declares, and that does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ReadsOwn {
    #[default]
    No,
    /// Only as one side of `or` whose other side exists and is not the metric with a similar name.
    OrAnother,
    Yes,
}

/// Whether selectors read the metric that their file declares, if it does not exist.
pub(super) fn reads_own(query: &Analysis<'_>) -> ReadsOwn {
    let metrics = query.scope.metrics;
    let Some(own) = query.scope.metric.filter(|own| metrics.is_complete() && !metrics.exists(own)) else {
        return ReadsOwn::No;
    };
    let selectors = query.selectors();
    let selectors = selectors.iter().filter(|(_, _, series)| series.each().iter().any(|it| it.is_own));
    let reads = |id: Id| match alternatives(query, id) {
        others if others.is_empty() => ReadsOwn::Yes,
        others if metrics.known_as(own).is_none_or(|meant| others.contains(&meant)) => ReadsOwn::No,
        _ => ReadsOwn::OrAnother,
    };
    selectors.map(|(id, ..)| reads(*id)).max().unwrap_or_default()
}

/// Reports a series that no metric has, or not the metric that it is named after.
pub(super) fn metric(query: &Analysis<'_>, id: Id, selector: &Selector<'_>, series: &Series<'_>) -> Option<Diagnostic> {
    let metrics = query.scope.metrics;
    let Some(name) = series.name.as_deref() else { return of_pattern(query, id, selector, series) };
    let span = name_span(selector);
    if let Some(metric) = series.metric {
        // A declaration is enough for recording rules and metrics that only presets in Rust code read: `schema pull` may never
        // add them.
        let is_pulled = !query.scope.inline && !name.contains(':');
        if metrics.is_complete() && !series.is_own && is_pulled && !metrics.exists(name) {
            return unknown(query, id, selector, name, span);
        }
        let is_base = series.declared() == Role::Base && !metric.has_no_bounds();
        return is_base.then(|| base(query, metric, name, span)).or_else(|| lacks_suffix(query, metric, name, span));
    }
    if query.scope.template && selector.name.as_ref().and_then(Name::as_literal) == Some("metric_name") {
        return Some(
            Diagnostic::new(Code::MalformedPlaceholder, span, "`metric_name` without braces")
                .label("a metric with exactly this name")
                .help("write `{metric_name}`"),
        );
    }
    if metrics.is_complete() {
        return wrong_suffix(query, selector, name, span).or_else(|| unknown(query, id, selector, name, span));
    }
    if let Some(meant) = metrics.similar(name) {
        return Some(
            Diagnostic::new(Code::UndeclaredMetric, span, format!("no file declares `{name}`"))
                .label("one letter away from a declared metric")
                .help(format!("write `{meant}`"))
                .warning_unless(false),
        );
    }
    wrong_suffix(query, selector, name, span)
}

/// The place of a selector's name.
fn name_span(selector: &Selector<'_>) -> Span {
    let within = || {
        selector.items().iter().find_map(|item| match item {
            MatcherItem::Name(name) => Some(name.span),
            MatcherItem::Matcher(matcher) if matcher.label.name == "__name__" => Some(matcher.value.span),
            _ => None,
        })
    };
    selector.name.as_ref().map(|name| name.span).or_else(within).unwrap_or(selector.span)
}

/// A metric that is declared, and read, without the suffix that its series have in `metrics.toml`.
fn lacks_suffix(query: &Analysis<'_>, metric: &Metric<'_>, name: &str, span: Span) -> Option<Diagnostic> {
    let known = metric.known?.name.value.as_str();
    let suffix = known.strip_prefix(name).filter(|suffix| !suffix.is_empty() && name == metric.name)?;
    let written = query.slice(span).trim_matches(['"', '\'', '`']);
    let is_open = query.scope.settings.metrics.is_open(name);
    (!is_open).then(|| {
        Diagnostic::new(Code::UnknownMetric, span, format!("no series `{name}`"))
            .label(format!("its series are `{known}` in `metrics.toml`"))
            .help(format!("write `{written}{suffix}`"))
    })
}

/// The name of a classic histogram, or of a summary without quantiles, which has no series.
fn base(query: &Analysis<'_>, metric: &Metric<'_>, name: &str, span: Span) -> Diagnostic {
    let written = query.slice(span);
    // A quoted name, or a list of names.
    let written = if written.starts_with(['"', '\'', '`']) { name } else { written };
    let finding = Diagnostic::new(Code::UndeclaredMetric, span, format!("no series `{name}`"));
    if metric.kind == Some(MetricType::Summary) {
        return finding
            .label(format!("`metrics.toml` lists no quantiles for the summary `{}`", metric.name))
            .help(format!("write `{written}_sum` or `{written}_count`"))
            .note(if_new(query, "label `quantile`"));
    }
    let finding = finding.help(format!("write `{written}_bucket`, `{written}_sum` or `{written}_count`"));
    if metric.kind_is_known {
        return finding.label(format!("`{}` is a classic histogram in `metrics.toml`", metric.name));
    }
    finding
        .label(format!("`{}` is a classic histogram", metric.name))
        .note("declare `type = \"native_histogram\"` if its samples are histograms")
}

/// A series that a metric of this type does not have: `x_bucket` of a summary `x`.
fn wrong_suffix(query: &Analysis<'_>, selector: &Selector<'_>, name: &str, span: Span) -> Option<Diagnostic> {
    let metrics = query.scope.metrics;
    let hole = selector.name.as_ref().and_then(|name| name.holes.first());
    let base = match hole {
        // Without a snapshot, only `{metric_name}_suffix` certainly refers to the metric.
        Some(_) => query.scope.metric?,
        None if metrics.is_complete() => {
            let base = |suffix: &&str| name.strip_suffix(suffix).filter(|base| metrics.find(base).is_some());
            SUFFIXES.iter().find_map(base)?
        }
        None => return None,
    };
    let (metric, _) = metrics.find(base)?;
    let kind = metric.kind.filter(|kind| *kind != MetricType::Unknown)?;
    // Names with a colon are recording rules.
    let suffix = name
        .strip_prefix(base)
        .filter(|suffix| !(suffix.contains(':') || *suffix == "_created" && metric.known.is_some()))?;
    let finding = Diagnostic::new(Code::UndeclaredMetric, span, format!("no series `{name}`"))
        .label(format!("a {} has no series with this name", kind.as_str().replace('_', " ")));
    let written = hole.map_or(base, |hole| query.slice(*hole));
    let derived = metric.derived();
    let meant = nearest(suffix, derived.clone()).or_else(|| Some("").filter(|_| kind.parts().is_empty()));
    if let Some(meant) = meant {
        return Some(finding.help(format!("write `{written}{meant}`")));
    }
    let series: Vec<String> = derived.map(|suffix| format!("`{written}{suffix}`")).into_vec();
    let own =
        if kind == MetricType::Summary { format!("`{written}` with the label `quantile`, ") } else { String::new() };
    Some(finding.note(format!("its series are {own}{}", series.join(", "))))
}

/// A metric that neither the snapshot nor a preset file has.
fn unknown(query: &Analysis<'_>, id: Id, selector: &Selector<'_>, name: &str, span: Span) -> Option<Diagnostic> {
    let metrics = query.scope.metrics;
    if query.scope.settings.metrics.is_open(name) {
        return None;
    }
    let alternatives = alternatives(query, id);
    let listed = query.series(id).map_or(&[][..], |series| &series.listed);
    let listed: Vec<&str> =
        listed.iter().filter_map(|it| it.name.as_deref()).filter(|it| metrics.exists(it)).into_vec();
    // No other series of a metric has the time of its creation.
    let created = name.strip_suffix("_created");
    let is_meant =
        |meant: &String| !listed.contains(&meant.as_str()) && !created.is_some_and(|metric| meant.starts_with(metric));
    let meant = metrics.nearest(name).filter(is_meant);
    let has_alternative = !alternatives.is_empty();
    let is_renamed = |meant: &str| alternatives.contains(&meant) && !is_one_edit(name, meant);
    if has_alternative && meant.as_deref().is_none_or(is_renamed) {
        return None;
    }
    let declared = metrics.find(name).map(|(metric, _)| metric.path);
    let finding = Diagnostic::new(Code::UnknownMetric, span, format!("no metric `{name}`"))
        .label(match declared {
            Some(path) => format!("declared in `{path}`, but not in `metrics.toml`"),
            None => NOWHERE.to_owned(),
        })
        .warning_unless(!has_alternative && listed.is_empty());
    Some(match meant {
        Some(meant) => {
            let finding =
                finding.help(format!("a metric with a similar name exists: `{meant}`")).note(if_new(query, "metric"));
            let is_literal = selector.name.as_ref().is_some_and(|name| name.as_literal().is_some());
            if is_literal { finding.fix(crate::diagnostic::Fix { span, text: meant }) } else { finding }
        }
        None => finding.help(if_new(query, "metric")),
    })
}

/// A pattern, or one of its alternatives, that the name of no metric matches.
fn of_pattern(query: &Analysis<'_>, id: Id, selector: &Selector<'_>, series: &Series<'_>) -> Option<Diagnostic> {
    let metrics = query.scope.metrics;
    let (matcher, pattern) = (pattern_of_names(selector)?, series.pattern?);
    if !metrics.is_complete() || !alternatives(query, id).is_empty() || matches_any_name(pattern) {
        return None;
    }
    let is_dead = |part: &&str| {
        let mut names = series.listed.iter().filter_map(|it| it.name.as_deref());
        !query.may_be_open(part) && !names.any(|name| regex::matches(part, name) != Some(false))
    };
    let parts = regex::alternatives(pattern);
    let dead = parts.iter().copied().find(is_dead)?;
    let finding =
        Diagnostic::new(Code::UnknownMetric, matcher.value.span, format!("no metric matches `{dead}`")).label(NOWHERE);
    let finding = match metrics.nearest_prefix(dead) {
        Some(meant) => {
            finding.help(format!("a metric with a similar name exists: `{meant}`")).note(if_new(query, "metric"))
        }
        None => finding.help(if_new(query, "metric")),
    };
    Some(finding.warning_unless(parts.iter().all(is_dead)))
}

/// The metrics that exist and that `or` combines with a selector.
fn alternatives<'q>(query: &'q Analysis<'_>, id: Id) -> Vec<&'q str> {
    let others = query.others(id);
    let names = others.iter().filter_map(|series| series.name.as_deref());
    names.filter(|name| query.scope.metrics.exists(name)).into_vec()
}

/// Reports a label or a value that the metric does not have. Returns whether there was one.
pub(super) fn matcher(
    query: &Analysis<'_>,
    matcher: &Matcher<'_>,
    series: &Series<'_>,
    findings: &mut Vec<Diagnostic>,
) -> bool {
    let label = &*matcher.label.name;
    // If the label exists on other series, a matcher may mean those without it, or only those of a pattern with it.
    let is_optional = series.pattern.is_some() || matcher.matches_empty();
    let lacking = if is_optional {
        series.each().iter().all(|it| lacks(query, matcher, it)).then_some(series)
    } else {
        series.each().iter().find(|it| lacks(query, matcher, it))
    };
    if let Some(series) = lacking {
        findings.add_all(undeclared(query, series, label, matcher.label.span));
        return true;
    }
    let declared = series.metric.and_then(|metric| *metric.labels.as_ref()?.get(label)?);
    undeclared_value(matcher, series, declared, findings)
}

/// Whether the metric of series does not have the label of a matcher.
pub(super) fn lacks(query: &Analysis<'_>, matcher: &Matcher<'_>, series: &Series<'_>) -> bool {
    let label = &*matcher.label.name;
    let is_known = label.starts_with("__")
        || query.is_target_label(label)
        || (label == "le" && matches!(series.role, Role::Bucket | Role::Base | Role::Unknown))
        || (label == "quantile" && matches!(series.role, Role::Quantiles | Role::Base | Role::Unknown));
    let lacks_label = |metric: &Metric<'_>| {
        metric.labels.as_ref().is_some_and(|labels| !labels.contains_key(label)) && !is_absent(matcher, metric)
    };
    !is_known && series.metric.is_some_and(lacks_label)
}

/// Whether a matcher selects series without a label that pages write as `device_error=""`. A snapshot lists only labels
/// with values.
fn is_absent(matcher: &Matcher<'_>, metric: &Metric<'_>) -> bool {
    let is_empty = matcher.op == MatchOp::Equal && matcher.value.value.is_empty();
    is_empty && metric.known.is_some() && !is_misspelt(metric, &matcher.label.name)
}

/// Whether a metric has a label with a similar name.
pub(super) fn is_misspelt(metric: &Metric<'_>, label: &str) -> bool {
    metric.labels.as_ref().is_some_and(|labels| nearest(label, labels.keys().copied()).is_some())
}

/// The finding for a label that a metric does not have.
pub(super) fn undeclared(query: &Analysis<'_>, series: &Series<'_>, label: &str, span: Span) -> Option<Diagnostic> {
    let (pattern, series) = (series.pattern, &series.each()[0]);
    let metric = series.metric?;
    // The label of the metric is not missing: the matcher selects series where it is empty.
    let labels = metric.labels.as_ref().filter(|labels| !labels.contains_key(label))?;
    let is_known = metric.known.is_some_and(|known| known.labels.is_some());
    let title = match pattern {
        Some(pattern) => format!("no metric that `{pattern}` matches has a label `{label}`"),
        None => format!("`{}` has no label `{label}`", metric.name),
    };
    let finding = Diagnostic::new(Code::UndeclaredLabel, span, title);
    let finding = match () {
        () if is_known && pattern.is_some() => finding.label("not among their labels in `metrics.toml`"),
        () if is_known => finding.label("not among its labels in `metrics.toml`"),
        () if series.is_own => finding.label("not among the labels that its file declares"),
        () => finding.label(format!("not among the labels that `{}` declares", metric.path)),
    };
    let le = series.role.is_bucket().then_some("le");
    Some(match nearest(label, labels.keys().copied().chain(le)) {
        Some(meant) => finding.help(format!("a label with a similar name exists: `{meant}`")),
        // Labels that files do not declare.
        None if label.eq_ignore_ascii_case("le") => finding.note("only the buckets of a classic histogram have `le`"),
        None if label == "quantile" => finding.note("only the quantiles of a summary have `quantile`"),
        None if is_known => {
            let names: Vec<&str> = labels.keys().copied().into_vec();
            let whose = pattern.map_or("its labels".to_owned(), |_| format!("the labels of `{}`", metric.name));
            finding.help(if_new(query, "label")).note(format!("{whose} are {}", listed(&names)))
        }
        None => {
            let place = if series.is_own { String::new() } else { format!(" of `{}`", metric.path) };
            finding.help(format!("declare it: `{} = \"string\"` below `[labels]`{place}", toml_key(label)))
        }
    })
}

/// Names in backticks; only the first of many.
pub(super) fn listed(names: &[&str]) -> String {
    const MAX: usize = 20;
    let shown = format!("`{}`", names[..names.len().min(MAX)].join("`, `"));
    if names.len() > MAX { format!("{shown} and {} more", names.len() - MAX) } else { shown }
}

/// Reports a UUID in upper case or an integer with leading zeros, which filters of callers never have.
fn unusual_form(matcher: &Matcher<'_>, kind: &LabelType, prefix: &str, typed: &str) -> Option<Diagnostic> {
    let kind = kind.as_ref().map(|_| &[][..]);
    let (LabelKind::Uuid | LabelKind::Integer) = kind else { return None };
    let usual = kind.normalize_after(prefix, typed).filter(|usual| usual != typed)?;
    Some(never_matched(matcher, place_of(matcher, typed)?, typed, &usual))
}

/// Reports a pattern for UUIDs in upper case, such as `7C9E.*`.
fn unusual_pattern(matcher: &Matcher<'_>, prefix: &str) -> Option<Diagnostic> {
    let parts = regex::alternatives(&matcher.value.value);
    let is_upper = |part: &str| !part.contains("(?i") && lower_case(part, prefix).is_some_and(|lower| lower != part);
    let upper = parts.iter().find(|part| is_upper(part))?;
    let lower = lower_case(upper, prefix).filter(|lower| !parts.contains(&lower.as_str()))?;
    Some(never_matched(matcher, place_of(matcher, upper)?, upper, &lower))
}

/// A pattern with its hexadecimal digits in lower case, except for those in classes and escapes. `None` if they cannot
/// be told from the prefix.
fn lower_case(pattern: &str, prefix: &str) -> Option<String> {
    let (start, rest) = match pattern.strip_prefix(prefix) {
        Some(rest) => (prefix, rest),
        None if prefix.contains(|c: char| c.is_ascii_hexdigit()) => return None,
        None => ("", pattern),
    };
    let (mut lower, mut in_class, mut chars) = (start.to_owned(), false, rest.chars());
    while let Some(c) = chars.next() {
        in_class = if in_class { c != ']' } else { c == '[' };
        let is_digit = c.is_ascii_hexdigit() && !in_class;
        lower.push(if is_digit { c.to_ascii_lowercase() } else { c });
        lower.extend((c == '\\').then(|| chars.next()).flatten());
    }
    Some(lower)
}

/// The place of a part of a matcher's value. With an escape in it, the value has another length in the template.
fn place_of(matcher: &Matcher<'_>, part: &str) -> Option<Span> {
    let (value, all) = (&*matcher.value.value, matcher.value.span);
    let at = value.find(part).filter(|_| all.range().len() == value.len() + 2)?;
    let start = all.start + 1 + u32::try_from(at).ok()?;
    Some(Span::new(start, start + u32::try_from(part.len()).ok()?))
}

fn never_matched(matcher: &Matcher<'_>, span: Span, typed: &str, usual: &str) -> Diagnostic {
    let title = format!("callers' filters on `{}` never match `{typed}`", matcher.label.name);
    Diagnostic::new(Code::UndeclaredLabelValue, span, title)
        .label(format!("filters are written as `{usual}`"))
        .write(span, usual)
        .warning_unless(false)
}

/// Reports a value that the label cannot have. Returns whether there was one.
fn undeclared_value(
    matcher: &Matcher<'_>,
    series: &Series<'_>,
    declared: Option<&Label>,
    findings: &mut Vec<Diagnostic>,
) -> bool {
    let label = &*matcher.label.name;
    // Series that do not exist are reported elsewhere.
    let is_missing = series.role == Role::Base && is_bound(label);
    let Some(kind) = series.label(label).filter(|_| !is_missing) else { return false };
    let prefix = declared.and_then(|declared| declared.prefix.as_ref()).map_or("", |prefix| prefix.value.as_str());
    let value = &*matcher.value.value;
    let typed = match matcher.op {
        MatchOp::Equal | MatchOp::NotEqual => Some(vec![value.to_owned()]),
        MatchOp::Regex | MatchOp::NotRegex => regex::listed_texts(value),
    };
    // Values that a file forgot to declare are reported at the declaration.
    let of_snapshot = series.metric.and_then(|metric| metric.known?.values(label));
    let mut all = values_of(kind);
    all.add_all(of_snapshot.map(values_of).unwrap_or_default());
    let values = Values { label, kind, prefix, of_snapshot, all };
    let finding = match (typed, kind) {
        (Some(typed), _) => {
            let Some(wrong) = typed.iter().find(|typed| !values.has(typed)) else {
                findings.add_all(typed.iter().find_map(|typed| unusual_form(matcher, kind, prefix, typed)));
                return false;
            };
            values.wrong_value(matcher, wrong)
        }
        (None, LabelType::OneOf(_)) if matcher.op == MatchOp::Regex && !matcher.matches_empty() => {
            let Some(finding) = values.dead_part(matcher) else { return false };
            finding
        }
        (None, LabelType::Uuid)
            if let Some(dead) = regex::alternatives(value).iter().find(|part| !may_overlap(part, prefix)) =>
        {
            let title = format!("`{dead}` matches no value of the label `{label}`");
            let is_uuid = dead.as_bytes().first().is_some_and(u8::is_ascii_hexdigit);
            let rest = if is_uuid { lower_case(dead, "") } else { None };
            corrected(wrong_value(matcher, title), matcher, prefix, dead, rest)
        }
        (None, LabelType::Uuid) => {
            findings.add_all(unusual_pattern(matcher, prefix));
            return false;
        }
        _ => return false,
    };
    findings.push(finding);
    true
}

fn wrong_value(matcher: &Matcher<'_>, title: String) -> Diagnostic {
    Diagnostic::new(Code::UndeclaredLabelValue, matcher.value.span, title)
}

/// The values that a label of some series can have.
struct Values<'a> {
    label: &'a str,
    kind: &'a LabelType,
    /// What the file declares in front of each value.
    prefix: &'a str,
    /// Those of `metrics.toml`.
    of_snapshot: Option<&'a LabelType>,
    /// Those that the file or `metrics.toml` lists.
    all: Vec<&'a str>,
}

impl Values<'_> {
    fn has(&self, typed: &str) -> bool {
        typed.is_empty()
            || match self.kind {
                LabelType::OneOf(_) => self.all.iter().any(|value| is_same(self.label, value, typed)),
                other => other.as_ref().map(|_| &[][..]).normalize_after(self.prefix, typed).is_some(),
            }
    }

    /// The type of the values, where they are listed, and the list of all of them.
    fn shown(&self) -> (&LabelType, &'static str, String) {
        match self.of_snapshot {
            Some(known) => (known, "its values in `metrics.toml`", all_values(known, false)),
            None => (self.kind, "the declared values", all_values(self.kind, true)),
        }
    }

    /// A text that is not one of them.
    fn wrong_value(&self, matcher: &Matcher<'_>, wrong: &str) -> Diagnostic {
        let finding = wrong_value(matcher, format!("`{wrong}` is not a value of the label `{}`", self.label));
        match self.kind {
            LabelType::Integer => finding.label("declared as an integer"),
            LabelType::Uuid => {
                let uuid = with_hyphens(wrong.strip_prefix(self.prefix).unwrap_or(wrong));
                corrected(finding, matcher, self.prefix, wrong, uuid)
            }
            _ => {
                let (shown, among, all) = self.shown();
                let finding = finding.label(format!("not among {among}"));
                let similar = nearest(wrong, values_of(shown)).filter(|_| !is_bound(self.label));
                match similar {
                    Some(meant) => finding.help(format!("a value with a similar name exists: `{meant}`")),
                    None => finding.note(all),
                }
            }
        }
    }

    /// A pattern of which an alternative matches none of them.
    fn dead_part(&self, matcher: &Matcher<'_>) -> Option<Diagnostic> {
        let label = self.label;
        // The dot of a number is rarely escaped.
        let is_number = |part: &str| is_bound(label) && part.parse::<f64>().is_ok();
        let text = |part: &str| match regex::listed_texts(part) {
            Some(mut texts) => texts.pop(),
            None => Some(part.to_owned()).filter(|_| is_number(part)),
        };
        let is_dead = |part: &str| {
            !text(part).is_some_and(|text| self.has(&text)) && !self.all.iter().any(|it| may_match(part, it))
        };
        let parts = regex::alternatives(&matcher.value.value);
        let dead = parts.iter().find(|part| is_dead(part))?;
        let title = match text(dead) {
            Some(text) => format!("`{text}` is not a value of the label `{label}`"),
            _ if parts.len() == 1 => format!("pattern that no value of the label `{label}` matches"),
            _ => format!("`{dead}` matches no value of the label `{label}`"),
        };
        let (_, among, all) = self.shown();
        Some(wrong_value(matcher, title).label(format!("matches none of {among}")).note(all))
    }
}

/// A finding about a value or a pattern for a UUID; `uuid` is the right one, without the prefix.
fn corrected(
    finding: Diagnostic,
    matcher: &Matcher<'_>,
    prefix: &str,
    wrong: &str,
    uuid: Option<String>,
) -> Diagnostic {
    let finding = finding.label(match prefix {
        "" => "declared as a UUID".to_owned(),
        _ => format!("declared as a UUID after `{prefix}`"),
    });
    match (uuid, place_of(matcher, wrong)) {
        (Some(uuid), Some(span)) => finding.write(span, prefix.to_owned() + &uuid),
        _ => finding,
    }
}

/// A UUID in its usual form, given without hyphens or after `urn:uuid:`.
fn with_hyphens(text: &str) -> Option<String> {
    let hex = text.trim_start_matches("urn:uuid:").replace('-', "");
    if hex.len() != 32 || !hex.is_ascii() {
        return None;
    }
    let uuid = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
    Some(LabelKind::<&[&str]>::Uuid.normalize(&uuid)?.into_owned())
}

/// Whether a pattern may match a value, or another form of it if it is a number: such forms are another check.
fn may_match(pattern: &str, value: &str) -> bool {
    let short = value.strip_suffix(".0").unwrap_or(value);
    [value, short, &format!("{value}.0")].iter().any(|text| regex::matches(pattern, text) != Some(false))
}

/// Whether two values are the same. Bounds are numbers, whose form is another check.
fn is_same(label: &str, value: &str, typed: &str) -> bool {
    let number = |text: &str| text.parse::<f64>().ok();
    value == typed || (is_bound(label) && number(typed).is_some() && number(value) == number(typed))
}

/// Whether the values of a label are numbers.
fn is_bound(label: &str) -> bool {
    matches!(label, "le" | "quantile")
}

fn values_of(kind: &LabelType) -> Vec<&str> {
    let values = if let LabelType::OneOf(values) = kind { &values[..] } else { &[] };
    values.iter().map(|value| value.value.as_str()).into_vec()
}

fn all_values(kind: &LabelType, is_declared: bool) -> String {
    let mut values = values_of(kind);
    // Numbers in their order; others are sorted in the file.
    sort::by(&mut values, |a, b| {
        let number = |text: &str| text.parse().unwrap_or(f64::NAN);
        number(a).total_cmp(&number(b))
    });
    if is_declared {
        format!("declared are `{}`", values.join("`, `"))
    } else {
        format!("its values are {}", listed(&values))
    }
}
