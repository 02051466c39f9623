//! The program as its users run it.

#![expect(clippy::unwrap_used, reason = "a test")]

mod arguments;
mod check;
mod check_output;
mod docs;
mod explain;
mod exporters;
mod fmt;
mod import;
mod init;
mod lsp;
mod native_histograms;
mod new;
mod page;
mod parse;
mod picture;
mod pre_commit;
mod presets;
mod query;
mod schema;
mod schema_kinds;
mod schema_servers;
mod schemas;
mod serve;
mod snippets;
mod tests;
mod verify;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

const GOOD: &str = "\
[metric]
name = \"http_requests_total\"
type = \"counter\"

[presets.rate]
template = 'sum by ({group_by})(rate({metric_name}{{{labels}}}[{window}]))'
window   = \"5m\"
unit     = \"requests per second\"
";

const BAD: &str = "\
[presets.up]
template = 'sum by ({group_by})(ü{{{labels}}}[{windw}])'
";

/// An error-free file with one warning.
const WARNED: &str = "\
[presets.up]
template = 'sum by ({group_by})(up{{{labels}}})'
allow    = [{ check = \"unfiltered-selector\", reason = \"none\" }]
";

/// A folder that is removed after the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str, files: &[(&str, &str)]) -> Self {
        let path = env::temp_dir().join(format!("promql-presets-cli-{}-{test}", std::process::id()));
        for (name, text) in files {
            let file = path.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        Self(path)
    }

    /// Runs a command in the folder. It is split at spaces.
    fn run(&self, words: &str) -> Run {
        run_in(&self.0, &words.split(' ').collect::<Vec<_>>(), b"")
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).unwrap();
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

struct Run {
    status: i32,
    out: String,
    err: String,
}

fn run_in(folder: &Path, arguments: &[&str], input: &[u8]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_promql-presets"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that fails early does not read.
    _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    Run {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn run(arguments: &[&str]) -> Run {
    run_in(&env::temp_dir(), arguments, b"")
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}
