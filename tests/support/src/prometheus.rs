//! A real Prometheus, holding a [`Dataset`] and scraping nothing.

use std::fs;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use promql_presets_testing::guard::Guard;

use crate::{Dataset, Error, Server, Tool, extended, http};

/// The variable with the URL of a running Prometheus that [`start_for_tests`] started, for [`shared`] to use.
pub const URL: &str = "PROMQL_PRESETS_PROMETHEUS_URL";

/// Releases that do not know one of these features ignore it.
const FEATURES: &str = "--enable-feature=native-histograms,promql-experimental-functions";

/// The Prometheus of this test program, with the data of [`start_for_tests`], started on first use.
///
/// Without Prometheus or promtool, prints so and returns `None`: the test returns, and counts as skipped.
///
/// # Panics
///
/// When Prometheus cannot be started, and when it is missing although [`servers_required`](crate::servers_required).
pub fn shared() -> Option<&'static Server> {
    static SHARED: OnceLock<Option<Server>> = OnceLock::new();
    SHARED
        .get_or_init(|| Server::obtain(&[Tool::Prometheus, Tool::Promtool], URL, || start_for_tests(Tool::find)))
        .as_ref()
}

/// Starts a Prometheus that holds [`Dataset::of_tests`] and the data of [`extended`], with the
/// programs that `find` returns.
pub fn start_for_tests(find: impl Fn(Tool) -> Result<Option<PathBuf>, Error>) -> Result<Option<Server>, Error> {
    let data = Dataset::of_tests();
    let server = launch(&data, find, &["--web.enable-remote-write-receiver", FEATURES])?;
    if let Some(server) = &server {
        extended::push(server.url(), data.end())?;
    }
    Ok(server)
}

/// Starts a Prometheus with default settings that holds `data`; `None` where the machine has none.
pub fn start(data: &Dataset) -> Result<Option<Server>, Error> {
    launch(data, Tool::find, &[])
}

/// Starts a Prometheus that scrapes its own page as the job `prometheus`, and other jobs, each with its `host:port`, every
/// second. `rules` is the text of a rule file. Native histograms are scraped as such. `None` where the machine has none.
pub fn scrape(jobs: &[(&str, &str)], rules: &str) -> Result<Option<Server>, Error> {
    let Some(prometheus) = Tool::find(Tool::Prometheus)? else { return Ok(None) };
    let mut guard = Guard::new()?;
    let folder = guard.folder().to_path_buf();
    fs::write(folder.join("rules.yml"), rules)?;
    let job = |(name, address): &(&str, &str)| {
        format!("- job_name: {name}\n  static_configs: [{{targets: ['{address}']}}]\n")
    };
    let others: String = jobs.iter().map(job).collect();
    let config = folder.join("prometheus.yml");
    let command = |address: &str| {
        let own = job(&("prometheus", address));
        let text = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [rules.yml]\nscrape_configs:\n{own}{others}"
        );
        // Where it cannot be written, Prometheus does not start.
        let _ = fs::write(&config, text);
        let mut command = Command::new(&prometheus);
        command.current_dir(&folder).args(["--config.file=prometheus.yml", "--storage.tsdb.path=data", FEATURES]);
        command.arg(format!("--web.listen-address={address}"));
        command
    };
    let ready = |url: &str| http::get(url, "/-/ready").is_ok_and(|response| response.status == 200);
    let url = guard.start(command, ready)?;
    Ok(Some(Server::started(url, guard)))
}

fn launch(
    data: &Dataset,
    find: impl Fn(Tool) -> Result<Option<PathBuf>, Error>,
    flags: &[&str],
) -> Result<Option<Server>, Error> {
    let (Some(prometheus), Some(promtool)) = (find(Tool::Prometheus)?, find(Tool::Promtool)?) else {
        return Ok(None);
    };
    let mut guard = Guard::new()?;
    let folder = guard.folder().to_path_buf();
    fs::write(folder.join("prometheus.yml"), "global: {}\n")?;
    backfill(&promtool, data, &folder)?;
    let storage = folder.join("data");
    let command = |address: &str| {
        let mut command = Command::new(&prometheus);
        command.current_dir(&folder).arg("--config.file=prometheus.yml");
        command.arg(format!("--storage.tsdb.path={}", storage.display()));
        // Keeps data of any age, and leaves the blocks as they are.
        command.args(["--storage.tsdb.retention.time=100y", "--storage.tsdb.max-block-duration=2h"]);
        command.args(flags);
        command.arg(format!("--web.listen-address={address}"));
        command
    };
    let ready = |url: &str| {
        let flags = http::get(url, "/api/v1/status/flags");
        http::get(url, "/-/ready").is_ok_and(|response| response.status == 200)
            && flags.is_ok_and(|flags| flags.body.contains(&*storage.to_string_lossy()))
    };
    let url = guard.start(command, ready)?;
    Ok(Some(Server::started(url, guard)))
}

/// Turns `data` into storage blocks below `folder`.
fn backfill(promtool: &Path, data: &Dataset, folder: &Path) -> Result<(), Error> {
    let text = folder.join("openmetrics.txt");
    data.write_openmetrics(BufWriter::new(fs::File::create(&text)?))?;
    let output = Command::new(promtool)
        .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"])
        .arg(&text)
        .arg(folder.join("data"))
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        return Err(format!("promtool rejects the data: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(fs::remove_file(text)?)
}
