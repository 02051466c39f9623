//! The server of commands that need one: its URL, credentials and timeout.

use std::env;
use std::fs;
use std::future::Future;
use std::io;
use std::time::Duration;

use promql_presets::{ClientBuilder, PrometheusClient};
use promql_presets_core::PromDuration;

use crate::failure::Failure;

/// The variable with the URL of the server.
const VARIABLE: &str = "PROMETHEUS_URL";

/// The server that a command talks to.
#[derive(Debug, clap::Args)]
pub(crate) struct Server {
    /// The URL of the server, such as `http://localhost:9090`; default: that in the variable `PROMETHEUS_URL`
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    access: Access,
}

impl Server {
    /// The client.
    pub(crate) fn client(&self) -> Result<PrometheusClient, Failure> {
        let default;
        let url = if let Some(url) = &self.url {
            url
        } else {
            default = default_url()?;
            &default
        };
        self.access.client(url)
    }
}

/// How to reach a server.
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
    #[arg(long, default_value = "30s")]
    timeout: PromDuration,
}

impl Access {
    /// A client for a server.
    pub(crate) fn client(&self, url: &str) -> Result<PrometheusClient, Failure> {
        self.configure(PrometheusClient::builder(url)).and_then(|builder| Ok(builder.build()?))
    }

    /// Sets credentials and the timeout.
    fn configure(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, Failure> {
        builder = builder.timeout(Duration::from_millis(self.timeout.as_millis()));
        if let Some(token) = &self.bearer_token {
            builder = builder.bearer_auth(&token.read("--bearer-token")?);
        }
        if let Some(credentials) = &self.basic_auth {
            let text = credentials.read("--basic-auth")?;
            let Some((user, password)) = text.split_once(':') else {
                return Err(Failure::new("the source of `--basic-auth` does not hold `user:password`"));
            };
            builder = builder.basic_auth(user, password);
        }
        for (name, value) in &self.headers {
            builder = builder.header(name, &value.read("--header")?);
        }
        if let Some(tenant) = &self.tenant {
            builder = builder.tenant(&tenant.read("--tenant")?);
        }
        Ok(builder)
    }
}

/// Where a secret is, which is never on the command line: other users of the machine can read that.
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
    /// The secret, without line breaks at its end. Messages do not show the name of a file: it may be the secret itself.
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

fn parse_header(text: &str) -> Result<(String, Secret), &'static str> {
    let (name, source) = text.split_once('=').ok_or("expected a name and a source, such as `X-Api-Key=env:API_KEY`")?;
    Ok((name.to_owned(), source.into()))
}

fn default_url() -> Result<String, Failure> {
    env::var(VARIABLE).ok().filter(|url| !url.is_empty()).ok_or_else(|| {
        Failure::new("no server given").help(format!("write `--url http://localhost:9090`, or set `{VARIABLE}`"))
    })
}

/// Runs the requests of a command.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::new(format!("cannot start: {error}")))?.block_on(future)
}
