//! Public types can be sent between threads.

use std::fmt::Debug;
use std::time::Duration;

use crate::faulty_server::{Server, json, vector};
use crate::requests::{client, last_query};
use promql_presets::presets::prometheus::{self, UP};
use promql_presets::presets::{self, api_requests};
use promql_presets::{
    CallReport, Data, Dialect, Error, ErrorKind, HttpMethod, Outcome, PrometheusClient, Querier, RetryPolicy,
    SeriesStream, TimeRange, Timestamp, preset,
};

/// A querier that is not for several threads.
struct NotSync(std::cell::Cell<u8>);
impl promql_presets::MetricQuerier for NotSync {
    fn name(&self) -> &'static str {
        "up"
    }
    fn labels(&self) -> std::borrow::Cow<'_, [promql_presets::Matcher<'_>]> {
        self.0.set(1);
        (&[][..]).into()
    }
}

#[test]
fn public_types_are_debug_and_send() {
    fn check<T: Debug + Send>(value: T) -> T {
        assert!(!format!("{value:?}").is_empty());
        value
    }
    fn check_type<T: Debug + Send + Sync>() {}
    fn check_stream<T: Debug + Send + futures_util::Stream>() {}
    fn check_future<F: IntoFuture<IntoFuture: Send>>(_: F) {}
    check_type::<PrometheusClient>();
    check_type::<promql_presets::ClientBuilder>();
    check_type::<Error>();
    check_type::<ErrorKind>();
    check_type::<RetryPolicy>();
    check_type::<Dialect>();
    check_type::<CallReport<'_>>();
    check_type::<Outcome<'_>>();
    check_type::<Data>();
    check_type::<HttpMethod>();
    check_stream::<SeriesStream>();
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    assert_eq!(size_of::<PrometheusClient>(), size_of::<usize>());

    let client = PrometheusClient::new("http://localhost").unwrap();
    let querier = NotSync(std::cell::Cell::new(0));
    let any = preset!("sum by ({group_by}) ({metric_name}{{{labels}}})");
    let range = TimeRange::new(Timestamp::from_secs(0), Timestamp::from_secs(1)).unwrap();
    check_future(client.query(any, &querier));
    check_future(client.query_range(any, &querier, range));
    check_future(client.query_range(any, &querier, range).split());
    check_future(client.query_range(any, &querier, range).stream().limit(1));
    check_future(client.exemplars(any, &querier));
    check_future(check(client.series(&querier)));
    check_future(check(client.labels()));
    check_future(check(client.label_values("job")));
    check_future(check(client.metadata()));
    check_future(check(client.build_info()));
    check_future(check(client.features()));
    check_future(check(client.format_query("up")));
    check_future(check(client.parse_query("up")));
    check_future(check(client.ready()));
    check_future(check(client.raw_query("up")));
    check_future(check(client.raw_query_range("up", range)));
    let shown = format!("{:?}", client.query_range(any, &querier, range).split());
    assert!(shown.starts_with("SplitQuery"), "{shown}");
}

/// Queries of presets that take any querier are built, held and awaited in a task that may move between threads.
#[tokio::test]
async fn every_kind_of_query_can_be_spawned() {
    const TYPED: promql_presets::Preset<prometheus::Querier, promql_presets::Vector> = UP;
    let server = Server::always(vector("7"));
    let matrix = r#"{"resultType":"matrix","result":[]}"#;
    let ranges = Server::always(json(200, &format!(r#"{{"status":"success","data":{matrix}}}"#)));
    let lists = Server::always(json(200, r#"{"status":"success","data":[]}"#));
    let [client, ranges, lists] = [&server, &ranges, &lists].map(client);
    let range = TimeRange::parse("1", "2", "1").unwrap();
    let window = Some("1m");
    let spawned = tokio::spawn(async move {
        let any = preset!("rate({metric_name}{{{labels}}}[{window}])", window = "5m");
        let info = presets::ALL.find("api_requests::rate").unwrap();
        let (querier, typed) = (Querier::new("m"), prometheus::Querier::new());
        let labels = api_requests::Querier::new();

        let mut query = client.query(any, &querier);
        if let Some(window) = window {
            query = query.window(window);
        }
        query.await.unwrap();
        let mut query = client.query(info.preset::<Data>(), &labels);
        if let Some(window) = window {
            query = query.window(window);
        }
        query.await.unwrap();
        client.query(TYPED.any_querier(), &typed).await.unwrap();
        let query = client.query(any, &querier).when_some(window, promql_presets::InstantQuery::window);
        query.when_some(None::<Duration>, promql_presets::InstantQuery::timeout).await.unwrap();

        let mut query = ranges.query_range(any, &querier, range);
        if let Some(window) = window {
            query = query.window(window);
        }
        query.await.unwrap();
        let split = ranges.query_range(any, &querier, range).split();
        split.when_some(Some(2), promql_presets::SplitQuery::max_points).await.unwrap();
        let mut stream = ranges.query_range(any, &querier, range).stream().await.unwrap();
        assert!(stream.try_next().await.unwrap().is_none());
        lists.exemplars(any, &querier).when_some(window, promql_presets::ExemplarsQuery::window).await.unwrap();
        lists.series(&querier).when_some(Some(3), promql_presets::SeriesQuery::limit).await.unwrap();
        lists.label_values("job").matching(&querier).await.unwrap();
    });
    spawned.await.unwrap();
    let rates: Vec<_> = server.requests().iter().map(|request| last_query(&request.parameters)).collect();
    assert_eq!(rates.iter().filter(|query| query.contains("[1m]")).count(), 3, "{rates:?}");
}
