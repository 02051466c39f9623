//! Checks that the servers of `[target]` have what a query uses.

mod versions;

use promql_presets_core::name;
use promql_presets_core::regex::{self, RegexErrorKind};

use super::analysis::{Analysis, Findings};
use super::schema::Role;
use super::tree::Id;
use crate::file::{Server, Target, Version};
use crate::promql::{
    BinaryOp, Call, Duration, DurationKind, Expr, ExprKind, Features, Grouping, MatcherItem, Modifier, Past, Selector,
    Sign,
};
use crate::vec_ext::IntoVec;
use crate::{Code, Diagnostic, Span};
use versions::Since;

/// The query language of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    /// PromQL of a version of Prometheus.
    Prometheus(Version),
    /// MetricsQL of a version of VictoriaMetrics.
    MetricsQl(Version),
}

impl Language {
    fn of(target: &Target) -> Self {
        let releases = match target.server {
            Server::VictoriaMetrics => return Self::MetricsQl(target.version),
            Server::Prometheus => return Self::Prometheus(target.version),
            _ if target.version == Version::NEWEST => return Self::Prometheus(Version::NEWEST),
            Server::Thanos => versions::THANOS,
            Server::Mimir => versions::MIMIR,
        };
        let next = releases.partition_point(|(release, _)| *release <= target.version);
        Self::Prometheus(releases[next.saturating_sub(1)].1)
    }

    fn has(self, since: &Since) -> bool {
        match self {
            Self::Prometheus(version) => (since.prometheus..since.until).contains(&version.min(NEWEST_KNOWN)),
            Self::MetricsQl(version) => since.victoriametrics.is_some_and(|first| first <= version),
        }
    }

    /// Whether the server needs a flag for a part.
    fn needs_flag(self, since: &Since) -> bool {
        matches!(self, Self::Prometheus(version) if version.min(NEWEST_KNOWN) < since.stable)
    }
}

/// The version that the parser follows.
const NEWEST_KNOWN: Version = Version(3, 14);

/// The syntax to parse with. It is wider than that of the targets, so that `unsupported-by-target` can name what they
/// lack or have behind a flag only.
pub(crate) fn syntax(declared: Features, targets: &[Target]) -> Features {
    if targets.is_empty() {
        return declared;
    }
    let mut languages = targets.iter().map(Language::of);
    let (first, last) = versions::AT_BEFORE_RANGE;
    let at_before_range =
        languages.all(|language| matches!(language, Language::Prometheus(it) if (first..last).contains(&it)));
    let no_min_of = !targets.iter().all(|target| Language::of(target).has(&versions::EXTREME_DURATION));
    Features { past: Past { holt_winters: true, at_before_range, no_min_of, ..declared.past }, ..Features::all() }
}

/// Which targets store values of `le` and `quantile` in one form: all, some or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Normalized {
    All,
    Some,
    None,
}

/// Whether the targets store values of `le` and `quantile` in one form.
pub(crate) fn normalizes_floats(targets: &[Target]) -> Normalized {
    let count = targets.iter().filter(|target| is_prometheus_3(target)).count();
    match count {
        _ if count == targets.len() => Normalized::All,
        0 => Normalized::None,
        _ => Normalized::Some,
    }
}

/// Whether a range includes its start on all targets.
pub(super) fn includes_start(targets: &[Target]) -> bool {
    let is_prometheus_2 =
        |target| matches!(Language::of(target), Language::Prometheus(version) if version < versions::PROMETHEUS_3);
    !targets.is_empty() && targets.iter().all(is_prometheus_2)
}

fn is_prometheus_3(target: &Target) -> bool {
    matches!(Language::of(target), Language::Prometheus(version) if version >= versions::PROMETHEUS_3)
}

fn since(function: &str) -> Option<&'static Since> {
    let index = versions::FUNCTIONS.binary_search_by(|since| since.what.cmp(function)).ok()?;
    versions::FUNCTIONS.get(index)
}

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    if query.scope.settings.targets.is_empty() {
        return;
    }
    for id in query.ids() {
        Uses { query, findings }.expr(id);
    }
}

/// Collects the parts of the language that a query uses.
struct Uses<'q, 'e> {
    query: &'q Analysis<'e>,
    findings: &'q mut Findings,
}

impl Uses<'_, '_> {
    fn expr(&mut self, id: Id) {
        let expr = self.query.expr(id);
        match &expr.kind {
            ExprKind::Number(number) => {
                if number.duration {
                    let fix = Some(number.value.to_string());
                    self.part(&versions::DURATION_AS_NUMBER, expr.span, fix);
                } else if self.query.slice(expr.span).contains('_') {
                    let fix = Some(self.query.slice(expr.span).replace('_', ""));
                    self.part(&versions::UNDERSCORE, expr.span, fix);
                }
            }
            ExprKind::Call(call) => self.call(id, call),
            ExprKind::Aggregate(aggregate) => {
                if let Some(since) = since(aggregate.op.as_str()) {
                    self.function(since, aggregate.op_span, None);
                }
                // The label of `count_values`.
                self.label_argument(&versions::UTF8_ARGUMENT, aggregate.param.as_ref());
                self.grouping(aggregate.grouping.as_ref());
            }
            ExprKind::Binary(binary) => {
                match binary.op {
                    BinaryOp::Atan2 => self.part(&versions::ATAN2, binary.op_span, None),
                    BinaryOp::TrimUpper | BinaryOp::TrimLower => self.part(&versions::TRIM, binary.op_span, None),
                    _ => {}
                }
                self.grouping(binary.matching.as_ref());
                self.grouping(binary.group.as_ref());
                if let Some(fill) = binary.fill.first() {
                    self.part(&versions::FILL, fill.span, None);
                }
            }
            ExprKind::Subquery(subquery) => {
                self.part(&versions::SUBQUERY, subquery.brackets, None);
                let inner = &subquery.expr;
                if matches!(&inner.kind, ExprKind::Selector(selector) if !selector.modifiers.is_empty()) {
                    let fix = Some(format!("({})", self.query.slice(inner.span)));
                    self.part(&versions::SUBQUERY_OF_MODIFIED, inner.span, fix);
                }
                self.duration(&subquery.range);
                subquery.step.iter().for_each(|step| self.duration(step));
                self.modifiers(&subquery.modifiers);
            }
            ExprKind::Selector(selector) => self.selector(id, selector),
            _ => {}
        }
    }

    fn call(&mut self, id: Id, call: &Call<'_>) {
        match call.name {
            "label_replace" => self.label_argument(&versions::UTF8_REPLACEMENT, call.args.get(1)),
            "label_join" => {
                for (_, arg) in call.args.iter().enumerate().filter(|(index, _)| *index != 2) {
                    self.label_argument(&versions::UTF8_ARGUMENT, Some(arg));
                }
            }
            _ => {}
        }
        let Some(since) = since(call.name) else { return };
        let arg = |index: usize| call.args.get(index).map(|arg| self.query.slice(arg.span));
        let instead = match (call.name, arg(0), arg(1), arg(2)) {
            ("holt_winters", ..) => Some(Instead::Name("double_exponential_smoothing")),
            ("double_exponential_smoothing", ..) => Some(Instead::Name("holt_winters")),
            ("pi", ..) => Some(Instead::Call(std::f64::consts::PI.to_string())),
            (name, Some(first), second, third) => instead(name, first, second, third).map(Instead::Call),
            _ => None,
        };
        let is_reported = self.function(since, call.name_span, instead);
        let is_bucket = |arg| self.query.sources(arg).iter().any(|(.., series)| series.role.is_bucket());
        match call.name {
            _ if is_reported => {}
            "histogram_fraction" if self.query.arg(id, 2).is_some_and(is_bucket) => {
                self.part(&versions::FRACTION_OF_BUCKETS, call.name_span, None);
            }
            "sort_by_label" | "sort_by_label_desc" if call.args.len() == 1 => {
                self.part(&versions::SORT_WITHOUT_LABELS, call.name_span, None);
            }
            _ => {}
        }
    }

    /// Reports a label that is an argument and has characters other than letters, digits and `_`.
    fn label_argument(&mut self, since: &Since, arg: Option<&Expr<'_>>) {
        if let Some(ExprKind::String(label)) = arg.map(|arg| &arg.unparenthesized().kind)
            && !name::is_classic_label(&label.value)
        {
            self.part(since, label.span, None);
        }
    }

    /// Reports a function that a target does not have.
    fn function(&mut self, since: &Since, span: Span, instead: Option<Instead>) -> bool {
        let before = self.findings.len();
        let what = format!("`{}`", since.what);
        self.report(since, &what, span, instead);
        self.findings.len() > before
    }

    fn selector(&mut self, id: Id, selector: &Selector<'_>) {
        let series = self.query.series(id);
        if let (Some(name), Some(series)) = (&selector.name, series) {
            let is_quoted = series.name.as_deref().is_some_and(|name| !name::is_bare_metric(name));
            if is_quoted && !name.holes.is_empty() {
                self.part(&versions::QUOTED_NAME, name.span, None);
            }
        }
        if series.is_some_and(|series| series.declared() == Role::NativeHistogram) {
            self.part(&versions::NATIVE_HISTOGRAM, selector.span, None);
        }
        for matcher in &selector.matchers() {
            if !matcher.op.is_regex() {
                continue;
            }
            let error = regex::validate_wrapped(&matcher.value.value).err();
            if error.is_some_and(|error| error.kind == RegexErrorKind::UnclosedQuote) {
                let written = self.query.slice(matcher.value.span);
                let (pattern, quote) = written.split_at(written.len() - 1);
                let backslash = if quote == "`" { "\\" } else { "\\\\" };
                let fix = format!("{pattern}{backslash}E{quote}");
                self.part(&versions::UNCLOSED_QUOTE, matcher.value.span, Some(fix));
            }
        }
        for item in selector.items() {
            match item {
                MatcherItem::Name(name) => self.part(&versions::QUOTED_NAME, name.span, None),
                MatcherItem::Matcher(matcher) if matcher.label.quoted => {
                    let fix = Some(matcher.label.name.to_string()).filter(|name| name::is_classic_label(name));
                    self.part(&versions::QUOTED_NAME, matcher.label.span, fix);
                }
                _ => {}
            }
        }
        selector.range.iter().for_each(|range| self.duration(&range.duration));
        self.modifiers(&selector.modifiers);
    }

    fn grouping(&mut self, grouping: Option<&Grouping<'_>>) {
        for label in Grouping::labels_of(grouping) {
            if !label.quoted {
                continue;
            }
            let fix = Some(label.name.to_string()).filter(|name| name::is_classic_label(name));
            self.part(&versions::QUOTED_GROUPING, label.span, fix);
        }
    }

    fn modifiers(&mut self, modifiers: &[Modifier]) {
        for modifier in modifiers {
            match modifier {
                Modifier::Offset { duration, .. } => match &duration.kind {
                    DurationKind::Unary(Sign::Minus, inner)
                        if matches!(inner.kind, DurationKind::Literal(_) | DurationKind::Hole) =>
                    {
                        self.part(&versions::NEGATIVE_OFFSET, duration.span, None);
                        self.duration(inner);
                    }
                    _ => self.duration(duration),
                },
                Modifier::At { span, .. } => {
                    let time = self.query.slice(*span).trim_start_matches(['@', '+', '-', ' ']);
                    // `@ 5m`, but not `@ 0x5d`, `@ 1e3` or `@ end()`.
                    let has_unit = time.starts_with(|c: char| c.is_ascii_digit())
                        && time.ends_with(|c: char| c.is_ascii_lowercase())
                        && !time.starts_with("0x");
                    self.part(if has_unit { &versions::DURATION_AS_NUMBER } else { &versions::AT }, *span, None);
                }
                Modifier::Anchored(span) => self.part(&versions::ANCHORED, *span, None),
                Modifier::Smoothed(span) => self.part(&versions::SMOOTHED, *span, None),
            }
        }
    }

    /// Reports the newest part of a duration.
    fn duration(&mut self, duration: &Duration) {
        let mut parts = Vec::new();
        duration_parts(self.query, duration, &mut parts);
        let Some(since) = parts.iter().max_by_key(|since| since.prometheus) else { return };
        let seconds = duration.seconds().filter(|_| matches!(duration.kind, DurationKind::Literal(_)));
        let fix = seconds.map(|seconds| match super::tree::duration(seconds).to_string() {
            composite if is_composite(&composite) => format!("{seconds}s"),
            single => single,
        });
        // `1.5s` is not a duration, and less than a millisecond is another mistake.
        let fix = fix.filter(|fix| !fix.contains('.') && (fix != "0s" || seconds == Some(0.0)));
        self.part(since, duration.span, fix);
    }

    /// Reports a piece of syntax that a target does not have. `fix` is the text to write in its place.
    fn part(&mut self, since: &Since, span: Span, fix: Option<String>) {
        self.report(since, since.what, span, fix.map(Instead::Text));
    }

    fn report(&mut self, since: &Since, what: &str, span: Span, instead: Option<Instead>) {
        let targets = &self.query.scope.settings.targets;
        let mut lacking = targets.iter().filter(|target| !Language::of(target).has(since));
        if let Some(first) = lacking.next() {
            let finding = Diagnostic::new(Code::UnsupportedByTarget, span, format!("{first} does not have {what}"))
                .label(availability(since, first));
            let others: Vec<String> = lacking.map(ToString::to_string).into_vec();
            let finding = finding.note(match others.as_slice() {
                [] => "targets are set in `promql.toml`".to_owned(),
                [other] => format!("nor does {other}; targets are set in `promql.toml`"),
                others => format!("nor do {}; targets are set in `promql.toml`", others.join(", ")),
            });
            self.findings.push(with_help(finding, targets, instead));
            return;
        }
        let behind_flag = targets.iter().find(|target| Language::of(target).needs_flag(since));
        let Some(target) = behind_flag.filter(|_| !self.query.scope.features.is_enabled(since.flag)) else { return };
        let flag = since.flag;
        let (title, label) = match since.stable {
            Version::NEWEST => (format!("{what} is experimental"), "not enabled".to_owned()),
            stable => (
                format!("{what} is experimental in {target}"),
                format!("not enabled; stable since Prometheus {stable}"),
            ),
        };
        self.findings.push(
            Diagnostic::new(Code::ExperimentalFeature, span, title)
                .label(label)
                .help(format!("write `features = [\"{flag}\"]` in the preset file, or below `[target]`"))
                .note(match target.server {
                    Server::Prometheus => format!("the server needs `--enable-feature={flag}` as well"),
                    server => format!("{} has to enable it as well", server.as_str()),
                }),
        );
    }
}

/// A replacement for something that a target does not have.
enum Instead {
    /// Another name of the same function.
    Name(&'static str),
    /// An expression for the whole call, of which the finding marks the name only.
    Call(String),
    /// A text in the marked place.
    Text(String),
}

/// An expression that returns what a call of a function returns.
fn instead(function: &str, first: &str, second: Option<&str>, third: Option<&str>) -> Option<String> {
    let operand = if first.contains(' ') { format!("({first})") } else { first.to_owned() };
    Some(match (function, second, third) {
        ("absent_over_time", ..) => format!("absent(count_over_time({first}))"),
        ("present_over_time", ..) => format!("clamp_max(count_over_time({first}), 1)"),
        ("histogram_avg", ..) => format!("(histogram_sum({first}) / histogram_count({first}))"),
        ("sgn", ..) => format!("(({operand} > bool 0) - ({operand} < bool 0))"),
        ("deg", ..) => format!("({operand} * 180 / {})", std::f64::consts::PI),
        ("rad", ..) => format!("({operand} * {} / 180)", std::f64::consts::PI),
        ("min_of", Some(second), _) => format!("scalar(clamp_max(vector({first}), {second}))"),
        ("max_of", Some(second), _) => format!("scalar(clamp_min(vector({first}), {second}))"),
        ("clamp", Some(min), Some(max)) => format!("clamp_max(clamp_min({first}, {min}), {max})"),
        _ => return None,
    })
}

/// Adds what to write instead, if all targets have it.
fn with_help(finding: Diagnostic, targets: &[Target], instead: Option<Instead>) -> Diagnostic {
    let is_everywhere = |since: &Since| targets.iter().all(|target| Language::of(target).has(since));
    let span = finding.span;
    match instead {
        Some(Instead::Name(name)) if since(name).is_some_and(is_everywhere) => finding.write(span, name),
        Some(Instead::Name(name)) => finding
            .note(format!("named `{name}` on other targets of `promql.toml`: neither name exists on all of them")),
        Some(Instead::Call(text)) => {
            let mut used = versions::FUNCTIONS.iter().filter(|since| text.contains(&format!("{}(", since.what)));
            if used.all(is_everywhere) { finding.help(format!("write `{text}`")) } else { finding }
        }
        Some(Instead::Text(text)) => finding.write(span, text),
        None => finding,
    }
}

/// Which versions have a part, for a target that does not.
fn availability(since: &Since, target: &Target) -> String {
    match Language::of(target) {
        Language::MetricsQl(_) => match since.victoriametrics {
            Some(first) => format!("added in VictoriaMetrics {first}"),
            None => "not part of MetricsQL".to_owned(),
        },
        Language::Prometheus(version) => {
            let text = if version >= since.until {
                format!("removed in Prometheus {}", since.until)
            } else {
                format!("added in Prometheus {}", since.prometheus)
            };
            match target.server {
                Server::Prometheus => text,
                _ if version == Version::NEWEST => text,
                server => format!("{text}, and this {} has the language of {version}", server.as_str()),
            }
        }
    }
}

/// The parts of the language that a duration uses.
fn duration_parts(query: &Analysis<'_>, duration: &Duration, parts: &mut Vec<&'static Since>) {
    match &duration.kind {
        DurationKind::Literal(_) => {
            let text = query.slice(duration.span);
            if text.ends_with(|c: char| c.is_ascii_digit()) || text.starts_with("0x") {
                parts.push(&versions::NUMBER_AS_DURATION);
            } else if is_composite(text) {
                parts.push(&versions::COMPOSITE_DURATION);
            }
        }
        DurationKind::Hole => {}
        DurationKind::Step => parts.push(&versions::STEP_DURATION),
        DurationKind::Range => parts.push(&versions::RANGE_DURATION),
        DurationKind::Min(_) | DurationKind::Max(_) => parts.push(&versions::EXTREME_DURATION),
        DurationKind::Unary(..) | DurationKind::Binary(..) | DurationKind::Paren(_) => {
            parts.push(&versions::DURATION_ARITHMETIC);
        }
    }
    duration.children().for_each(|child| duration_parts(query, child, parts));
}

/// Whether a duration has several units, as `1h30m`.
fn is_composite(text: &str) -> bool {
    let after_unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    after_unit.contains(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests;
