//! Debian packages, downloaded and unpacked without root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// `apt-get` with sources, lists and caches of its own, or with those of the machine.
pub(crate) struct Apt {
    folder: PathBuf,
    options: Vec<String>,
}

impl Apt {
    /// With the machine's sources and, where they know a package, its lists.
    pub(crate) fn of_machine(work: &Path, package: &str) -> Result<Self, String> {
        let apt = Self::new(&work.join("own"))?;
        let machine = Self { folder: apt.folder.clone(), options: Vec::new() };
        if machine.get(&["download", "--print-uris", package]).is_ok() {
            return Ok(machine);
        }
        apt.update()?;
        Ok(apt)
    }

    /// With one release of a mirror as its only source; see [`Apt::trust`].
    pub(crate) fn of_suite(folder: &Path, mirror: &str, suite: &str) -> Result<Self, String> {
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
    pub(crate) fn trust(&self, keyring: &Path) -> Result<(), String> {
        let sources = self.folder.join("newer.sources");
        let text = fs::read_to_string(&sources).map_err(|error| error.to_string())?;
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with("Signed-By:")).collect();
        write(&sources, &format!("{}\nSigned-By: {}\n", lines.join("\n"), keyring.display()))
    }

    pub(crate) fn update(&self) -> Result<(), String> {
        // By default, lists that cannot be fetched are only a warning.
        self.get(&["-o", "APT::Update::Error-Mode=any", "update"]).map(|_| ())
    }

    pub(crate) fn has(&self, package: &str) -> bool {
        self.get(&["download", "--print-uris", package]).is_ok()
    }

    /// Downloads packages into a folder of their own, which it returns.
    pub(crate) fn download(&self, packages: &[&str]) -> Result<PathBuf, String> {
        let folder = self.folder.join(packages[0]);
        make_folder(&folder)?;
        let mut command = self.command(&["download"]);
        run(command.args(packages).current_dir(&folder))?;
        Ok(folder)
    }

    /// The packages that installing some would install, as far as the machine lacks them.
    pub(crate) fn missing(&self, packages: &[&str]) -> Result<Vec<String>, String> {
        self.installed_with(packages, &[])
    }

    /// The packages that installing some on an empty machine would install.
    pub(crate) fn with_all_dependencies(&self, packages: &[&str]) -> Result<Vec<String>, String> {
        self.installed_with(packages, &["-o", "Dir::State::Status=/dev/null"])
    }

    fn installed_with(&self, packages: &[&str], options: &[&str]) -> Result<Vec<String>, String> {
        let plan = self.get(&[options, &["install", "--simulate", "--no-install-recommends"], packages].concat())?;
        let installs = plan.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
        Ok(installs.map(str::to_owned).collect())
    }

    /// The mirrors from which the machine gets its own release.
    pub(crate) fn mirrors(&self, codename: &str) -> Result<Vec<String>, String> {
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
pub(crate) fn unpack(packages: &Path, into: &Path) -> Result<Vec<String>, String> {
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

pub(crate) fn make_folder(path: &Path) -> Result<(), String> {
    fs::create_dir_all(path).map_err(|error| format!("cannot create `{}`: {error}", path.display()))
}

pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("cannot write `{}`: {error}", path.display()))
}

pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), String> {
    fs::rename(from, to).map_err(|error| format!("cannot move `{}`: {error}", from.display()))
}

/// Runs a command silently and returns its standard output; its standard error is the error if it fails.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
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
