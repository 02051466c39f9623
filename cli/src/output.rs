//! Standard output and standard error.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use clap::{ColorChoice, ValueEnum};
use promql_presets_compiler::diagnostic::emit::Messages;
pub(crate) use promql_presets_compiler::diagnostic::width;
use promql_presets_compiler::{Diagnostic, SourceFile};
use terminal_size::{Height, Width, terminal_size};

/// The format of a command's results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Human,
    Json,
}

/// Writes a result to standard output.
///
/// A closed pipe is not a failure, so that `check | head` still exits with its own status.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// The columns and rows of the terminal, if standard output is one.
pub(crate) fn terminal() -> Option<(usize, usize)> {
    let (Width(columns), Height(rows)) = io::stdout().is_terminal().then(terminal_size).flatten()?;
    Some((usize::from(columns), usize::from(rows)))
}

/// Writes a remark to standard error.
pub(crate) fn remark(text: &str) {
    // A remark that cannot be written does not change the result.
    _ = writeln!(io::stderr(), "{text}");
}

/// The option `--color`.
static COLOR: OnceLock<ColorChoice> = OnceLock::new();

/// Sets whether to use colors, once.
pub(crate) fn set_color(choice: ColorChoice) {
    _ = COLOR.set(choice);
}

/// Whether to use colors on standard output: by default on terminals that support them, unless `NO_COLOR` is set
/// (<https://no-color.org>).
pub(crate) fn in_colors() -> bool {
    wants_colors(&io::stdout())
}

/// Whether to use colors on standard error. Commands with a result on standard output write messages there.
pub(crate) fn in_colors_on_stderr() -> bool {
    wants_colors(&io::stderr())
}

fn wants_colors(stream: &impl IsTerminal) -> bool {
    match COLOR.get() {
        Some(ColorChoice::Always) => true,
        Some(ColorChoice::Never) => false,
        _ => by_default(stream.is_terminal(), env::var_os("NO_COLOR"), env::var_os("TERM")),
    }
}

fn by_default(is_terminal: bool, no_color: Option<OsString>, term: Option<OsString>) -> bool {
    let unwanted = no_color.is_some_and(|value| !value.is_empty());
    let unable = term.is_some_and(|term| term == "dumb");
    is_terminal && !unwanted && !unable
}

/// The word `error` before a message on standard error.
pub(crate) fn error_title() -> &'static str {
    if in_colors_on_stderr() { "\u{1b}[1m\u{1b}[91merror\u{1b}[0m" } else { "error" }
}

/// The full message, for people.
pub(crate) fn message(messages: &Messages<'_>, diagnostic: &Diagnostic, colors: bool) -> String {
    if colors { messages.colored(diagnostic) } else { messages.full(diagnostic) }
}

/// A query that is in no file, for messages about it.
pub(crate) fn query_file(query: &str) -> SourceFile {
    SourceFile { name: String::new(), path: "query".to_owned(), text: query.to_owned() }
}

/// The full messages about a query that is in no file.
pub(crate) fn query_messages(query: &str, found: &[Diagnostic], colors: bool) -> Vec<String> {
    let file = query_file(query);
    let messages = Messages::of(&file);
    found.iter().map(|diagnostic| message(&messages, diagnostic, colors)).collect()
}

/// A query as a note of a message. A query of several lines starts on a new line, so that its lines stay aligned.
pub(crate) fn query_note(query: &str) -> String {
    let query = query.trim_matches('\n').trim_end();
    let start = if query.contains('\n') { "\n  " } else { " " };
    format!("query:{start}{}", query.replace('\n', "\n  "))
}

/// A count with its noun: `1 file`, `2 files`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{s}")
}

/// Rows as aligned columns.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| self::width(cell)).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let padded = |(cell, width): (&String, &usize)| cell.clone() + &" ".repeat(width.saturating_sub(self::width(cell)));
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(padded).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// A text of a server without characters that control the terminal, or the direction of text.
pub(crate) fn printable(text: &str) -> String {
    let escaped = |c: char| {
        if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    };
    text.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::{by_default, table};

    #[test]
    fn colors_are_for_terminals() {
        let some = |text: &str| Some(text.into());
        assert!(by_default(true, None, None) && by_default(true, some(""), some("xterm")));
        assert!(!by_default(false, None, None));
        assert!(!by_default(true, some("1"), None) && !by_default(true, None, some("dumb")));
    }

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [vec!["größe".to_owned(), "5m".to_owned()], vec!["a".to_owned(), String::new()]];
        assert_eq!(table(&rows), "größe  5m\na\n");
        let wide = [vec!["大きさ".to_owned(), "1".to_owned()], vec!["a".to_owned(), "2".to_owned()]];
        assert_eq!(table(&wide), "大きさ  1\na       2\n");
        assert_eq!(table(&[]), "");
    }
}
