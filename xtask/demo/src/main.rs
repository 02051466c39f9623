//! Queries a Prometheus with the demo's data and prints the results: `promql-presets-demo <url> <end>`, where `end` is the
//! Unix time of the last samples.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod queries;
mod show;

use std::env;
use std::process::ExitCode;

use queries::Queries;
use show::{Share, Show, Trend, Unit};

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [url, end] = &arguments[..] else {
        eprintln!("usage: promql-presets-demo <url> <end>");
        return ExitCode::from(2);
    };
    match run(url, end).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the queries and prints their results.
async fn run(url: &str, end: &str) -> Result<(), Error> {
    let (queries, show) = (Queries::new(url, end)?, Show::stdout());
    let (query, kernels) = queries.utilization_by_kernel().await?;
    show.heading("Processor use by kernel, now", &query);
    show.shares("kernel", Unit::Percent, &kernels);

    let busiest = kernels.iter().max_by(|one, other| one.value.total_cmp(&other.value));
    let kernel = &busiest.ok_or("no kernel has data")?.name;
    let (query, trends) = queries.utilization_of(kernel).await?;
    show.heading("The busiest kernel, last 6 hours", &query);
    show.trends("metric", queries.hours(6), Unit::Percent, &trends);

    let (query, trends) = queries.memory_by_kernel().await?;
    show.heading("Memory by kernel, last 6 hours", &query);
    show.trends("kernel", queries.hours(6), Unit::Bytes, &trends);

    let (query, trends) = queries.requests_by_endpoint().await?;
    show.heading("API requests by endpoint, last 4 hours", &query);
    show.trends("endpoint", queries.hours(4), Unit::PerSecond, &trends);

    let (query, trends) = queries.latency_by_model().await?;
    show.heading("LLM latency, 95th percentile by model, last 4 hours", &query);
    show.trends("model", queries.hours(4), Unit::Seconds, &trends);
    Ok(())
}
