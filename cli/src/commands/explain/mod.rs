//! `promql-presets explain`: the pages of the checks, and queries in words.

mod meaning;
mod pages;
mod tree;

use std::process::ExitCode;

use promql_presets::Timestamp;
use promql_presets_compiler::diagnostic::suggest::nearest;
use promql_presets_compiler::promql::{Features, Syntax, parse};
use promql_presets_compiler::{Code, compile};

use crate::FOUND;
use crate::failure::Failure;
use crate::output::{Format, in_colors, in_colors_on_stderr, print, query_messages, remark};
use crate::preset_folders::Dir;
use crate::querier::{QuerierOptions, find, names};
use crate::server::{Access, block_on, refuse_credentials};

/// Explains a check, or a query: its tree, with the type, the labels and the meaning of each node
///
/// The argument is the code of a check, such as `unknown-placeholder`, the name of a preset, as `list` shows it, or a
/// query. A single word that resembles a code or a preset name is treated as a misspelling. To explain it as PromQL,
/// write `(word)`. A preset is rendered as by `render`.
///
/// With `--url`, each node has the number of its series, as in Prometheus' web UI.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 on success, 1 if the query is invalid or rejected, 2 if the name is unknown or the server unreachable

Example:
  promql-presets explain 'sum by (job) (rate(http_requests_total[5m]))' --url http://localhost:9090")]
pub(crate) struct Arguments {
    /// A check, a preset or a query; without one, all checks are listed
    #[arg(value_name = "CHECK|PRESET|QUERY")]
    what: Option<String>,
    #[command(flatten)]
    dir: Dir,
    #[command(flatten)]
    querier: QuerierOptions,
    /// The URL of a server that counts the series of each node, such as `http://localhost:9090`
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The point in time to count at, as Unix seconds or `2026-01-31T12:00:00Z`; default: now
    #[arg(long, value_name = "TIME", requires = "url")]
    at: Option<Timestamp>,
    /// The format; `json` is one object per line: for a check with check, severity, summary and page; for a query per
    /// node, parents first, with depth (0 for the root), node, query (its text), type, labels, meaning, and with
    /// `--url` series (null for what has none) and error (null, or the message of the server)
    #[arg(long, default_value = "human")]
    format: Format,
    #[command(flatten)]
    access: Access,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Some(what) = &arguments.what else {
        print(&pages::text(None, arguments.format))?;
        return Ok(ExitCode::SUCCESS);
    };
    if let Some(code) = Code::find(what) {
        print(&pages::text(Some(code), arguments.format))?;
        return Ok(ExitCode::SUCCESS);
    }
    let is_word = what.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '-'));
    match if is_word { arguments.preset(what)? } else { Found::Nothing } {
        Found::Query(query) => {
            if arguments.format == Format::Human {
                print(&format!("{query}\n\n"))?;
            }
            arguments.query(&query)
        }
        Found::Errors => Ok(ExitCode::from(FOUND)),
        Found::Nothing if !arguments.querier.is_empty() => {
            let failure = Failure::new("the options of `render` need a preset");
            Err(failure.help("name a preset, or write the filters in the query"))
        }
        Found::Nothing => arguments.query(what),
    }
}

/// The kind of the command's argument.
enum Found {
    /// A preset, with its query.
    Query(String),
    /// A preset with errors, which are printed.
    Errors,
    Nothing,
}

impl Arguments {
    /// The query of a preset.
    ///
    /// # Errors
    /// If no preset has the name, but the name is that of a module's preset, or a check or a preset has a similar one.
    fn preset(&self, name: &str) -> Result<Found, Failure> {
        let is_full = name.contains("::");
        // Checks and queries need no folder.
        let folder = if is_full { self.dir.read()? } else { self.dir.read().unwrap_or_default() };
        let output = compile(&folder.files);
        let codes = || Code::ALL.iter().map(|code| code.as_str());
        let is_near = || nearest(name, names(&output).iter().map(String::as_str)).is_some();
        match find(&output, name) {
            Ok((module, preset)) => {
                Ok(self.querier.query(&folder, &output, module, preset).map_or(Found::Errors, Found::Query))
            }
            Err(_) if output.registry.modules.iter().any(|module| module.name == name) => {
                let failure = Failure::new(format!("`{name}` is a module, not a preset"));
                Err(failure.help(format!(
                    "write `{name}::` and a preset of `promql-presets list`, or `({name})` for the metric"
                )))
            }
            Err(_) if !is_full && nearest(name, codes()).is_some() => Err(Failure::unknown("check", name, codes())),
            Err(unknown) if is_full || is_near() => Err(unknown),
            Err(_) => Ok(Found::Nothing),
        }
    }

    /// Explains a query.
    fn query(&self, query: &str) -> Result<ExitCode, Failure> {
        let parsed = parse(query, Syntax { template: false, features: Features::all() });
        let Some(expr) = parsed.expr.as_ref().filter(|_| parsed.diagnostics.is_empty()) else {
            remark(&query_messages(query, &parsed.diagnostics, in_colors_on_stderr()).join("\n\n"));
            return Ok(ExitCode::from(FOUND));
        };
        let mut nodes = tree::nodes(query, expr);
        if let Some(url) = &self.url {
            refuse_credentials("--url", url)?;
            let client = self.access.read()?.builder(url).build()?;
            block_on(tree::count_series(&client, &mut nodes, self.at))?;
        }
        let failed = nodes.iter().any(|node| node.error().is_some());
        print(&match self.format {
            Format::Human => tree::human(&nodes, in_colors()),
            Format::Json => nodes.iter().map(|node| tree::json(node, self.url.is_some())).collect(),
        })?;
        Ok(if failed { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
    }
}
