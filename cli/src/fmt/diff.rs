//! The difference that edits make, in the unified format without context.

use std::fmt::Write as _;
use std::ops::Range;

use promql_presets_compiler::SourceFile;

use super::Edit;

/// The changes to a file, one hunk for each template.
pub(crate) fn diff(file: &SourceFile, edits: &[Edit], colors: bool) -> String {
    let [bold, cyan, red, green, reset] =
        if colors { ["\x1b[1m", "\x1b[36m", "\x1b[31m", "\x1b[32m", "\x1b[0m"] } else { [""; 5] };
    let lines = file.lines();
    let mut out = format!("{bold}--- {0}{reset}\n{bold}+++ {0}{reset}\n", file.path);
    let mut shift = 0;
    // Edits on the same line are one hunk.
    for edits in edits.chunk_by(|a, b| lines.line(a.span.end) == lines.line(b.span.start)) {
        let span = edits[edits.len() - 1].span.to(edits[0].span);
        let whole = lines.around(span.range());
        let start = lines.line(span.start);
        let text = replaced(&file.text, &whole, edits);
        let (old, new): (Vec<&str>, Vec<&str>) = (file.text[whole].lines().collect(), text.lines().collect());
        // Lines at the start and the end that stay as they are.
        let before = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        let (old, new) = (&old[before..], &new[before..]);
        let after = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
        let (old, new) = (&old[..old.len() - after], &new[..new.len() - after]);
        let (from, to) = (place(start + before, old), place((start + before).saturating_add_signed(shift), new));
        _ = writeln!(out, "{cyan}@@ -{from} +{to} @@{reset} {}", edits[0].preset);
        for line in old {
            _ = writeln!(out, "{red}-{line}{reset}");
        }
        for line in new {
            _ = writeln!(out, "{green}+{line}{reset}");
        }
        shift += new.len().cast_signed() - old.len().cast_signed();
    }
    out
}

/// The first line and the number of lines, which is left out if it is 1. An empty range has the line before it.
fn place(start: usize, lines: &[&str]) -> String {
    match lines.len() {
        0 => format!("{},0", start - 1),
        1 => start.to_string(),
        count => format!("{start},{count}"),
    }
}

/// A part of the text after the edits in it.
fn replaced(text: &str, part: &Range<usize>, edits: &[Edit]) -> String {
    let mut out = text[part.clone()].to_owned();
    for edit in edits.iter().rev() {
        let span = edit.span.range();
        out.replace_range(span.start - part.start..span.end - part.start, &edit.text);
    }
    out
}
