//! Provides the servers: those of the machine, or else Debian's packages, unpacked below `target`.
//!
//! Unpacking a package needs no root, asks no questions and starts no service; `cargo clean` undoes it. The newest
//! release that the machine's mirror carries and the machine's own release are both fetched: tests and the demo run on
//! the newest servers, and the live tests once more on the oldest.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use promql_presets_test_support::{Release, Tool};

use crate::Error;

/// Debian releases that may be newer than the machine's own, newest first.
const NEWER: [&str; 2] = ["forky", "trixie"];

const PACKAGES: [&str; 2] = ["prometheus", "victoria-metrics"];

/// The file below a release's folder that lists its packages with their versions.
const VERSIONS: &str = "versions";

const KEYRING: &str = "usr/share/keyrings/debian-archive-keyring.gpg";

/// Makes sure that [`Tool::find`] finds all of these, and prints which versions run.
pub(crate) fn provide(tools: &[Tool]) -> Result<(), Error> {
    let is_fetched =
        |tool: &&Tool| tool.find().is_ok_and(|path| path.is_none_or(|path| path.starts_with(Tool::fetched())));
    if tools.iter().any(|tool| is_fetched(&tool)) && !versions(Release::Newest).exists() {
        println!("fetching the servers of the newest Debian release on this machine's mirror");
        if let Err(error) = fetch(Release::Newest) {
            println!("cannot fetch newer servers ({error}); falling back to those of this machine's release");
        }
    }
    if tools.iter().any(|tool| tool.find().is_ok_and(|path| path.is_none())) {
        provide_oldest()?;
    }
    for tool in tools {
        let path = tool.find()?.ok_or_else(|| help("the packages do not contain it"))?;
        run(Command::new(&path).arg("--version")).map_err(|error| help(&error))?;
        println!("{tool}: {}", path.display());
    }
    for release in [Release::Newest, Release::Oldest] {
        print_versions(release);
    }
    Ok(())
}

/// Fetches the packages of the machine's own release, if they are not there yet.
pub(crate) fn provide_oldest() -> Result<(), Error> {
    if versions(Release::Oldest).exists() {
        return Ok(());
    }
    println!("fetching the servers of this machine's release");
    fetch(Release::Oldest).map_err(|error| help(&error))?;
    print_versions(Release::Oldest);
    Ok(())
}

fn print_versions(release: Release) {
    if let Ok(text) = fs::read_to_string(versions(release)) {
        println!("{release}: {}", text.trim_end());
    }
}

fn versions(release: Release) -> PathBuf {
    release.folder().join(VERSIONS)
}

fn help(error: &str) -> Error {
    let variables: Vec<_> = Tool::ALL.iter().map(|tool| tool.variable()).collect();
    format!(
        "cannot fetch the packages {}: {error}\n\n\
         Install `prometheus`, `promtool`, `victoria-metrics` and `vmauth` on PATH, or set {} to their files.",
        PACKAGES.join(" and "),
        variables.join(", "),
    )
    .into()
}

/// Downloads and unpacks a release's packages. The release's folder appears only when it is complete.
fn fetch(release: Release) -> Result<(), String> {
    let work = Tool::fetched().join("work");
    // An interrupted run may have left some.
    let _ = fs::remove_dir_all(&work);
    make_folder(&work)?;
    let outcome = match release {
        Release::Newest => download_newest(&work),
        Release::Oldest => Apt::of_machine(&work).and_then(|apt| apt.download(&PACKAGES)),
    };
    let outcome = outcome.and_then(|packages| install(&packages, &work, &release.folder()));
    let _ = fs::remove_dir_all(&work);
    outcome
}

/// Downloads from the newest release that has all packages and whose signature is valid.
fn download_newest(work: &Path) -> Result<PathBuf, String> {
    let own = Apt::of_machine(work)?;
    let codename = codename()?;
    let mirrors = own.mirrors(&codename)?;
    let mut errors = Vec::new();
    for suite in NEWER.into_iter().take_while(|suite| *suite != codename) {
        for mirror in &mirrors {
            match download_suite(&own, work, mirror, suite) {
                Ok(folder) => return Ok(folder),
                Err(error) => errors.push(format!("{suite}: {}", error.lines().next().unwrap_or_default())),
            }
        }
    }
    Err(if errors.is_empty() { "the mirror has no newer release".to_owned() } else { errors.join("; ") })
}

/// Downloads from one release, verified with the machine's keys. A machine that was installed before the release's key
/// existed gets the key from the package of keys in its own release, which its own keys verify.
fn download_suite(own: &Apt, work: &Path, mirror: &str, suite: &str) -> Result<PathBuf, String> {
    let apt = Apt::of_suite(&work.join(suite), mirror, suite)?;
    if let Err(error) = apt.trust(&Path::new("/").join(KEYRING)).and_then(|()| apt.update()) {
        if !error.contains("is not signed") {
            return Err(error);
        }
        let keys = work.join("keys");
        unpack(&own.download(&["debian-archive-keyring"])?, &keys)?;
        apt.trust(&keys.join(KEYRING))?;
        apt.update()?;
    }
    let mut packages = PACKAGES.to_vec();
    if apt.has("promtool") {
        packages.push("promtool");
    }
    apt.download(&packages)
}

/// The codename of the machine's release.
fn codename() -> Result<String, String> {
    let text =
        fs::read_to_string("/etc/os-release").map_err(|error| format!("cannot read /etc/os-release: {error}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    Ok(line.ok_or("/etc/os-release has no codename")?.trim_matches('"').to_owned())
}

/// `apt-get` with sources, lists and caches of its own, or with those of the machine.
struct Apt {
    folder: PathBuf,
    options: Vec<String>,
}

impl Apt {
    /// With the machine's sources and, where they work, its package lists.
    fn of_machine(work: &Path) -> Result<Self, String> {
        let apt = Self::new(&work.join("own"))?;
        let machine = Self { folder: apt.folder.clone(), options: Vec::new() };
        if machine.get(&["download", "--print-uris", PACKAGES[0]]).is_ok() {
            return Ok(machine);
        }
        apt.update()?;
        Ok(apt)
    }

    /// With one release of a mirror as its only source; see [`Apt::trust`].
    fn of_suite(folder: &Path, mirror: &str, suite: &str) -> Result<Self, String> {
        let mut apt = Self::new(folder)?;
        let sources = apt.folder.join("newer.sources");
        let text = format!("Types: deb\nURIs: {mirror}\nSuites: {suite}\nComponents: main\n");
        write(&sources, &text)?;
        apt.options.push(format!("Dir::Etc::SourceList={}", sources.display()));
        apt.options.push("Dir::Etc::SourceParts=/dev/null".to_owned());
        // The machine may prefer its own release.
        apt.options.push("Dir::Etc::Preferences=/dev/null".to_owned());
        apt.options.push("Dir::Etc::PreferencesParts=/dev/null".to_owned());
        apt.options.push("APT::Default-Release=".to_owned());
        Ok(apt)
    }

    fn new(folder: &Path) -> Result<Self, String> {
        for needed in ["lists/partial", "archives/partial"] {
            make_folder(&folder.join(needed))?;
        }
        let lists = format!("Dir::State::Lists={}", folder.join("lists").display());
        let cache = format!("Dir::Cache={}", folder.display());
        let options = vec![lists, cache, "Acquire::Languages=none".to_owned()];
        Ok(Self { folder: folder.to_path_buf(), options })
    }

    /// Accepts only what one of these keys signed.
    fn trust(&self, keyring: &Path) -> Result<(), String> {
        let sources = self.folder.join("newer.sources");
        let text = fs::read_to_string(&sources).map_err(|error| error.to_string())?;
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with("Signed-By:")).collect();
        write(&sources, &format!("{}\nSigned-By: {}\n", lines.join("\n"), keyring.display()))
    }

    fn update(&self) -> Result<(), String> {
        // By default, lists that cannot be fetched are only a warning.
        self.get(&["-o", "APT::Update::Error-Mode=any", "update"]).map(|_| ())
    }

    fn has(&self, package: &str) -> bool {
        self.get(&["download", "--print-uris", package]).is_ok()
    }

    /// Downloads packages into a folder of their own, which it returns.
    fn download(&self, packages: &[&str]) -> Result<PathBuf, String> {
        let folder = self.folder.join(packages[0]);
        make_folder(&folder)?;
        let mut command = self.command(&["download"]);
        run(command.args(packages).current_dir(&folder))?;
        Ok(folder)
    }

    /// The mirrors from which the machine gets its own release.
    fn mirrors(&self, codename: &str) -> Result<Vec<String>, String> {
        let printed = self.get(&["update", "--print-uris"])?;
        Ok(mirrors(&printed, codename))
    }

    fn get(&self, arguments: &[&str]) -> Result<String, String> {
        run(self.command(arguments).current_dir(&self.folder))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("apt-get");
        command.args(["-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3"]);
        command.args(["-o", "Acquire::http::Timeout=30", "-o", "Acquire::https::Timeout=30"]);
        for option in &self.options {
            command.arg("-o").arg(option);
        }
        command.args(arguments);
        command
    }
}

/// The base of each `'<base>/dists/<codename>/InRelease' <file> ...` of `apt-get update --print-uris`.
fn mirrors(printed: &str, codename: &str) -> Vec<String> {
    let suffix = format!("/dists/{codename}/InRelease");
    let uris = printed.lines().filter_map(|line| line.strip_prefix('\'')?.split('\'').next());
    uris.filter_map(|uri| uri.strip_suffix(&suffix)).map(str::to_owned).collect()
}

/// Unpacks all packages of a folder.
fn unpack(packages: &Path, into: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(packages).map_err(|error| error.to_string())?;
    let mut names = Vec::new();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".deb")) else { continue };
        run(Command::new("dpkg-deb").arg("-x").arg(&path).arg(into))?;
        // `prometheus_3.5.3+ds1-6_amd64`, where a colon is escaped.
        names.push(name.split('_').take(2).collect::<Vec<_>>().join(" ").replace("%3a", ":"));
    }
    names.sort();
    Ok(names)
}

/// Unpacks packages and moves the programs that tests need into `folder`.
fn install(packages: &Path, work: &Path, folder: &Path) -> Result<(), String> {
    let (root, ready) = (work.join("root"), work.join("ready"));
    let names = unpack(packages, &root)?;
    make_folder(&ready)?;
    for tool in Tool::ALL {
        let program = root.join("usr/bin").join(tool.to_string());
        // The program may need a library that this machine does not have.
        run(Command::new(&program).arg("--version"))?;
        rename(&program, &ready.join(tool.to_string()))?;
    }
    write(&ready.join(VERSIONS), &format!("{}\n", names.join(", ")))?;
    let _ = fs::remove_dir_all(folder);
    rename(&ready, folder)
}

fn make_folder(path: &Path) -> Result<(), String> {
    fs::create_dir_all(path).map_err(|error| format!("cannot create `{}`: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("cannot write `{}`: {error}", path.display()))
}

fn rename(from: &Path, to: &Path) -> Result<(), String> {
    fs::rename(from, to).map_err(|error| format!("cannot move `{}`: {error}", from.display()))
}

/// Runs a command silently and returns its standard output; its standard error is the error if it fails.
fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot run `{name}`: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(format!("`{name}` failed ({}): {message}", output.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_of_the_release_are_found() {
        let printed = "'http://a.example/debian/dists/bookworm/InRelease' a_InRelease 0 \n\
                       'http://a.example/debian/dists/bookworm-updates/InRelease' b_InRelease 0 \n\
                       'http://a.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' c 0 \n";
        assert_eq!(mirrors(printed, "bookworm"), ["http://a.example/debian"]);
        assert!(mirrors(printed, "trixie").is_empty());
    }
}
