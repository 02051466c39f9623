//! The server of commands that need one: its URL, credentials and timeout.

use std::env;
use std::fs;
use std::future::Future;
use std::io;
use std::time::Duration;

use promql_presets::{ClientBuilder, PrometheusClient, reqwest};
use promql_presets_core::PromDuration;

use crate::failure::Failure;

/// The variable with the URL of the server.
const VARIABLE: &str = "PROMETHEUS_URL";

/// The server that a command talks to.
#[derive(Debug, clap::Args)]
pub(crate) struct Server {
    /// The URL of the server, such as `http://localhost:9090`; default: that in the variable `PROMETHEUS_URL`, then
    /// `url` of `[defaults]` in `promql.toml`
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    access: Access,
}

impl Server {
    /// The client, with a default URL from the settings of the registry.
    pub(crate) fn client(&self, default: Option<&str>) -> Result<PrometheusClient, Failure> {
        Ok(self.builder(&self.url(default)?)?.build()?)
    }

    /// The URL, with a default from the settings of the registry.
    pub(crate) fn url(&self, default: Option<&str>) -> Result<String, Failure> {
        let Some(url) = &self.url else { return default_url(default) };
        refuse_credentials("--url", url)?;
        Ok(url.clone())
    }

    /// A builder of the client for a URL.
    pub(crate) fn builder(&self, url: &str) -> Result<ClientBuilder, Failure> {
        Ok(self.access.read()?.builder(url))
    }
}

/// Where metrics are looked up.
#[derive(Debug, clap::Args)]
pub(crate) struct Sources {
    /// A server, such as `http://localhost:9090`; can be repeated; without it and `--from`, that in the variable
    /// `PROMETHEUS_URL`, then `url` of `[defaults]` in `promql.toml`
    #[arg(long = "url", value_name = "URL")]
    urls: Vec<String>,
    /// A page of `/metrics`, in the format of Prometheus or OpenMetrics: a file, a URL, or `-` for standard input; can be
    /// repeated
    #[arg(long = "from", value_name = "PAGE")]
    pub(crate) pages: Vec<String>,
    #[command(flatten)]
    access: Access,
}

impl Sources {
    /// Whether no source is named.
    pub(crate) fn is_empty(&self) -> bool {
        self.urls.is_empty() && self.pages.is_empty()
    }

    /// The URLs of servers: that of the settings if no source is named.
    pub(crate) fn servers(&self, default: Option<&str>) -> Result<Vec<String>, Failure> {
        if self.is_empty() { Ok(vec![default_url(default)?]) } else { Ok(self.urls.clone()) }
    }

    /// Reads the secrets, and checks that there are none in the URLs.
    pub(crate) fn credentials(&self) -> Result<Credentials, Failure> {
        self.urls.iter().try_for_each(|url| refuse_credentials("--url", url))?;
        self.pages.iter().try_for_each(|url| refuse_credentials("--from", url))?;
        self.access.read()
    }
}

/// How to reach servers.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Server options")]
pub(crate) struct Access {
    /// A bearer token: a file, `env:NAME` for an environment variable, or `-` for standard input
    #[arg(long, value_name = "SOURCE", conflicts_with = "basic_auth")]
    bearer_token: Option<Secret>,
    /// `user:password`: a file, `env:NAME` or `-`
    #[arg(long, value_name = "SOURCE")]
    basic_auth: Option<Secret>,
    /// A header and the source of its value, a file, `env:NAME` or `-`, such as `X-Api-Key=env:API_KEY`; can be repeated
    #[arg(long = "header", value_name = "NAME=SOURCE", value_parser = parse_header)]
    headers: Vec<(String, Secret)>,
    /// The tenant of Mimir or Cortex: a file, `env:NAME` or `-`
    #[arg(long, value_name = "SOURCE")]
    tenant: Option<Secret>,
    /// The timeout of each request, including retries
    #[arg(long, default_value = "30s", value_parser = parse_timeout)]
    timeout: PromDuration,
}

impl Access {
    /// Reads the secrets.
    pub(crate) fn read(&self) -> Result<Credentials, Failure> {
        let read = |secret: &Option<Secret>, option| secret.as_ref().map(|secret| secret.read(option)).transpose();
        let user = match read(&self.basic_auth, "--basic-auth")? {
            None => None,
            Some(text) => match text.split_once(':') {
                Some((user, password)) => Some((user.to_owned(), password.to_owned())),
                None => return Err(Failure::new("the source of `--basic-auth` does not hold `user:password`")),
            },
        };
        let mut headers = Vec::new();
        for (name, secret) in &self.headers {
            headers.push((name.clone(), secret.read("--header")?));
        }
        Ok(Credentials {
            token: read(&self.bearer_token, "--bearer-token")?,
            user,
            headers,
            tenant: read(&self.tenant, "--tenant")?,
            timeout: Duration::from_millis(self.timeout.as_millis()),
        })
    }
}

/// The headers and credentials of requests, for all servers of a command.
pub(crate) struct Credentials {
    token: Option<String>,
    user: Option<(String, String)>,
    headers: Vec<(String, String)>,
    tenant: Option<String>,
    timeout: Duration,
}

impl Credentials {
    /// A builder of a client for a server.
    pub(crate) fn builder(&self, url: &str) -> ClientBuilder {
        let builder = PrometheusClient::builder(url)
            .timeout(self.timeout)
            .when_some(self.token.as_deref(), ClientBuilder::bearer_auth)
            .when_some(self.user.as_ref(), |builder, (user, password)| builder.basic_auth(user, password))
            .when_some(self.tenant.as_deref(), ClientBuilder::tenant);
        self.headers.iter().fold(builder, |builder, (name, value)| builder.header(name, value))
    }

    /// Gets a page. Redirects are not followed, since the headers are for this server only.
    pub(crate) async fn get(&self, url: &str, accept: &str) -> Result<(reqwest::StatusCode, Vec<u8>), reqwest::Error> {
        let client =
            reqwest::Client::builder().timeout(self.timeout).redirect(reqwest::redirect::Policy::none()).build()?;
        let mut request = client.get(url).header(reqwest::header::ACCEPT, accept);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some((user, password)) = &self.user {
            request = request.basic_auth(user, Some(password));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = request.send().await?.error_for_status()?;
        Ok((response.status(), response.bytes().await?.to_vec()))
    }
}

/// Where to read a secret. It is never an argument itself: other users of the machine can read those.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Secret {
    File(String),
    Variable(String),
    StandardInput,
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        match text.strip_prefix("env:") {
            Some(name) => Self::Variable(name.to_owned()),
            None if text == "-" => Self::StandardInput,
            None => Self::File(text.to_owned()),
        }
    }
}

impl Secret {
    /// The secret, without line breaks at its end. Messages do not show the argument: it may be the secret itself.
    fn read(&self, option: &str) -> Result<String, Failure> {
        let text = match self {
            Self::Variable(name) => env::var(name).map_err(|error| format!("variable `{name}`: {error}")),
            Self::File(path) => fs::read_to_string(path).map_err(|error| format!("file: {error}")),
            Self::StandardInput => io::read_to_string(io::stdin()).map_err(|error| format!("standard input: {error}")),
        };
        let text = text.map_err(|error| {
            Failure::new(format!("cannot read the value for `{option}` from its {error}"))
                .help("write the name of a file, or `env:NAME` for an environment variable")
        })?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }
}

fn parse_timeout(text: &str) -> Result<PromDuration, String> {
    match text.parse() {
        Ok(PromDuration::ZERO) => Err("expected more than zero, such as `30s`".to_owned()),
        timeout => timeout.map_err(|error| error.to_string()),
    }
}

fn parse_header(text: &str) -> Result<(String, Secret), &'static str> {
    let (name, source) = text.split_once('=').ok_or("expected a name and a source, such as `X-Api-Key=env:API_KEY`")?;
    Ok((name.to_owned(), source.into()))
}

/// Refuses a URL from the command line with a user or a password: other users of the machine can read that.
pub(crate) fn refuse_credentials(option: &str, url: &str) -> Result<(), Failure> {
    let host = url.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    if host.is_some_and(|host| host.contains('@')) {
        let failure = Failure::new(format!("the URL of `{option}` has a user or a password, which others can read"));
        return Err(failure.help(format!(
            "write them into a file for `--basic-auth FILE`, or the whole URL into the variable `{VARIABLE}`"
        )));
    }
    Ok(())
}

/// The URL of the server where none is given: that in the environment, then that in the settings of the registry.
pub(crate) fn default_url(settings: Option<&str>) -> Result<String, Failure> {
    let variable = env::var(VARIABLE).ok().filter(|url| !url.is_empty());
    variable.or_else(|| settings.map(str::to_owned)).ok_or_else(|| {
        Failure::new("no server given").help(format!(
            "write `--url http://localhost:9090`, set `{VARIABLE}`, or write `url` in `[defaults]` of `promql.toml`"
        ))
    })
}

/// Runs the requests of a command.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::new(format!("cannot start: {error}")))?.block_on(future)
}

/// A URL to show, without what may be secret.
pub(crate) fn without_credentials(url: &str) -> String {
    let Ok(mut url) = url.parse::<reqwest::Url>() else { return String::new() };
    // These fail for URLs that cannot have credentials.
    _ = url.set_username("");
    _ = url.set_password(None);
    url.set_query(None);
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::without_credentials;

    #[test]
    fn urls_are_shown_without_credentials() {
        let shown = without_credentials("https://user:secret@prom.example:9090/base/?token=secret");
        assert_eq!(shown, "https://prom.example:9090/base");
    }
}
