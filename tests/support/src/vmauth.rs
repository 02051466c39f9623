//! A real proxy in front of a server: users and their passwords or tokens, each with a server of their own, and TLS.

use std::fs;
use std::net::TcpStream;
use std::process::Command;

use crate::guard::Guard;
use crate::{Error, Server, Tool, http};

/// A certificate and its key, in PEM.
#[derive(Clone, Copy, Debug)]
pub struct Certificate<'a> {
    /// The certificate, followed by those that vouch for it.
    pub certificate: &'a str,
    /// The key.
    pub key: &'a str,
}

/// Starts the proxy with a configuration as in <https://docs.victoriametrics.com/vmauth/>; `None`, once that has been
/// said, where the machine has none.
///
/// # Panics
///
/// When it cannot be started, and when there is none although [`servers_required`](crate::servers_required).
#[must_use]
pub fn start(config: &str, tls: Option<Certificate<'_>>) -> Option<Server> {
    // No variable names a running one: its configuration is the test's.
    Server::obtain(Tool::Vmauth, "", || try_start(config, tls))
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
