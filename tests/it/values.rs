//! Presets and queriers as values: without types, compared, stored, and filled at run time.

use std::collections::HashMap;

use crate::faulty_server::{Server, json, vector};
use promql_presets::presets::{self, api_requests, container_utilization as container, prometheus};
use promql_presets::{
    AnyPreset, Data, ErrorKind, Querier, RangeError, RenderError, ResultType, TimeRange, not, one_of, preset, regex,
};

/// What the state of an axum router must be.
fn state<T: Clone + Send + Sync + 'static>(_: T) {}

#[test]
fn presets_are_stored_and_compared_without_their_types() {
    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    struct Panel {
        title: String,
        preset: AnyPreset,
    }

    const RATE: AnyPreset = api_requests::RATE.any();
    let panel = |preset: AnyPreset| Panel { title: "a".to_owned(), preset };
    assert_eq!(panel(RATE), panel(presets::ALL.find("api_requests::rate").unwrap().preset()));
    assert_ne!(panel(RATE), panel(api_requests::INCREASE.any()));
    // The same template with the same name at two places.
    let [one, other]: [AnyPreset; 2] = [preset!("vector(1)", name = "a").any(), preset!("vector(2)", name = "a").any()];
    assert_ne!(one, other);
    let by_preset: HashMap<AnyPreset, u8> = [(RATE, 1), (prometheus::UP.any(), 2)].into();
    assert_eq!(by_preset[&api_requests::RATE.any()], 1);

    state(panel(RATE));
}

#[tokio::test]
async fn erased_types_are_checked_at_run_time() {
    let server = Server::always(vector("7"));
    let client = promql_presets::PrometheusClient::new(&server.url).unwrap();
    let (up, rate): (AnyPreset, AnyPreset) = (prometheus::UP.any(), api_requests::RATE.any());
    let querier = Querier::default().label("job", "api");
    assert!(matches!(client.query(up, &querier).await.unwrap(), Data::Vector(_)));
    assert_eq!(server.requests()[0].parameter("query"), Some("up{job=\"api\"}"));
    let count = server.requests().len();

    let error = client.query(up, &querier).window("5m").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Render(RenderError::UnexpectedWindow)), "{error}");
    let undeclared = Querier::default().label("tenant", "x");
    let error = client.query(rate, &undeclared).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Render(RenderError::UndeclaredLabel { .. })), "{error}");
    let error = client.query(up, &container::Querier::new("cpu_util")).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Render(_)), "{error}");
    let range = TimeRange::last_hours(1);
    for (preset, result) in [
        (preset!("up{{{labels}}}[5m]").any(), ResultType::RangeVector),
        (preset!("\"text\"").any(), ResultType::String),
    ] {
        let preset: AnyPreset = preset;
        let error = client.query_range(preset, &Querier::default(), range).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Range(RangeError::ResultType { result: r }) if *r == result));
        assert!(error.to_string().contains("a range query needs a preset whose result is"), "{error}");
    }
    assert_eq!(server.requests().len(), count);

    let server = Server::always(json(200, r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#));
    let client = promql_presets::PrometheusClient::new(&server.url).unwrap();
    assert!(client.query_range(rate, &Querier::default(), range).window("1m").await.unwrap().is_empty());
    assert!(server.requests()[0].parameter("query").unwrap().contains("[1m]"));
}

#[test]
fn labels_are_set_by_name() {
    let request = [("method", "GET"), ("status_code", "0500")];
    let mut querier = api_requests::Querier::default();
    for (label, value) in request {
        querier = querier.set(label, value).unwrap();
    }
    // Values are as typed setters write them.
    assert_eq!(querier, api_requests::Querier::new().method("GET").status_code(500));
    assert_ne!(querier, api_requests::Querier::new().status_code(500).method("GET"));
    let both = api_requests::Querier::new().set("method", not("GET")).unwrap().set("status_code", one_of(["1", "02"]));
    let expected = api_requests::Querier::new().method(not("GET")).status_code(one_of([1, 2]));
    assert_eq!(both.unwrap(), expected);
    // Typed values need not be texts.
    let typed = api_requests::Querier::new().set("method", "GET").unwrap().set("status_code", 500).unwrap();
    assert_eq!(typed, api_requests::Querier::new().method("GET").status_code(500));
    let (id, querier) = (uuid::Uuid::nil(), container::Querier::new("cpu_util"));
    assert_eq!(querier.clone().set("kernel_id", id).unwrap(), querier.kernel_id(id));

    let failed = |label: &'static str, condition: promql_presets::Match<String>| {
        api_requests::Querier::new().set(label, condition).unwrap_err()
    };
    let equal = |value: &str| promql_presets::Match::equal(value);
    assert!(matches!(failed("tenant", equal("x")), RenderError::UndeclaredLabel { .. }));
    assert!(matches!(failed("__name__", equal("x")), RenderError::InvalidLabelName { .. }));
    assert!(matches!(failed("status_code", equal("5xx")), RenderError::InvalidLabelValue { .. }));
    assert!(matches!(failed("status_code", one_of(["1", "x"])), RenderError::InvalidLabelValue { .. }));
    assert!(matches!(failed("status_code", regex("(").into()), RenderError::InvalidRegex { .. }));
    assert!(matches!(failed("method", one_of(Vec::<String>::new())), RenderError::NoAlternatives { .. }));
    let kernel = container::Querier::new("cpu_util").set("kernel_id", "not-a-uuid").unwrap_err();
    assert!(kernel.to_string().contains("a UUID"), "{kernel}");
}
