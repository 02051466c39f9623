//! A real server behind TLS, with a certificate that lives as long as the test.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use promql_presets::{Error, ErrorKind, PrometheusClient, Timestamp, reqwest};
use promql_presets_test_support::vmauth::Certificate;
use promql_presets_test_support::{Dataset, victoria_metrics, vmauth};

/// An authority of our own, and a certificate for 127.0.0.1 from it; `None` where there is no `openssl`.
struct Authority {
    folder: PathBuf,
}

impl Authority {
    fn new(test: &str) -> Option<Self> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tls").join(test);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("extensions"), "subjectAltName=IP:127.0.0.1\n").unwrap();
        let steps = [
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=throw-away \
             -keyout ca.key -out ca.pem",
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=server -keyout key.pem -out request",
            "x509 -req -in request -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out cert.pem",
        ];
        for step in steps {
            let mut openssl = Command::new("openssl");
            openssl.args(step.split_whitespace()).current_dir(&folder).stderr(Stdio::null());
            let status = openssl.status().ok()?;
            assert!(status.success(), "openssl {step}");
        }
        Some(Self { folder })
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap()
    }
}

/// There are no retries, except with the library of the system, whose errors do not tell an untrusted certificate from a
/// lost connection.
fn assert_distrust(error: &Error, server: &str) {
    let (is_native, kind) = (cfg!(feature = "native-tls"), error.kind());
    assert!(
        if is_native { matches!(kind, ErrorKind::Transport(_)) } else { matches!(kind, ErrorKind::Tls(_)) },
        "{kind:?}"
    );
    let retries = if is_native { 3 } else { 0 };
    assert_eq!((error.retries(), error.is_retryable()), (retries, is_native), "{error:?}");
    let retried = if is_native { ", after 3 retries" } else { "" };
    assert!(error.to_string().starts_with(&format!("query at {server}{retried}: ")), "{error}");
}

#[tokio::test]
async fn certificates_are_checked() {
    let (Some(server), Some(authority)) = (victoria_metrics::shared(), Authority::new("server")) else { return };
    let (certificate, key) = (authority.file("cert.pem"), authority.file("key.pem"));
    let config = format!("users:\n- bearer_token: token\n  url_prefix: \"{}\"\n", server.url());
    let tls = Certificate { certificate: &certificate, key: &key };
    let Some(proxy) = vmauth::start(&config, Some(tls)) else { return };
    assert!(proxy.url().starts_with("https://"));
    let end = Timestamp::from_secs(Dataset::of_tests().end());

    let root = reqwest::Certificate::from_pem(authority.file("ca.pem").as_bytes()).unwrap();
    let builder = PrometheusClient::builder(proxy.url()).bearer_auth("token");
    let trusting = builder.configure_http(|http| http.tls_certs_only([root])).build().unwrap();
    assert!(trusting.raw_query("up").at(end).await.is_ok());

    let builder = PrometheusClient::builder(proxy.url()).bearer_auth("token");
    let error = builder.build().unwrap().raw_query("up").at(end).await.unwrap_err();
    assert_distrust(&error, proxy.url());
}

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = (self.0.kill(), self.0.wait());
    }
}

#[tokio::test]
async fn a_missing_client_certificate_is_reported_without_retries() {
    let Some(authority) = Authority::new("client") else { return };
    // The word on a client's certificate comes with the handshake, or after it.
    for version in ["-tls1_2", "-tls1_3"] {
        let mut openssl = Command::new("openssl");
        openssl
            .args("s_server -www -accept 127.0.0.1:0 -cert cert.pem -key key.pem -CAfile ca.pem -Verify 1".split(' '));
        openssl.arg(version).current_dir(&authority.folder).stdin(Stdio::null()).stderr(Stdio::null());
        let mut server = Process(openssl.stdout(Stdio::piped()).spawn().unwrap());
        let output = BufReader::new(server.0.stdout.take().unwrap());
        let mut lines = output.lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.strip_prefix("ACCEPT ").map(str::to_owned)).unwrap();

        let root = reqwest::Certificate::from_pem(authority.file("ca.pem").as_bytes()).unwrap();
        let url = format!("https://{address}");
        let builder = PrometheusClient::builder(&url).configure_http(|http| http.tls_certs_only([root]));
        let error = builder.build().unwrap().raw_query("up").await.expect_err(version);
        assert_distrust(&error, &url);
    }
}
