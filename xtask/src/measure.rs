//! `cargo xtask measure`: what presets add to the build of a service.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use crate::{Error, root};

/// Files of four presets each, as in the catalogue.
const FILES: usize = 250;

const RUNS: u32 = 5;

/// A folder that is removed on drop.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

/// The dependencies of a typical service.
const DEPENDENCIES: &str = "axum = \"0.8\"\nreqwest = { version = \"0.13\", default-features = false, features = [\"json\"] }\n\
    serde = { version = \"1\", features = [\"derive\"] }\ntokio = { version = \"1\", features = [\"full\"] }\n\
    uuid = { version = \"1\", features = [\"serde\", \"v4\"] }\n";

/// Measures cold builds of a service with and without presets and the test kit, and of the compiler, and `cargo check` of
/// a crate with and without a thousand presets.
pub(crate) fn run() -> Result<(), Error> {
    let scratch = Scratch(env::temp_dir().join(format!("promql-presets-measure-{}", std::process::id())));
    let service = scratch.0.join("service");
    let cargo_into = |target: &str, arguments: &[&str], folder: &Path| -> Result<Duration, Error> {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments).arg("--quiet").current_dir(folder).stdin(Stdio::null());
        command.env("CARGO_TARGET_DIR", scratch.0.join(target));
        // As for a service that has the crates from a registry: cargo compiles only path dependencies incrementally.
        if arguments[0] != "check" {
            command.env("CARGO_INCREMENTAL", "0");
        }
        let start = processor_time()?;
        let status = command.status()?;
        if !status.success() {
            return Err(format!("cargo {} failed", arguments.join(" ")).into());
        }
        Ok(processor_time()?.saturating_sub(start))
    };
    println!("processor time:");
    write_service(&service, DEPENDENCIES, false, 1)?;
    let without = cargo_into("target-0", &["build"], &service)?;
    say("cold build of a service on axum and reqwest, without presets", without);
    // Onto a copy of that build: two whole builds vary by more than what presets add.
    let best_onto = |base: &str, arguments: &[&str], folder: &Path| -> Result<Duration, Error> {
        let mut best = Duration::MAX;
        for run in 1..=RUNS {
            let target = format!("target-{run}");
            if !Command::new("cp").args(["-a", base, &target]).current_dir(&scratch.0).status()?.success() {
                return Err("the build cannot be copied".into());
            }
            best = best.min(cargo_into(&target, arguments, folder)?);
            fs::remove_dir_all(scratch.0.join(target))?;
        }
        Ok(best)
    };
    write_service(&service, DEPENDENCIES, true, 1)?;
    let more = best_onto("target-0", &["build"], &service)?;
    say(&format!("more for having presets, best of {RUNS}"), more);
    fs::remove_dir_all(scratch.0.join("target-0"))?;

    write_service(&service, "tokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }\n", true, 1)?;
    cargo_into("target-0", &["test", "--no-run"], &service)?;
    // Both with a test to link.
    fs::write(service.join("src/lib.rs"), test_with("promql_presets::PrometheusClient::new(\"http://a\").unwrap()"))?;
    let without = best_onto("target-0", &["test", "--no-run"], &service)?;
    let (manifest, kit) = (service.join("Cargo.toml"), root().join("testing"));
    let kit = format!("\n[dev-dependencies]\npromql-presets-testing = {{ path = '{}' }}\n", kit.display());
    fs::write(&manifest, fs::read_to_string(&manifest)? + &kit)?;
    fs::write(service.join("src/lib.rs"), test_with("promql_presets_testing::MockPrometheus::start().client()"))?;
    let with = best_onto("target-0", &["test", "--no-run"], &service)?;
    say(&format!("more for the test kit, best of {RUNS}"), with.saturating_sub(without));

    // Cargo builds the dependencies of build scripts without debug information.
    let build = |package| ["build", "--config", "profile.dev.debug=0", "--package", package];
    fs::remove_dir_all(scratch.0.join("target-0"))?;
    fs::create_dir(scratch.0.join("target-0"))?;
    let core = best_onto("target-0", &build("promql-presets-core"), &root())?;
    say(&format!("cold build of the core, which the runtime needs as well, best of {RUNS}"), core);
    cargo_into("target-0", &build("promql-presets-core"), &root())?;
    let compiler = best_onto("target-0", &build("promql-presets-compiler"), &root())?;
    say(&format!("cold build of the compiler and of what only it brings in, best of {RUNS}"), compiler);

    write_service(&service, "", true, FILES)?;
    fs::write(service.join("src/lib.rs"), "")?;
    let source = service.join("src/lib.rs");
    let with_presets = "mod presets { promql_presets::include_presets!(); }\n";
    let check = || cargo_into("target", &["check"], &service);
    check()?;
    let check_edited = |text: &str| -> Result<Duration, Error> {
        let mut best = Duration::MAX;
        for run in 0..RUNS {
            fs::write(&source, format!("{text}// {run}\n"))?;
            best = best.min(check()?);
        }
        Ok(best)
    };
    let without = check_edited("")?;
    say("check after an edit of Rust, without presets", without);
    fs::write(&source, with_presets)?;
    let first = check()?;
    say(&format!("check that first includes {} presets", FILES * 4), first);
    let with = check_edited(with_presets)?;
    say("check after an edit of Rust, with presets", with);
    let mut best = Duration::MAX;
    for run in 0..RUNS {
        fs::write(service.join("presets/service_0.toml"), format!("{}# {run}\n", preset_file(0)))?;
        best = best.min(check()?);
    }
    say("check after an edit of a preset file", best);
    say("more after any edit, for having presets", with.max(best).saturating_sub(without));
    Ok(())
}

/// The processor time of all commands so far, which does not depend on other processes.
fn processor_time() -> Result<Duration, Error> {
    // The program's name, in parentheses, can contain any character; proc(5) describes the fields after it.
    let stat = fs::read_to_string("/proc/self/stat").map_err(|error| format!("this runs on Linux only: {error}"))?;
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    // There are 100 ticks per second on all machines.
    Ok(Duration::from_millis(ticks * 10))
}

fn say(what: &str, time: Duration) {
    println!("{:7.2} s  {what}", time.as_secs_f64());
}

fn write_service(folder: &Path, dependencies: &str, presets: bool, files: usize) -> Result<(), Error> {
    fs::create_dir_all(folder.join("src"))?;
    let mut manifest =
        format!("[package]\nname = \"service\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{dependencies}");
    let mut source = "";
    if presets {
        let root = root();
        write!(
            manifest,
            "promql-presets = {{ path = '{}' }}\n\n[build-dependencies]\npromql-presets-compiler = {{ path = '{}' }}\n",
            root.display(),
            root.join("compiler").display()
        )?;
        source = "pub mod presets { promql_presets::include_presets!(); }\n";
        fs::write(folder.join("build.rs"), "fn main() { promql_presets_compiler::build(\"presets\"); }\n")?;
        fs::create_dir_all(folder.join("presets"))?;
        for number in 0..files {
            fs::write(folder.join(format!("presets/service_{number}.toml")), preset_file(number))?;
        }
    }
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    fs::write(folder.join("src/lib.rs"), source)?;
    Ok(())
}

/// A crate with presets and a test.
fn test_with(client: &str) -> String {
    format!(
        "pub mod presets {{ promql_presets::include_presets!(); }}\n\n#[test]\nfn test() {{\n    let _client = {client};\n}}\n"
    )
}

fn preset_file(number: usize) -> String {
    format!(
        r#"description = "Requests of service {number}."

[metric]
name            = "service_{number}_request_duration_seconds"
type            = "histogram"
unit            = "seconds"
scrape_interval = "15s"

[labels]
job       = {{ type = "string", required = true, description = "The job." }}
method    = ["GET", "POST", "PUT", "DELETE"]
code      = "integer"
tenant_id = "uuid"

[presets.rate]
description = "Requests per second, by the labels you group by."
template    = 'sum by ({{group_by}}) (rate({{metric_name}}_count{{{{{{labels}}}}}}[{{window}}]))'
window      = "5m"
unit        = "requests per second"

[presets.error_ratio]
description = "The part of all requests that failed."
template    = '''
sum by ({{group_by}}) (rate({{metric_name}}_count{{{{code=~"5..",{{labels}}}}}}[{{window}}]))
  / sum by ({{group_by}}) (rate({{metric_name}}_count{{{{{{labels}}}}}}[{{window}}]))
'''
window      = "5m"

[presets.mean]
description = "How long a request takes on average."
template    = '''
sum by ({{group_by}}) (rate({{metric_name}}_sum{{{{{{labels}}}}}}[{{window}}]))
  / sum by ({{group_by}}) (rate({{metric_name}}_count{{{{{{labels}}}}}}[{{window}}]))
'''
window      = "5m"
unit        = "seconds"

[presets.p95]
description = "The latency that 95 of 100 requests stay below."
template    = 'histogram_quantile(0.95, sum by (le, {{group_by}}) (rate({{metric_name}}_bucket{{{{{{labels}}}}}}[{{window}}])))'
window      = "5m"
unit        = "seconds"
"#
    )
}
