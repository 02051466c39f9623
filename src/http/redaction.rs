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

/// The minimum length of a secret that is removed everywhere. Removing shorter texts would tear words apart, so these
/// are removed where they are delimited.
const SHORTEST_SECRET: usize = 6;

/// The minimum length of a delimited secret. Shorter ones, such as `1`, are too frequent in texts, and are removed only
/// together with their names: `user:1`.
const SHORTEST_WORD: usize = 4;

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
    let mut secrets = Found::default();
    secrets.of_options(options);
    if let Some(supplied) = supplied {
        secrets.of_headers(supplied.lock().unwrap_or_else(PoisonError::into_inner).iter());
    }
    secrets.of_proxies();
    // The longest first, as one may be a part of another.
    sort::by_key(&mut secrets.0, |secret| std::cmp::Reverse(secret.len()));
    secrets.0.dedup();
    for text in &mut texts {
        for secret in &secrets.0 {
            remove(secret, text);
        }
    }
}

/// The secrets of a call.
#[derive(Default)]
struct Found(Vec<String>);

impl Found {
    /// Adds a secret that can stand alone.
    fn value(&mut self, value: &str) {
        if value.chars().count() >= SHORTEST_WORD {
            self.0.push(value.to_owned());
        }
    }

    /// Adds a secret that is sent together with a name, as in `user:password`; with the name if it is short.
    fn pair(&mut self, name: &str, separator: &str, value: &str) {
        self.value(value);
        if (1..SHORTEST_SECRET).contains(&value.chars().count()) {
            self.0.push([name, separator, value].concat());
        }
    }

    fn of_options(&mut self, options: &Options) {
        for (name, value) in options.sent().filter(|(name, _)| is_secret(name)) {
            self.pair(name, "=", value);
        }
        self.of_headers(options.headers.iter().filter(|(name, _)| is_secret(name.as_str())));
    }

    fn of_headers<'h>(&mut self, headers: impl Iterator<Item = (&'h HeaderName, &'h HeaderValue)>) {
        for (name, value) in headers {
            let Ok(value) = std::str::from_utf8(value.as_bytes()) else { continue };
            if name == COOKIE {
                for (name, value) in value.split(';').filter_map(|cookie| cookie.trim().split_once('=')) {
                    self.pair(name, "=", value);
                }
            } else if name == AUTHORIZATION || name == PROXY_AUTHORIZATION {
                self.of_authorization(value);
            } else {
                self.pair(name.as_str(), ": ", value);
            }
        }
    }

    /// The secrets of `Basic dXNlcjpwYXNz`, `Bearer token`, `Digest response="..."` and
    /// `AWS4-HMAC-SHA256 Signature=...`.
    fn of_authorization(&mut self, value: &str) {
        const PUBLIC: [&str; 9] =
            ["algorithm", "nc", "nonce", "opaque", "qop", "realm", "signedheaders", "uri", "username"];
        let (scheme, credentials) = value.split_once(' ').unwrap_or(("", value));
        if scheme.eq_ignore_ascii_case("basic")
            && let Some(decoded) = STANDARD.decode(credentials.trim()).ok().and_then(|it| String::from_utf8(it).ok())
            && let Some((user, password)) = decoded.split_once(':')
        {
            self.pair(user, ":", password);
        }
        self.pair(scheme, " ", credentials.trim());
        // Base64 without padding.
        self.value(credentials.trim().trim_end_matches('='));
        for parameter in credentials.split([',', ' ']).filter_map(|parameter| parameter.trim().split_once('=')) {
            let (name, value) = parameter;
            if !PUBLIC.contains(&name.to_ascii_lowercase().as_str()) {
                self.value(value.trim_matches('"'));
            }
        }
    }

    /// The passwords of the proxies that reqwest reads from the environment.
    fn of_proxies(&mut self) {
        let variables = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        for url in variables.into_iter().filter_map(|name| url_of_proxy(&env::var(name).ok()?)) {
            let Some(password) = url.password() else { continue };
            let [user, password] =
                [url.username(), password].map(|it| percent_decode_str(it).decode_utf8_lossy().into_owned());
            self.value(&STANDARD.encode(format!("{user}:{password}")));
            self.pair(&user, ":", &password);
        }
    }
}

/// The URL of a proxy, which may lack the scheme.
fn url_of_proxy(value: &str) -> Option<Url> {
    let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    Url::parse(&with_scheme).ok()
}

/// Removes a secret, and the parts of one where the text was truncated.
fn remove(secret: &str, text: &mut String) {
    let is_short = secret.chars().count() < SHORTEST_SECRET;
    let mut at = 0;
    while at < text.len() {
        let end = at + end_of_match(secret, &text[at..]).unwrap_or(0);
        if end > at && !(is_short && is_within_word(text, at, end)) {
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

/// Whether a part of a text is part of a longer word. A word can begin after an encoded character, as in `%3Dword`.
fn is_within_word(text: &str, start: usize, end: usize) -> bool {
    let before = &text.as_bytes()[..start];
    let follows = |sign: &[u8], digits: usize| {
        let at = start.checked_sub(digits);
        at.is_some_and(|at| before[..at].ends_with(sign) && before[at..].iter().all(u8::is_ascii_hexdigit))
    };
    let continues = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    continues(text[end..].chars().next())
        || continues(text[..start].chars().next_back()) && !follows(b"%", 2) && !follows(b"\\u", 4)
}

/// The length of a secret at the start of a text, in whatever way its characters are encoded, or of the start of a
/// secret if the text was truncated there.
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

/// The lengths of the ways in which a character can be encoded at the start of a text, whatever the case: as it is, in
/// a URL, a form, JSON, and HTML.
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
    fn short_secrets_are_removed_where_they_are_delimited() {
        // `u:pw123` and `u:1`.
        let [pair, tiny] = ["Basic dTpwdzEyMw==", "Basic dTox"].map(|value| [("authorization", value)]);
        for body in
            ["u:pw123", "U:PW123", "u%3Apw123", "u&#58;pw123", "u\\u003apw123", "pw123", "%3Dpw123", "\\u003dpw123"]
        {
            let found = redacted(&pair, &format!("dec={body}."));
            assert!(found.ends_with("***.") && !found.to_lowercase().contains("pw123"), "{found}");
        }
        assert_eq!(redacted(&pair, "pw1234 xpw123"), "pw1234 xpw123");
        assert_eq!(redacted(&tiny, "u:1 (1:15) u%3A1 menu:1 dTox"), "*** (1:15) *** menu:1 ***");
        assert_eq!(redacted(&[("cookie", "sid=ab; t=")], "ab sid=ab t="), "ab *** t=");
        assert_eq!(redacted(&[("x-api-key", "ab")], "ab x-api-key: ab"), "ab ***");
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
