//! The proxy of a client, which errors name. reqwest chooses it from its own settings, the environment or the system.

use std::error::Error;
use std::{env, fmt};

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

/// A failure of a request that went through a proxy.
#[derive(Debug)]
pub(crate) struct ThroughProxy {
    pub(crate) proxy: String,
    pub(crate) source: Box<dyn Error + Send + Sync>,
}

impl fmt::Display for ThroughProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "through the proxy {}", self.proxy)
    }
}

impl Error for ThroughProxy {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// The error for a proxy that reqwest was built without support for, from the causes of a failure.
///
/// This crate cannot see the features of reqwest, only that its connectors refuse the scheme.
pub(crate) fn unsupported<'e>(
    proxy: &str,
    mut causes: impl Iterator<Item = &'e (dyn Error + 'static)>,
) -> Option<String> {
    let is_refused = |cause: &(dyn Error + 'static)| {
        let message = cause.to_string();
        message == "invalid URL, scheme is not http" || message.starts_with("unsupported scheme ")
    };
    let is_socks = proxy.starts_with("socks");
    let needed = if is_socks { "`socks` of reqwest" } else { "`rustls` or `native-tls` of promql-presets" };
    causes.any(is_refused).then(|| format!("the proxy {proxy} needs the feature {needed}"))
}

/// The proxy for a server, such as `http://proxy:3128`, without credentials.
///
/// Only the debug format of reqwest's client shows it: its proxies in order, each as a hyper-util `Matcher`.
pub(crate) fn of(client: &reqwest::Client, server: &Url) -> Option<String> {
    let shown = format!("{client:?}");
    let server: Uri = server.as_str().parse().ok()?;
    let proxies = shown.split_once("proxies: [")?.1;
    proxies.split("Matcher { ").skip(1).find_map(|matcher| {
        let (proxies, exceptions) = matcher.split_once("no: NoProxy").unwrap_or((matcher, ""));
        let of_scheme = format!("{}: Intercept {{ uri: ", server.scheme_str()?);
        let proxy = proxies.split_once(&of_scheme)?.1.split_once(" }")?.0;
        let builder = Matcher::builder().all(proxy.to_owned()).no(no_proxy(exceptions));
        builder.build().intercept(&server)?;
        Some(proxy.trim_end_matches('/').to_owned())
    })
}

/// The hosts without a proxy, as `NO_PROXY` lists them, from their debug format:
/// `{ ips: IpMatcher([Network(10.0.0.0/8)]), domains: DomainMatcher(["localhost"]) }`.
fn no_proxy(shown: &str) -> String {
    let lists = shown.split("Matcher([").skip(1).filter_map(|list| Some(list.split_once("])")?.0));
    let entries = lists.flat_map(|list| list.split(", "));
    let bare = |entry: &str| entry.trim_start_matches("Network(").trim_start_matches("Address(").to_owned();
    let entries = entries.map(|entry| bare(entry).trim_matches(['"', ')']).to_owned());
    entries.collect::<Vec<_>>().join(",")
}

/// The fault of the proxy that the environment sets for a server, if reqwest ignores it and would connect directly.
pub(crate) fn ignored(client: &reqwest::Client, server: &Url) -> Option<String> {
    let system = Matcher::from_system();
    let uses_system = format!("{client:?}").contains(&format!("proxies: [{system:?}]"));
    let uri: Uri = server.as_str().parse().ok()?;
    if !uses_system || system.intercept(&uri).is_some() || env::var_os("REQUEST_METHOD").is_some() {
        return None;
    }
    let set = |names: [&'static str; 2]| names.into_iter().find_map(|name| Some((name, env::var(name).ok()?)));
    let exceptions = set(["NO_PROXY", "no_proxy"]).map(|(_, list)| list).unwrap_or_default();
    Matcher::builder().all("http://proxy".to_owned()).no(exceptions).build().intercept(&uri)?;
    let of_scheme =
        if server.scheme() == "https" { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    let mut variables = [of_scheme, ["ALL_PROXY", "all_proxy"]].into_iter().filter_map(set);
    let (name, proxy) = variables.find(|(_, proxy)| !proxy.is_empty())?;
    Some(match Url::parse(&proxy) {
        Ok(url) if url.has_host() && !matches!(url.scheme(), "http" | "https") => {
            format!("the proxy in `{name}` has the scheme `{}`, which is not supported", url.scheme())
        }
        _ => format!("the proxy in `{name}` is not a valid URL"),
    })
}
