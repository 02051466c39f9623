//! `promql-presets parse`: parses and checks plain PromQL.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::process::ExitCode;

use promql_presets_compiler::check::{check_query, output_labels};
use promql_presets_compiler::promql::{Features, Parsed, ResultType, Syntax, Tree, parse};
use promql_presets_compiler::{Diagnostic, Severity};

use crate::FOUND;
use crate::failure::Failure;
use crate::json::Object;
use crate::output::{Format, in_colors, print, query_messages};

/// Checks plain PromQL as Prometheus does, and shows its syntax tree
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 if every query is valid, 1 if not, 2 if the arguments or the input cannot be read

Example:
  promql-presets parse 'sum by (job) (rate(http_requests_total[5m]))'")]
pub(crate) struct Arguments {
    /// A query; default: standard input. After `--`, a query can start with a minus
    #[arg(value_name = "QUERY", conflicts_with = "jsonl")]
    queries: Vec<String>,
    /// The format: `human` by default
    ///
    /// `human` is the type, the labels (`?`: possible, `...`: any other) and the tree, with warnings about the meaning; or
    /// the error with the line and carets. `json` is one object per line and query, with ok, type (scalar, vector,
    /// matrix, string or null) and errors: message, start and end, in bytes from 0.
    #[arg(long)]
    format: Option<Format>,
    /// Read one JSON string per line from standard input, and write one result per line
    #[arg(long)]
    jsonl: bool,
    /// Accept experimental PromQL, which Prometheus enables with flags
    #[arg(long)]
    experimental: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let format = arguments.format;
    let features = if arguments.experimental { Features::all() } else { Features::none() };
    let syntax = Syntax { template: false, features };
    let accepted = if arguments.jsonl {
        if format == Some(Format::Human) {
            return Err(Failure::new("`--jsonl` writes JSON only").help("leave out `--format`"));
        }
        lines(&mut BufReader::new(io::stdin().lock()), &mut BufWriter::new(io::stdout().lock()), syntax)?
    } else {
        let mut queries = arguments.queries.clone();
        if queries.is_empty() {
            queries.push(standard_input()?);
        }
        let format = format.unwrap_or_default();
        let results: Vec<(bool, String)> = queries.iter().map(|query| result(query, syntax, format)).collect();
        let texts: Vec<&str> = results.iter().map(|(_, text)| text.as_str()).collect();
        print(&texts.join(if format == Format::Human { "\n" } else { "" }))?;
        results.iter().all(|(accepted, _)| *accepted)
    };
    Ok(if accepted { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

pub(super) fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::new(format!("cannot read standard input: {error}")))?;
    // The trailing line break is from the shell. Without it, errors at the end are on the query's last line.
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Ok(text)
}

/// Whether a query is valid, and the output for it.
fn result(query: &str, syntax: Syntax, format: Format) -> (bool, String) {
    let parsed = parse(query, syntax);
    match format {
        Format::Human => human(query, &parsed),
        Format::Json => {
            let mut out = String::new();
            (json(&mut out, &parsed), out)
        }
    }
}

/// The type, labels, tree and warnings of a valid query, or its errors.
fn human(query: &str, parsed: &Parsed<'_>) -> (bool, String) {
    let texts = |found: &[Diagnostic]| -> Vec<String> {
        query_messages(query, found, in_colors()).into_iter().map(|text| text + "\n").collect()
    };
    let Some(expr) = parsed.expr.as_ref().filter(|_| parsed.diagnostics.is_empty()) else {
        return (false, texts(&parsed.diagnostics).join("\n"));
    };
    let mut facts = format!("type: {}\n", expr.ty().as_str());
    if matches!(expr.ty(), ResultType::InstantVector | ResultType::RangeVector) {
        facts = format!("{facts}labels: {}\n", output_labels(query, expr));
    }
    let mut found = check_query(query, expr);
    // Prometheus accepts the query nevertheless.
    for diagnostic in &mut found {
        diagnostic.severity = Severity::Warning;
    }
    let mut parts = vec![facts, Tree(expr).to_string()];
    parts.extend(texts(&found));
    (true, parts.join("\n"))
}

fn json(out: &mut String, parsed: &Parsed<'_>) -> bool {
    let accepted = parsed.diagnostics.is_empty() && parsed.expr.is_some();
    let ty = parsed.expr.as_ref().filter(|_| accepted).map(|expr| expr.ty().as_str());
    let error = |out: &mut String, found: &Diagnostic| {
        let (start, end) = (found.span.start, found.span.end);
        Object::open(out).field("message", found.title.as_str()).field("start", start).field("end", end).close();
    };
    Object::open(out).field("ok", accepted).field("type", ty).list("errors", &parsed.diagnostics, error).close();
    out.push('\n');
    accepted
}

/// Writes a result for each line. Returns whether all queries are valid.
fn lines(input: &mut BufReader<impl Read>, out: &mut impl Write, syntax: Syntax) -> Result<bool, Failure> {
    let mut all_accepted = true;
    let (mut line, mut response) = (Vec::new(), String::new());
    loop {
        line.clear();
        let read = input.read_until(b'\n', &mut line);
        if read.map_err(|error| Failure::new(format!("cannot read standard input: {error}")))? == 0 {
            break;
        }
        response.clear();
        all_accepted &= match serde_json::from_slice::<String>(&line) {
            Ok(query) => json(&mut response, &parse(&query, syntax)),
            Err(error) => {
                not_a_string(&mut response, &error, line.trim_ascii_end().len());
                false
            }
        };
        out.write_all(response.as_bytes())?;
        // Callers may wait for the result before they write the next line.
        if input.buffer().is_empty() {
            out.flush()?;
        }
    }
    out.flush()?;
    Ok(all_accepted)
}

fn not_a_string(out: &mut String, error: &serde_json::Error, len: usize) {
    let message = format!("the line is not a JSON string: {error}");
    Object::open(out)
        .field("ok", false)
        .field("type", None::<&str>)
        .list("errors", [message], |out, message| {
            Object::open(out).field("message", message).field("start", 0).field("end", len).close();
        })
        .close();
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(input: &[u8]) -> (bool, String) {
        let mut out = Vec::new();
        let accepted = lines(&mut BufReader::with_capacity(4, input), &mut out, Syntax::PROMQL).unwrap();
        (accepted, String::from_utf8(out).unwrap())
    }

    #[test]
    fn any_line_gets_a_result() {
        assert_eq!(results(b""), (true, String::new()));
        assert_eq!(results(b"\"up\"\r\n"), (true, "{\"ok\":true,\"type\":\"vector\",\"errors\":[]}\n".to_owned()));
        let (accepted, text) = results(b"\n{}\n\xff\n\"\\ud800\"\n\"a\" 1\n\"1\"\n\"\\u0075p{\"");
        assert!(!accepted);
        let ok: Vec<bool> = text.lines().map(|line| line.starts_with("{\"ok\":true")).collect();
        assert_eq!(ok, [false, false, false, false, false, true, false]);
    }
}
