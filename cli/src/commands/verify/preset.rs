//! Verifies one preset.

use std::collections::BTreeSet;
use std::ptr;
use std::time::{Duration, Instant};

use promql_presets::{Data, Error, ErrorKind, InstantQuery};
use promql_presets_compiler::backend::registry::{Label, Module, Preset, Segment};
use promql_presets_compiler::promql::{Expr, ExprKind, Features, Syntax, parse};
use promql_presets_compiler::{SourceFile, Span};
use promql_presets_core::{Input, LabelKind, MetricQuerier, Querier, ResultType};

use super::Setting;
use super::report::{Report, Severity};
use crate::empty_result::{SAMPLES, causes, duration, is_empty, safe_window};
use crate::failure::Failure;
use crate::querier::{self, named};
use crate::source_map::{SourceMap, call, position};

/// The number of wrong values of a label that are shown.
const MAX_SHOWN: usize = 5;

/// Functions for which one sample is enough.
const OF_ONE_SAMPLE: [&str; 5] =
    ["absent_over_time", "count_over_time", "first_over_time", "last_over_time", "present_over_time"];

/// A preset that is verified.
pub(super) struct Verified<'a> {
    setting: &'a Setting<'a>,
    module: &'a Module,
    preset: &'a Preset,
    file: &'a SourceFile,
    reports: Vec<Report<'a>>,
}

/// The largest result of the queries.
struct Size {
    series: usize,
    elapsed: Duration,
}

impl<'a> Verified<'a> {
    pub(super) fn of(setting: &'a Setting<'a>, module: &'a Module, preset: &'a Preset) -> Self {
        let file = &setting.folder.files[module.file];
        Self { setting, module, preset, file, reports: Vec::new() }
    }

    /// The reports, at least one.
    pub(super) async fn reports(mut self) -> Result<Vec<Report<'a>>, Failure> {
        if self.has_errors() {
            self.add(Severity::Error, "skipped", "has errors".to_owned());
            self.help("run `promql-presets check`");
            return Ok(self.reports);
        }
        if self.lacks_name() {
            self.add(Severity::Info, "skipped", "takes the name of a metric".to_owned());
            self.help("name one with `--name`");
            return Ok(self.reports);
        }
        let querier = self.with_required(&self.names()).await?;
        let most = self.run(&querier).await?;
        self.labels(&self.names_of_file()).await?;
        if let Some(Size { series, elapsed }) = most
            && self.reports.iter().all(|report| report.severity == Severity::Info)
        {
            let milliseconds = millis(elapsed);
            self.add(Severity::Ok, "ok", format!("{} in {milliseconds} ms", format_args!("{series} series")));
            self.of_size(series, milliseconds);
        }
        Ok(self.reports)
    }

    fn has_errors(&self) -> bool {
        !querier::errors_in(self.setting.output, self.module, self.preset).is_empty()
    }

    fn takes_name(&self) -> bool {
        self.module.metric.is_none()
            && self.takes(|segment| matches!(segment, Segment::MetricName(..) | Segment::MetricNameOpen(..)))
    }

    fn lacks_name(&self) -> bool {
        self.takes_name() && self.setting.querier.name().is_empty()
    }

    /// The names of the series that the chosen presets of the file read. Only the first preset of a file has them, since it
    /// reports on the labels of the file.
    fn names_of_file(&self) -> BTreeSet<String> {
        let of_file = self.setting.chosen.iter().filter(|(module, _)| module.file == self.module.file);
        let presets = of_file.map(|(module, preset)| Self::of(self.setting, module, preset));
        let mut run = presets.filter(|preset| !preset.has_errors() && !preset.lacks_name()).peekable();
        let is_first = run.peek().is_some_and(|first| ptr::eq(first.preset, self.preset));
        if is_first { run.flat_map(|preset| preset.names()).collect() } else { BTreeSet::new() }
    }

    /// The names of the series that the preset reads.
    fn names(&self) -> BTreeSet<String> {
        let name = self.module.preset_name(self.preset);
        let read = self.setting.read.series.iter().filter(|(_, by)| by.presets.contains(&name));
        let mut names: BTreeSet<String> = read.map(|(series, _)| series.clone()).collect();
        let given = self.setting.querier.name();
        let parsed = parse(&self.preset.template, Syntax { template: true, features: Features::all() });
        if let (false, Some(expr)) = (given.is_empty(), &parsed.expr) {
            let texts =
                expr.selectors().into_iter().filter_map(|selector| selector.name.as_ref()).map(|name| name.text);
            names.extend(
                texts.filter(|text| text.contains("{metric_name}")).map(|text| text.replace("{metric_name}", given)),
            );
        }
        names
    }

    fn takes(&self, is_it: impl Fn(&Segment) -> bool) -> bool {
        self.preset.segments.iter().any(is_it)
    }

    fn declared(&self) -> &'a [Label] {
        self.module.querier.as_ref().map_or(&[], |querier| &querier.labels)
    }

    /// The querier of the command line, with a value that exists for each required label that it lacks.
    async fn with_required(&self, names: &BTreeSet<String>) -> Result<Querier, Failure> {
        let mut querier = self.setting.querier.querier(self.takes_name());
        let given: Vec<String> = querier.labels().iter().map(|matcher| matcher.label().to_owned()).collect();
        let required = self.declared().iter().filter(|label| label.required && !given.contains(&label.name));
        let required: Vec<&str> = required.map(|label| label.name.as_str()).collect();
        if required.is_empty() || names.is_empty() {
            return Ok(querier);
        }
        let query = format!("topk(1, count by ({}) ({}))", required.join(", "), named(names));
        if let Ok((Data::Vector(found), _)) = self.query(query, ResultType::InstantVector).await? {
            let labels = found.elements().first().map(|element| element.labels().clone());
            for label in required {
                // Without a series, there is still a query.
                let value = labels.as_ref().and_then(|labels| labels.get(label)).unwrap_or("none");
                querier = querier.label(label.to_owned(), value.to_owned());
            }
        }
        Ok(querier)
    }

    /// The largest size of the results, if the server accepts all queries.
    async fn run(&mut self, querier: &Querier) -> Result<Option<Size>, Failure> {
        let window = self.setting.querier.window().filter(|_| self.takes(|segment| matches!(segment, Segment::Window)));
        let mut most: Option<Size> = None;
        for (run, grouping) in self.groupings(querier).into_iter().enumerate() {
            let by =
                if grouping.is_empty() { String::new() } else { format!(" grouped by `{}`", grouping.join("`, `")) };
            let querier = querier.clone().group_by(grouping);
            let values = self.setting.querier.own_parameters(self.preset);
            let render = |values| self.preset.render(self.module, &Input::of(&querier), window, values);
            let query = match values.and_then(render) {
                Ok(query) => query,
                Err(error) => {
                    self.add(Severity::Error, "failed", format!("cannot be rendered: {error}"));
                    return Ok(None);
                }
            };
            let places = self.places(&query);
            if self.has_unknown_function(&query, places.as_ref()) {
                return Ok(None);
            }
            match self.query(query.clone(), self.preset.result).await? {
                Err(error) => {
                    self.failed(&error, &query, places.as_ref());
                    return Ok(None);
                }
                Ok((data, elapsed)) => {
                    self.messages(&data, &query, places.as_ref());
                    let series = series(&data);
                    self.limits(series, elapsed, &by, &query);
                    if run == 0 {
                        self.windows(&query, places.as_ref()).await;
                        if is_empty(&data) {
                            self.empty(&data, &query, places.as_ref()).await;
                        }
                    }
                    let most = most.get_or_insert(Size { series, elapsed });
                    most.series = most.series.max(series);
                    most.elapsed = most.elapsed.max(elapsed);
                }
            }
        }
        Ok(most)
    }

    /// No grouping, and each label that callers may group by; those of the command line instead, if there are any.
    fn groupings(&self, querier: &Querier) -> Vec<Vec<String>> {
        let mut groupings = vec![Vec::new()];
        let is_given = !querier.group_by_labels().is_empty();
        if !is_given && self.takes(|segment| matches!(segment, Segment::GroupBy)) {
            let labels = self.declared().iter().filter(|label| label.usage.is_group_by());
            groupings.extend(labels.map(|label| vec![label.name.clone()]));
        }
        groupings
    }

    /// Runs a query. Only a server that cannot be reached, or does not respond as Prometheus does, is a failure.
    async fn query(&self, query: String, result: ResultType) -> Result<Result<(Data, Duration), Error>, Failure> {
        let start = Instant::now();
        let query = self.setting.client.raw_query(query).result_type(result);
        match query.when_some(self.setting.at, InstantQuery::at).await {
            Ok(data) => Ok(Ok((data, start.elapsed()))),
            Err(error) => match error.kind() {
                ErrorKind::Server { .. } | ErrorKind::Timeout(_) | ErrorKind::Decode(_) => Ok(Err(error)),
                _ => Err(error.into()),
            },
        }
    }

    /// Reports a function that the server does not list among its features.
    fn has_unknown_function(&mut self, query: &str, places: Option<&SourceMap>) -> bool {
        let functions = &self.setting.functions;
        let unknown = call(query, |name| !functions.is_empty() && !functions.contains(name));
        if let Some((name, span)) = unknown {
            self.add(Severity::Error, "rejected", format!("the server does not have the function `{name}`"));
            self.of_query(query, places, Some(span));
        }
        unknown.is_some()
    }

    fn failed(&mut self, error: &Error, query: &str, places: Option<&SourceMap>) {
        let ErrorKind::Server { error: of_server, status } = error.kind() else {
            self.add(Severity::Error, "failed", format!("the query fails: {error}"));
            self.of_query(query, places, None);
            return;
        };
        let (place, message) = position(&of_server.message, query);
        // 400 is for what is wrong with the query.
        let is_rejected = *status == 400 || place.is_some();
        let (kind, what) = if is_rejected { ("rejected", "rejects") } else { ("failed", "fails on") };
        self.add(Severity::Error, kind, format!("the server {what} the query: {message}"));
        self.of_query(query, places, place);
    }

    /// Warnings and infos of the server.
    fn messages(&mut self, data: &Data, query: &str, places: Option<&SourceMap>) {
        let meta = data.meta();
        let warnings = meta.warnings.iter().map(|text| (Severity::Warning, text));
        let infos = meta.infos.iter().map(|text| (Severity::Info, text));
        for (severity, text) in warnings.chain(infos) {
            let (place, message) = position(text, query);
            self.add(severity, "server", message);
            self.of_query(query, places, place);
        }
    }

    fn limits(&mut self, series: usize, elapsed: Duration, by: &str, query: &str) {
        let milliseconds = millis(elapsed);
        if let Some(max) = self.setting.max_series.filter(|max| series > *max) {
            self.add(Severity::Error, "series", format!("{series} series{by}, more than {max}"));
            self.of_size(series, milliseconds);
            self.of_query(query, None, None);
        }
        if let Some(max) = self.setting.max_time.filter(|max| milliseconds > max.as_millis()) {
            self.add(Severity::Error, "time", format!("{milliseconds} ms{by}, more than `{max}`"));
            self.of_size(series, milliseconds);
            self.of_query(query, None, None);
        }
    }

    async fn empty(&mut self, data: &Data, query: &str, places: Option<&SourceMap>) {
        let causes = causes(self.setting.client, query, self.setting.at, None).await;
        // A scalar can be `NaN` with data.
        if causes.is_empty() && !matches!(data, Data::Scalar(_)) {
            self.add(Severity::Error, "empty", "returns nothing".to_owned());
            self.of_query(query, places, None);
        }
        for cause in causes {
            let severity = if cause.is_expected { Severity::Info } else { Severity::Error };
            self.add(severity, "empty", "returns nothing".to_owned());
            if let Some(report) = self.reports.last_mut() {
                report.cause = cause.message;
            }
            self.of_query(query, places, Some(cause.span));
        }
    }

    /// Whether ranges hold enough samples.
    async fn windows(&mut self, query: &str, places: Option<&SourceMap>) {
        let parsed = parse(query, Syntax { template: false, features: Features::all() });
        let Some(expr) = &parsed.expr else { return };
        let mut ranges: Vec<(&str, Span, f64)> = Vec::new();
        expr.walk(&mut |node: &Expr<'_>| {
            let ExprKind::Call(call) = &node.kind else { return };
            for argument in call.args.iter().filter(|_| !OF_ONE_SAMPLE.contains(&call.name)) {
                if let ExprKind::Selector(selector) = &argument.kind
                    && let (Some(name), Some(range)) = (selector.metric_name(), &selector.range)
                    && let Some(seconds) = range.duration.seconds()
                {
                    ranges.push((name, argument.span, seconds));
                }
            }
        });
        for (metric, span, seconds) in ranges {
            let Some(interval) = self.setting.scrapes.interval(metric, &named([&metric.to_owned()])).await else {
                continue;
            };
            // Scrapes are a little early or late.
            if seconds * 1.02 >= SAMPLES * interval {
                continue;
            }
            let (window, scraped) = (duration(seconds), duration(interval));
            self.add(
                Severity::Error,
                "window",
                format!(
                    "the window of `{window}` is shorter than four scrapes: `{metric}` has a sample every `{scraped}`"
                ),
            );
            self.help(&format!("use at least `{}`", safe_window(interval)));
            self.of_query(query, places, Some(span));
        }
    }

    /// Whether the labels that the file declares exist, with values of their kinds.
    async fn labels(&mut self, names: &BTreeSet<String>) -> Result<(), Failure> {
        let client = self.setting.client;
        let queriers: Vec<Querier> = names.iter().map(|name| Querier::new(name.clone())).collect();
        if queriers.is_empty() || self.declared().is_empty() {
            return Ok(());
        }
        let labels = queriers.iter().fold(client.labels(), |request, querier| request.matching(querier)).await?;
        // A metric without series has been reported.
        if labels.is_empty() {
            return Ok(());
        }
        let metrics = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        for label in self.declared() {
            if !labels.contains(&label.name) {
                let message = format!("no series of {metrics} has the label `{}`", label.name);
                self.add_label(Severity::Error, label, message);
                continue;
            }
            if matches!(label.kind, LabelKind::String) {
                continue;
            }
            let values = client.label_values(&label.name);
            let values = queriers.iter().fold(values, |request, querier| request.matching(querier)).await?;
            self.values(label, &values);
        }
        Ok(())
    }

    fn values(&mut self, label: &Label, values: &[String]) {
        let known: Vec<&str> = match &label.kind {
            LabelKind::OneOf(values) => values.variants.iter().map(|(_, text)| text.as_str()).collect(),
            _ => Vec::new(),
        };
        let kind = label.kind.as_ref().map(|_| known.as_slice());
        let prefix = label.prefix.as_deref().unwrap_or_default();
        let wrong: Vec<&String> = values.iter().filter(|value| kind.normalize_after(prefix, value).is_none()).collect();
        if !wrong.is_empty() {
            let more =
                if wrong.len() > MAX_SHOWN { format!(" and {} more", wrong.len() - MAX_SHOWN) } else { String::new() };
            let shown: Vec<String> = wrong.iter().take(MAX_SHOWN).map(|value| format!("`{value}`")).collect();
            let message =
                format!("the label `{}` has values that are not {kind}: {}{more}", label.name, shown.join(", "));
            self.add_label(Severity::Error, label, message);
        }
        let unused: Vec<String> = known
            .iter()
            .filter(|known| !values.iter().any(|value| value == *known))
            .map(|value| format!("`{value}`"))
            .collect();
        if !unused.is_empty() {
            let message = format!("no series has these values of the label `{}`: {}", label.name, unused.join(", "));
            self.add_label(Severity::Info, label, message);
        }
    }

    fn places(&self, query: &str) -> Option<SourceMap> {
        SourceMap::of(query, self.file, &self.preset.name)
    }

    /// Adds a report at the name of the preset.
    fn add(&mut self, severity: Severity, kind: &'static str, message: String) {
        self.reports.push(Report {
            preset: self.module.preset_name(self.preset),
            file: self.file,
            span: self.preset.span,
            severity,
            kind,
            message,
            cause: String::new(),
            help: None,
            query: None,
            series: None,
            milliseconds: None,
        });
    }

    /// Adds a report at the declaration of a label.
    fn add_label(&mut self, severity: Severity, label: &Label, message: String) {
        self.add(severity, "label", message);
        if let Some(report) = self.reports.last_mut() {
            report.span = label.span;
        }
    }

    fn help(&mut self, text: &str) {
        if let Some(report) = self.reports.last_mut() {
            report.help = Some(text.to_owned());
        }
    }

    /// Sets the size of the result in the last report.
    fn of_size(&mut self, series: usize, milliseconds: u64) {
        if let Some(report) = self.reports.last_mut() {
            (report.series, report.milliseconds) = (Some(series), Some(milliseconds));
        }
    }

    /// Sets the query of the last report, and its place. Drops the report if there is the same one already.
    fn of_query(&mut self, query: &str, places: Option<&SourceMap>, place: Option<Span>) {
        let Some(mut report) = self.reports.pop() else { return };
        report.query = Some(query.to_owned());
        if let (Some(places), Some(place)) = (places, place) {
            report.span = places.locate(place);
        }
        let is_same = |other: &Report<'_>| {
            (other.kind, &other.message, &other.cause, other.span)
                == (report.kind, &report.message, &report.cause, report.span)
        };
        if !self.reports.iter().any(is_same) {
            self.reports.push(report);
        }
    }
}

fn series(data: &Data) -> usize {
    match data {
        Data::Vector(vector) => vector.len(),
        Data::Matrix(matrix) => matrix.len(),
        _ => 1,
    }
}

fn millis(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
