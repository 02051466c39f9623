//! The newest Debian release that the machine's mirror carries.

use std::fs;
use std::path::{Path, PathBuf};

use crate::apt::{Apt, make_folder, unpack};

/// Debian releases that may be newer than the machine's own, newest first.
const NEWER: [&str; 2] = ["forky", "trixie"];

const KEYRING: &str = "usr/share/keyrings/debian-archive-keyring.gpg";

/// Downloads from the newest release that has all that is asked for and whose signature is valid.
pub(crate) fn of_newest_release(
    work: &Path,
    download: impl Fn(&Apt) -> Result<PathBuf, String>,
) -> Result<PathBuf, String> {
    make_folder(work)?;
    let own = Apt::of_machine(work, "debian-archive-keyring")?;
    let codename = codename()?;
    let mirrors = own.mirrors(&codename)?;
    let mut errors = Vec::new();
    for suite in NEWER.into_iter().take_while(|suite| *suite != codename) {
        for mirror in &mirrors {
            match suite_of(&own, work, mirror, suite).and_then(|apt| download(&apt)) {
                Ok(folder) => return Ok(folder),
                Err(error) => errors.push(format!("{suite}: {}", error.lines().next().unwrap_or_default())),
            }
        }
    }
    Err(if errors.is_empty() { "the mirror has no newer release".to_owned() } else { errors.join("; ") })
}

/// One release, verified with the machine's keys. A machine that was installed before the release's key existed gets the
/// key from the package of keys in its own release, which its own keys verify.
fn suite_of(own: &Apt, work: &Path, mirror: &str, suite: &str) -> Result<Apt, String> {
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
    Ok(apt)
}

/// The codename of the machine's release.
fn codename() -> Result<String, String> {
    let text =
        fs::read_to_string("/etc/os-release").map_err(|error| format!("cannot read /etc/os-release: {error}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    Ok(line.ok_or("/etc/os-release has no codename")?.trim_matches('"').to_owned())
}
