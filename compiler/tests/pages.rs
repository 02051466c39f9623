//! The pages of the checks: each one's mistake gives exactly its text, and its remedy gives nothing.
//!
//! `UPDATE_PAGES=1` writes the texts anew; read what it wrote.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

use promql_presets_compiler::{Code, SourceFile, compile, render};

fn pages() -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("checks");
    let mut pages: Vec<(String, PathBuf)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    pages.sort();
    pages
}

/// The text of the first block of a language after a heading, and where it starts.
fn block<'t>(page: &'t str, heading: &str, language: &str) -> (&'t str, usize) {
    let section = page.find(heading).unwrap_or_else(|| panic!("no {heading}"));
    let fence = format!("\n```{language}\n");
    let start =
        section + page[section..].find(&fence).unwrap_or_else(|| panic!("no {language} in {heading}")) + fence.len();
    let end = start + page[start..].find("\n```").map_or(0, |end| end + 1);
    (&page[start..end.max(start)], start)
}

/// Everything there is to say about a file, and the codes.
fn findings(text: &str) -> (String, Vec<Code>) {
    let file =
        SourceFile { name: "example.toml".to_owned(), path: "presets/example.toml".to_owned(), text: text.to_owned() };
    let findings = compile(std::slice::from_ref(&file)).findings;
    let shown: Vec<String> = findings.iter().map(|finding| render::full(&file, &finding.diagnostic)).collect();
    (shown.join("\n\n") + "\n", findings.iter().map(|finding| finding.diagnostic.code).collect())
}

#[test]
fn pages_are_true() {
    let update = std::env::var_os("UPDATE_PAGES").is_some() && std::env::var_os("CI").is_none();
    let mut wrong = Vec::new();
    for (code, path) in pages() {
        let page = fs::read_to_string(&path).unwrap();
        if !page.starts_with(&format!("# `{code}`\n")) {
            wrong.push(format!("{code}: another title"));
        }
        let (shown, codes) = findings(block(&page, "## Fails", "toml").0);
        if !codes.iter().any(|found| found.as_str() == code) {
            wrong.push(format!("{code}: does not find it but\n{shown}"));
        }
        let (text, at) = block(&page, "## Fails", "text");
        if update {
            fs::write(&path, format!("{}{shown}{}", &page[..at], &page[at + text.len()..])).unwrap();
        } else if shown != text {
            wrong.push(format!("{code}: gives\n{shown}"));
        }
        let (shown, codes) = findings(block(&page, "## Mend", "toml").0);
        if !codes.is_empty() {
            wrong.push(format!("{code}: mended, it gives\n{shown}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_check_of_meaning_has_a_page() {
    let pages = pages();
    let missing: Vec<&str> =
        Code::allowable().map(Code::as_str).filter(|code| pages.iter().all(|(page, _)| page != code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
