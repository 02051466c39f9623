//! Errors name the proxy that a request went through, without its credentials.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::thread;

use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{Error, PrometheusClient, RetryPolicy, reqwest};

use crate::faulty_server::{Server, vector};

const CREDENTIALS: &str = "someone:hunter2hunter2@";

/// An address that refuses connections.
fn dead() -> String {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().to_string()
}

/// A proxy that responds to every request with this status.
fn refusing(status: u16) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            write!(stream, "HTTP/1.1 {status} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        }
    });
    address
}

async fn failure(client: PrometheusClient) -> String {
    let error: Error = client.query(UP, &prometheus::Querier::new()).retry(RetryPolicy::never()).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    error.to_string()
}

async fn failure_through(server: &str, proxy: &str) -> String {
    let proxy = reqwest::Proxy::all(proxy).unwrap();
    failure(PrometheusClient::builder(server).configure_http(|http| http.proxy(proxy)).build().unwrap()).await
}

#[tokio::test]
async fn proxies_of_the_builder_are_named() {
    let server = "http://prometheus.example:9090";
    let dead = dead();
    let error = failure_through(server, &format!("http://{CREDENTIALS}{dead}")).await;
    let expected = format!("query at {server}: the server cannot be reached: through the proxy http://{dead}: ");
    assert!(error.contains(&expected) && error.contains("refused"), "{error}");

    let error = failure_through(server, "http://no-such-host.invalid:3128").await;
    assert!(error.contains("through the proxy http://no-such-host.invalid:3128: "), "{error}");

    let refusing = refusing(407);
    let error = failure_through(server, &format!("http://{refusing}")).await;
    assert!(error.contains("HTTP 407") && error.contains(&format!("the proxy http://{refusing} requires")), "{error}");
}

/// The tests' reqwest has no support for SOCKS, and none for TLS unless a feature brings it. With `native-tls`, it
/// speaks HTTP to any proxy.
#[cfg(not(feature = "native-tls"))]
#[tokio::test]
async fn a_proxy_that_needs_a_feature_is_a_wrong_configuration() {
    let dead = dead();
    for (scheme, feature) in [
        ("socks5", "`socks` of reqwest"),
        ("socks4a", "`socks` of reqwest"),
        #[cfg(not(feature = "rustls"))]
        ("https", "`rustls` or `native-tls` of promql-presets"),
    ] {
        let error = failure_through("http://prometheus.example:9090", &format!("{scheme}://{CREDENTIALS}{dead}")).await;
        let expected = format!("invalid configuration: the proxy {scheme}://{dead} needs the feature {feature}");
        assert!(error.ends_with(&expected), "{error}");
    }
    let shown = with_environment("http://prometheus.example:9090", &[("http_proxy", &format!("socks5://{dead}"))]);
    assert!(shown.contains("needs the feature `socks`"), "{shown}");
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
#[tokio::test]
async fn proxies_that_refuse_a_tunnel_are_named() {
    for status in [403, 407, 502] {
        let refusing = refusing(status);
        let error =
            failure_through("https://prometheus.example:9090", &format!("http://{CREDENTIALS}{refusing}")).await;
        let expected = format!("the server cannot be reached: through the proxy http://{refusing}: ");
        assert!(error.contains(&expected) && error.contains("tunnel error"), "{status}: {error}");
    }
}

#[tokio::test]
async fn a_host_without_a_proxy_is_reached_directly() {
    let server = Server::always(vector("7"));
    let proxy = |exceptions: &str| {
        let exceptions = reqwest::NoProxy::from_string(exceptions);
        reqwest::Proxy::all(format!("http://{}", dead())).unwrap().no_proxy(exceptions)
    };
    for exceptions in ["127.0.0.1", "localhost,127.0.0.0/8", "10.0.0.1, 127.0.0.1"] {
        let builder = PrometheusClient::builder(&server.url).configure_http(|http| http.proxy(proxy(exceptions)));
        builder.build().unwrap().query(UP, &prometheus::Querier::new()).await.unwrap();
        let server = format!("http://{}", dead());
        let builder = PrometheusClient::builder(server).configure_http(|http| http.proxy(proxy(exceptions)));
        let error = failure(builder.build().unwrap()).await;
        assert!(!error.contains("proxy"), "{exceptions}: {error}");
    }
    for (exceptions, is_proxied) in
        [(".example", false), ("prometheus.example", false), ("a.example", true), ("", true)]
    {
        let builder = PrometheusClient::builder("http://prometheus.example:9090");
        let error = failure(builder.configure_http(|http| http.proxy(proxy(exceptions))).build().unwrap()).await;
        assert_eq!(error.contains("through the proxy"), is_proxied, "{exceptions}: {error}");
    }
}

/// What a client prints that is built with these variables of the environment, in a process of its own.
fn with_environment(server: &str, variables: &[(&str, &str)]) -> String {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "proxy::client_of_the_environment", "--nocapture"]).env("PROXY_TEST_SERVER", server);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        child.env_remove(name).env_remove(name.to_lowercase());
    }
    let output = child.envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Not a test of its own, but the other process of the next one.
#[tokio::test]
async fn client_of_the_environment() {
    let Ok(server) = env::var("PROXY_TEST_SERVER") else { return };
    match PrometheusClient::new(server) {
        Ok(client) => writeln!(io::stdout(), "call: {}", failure(client).await).unwrap(),
        Err(error) => writeln!(io::stdout(), "build: {error} {error:?}").unwrap(),
    }
}

#[test]
fn proxies_of_the_environment_are_named() {
    let (server, dead) = ("http://prometheus.example:9090", dead());
    let proxy = format!("http://{CREDENTIALS}{dead}");
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let shown = with_environment(server, &[(name, &proxy)]);
        assert!(shown.contains(&format!("call: preset prometheus::up: query at {server}: the server cannot be reached: through the proxy http://{dead}: ")), "{shown}");
    }
    let shown = with_environment(server, &[("HTTP_PROXY", &dead)]);
    assert!(shown.contains(&format!("through the proxy http://{dead}: ")), "{shown}");
    let ftp = format!("ftp://{CREDENTIALS}{dead}");
    let invalid = format!("http://{CREDENTIALS}a proxy:3128");
    for (variables, expected) in [
        (
            [("HTTP_PROXY", &*ftp), ("NO_PROXY", "")],
            "the proxy in `HTTP_PROXY` has the scheme `ftp`, which is not supported",
        ),
        (
            [("all_proxy", &ftp), ("NO_PROXY", "")],
            "the proxy in `all_proxy` has the scheme `ftp`, which is not supported",
        ),
        ([("HTTP_PROXY", &invalid), ("NO_PROXY", "")], "the proxy in `HTTP_PROXY` is not a valid URL"),
        ([("HTTP_PROXY", &ftp), ("no_proxy", "example")], "call: "),
        ([("HTTPS_PROXY", &ftp), ("NO_PROXY", "")], "call: "),
        ([("HTTP_PROXY", ""), ("NO_PROXY", "")], "call: "),
        ([("HTTP_PROXY", &ftp), ("ALL_PROXY", &proxy)], "through the proxy http://"),
    ] {
        let shown = with_environment(server, &variables);
        assert!(shown.contains(expected) && !shown.contains("hunter2"), "{variables:?}: {shown}");
    }
}
