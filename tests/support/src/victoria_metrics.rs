//! A real single-node VictoriaMetrics, holding a [`Dataset`].

use std::process::Command;
use std::sync::OnceLock;

use crate::guard::Guard;
use crate::{Dataset, Error, Server, Tool, http};

/// Names the URL of a running VictoriaMetrics that holds [`Dataset::of_tests`], for [`shared`] to use.
pub const URL: &str = "PROMQL_PRESETS_VICTORIA_METRICS_URL";

/// The VictoriaMetrics of this test program, with [`Dataset::of_tests`], started by whoever asks first.
///
/// `None`, once it has said so, where there is none: the test returns, and counts as skipped.
///
/// # Panics
///
/// When it cannot be started, and when there is none although [`servers_required`](crate::servers_required).
pub fn shared() -> Option<&'static Server> {
    static SHARED: OnceLock<Option<Server>> = OnceLock::new();
    SHARED.get_or_init(|| Server::obtain(Tool::VictoriaMetrics, URL, || start(&Dataset::of_tests()))).as_ref()
}

/// Starts a VictoriaMetrics that holds `data`, except for NaN, which it does not store; `None` where the machine has
/// no such program.
pub fn start(data: &Dataset) -> Result<Option<Server>, Error> {
    let Some(program) = Tool::VictoriaMetrics.find()? else { return Ok(None) };
    let mut guard = Guard::new()?;
    let storage = guard.folder().join("data");
    let command = |address: &str| {
        let mut command = Command::new(&program);
        command.arg(format!("-storageDataPath={}", storage.display()));
        // Keeps data of any age, shows it at once, and takes no more memory than a test machine has to spare.
        command.args(["-retentionPeriod=100y", "-search.latencyOffset=0s", "-memory.allowedBytes=256MB"]);
        command.arg(format!("-httpListenAddr={address}"));
        command
    };
    let ready = |url: &str| {
        let flags = http::get(url, "/flags");
        http::get(url, "/health").is_ok_and(|response| response.status == 200)
            && flags.is_ok_and(|flags| flags.body.contains(&*storage.to_string_lossy()))
    };
    let url = guard.start(command, ready)?;
    let mut text = Vec::new();
    data.write_exposition(&mut text)?;
    let response = http::post(&url, "/api/v1/import/prometheus", "text/plain", &text)?;
    if response.status >= 300 {
        return Err(format!("VictoriaMetrics rejects the data: {}", response.body).into());
    }
    http::get(&url, "/internal/force_flush")?;
    Ok(Some(Server::started(url, guard)))
}
