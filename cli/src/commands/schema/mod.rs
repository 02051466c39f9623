//! `promql-presets schema`: the metrics that exist, in `metrics.toml`.

mod change;
mod known;
mod on_page;
mod on_server;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use promql_presets::Timestamp;
use promql_presets_compiler::check::{is_of_alerts, is_of_server, matches_any_name};
use promql_presets_compiler::diagnostic::emit::Messages;
use promql_presets_compiler::diagnostic::suggest::nearest_words;
use promql_presets_compiler::{
    FileKind, Finding, MetricType, MetricsRead, Output, SeriesRead, Severity, Snapshot, SnapshotMetric, SourceFile,
    compile, discover,
};

use self::change::{Change, ChangeKind};
use self::known::{Known, Presence, Seen};
use self::on_server::Servers;
pub(super) use self::wanted::NewMetric;
use self::wanted::{Entry, Notes, Wanted};
use crate::FOUND;
use crate::exposition::Exposition;
use crate::failure::Failure;
use crate::output::{Format, count, in_colors, message, print, remark};
use crate::preset_folders::{Dir, write};
use crate::server::{Sources, block_on, without_credentials};

/// Writes and compares `metrics.toml`, which lists the metrics that the presets read
///
/// With this file, beside the folder of presets, `check` and `cargo build` know which metrics exist, their types, units
/// and labels. They read it offline.
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = false,
    after_help = "\
Exit status: 0 on success, 1 if there are differences or errors, 2 if a source could not be read

Example:
  promql-presets schema pull --url http://localhost:9090"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes the metrics that the presets read to `metrics.toml`
    ///
    /// Entries of the file are kept, even if the source lacks them: a metric, label or value may just not have occurred
    /// yet. The output lists them, and `--prune` removes them.
    ///
    /// The file is written beside the folder of presets. If the server has no metadata for a metric, its type is
    /// `unknown`, and checks that depend on the type are skipped.
    #[command(after_help = "\
Exit status: 0 on success, 1 if presets or `metrics.toml` have errors, 2 if a source could not be read

Example:
  promql-presets schema pull --from http://localhost:9100/metrics")]
    Pull {
        /// Remove metrics, labels and values that the source lacks, and metrics that no preset reads
        #[arg(long)]
        prune: bool,
        #[command(flatten)]
        source: Source,
    },
    /// Compares `metrics.toml` with what exists, without writing
    ///
    /// Help texts are not compared, nor are metrics that `open` in `promql.toml` lists and that are missing from
    /// `metrics.toml`.
    #[command(after_help = "\
Exit status: 0 without differences, 1 with differences, 2 if a source could not be read

Example:
  promql-presets schema diff --url http://localhost:9090 --format json")]
    Diff {
        #[command(flatten)]
        source: Source,
    },
}

/// Where the metrics are, and how to write what changed.
#[derive(Debug, clap::Args)]
struct Source {
    #[command(flatten)]
    dir: Dir,
    /// The time at which servers are queried, as Unix seconds or `2026-01-31T12:00:00Z`; labels are read from the hour
    /// before it; by default now, with labels of the server's default time range
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// The format; `json` is one object per line and change, with change (`added`, `changed` or `gone`), metric, field
    /// (metric, type, unit, help, label or value), label, old, new, similar (the name of a similar metric, if the
    /// metric is gone) and presets
    #[arg(long, default_value = "human")]
    format: Format,
    #[command(flatten)]
    sources: Sources,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (source, prune) = match &arguments.command {
        Command::Pull { source, prune } => (source, Some(*prune)),
        Command::Diff { source } => (source, None),
    };
    let Some(registry) = Registry::read(&source.dir)? else { return Ok(ExitCode::from(FOUND)) };
    match prune {
        Some(true) if registry.output.has_errors() => {
            remark(
                "error: presets have errors, so that it is not known which metrics they read\n  |\n  = help: fix what `promql-presets check` reports, or leave out `--prune`",
            );
            return Ok(ExitCode::from(FOUND));
        }
        _ if registry.is_incomplete() => {
            remark("presets that cannot be read are left out: run `promql-presets check`");
        }
        _ => {}
    }
    let found = block_on(source.find(&registry, prune))?;
    found.remarks.iter().for_each(|text| remark(&format!("note: {text}")));
    match prune {
        Some(prune) => pull(&registry, &found, prune, source.format),
        None => diff(&registry, &found, source.format),
    }
}

/// The presets and the contents of `metrics.toml`.
struct Registry {
    output: Output,
    path: PathBuf,
    shown: String,
    text: Option<String>,
    snapshot: Snapshot,
}

impl Registry {
    /// Whether a preset could not be read.
    fn is_incomplete(&self) -> bool {
        let is_of_file = |finding: &Finding| finding.diagnostic.severity == Severity::Error && finding.preset.is_none();
        let modules = &self.output.registry.modules;
        self.output.findings.iter().any(is_of_file)
            || modules.iter().any(|module| module.presets.iter().any(|preset| preset.is_stub))
    }

    /// Reads both; `None` if `metrics.toml` has errors, which are printed.
    fn read(dir: &Dir) -> Result<Option<Self>, Failure> {
        let mut folder = dir.read()?;
        let at = folder.files.iter().position(|file| file.kind() == FileKind::Metrics);
        // `metrics.toml` is left out: otherwise, presets that read a metric it lacks would be errors.
        let file = at.map(|at| folder.files.remove(at));
        let snapshot = match &file {
            None => Snapshot::default(),
            Some(file) => match Snapshot::parse(&file.text) {
                Ok(snapshot) => snapshot,
                Err(found) => {
                    let (messages, colors) = (Messages::of(file), in_colors());
                    let texts: Vec<_> = found.iter().map(|found| message(&messages, found, colors)).collect();
                    print(&format!("{}\n", texts.join("\n\n")))?;
                    return Ok(None);
                }
            },
        };
        let shown = discover::normalized(&PathBuf::from(&folder.shown).join(SourceFile::METRICS));
        Ok(Some(Self {
            output: compile(&folder.files),
            path: folder.root.join(SourceFile::METRICS),
            shown: discover::slashes(&shown),
            text: file.map(|file| file.text),
            snapshot,
        }))
    }

    /// Whether the settings leave a metric open, and `metrics.toml` does not have it either.
    fn is_open(&self, metric: &str) -> bool {
        self.output.is_open(metric) && !self.snapshot.metrics.contains_key(metric)
    }
}

/// The metrics that presets read, as sources have them.
#[derive(Default)]
struct Found {
    /// The entries of `metrics.toml`.
    entries: BTreeMap<String, Entry>,
    /// Metrics that no source has.
    missing: BTreeMap<String, Missing>,
    /// Entries that others replace.
    obsolete: BTreeSet<String>,
    /// Whether a pattern of names matches none.
    is_pattern_dead: bool,
    remarks: Vec<String>,
}

/// A metric that presets read and no source has.
struct Missing {
    presets: BTreeSet<String>,
    /// The series that they read, each with the name of a similar one that a source has.
    series: BTreeMap<String, Option<String>>,
}

impl Missing {
    /// A metric, given the names of all series that sources have.
    fn of(wanted: &Wanted, seen: &Seen, names: &BTreeSet<String>) -> Self {
        let is_family = |name: &String| !seen.is_of_family && wanted.family.as_ref() == Some(name);
        let is_own = |name: &String| wanted.series.contains(name) || wanted.read.contains(name) || is_family(name);
        let similar = |series: &String| {
            let others = names.iter().filter(|name| !is_own(name)).map(|name| (name.as_str(), ""));
            (series.clone(), nearest_words(series, others).map(|(name, _)| name.to_owned()))
        };
        Self { presets: wanted.presets.clone(), series: wanted.read.iter().map(similar).collect() }
    }

    /// Whether checks of queries accept that it is missing: presets read it only as one side of `or` whose other side
    /// exists, and its name is not misspelt.
    fn is_alternative(&self, read: &MetricsRead, is_there: impl Fn(&String) -> bool) -> bool {
        self.series.iter().all(|(series, similar)| {
            let mut others = read.series.get(series).into_iter().flat_map(|by| &by.others);
            others.all(|names| {
                names.iter().any(&is_there) && similar.as_ref().is_none_or(|similar| names.contains(similar))
            })
        })
    }

    fn similar(&self) -> Option<&String> {
        self.series.values().flatten().next()
    }
}

impl Source {
    /// `prune` is `None` if nothing is written.
    async fn find(&self, registry: &Registry, prune: Option<bool>) -> Result<Found, Failure> {
        let mut read = registry.output.metrics_read();
        let (pages, servers) = open(&self.sources, self.at, &registry.output).await?;

        let mut remarks = wanted::unnamed(&read);
        let mut known = Known::default();
        for page in &pages {
            known.add_page(page);
        }
        servers.metadata(&mut known, &mut remarks).await?;
        let (patterns, mut only_named) = (std::mem::take(&mut read.patterns), BTreeMap::new());
        let mut is_pattern_dead = false;
        for (pattern, by) in patterns {
            let mut names = known.matching(&pattern);
            // Servers reject a query with a pattern for any name, or load all of their series.
            if !matches_any_name(&pattern) {
                names.extend(servers.matching(&pattern).await?);
                is_pattern_dead |= names.is_empty();
            }
            let one = wanted::expand(&mut read, &pattern, &by, names, &mut remarks);
            only_named.extend(one.map(|name| (name, by.presets)));
        }
        let wanted = wanted::plan(&read, &known, &registry.snapshot);
        let mut seen = vec![Seen::default(); wanted.len()];
        let sources = (&pages[..], &servers, &registry.output);
        gather(&wanted, sources, &mut seen, &mut remarks).await?;

        let mut found = Found { is_pattern_dead, remarks, ..Found::default() };
        let (mut missing, mut present, mut notes) = (Vec::new(), BTreeSet::new(), Notes::default());
        for (wanted, seen) in wanted.iter().zip(&seen) {
            if is_of_alerts(&wanted.name) {
                found.obsolete.insert(wanted.name.clone());
            } else if wanted.entries(seen, &mut found.entries, &mut notes) {
                // Such as `x_bucket` if there is an entry for the histogram `x`.
                found.obsolete.extend(wanted.read.iter().filter(|_| seen.is_stored).cloned());
                present.extend(&wanted.read);
            } else if !is_of_server(&wanted.name) && !registry.is_open(&wanted.name) {
                missing.push((wanted, seen));
            }
        }
        found.remarks.extend(notes.texts());
        let names = known.names();
        let is_there = |name: &String| present.contains(name) || is_of_server(name);
        for (wanted, seen) in missing {
            let missing = Missing::of(wanted, seen, &names);
            if !missing.is_alternative(&read, is_there) {
                found.missing.insert(wanted.name.clone(), missing);
            }
        }
        // What presets read instead, once they are corrected.
        let is_new = |name: &String| prune.is_some_and(|prune| prune || !registry.snapshot.metrics.contains_key(name));
        let new = found.missing.iter().filter(|(name, _)| is_new(name));
        let similar = new.flat_map(|(_, missing)| missing.series.values().flatten());
        let similar = similar.map(|name| (name.clone(), SeriesRead::default())).collect();
        let suggested = wanted::plan(&MetricsRead { series: similar, ..read }, &known, &registry.snapshot);
        let mut seen = vec![Seen::default(); suggested.len()];
        gather(&suggested, sources, &mut seen, &mut Vec::new()).await?;
        for (wanted, seen) in suggested.iter().zip(&seen) {
            if !is_of_server(&wanted.name) && !found.entries.contains_key(&wanted.name) {
                wanted.entries(seen, &mut found.entries, &mut Notes::default());
            }
        }
        let is_known = |name: &String| wanted.iter().any(|it| it.name == *name && it.has_several_types());
        // Recording rules have no metadata.
        let is_untyped = |(name, entry): &(&String, &Entry)| {
            entry.metric.kind == MetricType::Unknown && !name.contains(':') && !is_known(name)
        };
        let untyped: Vec<&String> = found.entries.iter().filter(is_untyped).map(|(name, _)| name).collect();
        if !untyped.is_empty() {
            found.remarks.push(format!("there is no type in the metadata of {}", backticks(untyped)));
        }
        for (name, presets) in only_named {
            let (metric, is_text) = (SnapshotMetric::default(), true);
            found.entries.entry(name).or_insert(Entry { metric, presets, is_text });
        }
        found.obsolete.retain(|name| !found.entries.contains_key(name));
        Ok(found)
    }
}

/// The metric as pages and servers, or else the server that the settings name, have it.
pub(super) fn look_up(metric: &str, sources: &Sources, output: &Output) -> Result<NewMetric, Failure> {
    block_on(async {
        let (pages, servers) = open(sources, None, output).await?;
        let (mut known, mut remarks) = (Known::default(), Vec::new());
        for page in &pages {
            known.add_page(page);
        }
        servers.metadata(&mut known, &mut remarks).await?;
        // Without metadata, buckets and quantiles show what a metric is.
        for (wanted, label) in wanted::without_metadata(metric, &known) {
            let (wanted, mut seen) = ([wanted], [Seen::default()]);
            gather(&wanted, (&pages[..], &servers, output), &mut seen, &mut remarks).await?;
            if seen[0].presence == Presence::Current && seen[0].labels.contains(label) {
                remark(&format!("note: no metadata of `{}`; its series have the label `{label}`", wanted[0].name));
                if let Some(found) = wanted[0].new_metric(&wanted[0].name, &seen[0], &mut Notes::default()) {
                    return Ok(found);
                }
            }
        }
        // In OpenMetrics, the name of a family lacks the suffix of its series.
        let kinds = [MetricType::Unknown, MetricType::Counter, MetricType::Info];
        for name in kinds.map(|kind| format!("{metric}{}", kind.family_suffix())) {
            let wanted = [wanted::for_new_file(&name, &known)];
            let mut seen = vec![Seen::default(); wanted.len()];
            gather(&wanted, (&pages[..], &servers, output), &mut seen, &mut remarks).await?;
            let mut notes = Notes::default();
            if let Some(found) = wanted[0].new_metric(&name, &seen[0], &mut notes) {
                for text in remarks.into_iter().chain(notes.texts()) {
                    remark(&format!("note: {text}"));
                }
                return Ok(found);
            }
        }
        let names = known.families.keys().chain(&known.series).map(String::as_str);
        Err(Failure::unknown("metric", metric, names).within(&in_words(sources, output)))
    })
}

/// The sources in words, without what may be secret.
fn in_words(sources: &Sources, output: &Output) -> String {
    let servers = sources.servers(output.url.as_deref()).unwrap_or_default();
    let shown = |source: &String| match source.as_str() {
        "-" => "standard input".to_owned(),
        url if url.contains("://") => format!("`{}`", without_credentials(url)),
        file => format!("`{file}`"),
    };
    sources.pages.iter().chain(&servers).map(shown).collect::<Vec<_>>().join(", ")
}

/// Reads pages, and makes clients of servers.
async fn open(
    sources: &Sources,
    at: Option<Timestamp>,
    output: &Output,
) -> Result<(Vec<Exposition>, Servers), Failure> {
    let credentials = sources.credentials()?;
    let mut read = Vec::new();
    for page in &sources.pages {
        read.push(on_page::read(page, &credentials).await?);
    }
    Ok((read, Servers::new(&sources.servers(output.url.as_deref())?, &credentials, at)?))
}

/// Adds what pages and servers have of some metrics. The last part of `sources` has the settings.
async fn gather(
    wanted: &[Wanted],
    (pages, servers, settings): (&[Exposition], &Servers, &Output),
    seen: &mut [Seen],
    remarks: &mut Vec<String>,
) -> Result<(), Failure> {
    for page in pages {
        on_page::gather(page, wanted, settings, seen);
    }
    servers.gather(wanted, seen, remarks).await
}

fn pull(registry: &Registry, found: &Found, prune: bool, format: Format) -> Result<ExitCode, Failure> {
    let mut changes = change::changes(&registry.snapshot, found);
    let merged = change::merge(&registry.snapshot, found, prune);
    let unread = change::unread(&registry.snapshot, found);
    if prune {
        changes.extend(unread.iter().map(|name| Change::of(name, BTreeSet::new(), ChangeKind::Unread)));
    } else if !unread.is_empty() {
        remark(&format!("note: metrics that no preset reads are kept: {}", backticks(&unread)));
    }
    print(&change::text(&changes, format))?;
    let kept = changes.iter().any(|change| change.is_gone() && registry.snapshot.metrics.contains_key(change.metric()));
    let text = merged.to_string();
    // An empty file means that what presets read does not exist.
    let lacks_nothing = found.missing.is_empty() && !found.is_pattern_dead;
    let says_nothing = registry.text.is_none() && merged.metrics.is_empty() && lacks_nothing;
    let is_written = registry.text.as_deref() != Some(&text) && !says_nothing;
    if is_written {
        write(&registry.path, &text)
            .map_err(|error| Failure::new(format!("cannot write `{}`: {error}", registry.shown)))?;
    }
    if format == Format::Human {
        let state = if is_written { "" } else { ", unchanged" };
        remark(&format!(
            "{}: {}; {}{state}",
            registry.shown,
            count(merged.metrics.len(), "metric"),
            change::summary(&changes)
        ));
        if kept && !prune {
            remark("what is gone is kept: `--prune` removes it");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn diff(registry: &Registry, found: &Found, format: Format) -> Result<ExitCode, Failure> {
    let mut changes = change::changes(&registry.snapshot, found);
    changes.retain(|change| change.is_drift() && !registry.is_open(change.metric()));
    print(&change::text(&changes, format))?;
    if format == Format::Human {
        let compared = found.entries.len() + found.missing.len();
        let help = if changes.is_empty() { "" } else { "; `promql-presets schema pull` updates the file" };
        remark(&format!("{}: {}; {}{help}", registry.shown, count(compared, "metric"), change::summary(&changes)));
    }
    Ok(if changes.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

/// Names in backticks; only the first of many.
fn backticks<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    const MAX: usize = 12;
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(MAX) {
        0 | 1 => names.join(", "),
        more => format!("{} and {more} more", names[..MAX].join(", ")),
    }
}
