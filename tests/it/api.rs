//! What callers see of calls: errors for others, settings in any order, parameters, types of results.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use crate::faulty_server::{Server, client_of, json, query_once, response, vector};
use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{
    AnyWindow, Data, Error, ErrorClass, ErrorKind, MetricQuerier, Preset, PrometheusClient, Querier, ResultType,
    RetryPolicy, Scalar, TimeRange, Vector, preset,
};

#[tokio::test]
async fn errors_without_server_do_not_name_it_anywhere() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let refused = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = PrometheusClient::builder(&refused).retry(RetryPolicy::never()).build().unwrap();
    let query = prometheus::Querier::new();
    let unreachable = client.query(UP, &query).await.unwrap_err();
    assert!(unreachable.to_string().contains("127.0.0.1"), "{unreachable}");

    let repeats = Server::start(|request, stream| {
        let address = &request.headers["host"];
        let said =
            format!(r#"{{"status":"error","errorType":"internal","error":"store {address} of 127.0.0.1 failed"}}"#);
        stream.extend_from_slice(json(500, &said).as_bytes());
        Ok(crate::faulty_server::After::Keep)
    });
    let repeated = query_once(&repeats).await.unwrap_err();
    assert!(repeated.to_string().contains("store 127.0.0.1:"), "{repeated}");

    let redirects = Server::always(response(302, "Location: http://127.0.0.2:9/\r\n", ""));
    let redirected = query_once(&redirects).await.unwrap_err();

    for error in [unreachable, repeated, redirected] {
        assert_eq!(error.class(), ErrorClass::Server, "{error}");
        let (is_retryable, is_timeout) = (error.is_retryable(), error.is_timeout());
        // Errors can be kept and shared.
        let hidden = error.clone().without_server();
        assert_eq!((hidden.server(), hidden.endpoint()), (None, Some("query")));
        assert_eq!((hidden.is_retryable(), hidden.is_timeout()), (is_retryable, is_timeout));
        for shown in [hidden.to_string(), format!("{hidden:#}"), format!("{hidden:?}"), hidden.public_message()] {
            assert!(!shown.contains("127.0.0"), "{shown}");
        }
        assert!(error.server().is_some());
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_timeout_remains_one_without_its_server() {
    // A server whose queue of connections is full.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let _queued: Vec<_> =
        (0..3).map(|_| std::net::TcpStream::connect_timeout(&address, Duration::from_millis(100))).collect();
    let client = PrometheusClient::builder(format!("http://{address}"))
        .connect_timeout(Duration::from_millis(50))
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    let error = client.query(UP, &prometheus::Querier::new()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Transport(_)) && error.is_timeout(), "{error:?}");
    let hidden = error.without_server();
    assert!(hidden.is_timeout() && hidden.public_message() == "the metrics server did not respond in time");
}

#[tokio::test]
async fn a_class_maps_to_a_status_and_a_message_to_the_public() {
    let failing = |status, kind: &str| {
        let body = format!(r#"{{"status":"error","errorType":"{kind}","error":"1:3: secret detail"}}"#);
        async move { query_once(&Server::always(json(status, &body))).await.unwrap_err() }
    };
    let client = client_of(&Server::always(vector("NaN"))).build().unwrap();
    let none = Server::always(json(200, r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#));
    let up = prometheus::Querier::new();
    let number = |client: PrometheusClient, up: prometheus::Querier| async move {
        client.query(UP, &up).await.unwrap().number().unwrap_err()
    };
    let invalid: Error = TimeRange::parse("2", "1", "1s").unwrap_err().into();
    let cases = [
        (invalid, ErrorClass::Caller, "invalid time range: the range ends at"),
        (
            client.series(&promql_presets::Querier::new("")).await.unwrap_err(),
            ErrorClass::Caller,
            "the query cannot be",
        ),
        (failing(400, "bad_data").await, ErrorClass::Caller, "the metrics server rejected the query"),
        (failing(422, "execution").await, ErrorClass::Caller, "the metrics server rejected the query"),
        (failing(503, "timeout").await, ErrorClass::Server, "the metrics server did not respond in time"),
        (failing(500, "internal").await, ErrorClass::Server, "the metrics server is unavailable"),
        (
            query_once(&Server::always(response(414, "", ""))).await.unwrap_err(),
            ErrorClass::Caller,
            "the query is too long",
        ),
        (
            query_once(&Server::always(response(401, "", "secret"))).await.unwrap_err(),
            ErrorClass::Server,
            "the metrics server is unavailable",
        ),
        (
            query_once(&Server::always(json(200, r#"{"status":"success","data":[]}"#))).await.unwrap_err(),
            ErrorClass::Server,
            "the metrics server returned an invalid response",
        ),
        (
            client.query(UP, &up).max_response_bytes(10).await.unwrap_err(),
            ErrorClass::Caller,
            "the result is too large",
        ),
        (number(client.clone(), up.clone()).await, ErrorClass::NoData, "the value is NaN"),
        (number(client_of(&none).build().unwrap(), up).await, ErrorClass::NoData, "the query returned no data"),
        (PrometheusClient::new("ftp://secret").unwrap_err(), ErrorClass::Internal, "internal error"),
    ];
    for (error, class, message) in cases {
        assert_eq!(error.class(), class, "{error}");
        let public = error.public_message();
        assert!(public.starts_with(message), "{error}: {public}");
        for private in ["secret", "127.0.0.1", "prometheus::up", "up{"] {
            assert!(!public.contains(private), "{public}");
        }
    }
}

fn config(result: Result<impl Sized, Error>) -> String {
    match result.err().as_ref().map(Error::kind) {
        Some(ErrorKind::Config(message)) => message.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn parameters_that_a_call_sets_cannot_be_set_again() {
    let server = Server::always(vector("7"));
    let client = client_of(&server).build().unwrap();
    let querier = prometheus::Querier::new();
    let (instant, range) = (
        || client.query(UP, &querier).at("7").limit(5).stats().lookback_delta("5m"),
        || client.query_range(UP, &querier, TimeRange::parse("1", "2", "1").unwrap()),
    );
    for name in ["query", "timeout", "time", "limit", "stats", "lookback_delta"] {
        let message = config(instant().parameter(name, "1").await);
        assert!(message.starts_with(&format!("the parameter `{name}` is set by ")), "{message}");
        // In either order.
        let setters = client.query(UP, &querier).parameter(name, "1").at("7").limit(5).stats().lookback_delta("5m");
        assert_eq!(config(setters.timeout(Duration::from_secs(1)).await), message);
    }
    for name in ["query", "timeout", "start", "end", "step"] {
        for message in [
            config(range().parameter(name, "1").await),
            config(range().parameter(name, "1").split().await),
            config(range().stream().parameter(name, "1").await),
        ] {
            assert!(message.contains(&format!("`{name}`")), "{message}");
        }
    }
    assert!(config(client.series(&Querier::new("up")).parameter("match[]", "x").await).contains("the querier"));
    assert!(config(client.labels().start("1").parameter("start", "2").await).contains("`start`"));
    assert!(config(client.metadata().parameter("timeout", "2").await).contains("`timeout`"));

    // Of a client: what no call may override, whether from its builder or its URL.
    for name in ["timeout", "query"] {
        assert!(config(client_of(&server).parameter(name, "1").build()).contains(name));
        assert!(config(PrometheusClient::new(format!("{}/?{name}=1", server.url))).contains(name));
    }
    let filtered = client_of(&server).parameter("match[]", "x").parameter("step", "1").build().unwrap();
    assert!(config(filtered.series(&Querier::new("up")).await).contains("match[]"));
    assert!(
        config(filtered.query_range(UP, &querier, TimeRange::parse("1", "2", "1").unwrap()).await).contains("step")
    );
    assert!(server.requests().is_empty());

    // What a call does not set is sent, and a client's defaults are overridden.
    let client = client_of(&server).parameter("limit", "1").parameter("stats", "all").build().unwrap();
    client.query(UP, &querier).parameter("time", "8").limit(5).await.unwrap();
    client.query(UP, &querier).await.unwrap();
    let sent = |at: usize, name: &str| {
        let requests = server.requests();
        let values = requests[at].parameters.iter().filter(|(other, _)| other == name).map(|(_, value)| value.clone());
        values.collect::<Vec<_>>()
    };
    assert_eq!(
        (sent(0, "time"), sent(0, "limit"), sent(0, "stats")),
        (vec!["8".into()], vec!["5".into()], vec!["all".into()])
    );
    assert_eq!(sent(1, "limit"), ["1"]);
}

#[tokio::test]
async fn settings_come_before_and_after_split_and_stream() {
    let body = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[0,"1"]]}]}}"#;
    let server = Server::always(json(200, body));
    let client = client_of(&server).build().unwrap();
    let querier = Querier::new("up");
    let rate = preset!(
        "sum(rate({metric_name}{{{labels}}}[{window}]))",
        window = "5m",
        allow("unfiltered-selector", reason = "a test")
    );
    let query = || client.query_range(rate, &querier, TimeRange::parse("0", "0", "1").unwrap());
    query().window("1m").lookback_delta("2m").header("x-a", "b").stats().split().await.unwrap();
    query().split().window("1m").lookback_delta("2m").header("x-a", "b").stats().concurrency(1).await.unwrap();
    let mut before = query().window("1m").lookback_delta("2m").header("x-a", "b").stats().stream().await.unwrap();
    let mut after = query().stream().window("1m").lookback_delta("2m").header("x-a", "b").stats().await.unwrap();
    for stream in [&mut before, &mut after] {
        assert_eq!(stream.try_next().await.unwrap().unwrap().values(), [1.0]);
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    for request in requests {
        assert_eq!(request.parameter("query"), Some("sum(rate(up{}[1m]))"));
        assert_eq!((request.parameter("lookback_delta"), request.parameter("stats")), (Some("120.000"), Some("true")));
        assert_eq!(request.headers["x-a"], "b");
    }
    // A `limit` cannot be split, wherever it is set.
    for query in [query().limit(1).split(), query().split().limit(1)] {
        assert!(matches!(query.await.unwrap_err().kind(), ErrorKind::Split(_)));
    }
}

#[tokio::test]
async fn presets_with_and_without_a_window_have_one_type() {
    let server = Server::always(vector("7"));
    let client = client_of(&server).build().unwrap();
    let querier = Querier::new("up").label("job", "api");
    let presets: [Preset<dyn MetricQuerier, Vector, AnyWindow>; 2] = [
        preset!("sum(rate({metric_name}{{{labels}}}[{window}]))", window = "5m").any_window(),
        preset!("sum({metric_name}{{{labels}}})").any_window(),
    ];
    for preset in presets {
        assert_eq!(client.query(preset, &querier).await.unwrap().number().unwrap(), 7.0);
    }
    assert!(client.query(presets[0], &querier).window("1m").await.is_ok());
    let error = client.query(presets[1], &querier).window("1m").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Render(_)), "{error}");
    let rendered: Vec<_> =
        server.requests().iter().map(|request| request.parameter("query").unwrap().to_owned()).collect();
    assert_eq!(
        rendered,
        [r#"sum(rate(up{job="api"}[5m]))"#, r#"sum(up{job="api"})"#, r#"sum(rate(up{job="api"}[1m]))"#]
    );
}

#[tokio::test]
async fn a_scalar_preset_is_a_scalar_where_servers_send_vectors() {
    let result = |result: &str| {
        let body =
            format!(r#"{{"status":"success","data":{{"resultType":"vector","result":{result}}},"warnings":["w"]}}"#);
        Server::always(json(200, &body))
    };
    let preset = preset!("scalar({metric_name}{{{labels}}})");
    let querier = Querier::new("up").label("job", "api");
    // As of VictoriaMetrics.
    let seven = client_of(&result(r#"[{"metric":{},"value":[1700000000,"7"]}]"#)).build().unwrap();
    let dynamic = || preset.info().preset::<Data>();
    let Data::Scalar(scalar) = seven.query(dynamic(), &querier).await.unwrap() else { panic!() };
    assert_eq!((scalar.value(), scalar.warnings().len(), scalar.meta().query.is_some()), (7.0, 1, true));
    assert_eq!(seven.query(preset, &querier).await.unwrap().value(), 7.0);
    // It sends no sample for `NaN`.
    let nan = client_of(&result("[]")).build().unwrap();
    let Data::Scalar(scalar) = nan.query(dynamic(), &querier).at("5").await.unwrap() else { panic!() };
    assert!(scalar.value().is_nan() && scalar.timestamp().as_millis() == 5000);
    let typed: Scalar = nan.query(preset, &querier).await.unwrap();
    assert!(typed.value().is_nan() && typed.number().is_err());
    let raw = nan.raw_query("scalar(x)").result_type(ResultType::Scalar).at("5").await.unwrap();
    assert!(matches!(raw, Data::Scalar(scalar) if scalar.value().is_nan() && scalar.timestamp().as_millis() == 5000));
    assert!(matches!(nan.raw_query("scalar(x)").await, Ok(Data::Vector(_))));
    // A series with labels is not a scalar, and a vector remains one.
    let labelled = client_of(&result(r#"[{"metric":{"a":"b"},"value":[1700000000,"7"]}]"#)).build().unwrap();
    assert!(matches!(labelled.query(dynamic(), &querier).await, Ok(Data::Vector(_))));
    assert!(matches!(labelled.query(preset, &querier).await.unwrap_err().kind(), ErrorKind::ResultType(_)));
    assert!(matches!(
        seven.query(UP.any_querier().info().preset::<Data>(), &prometheus::Querier::new()).await,
        Ok(Data::Vector(_))
    ));
}

#[test]
fn results_and_settings_can_be_cloned_and_sent() {
    use promql_presets as p;
    fn check<T: Clone + std::fmt::Debug + Send + Sync + 'static>() {}
    check::<(p::Vector, p::Matrix, p::Scalar, p::Text, Data, p::Meta, p::Stats)>();
    check::<(p::Element, p::Series, p::Labels, p::Sample, p::Value, p::Histogram, p::Bucket, p::Timestamp)>();
    check::<(p::Row<String>, p::SeriesRow<String>, p::Listing<String>, p::Metadata, p::SeriesExemplars, p::Exemplar)>();
    check::<(p::BuildInfo, p::Features, p::MetricMetadata, p::Progress)>();
    check::<(Error, ErrorKind, ErrorClass, p::RangeError, p::RenderError, p::ValueError, p::RowError)>();
    check::<(TimeRange, p::Step, p::PromDuration, RetryPolicy, p::PartialData, p::HttpMethod)>();
    check::<(p::Dialect, p::Thanos, p::Mimir, p::VictoriaMetrics)>();
    check::<(Querier, p::Matcher<'static>, p::Match<String>, p::LabelName, prometheus::Querier)>();
    check::<(p::Presets, Preset<dyn MetricQuerier, Vector>)>();
    check::<PrometheusClient>();
}

#[test]
fn the_readme_and_the_documentation_start_with_the_same_program() {
    fn first_program<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let lines = lines.skip_while(|line| !line.ends_with("no_run")).skip(1).map(str::trim_start);
        lines.take_while(|line| *line != "```").collect()
    }
    let documentation = include_str!("../../src/lib.rs").lines().map_while(|line| line.strip_prefix("//!"));
    let program = first_program(documentation.map(str::trim_start));
    assert!(program.iter().any(|line| line.contains("query_range")), "{program:?}");
    assert_eq!(first_program(include_str!("../../README.md").lines()), program);
}
