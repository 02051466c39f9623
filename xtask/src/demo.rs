//! `cargo xtask demo`: runs a program that queries a real Prometheus with the last six hours of data.

use std::process::Stdio;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use promql_presets_test_support::{Dataset, Tool, prometheus};

use crate::{Error, cargo, servers};

/// The program's package.
const PROGRAM: &str = "promql-presets-demo";

/// Starts Prometheus, runs the program and stops Prometheus.
pub(crate) fn run() -> Result<(), Error> {
    println!("==> finding Prometheus");
    servers::provide(&[Tool::Prometheus, Tool::Promtool])?;

    println!("\n==> building the demo");
    let built = cargo().args(["build", "--package", PROGRAM]).stdin(Stdio::null()).status()?;
    if !built.success() {
        return Err("the demo does not build".into());
    }

    println!("\n==> starting Prometheus");
    let start = Instant::now();
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let data = Dataset::ending_at(i64::try_from(now)?);
    let server = prometheus::start(&data)?.ok_or("Prometheus is missing")?;
    let samples: usize = data.series().map(|series| series.samples().count()).sum();
    let (series, hours, seconds) = (data.series().count(), Dataset::HOURS, start.elapsed().as_secs_f64());
    println!(
        "{} at {} with {series} series, {hours} hours, {samples} samples, in {seconds:.1} s",
        server.version()?,
        server.url()
    );

    let end = data.end().to_string();
    let arguments = ["run", "--quiet", "--package", PROGRAM, "--", server.url(), &end];
    let shown = cargo().args(arguments).stdin(Stdio::null()).status()?;
    drop(server);
    if !shown.success() {
        return Err(format!("the demo failed ({shown})").into());
    }
    println!("\nPrometheus is stopped, and its data removed.");
    Ok(())
}
