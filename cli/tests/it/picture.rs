//! What a command prints on a terminal, as a picture for the documentation.
//!
//! Dots of braille are drawn, since few fonts have them as wide as letters; so charts look the same everywhere.

use std::fmt::Write as _;

/// The size of a character, and the space around all of them.
const CELL: (f64, f64) = (8.4, 17.0);
const MARGIN: f64 = 14.0;

/// The eight colors of terminals, on a dark background.
const PALETTE: [&str; 8] = ["#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#c9d1d9"];
const PLAIN: &str = PALETTE[7];

/// Text of one style.
#[derive(Clone, Debug, Default, PartialEq)]
struct Run {
    column: usize,
    text: String,
    color: Option<usize>,
    is_bold: bool,
}

/// Draws lines with the escape sequences of colors.
pub(crate) fn svg(lines: &[&str]) -> String {
    let all: Vec<Vec<Run>> = lines.iter().map(|line| runs(line)).collect();
    let columns = all.iter().flatten().map(|run| run.column + run.text.chars().count()).max().unwrap_or(0);
    let (width, height) = (size(columns) * CELL.0 + 2.0 * MARGIN, size(all.len()) * CELL.1 + 2.0 * MARGIN);
    let mut out = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}">
<rect width="100%" height="100%" rx="6" fill="#0d1117"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" style="white-space:pre">
"##
    );
    for (row, runs) in all.iter().enumerate() {
        let top = MARGIN + size(row) * CELL.1;
        for run in runs {
            draw(&mut out, run, top);
        }
    }
    out + "</g>\n</svg>\n"
}

/// A count as a length.
fn size(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// Splits a line where its style changes.
fn runs(line: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut run = Run::default();
    let mut parts = line.split("\u{1b}[");
    run.text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (codes, text) = part.split_once('m').unwrap();
        let column = run.column + run.text.chars().count();
        let (mut color, mut is_bold) = (run.color, run.is_bold);
        for code in codes.split(';').map(|code| code.parse().unwrap_or(0)) {
            match code {
                0 => (color, is_bold) = (None, false),
                1 => is_bold = true,
                30..=37 => color = Some(code - 30),
                90..=97 => color = Some(code - 90),
                _ => assert_eq!(code, 0, "an unknown style"),
            }
        }
        runs.push(std::mem::replace(&mut run, Run { column, text: text.to_owned(), color, is_bold }));
    }
    runs.push(run);
    runs
}

fn draw(out: &mut String, run: &Run, top: f64) {
    let color = run.color.map_or(PLAIN, |color| PALETTE[color]);
    let mut dots = String::new();
    let mut text = String::new();
    for (at, c) in run.text.chars().enumerate() {
        let bits = u32::from(c).wrapping_sub(0x2800);
        text.push(if bits > 0xff { c } else { ' ' });
        // The places of the dots, in the order of their bits.
        let places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)];
        for (_, (x, y)) in places.into_iter().enumerate().filter(|(bit, _)| bits <= 0xff && bits & (1 << bit) != 0) {
            let x = MARGIN + CELL.0 * (size(run.column + at) + 0.25 + 0.5 * f64::from(x));
            let y = top + CELL.1 * (0.125 + 0.25 * f64::from(y));
            _ = write!(dots, "M{x:.1} {y:.1}h0");
        }
    }
    if !dots.is_empty() {
        _ = writeln!(out, r#"<path d="{dots}" stroke="{color}" stroke-width="2.6" stroke-linecap="round"/>"#);
    }
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return;
    }
    let before = text.chars().take_while(|c| c.is_whitespace()).count();
    let (x, y) = (MARGIN + CELL.0 * size(run.column + before), top + CELL.1 * 0.75);
    let length = CELL.0 * size(trimmed.chars().count());
    let weight = if run.is_bold { r#" font-weight="bold""# } else { "" };
    let escaped = trimmed.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    _ = writeln!(
        out,
        r#"<text x="{x:.1}" y="{y:.1}" textLength="{length:.1}" lengthAdjust="spacingAndGlyphs" xml:space="preserve" fill="{color}"{weight}>{escaped}</text>"#
    );
}

#[test]
fn styles_and_dots_are_drawn() {
    let picture = svg(&["a \u{1b}[1m\u{1b}[91m<b>\u{1b}[0m", "\u{1b}[36m⠁⢀\u{1b}[0m"]);
    assert!(picture.contains(r#"x="14.0" y="26.8" textLength="8.4""#), "{picture}");
    assert!(picture.contains(r##"fill="#ff7b72" font-weight="bold">&lt;b&gt;</text>"##), "{picture}");
    assert!(picture.contains(r##"<path d="M16.1 33.1h0M28.7 45.9h0" stroke="#39c5cf""##), "{picture}");
}
