//! `serve`: the page in a real browser, with a real server, and requests that the page does not send.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use promql_presets_test_support::browser::Browser;
use promql_presets_test_support::{Dataset, extended, prometheus};
use promql_presets_testing::{MockPrometheus, MockResponse, series};
use serde_json::Value;

use crate::{Folder, run};

const PRESETS: &str = r#"
[metric]
name = "backendai_api_request_count_total"
type = "counter"
[labels]
endpoint = "string"
domain = "string"
[presets.rate]
title = "Requests"
description = "Requests per second."
template = 'sum by ({group_by})(rate({metric_name}{{{labels}}}[{window}]))'
window = "5m"
unit = "requests per second"
[presets.odd]
template = '''label_replace(sum(rate({metric_name}{{{labels}}}[5m])), "odd", "</script>\"'\\", "", "")'''
"#;

/// A preset file without declared labels.
fn free() -> String {
    format!(
        "[presets.any]\ntemplate = 'sum by ({{group_by}})({{metric_name}}{{{{{{labels}}}}}})'\n\
         [presets.native]\ntemplate = '{}{{{{{{labels}}}}}}'\n",
        extended::NATIVE_HISTOGRAM
    )
}

/// A value that ends a script, an attribute or a string that contains it without escapes.
const HOSTILE: &str = r#"</script>"'\"#;

/// The browser, which one test at a time uses.
static BROWSER: Mutex<Option<Browser>> = Mutex::new(None);

/// `serve` on a free port.
struct Served {
    child: Child,
    url: String,
    folder: Folder,
}

impl Served {
    fn new(test: &str, server: &str) -> Self {
        let files = [("presets/api.toml", PRESETS.to_owned()), ("presets/free.toml", free())];
        let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
        let folder = Folder::new(&format!("serve-{test}"), &files);
        let mut child = Command::new(env!("CARGO_BIN_EXE_promql-presets"))
            .args(["serve", "--listen", "127.0.0.1:0", "--url", server])
            .current_dir(&folder.0)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { child, url: url.trim_end().to_owned(), folder }
    }

    /// Sends a request, and returns the head and the body of the response.
    fn send(&self, request: &str) -> (String, String) {
        let address = self.url.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request.replace("{host}", address).replace('\n', "\r\n").as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        (head.to_ascii_lowercase(), body.to_owned())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A browser with a page of `serve`.
struct Page {
    browser: MutexGuard<'static, Option<Browser>>,
    served: Served,
}

impl Page {
    /// Opens an address, or skips the test without a server or a browser. Without times in the address, the page shows the
    /// last hour of the data.
    fn open(test: &str, address: &str) -> Option<Self> {
        Self::open_on(prometheus::shared()?.url(), test, address)
    }

    fn open_on(url: &str, test: &str, address: &str) -> Option<Self> {
        let mut browser = BROWSER.lock().unwrap_or_else(PoisonError::into_inner);
        if browser.is_none() {
            *browser = Some(Browser::start()?);
        }
        let served = Served::new(test, url);
        let page = Self { browser, served };
        // Forgets the log of other tests.
        page.browser().log().unwrap();
        page.go(address);
        Some(page)
    }

    fn browser(&self) -> &Browser {
        self.browser.as_ref().unwrap()
    }

    fn go(&self, address: &str) {
        let end = Dataset::of_tests().end() * 1000;
        let address = address.replace("{hour}", &format!("start={}&end={end}", end - 3_600_000));
        self.browser().open(&format!("{}{address}", self.served.url)).unwrap();
    }

    fn wait(&self, expression: &str) -> Value {
        self.browser().wait_for(expression).unwrap()
    }

    fn run(&self, script: &str) -> Value {
        self.browser().run(script, &[]).unwrap()
    }

    /// Clicks on the first element that a selector and its text select.
    fn click(&self, selector: &str, text: &str) {
        let find =
            format!("[...document.querySelectorAll({selector:?})].find((it) => it.innerText.includes({text:?}))");
        self.wait(&format!("Boolean({find})"));
        self.run(&format!("{find}.click()"));
    }

    /// Fills a field as people do.
    fn enter(&self, selector: &str, value: &str) {
        self.wait(&format!("Boolean(document.querySelector({selector:?}))"));
        let script = "const field = document.querySelector(arguments[0]); field.focus(); field.value = arguments[1]; \
                      field.dispatchEvent(new Event('change', { bubbles: true }))";
        self.browser().run(script, &[selector, value]).unwrap();
    }

    fn text(&self, selector: &str) -> String {
        let text = self.run(&format!("return document.querySelector({selector:?})?.innerText ?? ''"));
        text.as_str().unwrap().to_owned()
    }

    /// Fails if the browser has logged errors, such as those of scripts and of the security policy.
    fn is_quiet(&self) {
        let log = self.browser().log().unwrap();
        let complaints: Vec<_> =
            log.iter().filter(|line| !line.contains("the server responded with a status")).collect();
        assert!(complaints.is_empty(), "{complaints:?}");
    }
}

const ROWS: &str = "document.querySelectorAll('.legend tbody tr').length";

#[test]
fn it_loads_groups_and_filters() {
    let Some(page) = Page::open("filters", "?preset=api::rate&{hour}") else { return };
    page.wait(&format!("{ROWS} === 1 && document.querySelector('canvas') !== null"));
    assert_eq!(page.text("h1"), "Requests");
    assert_eq!(page.text("#description"), "Requests per second.");
    assert_eq!(page.text("nav a[aria-current] small"), "requests per second");
    assert_eq!(page.text("#query"), "sum by ()(rate(backendai_api_request_count_total{}[5m]))");
    page.click("summary", "Template");
    assert!(page.text("#template").starts_with("sum by ({group_by})("), "{}", page.text("#template"));

    page.click("#controls button", "endpoint");
    page.wait(&format!("{ROWS} === 4"));
    assert!(page.text(".legend").contains("/auth"), "{}", page.text(".legend"));
    page.wait("location.search.includes('by=endpoint')");

    page.click("#controls button", "Add filter");
    page.wait("document.querySelector('.filter') !== null");
    // Labels and values come from the server.
    page.run("document.querySelector('.filter input').focus()");
    page.wait("[...document.querySelectorAll('.filter datalist option')].some((option) => option.value === '/auth')");
    page.enter(".filter input", "/auth");
    page.wait(&format!("{ROWS} === 1"));
    let query = r#"sum by (endpoint)(rate(backendai_api_request_count_total{endpoint="/auth"}[5m]))"#;
    assert_eq!(page.text("#query"), query);
    page.enter(".filter select[aria-label=Operator]", "none_of");
    page.wait(&format!("{ROWS} === 3"));
    page.enter("input[name=window]", "15m");
    page.wait("document.querySelector('#query').innerText.includes('[15m]')");

    // The address contains all choices.
    let address = page.run("return location.search");
    page.go(address.as_str().unwrap());
    page.wait(&format!("{ROWS} === 3 && document.querySelector('#query').innerText.includes('[15m]')"));
    assert_eq!(page.text(".chip"), "/auth ×");
    page.run("history.back()");

    // Numbers are formatted as on the command line.
    page.go("?preset=api::rate&by=endpoint&view=table&{hour}");
    page.wait("document.querySelectorAll('#result tbody tr').length === 4");
    let at = Dataset::of_tests().end().to_string();
    let dir = page.served.folder.0.join("presets").to_string_lossy().into_owned();
    let server = prometheus::shared().unwrap().url();
    let arguments = ["query", "api::rate", "--dir", &dir, "--url", server, "--group-by", "endpoint", "--at", &at];
    for line in run(&arguments).out.lines().skip(2) {
        let (endpoint, value) = line.split_once("  ").unwrap();
        let table = page.text("#result");
        assert!(table.contains(&format!("{endpoint}\t{}", value.trim())), "{line}\n{table}");
    }
    page.is_quiet();
}

#[test]
fn dragging_zooms() {
    let Some(page) = Page::open("zoom", "?preset=api::rate&{hour}") else { return };
    page.wait("document.querySelector('.u-over') !== null");
    let before = page.run("return location.search");
    page.browser().drag(".u-over", (-100, 0), (100, 0)).unwrap();
    page.wait(&format!("location.search !== {before}"));
    let length = page.run("const it = new URLSearchParams(location.search); return it.get('end') - it.get('start')");
    let width = page.run("return document.querySelector('.u-over').clientWidth").as_f64().unwrap();
    let expected = 3_600_000.0 * 200.0 / width;
    assert!((length.as_f64().unwrap() - expected).abs() < 60_000.0, "{length} {expected}");
    page.run("history.back()");
    page.wait(&format!("location.search === {before}"));
    page.is_quiet();
}

#[test]
fn no_data_and_errors_are_explained() {
    let Some(page) = Page::open("nothing", "?preset=api::rate&filter=domain:is:nowhere&{hour}") else { return };
    page.wait("document.querySelector('.nothing') !== null");
    let expected = "no series of `backendai_api_request_count_total` has `domain=\"nowhere\"`";
    assert!(page.text(".nothing").contains(expected), "{}", page.text(".nothing"));
    // A range that ends after the last samples.
    let end = (Dataset::of_tests().end() + 360) * 1000;
    page.go(&format!("?preset=api::rate&filter=domain:is:nowhere&start={}&end={end}", end - 3_600_000));
    page.wait("document.querySelector('.nothing') !== null");
    assert!(page.text(".nothing").contains(expected), "{}", page.text(".nothing"));

    page.enter("input[name=window]", "nonsense");
    page.wait("document.querySelector('.notice.error') !== null");
    assert!(page.text(".notice.error").contains("nonsense"), "{}", page.text(".notice.error"));
    assert_eq!(page.run("return document.querySelector('[aria-invalid]').name"), "window");
    page.enter("input[name=window]", "");
    page.wait("document.querySelector('.notice.error') === null");

    page.go(
        "?preset=api::rate&start=x&end=-1e99&range=z&filter=&filter=a&filter=%25:x:%25&param=&param=x:1&by=&view=z",
    );
    page.wait("document.querySelector('.notice.error') !== null");

    page.go("?preset=api::none");
    page.wait("document.querySelector('#empty').innerText.includes('There is no preset api::none')");
    page.is_quiet();
}

#[test]
fn warnings_and_partial_data_are_shown() {
    let mock = MockPrometheus::start();
    let response = MockResponse::from(series![{ endpoint = "/a" } => "7"]);
    mock.on_any().returns(response.warning("<b>a store is down</b>").info("a hint").partial()).any_times();
    let Some(page) = Page::open_on(mock.url(), "warnings", "?preset=api::rate&{hour}") else { return };
    page.wait(&format!("{ROWS} === 1"));
    let notices = page.text("#notices");
    for notice in ["The response is partial", "<b>a store is down</b>", "a hint"] {
        assert!(notices.contains(notice), "{notice}: {notices}");
    }
    page.is_quiet();
}

#[test]
fn mistakes_are_shown_and_the_last_good_presets_stay() {
    let Some(page) = Page::open("mistakes", "?preset=api::rate&by=endpoint&{hour}") else { return };
    page.wait(&format!("{ROWS} === 4"));
    let file = page.served.folder.0.join("presets/api.toml");
    fs::write(&file, PRESETS.replace("[{window}]", "[{windw}]")).unwrap();
    page.wait("document.querySelector('#messages .error') !== null");
    let messages = page.text("#messages");
    for part in ["1 error", "unknown placeholder `windw`", "presets/api.toml:11:65", "^^^^^"] {
        assert!(messages.contains(part), "{part}: {messages}");
    }
    page.click("#controls button", "↻");
    page.wait("document.querySelector('#status').innerText.includes('series')");
    assert_eq!(page.run(&format!("return {ROWS}")), 4);

    fs::write(&file, PRESETS.replace("Requests per second.", "Changed.")).unwrap();
    page.wait("document.querySelector('#description').innerText === 'Changed.'");
    assert_eq!(page.run("return document.querySelector('#messages').hidden"), true);
    fs::write(file.with_file_name("more.toml"), "[presets.up]\ntemplate = 'up{{{labels}}}'\n").unwrap();
    page.wait("document.querySelector('[data-preset=\"more::up\"]') !== null");
    page.is_quiet();
}

#[test]
fn undeclared_names_come_from_the_server() {
    let Some(page) = Page::open("free", "?preset=free::any&{hour}") else { return };
    page.wait("document.querySelector('.nothing')?.innerText.includes('Choose the name of a metric')");
    page.run("document.querySelector('input[name=metric]').focus()");
    let metric = "backendai_api_request_count_total";
    let is_offered = "[...document.querySelectorAll('#controls datalist option')].some((option) => option.value ===";
    page.wait(&format!("{is_offered} '{metric}')"));
    page.enter("input[name=metric]", metric);
    page.click("#controls button", "endpoint");
    page.wait(&format!("{ROWS} === 4"));
    page.click("#controls button", "Add filter");
    page.run("document.querySelector('.filter input').focus()");
    page.wait(&format!("{is_offered} 'domain')"));

    // A filter offers only the labels of the series that the preset names.
    page.go("?preset=free::native&{hour}");
    page.click("#controls button", "Add filter");
    page.run("document.querySelector('.filter input').focus()");
    page.wait("document.querySelectorAll('#controls datalist option').length > 0");
    assert_eq!(page.run(&format!("return {is_offered} 'domain')")), false);

    // Native histograms.
    let end = Dataset::of_tests().end() * 1000 + 600_000;
    page.go(&format!("?preset=free::native&start={}&end={end}", end - 600_000));
    page.wait(&format!("{ROWS} > 0 && document.querySelector('#result .notice').innerText.includes('mean')"));
    page.click("#table", "Table");
    page.wait("document.querySelector('#result thead')?.innerText.includes('Observations')");
    page.is_quiet();
}

#[test]
fn hostile_values_are_only_values() {
    let Some(page) = Page::open("hostile", "?preset=api::odd&{hour}") else { return };
    page.wait(&format!("{ROWS} === 1"));
    assert_eq!(page.text(".unit"), r#"{odd="</script>\"'\\"}"#);
    let scripts = page.run("return document.scripts.length");
    page.click("#controls button", "Add filter");
    page.enter(".filter input", HOSTILE);
    page.wait("document.querySelector('.nothing') !== null");
    let matcher = r#"{endpoint="</script>\"'\\"}"#;
    assert!(page.text("#query").contains(matcher), "{}", page.text("#query"));
    page.enter(".filter select[aria-label=Operator]", "one_of");
    page.wait("document.querySelector('.chip') !== null");
    assert_eq!(page.text(".chip"), format!("{HOSTILE} ×"));
    // The address contains the value as well.
    let address = page.run("return location.search");
    page.go(address.as_str().unwrap());
    page.wait("document.querySelector('.chip') !== null");
    assert_eq!(page.text(".chip"), format!("{HOSTILE} ×"));
    assert_eq!(page.run("return document.scripts.length"), scripts);
    page.go(&format!("?preset={HOSTILE}"));
    page.wait("document.querySelector('#empty').innerText.includes('There is no preset')");
    assert!(page.text("#empty").contains(HOSTILE));
    page.is_quiet();
}

#[test]
fn other_pages_are_refused() {
    let served = Served::new("refused", "http://127.0.0.1:1");
    let get = |host: &str| served.send(&format!("GET /api/presets HTTP/1.1\nHost: {host}\nConnection: close\n\n"));
    let (head, body) = get("{host}");
    assert!(head.starts_with("http/1.1 200") && body.contains("api::rate"), "{head}");
    for header in ["content-security-policy: default-src 'none'; script-src 'self';", "x-content-type-options: nosniff"]
    {
        assert!(head.contains(header), "{head}");
    }
    assert!(!head.contains("unsafe-inline") && !head.contains("access-control"), "{head}");
    let (head, body) = get("rebound.example");
    assert!(head.starts_with("http/1.1 403") && !body.contains("api::rate"), "{head}");

    let post = |origin: &str| {
        let body = "{}";
        let (host, length) = ("{host}", body.len());
        let path = "/api/presets/api::rate/render";
        served.send(&format!(
            "POST {path} HTTP/1.1\nHost: {host}\nOrigin: {origin}\nContent-Type: application/json\n\
             Content-Length: {length}\nConnection: close\n\n{body}"
        ))
    };
    let (head, body) = post("http://{host}");
    assert!(head.starts_with("http/1.1 200") && body.contains("sum by ()(rate("), "{head} {body}");
    assert!(post("http://evil.example").0.starts_with("http/1.1 403"));
}

#[cfg(unix)]
#[test]
fn it_ends_with_a_signal() {
    let mut served = Served::new("signal", "http://127.0.0.1:1");
    let status = Command::new("kill").args(["-INT", &served.child.id().to_string()]).status().unwrap();
    assert!(status.success());
    let deadline = Instant::now() + Duration::from_secs(10);
    let ended = loop {
        match served.child.try_wait().unwrap() {
            None if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(20)),
            ended => break ended,
        }
    };
    assert_eq!(ended.and_then(|status| status.code()), Some(0));
}

#[test]
fn addresses_in_use_and_missing_folders_are_failures() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let folder = Folder::new("serve-taken", &[("presets/api.toml", PRESETS)]);
    let dir = folder.0.join("presets").to_string_lossy().into_owned();
    let taken = run(&["serve", "--dir", &dir, "--url", "http://127.0.0.1:1", "--listen", &address]);
    assert_eq!(taken.status, 2);
    assert!(
        taken.err.contains("error: cannot listen on `127.0.0.1:") && taken.err.contains("= help: "),
        "{}",
        taken.err
    );
    assert_eq!(run(&["serve", "--dir", "no/such/folder", "--url", "http://127.0.0.1:1"]).status, 2);
}
