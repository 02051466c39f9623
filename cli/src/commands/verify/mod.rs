//! `promql-presets verify`: runs presets on a real server and reports what only a server can know.

mod preset;
mod report;

use std::collections::BTreeSet;
use std::process::ExitCode;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use promql_presets::{PrometheusClient, Timestamp};
use promql_presets_compiler::backend::registry::{Module, Preset};
use promql_presets_compiler::{FileKind, MetricsRead, Output, compile};
use promql_presets_core::PromDuration;

use self::preset::Verified;
use self::report::Reports;
use crate::FOUND;
use crate::empty_result::Scrapes;
use crate::failure::Failure;
use crate::output::{Format, count, print, remark};
use crate::preset_folders::{Dir, Folder};
use crate::progress;
use crate::querier::{self, QuerierOptions};
use crate::server::{Server, block_on};

/// The limit of presets that are verified at once.
const AT_ONCE: usize = 8;

/// Runs presets on a server and reports what only a server can know
///
/// For each preset: whether the server accepts the query; if it returns nothing, which of its selectors is empty;
/// whether labels have the values that the file declares; whether windows contain at least four samples at the actual
/// scrape interval; how many series it returns and how long it takes. A preset with `{group_by}` runs without grouping
/// and once for each label that its file declares. Required labels are filtered on values that exist on the server.
/// Nothing is written to the server.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 on success, 1 if there are errors or warnings, 2 if the server cannot be reached

Example:
  promql-presets verify --url http://localhost:9090 http::rate --max-series 1000")]
pub(crate) struct Arguments {
    /// The names of presets, such as `http::rate`, or of their files, such as `http`; default: all
    #[arg(value_name = "PRESET")]
    presets: Vec<String>,
    #[command(flatten)]
    dir: Dir,
    #[command(flatten)]
    querier: QuerierOptions,
    /// The time of the queries, as Unix seconds or `2026-01-31T12:00:00Z`; default: now
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Report presets that return more series
    #[arg(long, value_name = "NUMBER")]
    max_series: Option<usize>,
    /// Report presets that take longer
    #[arg(long, value_name = "DURATION")]
    max_time: Option<PromDuration>,
    /// The format; `json` is one object per line and report, with preset, file, its place (line, column, `end_line`,
    /// `end_column`), severity (ok, info, warning or error), kind (ok, skipped, rejected, failed, empty, label, window,
    /// series, time or server), message, help, query, series and milliseconds
    #[arg(long, default_value = "human")]
    format: Format,
    #[command(flatten)]
    server: Server,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut folder = arguments.dir.read()?;
    // The server knows better, and `metrics.toml` may be older.
    folder.files.retain(|file| file.kind() != FileKind::Metrics);
    let output = compile(&folder.files);
    let chosen = choose(&output, &arguments.presets)?;
    let client = arguments.server.client(output.url.as_deref())?;
    let mut setting = Setting {
        chosen: &chosen,
        folder: &folder,
        read: &output.metrics_read(),
        output: &output,
        client: &client,
        scrapes: Scrapes::new(&client, arguments.at),
        functions: BTreeSet::new(),
        at: arguments.at,
        querier: &arguments.querier,
        max_series: arguments.max_series,
        max_time: arguments.max_time,
    };
    let human = arguments.format == Format::Human;
    let reports = block_on(async {
        setting.functions = setting.reach(human).await?;
        setting.all().await
    })?;
    print(&reports.text(arguments.format))?;
    if human {
        remark(&format!("{}: {}", count(chosen.len(), "preset"), reports.summary()));
    }
    Ok(if reports.are_bad() { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// The presets of some names; all without names.
fn choose<'o>(output: &'o Output, names: &[String]) -> Result<Vec<(&'o Module, &'o Preset)>, Failure> {
    let all: Vec<_> = querier::presets(output).collect();
    let is_named = |(module, preset): &(&Module, &Preset), name: &String| {
        let full = module.preset_name(preset);
        full == *name || full.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with("::"))
    };
    for name in names {
        if !all.iter().any(|preset| is_named(preset, name)) {
            return Err(querier::unknown(name, &querier::names(output)));
        }
    }
    Ok(all.into_iter().filter(|preset| names.is_empty() || names.iter().any(|name| is_named(preset, name))).collect())
}

/// The server and the options with which presets are verified.
struct Setting<'a> {
    chosen: &'a [(&'a Module, &'a Preset)],
    folder: &'a Folder,
    output: &'a Output,
    read: &'a MetricsRead,
    client: &'a PrometheusClient,
    scrapes: Scrapes<'a>,
    /// The functions that the server has, if it lists them.
    functions: BTreeSet<String>,
    at: Option<Timestamp>,
    querier: &'a QuerierOptions,
    max_series: Option<usize>,
    max_time: Option<PromDuration>,
}

impl Setting<'_> {
    /// The functions of the server, if it lists them: Prometheus does since 3.9.
    async fn reach(&self, human: bool) -> Result<BTreeSet<String>, Failure> {
        let version = match self.client.build_info().await {
            Ok(info) => info.version,
            // Not every server reports it. This one can be reached.
            Err(error) if error.status() == Some(404) => String::new(),
            Err(error) => return Err(error.into()),
        };
        if human && !version.is_empty() {
            remark(&format!("the server is compatible with Prometheus {version}"));
        }
        let features = self.client.features().await.unwrap_or_default();
        let functions = features.iter().filter(|(category, _, is_on)| *category == "promql_functions" && *is_on);
        Ok(functions.map(|(_, name, _)| name.to_owned()).collect())
    }

    async fn all(&self) -> Result<Reports<'_>, Failure> {
        let bar = progress::bar(self.chosen.len(), "verifying presets");
        let verified = self.chosen.iter().map(|(module, preset)| {
            let bar = &bar;
            async move {
                let reports = Verified::of(self, module, preset).reports().await;
                bar.inc(1);
                reports
            }
        });
        let reports = stream::iter(verified).buffered(AT_ONCE).try_collect::<Vec<_>>().await;
        bar.finish_and_clear();
        Ok(Reports::new(reports?.into_iter().flatten().collect()))
    }
}
