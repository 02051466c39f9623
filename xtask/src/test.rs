//! `cargo xtask test`: everything that must hold before a change is merged.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use promql_presets_test_support::{Dataset, REQUIRE_SERVERS, Tool, prometheus, victoria_metrics};

use crate::step::{Closing, Steps};
use crate::{Error, cargo, root, servers};

/// Lints are errors here, and only here: while one works they are warnings.
const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

/// The library's features that need nothing of the machine.
const FEATURES: &str =
    "promql-presets/gzip,promql-presets/tracing,promql-presets/chrono,promql-presets/jiff,promql-presets/time";

/// Runs every step, also after one that failed, and sums up.
pub(crate) fn run() -> Result<(), Error> {
    let mut steps = Steps::default();
    steps.step("servers", || servers::provide(&Tool::ALL).map(|()| ""));
    if !steps.ok() {
        return steps.finish();
    }
    run_if_installed(&mut steps, "fmt", "fmt", cargo().args(["fmt", "--all", "--check"]));
    let clippy = ["clippy", "--workspace", "--all-targets", "--features", FEATURES];
    run_if_installed(&mut steps, "clippy", "clippy", cargo().args(clippy).args(DENY_WARNINGS));
    tests(&mut steps);
    let doc = ["test", "--workspace", "--doc", "--features", FEATURES];
    steps.run_tests("doc tests", cargo().args(doc), Closing::Libtest);
    let docs = ["doc", "--workspace", "--no-deps", "--features", FEATURES];
    steps.run("docs", cargo().args(docs).env("RUSTDOCFLAGS", "-D warnings"));
    for feature in [""].into_iter().chain(FEATURES.split(',')) {
        let check = ["check", "--package", "promql-presets", "--no-default-features", "--features", feature];
        let name = if feature.is_empty() { "no features" } else { feature };
        steps.run(name, cargo().args(check));
    }
    for feature in ["rustls", "native-tls"] {
        // The latter needs headers of OpenSSL, which a bare machine does not have.
        if feature == "native-tls" && !succeeds(Command::new("pkg-config").args(["--exists", "openssl"])) {
            steps.step(feature, || Ok(skipped("OpenSSL's headers (Debian: libssl-dev, pkg-config) are not installed")));
            continue;
        }
        let tls = ["test", "--package", "promql-presets", "--features", feature, "--test", "live_tls"];
        steps.run_tests(feature, cargo().args(tls).env(REQUIRE_SERVERS, "1"), Closing::Libtest);
    }
    for manifest in examples()? {
        example(&mut steps, &manifest);
    }
    steps.finish()
}

/// All tests but those in docs, with one server of each kind for all test programs.
fn tests(steps: &mut Steps) {
    let mut started = None;
    steps.step("start servers", || {
        let data = Dataset::of_tests();
        let both = prometheus::start(&data)?.zip(victoria_metrics::start(&data)?).ok_or("a server has disappeared")?;
        let note = format!("{}, {}", both.0.url(), both.1.url());
        println!("{note}");
        started = Some(both);
        Ok(note)
    });
    let Some((prometheus, victoria_metrics)) = &started else { return };
    let targets = ["--workspace", "--features", FEATURES, "--lib", "--bins", "--tests", "--examples"];
    let (mut command, closing) = if is_installed("nextest") {
        let mut command = cargo();
        command.args(["nextest", "run", "--no-fail-fast", "--status-level", "slow"]);
        (command, Closing::Nextest)
    } else {
        let mut command = cargo();
        command.args(["test", "--no-fail-fast"]);
        (command, Closing::Libtest)
    };
    command.args(targets).env(REQUIRE_SERVERS, "1");
    command.env(prometheus::URL, prometheus.url()).env(victoria_metrics::URL, victoria_metrics.url());
    steps.run_tests("tests", &mut command, closing);
}

/// Runs a step with a part of the toolchain that minimal installations leave out, if it is there.
fn run_if_installed(steps: &mut Steps, name: &str, subcommand: &str, command: &mut Command) {
    if is_installed(subcommand) {
        steps.run(name, command);
        return;
    }
    steps.step(name, || Ok(skipped(&format!("`cargo {subcommand}` is not installed"))));
}

fn skipped(why: &str) -> String {
    let note = format!("skipped: {why}");
    println!("{note}");
    note
}

fn is_installed(subcommand: &str) -> bool {
    succeeds(cargo().args([subcommand, "--version"]))
}

/// Whether a command can be run and succeeds, without a word.
fn succeeds(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// The manifests of the examples that are workspaces of their own; the others are tested with this workspace.
fn examples() -> Result<Vec<PathBuf>, Error> {
    let Ok(folders) = fs::read_dir(root().join("examples")) else { return Ok(Vec::new()) };
    let mut manifests = Vec::new();
    for folder in folders {
        let manifest = folder?.path().join("Cargo.toml");
        let text = fs::read_to_string(&manifest).unwrap_or_default();
        if text.lines().any(|line| line.trim_end() == "[workspace]") {
            manifests.push(manifest);
        }
    }
    manifests.sort();
    Ok(manifests)
}

fn example(steps: &mut Steps, manifest: &PathBuf) {
    let folder = manifest.parent().and_then(|folder| folder.file_name()).unwrap_or_default().to_string_lossy();
    let on = |arguments: &[&str]| {
        let mut command = cargo();
        command.args(arguments).arg("--manifest-path").arg(manifest);
        command
    };
    run_if_installed(steps, &format!("{folder}: fmt"), "fmt", &mut on(&["fmt", "--check"]));
    let mut clippy = on(&["clippy", "--all-targets"]);
    run_if_installed(steps, &format!("{folder}: clippy"), "clippy", clippy.args(DENY_WARNINGS));
    steps.run_tests(&format!("{folder}: tests"), &mut on(&["test"]), Closing::Libtest);
}
