//! Findings as annotations of GitHub Actions
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>).

use promql_presets_compiler::Diagnostic;
use promql_presets_compiler::diagnostic::emit::Messages;

use super::words;

/// The workflow command for a finding.
pub(super) fn command(path: &str, messages: &Messages<'_>, diagnostic: &Diagnostic) -> String {
    let [(line, column), (end_line, end_column)] = messages.place(diagnostic.span);
    // Columns need one line.
    let columns = if line == end_line { format!(",col={column},endColumn={end_column}") } else { String::new() };
    format!(
        "::{} file={},line={line},endLine={end_line}{columns},title={}::{}\n",
        diagnostic.severity.as_str(),
        property(path),
        property(diagnostic.code.as_str()),
        escape(&words(diagnostic)),
    )
}

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    escape(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{escape, property};

    #[test]
    fn what_ends_a_command_is_escaped() {
        assert_eq!(escape("50%: a, b\r\nc"), "50%25: a, b%0D%0Ac");
        assert_eq!(property("C:\\a,b%\n"), "C%3A\\a%2Cb%25%0A");
    }
}
