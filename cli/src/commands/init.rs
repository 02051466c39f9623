//! `promql-presets init`: a folder of presets, and the lines of a crate that compile it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use promql_presets_compiler::discover;
use toml_edit::{DocumentMut, Item, TableLike, table, value};

use crate::failure::Failure;
use crate::json::Object;
use crate::output::{Format, print};

/// Adds a folder of presets to a crate, and what `cargo build` needs to compile it
///
/// Creates `presets/http.toml` as an example, `build.rs` and `src/presets.rs`, and adds the dependencies `promql-presets`
/// and `promql-presets-compiler` to `Cargo.toml`. Existing files and lines are kept; the report lists what is left to do by
/// hand.
///
/// Without a `Cargo.toml`, or with `--presets-only`, only the folder of presets is created. The other commands need nothing
/// else.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 on success, 2 if files could not be read or written

Example:
  promql-presets init my-service")]
pub(crate) struct Arguments {
    /// The folder of the crate; default: the current folder
    #[arg(value_name = "FOLDER", default_value = ".", hide_default_value = true)]
    folder: PathBuf,
    /// Create only the folder of presets, also in a crate
    #[arg(long)]
    presets_only: bool,
    /// The format of the report; `json` is one object per line, with file, action (`created`, `changed`, `kept`, `skipped` or `to do`)
    /// and note
    #[arg(long, default_value = "human")]
    format: Format,
}

const EXAMPLE: &str = include_str!("init/http.toml");

const BUILD_SCRIPT: &str = "\
//! Compiles the presets.

fn main() {
    promql_presets_compiler::build(\"presets\");
}
";

const MODULE: &str = "\
//! The presets of the folder `presets`: one module a file, and one constant a preset.

promql_presets::include_presets!();
";

/// The dependencies: the table of `Cargo.toml`, and the crate.
const DEPENDENCIES: [(&str, &str); 2] =
    [("dependencies", "promql-presets"), ("build-dependencies", "promql-presets-compiler")];

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Arguments { folder, presets_only, format } = arguments;
    let mut report = Report { root: folder, steps: Vec::new() };
    let manifest = folder.join("Cargo.toml");
    // Faults of the manifest are found before anything is written.
    let manifest = if *presets_only || !manifest.exists() { None } else { Some(Manifest::read(manifest)?) };
    report.presets()?;
    match manifest {
        Some(mut manifest) => {
            report.build_script(&manifest)?;
            report.module()?;
            report.dependencies(&mut manifest)?;
        }
        None if *presets_only => {}
        None => {
            report.add("Cargo.toml", Action::Skipped, "there is none, so only the folder of presets is needed");
        }
    }
    print(&report.text(*format))?;
    Ok(ExitCode::SUCCESS)
}

/// A `Cargo.toml`.
struct Manifest {
    path: PathBuf,
    document: DocumentMut,
}

impl Manifest {
    fn read(path: PathBuf) -> Result<Self, Failure> {
        let failed = |cause: String| Failure::new(format!("cannot read `{}`: {cause}", path.display()));
        let text = fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
        let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| failed(error.to_string()))?;
        if document.get("package").is_none_or(|package| !package.is_table_like()) {
            let failure = Failure::new(format!("`{}` has no `[package]`", path.display()));
            return Err(failure.help("run `init` in the folder of a package, or use `--presets-only`"));
        }
        Ok(Self { path, document })
    }

    /// A key of `[package]`.
    fn package(&self, key: &str) -> Option<&Item> {
        self.document.get("package")?.get(key)
    }
}

enum Action {
    Created,
    Changed,
    Kept,
    Skipped,
    ToDo,
}

impl Action {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Kept => "kept",
            Self::Skipped => "skipped",
            Self::ToDo => "to do",
        }
    }
}

/// A change of a file, or one that is left to do by hand.
struct Step {
    file: String,
    action: Action,
    note: String,
}

struct Report<'a> {
    root: &'a Path,
    steps: Vec<Step>,
}

impl Report<'_> {
    fn add(&mut self, file: &str, action: Action, note: impl Into<String>) {
        self.steps.push(Step { file: file.to_owned(), action, note: note.into() });
    }

    /// Writes a file that does not exist.
    fn create(&mut self, file: &str, text: &str, note: &str) -> Result<(), Failure> {
        let path = self.root.join(file);
        let parent = path.parent().unwrap_or(self.root);
        let written = fs::create_dir_all(parent).and_then(|()| fs::write(&path, text));
        written.map_err(|error| Failure::new(format!("cannot write `{}`: {error}", path.display())))?;
        self.add(file, Action::Created, note);
        Ok(())
    }

    /// The text of a file that may not exist.
    fn existing(&self, file: &str) -> Result<Option<String>, Failure> {
        let path = self.root.join(file);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path);
        text.map(Some).map_err(|error| Failure::new(format!("cannot read `{}`: {error}", path.display())))
    }

    fn presets(&mut self) -> Result<(), Failure> {
        let path = self.root.join("presets");
        if path.exists() {
            if !path.is_dir() {
                let failure = Failure::new(format!("`{}` is not a folder", path.display()));
                return Err(failure.help("move it away: the presets are files in a folder of this name"));
            }
            self.add("presets", Action::Kept, "exists");
            return Ok(());
        }
        self.create("presets/http.toml", EXAMPLE, "an example to change; `promql-presets check` checks it")
    }

    fn build_script(&mut self, manifest: &Manifest) -> Result<(), Failure> {
        let build = manifest.package("build");
        let name = build.and_then(Item::as_str).unwrap_or("build.rs");
        if build.and_then(Item::as_bool) == Some(false) {
            self.add("Cargo.toml", Action::ToDo, "`build = false` forbids build scripts: remove it");
        }
        match self.existing(name)? {
            None => self.create(name, BUILD_SCRIPT, "compiles `presets` with `cargo build`")?,
            Some(text) if text.contains("promql_presets_compiler::") => {
                self.add(name, Action::Kept, "compiles presets");
            }
            Some(_) => {
                self.add(name, Action::ToDo, "add `promql_presets_compiler::build(\"presets\");` to its `main`");
            }
        }
        Ok(())
    }

    fn module(&mut self) -> Result<(), Failure> {
        const NAME: &str = "src/presets.rs";
        const ROOTS: [&str; 2] = ["src/lib.rs", "src/main.rs"];
        let roots: Vec<&str> = ROOTS.into_iter().filter(|root| self.root.join(root).exists()).collect();
        let mut is_declared = false;
        for root in &roots {
            let text = self.existing(root)?.unwrap_or_default();
            if text.contains("include_presets!") {
                self.add(root, Action::Kept, "includes presets");
                return Ok(());
            }
            let declares = |line: &str| {
                line.trim_start().starts_with(['m', 'p'])
                    && ["mod presets;", "mod presets {"].iter().any(|it| line.contains(it))
            };
            is_declared |= text.lines().any(declares);
        }
        let mut module = None;
        for file in [NAME, "src/presets/mod.rs"] {
            module = module.or(self.existing(file)?.map(|text| (file, text)));
        }
        match module {
            None => self.create(NAME, MODULE, "the module of the presets")?,
            Some((file, text)) if text.contains("include_presets!") => self.add(file, Action::Kept, "includes presets"),
            Some((file, _)) => self.add(file, Action::ToDo, "add `promql_presets::include_presets!();`"),
        }
        if is_declared {
            return Ok(());
        }
        let root = roots.first().copied().unwrap_or("src/lib.rs");
        self.add(root, Action::ToDo, "add `mod presets;`, or `pub mod presets;` to make the presets public");
        Ok(())
    }

    fn dependencies(&mut self, manifest: &mut Manifest) -> Result<(), Failure> {
        let mut added = Vec::new();
        for (name, package) in DEPENDENCIES {
            let tables = manifest.document.as_table_mut();
            let dependencies = tables.entry(name).or_insert_with(table).as_table_like_mut();
            let Some(dependencies) = dependencies else {
                self.add("Cargo.toml", Action::ToDo, format!("add `{package}` to `[{name}]`, which is not a table"));
                continue;
            };
            if has(dependencies, package) {
                continue;
            }
            dependencies.insert(package, value(version()));
            added.push(format!("`{package}` to `[{name}]`"));
        }
        if added.is_empty() {
            self.add("Cargo.toml", Action::Kept, "has the dependencies");
            return Ok(());
        }
        let written = fs::write(&manifest.path, manifest.document.to_string());
        written.map_err(|error| Failure::new(format!("cannot write `{}`: {error}", manifest.path.display())))?;
        self.add("Cargo.toml", Action::Changed, format!("added {}", added.join(" and ")));
        Ok(())
    }

    fn text(&self, format: Format) -> String {
        let mut out = String::new();
        for step in &self.steps {
            let file = self.root.join(&step.file);
            let file = discover::slashes(file.strip_prefix(".").unwrap_or(&file));
            match format {
                Format::Json => {
                    let object = Object::open(&mut out).field("file", file).field("action", step.action.as_str());
                    object.field("note", step.note.as_str()).close();
                }
                Format::Human => _ = write!(out, "{:<7}  {file}: {}", step.action.as_str(), step.note),
            }
            out.push('\n');
        }
        out
    }
}

/// Whether a table of dependencies has a crate, also under another name.
fn has(dependencies: &dyn TableLike, package: &str) -> bool {
    let renamed = |item: &Item| item.get("package").and_then(Item::as_str) == Some(package);
    dependencies.iter().any(|(name, item)| name == package || renamed(item))
}

/// The version of this program's release, without the patch.
fn version() -> &'static str {
    concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"))
}
