//! Removes credentials from what a server sends back: some proxies repeat the request in their error pages.

use std::env;
use std::sync::PoisonError;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use promql_presets_core::sort;
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue, PROXY_AUTHORIZATION};
use url::Url;

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
    secrets.retain(|secret| secret.chars().count() >= SHORTEST_SECRET);
    // The longest first, as one may be a part of another.
    sort::by_key(&mut secrets, |secret| std::cmp::Reverse(secret.len()));
    secrets.dedup();
    for text in &mut texts {
        for secret in &secrets {
            remove(secret, text);
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
        let Ok(value) = std::str::from_utf8(value.as_bytes()) else { continue };
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
    // Base64 without padding.
    secrets.push(credentials.trim().trim_end_matches('=').to_owned());
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
    let values = variables.into_iter().filter_map(|name| env::var(name).ok());
    let urls = values.filter_map(|value| url_of_proxy(&value));
    urls.filter_map(|url| {
        let [user, password] =
            [url.username(), url.password()?].map(|it| percent_decode_str(it).decode_utf8_lossy().into_owned());
        Some([STANDARD.encode(format!("{user}:{password}")), password])
    })
    .flatten()
    .collect()
}

/// The URL of a proxy, which may lack the scheme.
fn url_of_proxy(value: &str) -> Option<Url> {
    let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    Url::parse(&with_scheme).ok()
}

/// Removes a secret, and the parts of one where the text was truncated.
fn remove(secret: &str, text: &mut String) {
    let mut at = 0;
    while at < text.len() {
        let end = at + end_of_match(secret, &text[at..]).unwrap_or(0);
        if end > at {
            text.replace_range(at..end, REDACTED);
            at += REDACTED.len();
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    let last = secret.chars().count().saturating_sub(SHORTEST_SECRET);
    let tails = secret.char_indices().skip(1).take(last).map(|(from, _)| &secret[from..]);
    if let Some(length) = tails.into_iter().find_map(|tail| end_of_match(tail, text)) {
        text.replace_range(..length, REDACTED);
    }
}

/// The length of a secret at the start of a text, in whatever way its characters are encoded, or of the start of a secret
/// if the text was truncated there.
fn end_of_match(secret: &str, text: &str) -> Option<usize> {
    let end = text.trim_end_matches('…').trim_end_matches("...").len();
    let is_cut = |at: usize| text.get(at..end).is_some_and(is_start_of_encoded);
    // `%` may be itself or the start of an encoded character, so there can be several ways to read on.
    let mut ends = vec![0];
    for (count, expected) in secret.chars().enumerate() {
        if count >= SHORTEST_SECRET && ends.iter().any(|at| is_cut(*at)) {
            return Some(end);
        }
        ends = ends.iter().flat_map(|at| encoded(expected, &text[*at..]).map(move |length| at + length)).collect();
        if ends.is_empty() {
            return None;
        }
        sort::by(&mut ends, Ord::cmp);
        ends.dedup();
    }
    ends.pop()
}

/// Whether a text is what remains of a truncated encoded character, or empty.
fn is_start_of_encoded(text: &str) -> bool {
    match text.as_bytes() {
        [] | [b'\\'] => true,
        [b'%', ..] => text.len() < 3,
        [b'\\', b'u', ..] => text.len() < 6,
        [b'&', ..] => text.len() < 8 && !text.contains(';'),
        _ => false,
    }
}

/// The lengths of the ways in which a character can be encoded at the start of a text, whatever the case: as it is, in a
/// URL, a form, JSON, and HTML.
fn encoded(expected: char, text: &str) -> impl Iterator<Item = usize> {
    let is = |found: Option<char>| found.is_some_and(|found| found.eq_ignore_ascii_case(&expected));
    let hex = |digits: &str| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
    let plain = is(text.chars().next()).then(|| expected.len_utf8());
    let of_form = (expected == ' ' && text.starts_with('+')).then_some(1);
    let percent = text.starts_with('%').then(|| {
        let mut buffer = [0; 4];
        let mut bytes = expected.encode_utf8(&mut buffer).bytes();
        let mut parts = text[1..].split('%');
        let found = |part: &str| u8::from_str_radix(part.get(..2)?, 16).ok();
        let is_same =
            bytes.all(|byte| parts.next().and_then(found).is_some_and(|found| found.eq_ignore_ascii_case(&byte)));
        is_same.then_some(expected.len_utf8() * 3)
    });
    let backslash = text.strip_prefix('\\').and_then(|rest| match rest.strip_prefix('u') {
        Some(digits) if is(digits.get(..4).and_then(hex)) => Some(6),
        _ => (!expected.is_alphanumeric() && rest.starts_with(expected)).then(|| 1 + expected.len_utf8()),
    });
    let html = text.strip_prefix('&').and_then(|rest| {
        let name = &rest[..rest.find(';').filter(|length| *length < 10)?];
        let found = match (name, name.strip_prefix('#')) {
            ("amp", _) => Some('&'),
            ("lt", _) => Some('<'),
            ("gt", _) => Some('>'),
            ("quot", _) => Some('"'),
            ("apos", _) => Some('\''),
            (_, Some(number)) => match number.strip_prefix(['x', 'X']) {
                Some(digits) => hex(digits),
                None => number.parse().ok().and_then(char::from_u32),
            },
            _ => None,
        };
        is(found).then_some(name.len() + 2)
    });
    [plain, of_form, percent.flatten(), backslash, html].into_iter().flatten()
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
            "a&quot;b&#x2F;c+d&amp;e=Secret",
            "a\\\"b\\/c+d\\u0026e\\u003dSecret",
            "a%22b/c+d&e=Secret",
            "%61%22b%2Fc%2Bd%26e%3Dsecre%74",
        ] {
            assert_eq!(redacted(&token, &format!("no {body}!")), "no ***!", "{body}");
        }
        assert_eq!(redacted(&[("cookie", "a=hunter22; b=other-secret")], "hunter22 other-secret"), "*** ***");
    }

    #[test]
    fn every_character_can_be_encoded_or_not() {
        // As `encodeURIComponent`, `url.QueryEscape` and `url.PathEscape` write it.
        let token = [("x-api-key", "é~1!(2)$%41 z")];
        for body in [
            "é~1!(2)$%41 z",
            "%C3%A9~1!(2)%24%2541%20z",
            "%c3%a9~1%21%282%29%24%2541+z",
            "%C3%A9~1%21%282%29$%2541%20z",
        ] {
            assert_eq!(redacted(&token, &format!("{body} {body}.")), "*** ***.", "{body}");
        }
        let signs = [("x-api-key", "%%%%%%%%%%%%")];
        assert_eq!(redacted(&signs, &format!("{} and more", "%25".repeat(24))), "****** and more");
        for body in ["%", "&", "\\", "%C3", "&#x", "&;", "&#xffffffffff;", "\\u12", "%é%é", "\\ué", ""] {
            assert_eq!(redacted(&token, body), body);
        }
    }

    #[test]
    fn proxies_can_lack_the_scheme() {
        for value in ["user:hunter22@proxy:3128", "http://user:hunter22@proxy:3128", "socks5://user:hunter22@proxy"] {
            assert_eq!(url_of_proxy(value).as_ref().and_then(Url::password), Some("hunter22"), "{value}");
        }
    }

    #[test]
    fn truncated_secrets_are_removed() {
        let token = [("x-api-key", "0123456789abcdef")];
        assert_eq!(redacted(&token, "key 0123456789"), "key ***");
        assert_eq!(redacted(&token, "key 0123456789…"), "key ***…");
        assert_eq!(redacted(&token, "6789abcdef is wrong"), "*** is wrong");
        assert_eq!(redacted(&token, "key 01234"), "key 01234");
        assert_eq!(redacted(&[("x-api-key", "012345/6789abcdef")], "key 012345%2"), "key ***");
    }

    #[test]
    fn credentials_of_each_scheme_are_removed() {
        // `user:p@ss word`.
        let basic = [("authorization", "Basic dXNlcjpwQHNzIHdvcmQ=")];
        assert_eq!(
            redacted(&basic, "dXNlcjpwQHNzIHdvcmQ= p@ss word p%40ss+word dXNlcjpwQHNzIHdvcmQ."),
            "*** *** *** ***."
        );
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
