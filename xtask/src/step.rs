//! The named and timed steps of a command, with a summary at the end.

use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Error;

/// The stream on which a test runner prints its summary.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Closing {
    /// `Summary [...] 12 tests run: ...` on standard error.
    Nextest,
    /// `test result: ok. 12 passed; ...` on standard output, once per test program.
    Libtest,
}

struct Done {
    name: String,
    time: Duration,
    passed: bool,
    note: String,
}

/// The steps that have run so far.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<Done>,
}

impl Steps {
    /// Runs a command, whose output is not captured.
    pub(crate) fn run(&mut self, name: &str, command: &mut Command) {
        self.step(name, || {
            let status = command.stdin(Stdio::null()).status()?;
            if status.success() { Ok(String::new()) } else { Err(status.to_string().into()) }
        });
    }

    /// Runs a test runner, and keeps its summary line.
    pub(crate) fn run_tests(&mut self, name: &str, command: &mut Command, closing: Closing) {
        self.step(name, || {
            command.stdin(Stdio::null());
            let lines = match closing {
                Closing::Nextest => tee(command.stderr(Stdio::piped()), &mut io::stderr())?,
                Closing::Libtest => tee(command.stdout(Stdio::piped()), &mut io::stdout())?,
            };
            let (passed, lines) = lines;
            let note = match closing {
                Closing::Nextest => summary_of_nextest(&lines),
                Closing::Libtest => summary_of_libtest(&lines),
            };
            if passed { Ok(note) } else { Err(note.into()) }
        });
    }

    /// Runs a step, which returns a note for the summary.
    pub(crate) fn step<T: Into<String>>(&mut self, name: &str, work: impl FnOnce() -> Result<T, Error>) {
        println!("\n==> {name}");
        let start = Instant::now();
        let outcome = work();
        let time = start.elapsed();
        let (passed, note) = match outcome {
            Ok(note) => (true, note.into()),
            Err(error) => (false, error.to_string()),
        };
        if !passed {
            eprintln!("==> {name} failed: {note}");
        }
        self.done.push(Done { name: name.to_owned(), time, passed, note });
    }

    /// Whether the last step passed.
    pub(crate) fn ok(&self) -> bool {
        self.done.last().is_none_or(|done| done.passed)
    }

    /// Prints the summary.
    ///
    /// # Errors
    ///
    /// When a step failed.
    pub(crate) fn finish(self) -> Result<(), Error> {
        let width = self.done.iter().map(|done| done.name.len()).max().unwrap_or(0);
        println!();
        for Done { name, time, passed, note } in &self.done {
            let verdict = if *passed { "ok    " } else { "FAILED" };
            let note = note.lines().next().unwrap_or_default();
            println!("{}", format!("{verdict}  {name:width$}  {:>6.1} s  {note}", time.as_secs_f64()).trim_end());
        }
        let failed = self.done.iter().filter(|done| !done.passed).count();
        let time: Duration = self.done.iter().map(|done| done.time).sum();
        println!("\n{} steps passed, {failed} failed, in {:.0} s", self.done.len() - failed, time.as_secs_f64());
        if failed == 0 { Ok(()) } else { Err(format!("{failed} of {} steps failed", self.done.len()).into()) }
    }
}

/// Runs a command, copies the lines of its piped stream to `to`, and returns them.
fn tee(command: &mut Command, to: &mut (impl Write + IsTerminal)) -> Result<(bool, Vec<String>), Error> {
    if to.is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = command.spawn()?;
    let stream: Option<Box<dyn io::Read>> = match (child.stdout.take(), child.stderr.take()) {
        (Some(stdout), _) => Some(Box::new(stdout)),
        (_, stderr) => stderr.map(|stderr| Box::new(stderr) as _),
    };
    let mut lines = Vec::new();
    for line in BufReader::new(stream.ok_or("a command without a piped stream")?).split(b'\n') {
        let line = line?;
        to.write_all(&line)?;
        to.write_all(b"\n")?;
        lines.push(plain(&String::from_utf8_lossy(&line)));
    }
    Ok((child.wait()?.success(), lines))
}

/// A line without colour escape sequences.
fn plain(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or(part, |(_, rest)| rest))
}

fn summary_of_nextest(lines: &[String]) -> String {
    let closing = lines.iter().rev().find_map(|line| line.trim_start().strip_prefix("Summary [")?.split_once(']'));
    closing.map_or_else(|| "no tests were run".to_owned(), |(_, rest)| rest.trim().to_owned())
}

fn summary_of_libtest(lines: &[String]) -> String {
    let count = |what: &str| -> u64 {
        let results = lines.iter().filter(|line| line.starts_with("test result: "));
        results
            .filter_map(|line| {
                line.split(['.', ';']).find_map(|part| part.strip_suffix(what)?.trim().parse::<u64>().ok())
            })
            .sum()
    };
    let [passed, failed, ignored] = [" passed", " failed", " ignored"].map(count);
    format!("{} tests run: {passed} passed, {failed} failed, {ignored} skipped", passed + failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(plain).collect()
    }

    #[test]
    fn summary_lines_are_found_and_added() {
        let nextest = "\x1b[32;1m     Summary\x1b[0m [   8.861s] \x1b[1m22\x1b[0m tests run: 22 passed, 0 skipped\n";
        assert_eq!(summary_of_nextest(&lines(nextest)), "22 tests run: 22 passed, 0 skipped");
        assert_eq!(summary_of_nextest(&lines("error: could not compile\n")), "no tests were run");
        let libtest = "test result: ok. 11 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.36s\n\
                       test a ... ok\n\
                       test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(summary_of_libtest(&lines(libtest)), "15 tests run: 14 passed, 1 failed, 2 skipped");
    }

    #[test]
    fn steps_run_after_a_failed_step() {
        let mut steps = Steps::default();
        steps.run("fails", Command::new("sh").args(["-c", "exit 3"]));
        assert!(!steps.ok());
        steps.run("passes", &mut Command::new("true"));
        assert!(steps.ok());
        steps.run("is missing", &mut Command::new("no-such-program"));
        assert_eq!(steps.finish().unwrap_err().to_string(), "2 of 3 steps failed");
    }
}
