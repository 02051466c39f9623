//! A real single-node VictoriaMetrics with the data of tests.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use promql_presets_testing::guard::Guard;

use crate::{Dataset, Error, Server, Tool, extended, http};

/// The variable with the URL of a running VictoriaMetrics that [`start_for_tests`] started, for [`shared`] to use.
pub const URL: &str = "PROMQL_PRESETS_VICTORIA_METRICS_URL";

/// The VictoriaMetrics of this test program, with the data of [`start_for_tests`], started on first use.
///
/// Without VictoriaMetrics, prints so and returns `None`: the test returns, and counts as skipped.
///
/// # Panics
///
/// When it cannot be started, and when it is missing although [`servers_required`](crate::servers_required).
pub fn shared() -> Option<&'static Server> {
    static SHARED: OnceLock<Option<Server>> = OnceLock::new();
    SHARED.get_or_init(|| Server::obtain(&[Tool::VictoriaMetrics], URL, || start_for_tests(Tool::find))).as_ref()
}

/// Starts a VictoriaMetrics that holds [`Dataset::of_tests`], except for NaN, which it does not store, and the counter
/// of [`extended`], with the program that `find` returns; `None` where the machine has none.
pub fn start_for_tests(find: impl Fn(Tool) -> Result<Option<PathBuf>, Error>) -> Result<Option<Server>, Error> {
    let Some(program) = find(Tool::VictoriaMetrics)? else { return Ok(None) };
    let data = Dataset::of_tests();
    let mut guard = Guard::new()?;
    let storage = guard.folder().join("data");
    let command = |address: &str| {
        let mut command = Command::new(&program);
        command.arg(format!("-storageDataPath={}", storage.display()));
        // Data of any age is kept and visible at once; memory is limited to what a test machine can spare.
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
    let response =
        http::post(&url, "/api/v1/import", "application/json", extended::counters_as_json(data.end()).as_bytes())?;
    if response.status >= 300 {
        return Err(format!("VictoriaMetrics rejects UTF-8 names: {}", response.body).into());
    }
    http::get(&url, "/internal/force_flush")?;
    Ok(Some(Server::started(url, guard)))
}
