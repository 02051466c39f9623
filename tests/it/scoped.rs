//! Clients with a scope: what they add reaches every call, and no call can change it.

use std::time::Duration;

use crate::faulty_server::{Request, Server, json, vector};
use promql_presets::presets::{api_requests, prometheus, prometheus::UP};
use promql_presets::{
    Data, Error, ErrorKind, Match, MetricQuerier, Mimir, NoWindow, Preset, PrometheusClient, Querier, RetryPolicy,
    TimeRange, Vector, not, one_of, preset, regex, starts_with,
};
use promql_presets_test_support::{Dataset, prometheus as real, victoria_metrics};

const ANY: Preset<dyn MetricQuerier, Vector, NoWindow> = preset!("{metric_name}{{{labels}}}");

fn last(server: &Server) -> Request {
    server.requests().pop().unwrap()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>, expected: &str) {
    let error = result.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Config(_)), "{error}");
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(error.public_message(), "internal error");
}

fn filtered(server: &Server) -> PrometheusClient {
    PrometheusClient::new(&server.url).unwrap().with_filter("project", "p\"1")
}

const FILTER: &str = r#"project="p\"1""#;

#[tokio::test]
async fn a_filter_reaches_every_query_of_every_preset() {
    let server = Server::always(vector("7"));
    let client = filtered(&server);
    for (querier, query) in [
        (Querier::new("up"), format!("up{{{FILTER}}}")),
        (Querier::new("up").label("job", "x"), format!("up{{job=\"x\",{FILTER}}}")),
        // Matchers on the same label narrow the result, whatever their operator.
        (Querier::new("up").label("project", "p2"), format!("up{{project=\"p2\",{FILTER}}}")),
        (Querier::new("up").label("project", regex(".*")), format!("up{{project=~\".*\",{FILTER}}}")),
        (Querier::new("up").label("project", not("p")), format!("up{{project!=\"p\",{FILTER}}}")),
        (Querier::new("up").label("project", one_of(["a", "b"])), format!("up{{project=~\"a|b\",{FILTER}}}")),
        // Names that look like the end of a selector are quoted.
        (Querier::new("up} or up{"), format!("{{\"up}} or up{{\",{FILTER}}}")),
        (Querier::new("up").label("a\"} or up{b", "x"), format!("up{{\"a\\\"}} or up{{b\"=\"x\",{FILTER}}}")),
        (
            Querier::new("up").label("job", "\"} or up{job!=\""),
            format!("up{{job=\"\\\"}} or up{{job!=\\\"\",{FILTER}}}"),
        ),
        (Querier::new("größe").label("prοject", "x"), format!("{{\"größe\",\"prοject\"=\"x\",{FILTER}}}")),
    ] {
        client.query(ANY, &querier as &dyn MetricQuerier).await.unwrap();
        assert_eq!(last(&server).parameter("query"), Some(&*query));
    }
    // Every selector.
    let ratio = preset!("sum(a{{x=\"1\",{labels}}}) / sum({metric_name}{{{labels}}})");
    client.query(ratio, &Querier::new("b") as &dyn MetricQuerier).await.unwrap();
    let expected = format!("sum(a{{x=\"1\",{FILTER}}}) / sum(b{{{FILTER}}})");
    assert_eq!(last(&server).parameter("query"), Some(&*expected));
    // Filters add up.
    client.with_filter("env", one_of(["prod"])).query(UP, &prometheus::Querier::new()).await.unwrap_err();
    let both = client.with_filter("project", "p2");
    both.query(ANY, &Querier::new("up") as &dyn MetricQuerier).await.unwrap();
    assert_eq!(last(&server).parameter("query"), Some(&*format!("up{{{FILTER},project=\"p2\"}}")));
}

#[tokio::test]
async fn ranges_parts_streams_and_exemplars_are_filtered() {
    let server = Server::always(json(200, r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#));
    let client = filtered(&server);
    let range = TimeRange::parse("0", "100", "1s").unwrap();
    let (preset, querier) = (ANY, Querier::new("up"));
    let query = || client.query_range(preset, &querier as &dyn MetricQuerier, range);
    query().await.unwrap();
    query().split().max_points(60).await.unwrap();
    query().stream().await.unwrap();
    let expected = format!("up{{{FILTER}}}");
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    assert!(requests.iter().all(|request| request.parameter("query") == Some(&*expected)), "{requests:?}");

    let server = Server::always(json(200, r#"{"status":"success","data":[]}"#));
    filtered(&server).exemplars(preset, &querier as &dyn MetricQuerier).await.unwrap();
    assert_eq!(last(&server).parameter("query"), Some(&*expected));
}

#[tokio::test]
async fn lists_are_filtered() {
    let server = Server::always(json(200, r#"{"status":"success","data":[]}"#));
    let client = filtered(&server);
    let matches = |request: Request| -> Vec<String> {
        let own = request.parameters.into_iter().filter(|(name, _)| name == "match[]");
        own.map(|(_, selector)| selector).collect()
    };
    let (one, other) = (Querier::new("up"), Querier::new("").label("job", "x"));
    let (all, of_up) = (format!("{{{FILTER}}}"), format!("up{{{FILTER}}}"));
    let of_job = format!("{{job=\"x\",{FILTER}}}");
    client.labels().await.unwrap();
    assert_eq!(matches(last(&server)).join(" "), all);
    client.labels().matching(&one).matching(&other).await.unwrap();
    assert_eq!(matches(last(&server)), [of_up.clone(), of_job.clone()]);
    client.label_values("project").await.unwrap();
    assert_eq!(matches(last(&server)).join(" "), all);
    client.label_values("job").matching(&one).await.unwrap();
    assert_eq!(matches(last(&server)).join(" "), of_up);
    client.series(&one).or(&other).await.unwrap();
    assert_eq!(matches(last(&server)), [of_up, of_job]);
    client.series(&Querier::default()).await.unwrap();
    assert_eq!(matches(last(&server)).join(" "), all);

    let count = server.requests().len();
    for name in ["match[]", "match", "match[0]"] {
        refused(client.labels().parameter(name, "{job=~\".+\"}").await, "`match");
        refused(client.label_values("job").parameter(name, "{job=~\".+\"}").await, "`match");
    }
    refused(client.metadata().await, "metadata, which servers list for all series");
    assert_eq!(server.requests().len(), count);
}

#[tokio::test]
async fn what_cannot_be_filtered_is_refused() {
    let server = Server::always(vector("7"));
    let client = filtered(&server);
    let range = TimeRange::last_hours(1);
    let querier = Querier::default();
    let querier: &dyn MetricQuerier = &querier;
    let unfiltered = preset!("sum(up) + on() x{{{labels}}}", allow("unfiltered-selector", reason = "a test"));
    refused(client.query(unfiltered, querier).await, "does not reach `up` in ");
    refused(client.query_range(unfiltered, querier, range).await, "does not reach `up`");
    refused(client.query_range(unfiltered, querier, range).split().await, "does not reach `up`");
    refused(client.query_range(unfiltered, querier, range).stream().await, "does not reach `up`");
    refused(client.exemplars(unfiltered, querier).await, "does not reach `up`");
    refused(client.raw_query("up").await, "unchecked PromQL");
    refused(client.raw_query_range("up", range).await, "unchecked PromQL");
    // The file declares labels, but not this one, or other values of it.
    refused(client.query(UP, &prometheus::Querier::new()).await, "undeclared label `project`");
    let api = PrometheusClient::new(&server.url).unwrap().with_filter("status_code", "5xx");
    refused(api.query(api_requests::RATE, &api_requests::Querier::new()).await, "invalid value `5xx`");
    // Filters that are not valid themselves.
    for label in ["", "__name__"] {
        let client = PrometheusClient::new(&server.url).unwrap().with_filter(label, "x");
        refused(client.query(ANY, &Querier::new("up") as &dyn MetricQuerier).await, "of a filter");
        refused(client.labels().await, "of a filter");
    }
    // Such as that of a missing header.
    let empty: [Match<String>; 5] = [
        String::new().into(),
        starts_with(String::new()),
        one_of(["a", ""].map(str::to_owned)),
        regex(".*").into(),
        regex("a|").into(),
    ];
    for condition in empty {
        let client = PrometheusClient::new(&server.url).unwrap().with_filter("project", condition);
        refused(client.query(ANY, &Querier::new("up") as &dyn MetricQuerier).await, "series without this label");
        refused(client.labels().await, "series without this label");
    }
    let nothing = PrometheusClient::new(&server.url).unwrap().with_filter("project", one_of(Vec::<String>::new()));
    refused(nothing.query(ANY, &Querier::new("up") as &dyn MetricQuerier).await, "empty list of values");
    assert_eq!(server.requests().len(), 0);
    // A query that reads no series has nothing to filter.
    client.query(preset!("vector(1)"), querier).await.unwrap();
    client.build_info().await.unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_filter_is_a_value_of_the_declared_kind() {
    let server = Server::always(vector("7"));
    let client = PrometheusClient::new(&server.url).unwrap().with_filter("status_code", 500);
    client.query(api_requests::RATE, &api_requests::Querier::new()).await.unwrap();
    assert!(last(&server).parameter("query").unwrap().contains(r#"{status_code="500"}"#));
    let id = uuid::Uuid::from_u128(7);
    let client = PrometheusClient::new(&server.url).unwrap().with_filter("kernel_id", id);
    client.query(ANY, &Querier::new("up") as &dyn MetricQuerier).await.unwrap();
    assert_eq!(last(&server).parameter("query"), Some(&*format!("up{{kernel_id=\"{id}\"}}")));
}

#[tokio::test]
async fn a_tenant_reaches_every_call_and_cannot_be_changed() {
    let server = Server::always(vector("7"));
    let root = PrometheusClient::builder(&server.url).tenant("default").build().unwrap();
    let client = root.for_tenant("team-a");
    let querier = prometheus::Querier::new();
    client.query(UP, &querier).await.unwrap();
    client.query(UP, &querier).header("x-other", "1").await.unwrap();
    client.raw_query("up").await.unwrap();
    client.for_tenant("team-a").query(UP, &querier).tenant("team-a").await.unwrap();
    let range = TimeRange::parse("0", "100", "1s").unwrap();
    client.query_range(UP, &querier, range).header("x-other", "1").split().max_points(60).await.unwrap_err();
    client.labels().await.unwrap_err();
    let requests = server.requests();
    assert!(requests.len() >= 6);
    assert!(requests.iter().all(|request| request.headers["x-scope-orgid"] == "team-a"), "{requests:?}");
    root.query(UP, &querier).await.unwrap();
    assert_eq!(last(&server).headers["x-scope-orgid"], "default");

    let count = server.requests().len();
    let expected = "limited to the tenant `team-a`";
    refused(client.query(UP, &querier).tenant("team-b").await, expected);
    refused(client.query(UP, &querier).header("X-SCOPE-ORGID", "team-b").await, expected);
    refused(client.query(UP, &querier).with(Mimir::new().tenants(["team-a", "team-b"])).await, expected);
    refused(client.for_tenant("team-b").query(UP, &querier).await, expected);
    refused(client.labels().tenant("team-b").await, expected);
    refused(client.healthy().tenant("team-b").await, expected);
    for name in ["", "team-a|team-b", "..", "a\nb"] {
        refused(root.for_tenant(name).query(UP, &querier).await, "a tenant");
    }
    assert_eq!(server.requests().len(), count);
}

#[tokio::test]
async fn a_base_path_replaces_that_of_the_url_once() {
    let server = Server::always(vector("7"));
    let root = PrometheusClient::new(format!("{}/select/0/prometheus?api_key=k", server.url)).unwrap();
    let client = root.with_base_path("/select/42/prometheus/");
    let querier = prometheus::Querier::new();
    client.query(UP, &querier).await.unwrap();
    assert_eq!(last(&server).path, "/select/42/prometheus/api/v1/query");
    assert_eq!(last(&server).parameter("api_key"), Some("k"));
    client.labels().await.unwrap_err();
    assert_eq!(last(&server).path, "/select/42/prometheus/api/v1/labels");
    root.query(UP, &querier).await.unwrap();
    assert_eq!(last(&server).path, "/select/0/prometheus/api/v1/query");
    let count = server.requests().len();
    refused(client.with_base_path("/select/43/prometheus").query(UP, &querier).await, "limited to the path");
    for path in ["", "select", "/select/../admin", "/a/%2E%2e/b", "/a?b", "/a#b", "/a\\b", "/a b", "/\u{e9}"] {
        refused(root.with_base_path(path).query(UP, &querier).await, "invalid base path");
    }
    assert_eq!(server.requests().len(), count);
}

#[tokio::test]
async fn scoped_clients_share_limits_and_the_retry_budget() {
    let server = Server::always(json(503, "busy"));
    let policy = RetryPolicy::default().retries(1).backoff(Duration::from_millis(1), Duration::from_millis(1));
    let root = PrometheusClient::builder(&server.url).retry(policy).build().unwrap();
    let querier = Querier::new("up");
    let mut retries = 0;
    for at in 0..30 {
        let client = root.for_tenant(format!("team-{at}")).with_filter("project", at);
        let error = client.query(ANY, &querier as &dyn MetricQuerier).await.unwrap_err();
        retries += error.retries();
    }
    // Ten at first, and a fifth of all calls; with budgets of their own, there would be thirty.
    assert!(retries < 28, "{retries}");
}

#[tokio::test]
async fn owned_queries_outlive_their_querier_and_their_client() {
    let server = Server::always(vector("7"));
    let query = {
        let client = PrometheusClient::new(&server.url).unwrap().for_tenant("team-a");
        let job = "api".to_owned();
        client.query(UP, &prometheus::Querier::new().job(&job)).into_owned()
    };
    let result = tokio::spawn(query.into_future()).await.unwrap().unwrap();
    assert_eq!(result.number().unwrap(), 7.0);
    assert_eq!(last(&server).parameter("query"), Some("up{job=\"api\"}"));
}

#[tokio::test]
async fn real_servers_return_what_a_filter_selects() {
    let data = Dataset::of_tests();
    for server in real::shared().into_iter().chain(victoria_metrics::shared()) {
        let root = PrometheusClient::new(server.url()).unwrap();
        let client = root.with_filter("domain", "default");
        let at = promql_presets::Timestamp::from_secs(data.end());
        let querier = api_requests::Querier::new().group_by([api_requests::Label::Domain]);
        let all = root.query(api_requests::RATE, &querier).at(at).await.unwrap();
        assert!(all.len() > 1, "{all}");
        let widened = querier.clone().domain(regex(".*"));
        for querier in [&querier, &widened] {
            let own = client.query(api_requests::RATE, querier).at(at).await.unwrap();
            assert_eq!(own.len(), 1, "{own}");
            assert_eq!(own.elements()[0].labels().get("domain"), Some("default"));
        }
        let start = promql_presets::Timestamp::from_secs(data.start());
        let values = client.label_values("domain").start(start).end(at).await.unwrap();
        assert_eq!(values.into_vec(), ["default"]);
        let series = client.series(&Querier::new("backendai_api_request_count_total")).start(start).end(at).await;
        let series = series.unwrap();
        assert!(!series.is_empty() && series.iter().all(|labels| labels.get("domain") == Some("default")));
        let up = client.query(UP, &prometheus::Querier::new()).at(at).await;
        refused(up, "undeclared label `domain`");
        let any: Data = client.query(api_requests::RATE.any(), &querier as &dyn MetricQuerier).at(at).await.unwrap();
        assert_eq!(any.into_vector().unwrap().len(), 1);
    }
}
