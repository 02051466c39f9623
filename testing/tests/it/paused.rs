//! Paused time.

use std::time::Duration;

use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{Error, PrometheusClient, RetryPolicy};
use promql_presets_testing::{MockPrometheus, MockResponse};
use tokio::time::{Instant, sleep};

async fn query(client: &PrometheusClient) -> Result<f64, Error> {
    client.query(UP, &prometheus::Querier::new()).await?.number()
}

#[tokio::test(start_paused = true)]
async fn time_stands_still_during_calls_only() {
    let mock = MockPrometheus::start();
    mock.on(UP).returns(1).any_times();
    let client = mock.client_builder().timeout(Duration::from_millis(50)).build().unwrap();
    let (start, real) = (Instant::now(), std::time::Instant::now());
    for _ in 0..100 {
        query(&client).await.unwrap();
    }
    assert!(start.elapsed() < Duration::from_millis(1));
    sleep(Duration::from_hours(1)).await;
    assert!(start.elapsed() >= Duration::from_hours(1));
    for calls in [2, 20] {
        let calls = (0..calls).map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                sleep(Duration::from_mins(1)).await;
                query(&client).await.unwrap();
            })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap();
        }
    }
    assert!(start.elapsed() < Duration::from_hours(2));
    assert!(real.elapsed() < Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn delays_timeouts_and_pauses_take_no_time() {
    let mock = MockPrometheus::start();
    mock.on(UP)
        .returns(MockResponse::never())
        .then(MockResponse::from(1).stall_after(10))
        .then(MockResponse::from(2).delay(Duration::from_secs(31)))
        .then(MockResponse::from(3).delay(Duration::from_secs(29)))
        .then(MockResponse::from(4).trickle(10, Duration::from_secs(1)));
    let client = mock.client_builder().timeout(Duration::from_secs(30)).retry(RetryPolicy::never()).build().unwrap();
    let real = std::time::Instant::now();
    for _ in 0..3 {
        let start = Instant::now();
        assert!(query(&client).await.unwrap_err().is_timeout());
        assert!((30..32).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    }
    let start = Instant::now();
    assert_eq!(query(&client).await.unwrap(), 3.0);
    assert_eq!(start.elapsed().as_secs(), 29);
    let start = Instant::now();
    assert_eq!(query(&client).await.unwrap(), 4.0);
    assert!((5..30).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert!(real.elapsed() < Duration::from_secs(10), "{:?}", real.elapsed());
}

#[tokio::test(start_paused = true)]
async fn retries_wait_by_the_paused_clock() {
    let mock = MockPrometheus::start();
    mock.on(UP).returns(MockResponse::too_many_requests(20)).then(MockResponse::html(503)).then(1);
    let pause = Duration::from_secs(5);
    let policy = RetryPolicy::default().backoff(pause, pause);
    let client = mock.client_builder().timeout(Duration::from_mins(1)).retry(policy).build().unwrap();
    let start = Instant::now();
    assert_eq!(query(&client).await.unwrap(), 1.0);
    assert!((20..40).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_unread_response_does_not_block_the_clock() {
    let mock = MockPrometheus::start();
    mock.on_range(UP).returns(1).any_times();
    let range = promql_presets::TimeRange::last_hours(1);
    let querier = prometheus::Querier::new();
    let client = mock.client();
    let stream = client.query_range(UP, &querier, range).stream().await.unwrap();
    sleep(Duration::from_mins(10)).await;
    drop(stream);
}
