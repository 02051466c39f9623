//! VictoriaMetrics' authenticating proxy, with TLS if a certificate is given.

use std::fs;
use std::net::TcpStream;
use std::process::Command;

use promql_presets_testing::guard::Guard;

use crate::{Error, Server, Tool, http};

/// A certificate and its key, in PEM.
#[derive(Clone, Copy, Debug)]
pub struct Certificate<'a> {
    /// The certificate, followed by its chain.
    pub certificate: &'a str,
    /// The key.
    pub key: &'a str,
}

/// Starts the proxy with a configuration as in <https://docs.victoriametrics.com/vmauth/>. Without the program, prints so
/// and returns `None`.
///
/// # Panics
///
/// When it cannot be started, and when it is missing although [`servers_required`](crate::servers_required).
#[must_use]
pub fn start(config: &str, tls: Option<Certificate<'_>>) -> Option<Server> {
    // A running proxy would have another configuration.
    Server::obtain(&[Tool::Vmauth], "", || try_start(config, tls))
}

fn try_start(config: &str, tls: Option<Certificate<'_>>) -> Result<Option<Server>, Error> {
    let Some(program) = Tool::Vmauth.find()? else { return Ok(None) };
    let mut guard = Guard::new()?;
    let folder = guard.folder().to_path_buf();
    let file = folder.join("auth.yml");
    fs::write(&file, config)?;
    if let Some(Certificate { certificate, key }) = tls {
        fs::write(folder.join("cert.pem"), certificate)?;
        fs::write(folder.join("key.pem"), key)?;
    }
    let command = |address: &str| {
        let mut command = Command::new(&program);
        command.current_dir(&folder).arg(format!("-auth.config={}", file.display()));
        command.arg(format!("-httpListenAddr={address}"));
        if tls.is_some() {
            command.args(["-tls", "-tlsCertFile=cert.pem", "-tlsKeyFile=key.pem"]);
        }
        command
    };
    let ready = |url: &str| match tls {
        Some(_) => TcpStream::connect(url.trim_start_matches("http://")).is_ok(),
        None => http::get(url, "/flags").is_ok_and(|flags| flags.body.contains(&*file.to_string_lossy())),
    };
    let url = guard.start(command, ready)?;
    let url = if tls.is_some() { url.replacen("http", "https", 1) } else { url };
    Ok(Some(Server::started(url, guard)))
}
