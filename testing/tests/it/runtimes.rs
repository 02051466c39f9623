//! Mocks in tests of any kind: with and without a runtime of their own, and many at once.

use std::thread;

use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{Error, PrometheusClient};
use promql_presets_testing::MockPrometheus;
use tokio::runtime::{Builder, Runtime};

async fn ask(client: &PrometheusClient) -> Result<f64, Error> {
    client.query(UP, &prometheus::Querier::new()).await?.number()
}

fn expecting(value: f64) -> MockPrometheus {
    let mock = MockPrometheus::start();
    mock.on(UP).returns(value);
    mock
}

#[test]
fn a_test_without_a_runtime() {
    let mock = expecting(1.0);
    let client = mock.client();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(ask(&client)).unwrap(), 1.0);
    // The mock survives the runtime of a client, and serves the next one.
    drop(runtime);
    let runtime = Runtime::new().unwrap();
    assert_eq!(runtime.block_on(ask(&mock.client())).unwrap(), 1.0);
    assert_eq!(mock.calls().len(), 2);
    drop(runtime);
    mock.verify();
}

#[test]
fn a_test_with_a_paused_runtime_of_its_own() {
    let mock = expecting(1.0);
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let client = mock.client_builder().timeout(std::time::Duration::from_millis(50)).build().unwrap();
    for _ in 0..20 {
        assert_eq!(runtime.block_on(ask(&client)).unwrap(), 1.0);
    }
}

#[tokio::test]
async fn a_test_with_one_thread() {
    let mock = expecting(1.0);
    assert_eq!(ask(&mock.client()).await.unwrap(), 1.0);
    // It can be started, verified and dropped within a runtime.
    mock.verify();
    drop(MockPrometheus::start());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_with_many_threads_and_tasks() {
    let mock = expecting(1.0);
    let client = mock.client();
    let tasks: Vec<_> =
        (0..50).map(|_| client.clone()).map(|client| tokio::spawn(async move { ask(&client).await })).collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), 1.0);
    }
    assert_eq!(mock.calls().len(), 50);
}

#[test]
fn tests_in_parallel() {
    let threads: Vec<_> = (0..16)
        .map(|number| {
            thread::spawn(move || {
                let mock = expecting(f64::from(number));
                let client = mock.client();
                let runtime = Builder::new_current_thread().enable_all().start_paused(number % 2 == 0).build().unwrap();
                for _ in 0..10 {
                    assert_eq!(runtime.block_on(ask(&client)).unwrap(), f64::from(number));
                }
                assert_eq!(mock.calls().len(), 10);
                mock.verify();
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}
