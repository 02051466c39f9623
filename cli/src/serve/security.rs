//! Protects the page from other pages in the same browser.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The headers of each response.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        HeaderName::from_static("content-security-policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    (HeaderName::from_static("x-content-type-options"), "nosniff"),
    (HeaderName::from_static("x-frame-options"), "DENY"),
    (HeaderName::from_static("referrer-policy"), "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Refuses requests of other pages, and sets the headers.
pub(crate) async fn check(State(listens_on): State<IpAddr>, request: Request, next: Next) -> Response {
    let mut response = match refusal(request.method(), request.headers(), listens_on) {
        Some(reason) => (StatusCode::FORBIDDEN, reason).into_response(),
        None => next.run(request).await,
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The reason to refuse a request: it is not from the page.
fn refusal(method: &Method, headers: &HeaderMap, listens_on: IpAddr) -> Option<&'static str> {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text(&HOST).unwrap_or_default();
    // Another page can give its own name the address of this machine. What it then sends has that name.
    if listens_on.is_loopback() && !is_loopback(host) {
        return Some("this address serves only `localhost` and the loopback addresses\n");
    }
    let is_own = |origin: &str| origin.split_once("://").is_some_and(|(_, origin)| origin.eq_ignore_ascii_case(host));
    if !matches!(*method, Method::GET | Method::HEAD) && text(&ORIGIN).is_some_and(|origin| !is_own(origin)) {
        return Some("the request is from another page\n");
    }
    None
}

/// Whether the value of a `Host` header is a loopback name or address.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_names_and_pages() {
        let loopback: IpAddr = [127, 0, 0, 1].into();
        let refused = |method: Method, listens_on: IpAddr, host: &str, origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            if !origin.is_empty() {
                headers.insert(ORIGIN, origin.parse().unwrap());
            }
            refusal(&method, &headers, listens_on).is_some()
        };
        for host in ["localhost:7090", "LOCALHOST", "127.0.0.1:7090", "127.8.8.8", "[::1]:7090", "[::1]"] {
            assert!(!refused(Method::GET, loopback, host, ""), "{host}");
        }
        for host in ["", "evil.example", "localhost.evil.example:7090", "127.0.0.1.evil.example", "10.0.0.1", "::1.x"] {
            assert!(refused(Method::GET, loopback, host, ""), "{host}");
        }
        let all: IpAddr = [0, 0, 0, 0].into();
        assert!(!refused(Method::GET, all, "box.example", ""));
        assert!(!refused(Method::POST, all, "box.example", "http://box.example"));
        for origin in ["http://evil.example", "null", "http://box.example.evil.example", "http://box.example:1"] {
            assert!(refused(Method::POST, all, "box.example", origin), "{origin}");
        }
        assert!(!refused(Method::POST, loopback, "localhost:1", "http://localhost:1"));
        assert!(!refused(Method::POST, loopback, "localhost:1", ""));
        assert!(refused(Method::POST, loopback, "localhost:1", "http://localhost:2"));
    }
}
