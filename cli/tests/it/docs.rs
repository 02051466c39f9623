//! The documentation: all that the README and the pages of `docs/` show is run.
//!
//! The blocks of a page take effect in order, in a folder of the page's own:
//!
//! - A block that begins with a comment with a path, `# presets/http.toml` or `// src/main.rs`, is written to that file.
//!   JSON has no comments, so its block is named after the language: `json dashboard.json`.
//! - Lines of a `console` block that begin with `$ ` are commands of a shell, and the lines below each are its output. There,
//!   `...` stands for any text, and alone on a line for any lines. If a picture follows the block, it shows the output of the
//!   last command.
//! - `promql` blocks are parsed, and blocks of Rust without a path are doc tests.
//!
//! `http://localhost:9090` is a Prometheus with the data of [`promql_presets_test_support::docs`], and
//! `http://localhost:8080/metrics` the page of its metrics. [`NOW`] is the time of queries and the end of ranges without a
//! time of their own. `UPDATE_SNAPSHOTS=1` writes the output of commands into the pages.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io, thread};

use promql_presets_test_support::{Tool, docs};

use crate::page::Page as MetricsPage;
use crate::picture;
use crate::{Folder, lines, run_in};

/// The beginnings of commands that are not run: they need a registry or an editor, or run these tests.
const NOT_RUN: [&str; 5] = ["cargo install ", "cargo xtask ", "npm ", "npx ", "code "];

/// The time at the end of the data.
const NOW: &str = "2026-01-31T12:00:00Z";

/// Where doc tests include pages.
const DOC_TESTS: [&str; 2] = ["src/lib.rs", "testing/src/lib.rs"];

/// Whether to write the output of commands into the pages.
fn is_update() -> bool {
    let update = env::var_os("UPDATE_SNAPSHOTS").is_some();
    assert!(!update || env::var_os("CI").is_none(), "snapshots are not updated on CI");
    update
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The pages by their paths in the repository.
fn pages() -> Vec<(String, String)> {
    let files = fs::read_dir(root().join("docs")).unwrap().map(|file| file.unwrap().file_name());
    let mut names: Vec<String> = files.map(|name| format!("docs/{}", name.to_str().unwrap())).collect();
    names.retain(|name| Path::new(name).extension().is_some_and(|extension| extension == "md"));
    names.sort();
    names.insert(0, "README.md".to_owned());
    let read = |name: String| {
        let text = fs::read_to_string(root().join(&name)).unwrap();
        (name, text)
    };
    names.into_iter().map(read).collect()
}

/// The servers of the pages: the address on a page, and the real one.
struct Servers(Vec<(&'static str, String)>);

impl Servers {
    fn to_real(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (shown, real)| text.replace(shown, real))
    }

    fn to_shown(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (shown, real)| text.replace(real, shown))
    }
}

#[test]
fn pages_show_what_happens() {
    let Some(prometheus) = docs::prometheus().unwrap() else { return };
    let metrics = MetricsPage::serve(docs::METRICS);
    let servers = Servers(vec![
        ("http://localhost:9090", prometheus.url().to_owned()),
        ("http://localhost:8080/metrics", metrics.url()),
    ]);
    let run = |(name, text): &(String, String)| {
        let folder =
            Folder::new(&format!("docs-{}", name.replace('/', "-")), &[(".cargo/config.toml", &cargo_config())]);
        let mut page = Page {
            name,
            folder: fs::canonicalize(&folder.0).unwrap(),
            root: fs::canonicalize(&folder.0).unwrap(),
            variables: Vec::new(),
            servers: &servers,
            written: String::new(),
            faults: Vec::new(),
        };
        page.run(text);
        page.check();
        if is_update() && page.written != *text {
            fs::write(root().join(name), &page.written).unwrap();
        }
        page.faults
    };
    let faults: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = pages().into_iter().map(|page| scope.spawn(move || run(&page))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(faults.is_empty(), "{}\n`UPDATE_SNAPSHOTS=1` writes what commands print", faults.join("\n"));
}

/// Crates of pages use this workspace, and no registry.
fn cargo_config() -> String {
    let root = root().canonicalize().unwrap();
    let patch = |name, folder| format!("[patch.crates-io.{name}]\npath = '{}'\n", root.join(folder).display());
    ["[net]\noffline = true\n".to_owned(), patch("promql-presets", ""), patch("promql-presets-compiler", "compiler")]
        .concat()
}

struct Page<'a> {
    name: &'a str,
    /// The folder of the next command.
    folder: PathBuf,
    root: PathBuf,
    /// The variables that commands have exported.
    variables: Vec<(String, String)>,
    servers: &'a Servers,
    /// The text of the page with the output of commands.
    written: String,
    faults: Vec<String>,
}

impl Page<'_> {
    fn run(&mut self, text: &str) {
        let all = lines(text);
        let mut at = 0;
        while at < all.len() {
            self.write(all[at]);
            let Some(info) = all[at].strip_prefix("```") else {
                at += 1;
                continue;
            };
            let start = at + 1;
            let end = start + all[start..].iter().position(|line| *line == "```").unwrap();
            let after = all[end + 1..].iter().find(|line| !line.is_empty());
            let picture = after.and_then(|line| line.strip_prefix("![")?.strip_suffix(".svg)")?.split_once("]("));
            let picture = picture.map(|(_, path)| root().join(self.name).parent().unwrap().join(format!("{path}.svg")));
            self.block(start, info, &all[start..end], picture.as_deref());
            self.write("```");
            at = end + 1;
        }
    }

    /// Checks the preset files that a page has written. Only that of the README has a mistake.
    fn check(&mut self) {
        let root = self.root.clone();
        if self.name != "README.md" && root.join("presets").exists() {
            let checked = run_in(&root, &["check", "--deny-warnings"], b"");
            if checked.status != 0 {
                self.fault(0, &format!("its preset files have findings:\n{}", checked.out));
            }
        }
    }

    fn write(&mut self, line: &str) {
        self.written.extend([line, "\n"]);
    }

    fn write_all(&mut self, lines: &[&str]) {
        for line in lines {
            self.write(line);
        }
    }

    fn fault(&mut self, line: usize, what: &str) {
        self.faults.push(format!("{}:{}: {what}", self.name, line + 1));
    }

    fn block(&mut self, start: usize, info: &str, block: &[&str], picture: Option<&Path>) {
        let (language, name) = info.split_once(' ').map_or((info, None), |(language, name)| (language, Some(name)));
        if language == "console" {
            return self.commands(start, block, picture);
        }
        self.write_all(block);
        let text = block.join("\n") + "\n";
        let comment = block.first().and_then(|line| line.strip_prefix("# ").or_else(|| line.strip_prefix("// ")));
        let is_path = |name: &&str| !name.contains(' ') && name.contains('.');
        match (language, name.or(comment.filter(is_path))) {
            (_, Some(name)) => {
                let path = self.folder.join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, self.servers.to_real(&text)).unwrap();
            }
            ("promql", None) => {
                let parsed = run_in(&self.folder, &["parse"], text.as_bytes());
                if parsed.status != 0 {
                    self.fault(start, &format!("not PromQL:\n{}", parsed.out));
                }
            }
            ("text", None) => {}
            (language, None) if language.starts_with("rust") && !language.contains("ignore") => {
                if !is_in_doc_tests(self.name) {
                    self.fault(start, "no doc test includes this page");
                }
            }
            _ => self.fault(start, "a block that is not run: begin it with a comment with the path of a file"),
        }
    }

    fn commands(&mut self, start: usize, block: &[&str], picture: Option<&Path>) {
        let mut at = 0;
        while at < block.len() {
            let line = start + at;
            let Some(mut command) = block[at].strip_prefix("$ ").map(str::to_owned) else {
                return self.fault(line, "not a command");
            };
            self.write(block[at]);
            while command.ends_with('\\') {
                at += 1;
                self.write(block[at]);
                command = format!("{}\n{}", command, block[at]);
            }
            let shown: Vec<&str> = block[at + 1..].iter().take_while(|line| !line.starts_with("$ ")).copied().collect();
            at += 1 + shown.len();
            let drawn = picture.filter(|_| at == block.len());
            let printed = self.command(&command, drawn.is_some());
            let printed = lines(&printed);
            if let Some(path) = drawn {
                self.draw(line, path, &printed);
                continue;
            }
            if matches(&shown, &printed) {
                self.write_all(&shown);
                continue;
            }
            self.fault(line, &format!("`{command}` prints:\n{}", printed.join("\n")));
            self.write_all(&printed);
        }
    }

    fn draw(&mut self, line: usize, path: &Path, printed: &[&str]) {
        let svg = picture::svg(printed);
        if fs::read_to_string(path).is_ok_and(|old| old == svg) {
            return;
        }
        self.fault(line, &format!("{} is another picture", path.display()));
        if is_update() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, svg).unwrap();
        }
    }

    /// The output of a command on both streams.
    fn command(&mut self, command: &str, in_colors: bool) -> String {
        if NOT_RUN.iter().any(|prefix| command.starts_with(prefix)) {
            return String::new();
        }
        if let Some(folder) = command.strip_prefix("cd ") {
            self.folder.push(folder);
            return String::new();
        }
        if let Some((name, value)) = command.strip_prefix("export ").and_then(|rest| rest.split_once('=')) {
            self.variables.push((name.to_owned(), self.servers.to_real(value)));
            return String::new();
        }
        let (mut output, input) = io::pipe().unwrap();
        let mut shell = Command::new("sh");
        let command = &at_fixed_time(command);
        let colored = command.replacen("promql-presets", "promql-presets --color always", 1);
        let command = if in_colors { &colored } else { command };
        shell.arg("-c").arg(self.servers.to_real(command)).current_dir(&self.folder);
        let programs = Path::new(env!("CARGO_BIN_EXE_promql-presets")).parent().unwrap();
        let path = env::var_os("PATH").unwrap_or_default();
        shell.env("PATH", env::join_paths([programs.to_owned()].into_iter().chain(env::split_paths(&path))).unwrap());
        if let Some(promtool) = Tool::find(Tool::Promtool).unwrap() {
            shell.env(Tool::Promtool.variable(), promtool);
        }
        shell.env("TZ", "UTC").env("CARGO_TERM_COLOR", "never").env_remove("RUSTFLAGS").env_remove("PROMETHEUS_URL");
        shell.envs(self.variables.iter().map(|(name, value)| (name, value)));
        // The folder of other tests, so that dependencies are built once.
        shell.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("services"));
        let stderr = input.try_clone().unwrap();
        let mut child = shell.stdin(Stdio::null()).stdout(input).stderr(stderr).spawn().unwrap();
        drop(shell);
        let mut printed = String::new();
        output.read_to_string(&mut printed).unwrap();
        child.wait().unwrap();
        if let Some(new) = command.strip_prefix("cargo new ").and_then(|rest| rest.split(' ').next_back()) {
            fs::copy(root().join("Cargo.lock"), self.folder.join(new).join("Cargo.lock")).unwrap();
        }
        self.servers.to_shown(&printed).replace(&format!("{}/", self.root.display()), "")
    }
}

/// Adds the time to a command that queries a server.
fn at_fixed_time(command: &str) -> String {
    let commands = ["promql-presets query ", "promql-presets verify", "promql-presets explain "];
    let is_query = commands.iter().any(|prefix| command.starts_with(prefix));
    if !is_query
        || (command.contains("explain") && !command.contains("--url"))
        || ["--at ", "--start "].iter().any(|option| command.contains(option))
    {
        return command.to_owned();
    }
    let range = format!("--start 2026-01-31T06:00:00Z --end {NOW}");
    if command.contains("--range 6h") {
        return command.replace("--range 6h", &range);
    }
    format!("{command} --at {NOW}")
}

/// Whether lines of a page show the output of a command.
fn matches(shown: &[&str], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((&"...", rest)) => (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..])),
        Some((line, rest)) => {
            printed.split_first().is_some_and(|(first, others)| line_matches(line, first) && matches(rest, others))
        }
    }
}

fn line_matches(shown: &str, printed: &str) -> bool {
    let Some((first, rest)) = shown.split_once("...") else { return shown == printed };
    let Some(printed) = printed.strip_prefix(first) else { return false };
    (0..=printed.len()).any(|at| printed.is_char_boundary(at) && line_matches(rest, &printed[at..]))
}

/// Whether the doc tests of a crate include a page.
fn is_in_doc_tests(page: &str) -> bool {
    let included = |file: &str| fs::read_to_string(root().join(file)).unwrap().contains(&format!("{page}\")"));
    DOC_TESTS.iter().any(|file| included(file))
}

/// The sections of a page by their headings, each with its text up to the next heading.
fn sections(page: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join(page)).unwrap();
    let mut sections: Vec<(String, String)> = Vec::new();
    let mut is_block = false;
    for line in lines(&text) {
        is_block ^= line.starts_with("```");
        match line.strip_prefix('#').filter(|_| !is_block) {
            Some(heading) => sections.push((heading.trim_start_matches('#').trim().to_owned(), String::new())),
            None => sections.last_mut().unwrap().1.extend([line, "\n"]),
        }
    }
    sections
}

fn section(page: &str, heading: &str) -> String {
    let found = sections(page).into_iter().find(|(own, _)| own == heading);
    assert!(found.is_some(), "{page} has no section {heading}");
    found.unwrap().1
}

/// The keys that the compiler names beside an unknown one.
fn known_keys(file: &str, text: &str) -> Vec<String> {
    let folder = Folder::new("docs-keys", &[("presets/a.toml", "[presets.a]\ntemplate = 'up{{{labels}}}'\n")]);
    fs::write(folder.0.join(file), text).unwrap();
    let found = run_in(&folder.0, &["check"], b"").out;
    let known = found.split("known keys are ").nth(1);
    assert!(known.is_some(), "{text}\n{found}");
    known.unwrap().lines().next().unwrap().split(", ").map(|key| key.trim_matches('`').to_owned()).collect()
}

#[test]
fn every_key_is_in_the_reference() {
    const PAGE: &str = "docs/preset-files.md";
    let preset = "[presets.a]\ntemplate = 'up{{{labels}}}'\n";
    let preset_keys = [
        ("The file", "unheard = 1\n".to_owned()),
        ("`[metric]`", "[metric]\nunheard = 1\n".to_owned()),
        ("`[labels]`", format!("[labels]\na = {{ unheard = 1 }}\n{preset}")),
        ("`[presets.NAME]`", format!("{preset}unheard = 1\n")),
        ("Parameters", format!("{preset}parameters = {{ a = {{ unheard = 1 }} }}\n")),
        ("Allow", format!("{preset}allow = [{{ unheard = 1 }}]\n")),
        ("Tests", format!("{preset}[[presets.a.tests]]\nunheard = 1\n")),
    ];
    let settings_keys = [
        ("`promql.toml`", "unheard = 1\n"),
        ("`[target]`", "[target]\nunheard = 1\n"),
        ("`[defaults]`", "[defaults]\nunheard = 1\n"),
        ("`[checks]`", "[checks]\nraw-counter = { unheard = 1 }\n"),
        ("`[policy]`", "[policy]\nunheard = 1\n"),
        ("`[metrics]`", "[metrics]\nunheard = 1\n"),
    ];
    let all = preset_keys.iter().map(|(heading, text)| (*heading, "presets/a.toml", text.as_str()));
    let all = all.chain(settings_keys.iter().map(|(heading, text)| (*heading, "promql.toml", *text)));
    let all = all.chain([("`metrics.toml`", "metrics.toml", "[up]\nunheard = 1\n")]);
    for (heading, file, text) in all {
        let (known, section) = (known_keys(file, text), section(PAGE, heading));
        for key in &known {
            // The tables of the settings have sections of their own.
            let is_there = section.contains(&format!("\n| `{key}` |"))
                || (heading == "`promql.toml`" && sections(PAGE).iter().any(|(own, _)| *own == format!("`[{key}]`")));
            assert!(is_there, "{PAGE}: `{key}` is missing in the table of {heading}");
        }
        for (key, _) in section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |")) {
            assert!(known.iter().any(|it| it == key), "{PAGE}: {heading} has no key `{key}`");
        }
    }
}

#[test]
fn every_command_option_and_field_is_in_the_reference() {
    const PAGE: &str = "docs/command-line.md";
    let help = |command: &[&str]| run_in(&root(), &[command, &["--help"]].concat(), b"").out;
    let (top, common) = (help(&[]), section(PAGE, "Common to all commands"));
    let names = top.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    // Further lines of a description are indented more.
    let commands = names.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let commands = commands.filter(|name| !["", "help"].contains(name));
    for command in commands {
        let section = section(PAGE, &format!("`{command}`"));
        let own = if command == "schema" { help(&[command, "pull"]) } else { help(&[command]) };
        let options = own.lines().filter_map(|line| line.trim_start().strip_prefix("--")?.split([' ', ',']).next());
        for option in options.filter(|option| !["help", "format", "dir", "color", "url"].contains(option)) {
            let is_there = [&section, &common].iter().any(|text| text.contains(&format!("`--{option}")));
            assert!(is_there, "{PAGE}: `--{option}` of `{command}` is missing");
        }
        let objects = section.lines().filter(|line| line.starts_with("{\""));
        for object in objects.filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()) {
            for field in object.as_object().unwrap().keys() {
                let mut rows = section.lines().filter(|line| line.starts_with('|'));
                assert!(
                    rows.any(|row| row.contains(&format!("`{field}`"))),
                    "{PAGE}: `{field}` of `{command}` is missing"
                );
            }
        }
    }
}

#[test]
fn links_lead_somewhere() {
    for (page, text) in pages() {
        let folder = root().join(&page).parent().unwrap().to_owned();
        for target in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
            if file.contains("://") {
                continue;
            }
            let path = if file.is_empty() { root().join(&page) } else { folder.join(file) };
            assert!(path.exists(), "{page}: {target} does not exist");
            let Some(anchor) = anchor else { continue };
            let of = |heading: &str| {
                heading
                    .to_lowercase()
                    .replace(|c: char| !c.is_alphanumeric() && !" -_".contains(c), "")
                    .replace(' ', "-")
            };
            let name = path
                .canonicalize()
                .unwrap()
                .strip_prefix(root().canonicalize().unwrap())
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            assert!(
                sections(&name).iter().any(|(heading, _)| of(heading) == anchor),
                "{page}: no heading for {target}"
            );
        }
    }
}

#[test]
fn dots_stand_for_any_text() {
    assert!(matches(&["a", "...", "z"], &["a", "b", "c", "z"]) && matches(&["..."], &[]));
    assert!(matches(&["in ... ms, ..."], &["in 12 ms, 3 series"]) && matches(&["a..."], &["a"]));
    assert!(!matches(&["a"], &["a", "b"]) && !matches(&["in ... ms"], &["in 12 s"]) && !matches(&["a", "..."], &["b"]));
}
