//! Configurations of other programs in the documentation: each is parsed, and what it names of this project exists.
#![expect(clippy::panic, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

use saphyr::{LoadableYamlNode, Yaml};
use serde_json::Value;
use toml_edit::DocumentMut;

use crate::{Folder, GOOD, lines, run_in};

const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The blocks of a language in the pages: page and text.
pub(crate) fn blocks(language: &str) -> Vec<(String, String)> {
    blocks_with(|info| info.split(' ').next() == Some(language))
}

/// The block that is the file of this path.
pub(crate) fn block(language: &str, path: &str) -> String {
    blocks_with(|info| info == format!("{language} {path}")).remove(0).1
}

fn blocks_with(is_meant: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let mut pages: Vec<PathBuf> = fs::read_dir(root().join("docs")).unwrap().map(|it| it.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.push(root().join("README.md"));
    let mut found = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let all = lines(&text);
        for (at, line) in all.iter().enumerate() {
            if line.strip_prefix("```").is_some_and(&is_meant) {
                let block: Vec<&str> = all[at + 1..].iter().copied().take_while(|line| *line != "```").collect();
                found.push((page.display().to_string(), block.join("\n") + "\n"));
            }
        }
    }
    assert!(!found.is_empty(), "no such blocks");
    found
}

/// The block of a language that begins with a comment with this path.
fn file(language: &str, path: &str) -> String {
    let found = blocks(language).into_iter().find(|(_, text)| text.starts_with(&format!("# {path}\n")));
    found.unwrap_or_else(|| panic!("no block for {path}")).1
}

fn toml(path: &str) -> DocumentMut {
    file("toml", path).parse().unwrap()
}

fn yaml(text: &str) -> Yaml<'_> {
    Yaml::load_from_str(text).unwrap().remove(0)
}

#[test]
fn all_are_valid() {
    for (page, text) in blocks("toml") {
        assert!(text.parse::<DocumentMut>().is_ok(), "{page}:\n{text}");
    }
    for (page, text) in blocks("json") {
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{page}:\n{text}");
    }
    for (page, text) in blocks("yaml") {
        assert!(Yaml::load_from_str(&text).is_ok(), "{page}:\n{text}");
    }
}

#[test]
fn editors_start_the_server() {
    let folder = Folder::new("snippets-editors", &[("presets/a.toml", GOOD)]);
    assert_eq!(run_in(&folder.0, &["lsp", "--help"], b"").status, 0);
    let helix = toml(".config/helix/languages.toml");
    let server = &helix["language-server"]["promql-presets"];
    assert_eq!(server["command"].as_str(), Some("promql-presets"));
    assert_eq!(server["args"].as_array().unwrap().to_string().trim(), "[\"lsp\"]");
    let language = helix["language"].as_array_of_tables().unwrap().get(0).unwrap();
    let servers = language["language-servers"].as_array().unwrap();
    assert!(servers.iter().any(|name| name.as_str() == Some("promql-presets")));

    let package = blocks("json").into_iter().find(|(_, text)| text.contains("vscode")).unwrap().1;
    let package: Value = serde_json::from_str(&package).unwrap();
    let script = &blocks("js")[0].1;
    assert_eq!(package["main"], "./extension.js");
    assert!(package["dependencies"]["vscode-languageclient"].is_string());
    assert_eq!(package["activationEvents"], serde_json::json!(["onLanguage:toml"]));
    // Without another extension for TOML, the editor opens the files as plain text.
    assert_eq!(package["contributes"]["languages"][0]["id"], "toml");
    assert!(script.contains("require(\"vscode-languageclient/node\")"));
    assert!(script.contains("{ command: \"promql-presets\", args: [\"lsp\"] }"));

    let zed = toml("extension.toml");
    let servers = zed["language_servers"].as_table().unwrap();
    assert_eq!(servers.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["promql-presets"]);
    // `cargo xtask test` compiles the extension in this folder.
    let in_folder = |path: &str| fs::read_to_string(root().join("editors/zed").join(path)).unwrap();
    assert_eq!(file("toml", "extension.toml"), format!("# extension.toml\n{}", in_folder("extension.toml")));
    assert_eq!(file("toml", "Cargo.toml"), format!("# Cargo.toml\n{}", in_folder("Cargo.toml")));
    let code = blocks("rust").into_iter().find(|(_, text)| text.contains("zed_extension_api")).unwrap().1;
    assert_eq!(code, format!("// src/lib.rs\n{}", in_folder("src/lib.rs")));
}

#[test]
fn taplo_finds_schemas() {
    let rules = toml(".taplo.toml");
    let mut found = Vec::new();
    for rule in rules["rule"].as_array_of_tables().unwrap() {
        let path = rule["schema"]["path"].as_str().unwrap();
        let base = REPOSITORY.replace("https://github.com/", "https://raw.githubusercontent.com/") + "/main/";
        let schema = fs::read_to_string(root().join(path.strip_prefix(&base).unwrap())).unwrap();
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let include = rule["include"].as_array().unwrap().get(0).unwrap().as_str().unwrap();
        found.push((include.to_owned(), schema["title"].as_str().unwrap().to_owned()));
    }
    let expected = [
        ("**/presets/**/*.toml", "preset file"),
        ("**/promql.toml", "promql.toml"),
        ("**/metrics.toml", "metrics.toml"),
    ];
    assert_eq!(found, expected.map(|(include, title)| (include.to_owned(), title.to_owned())));
}

#[test]
fn pre_commit_names_hooks() {
    let text = file("yaml", ".pre-commit-config.yaml");
    let config = yaml(&text);
    let repository = &config.as_mapping_get("repos").unwrap().as_vec().unwrap()[0];
    let field = |yaml: &Yaml<'_>, name: &str| yaml.as_mapping_get(name).and_then(Yaml::as_str).unwrap().to_owned();
    assert_eq!(field(repository, "repo"), REPOSITORY);
    assert_eq!(field(repository, "rev"), concat!("v", env!("CARGO_PKG_VERSION")));
    let ids = |hooks: &Yaml<'_>| hooks.as_vec().unwrap().iter().map(|hook| field(hook, "id")).collect::<Vec<_>>();
    let hooks = fs::read_to_string(root().join(".pre-commit-hooks.yaml")).unwrap();
    assert_eq!(ids(repository.as_mapping_get("hooks").unwrap()), ids(&yaml(&hooks)));
}

#[test]
fn the_commands_of_ci_succeed() {
    let text = file("yaml", ".github/workflows/presets.yml");
    let workflow = yaml(&text);
    let jobs = workflow.as_mapping_get("jobs").unwrap().as_mapping_get("presets").unwrap();
    let steps = jobs.as_mapping_get("steps").unwrap().as_vec().unwrap();
    let runs = steps.iter().filter_map(|step| step.as_mapping_get("run")?.as_str());
    let good = GOOD.replace(")(", ") (");
    let folder = Folder::new("snippets-ci", &[("presets/http.toml", &good)]);
    let mut count = 0;
    for command in runs.filter_map(|run| run.strip_prefix("promql-presets ")) {
        let run = run_in(&folder.0, &command.split(' ').collect::<Vec<_>>(), b"");
        assert_eq!(run.status, 0, "{command}: {}{}", run.out, run.err);
        count += 1;
    }
    assert_eq!(count, 3);
}
