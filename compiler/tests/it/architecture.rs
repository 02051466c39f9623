//! The rules of `ARCHITECTURE.md`, read from the imports and manifests of all crates.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rows of a table of `ARCHITECTURE.md` that starts after a text, each as the cells without backticks.
fn table(after: &str) -> Vec<Vec<String>> {
    let page = fs::read_to_string(workspace().join("ARCHITECTURE.md")).unwrap();
    let (_, rest) = page.split_once(after).unwrap_or_else(|| panic!("ARCHITECTURE.md does not say {after:?}"));
    let rows =
        rest.lines().skip_while(|line| !line.starts_with("|--")).skip(1).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
    rows.map(cells).collect()
}

fn list(cell: &str) -> Vec<String> {
    cell.split(", ").map(str::to_owned).collect()
}

/// The modules of a crate from top to bottom. Each may use those below it, but none on its own line.
fn modules(crate_and_folder: &str) -> Vec<Vec<String>> {
    table(crate_and_folder).iter().map(|row| list(&row[0])).collect()
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The source files of a crate: each module path with its code, without comments and unit tests.
struct Sources(BTreeMap<Vec<String>, String>);

impl Sources {
    fn read(folder: &Path) -> Self {
        let mut files = BTreeMap::new();
        add(folder, &mut Vec::new(), &mut files);
        Self(files)
    }

    /// The longest prefix of a path that is a module.
    fn module(&self, path: &[String]) -> Vec<String> {
        (1..=path.len()).rev().map(|end| path[..end].to_vec()).find(|it| self.0.contains_key(it)).unwrap_or_default()
    }

    /// The modules that each module names, through re-exports of the crate's root as well.
    fn imports(&self) -> Vec<(Vec<String>, Vec<String>)> {
        let root = paths(&[], &self.0[&Vec::new()]);
        let exported: BTreeMap<&String, &Vec<String>> =
            root.iter().filter_map(|path| Some((path.last()?, path))).collect();
        let mut found = BTreeSet::new();
        for (module, code) in self.0.iter().filter(|(module, _)| !module.is_empty()) {
            for path in paths(module, code) {
                let mut target = self.module(&path);
                if target.is_empty()
                    && let Some(path) = path.first().and_then(|name| exported.get(name))
                {
                    target = self.module(path);
                }
                if !target.is_empty() && target != *module {
                    found.insert((module.clone(), target));
                }
            }
        }
        found.into_iter().collect()
    }

    /// The files that contain one of some words.
    fn that_name(&self, words: &[&str]) -> Vec<String> {
        let names = |code: &str| words.iter().any(|word| code.contains(word));
        self.0.iter().filter(|(_, code)| names(code)).map(|(module, _)| module.join("::")).collect()
    }
}

fn add(folder: &Path, module: &mut Vec<String>, files: &mut BTreeMap<Vec<String>, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if stem == "tests" {
            continue;
        }
        if path.is_dir() {
            module.push(stem);
            add(&path, module, files);
            module.pop();
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let code: String = code.lines().map(|line| line.split("//").next().unwrap().to_owned() + "\n").collect();
        let own = matches!(stem.as_str(), "lib" | "main" | "mod");
        files.insert(module.iter().cloned().chain((!own).then_some(stem)).collect(), code);
    }
}

/// The paths below the crate's root that the code of a module names.
fn paths(module: &[String], code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    if module.is_empty() {
        for (at, word) in code.match_indices("use ") {
            let rest = &code[at + word.len()..];
            tree(rest.strip_prefix("crate::").unwrap_or(rest), &[], &mut found);
        }
        return found;
    }
    let is_inside = |at: usize| code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    for (at, word) in code.match_indices("crate::").filter(|(at, _)| !is_inside(*at)) {
        tree(&code[at + word.len()..], &[], &mut found);
    }
    for (at, _) in code.match_indices("super::").filter(|(at, _)| !is_inside(*at)) {
        let (mut rest, mut base) = (&code[at..], module);
        while let Some(after) = rest.strip_prefix("super::") {
            base = &base[..base.len().saturating_sub(1)];
            rest = after;
        }
        tree(rest, base, &mut found);
    }
    found
}

/// Reads a path, or all paths of `a::{b, c::d}`, and returns the text after it.
fn tree<'t>(text: &'t str, base: &[String], found: &mut Vec<Vec<String>>) -> &'t str {
    let mut path = base.to_vec();
    let mut text = text;
    loop {
        if let Some(mut inside) = text.strip_prefix('{') {
            loop {
                inside = inside.trim_start_matches([',', ' ', '\n']);
                match inside.strip_prefix('}') {
                    Some(after) => return after,
                    None if inside.is_empty() => return inside,
                    None => {
                        let rest = tree(inside, &path, found);
                        // `as name`, and whatever else stands before the next comma.
                        inside = &rest[rest.find([',', '}']).unwrap_or(rest.len())..];
                    }
                }
            }
        }
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        if end > 0 && &text[..end] != "self" {
            path.push(text[..end].to_owned());
        }
        text = &text[end..];
        match text.strip_prefix("::") {
            Some(after) if end > 0 => text = after,
            _ => break,
        }
    }
    found.push(path);
    text
}

/// Imports that do not point down.
fn upwards(sources: &Sources, lines: &[Vec<String>]) -> Vec<String> {
    let rank = |module: &[String]| {
        let line = lines.iter().position(|line| line.contains(&module[0]));
        line.unwrap_or_else(|| panic!("ARCHITECTURE.md does not list the module `{}`", module[0]))
    };
    let mut found: Vec<String> = Vec::new();
    for (module, target) in sources.imports() {
        if module[0] != target[0] && rank(&target) <= rank(&module) {
            found.push(format!("{} -> {}", module.join("::"), target.join("::")));
        }
    }
    found
}

/// Modules that use each other, directly or through others. A module and its submodules count as one.
fn circles(sources: &Sources) -> Vec<String> {
    let mut uses: BTreeMap<Vec<String>, BTreeSet<Vec<String>>> = BTreeMap::new();
    for (module, target) in sources.imports() {
        // The first modules on the two paths that differ.
        let common = module.iter().zip(&target).take_while(|(a, b)| a == b).count();
        if common < module.len() && common < target.len() {
            uses.entry(module[..=common].to_vec()).or_default().insert(target[..=common].to_vec());
        }
    }
    let reaches = |from: &Vec<String>, to: &Vec<String>| {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![from]);
        while let Some(module) = todo.pop() {
            for next in uses.get(module).into_iter().flatten() {
                if next == to {
                    return true;
                }
                if seen.insert(next) {
                    todo.push(next);
                }
            }
        }
        false
    };
    uses.keys().filter(|module| reaches(module, module)).map(|module| module.join("::")).collect()
}

#[test]
fn imports_are_found() {
    let module = ["a".to_owned(), "b".to_owned()];
    let code = "use crate::x::{y, z::{self, W as V}};\nuse super::c::D;\nuse super::super::e;\nlet f = crate::g::h(1);\n\
                use other::crate_::i; pub(crate) use j::k; $crate::l::m!()";
    let found: BTreeSet<String> = paths(&module, code).iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["x::y", "x::z", "x::z::W", "a::c::D", "e", "g::h", "l::m"].map(str::to_owned).into());
}

#[test]
fn circles_are_found() {
    let files = [("", "mod a; mod b;"), ("a", "use crate::b;"), ("b", ""), ("b::c", "use super::d::e;"), ("b::d", "")];
    let sources = |files: &[(&str, &str)]| {
        let path = |module: &str| module.split("::").filter(|it| !it.is_empty()).map(str::to_owned).collect();
        Sources(files.iter().map(|(module, code)| (path(module), (*code).to_owned())).collect())
    };
    assert_eq!(circles(&sources(&files)), [""; 0]);
    assert_eq!(upwards(&sources(&files), &[vec!["b".to_owned()], vec!["a".to_owned()]]), ["a -> b"]);
    let mut files = files.to_vec();
    files[4].1 = "use crate::b::c::F;";
    assert_eq!(circles(&sources(&files)), ["b::c", "b::d"]);
    files[2].1 = "use crate::a;";
    assert_eq!(circles(&sources(&files)), ["a", "b", "b::c", "b::d"]);
}

#[test]
fn arrows_point_down() {
    for (name, folder) in [("compiler", "compiler/src"), ("runtime", "src"), ("command line", "cli/src")] {
        let sources = Sources::read(&workspace().join(folder));
        let lines = modules(&format!("The {name}, `{folder}/`:"));
        assert_eq!(upwards(&sources, &lines), [""; 0], "{folder}");
        let missing: Vec<&String> =
            lines.iter().flatten().filter(|it| !sources.0.contains_key(&[(*it).clone()][..])).collect();
        assert_eq!(missing, [""; 0], "{folder}");
    }
    for folder in ["compiler", "cli", "axum", "testing"] {
        assert_eq!(circles(&Sources::read(&workspace().join(folder).join("src"))), [""; 0], "{folder}");
    }
}

#[test]
fn dependencies_of_crates() {
    for row in table("## Crates") {
        let manifest = fs::read_to_string(workspace().join(&row[1]).join("Cargo.toml")).unwrap();
        assert!(manifest.contains(&format!("\nname = \"{}\"", row[0])), "{}", row[0]);
        let (_, dependencies) = manifest.split_once("\n[dependencies]\n").unwrap();
        let lines = dependencies.lines().take_while(|line| !line.starts_with('['));
        let entries = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_alphanumeric()));
        let mut names: Vec<&str> = entries.map(|line| line.split(['.', ' ', '=']).next().unwrap()).collect();
        names.sort_by_key(|name| (!name.starts_with("promql-presets"), *name));
        assert_eq!(names, list(&row[2]), "{}", row[0]);
    }
}

#[test]
fn the_compiler_is_a_pure_function() {
    let compiler = Sources::read(&workspace().join("compiler/src"));
    let outside = ["std::fs", "std::env", "std::io", "std::process", "std::net", "fs::", "env::"];
    assert_eq!(compiler.that_name(&outside), ["build", "discover"]);
    assert_eq!(compiler.that_name(&["std::thread"]), ["parallel"]);
    assert_eq!(compiler.that_name(&["std::time::Instant", "SystemTime"]), [""; 0]);
    assert_eq!(compiler.that_name(&["println!", "eprint!", "print!("]), ["build"]);
}

#[test]
fn lines_and_columns_are_computed_in_one_place() {
    let counting = [".matches('\\n')", "match_indices('\\n')", "lines().count()", "fn line_column"];
    for (folder, place) in [("compiler/src", &["diagnostic::source"][..]), ("macros/src", &[]), ("cli/src", &[])] {
        assert_eq!(Sources::read(&workspace().join(folder)).that_name(&counting), place, "{folder}");
    }
}

#[test]
fn foreign_crates_stay_in_their_rooms() {
    let compiler = Sources::read(&workspace().join("compiler/src"));
    assert_eq!(compiler.that_name(&["toml_parser"]), ["file::document"]);
    let runtime = Sources::read(&workspace().join("src"));
    assert_eq!(runtime.that_name(&["promql_presets_compiler"]), [""; 0]);
    let rooms = |word: &str| -> BTreeSet<String> {
        let named = runtime.that_name(&[word]);
        named.iter().map(|module| module.split("::").next().unwrap().to_owned()).collect()
    };
    assert_eq!(rooms("reqwest::"), ["client", "http"].map(str::to_owned).into());
    assert_eq!(rooms("hyper::"), ["http"].map(str::to_owned).into());
}
