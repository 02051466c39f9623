//! A real Prometheus with a few series.

use std::env;
use std::fs;
use std::io::{Write, stderr};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use promql_presets::{ClientBuilder, PrometheusClient, TimeRange, Timestamp};

use crate::guard::{Error, Guard};
use crate::mock_prometheus::build;
use crate::remote_write::write;
use crate::series::TestSeries;

/// The variable with the path of the Prometheus server. Without it, `prometheus` is looked for on `PATH`.
const PROGRAM: &str = "PROMQL_PRESETS_PROMETHEUS";

/// The variable that makes tests fail, instead of being skipped, where the server is missing.
const REQUIRE_SERVERS: &str = "PROMQL_PRESETS_REQUIRE_SERVERS";

/// The time of the first value of each series: 2024-01-01T00:00:00Z.
const START: Timestamp = Timestamp::from_millis(1_704_067_200_000);

/// The time between two values of a series, as in `promtool test rules`.
const INTERVAL: Duration = Duration::from_mins(1);

/// A real Prometheus with a few series, for tests of queries: *fake when you test your code, real when you test your
/// queries*.
///
/// It is the program of `PROMQL_PRESETS_PROMETHEUS`, or else `prometheus` on `PATH`. Each value of the
/// [`series!`](crate::series) is a minute after the one before it. The server is stopped, and its data removed, when this is
/// dropped, and also when the test is killed.
///
/// ```
/// use promql_presets::presets::api_requests::{self, Label};
/// use promql_presets_testing::{TestPrometheus, series};
///
/// #[tokio::main(flavor = "current_thread")] // #[tokio::test]
/// async fn main() {
///     let Some(prometheus) = TestPrometheus::start(series![
///         backendai_api_request_count_total { endpoint = "/auth", status_code = 200 } => "0+60x10",
///         backendai_api_request_count_total { endpoint = "/auth", status_code = 500 } => "0+6x10",
///     ]) else { return };                                        // which prints that the test was skipped
///
///     let querier = api_requests::Querier::new().group_by([Label::StatusCode]);
///     let rates = prometheus.client().query(api_requests::RATE, &querier).at(prometheus.end()).await.unwrap();
///     assert_eq!(rates.len(), 2);
/// }
/// ```
#[derive(Debug)]
pub struct TestPrometheus {
    url: String,
    start: Timestamp,
    interval: Duration,
    steps: u32,
    _guard: Guard,
}

impl TestPrometheus {
    /// Starts a server with these series. Without the program, prints that the test is skipped and returns `None`.
    ///
    /// # Panics
    /// If the server cannot be started or rejects the series, and if the program is missing although
    /// `PROMQL_PRESETS_REQUIRE_SERVERS` is set.
    #[must_use]
    #[track_caller]
    pub fn start(series: impl AsRef<[TestSeries]>) -> Option<Self> {
        Self::builder().start(series)
    }

    /// A builder, to set the times of the values or the program.
    pub fn builder() -> TestPrometheusBuilder {
        TestPrometheusBuilder { start: START, interval: INTERVAL, program: None }
    }

    /// The URL of the server: `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client for this server with the default settings.
    ///
    /// # Panics
    /// If the HTTP library cannot be set up.
    #[must_use]
    pub fn client(&self) -> PrometheusClient {
        build(self.client_builder())
    }

    /// A builder for a client of this server.
    pub fn client_builder(&self) -> ClientBuilder {
        PrometheusClient::builder(&self.url).configure_http(promql_presets::reqwest::ClientBuilder::no_proxy)
    }

    /// The time of a value, counted from 0.
    #[must_use]
    pub fn time(&self, step: u32) -> Timestamp {
        self.start.checked_add(self.interval * step).unwrap_or(Timestamp::MAX)
    }

    /// The time of the last value of the longest series.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.time(self.steps.saturating_sub(1))
    }

    /// The range from the first value to the last, with a point for each.
    ///
    /// # Panics
    /// If a time is out of the range that Prometheus knows.
    #[must_use]
    #[expect(clippy::panic, reason = "a mistake in a test")]
    pub fn range(&self) -> TimeRange {
        match TimeRange::new(self.start, self.end()).and_then(|range| range.step(self.interval)) {
            Ok(range) => range,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Builds a [`TestPrometheus`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `start` is called"]
pub struct TestPrometheusBuilder {
    start: Timestamp,
    interval: Duration,
    program: Option<PathBuf>,
}

impl TestPrometheusBuilder {
    /// Sets the time of the first values: 2024-01-01T00:00:00Z by default.
    pub fn start_time(self, start: Timestamp) -> Self {
        Self { start, ..self }
    }

    /// Sets the time between two values: a minute by default.
    pub fn interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// Sets the path of the program.
    pub fn program(self, path: impl Into<PathBuf>) -> Self {
        Self { program: Some(path.into()), ..self }
    }

    /// Starts the server, as [`TestPrometheus::start`] does.
    ///
    /// # Panics
    /// As [`TestPrometheus::start`] does.
    #[must_use]
    #[track_caller]
    #[expect(clippy::panic, reason = "this is how a test fails")]
    pub fn start(self, series: impl AsRef<[TestSeries]>) -> Option<TestPrometheus> {
        let is_required = env::var(REQUIRE_SERVERS).is_ok_and(|value| !["", "0", "false"].contains(&&*value));
        let missing = || format!("`prometheus` is missing: put it on PATH, or set {PROGRAM} to its path");
        match self.try_start(series.as_ref()) {
            Ok(Some(server)) => Some(server),
            Ok(None) if is_required => panic!("{}", missing()),
            Ok(None) => {
                // The test harness hides the output of `eprintln!` when the test passes.
                let _ = stderr().write_all(format!("\n*** SKIPPED: {} ***\n", missing()).as_bytes());
                None
            }
            Err(error) => panic!("cannot start a Prometheus: {error}"),
        }
    }

    fn try_start(self, series: &[TestSeries]) -> Result<Option<TestPrometheus>, Error> {
        let Some(program) = self.program.clone().map_or_else(find, |program| Ok(Some(program)))? else {
            return Ok(None);
        };
        let mut guard = Guard::new()?;
        let folder = guard.folder().to_path_buf();
        fs::write(folder.join("prometheus.yml"), "global: {}\n")?;
        let storage = folder.join("data");
        let command = |address: &str| {
            let mut command = Command::new(&program);
            command.current_dir(&folder).arg("--config.file=prometheus.yml");
            command.arg(format!("--storage.tsdb.path={}", storage.display()));
            // Accepts data of any age. Releases ignore features that they do not have.
            command.args(["--storage.tsdb.retention.time=100y", "--web.enable-remote-write-receiver"]);
            command.arg("--enable-feature=native-histograms,promql-experimental-functions");
            command.arg(format!("--web.listen-address={address}"));
            command
        };
        // Another server may have taken the port.
        let is_own = |flags: &str| flags.contains(&*storage.to_string_lossy());
        let ready = |url: &str| {
            get(url, "/-/ready").is_some() && get(url, "/api/v1/status/flags").is_some_and(|flags| is_own(&flags))
        };
        let url = guard.start(command, ready)?;
        write(&url, series, self.start, self.interval)?;
        let steps = series.iter().map(|series| series.values().len()).max().unwrap_or(0);
        let steps = u32::try_from(steps)?;
        Ok(Some(TestPrometheus { url, start: self.start, interval: self.interval, steps, _guard: guard }))
    }
}

/// The program, if the machine has it.
fn find() -> Result<Option<PathBuf>, Error> {
    if let Some(path) = env::var_os(PROGRAM).filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        let missing = || format!("{PROGRAM} names `{}`, which is not a file", path.display());
        return if path.is_file() { Ok(Some(path)) } else { Err(missing().into()) };
    }
    let name = format!("prometheus{}", env::consts::EXE_SUFFIX);
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(&name)).find(|file| file.is_file());
    Ok(found.map(std::path::absolute).transpose()?)
}

/// The body of a successful response.
fn get(url: &str, path: &str) -> Option<String> {
    use std::io::Read;
    let host = url.strip_prefix("http://")?;
    let mut stream = std::net::TcpStream::connect(host).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes()).ok()?;
    let mut response = String::new();
    stream.read_to_string(&mut response).ok()?;
    response.split(' ').nth(1)?.starts_with('2').then_some(response)
}
