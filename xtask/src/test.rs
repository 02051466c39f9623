//! `cargo xtask test`: all checks that a change must pass before it is merged.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use promql_presets_test_support::{REQUIRE_SERVERS, Release, Tool, prometheus, victoria_metrics};

use crate::step::{Closing, Steps};
use crate::{Error, browser, cargo, neovim, root, servers};

/// Lints are errors only here; in other commands they are warnings.
const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

/// The library's features without system dependencies.
const FEATURES: &str = concat!(
    "promql-presets/macros,promql-presets/json,promql-presets/gzip,promql-presets/tracing,",
    "promql-presets/chrono,promql-presets/jiff,promql-presets/time"
);

/// The modules of tests that run on the newest and on the oldest servers.
const LIVE_TESTS: [&str; 4] = ["live::", "live_client::", "live_servers::", "live_targets::"];

/// Runs every step, including those after a failure, and prints a summary.
pub(crate) fn run() -> Result<(), Error> {
    let mut steps = Steps::default();
    steps.step("servers", || servers::provide(&Tool::ALL).map(|()| ""));
    steps.step("browser", || browser::provide().map(|()| ""));
    steps.step("Neovim", || neovim::provide().map(|()| ""));
    if !steps.ok() {
        return steps.finish();
    }
    run_if_installed(&mut steps, "fmt", "fmt", cargo().args(["fmt", "--all", "--check"]));
    let clippy = ["clippy", "--workspace", "--all-targets", "--features", FEATURES];
    run_if_installed(&mut steps, "clippy", "clippy", cargo().args(clippy).args(DENY_WARNINGS));
    tests(&mut steps);
    steps.step("newest toml_parser", newest_toml_parser);
    let doc = ["test", "--workspace", "--doc", "--features", FEATURES];
    steps.run_tests("doc tests", cargo().args(doc), Closing::Libtest);
    let docs = ["doc", "--workspace", "--no-deps", "--features", FEATURES];
    steps.run("docs", cargo().args(docs).env("RUSTDOCFLAGS", "-D warnings"));
    minimum_version(&mut steps);
    for feature in [""].into_iter().chain(FEATURES.split(',')) {
        let check = ["check", "--package", "promql-presets", "--features", feature];
        let name = if feature.is_empty() { "no features" } else { feature };
        steps.run(name, cargo().args(check));
    }
    for feature in ["rustls", "native-tls"] {
        // `native-tls` needs OpenSSL's headers.
        if feature == "native-tls" && !succeeds(Command::new("pkg-config").args(["--exists", "openssl"])) {
            steps.step(feature, || Ok(skipped("OpenSSL's headers (Debian: libssl-dev, pkg-config) are not installed")));
            continue;
        }
        let tls = ["test", "--package", "promql-presets", "--features", feature, "--test", "it", "live_tls::"];
        steps.run_tests(feature, cargo().args(tls).env(REQUIRE_SERVERS, "1"), Closing::Libtest);
    }
    for manifest in examples()? {
        example(&mut steps, &manifest);
    }
    // Checking links nothing, so libFuzzer need not be compiled.
    let fuzz = ["check", "--manifest-path", "fuzz/Cargo.toml", "--bins"];
    steps.run("fuzz", cargo().args(fuzz).env("CUSTOM_LIBFUZZER_PATH", root().join("target/libfuzzer.a")));
    steps.run("Zed extension", cargo().args(["check", "--manifest-path", "editors/zed/Cargo.toml"]));
    steps.finish()
}

/// Runs the tests of what the compiler reads in the messages of `toml_parser` on its newest version, if that is not locked.
fn newest_toml_parser() -> Result<String, Error> {
    let lock = root().join("Cargo.lock");
    let locked = fs::read_to_string(&lock)?;
    let updated = succeeds(cargo().args(["update", "--quiet", "--package", "toml_parser", "--package", "winnow"]));
    if !updated {
        return Err("`cargo update` failed".into());
    }
    if fs::read_to_string(&lock)? == locked {
        return Ok("it is locked".to_owned());
    }
    let test = ["test", "--package", "promql-presets-compiler", "--lib", "file::"];
    let passed = cargo().args(test).status();
    fs::write(&lock, locked)?;
    if passed?.success() {
        Ok("passed".to_owned())
    } else {
        Err("its messages differ from those of the locked version".into())
    }
}

/// Runs the live tests on the newest and on the oldest servers.
pub(crate) fn run_live() -> Result<(), Error> {
    let mut steps = Steps::default();
    steps.step("servers", || servers::provide(&Tool::ALL).map(|()| ""));
    if steps.ok() {
        let (mut command, closing) = live_command();
        tests_on_servers(&mut steps, "live tests", &mut command, closing, Tool::find);
        live_tests_on_oldest(&mut steps);
    }
    steps.finish()
}

/// All tests but those in docs on the newest servers, then the live tests on the oldest.
fn tests(steps: &mut Steps) {
    let targets = ["--workspace", "--features", FEATURES, "--lib", "--bins", "--tests", "--examples"];
    let (mut command, closing) = test_command(&targets, &[]);
    tests_on_servers(steps, "tests", &mut command, closing, Tool::find);
    live_tests_on_oldest(steps);
}

fn live_tests_on_oldest(steps: &mut Steps) {
    let name = "live tests, oldest";
    steps.step("oldest servers", || servers::provide_oldest().map(|()| ""));
    if !steps.ok() {
        return;
    }
    let is_oldest = |tool: Tool| matches!(tool.find(), Ok(Some(path)) if path.starts_with(Release::Oldest.folder()));
    if Tool::ALL.into_iter().all(is_oldest) {
        steps.step(name, || Ok(skipped("no newer servers were found, so the tests above ran on these")));
        return;
    }
    let (mut command, closing) = live_command();
    for tool in Tool::ALL {
        if let Ok(Some(path)) = Release::Oldest.find(tool) {
            command.env(tool.variable(), path);
        }
    }
    tests_on_servers(steps, name, &mut command, closing, |tool| Release::Oldest.find(tool));
}

fn live_command() -> (Command, Closing) {
    let packages = ["--package", "promql-presets", "--package", "promql-presets-test-support", "--features", FEATURES];
    test_command(&packages, &LIVE_TESTS)
}

/// Runs tests with one server of each kind for all test programs.
fn tests_on_servers(
    steps: &mut Steps,
    name: &str,
    command: &mut Command,
    closing: Closing,
    find: impl Fn(Tool) -> Result<Option<PathBuf>, Error>,
) {
    let mut started = None;
    steps.step(&format!("start servers for {name}"), || {
        let prometheus = prometheus::start_for_tests(&find)?.ok_or("Prometheus is missing")?;
        let victoria_metrics = victoria_metrics::start_for_tests(&find)?.ok_or("VictoriaMetrics is missing")?;
        let note =
            format!("{} at {}, VictoriaMetrics at {}", prometheus.version()?, prometheus.url(), victoria_metrics.url());
        println!("{note}");
        started = Some((prometheus, victoria_metrics));
        Ok(note)
    });
    let Some((prometheus, victoria_metrics)) = &started else { return };
    command.env(REQUIRE_SERVERS, "1");
    command.env(prometheus::URL, prometheus.url()).env(victoria_metrics::URL, victoria_metrics.url());
    steps.run_tests(name, command, closing);
}

/// A command that runs the tests of some targets; with nextest where it is installed. Without modules, all run.
fn test_command(targets: &[&str], modules: &[&str]) -> (Command, Closing) {
    let mut command = cargo();
    let closing = if is_installed("nextest") {
        command.args(["nextest", "run", "--no-fail-fast", "--status-level", "slow"]);
        Closing::Nextest
    } else {
        command.args(["test", "--no-fail-fast"]);
        Closing::Libtest
    };
    command.args(targets);
    if !modules.is_empty() {
        command.args(["--test", "it"]);
        if matches!(closing, Closing::Libtest) {
            command.arg("--");
        }
        command.args(modules);
    }
    (command, closing)
}

/// Builds with the minimum supported Rust version, the `rust-version` of the packages. With that toolchain, all other
/// steps do as well; with a newer one, rustup must have both.
fn minimum_version(steps: &mut Steps) {
    let version = env!("CARGO_PKG_RUST_VERSION");
    let name = format!("Rust {version}");
    let output = Command::new("rustc").arg("--version").output();
    if output.is_ok_and(|output| output.stdout.starts_with(format!("rustc {version}.").as_bytes())) {
        steps.step(&name, || Ok("the toolchain of all steps"));
        return;
    }
    let toolchain = format!("{version}.0");
    let rustup = |arguments: &[&str]| {
        let mut command = Command::new("rustup");
        command.args(["run", &toolchain]).args(arguments).current_dir(root());
        command
    };
    if succeeds(&mut rustup(&["rustc", "--version"])) {
        let target = root().join("target/minimum-version");
        let check = ["cargo", "check", "--workspace", "--features", FEATURES];
        steps.run(&name, rustup(&check).env("CARGO_TARGET_DIR", target));
        return;
    }
    steps.step(&name, || Ok(skipped(&format!("`rustup toolchain install {toolchain}` was not run"))));
}

/// Runs a step that needs a component of the toolchain, if that is installed.
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

/// Whether a command succeeds; its output is discarded.
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
