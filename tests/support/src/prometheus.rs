//! A real Prometheus, holding a [`Dataset`] and scraping nothing.

use std::fs;
use std::io::BufWriter;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::guard::Guard;
use crate::{Dataset, Error, Server, Tool, http};

/// Names the URL of a running Prometheus that holds [`Dataset::of_tests`], for [`shared`] to use.
pub const URL: &str = "PROMQL_PRESETS_PROMETHEUS_URL";

/// The Prometheus of this test program, with [`Dataset::of_tests`], started by whoever asks first.
///
/// `None`, once it has said so, where there is no Prometheus: the test returns, and counts as skipped.
///
/// # Panics
///
/// When Prometheus cannot be started, and when there is none although [`servers_required`](crate::servers_required).
pub fn shared() -> Option<&'static Server> {
    static SHARED: OnceLock<Option<Server>> = OnceLock::new();
    SHARED.get_or_init(|| Server::obtain(Tool::Prometheus, URL, || start(&Dataset::of_tests()))).as_ref()
}

/// Starts a Prometheus that holds `data`; `None` where the machine has none.
pub fn start(data: &Dataset) -> Result<Option<Server>, Error> {
    let (Some(prometheus), Some(promtool)) = (Tool::Prometheus.find()?, Tool::Promtool.find()?) else {
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
