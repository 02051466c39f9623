//! Every endpoint of real servers.

use std::time::Duration;

use promql_presets::presets::{api_requests, container_utilization as container, prometheus as targets};
use promql_presets::{
    Data, ErrorKind, HttpMethod, Labels, Mimir, PrometheusClient, Querier, Series, Thanos, TimeRange, Timestamp,
    VictoriaMetrics, preset, starts_with,
};
use promql_presets_test_support::{Dataset, Server, prometheus, victoria_metrics, vmauth};

/// Both servers, where there are any.
fn servers() -> impl Iterator<Item = &'static Server> {
    prometheus::shared().into_iter().chain(victoria_metrics::shared())
}

fn client(server: &Server) -> PrometheusClient {
    PrometheusClient::new(server.url()).unwrap()
}

fn end() -> Timestamp {
    Timestamp::from_secs(Dataset::of_tests().end())
}

fn assert_close(actual: f64, expected: f64) {
    assert!((actual - expected).abs() <= expected.abs() * 1e-9, "{actual} is not {expected}");
}

#[tokio::test]
async fn instant_queries_return_what_the_formulas_give() {
    let data = Dataset::of_tests();
    for server in servers() {
        for method in [HttpMethod::Post, HttpMethod::Get] {
            let client = PrometheusClient::builder(server.url()).method(method).build().unwrap();
            let querier = api_requests::Querier::new().domain("default").group_by([api_requests::Label::Endpoint]);
            let vector = client.query(api_requests::RATE, &querier).at(end()).await.unwrap();
            let selected = data.select("backendai_api_request_count_total", &[("domain", "default")]);
            let expected = Dataset::sum_by(&selected, &["endpoint"], |series| series.rate(data.end(), 300));
            assert_eq!(vector.len(), expected.len());
            for element in &vector {
                let labels = element.labels().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                assert_close(element.value().float().unwrap(), expected[&labels]);
            }
        }
    }
}

/// Whether a Prometheus of this version knows what came with another one.
fn is_since(version: &str, first: [u32; 2]) -> bool {
    let numbers: Vec<u32> = version.split('.').take(2).map(|number| number.parse().unwrap()).collect();
    numbers >= first.to_vec()
}

#[tokio::test]
async fn options_reach_the_server() {
    let Some(server) = prometheus::shared() else { return };
    let client = client(server);
    let querier = targets::Querier::new();
    let whole = client.query(targets::UP, &querier).at(end()).await.unwrap();
    let with_stats = client.query(targets::UP, &querier).at(end()).stats().await.unwrap();
    assert_eq!(
        with_stats.stats().unwrap().total_queryable_samples(),
        Some(f64::from(u32::try_from(whole.len()).unwrap()))
    );
    assert!(whole.stats().is_none() && whole.warnings().is_empty());
    let version = client.build_info().await.unwrap().version;
    // Nothing is that recent, for servers that know of the parameter.
    let later = end().checked_add(Duration::from_secs(10)).unwrap();
    let recent = client.query(targets::UP, &querier).at(later).lookback_delta("5s").await.unwrap();
    assert_eq!(recent.len(), if is_since(&version, [2, 43]) { 0 } else { whole.len() }, "{version}");
    let limited = client.query(targets::UP, &querier).at(end()).limit(1).await.unwrap();
    let knows_limit = is_since(&version, [3, 2]);
    assert_eq!(limited.len(), if knows_limit { 1 } else { whole.len() }, "{version}");
    assert_eq!(!limited.warnings().is_empty(), knows_limit);
    assert!(!limited.is_partial());
    // Other servers' parameters do no harm.
    let thanos = client.query(targets::UP, &querier).at(end()).with(Thanos::new().dedup(true)).tenant("a").await;
    assert_eq!(thanos.unwrap().elements(), whole.elements());
}

/// Which series, in which order, and how long they are.
fn shape(series: &[Series]) -> Vec<(String, usize)> {
    series.iter().map(|series| (series.labels().to_string(), series.len())).collect()
}

#[tokio::test]
async fn ranges_can_be_whole_or_in_parts_or_streamed() {
    for server in servers() {
        let client = client(server);
        let kernel = container::Querier::new("cpu_util").value_type(container::ValueType::Pct);
        let querier = kernel.group_by([container::Label::KernelId]);
        let data = Dataset::of_tests();
        let (start, end) = (Timestamp::from_secs(data.start()), end());
        let range = TimeRange::new(start, end).unwrap().step("15s").unwrap();
        let whole = client.query_range(container::GAUGE, &querier, range).await.unwrap();
        assert_eq!(whole.len(), 4);
        assert_eq!(whole.series()[0].len(), 6 * 240 + 1);

        // Neither starts nor ends on the grid: VictoriaMetrics would move long parts to it, and leave short ones.
        let odd = TimeRange::new(start.checked_add(Duration::from_secs(1207)).unwrap(), end).unwrap();
        for (step, most) in [("15s", 100), ("15s", 49), ("7s", 1000), ("1m", 70)] {
            let odd = odd.step(step).unwrap();
            let whole = client.query_range(container::GAUGE, &querier, odd.aligned()).await.unwrap();
            let split = client.query_range(container::GAUGE, &querier, odd).split().max_points(most);
            let mut parts = 0;
            let joined = split.on_progress(|progress| parts = progress.done).await.unwrap();
            assert!(parts > odd.points() / most);
            assert_eq!(shape(joined.series()), shape(whole.series()));
            assert!(joined.series() == whole.series());
            assert!(whole.iter().any(|series| series.len() as u64 == odd.aligned().points()));
        }

        let mut stream = client.query_range(container::GAUGE, &querier, range).stream().await.unwrap();
        let mut streamed = Vec::new();
        while let Some(series) = stream.try_next().await.unwrap() {
            streamed.push(series);
        }
        assert_eq!(shape(&streamed), shape(whole.series()));
        assert!(streamed == whole.series());
    }
}

#[tokio::test]
async fn parts_of_queries_with_start_and_end_equal_the_whole() {
    for server in servers() {
        let client = client(server);
        let start = Timestamp::from_secs(Dataset::of_tests().start() + 1207);
        let range = TimeRange::new(start, end()).unwrap().step("1m").unwrap().aligned();
        // Series of several metrics, and of none, whose order differs from server to server.
        let querier = promql_presets::Querier::default();
        for preset in [
            preset!(
                "backendai_api_request_count_total @ end() - backendai_api_request_count_total @ start()",
                allow("unfiltered-selector", reason = "the test's own"),
                allow("raw-counter", reason = "the test's own")
            ),
            preset!(
                "rate(backendai_api_request_count_total{{endpoint!='@ end()'}}[5m] @ end( )) # @ end()",
                allow("unfiltered-selector", reason = "the test's own")
            ),
            preset!(
                "{{__name__=~'up|backendai_api_request_count_total'}} or sum by (job) (up)",
                allow("unfiltered-selector", reason = "the test's own")
            ),
        ] {
            let promql = preset.info().template;
            let whole = client.query_range(preset, &querier, range).await.unwrap();
            let split = client.query_range(preset, &querier, range).split().max_points(50).await.unwrap();
            assert!(whole.len() > 5);
            assert_eq!(shape(split.series()), shape(whole.series()), "{promql}");
            assert!(split.series() == whole.series(), "{promql}");
        }
    }
}

#[tokio::test]
async fn lists_are_complete() {
    for server in servers() {
        let client = client(server);
        let data = Dataset::of_tests();
        let start = Timestamp::from_secs(data.start());
        let up = Querier::new("up");
        let series = client.series(&up).start(start).end(end()).await.unwrap();
        let mut found: Vec<Labels> = series.into_vec();
        found.sort();
        let mut expected: Vec<Labels> = data
            .select("up", &[])
            .iter()
            .map(|series| {
                let labels = series.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                labels.chain([("__name__", "up")]).collect()
            })
            .collect();
        expected.sort();
        assert_eq!(found, expected);

        let names = client.labels().matching(&up).start(start).end(end()).await.unwrap();
        assert_eq!(*names, ["__name__", "instance", "job"]);
        let jobs = client.label_values("job").matching(&up).start(start).end(end()).await.unwrap();
        let mut expected: Vec<&str> = data.select("up", &[]).iter().map(|series| &*series.labels["job"]).collect();
        expected.sort_unstable();
        expected.dedup();
        assert_eq!(*jobs, *expected);
        let all = client.label_values("__name__").start(start).end(end()).await.unwrap();
        assert!(all.iter().any(|name| name == "backendai_container_utilization"));
        // An unknown label, in a form that old servers do not support.
        match client.label_values("no.such/label").start(start).end(end()).await {
            Ok(values) => assert!(values.is_empty()),
            Err(error) => assert!(matches!(error.status(), Some(400 | 404 | 422)), "{error:?}"),
        }
    }
}

#[tokio::test]
async fn metadata_exemplars_and_status_are_returned() {
    for server in servers() {
        let client = client(server);
        assert!(client.metadata().limit(1).await.is_ok());
        // VictoriaMetrics used to leave it empty.
        client.build_info().await.unwrap();
        assert!(client.healthy().await.unwrap());
        assert!(client.ready().await.unwrap());
        let querier = api_requests::Querier::new();
        let exemplars = client.exemplars(api_requests::RATE, &querier).end(end()).await;
        assert!(exemplars.unwrap().is_empty());
    }
    if let Some(server) = prometheus::shared() {
        let client = client(server);
        let version = client.build_info().await.unwrap().version;
        match client.features().await {
            Ok(features) => assert!(is_since(&version, [3, 9]) && features.iter().next().is_some(), "{version}"),
            Err(error) => assert_eq!((error.status(), is_since(&version, [3, 9])), (Some(404), false), "{error:?}"),
        }
    }
    // Not a response of Prometheus, but its page for an unknown path.
    if let Some(server) = victoria_metrics::shared() {
        let error = client(server).features().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Http { status: 400, body } if body.contains("unsupported path")));
    }
}

#[tokio::test]
async fn the_server_formats_and_parses() {
    let Some(server) = prometheus::shared() else { return };
    let client = client(server);
    assert!(client.build_info().await.unwrap().version.contains('.'));
    assert_eq!(client.format_query("sum(up)by(job)").await.unwrap(), "sum by (job) (up)");
    let error = client.format_query("sum(").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Server { status: 400, error } if error.kind == "bad_data"), "{error:?}");
    assert_eq!(error.query(), Some("sum("));
    let version = client.build_info().await.unwrap().version;
    match client.parse_query("up").await {
        Ok(tree) => assert!(is_since(&version, [3, 0]) && tree["type"] == "vectorSelector", "{version}"),
        Err(error) => assert_eq!((error.status(), is_since(&version, [3, 0])), (Some(404), false), "{error:?}"),
    }
}

#[tokio::test]
async fn raw_queries_have_any_type() {
    for server in servers() {
        let client = client(server);
        assert!(!client.raw_query("up").at(end()).await.unwrap().into_vector().unwrap().is_empty());
        assert!(!client.raw_query("up[1m]").at(end()).await.unwrap().into_matrix().unwrap().is_empty());
        // Plain text is not a regular expression, and anything may follow it.
        let nodes = targets::Querier::new().instance(starts_with("node-"));
        assert_eq!(client.query(targets::UP, &nodes).at(end()).await.unwrap().len(), 3);
        let none = targets::Querier::new().instance(starts_with("node."));
        assert!(client.query(targets::UP, &none).at(end()).await.unwrap().is_empty());
        // A scalar is a vector for VictoriaMetrics.
        assert_eq!(client.raw_query("1 + 1").at(end()).await.unwrap().into_scalar().unwrap().value(), 2.0);
        let error = client.raw_query("rate(").await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Server { .. }), "{error:?}");
        assert!(!error.is_retryable());
        let range = TimeRange::new(end(), end()).unwrap();
        assert_eq!(client.raw_query_range("vector(1)", range).await.unwrap().sample_count(), 1);
    }
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_a_timeout() {
    let Some(server) = prometheus::shared() else { return };
    let client = client(server);
    let range = TimeRange::new(end().checked_sub(Duration::from_hours(6)).unwrap(), end()).unwrap();
    // Sorts 21,600 numbers for each of 11,000 steps a part, and cannot fail otherwise, whatever series there are.
    let slow = preset!("quantile_over_time(0.5, vector(time() * 7919 % 104729)[6h:1s])");
    let querier = promql_presets::Querier::default();
    let query = client.query_range(slow, &querier, range.step("1s").unwrap()).timeout(Duration::from_millis(300));
    let start = std::time::Instant::now();
    let error = query.split().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test]
async fn dialects_reach_victoria_metrics() {
    let Some(server) = victoria_metrics::shared() else { return };
    let client = client(server);
    let querier = api_requests::Querier::new().group_by([api_requests::Label::Domain]);
    let domains = async |settings: VictoriaMetrics| {
        let vector = client.query(api_requests::RATE, &querier).at(end()).with(settings).await.unwrap();
        vector.iter().filter_map(|element| element.labels().get("domain").map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(domains(VictoriaMetrics::new()).await.len(), 2);
    assert_eq!(domains(VictoriaMetrics::new().extra_label("domain", "default")).await, ["default"]);
    let filter = Querier::new("").label("domain", promql_presets::regex("rese.*"));
    assert_eq!(domains(VictoriaMetrics::new().extra_filters(&filter)).await, ["research"]);
    let conditions = |first, second| VictoriaMetrics::new().extra_label("domain", first).extra_label("domain", second);
    assert!(domains(conditions("default", "research")).await.is_empty());
    let rounded = client.raw_query("1/3").with(VictoriaMetrics::new().round_digits(2)).await.unwrap();
    assert_eq!(rounded.into_scalar().unwrap().number().unwrap(), 0.33);
}

#[tokio::test]
async fn scalar_presets_are_scalars_on_victoria_metrics_too() {
    let (Some(victoria), Some(prometheus)) = (victoria_metrics::shared(), prometheus::shared()) else { return };
    let querier = Querier::new("no_such_metric").label("job", "none");
    let (number, nan) = (preset!("scalar(vector(7))"), preset!("scalar({metric_name}{{{labels}}})"));
    for url in [victoria.url(), prometheus.url()] {
        let client = PrometheusClient::new(url).unwrap();
        let read = client.query(number.info().preset::<Data>(), &Querier::default()).at(end()).await.unwrap();
        let Data::Scalar(scalar) = read else { panic!("{url}: {read:?}") };
        assert_eq!((scalar.number().unwrap(), scalar.timestamp()), (7.0, end()));
        let read = client.query(nan.info().preset::<Data>(), &querier).at(end()).await.unwrap();
        let Data::Scalar(scalar) = read else { panic!("{url}: {read:?}") };
        assert!(scalar.value().is_nan() && scalar.timestamp() == end(), "{url}: {scalar:?}");
    }
}

#[tokio::test]
async fn victoria_metrics_has_the_documented_limit_of_steps() {
    let Some(server) = victoria_metrics::shared() else { return };
    let steps = |steps| {
        let start = end().checked_sub(Duration::from_secs(steps)).unwrap();
        TimeRange::new(start, end()).unwrap().step("1s").unwrap()
    };
    let client = PrometheusClient::builder(server.url()).max_steps(30_000).build().unwrap();
    let longest = client.raw_query_range("vector(1)", steps(29_999)).await.unwrap();
    assert_eq!(longest.sample_count(), 30_000);
    let error = client.raw_query_range("vector(1)", steps(30_000)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Server { status: 422, .. }), "{error:?}");
    let client = PrometheusClient::builder(server.url()).max_steps(29_999).build().unwrap();
    let one = preset!("vector(1)");
    let split = client.query_range(one, &promql_presets::Querier::default(), steps(40_000)).split().await.unwrap();
    assert_eq!(split.sample_count(), 40_001);
}

#[tokio::test]
async fn users_of_a_proxy_see_their_own() {
    let Some(server) = victoria_metrics::shared() else { return };
    let config = format!(
        "users:\n\
         - username: ann\n  password: \"p@ss:word\"\n  url_prefix: \"{url}/?extra_label=domain=default\"\n\
         - bearer_token: token-of-bob\n  url_prefix: \"{url}/?extra_label=domain=research\"\n",
        url = server.url()
    );
    let Some(proxy) = vmauth::start(&config, None) else { return };
    let domains = async |client: PrometheusClient| {
        let querier = api_requests::Querier::new().group_by([api_requests::Label::Domain]);
        let vector = client.query(api_requests::RATE, &querier).at(end()).await?;
        Ok::<_, promql_presets::Error>(
            vector.iter().filter_map(|element| element.labels().get("domain").map(str::to_owned)).collect::<Vec<_>>(),
        )
    };
    let builder = || PrometheusClient::builder(proxy.url());
    let ann = builder().basic_auth("ann", "p@ss:word").build().unwrap();
    assert_eq!(domains(ann).await.unwrap(), ["default"]);
    let bob = builder().bearer_auth("token-of-bob").build().unwrap();
    assert_eq!(domains(bob).await.unwrap(), ["research"]);
    for stranger in [builder().bearer_auth("token-of-eve"), builder()] {
        let error = domains(stranger.build().unwrap()).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Http { status: 400..=499, .. }), "{error:?}");
        assert!(!format!("{error:?}").contains("token-of-eve"), "{error:?}");
    }
}

/// The tenant must pass the proxies that stand before Mimir, Cortex and Thanos.
#[tokio::test]
async fn a_tenant_passes_a_proxy() {
    let behind = crate::faulty_server::Server::always(crate::faulty_server::vector("7"));
    let config = format!("users:\n- bearer_token: token\n  url_prefix: \"{}/prometheus\"\n", behind.url);
    let Some(proxy) = vmauth::start(&config, None) else { return };
    let client = PrometheusClient::builder(proxy.url()).bearer_auth("token").tenant("ours").build().unwrap();
    let querier = targets::Querier::new();
    let query = || client.query(targets::UP, &querier);
    assert_eq!(query().await.unwrap().number().unwrap(), 7.0);
    query().tenant("theirs").await.unwrap();
    query().with(Mimir::new().tenants(["ours", "theirs"])).await.unwrap();
    let requests = behind.requests();
    let tenants: Vec<_> = requests.iter().map(|request| request.headers["x-scope-orgid"].as_str()).collect();
    assert_eq!(tenants, ["ours", "theirs", "ours|theirs"]);
    assert_eq!(requests[0].path, "/prometheus/api/v1/query");
    assert_eq!(requests[0].parameter("query"), Some("up{}"));

    // A server without tenants responds to all of them.
    let Some(server) = prometheus::shared() else { return };
    let config = format!("users:\n- bearer_token: token\n  url_prefix: \"{}\"\n", server.url());
    let Some(proxy) = vmauth::start(&config, None) else { return };
    let through = PrometheusClient::builder(proxy.url()).bearer_auth("token").build().unwrap();
    let up =
        through.query(targets::UP, &querier).at(end()).with(Mimir::new().tenants(["ours", "theirs"])).await.unwrap();
    assert_eq!(up.elements(), self::client(server).query(targets::UP, &querier).at(end()).await.unwrap().elements());
}
