//! Every page in `compiler/checks` is a test: what fails gives exactly the output that the page shows, and what is
//! fixed gives none.

use std::fs;
use std::path::{Path, PathBuf};

use promql_presets_compiler::{Code, Finding, SourceFile, compile, diagnostic::emit};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("checks")
}

/// The fenced blocks of a section of a page that are in a language.
fn blocks<'p>(page: &'p str, section: &str, language: &str) -> Vec<&'p str> {
    let (_, text) = page.split_once(&format!("\n## {section}\n")).unwrap_or_else(|| panic!("no section `{section}`"));
    let text = text.split("\n## ").next().unwrap();
    let fence = format!("```{language}\n");
    let block = |rest: &'p str| rest.split_once("```").unwrap_or_else(|| panic!("a block is not closed")).0;
    text.split(fence.as_str()).skip(1).map(block).collect()
}

/// The files of a section. Each of several files starts with a comment with its name.
fn files(page: &str, section: &str) -> Vec<SourceFile> {
    let blocks = blocks(page, section, "toml");
    assert!(!blocks.is_empty(), "no preset file under `{section}`");
    let file = |text: &&str| {
        let beside = |path: &str| SourceFile { name: format!("../{path}"), path: path.into(), text: (*text).into() };
        let first = text.strip_prefix("# ").and_then(|text| text.lines().next()).unwrap_or_default();
        match first {
            "metrics.toml" | "promql.toml" => return beside(first),
            _ => {}
        }
        let name = first.strip_prefix("presets/").unwrap_or("example.toml");
        SourceFile { name: name.to_owned(), path: format!("presets/{name}"), text: (*text).to_owned() }
    };
    blocks.iter().map(file).collect()
}

/// All findings as the page must show them, and their codes.
fn output(files: &[SourceFile]) -> (String, Vec<Code>) {
    let output = compile(files);
    let findings: Vec<&Finding> = output.findings.iter().collect();
    let texts = emit::each(files, &findings, |messages, finding| messages.full(&finding.diagnostic) + "\n");
    (texts.join("\n"), findings.iter().map(|finding| finding.diagnostic.code).collect())
}

/// What is wrong with a page.
fn faults(code: Code, page: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !page.starts_with(&format!("# `{}`\n\n", code.as_str())) {
        faults.push("the page does not start with the code".to_owned());
    }
    let (text, codes) = output(&files(page, "Fails"));
    if blocks(page, "Fails", "text") != [text.as_str()] {
        faults.push(format!("under `Fails` the output is\n\n{text}"));
    }
    if !codes.contains(&code) {
        faults.push("no finding has the code of the page".to_owned());
    }
    let (text, _) = output(&files(page, "Fix"));
    if !text.is_empty() {
        faults.push(format!("under `Fix` there still is\n\n{text}"));
    }
    faults
}

/// The page with the output that its first section should have.
fn updated(page: &str) -> String {
    let (text, _) = output(&files(page, "Fails"));
    let (before, rest) = page.split_once("```text\n").unwrap();
    let (_, after) = rest.split_once("```").unwrap();
    format!("{before}```text\n{text}```{after}")
}

#[test]
fn pages_show_what_the_compiler_says() {
    let update = crate::update_snapshots();
    let mut all = Vec::new();
    for code in Code::ALL {
        let path = folder().join(code.as_str()).with_extension("md");
        let mut page = fs::read_to_string(&path).unwrap();
        if update {
            page = updated(&page);
            fs::write(&path, &page).unwrap();
        }
        all.extend(faults(*code, &page).into_iter().map(|fault| format!("checks/{}.md: {fault}", code.as_str())));
    }
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

#[test]
fn every_page_has_a_code() {
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let code = name.strip_suffix(".md").and_then(Code::find);
        assert!(code.is_some(), "`{name}` is the page of no check");
    }
}
