//! The entry point for build scripts.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{env, fs, io, process};

use crate::backend::codegen;
use crate::diagnostic::emit;
use crate::vec_ext::{IntoVec, VecExt};
use crate::{Severity, SourceFile, compile, discover};

/// The names of the registries that this build script has written.
static WRITTEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Compiles the preset files of a folder for `promql_presets::include_presets!`.
///
/// This is all that a build script needs:
///
/// ```no_run
/// promql_presets_compiler::build("presets");
/// ```
///
/// The folder is relative to the package. Cargo runs the script again when a file in the folder is added, edited,
/// renamed or deleted, and when `metrics.toml` or `promql.toml` beside it changes. On systems without symbolic links,
/// such as Windows, a newly created `metrics.toml` or `promql.toml` is only noticed at the next change of another file.
/// Errors in presets become compile errors of the package; warnings are shown at each build. [`Build`] has settings.
///
/// # Exits
/// With status 1 if the file cannot be written, outside a build script, or if it is called twice.
pub fn build(folder: impl AsRef<Path>) {
    Build::new(folder).run();
}

/// Compiles the preset files of a folder, with settings.
///
/// ```no_run
/// use promql_presets_compiler::Build;
///
/// Build::new("presets").deny_warnings().run();
/// // A second folder, for `include_presets!("internal")`.
/// Build::new("internal_presets").name("internal").run();
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is compiled until `run` is called"]
pub struct Build {
    folder: PathBuf,
    name: String,
    deny_warnings: bool,
}

impl Build {
    /// Compiles a folder, which is relative to the package.
    pub fn new(folder: impl AsRef<Path>) -> Self {
        Self { folder: folder.as_ref().to_owned(), name: String::new(), deny_warnings: false }
    }

    /// Names the registry, for `include_presets!("name")`. A package with several registries names all but one of them.
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Turns warnings into errors.
    pub fn deny_warnings(mut self) -> Self {
        self.deny_warnings = true;
        self
    }

    /// Compiles the folder.
    ///
    /// # Exits
    /// With status 1 if the file cannot be written, outside a build script, or if a registry of this name was compiled
    /// before.
    #[expect(
        clippy::print_stdout,
        clippy::print_stderr,
        reason = "this is how a build script talks to Cargo and its user"
    )]
    pub fn run(self) {
        let variable = |name: &str| {
            env::var_os(name).map(PathBuf::from).ok_or(format!("`{name}` is not set: this runs in a build script"))
        };
        let warnings = self.check_name().and_then(|()| {
            let (package, out) = (variable("CARGO_MANIFEST_DIR")?, variable("OUT_DIR")?);
            for path in self.watched(&package, &out) {
                println!("cargo::rerun-if-changed={}", path.display());
            }
            self.write(&package, &out)
        });
        match warnings {
            Ok(warnings) => warnings.iter().flat_map(|warning| warning.lines()).for_each(|line| {
                println!("cargo::warning={line}");
            }),
            Err(message) => {
                eprintln!("promql-presets: {message}");
                process::exit(1);
            }
        }
    }

    fn check_name(&self) -> Result<(), String> {
        let name = &self.name;
        if !name.is_empty() && !promql_presets_core::name::is_classic_label(name) {
            return Err(format!("`{name}` is not a name of a registry: use letters, digits and `_`"));
        }
        let mut written = WRITTEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if written.contains(name) {
            let folder = self.folder.display();
            return Err(match name.as_str() {
                "" => format!(
                    "`build` is called twice in this build script, and `{folder}` would replace the presets before it; \
                     name one of them: `Build::new(\"{folder}\").name(\"...\").run()` for `include_presets!(\"...\")`"
                ),
                name => format!("two registries are named `{name}`"),
            });
        }
        written.push(name.clone());
        Ok(())
    }

    /// The paths whose changes Cargo must notice.
    fn watched(&self, package: &Path, out: &Path) -> Vec<PathBuf> {
        let paths = [SourceFile::METRICS, SourceFile::SETTINGS].map(|name| self.folder.join(name));
        let (mut watched, missing): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| package.join(path).exists());
        watched.push(self.folder.clone());
        let links = out.join(format!("{STEM}{}missing", self.name));
        let missing: Vec<PathBuf> = missing.iter().map(|path| package.join(path)).into_vec();
        watched.add_all(watch_missing(&links, &missing, &package.join(&self.folder)).is_ok().then_some(links));
        watched
    }

    /// Writes the generated files and returns the warnings.
    fn write(&self, package: &Path, out: &Path) -> Result<Vec<String>, String> {
        // `promql_presets.rs`, or `promql_presets.internal.rs`.
        let stem = if self.name.is_empty() { STEM.to_owned() } else { format!("{STEM}{}.", self.name) };
        let own = |text: &str| if self.name.is_empty() { text.to_owned() } else { text.replacen(STEM, &stem, 1) };
        let write = |name: &str, text: &str| {
            let path = out.join(own(name));
            fs::write(&path, text).map_err(|error| format!("cannot write `{}`: {error}", path.display()))
        };
        let write_code = |code: &str| {
            // Only errors name a file. Build scripts run without optimization.
            if self.name.is_empty() {
                return write(&format!("{STEM}rs"), code);
            }
            let is_error = |line: &str| line.starts_with("::core::compile_error!(");
            let lines = code.split_inclusive('\n').map(|line| if is_error(line) { own(line) } else { line.to_owned() });
            write(&format!("{STEM}rs"), &lines.collect::<String>())
        };
        let shown = discover::shown_folder(package, &self.folder);
        let files = match discover::discover(&package.join(&self.folder), &shown) {
            Ok(files) => files,
            Err(error) => {
                let help = match error.error.kind() {
                    io::ErrorKind::NotFound => {
                        format!("\n\n  = help: create the folder `{shown}`, or name another one in `build.rs`")
                    }
                    _ => String::new(),
                };
                write(codegen::ERRORS, &format!("{error}{help}"))?;
                write_code(&codegen::generate(&crate::backend::registry::Registry::default(), &[], true))?;
                return Ok(Vec::new());
            }
        };
        let mut output = compile(&files);
        let warnings: Vec<_> =
            output.findings.iter().filter(|finding| finding.diagnostic.severity == Severity::Warning).into_vec();
        let shown = emit::each(&files, &warnings, |messages, warning| {
            let text = if self.deny_warnings {
                return messages.untitled(&warning.diagnostic);
            } else {
                messages.full(&warning.diagnostic)
            };
            // One line for tools, then the full message without its title and place.
            let rest: Vec<&str> = text.lines().skip(2).filter(|line| !line.is_empty()).into_vec();
            format!("{}\n{}", messages.short(&warning.diagnostic), rest.join("\n"))
        });
        if self.deny_warnings {
            if output.errors.is_empty() && !shown.is_empty() {
                output.code.push_str(&codegen::compile_error());
            }
            output.errors.add_all(shown.iter().cloned());
        }
        if !output.errors.is_empty() {
            // rustc writes the first `error: ` and indents all lines but the first.
            write(codegen::ERRORS, &output.errors.join("\n\nerror: "))?;
        }
        write_code(&output.code)?;
        Ok(if self.deny_warnings { Vec::new() } else { shown })
    }
}

/// Makes a folder of links to files that do not exist. Cargo would run the script at each build if it was given the path
/// of a missing file, but it skips broken links in a folder, and sees the file behind a link as soon as it exists.
fn watch_missing(links: &Path, files: &[PathBuf], older: &Path) -> io::Result<()> {
    if links.exists() {
        fs::remove_dir_all(links)?;
    }
    fs::create_dir(links)?;
    for file in files {
        link(file, links.join(file.file_name().unwrap_or_default()))?;
    }
    // Cargo counts a path as changed if it is newer than the start of the script.
    fs::File::open(links)?.set_modified(fs::metadata(older)?.modified()?)
}

#[cfg(unix)]
use std::os::unix::fs::symlink as link;

/// Other systems require privileges for links. There, a new file is noticed at the next change of another one.
#[cfg(not(unix))]
fn link(_: impl AsRef<Path>, _: impl AsRef<Path>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// How the names of generated files start.
const STEM: &str = "promql_presets.";

#[cfg(test)]
mod tests {
    use super::*;

    /// A package with preset files, and its output.
    fn built(test: &str, build: &Build, files: &[(&str, &str)]) -> (Vec<String>, PathBuf) {
        let package = env::temp_dir().join(format!("promql-presets-build-{test}-{}", process::id()));
        for (name, text) in files {
            let path = package.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let out = package.join("out");
        fs::create_dir_all(&out).unwrap();
        (build.write(&package, &out).unwrap(), out)
    }

    const WARNED: &str = "[presets.up]\ntemplate = 'up{{{labels}}}'\n\
        allow = [{ check = \"unfiltered-selector\", reason = \"none\" }]\n";

    #[test]
    fn warnings_have_a_line_for_tools_and_a_caret() {
        let (warnings, out) = built("warned", &Build::new("presets"), &[("presets/a.toml", WARNED)]);
        let [warning] = &warnings[..] else { panic!("{warnings:?}") };
        assert!(warning.starts_with("presets/a.toml:3:20: warning: "), "{warning}");
        assert!(warning.lines().next().unwrap().ends_with("[unused-allow]"), "{warning}");
        assert!(warning.contains("^^^^ no such finding in this preset"), "{warning}");
        assert!(!fs::read_to_string(out.join("promql_presets.rs")).unwrap().contains("compile_error"));
        fs::remove_dir_all(out.parent().unwrap()).unwrap();
    }

    #[test]
    fn warnings_can_be_denied_in_a_named_registry() {
        let build = Build::new("presets").name("internal").deny_warnings();
        let bad = "[presets.b]\ntemplate = 'up{{{label}}}'\n";
        let (warnings, out) = built("denied", &build, &[("presets/a.toml", WARNED), ("presets/b.toml", bad)]);
        assert_eq!(warnings, [""; 0]);
        let code = fs::read_to_string(out.join("promql_presets.internal.rs")).unwrap();
        let name = "promql_presets.internal.errors.txt";
        assert_eq!(code.matches(&format!("compile_error!(::core::include_str!(\"{name}\"))")).count(), 1, "{code}");
        let errors = fs::read_to_string(out.join(name)).unwrap();
        assert!(errors.starts_with("unknown placeholder `label`"), "{errors}");
        assert!(errors.contains("\n\nerror: `allow` of `unfiltered-selector`"), "{errors}");
        fs::remove_dir_all(out.parent().unwrap()).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn cargo_notices_new_files_beside_the_folder() {
        let (_, out) = built("watched", &Build::new("presets"), &[("presets/a.toml", ""), ("promql.toml", "")]);
        let package = out.parent().unwrap();
        let watched = || Build::new("presets").watched(package, &out);
        let links = out.join("promql_presets.missing");
        assert_eq!(watched(), [Path::new("presets/../promql.toml"), Path::new("presets"), &links]);
        let link = links.join("metrics.toml");
        assert!(link.is_symlink() && !link.exists() && !links.join("promql.toml").is_symlink());
        let modified = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
        assert_eq!(modified(&links), modified(&package.join("presets")), "not newer than the script's start");
        fs::write(package.join("metrics.toml"), "").unwrap();
        assert!(link.exists());
        assert!(watched().contains(&PathBuf::from("presets/../metrics.toml")) && !link.exists());
        fs::remove_dir_all(package).unwrap();
    }

    #[test]
    fn a_registry_is_written_once() {
        let twice = Build::new("twice").name("once");
        assert_eq!(twice.check_name(), Ok(()));
        assert_eq!(twice.check_name(), Err("two registries are named `once`".to_owned()));
        assert!(Build::new("x").name("a b").check_name().is_err());
        let unnamed = Build::new("more_presets");
        assert_eq!(unnamed.check_name(), Ok(()));
        assert!(unnamed.check_name().unwrap_err().contains("`build` is called twice"));
    }
}
