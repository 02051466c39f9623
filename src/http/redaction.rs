//! Removes credentials from what a server sends back: some proxies repeat the request in their error pages.

use std::env;
use std::sync::PoisonError;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue, PROXY_AUTHORIZATION};
use url::Url;
use url::form_urlencoded::byte_serialize;

use crate::error::ErrorKind;
use crate::http::credentials::Secrets;
use crate::http::options::Options;

/// The minimum length of a secret. Removing shorter texts would tear words apart.
const SHORTEST_SECRET: usize = 6;

/// Takes the place of a secret.
const REDACTED: &str = "***";

/// Removes the credentials of a call from the texts of a failure.
///
/// All that `supplied` has is secret, whatever its name.
pub(crate) fn redact(kind: &mut ErrorKind, options: &Options, supplied: Option<&Secrets>) {
    let mut texts = kind.texts_of_server();
    if texts.iter().all(|text| text.is_empty()) {
        return;
    }
    let mut secrets = of_options(options);
    if let Some(supplied) = supplied {
        of_headers(supplied.lock().unwrap_or_else(PoisonError::into_inner).iter(), &mut secrets);
    }
    secrets.extend(of_proxies());
    let mut forms: Vec<String> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    forms.retain(|form| form.len() >= SHORTEST_SECRET);
    // The longest first, as one form may be a part of another.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    for text in &mut texts {
        for form in &forms {
            remove(form, text);
        }
    }
}

fn of_options(options: &Options) -> Vec<String> {
    let mut secrets = Vec::new();
    for (_, value) in options.sent().filter(|(name, _)| is_secret(name)) {
        secrets.push(value.to_owned());
    }
    of_headers(options.headers.iter().filter(|(name, _)| is_secret(name.as_str())), &mut secrets);
    secrets
}

fn of_headers<'h>(headers: impl Iterator<Item = (&'h HeaderName, &'h HeaderValue)>, secrets: &mut Vec<String>) {
    for (name, value) in headers {
        let Ok(value) = value.to_str() else { continue };
        if name == COOKIE {
            secrets.extend(value.split(';').filter_map(|cookie| Some(cookie.split_once('=')?.1.trim().to_owned())));
        } else if name == AUTHORIZATION || name == PROXY_AUTHORIZATION {
            of_authorization(value, secrets);
        } else {
            secrets.push(value.to_owned());
        }
    }
}

/// The secrets of `Basic dXNlcjpwYXNz`, `Bearer token`, `Digest response="..."` and `AWS4-HMAC-SHA256 Signature=...`.
fn of_authorization(value: &str, secrets: &mut Vec<String>) {
    const PUBLIC: [&str; 9] =
        ["algorithm", "nc", "nonce", "opaque", "qop", "realm", "signedheaders", "uri", "username"];
    let (scheme, credentials) = value.split_once(' ').unwrap_or(("", value));
    if scheme.eq_ignore_ascii_case("basic")
        && let Some(decoded) = STANDARD.decode(credentials.trim()).ok().and_then(|it| String::from_utf8(it).ok())
        && let Some((_, password)) = decoded.split_once(':')
    {
        secrets.push(password.to_owned());
    }
    secrets.push(credentials.trim().to_owned());
    for parameter in credentials.split([',', ' ']).filter_map(|parameter| parameter.trim().split_once('=')) {
        let (name, value) = parameter;
        if !PUBLIC.contains(&name.to_ascii_lowercase().as_str()) {
            secrets.push(value.trim_matches('"').to_owned());
        }
    }
}

/// The passwords of the proxies that reqwest reads from the environment.
fn of_proxies() -> Vec<String> {
    let variables = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let urls = variables.into_iter().filter_map(|name| Url::parse(&env::var(name).ok()?).ok());
    urls.filter_map(|url| {
        let [user, password] =
            [url.username(), url.password()?].map(|it| percent_decode_str(it).decode_utf8_lossy().into_owned());
        Some([STANDARD.encode(format!("{user}:{password}")), password])
    })
    .flatten()
    .collect()
}

/// A secret as servers may repeat it, in lower case: in a URL, a form, JSON, and HTML.
fn forms(secret: &str) -> [String; 5] {
    let json = serde_json::to_string(secret).unwrap_or_default();
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;");
    [
        secret.to_owned(),
        byte_serialize(secret.as_bytes()).collect(),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        json.trim_matches('"').to_owned(),
        html.replace('\'', "&#39;"),
    ]
    .map(|form| form.to_ascii_lowercase())
}

/// Removes a secret, which is in lower case, and the parts of one where the text was cut.
fn remove(secret: &str, text: &mut String) {
    let mut at = 0;
    // Changing the case of ASCII keeps all positions.
    while let Some(found) = text[at..].to_ascii_lowercase().find(secret) {
        let start = at + found;
        text.replace_range(start..start + secret.len(), REDACTED);
        at = start + REDACTED.len();
    }
    let lower = text.to_ascii_lowercase();
    let end = lower.trim_end_matches('…').trim_end_matches("...").len();
    let heads = (SHORTEST_SECRET..secret.len()).rev().filter_map(|length| secret.get(..length));
    if let Some(head) = heads.into_iter().find(|head| lower[..end].ends_with(head)) {
        text.replace_range(end - head.len()..end, REDACTED);
    }
    let lower = text.to_ascii_lowercase();
    let tails = (1..secret.len().saturating_sub(SHORTEST_SECRET - 1)).filter_map(|from| secret.get(from..));
    if let Some(tail) = tails.into_iter().find(|tail| lower.starts_with(tail)) {
        text.replace_range(..tail.len(), REDACTED);
    }
}

/// Whether the value of a header or a parameter is secret, unlike that of a tenant.
fn is_secret(name: &str) -> bool {
    const PARTS: [&str; 9] = ["auth", "cookie", "session", "token", "key", "secret", "pass", "credential", "signature"];
    let name = name.to_ascii_lowercase();
    PARTS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(headers: &[(&str, &str)], body: &str) -> String {
        let mut options = Options::default();
        for (name, value) in headers {
            options.header(name, value);
        }
        let mut kind = ErrorKind::Http { status: 403, body: body.to_owned() };
        redact(&mut kind, &options, None);
        let ErrorKind::Http { body, .. } = kind else { panic!("{kind:?}") };
        body
    }

    #[test]
    fn secrets_are_recognized_by_the_names_of_headers() {
        for name in ["authorization", "x-auth-request-email", "x-api-key", "x-session-id", "cookie", "x-passcode"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["x-scope-orgid", "cache-control", "accept", "user-agent", "x-grafana-org-id", "traceparent", "via"]
        {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn secrets_are_removed_in_every_form() {
        let token = [("authorization", "Bearer a\"b/c+d&e=Secret")];
        for body in [
            "a\"b/c+d&e=Secret",
            "A\"B/C+D&E=SECRET",
            "a%22b%2Fc%2Bd%26e%3DSecret",
            "a%22b%2fc%2bd%26e%3dsecret",
            "a\\\"b/c+d&e=Secret",
            "a&#34;b/c+d&amp;e=Secret",
        ] {
            assert_eq!(redacted(&token, &format!("no {body}!")), "no ***!", "{body}");
        }
        assert_eq!(redacted(&[("cookie", "a=hunter22; b=other-secret")], "hunter22 other-secret"), "*** ***");
    }

    #[test]
    fn cut_secrets_are_removed() {
        let token = [("x-api-key", "0123456789abcdef")];
        assert_eq!(redacted(&token, "key 0123456789"), "key ***");
        assert_eq!(redacted(&token, "key 0123456789…"), "key ***…");
        assert_eq!(redacted(&token, "6789abcdef is wrong"), "*** is wrong");
        assert_eq!(redacted(&token, "key 01234"), "key 01234");
    }

    #[test]
    fn credentials_of_each_scheme_are_removed() {
        // `user:p@ss word`.
        let basic = [("authorization", "Basic dXNlcjpwQHNzIHdvcmQ=")];
        assert_eq!(redacted(&basic, "dXNlcjpwQHNzIHdvcmQ= p@ss word p%40ss+word"), "*** *** ***");
        let digest =
            [("authorization", "Digest username=\"someone\", realm=\"metrics\", response=\"6629fae49393a053\"")];
        assert_eq!(redacted(&digest, "someone metrics 6629fae49393a053"), "someone metrics ***");
        let sigv4 = [(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu/aps/aws4_request, SignedHeaders=host, Signature=fe5f80f77d",
        )];
        assert_eq!(redacted(&sigv4, "host fe5f80f77d AKIDEXAMPLE/20260101/eu/aps/aws4_request"), "host *** ***");
    }
}
