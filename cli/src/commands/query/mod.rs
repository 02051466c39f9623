//! `promql-presets query`: runs a preset, or any PromQL, and shows the result.

mod axes;
mod braille;
mod chart;
mod export;
mod labels;
mod lines;
mod numbers;
mod screen;
mod table;

use std::io::{IsTerminal, stdout};
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use promql_presets::{
    Data, Error, ErrorKind, InstantQuery, MAX_STEPS, Matrix, PrometheusClient, RangeError, Step, TimeRange, Timestamp,
};
use promql_presets_compiler::check::check_query;
use promql_presets_compiler::promql::{At, Expr, ExprKind, Features, Modifier, Syntax, parse};
use promql_presets_compiler::{Severity, backend, compile};
use promql_presets_core::{PromDuration, ResultType};

use self::screen::Size;
use crate::FOUND;
use crate::empty_result::{causes, is_empty};
use crate::failure::Failure;
use crate::output::{in_colors, in_colors_on_stderr, print, printable, query_messages, remark};
use crate::preset_folders::Dir;
use crate::progress;
use crate::querier::{QuerierOptions, find};
use crate::server::{Server, block_on};

/// The points of a part of a long range; servers accept 11,000.
const PART: u64 = 10_000;

/// The shortest interval of `--watch`, in milliseconds.
const MIN_WATCH: u64 = 100;

/// The points of a range where no chart limits them.
const DEFAULT_POINTS: u64 = 500;

/// Runs a preset, and shows the result as a table or a chart
///
/// Without a range, the result is a table of one point in time; with one, it is a chart. Both fit the terminal.
/// Warnings of the server go to standard error. If the result is empty, so does the reason: which selector is empty,
/// and why.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 on success, 1 if the preset or the query is rejected, 2 if the server cannot be reached

Example:
  promql-presets query http::rate --label job=api --group-by code --range 6h")]
pub(crate) struct Arguments {
    /// The name of a preset, see `promql-presets list`, such as `container_utilization::rate`
    #[arg(required_unless_present = "raw")]
    preset: Option<String>,
    /// A query instead of a preset
    #[arg(long, value_name = "PROMQL", allow_hyphen_values = true, conflicts_with_all = ["preset", "name", "labels", "group_by", "window"])]
    raw: Option<String>,
    #[command(flatten)]
    dir: Dir,
    #[command(flatten)]
    querier: QuerierOptions,
    /// The point in time, as Unix seconds or `2026-01-31T12:00:00Z`; default: now
    #[arg(long, value_name = "TIME", conflicts_with_all = ["range", "start", "end"])]
    at: Option<Timestamp>,
    /// The length of a range that ends now, such as `6h`
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["start", "end"])]
    range: Option<PromDuration>,
    /// The start of a range
    #[arg(long, value_name = "TIME")]
    start: Option<Timestamp>,
    /// The end of a range; default: now
    #[arg(long, value_name = "TIME", requires = "start")]
    end: Option<Timestamp>,
    /// The time between two points, or `auto` for as many points as the chart can show
    #[arg(long, value_name = "DURATION", default_value = "auto")]
    step: String,
    /// Repeat the query at this interval; a terminal is redrawn in place
    #[arg(long, value_name = "DURATION")]
    watch: Option<PromDuration>,
    /// The format; `human` is a table, for ranges a chart
    ///
    /// `csv` has a row per sample, with time, the labels, and value, or count, sum, mean and percentiles of native
    /// histograms. `json` is one object per line and series, with labels and values: pairs of Unix time in seconds and
    /// value, which is a number, a string such as `NaN`, or an object with count, sum and buckets.
    #[arg(long, default_value = "human")]
    format: Format,
    #[command(flatten)]
    server: Server,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Table,
    Chart,
    Csv,
    Json,
}

/// A query to run.
struct Query {
    /// The name of series without labels.
    name: String,
    promql: String,
    unit: Option<String>,
    result: ResultType,
    /// The part of the query because of which a range cannot be split.
    indivisible: Option<&'static str>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    arguments.check_durations()?;
    let (query, url) = match (&arguments.preset, &arguments.raw) {
        (Some(preset), _) => of_preset(arguments, preset)?,
        (None, Some(query)) => (of_text(query), None),
        (None, None) => return Err(Failure::new("no preset given")),
    };
    let Some(query) = query else { return Ok(ExitCode::from(FOUND)) };
    query.check_range(arguments)?;
    let client = arguments.server.client(url.as_deref())?;
    block_on(async {
        let mut header = String::new();
        loop {
            let outcome = arguments.run(&client, &query, &mut header).await;
            let Some(watch) = arguments.watch else { return outcome };
            // A server that restarts may come back.
            if let Err(failure) = outcome {
                remark(failure.to_string().trim_end());
            }
            tokio::time::sleep(Duration::from_millis(watch.as_millis())).await;
        }
    })
}

/// The query of a preset, and the default server. `None` if the preset has errors, which are printed.
fn of_preset(arguments: &Arguments, name: &str) -> Result<(Option<Query>, Option<String>), Failure> {
    let folder = arguments.dir.read()?;
    let output = compile(&folder.files);
    let (module, preset) = find(&output, name)?;
    let query = arguments.querier.query(&folder, &output, module, preset).map(|promql| Query {
        name: name.to_owned(),
        promql,
        unit: preset.unit.clone(),
        result: preset.result,
        indivisible: preset.facts.indivisible,
    });
    Ok((query, output.url.clone()))
}

/// A query instead of a preset. `None` if it is not valid. Errors and warnings are printed.
fn of_text(query: &str) -> Option<Query> {
    let parsed = parse(query, Syntax { template: false, features: Features::all() });
    let colors = in_colors_on_stderr();
    let Some(expr) = parsed.expr.as_ref().filter(|_| parsed.diagnostics.is_empty()) else {
        remark(&query_messages(query, &parsed.diagnostics, colors).join("\n\n"));
        return None;
    };
    let mut found = check_query(query, expr);
    // Prometheus accepts such a query, so errors of checks are warnings here.
    for found in &mut found {
        found.severity = Severity::Warning;
    }
    for text in query_messages(query, &found, colors) {
        remark(&text);
    }
    let indivisible = backend::indivisible(expr);
    Some(Query { name: "value".to_owned(), promql: query.to_owned(), unit: None, result: expr.ty(), indivisible })
}

/// `@ start()` or `@ end()`, if a query has one of them.
fn end_in(query: &str) -> Option<&'static str> {
    let parsed = parse(query, Syntax { template: false, features: Features::all() });
    let end = |modifier: &Modifier| match modifier {
        Modifier::At { at: At::Start(_), .. } => Some("@ start()"),
        Modifier::At { at: At::End(_), .. } => Some("@ end()"),
        _ => None,
    };
    let mut found = None;
    if let Some(expr) = &parsed.expr {
        expr.walk(&mut |node: &Expr<'_>| {
            let modifiers = match &node.kind {
                ExprKind::Selector(selector) => &selector.modifiers,
                ExprKind::Subquery(subquery) => &subquery.modifiers,
                _ => return,
            };
            found = found.or_else(|| modifiers.iter().find_map(end));
        });
    }
    found
}

impl Query {
    /// Checks that a query for a range has a type that allows one.
    fn check_range(&self, arguments: &Arguments) -> Result<(), Failure> {
        let (what, help) = match self.result {
            ResultType::RangeVector => ("range vector", "apply a function such as `rate`, or leave the range out"),
            ResultType::String => ("string", "leave the range out"),
            ResultType::Scalar | ResultType::InstantVector => return Ok(()),
        };
        if arguments.range.is_none() && arguments.start.is_none() {
            return Ok(());
        }
        Err(Failure::new(format!("a {what} has no value at each point of a range")).help(help))
    }
}

impl Arguments {
    /// Checks that the durations are long enough.
    fn check_durations(&self) -> Result<(), Failure> {
        if let Some(watch) = self.watch.filter(|watch| watch.as_millis() < MIN_WATCH) {
            let failure = Failure::new(format!("`--watch {watch}` is shorter than {MIN_WATCH} ms"));
            return Err(failure.help(
                "each repetition costs the server a full evaluation; dashboards usually refresh every 15 to 60 s",
            ));
        }
        if self.range == Some(PromDuration::ZERO) {
            return Err(Failure::new("`--range 0s` is empty").help("leave it out for one point in time"));
        }
        Ok(())
    }

    /// `header` is that of the last table of CSV.
    async fn run(&self, client: &PrometheusClient, query: &Query, header: &mut String) -> Result<ExitCode, Failure> {
        let size = Size::of_terminal();
        let range = self.time_range(size)?;
        let response = if let Some(range) = range {
            self.over(client, query, range).await?.map(Data::Matrix)
        } else {
            let raw = client.raw_query(query.promql.as_str()).result_type(query.result);
            raw.when_some(self.at, InstantQuery::at).await
        };
        let data = match response {
            Ok(data) => data,
            Err(error) if matches!(error.kind(), ErrorKind::Server { .. } | ErrorKind::Decode(_)) => {
                remark(&format!("error: {error}"));
                return Ok(ExitCode::from(FOUND));
            }
            Err(error) => return Err(error.into()),
        };
        let mut remarks = remarks(&data);
        if is_empty(&data) {
            // The future has no data: causes are looked for now.
            let at = self.end.or(self.at).filter(|at| *at < Timestamp::now());
            let causes = causes(client, &query.promql, at, range).await;
            remarks.extend(causes.iter().map(|cause| format!("no data: {}", cause.message)));
            // A scalar can be `NaN` with data.
            if causes.is_empty() && !matches!(data, Data::Scalar(_)) {
                remarks.push(self.no_points(range));
            }
        }
        let size = if self.is_redrawn() { size.without(&remarks) } else { size };
        let mut text = self.text(&data, range, query, size)?;
        if self.format == Format::Csv {
            text = continued(text, header);
        }
        print(&if self.is_redrawn() { redrawn(&text) } else { text })?;
        for text in &remarks {
            remark(text);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The message for a query that has data, but not at this time.
    fn no_points(&self, range: Option<TimeRange>) -> String {
        let Some(range) = range else {
            let is_later = self.at.is_some_and(|at| at > Timestamp::now());
            return if is_later { "no data: the time of `--at` is later than now" } else { "no data" }.to_owned();
        };
        let points = match range.points() {
            1 => "the only point of the range has no data".to_owned(),
            points => format!("none of the {points} points of the range has data"),
        };
        format!("no data: {points}; use a shorter `--range` or `--step`")
    }

    fn is_redrawn(&self) -> bool {
        self.watch.is_some() && stdout().is_terminal()
    }

    /// The requested range. `auto` steps are at round times.
    fn time_range(&self, size: Size) -> Result<Option<TimeRange>, Failure> {
        let invalid = |error: RangeError| Failure::new(format!("invalid time range: {error}"));
        let range = match (self.range, self.start, self.end) {
            (Some(length), ..) => TimeRange::last(Duration::from_millis(length.as_millis())),
            (None, Some(start), end) => TimeRange::new(start, end.unwrap_or_else(Timestamp::now)).map_err(invalid)?,
            _ => return Ok(None),
        };
        if self.step != "auto" {
            return range.step(self.step.as_str()).map(Some).map_err(invalid);
        }
        let points =
            if matches!(self.format, Format::Human | Format::Chart) { chart::points(size) } else { DEFAULT_POINTS };
        range.step(Step::auto(points)).map(|range| Some(range.aligned())).map_err(invalid)
    }

    /// Queries a range, in parts if it is long.
    async fn over(
        &self,
        client: &PrometheusClient,
        query: &Query,
        range: TimeRange,
    ) -> Result<Result<Matrix, Error>, Failure> {
        let promql = query.promql.as_str();
        if range.points() <= MAX_STEPS {
            return Ok(client.raw_query_range(promql, range).await);
        }
        // In each part, `start()` and `end()` would be the ends of that part.
        if let Some(what) = query.indivisible.or_else(|| end_in(promql)) {
            return Err(Failure::new(format!(
                "{} points are too many, and `{what}` makes the query indivisible",
                range.points()
            ))
            .help("use a longer `--step`"));
        }
        let step = Duration::from_millis(range.step_duration().as_millis());
        let parts = range.points().div_ceil(PART);
        let bar = progress::bar(usize::try_from(parts).unwrap_or(usize::MAX), "querying parts");
        let (mut start, mut found) = (range.start(), Vec::new());
        while start <= range.end() {
            let last = start.checked_add(step * u32::try_from(PART - 1).unwrap_or(u32::MAX)).unwrap_or(range.end());
            let part = TimeRange::new(start, last.min(range.end())).and_then(|part| part.step(range.step_duration()));
            let part = part.map_err(|error| Failure::new(format!("invalid time range: {error}")))?;
            match client.raw_query_range(promql, part).await {
                Ok(matrix) => found.push(matrix),
                Err(error) => return Ok(Err(error)),
            }
            bar.inc(1);
            let Some(next) = last.checked_add(step) else { break };
            start = next;
        }
        bar.finish_and_clear();
        Matrix::join(found).map(Ok).map_err(|error| Failure::new(format!("the parts do not fit together: {error}")))
    }

    fn text(&self, data: &Data, range: Option<TimeRange>, query: &Query, size: Size) -> Result<String, Failure> {
        let unit = query.unit.as_deref();
        Ok(match (self.format, data, range) {
            (Format::Json, ..) => export::json(data),
            (Format::Csv, ..) => export::csv(data),
            (Format::Human | Format::Chart, Data::Matrix(matrix), Some(range)) => {
                chart::chart(matrix, &range, unit, &query.name, size, in_colors())
            }
            (Format::Chart, ..) => {
                return Err(Failure::new("a chart shows a range of time").help("add `--range 1h`"));
            }
            (Format::Human | Format::Table, ..) => table::table(data, unit, size.of_table(self.is_redrawn())),
        })
    }
}

/// The warnings and infos of the server.
fn remarks(data: &Data) -> Vec<String> {
    let meta = data.meta();
    let partial = meta.partial_reason().filter(|reason| !meta.warnings.iter().any(|text| text == reason));
    let partial = partial.map(|reason| format!("warning: the response is partial: {reason}"));
    let all = |texts: &[String], kind: &str, before: &str| {
        let line = |text: &String| format!("{kind}: {}", printable(text.strip_prefix(before).unwrap_or(text)));
        texts.iter().map(line).collect::<Vec<_>>()
    };
    let warnings = all(&meta.warnings, "warning", "PromQL warning: ");
    partial.into_iter().chain(warnings).chain(all(&meta.infos, "info", "PromQL info: ")).collect()
}

/// A table of CSV without its header if that is the one of the last table, or if there are no rows.
fn continued(text: String, header: &mut String) -> String {
    match text.split_once('\n') {
        Some((first, rows)) if first == header || (rows.is_empty() && !header.is_empty()) => rows.to_owned(),
        Some((first, _)) => {
            first.clone_into(header);
            text
        }
        None => text,
    }
}

/// A text that overwrites the terminal line by line, without clearing it first, which would flicker.
fn redrawn(text: &str) -> String {
    format!("\u{1b}[H{}\u{1b}[J", text.replace('\n', "\u{1b}[K\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_share_a_header() {
        let mut header = String::new();
        for (table, expected) in [
            ("time,job,value\n1,a,2\n", "time,job,value\n1,a,2\n"),
            ("time,job,value\n2,a,2\n", "2,a,2\n"),
            ("time,value\n", ""),
            ("time,zone,value\n3,b,1\n", "time,zone,value\n3,b,1\n"),
        ] {
            assert_eq!(continued(table.to_owned(), &mut header), expected);
        }
        assert_eq!(continued("time,value\n".to_owned(), &mut String::new()), "time,value\n");
    }

    #[test]
    fn the_end_in_a_query_is_named() {
        let queries =
            [("up @ end()", Some("@ end()")), ("rate(up[5m:] @ start())", Some("@ start()")), ("up @ 5", None)];
        for (query, expected) in queries {
            assert_eq!(end_in(query), expected, "{query}");
        }
    }
}
