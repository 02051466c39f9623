//! Asks a Prometheus that holds the demo's data, and shows the answers: `promql-presets-demo <url> <end>`, where `end`
//! is the Unix time of the last samples.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program for people")]

mod ask;
mod show;

use std::env;
use std::process::ExitCode;

use ask::Ask;
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

/// Asks one question after the other, and shows the answers.
async fn run(url: &str, end: &str) -> Result<(), Error> {
    let (ask, show) = (Ask::new(url, end)?, Show::stdout());
    let (query, kernels) = ask.utilization_by_kernel().await?;
    show.heading("Processor use by kernel, now", &query);
    show.shares("kernel", Unit::Percent, &kernels);

    let busiest = kernels.iter().max_by(|one, other| one.value.total_cmp(&other.value));
    let kernel = &busiest.ok_or("no kernel has data")?.name;
    let (query, trends) = ask.utilization_of(kernel).await?;
    show.heading("The busiest kernel, last 6 hours", &query);
    show.trends("metric", ask.hours(6), Unit::Percent, &trends);

    let (query, trends) = ask.memory_by_kernel().await?;
    show.heading("Memory by kernel, last 6 hours", &query);
    show.trends("kernel", ask.hours(6), Unit::Bytes, &trends);

    let (query, trends) = ask.requests_by_endpoint().await?;
    show.heading("API requests by endpoint, last 4 hours", &query);
    show.trends("endpoint", ask.hours(4), Unit::PerSecond, &trends);

    let (query, trends) = ask.latency_by_model().await?;
    show.heading("LLM latency, 95th percentile by model, last 4 hours", &query);
    show.trends("model", ask.hours(4), Unit::Seconds, &trends);
    Ok(())
}
