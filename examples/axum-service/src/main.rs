//! Serves until Ctrl-C or SIGTERM: `axum-service <Prometheus' url> <address>`.

use std::time::Duration;

use promql_presets::PrometheusClient;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, address] = &arguments[..] else {
        return Err("usage: axum-service <Prometheus' url> <address>".into());
    };
    let prometheus = PrometheusClient::builder(url).timeout(Duration::from_secs(10)).max_concurrent(32);
    let app = axum_service::app(prometheus)?;
    let listener = TcpListener::bind(address).await?;
    tracing::info!("listening on {}", listener.local_addr()?);

    let mut terminate = signal(SignalKind::terminate())?;
    let shutdown = async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("finishing the requests that have begun");
    };
    axum_service::serve(listener, app, shutdown).await?;
    Ok(())
}
