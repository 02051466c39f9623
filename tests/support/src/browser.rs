//! A headless Chromium, driven over the `WebDriver` protocol (<https://www.w3.org/TR/webdriver2/>).

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use promql_presets_testing::guard::Guard;
use serde_json::{Value, json};

use crate::server::report_missing;
use crate::tool::search;
use crate::{Error, Tool, http};

/// How long a page may take to show what a test expects.
const PATIENCE: Duration = Duration::from_secs(15);

/// The size of the window.
const SIZE: (u32, u32) = (1280, 1000);

/// The programs of the browser.
#[derive(Debug)]
pub struct Programs {
    chromium: PathBuf,
    driver: PathBuf,
    /// The folders of libraries that came with them.
    libraries: OsString,
}

impl Programs {
    /// The variables that name the programs of Chromium and its driver.
    pub const VARIABLES: [&str; 2] = ["PROMQL_PRESETS_CHROMIUM", "PROMQL_PRESETS_CHROMEDRIVER"];

    /// The folder below the workspace's `target` where `cargo xtask` unpacks the browser.
    #[must_use]
    pub fn fetched() -> PathBuf {
        Tool::fetched().join("browser")
    }

    /// The programs: from their variables, else on `PATH`, else as fetched by `cargo xtask`. `None` without them.
    pub fn find() -> Result<Option<Self>, Error> {
        let named = Self::VARIABLES.map(|name| env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from));
        let path = env::var_os("PATH").unwrap_or_default();
        let on_path = |names: &[&'static str]| search(env::split_paths(&path), names);
        let installed = || on_path(&["chromium", "chromium-browser", "google-chrome"]).zip(on_path(&["chromedriver"]));
        let below = |path: &str| Some(Self::fetched().join(path)).filter(|path| path.is_file());
        let fetched = || below("usr/lib/chromium/chromium").zip(below("usr/bin/chromedriver"));
        let [chromium, driver] = named;
        let Some((chromium, driver)) = chromium.zip(driver).or_else(installed).or_else(fetched) else {
            return Ok(None);
        };
        for path in [&chromium, &driver] {
            if !path.is_file() {
                return Err(format!("`{}` is not a file", path.display()).into());
            }
        }
        let libraries = env::join_paths(libraries(&Self::fetched().join("usr/lib")))?;
        Ok(Some(Self { chromium, driver, libraries }))
    }

    /// The version of the browser, which runs for it.
    pub fn version(&self) -> Result<String, Error> {
        let output = self.command(&self.chromium).arg("--version").output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().into());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).env("LD_LIBRARY_PATH", &self.libraries);
        command
    }
}

/// The folder of a Debian architecture's libraries, and those in it that hold private ones.
fn libraries(folder: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| folder.read_dir().into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let architectures = entries(folder).filter(|path| path.to_string_lossy().ends_with("-linux-gnu"));
    architectures.flat_map(|path| [path.join("pulseaudio"), path]).collect()
}

/// A browser with one window, which ends with its owner.
#[derive(Debug)]
pub struct Browser {
    driver: String,
    session: String,
    _guard: Guard,
}

impl Browser {
    /// Starts a browser; without one on the machine, prints that the test is skipped.
    ///
    /// # Panics
    ///
    /// When the browser cannot be started, and when it is missing although
    /// [`servers_required`](crate::servers_required).
    #[must_use]
    #[expect(clippy::panic, reason = "this is how a test fails")]
    pub fn start() -> Option<Self> {
        let programs = Programs::find().unwrap_or_else(|error| panic!("{error}"));
        let Some(programs) = programs else {
            report_missing("chromium` and its `chromedriver");
            return None;
        };
        Some(Self::launch(&programs).unwrap_or_else(|error| panic!("cannot start Chromium: {error}")))
    }

    fn launch(programs: &Programs) -> Result<Self, Error> {
        let mut guard = Guard::new()?;
        let folder = guard.folder().to_path_buf();
        let command = |address: &str| {
            let mut command = programs.command(&programs.driver);
            command.arg(format!("--port={}", address.rsplit(':').next().unwrap_or_default()));
            // The profile is removed with the folder.
            command.env("TMPDIR", &folder).env("HOME", &folder);
            command
        };
        let is_ready = |url: &str| {
            http::send_json(url, "GET", "/status", "").is_ok_and(|response| response.body.contains("\"ready\":true"))
        };
        let driver = guard.start(command, is_ready)?;
        let (width, height) = SIZE;
        let options = json!({
            "binary": programs.chromium,
            // Over pipes, the browser ends with its driver. Its sandbox needs more rights than containers give.
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--remote-debugging-pipe", "--lang=en-US", format!("--window-size={width},{height}"),
            ],
        });
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let created = send(&driver, "/session", &capabilities)?;
        let session = created["sessionId"].as_str().ok_or("the driver has no session")?.to_owned();
        Ok(Self { driver, session, _guard: guard })
    }

    /// Opens a page.
    pub fn open(&self, url: &str) -> Result<(), Error> {
        self.post("url", &json!({ "url": url })).map(|_| ())
    }

    /// Runs the body of a function in the page and returns its result. `arguments` are its arguments.
    pub fn run(&self, script: &str, arguments: &[&str]) -> Result<Value, Error> {
        self.post("execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// Waits until an expression in the page is true, and returns it.
    ///
    /// # Errors
    ///
    /// What the page shows instead.
    pub fn wait_for(&self, expression: &str) -> Result<Value, Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let value = self.run(&format!("return {expression}"), &[]);
            match value {
                Ok(Value::Null | Value::Bool(false)) | Err(_) if Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(30));
                }
                Ok(Value::Null | Value::Bool(false)) => {
                    let text = self.run("return location.href + '\\n' + document.body.innerText", &[])?;
                    let (text, log) = (text.as_str().unwrap_or_default(), self.log()?.join("\n"));
                    return Err(format!("`{expression}` does not become true:\n{text}\n{log}").into());
                }
                value => return value,
            }
        }
    }

    /// Presses the mouse button at a point of an element, moves it, and releases it. Points are pixels from its middle.
    pub fn drag(&self, selector: &str, from: (i32, i32), to: (i32, i32)) -> Result<(), Error> {
        let element = self.post("element", &json!({ "using": "css selector", "value": selector }))?;
        let move_to =
            |(x, y): (i32, i32)| json!({ "type": "pointerMove", "duration": 50, "origin": element, "x": x, "y": y });
        let actions = [
            move_to(from),
            json!({ "type": "pointerDown", "button": 0 }),
            move_to(to),
            json!({ "type": "pointerUp", "button": 0 }),
        ];
        let pointer = json!({ "type": "pointer", "id": "mouse", "actions": actions });
        self.post("actions", &json!({ "actions": [pointer] })).map(|_| ())
    }

    /// Messages in the console of the browser since the last call, such as errors and violations of policies.
    pub fn log(&self) -> Result<Vec<String>, Error> {
        let entries = self.post("se/log", &json!({ "type": "browser" }))?;
        let messages = entries.as_array().into_iter().flatten();
        Ok(messages.filter_map(|entry| Some(entry["message"].as_str()?.to_owned())).collect())
    }

    fn post(&self, command: &str, json: &Value) -> Result<Value, Error> {
        send(&self.driver, &format!("/session/{}/{command}", self.session), json)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = http::send_json(&self.driver, "DELETE", &format!("/session/{}", self.session), "");
    }
}

fn send(driver: &str, path: &str, json: &Value) -> Result<Value, Error> {
    let response = http::send_json(driver, "POST", path, &json.to_string())?;
    let mut body: Value = serde_json::from_str(&response.body)?;
    match body["value"]["error"].as_str() {
        Some(error) => Err(format!("{error}: {}", body["value"]["message"].as_str().unwrap_or_default()).into()),
        None => Ok(body["value"].take()),
    }
}
