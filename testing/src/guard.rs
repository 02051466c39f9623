//! A temporary folder and a server process that are removed with their owner, even if it is killed.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Why a server could not be found, started or queried.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Limit on the time from a server's start to its first response.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// Number of starts, each on another port: another process can take a free port before the server does.
const ATTEMPTS: u32 = 5;

/// Reads process ids, one per line, until the pipe is closed, which the kernel does when the owner exits or is killed. Then
/// kills the last process and removes the folder, until none of its children writes into it any more. After the owner has
/// reaped its process, it writes an empty line, so that another process with the same id is not killed.
const WATCHDOG: &str = r#"
    pid=
    while read -r line; do pid=$line; done
    [ -z "$pid" ] || kill -KILL "$pid"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        rm -rf -- "$1"
        sleep 0.1
        [ -e "$1" ] || break
    done
"#;

/// A temporary folder with at most one server.
#[derive(Debug)]
pub struct Guard {
    folder: PathBuf,
    watchdog: Child,
    server: Option<Child>,
}

impl Guard {
    /// Creates a temporary folder.
    ///
    /// # Errors
    /// If the folder cannot be created, or `sh` is missing.
    pub fn new() -> Result<Self, Error> {
        let folder = new_folder().map_err(|error| format!("cannot create a temporary folder: {error}"))?;
        // In its own process group, the watchdog survives the Ctrl-C that ends its owner. It does not inherit streams,
        // which readers would wait for.
        let mut watchdog = Command::new("sh");
        watchdog.args(["-c", WATCHDOG, "watchdog"]).arg(&folder);
        watchdog.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut watchdog, 0);
        match watchdog.spawn() {
            Ok(watchdog) => Ok(Self { folder, watchdog, server: None }),
            Err(error) => {
                let _ = fs::remove_dir(&folder);
                Err(format!("cannot run `sh`: {error}").into())
            }
        }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts a server on a free loopback port, waits until it is ready, and returns its URL.
    ///
    /// `command` returns the command for a `host:port`. `ready` checks whether the server at a URL is up and is the one in
    /// this folder: another server may have taken the port first.
    ///
    /// # Errors
    /// If the server does not become ready, with its last lines.
    pub fn start(&mut self, command: impl Fn(&str) -> Command, ready: impl Fn(&str) -> bool) -> Result<String, Error> {
        let deadline = Instant::now() + READY_WITHIN;
        let mut attempts = ATTEMPTS;
        loop {
            let address = free_port()?;
            let url = format!("http://{address}");
            let outcome = self.attempt(&mut command(&address), || ready(&url), deadline);
            attempts -= 1;
            match outcome {
                Ok(()) => return Ok(url),
                Err(error) if attempts == 0 || Instant::now() > deadline => return Err(error),
                Err(_) => {}
            }
        }
    }

    fn attempt(&mut self, command: &mut Command, ready: impl Fn() -> bool, deadline: Instant) -> Result<(), Error> {
        let program = command.get_program().to_string_lossy().into_owned();
        let log = self.folder.join("log");
        let file = fs::File::create(&log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let server = command.spawn().map_err(|error| format!("cannot run `{program}`: {error}"))?;
        let pid = server.id().to_string();
        self.server = Some(server);
        self.watch(&pid);
        loop {
            let exited = self.server.as_mut().and_then(|server| server.try_wait().ok().flatten());
            if exited.is_none() && ready() {
                return Ok(());
            }
            let fault = match exited {
                Some(status) => format!("stopped at once ({status})"),
                None if Instant::now() > deadline => format!("is not ready after {READY_WITHIN:?}"),
                None => {
                    thread::sleep(Duration::from_millis(20));
                    continue;
                }
            };
            self.stop();
            let log = fs::read_to_string(&log).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(10)..].join("\n");
            return Err(format!("`{program}` {fault}; its last lines:\n{last}").into());
        }
    }

    /// Kills and reaps the server, if any.
    fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
            self.watch("");
        }
    }

    /// Writes the id of the server's process to the watchdog. Failure matters only if the owner is killed too.
    fn watch(&mut self, pid: &str) {
        if let Some(pipe) = &mut self.watchdog.stdin {
            let _ = pipe.write_all(format!("{pid}\n").as_bytes());
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.stop();
        // `wait` closes the pipe first, and the watchdog then removes the folder.
        let _ = self.watchdog.wait();
    }
}

/// Creates a new folder. An earlier process with the same id may have left one behind.
fn new_folder() -> io::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    loop {
        let name = format!("promql-presets-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = env::temp_dir().join(name);
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

fn free_port() -> Result<String, Error> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(_: &str) -> Command {
        let mut command = Command::new("sleep");
        command.arg("1000");
        command
    }

    /// Whether the process exists and is not a zombie, from Linux' `pid (name) state`.
    fn running(pid: &str) -> bool {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
    }

    fn pid(guard: &Guard) -> String {
        guard.server.as_ref().unwrap().id().to_string()
    }

    #[test]
    fn dropping_stops_the_server_and_removes_the_folder() {
        let mut guard = Guard::new().unwrap();
        let url = guard.start(sleeper, |_| true).unwrap();
        assert!(url.starts_with("http://127.0.0.1:"));
        let (folder, pid) = (guard.folder().to_path_buf(), pid(&guard));
        assert!(folder.is_dir() && running(&pid));
        drop(guard);
        assert!(!folder.exists() && !running(&pid));
    }

    #[test]
    fn a_killed_owner_leaves_nothing_behind() {
        const NOTE: &str = "GUARD_TEST_NOTE";
        if let Some(note) = env::var_os(NOTE) {
            let mut guard = Guard::new().unwrap();
            guard.start(sleeper, |_| true).unwrap();
            let text = format!("{} {}", pid(&guard), guard.folder().display());
            fs::write(Path::new(&note).with_extension("new"), text).unwrap();
            fs::rename(Path::new(&note).with_extension("new"), note).unwrap();
            thread::sleep(Duration::from_mins(1));
            return;
        }
        let notes = Guard::new().unwrap();
        let note = notes.folder().join("note");
        let mut owner = Command::new(env::current_exe().unwrap())
            .args(["--exact", "guard::tests::a_killed_owner_leaves_nothing_behind"])
            .env(NOTE, &note)
            .spawn()
            .unwrap();
        let wait_for = |happens: &dyn Fn() -> bool| {
            (0..500).any(|_| {
                thread::sleep(Duration::from_millis(20));
                happens()
            })
        };
        assert!(wait_for(&|| note.exists()));
        let text = fs::read_to_string(&note).unwrap();
        let (pid, folder) = text.split_once(' ').unwrap();
        assert!(running(pid) && Path::new(folder).is_dir());
        owner.kill().unwrap();
        owner.wait().unwrap();
        assert!(wait_for(&|| !running(pid) && !Path::new(folder).exists()));
    }

    #[test]
    fn a_server_that_exits_at_once_is_restarted_and_then_its_log_is_reported() {
        let mut guard = Guard::new().unwrap();
        let tries = guard.folder().join("tries");
        let command = |address: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", r#"echo "$1" >>"$0"; echo no such flag; exit 3"#]).arg(&tries).arg(address);
            command
        };
        let error = guard.start(command, |_| false).unwrap_err().to_string();
        assert!(error.contains("no such flag") && error.contains("exit status: 3"), "{error}");
        assert_eq!(fs::read_to_string(&tries).unwrap().lines().count(), ATTEMPTS as usize);
    }
}
