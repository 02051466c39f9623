//! `promql-presets serve`: the page of a folder of presets.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::failure::Failure;
use crate::output::{count, print, remark};
use crate::preset_folders::Dir;
use crate::serve::watched_folder::WatchedFolder;
use crate::serve::{Page, router};
use crate::server::{Server, block_on, without_credentials};

/// The queries that run at the same time; more wait.
const MAX_CONCURRENT: usize = 8;

/// How long requests may take to end after Ctrl-C.
const GRACE: Duration = Duration::from_secs(3);

/// Serves a page where the presets can be queried
///
/// The page shows each preset with its query, a chart and a table, and offers the labels and values that the server has.
/// Its URL contains all choices, so it can be shared. When a file of the folder changes, the page shows the new
/// presets; if they have errors, it shows the messages of the compiler and keeps the presets as they were. The page sends
/// names of presets and values, never PromQL.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 after Ctrl-C, 2 if the folder cannot be read or the address cannot be used

Example:
  promql-presets serve --url http://localhost:9090")]
pub(crate) struct Arguments {
    /// The address to listen on. Everyone who can reach it can query all series that the presets select: there is no
    /// authentication, so use an authenticating proxy for addresses that other machines can reach
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7090", value_parser = parse_address)]
    listen: SocketAddr,
    #[command(flatten)]
    dir: Dir,
    #[command(flatten)]
    server: Server,
}

fn parse_address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "expected a numeric address and a port, such as `127.0.0.1:7090`, `0.0.0.0:7090` or `[::1]:7090`")
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let folder = Arc::new(WatchedFolder::open(arguments.dir.clone())?);
    let url = arguments.server.url(folder.url().as_deref())?;
    let client = arguments.server.builder(&url)?.max_concurrent(MAX_CONCURRENT).build()?;
    let invalid = |error: io::Error| {
        Failure::new(format!("cannot listen on `{}`: {error}", arguments.listen))
            .help("choose another address with `--listen`; port 0 is any that is free")
    };
    block_on(async {
        let interrupted = interrupted().map_err(|error| Failure::new(format!("cannot listen for Ctrl-C: {error}")))?;
        let listener = TcpListener::bind(arguments.listen).await.map_err(invalid)?;
        let address = listener.local_addr().map_err(invalid)?;
        let page = Page { folder: Arc::clone(&folder), server: without_credentials(&url), listens_on: address.ip() };
        let app = router(client, &page);
        print(&format!("http://{address}/\n"))?;
        let (presets, errors) = folder.counts();
        remark(&format!("serving {} of `{}`; stop with Ctrl-C", count(presets, "preset"), folder.shown()));
        if errors > 0 {
            remark(&format!("{} in the presets: see the page, or run `promql-presets check`", count(errors, "error")));
        }
        if !address.ip().is_loopback() {
            remark("other machines may be able to reach this address, and there is no login");
        }
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = axum::serve(listener, app).with_graceful_shutdown(async {
            interrupted.await;
            _ = stop.send(());
        });
        // Requests that do not end in time are aborted.
        let deadline = async {
            _ = stopped.await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            served = async { serving.await } => served.map_err(invalid)?,
            () = deadline => {}
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Listens for Ctrl-C and the signal of service managers, and returns what waits for them.
#[cfg(unix)]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Returns what waits for Ctrl-C.
#[cfg(not(unix))]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    Ok(async { _ = tokio::signal::ctrl_c().await })
}
