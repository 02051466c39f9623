//! The compiler's snapshot of generated code, compiled and used.

mod presets {
    #[allow(unused_imports, reason = "as `include_presets!` does it")]
    use promql_presets::__private1 as __p;

    include!("../../compiler/tests/snapshots/presets.rs");
}

use std::collections::HashSet;

use presets::http::{self, Label, Method};
use presets::latency::{self, LATENCY};
use presets::nested::any_metric;
use promql_presets::{
    ErrorKind, Labels, Matrix, MetricQuerier, NoWindow, Preset, Querier, RenderError, ResultType, RowError, Scalar,
    Series, Timestamp, Vector, Windowed, not, one_of,
};

#[test]
fn constants_render_for_their_querier() {
    let querier = http::Querier::new("api").method(one_of([Method::Get, Method::Other])).group_by([Label::Code]);
    let rate: Preset<http::Querier, Vector, Windowed> = http::RATE;
    assert_eq!(
        rate.render(&querier, None).unwrap(),
        r#"sum by (code)(rate(http_requests_total{job="api",method=~"GET|other"}[5m]))"#
    );
    let ratio = http::ERROR_RATIO.render(&querier.trace(uuid::Uuid::nil()), Some("1m".parse().unwrap())).unwrap();
    assert!(ratio.contains(r#"{code=~"5..",job="api","#) && ratio.ends_with("[1m]))\n"), "{ratio}");
}

/// A matrix of one series without samples.
fn matrix(labels: &[(&str, &str)]) -> Matrix {
    [Series::new(labels.iter().copied().collect::<Labels>(), [(Timestamp::default(), 1.0)])].into_iter().collect()
}

#[test]
fn rows_have_the_declared_types() {
    let series = matrix(&[("code", "500"), ("method", "GET"), ("trace", ""), ("zone", "b")]);
    let rows = series.rows::<http::Row>().unwrap();
    let expected = http::Row { job: None, code: Some(500), method: Some(Method::Get) };
    assert_eq!((&rows[0].labels, rows[0].series.values()), (&expected, &[1.0][..]));
}

#[test]
#[cfg(feature = "json")]
fn a_row_is_a_map_from_labels_to_values() {
    let row = http::Row { job: None, code: Some(500), method: Some(Method::Get) };
    assert_eq!(serde_json::to_string(&row).unwrap(), r#"{"job":null,"code":500,"method":"GET"}"#);
}

#[test]
fn an_undeclared_value_is_an_error() {
    for (label, value, reason) in [
        ("code", "2xx", "expected a whole number"),
        ("method", "PUT", "unknown value `PUT`, expected one of `GET`, `POST`, `other`"),
    ] {
        let error = matrix(&[(label, value)]).rows::<http::Row>().unwrap_err();
        let ErrorKind::Row(RowError::InvalidLabel { label: named, value: shown, reason: said, .. }) = error.kind()
        else {
            panic!("{error}")
        };
        assert_eq!((&**named, &**shown, &**said), (label, value, reason));
    }
}

#[test]
fn enums_are_their_texts() {
    assert_eq!("other".parse::<Method>().unwrap(), Method::Other);
    assert_eq!((Method::Other.to_string().as_str(), Label::Code.as_ref()), ("other", "code"));
    assert_eq!(Method::ALL.iter().copied().collect::<HashSet<_>>().len(), 3);
    let error = "PUT".parse::<Method>().unwrap_err();
    assert_eq!(error.to_string(), "unknown value `PUT`, expected one of `GET`, `POST`, `other`");
    assert_eq!(promql_presets::Match::from(Method::Get).on("m").to_string(), r#"m="GET""#);
    assert_eq!(not(Method::Get).on("m").to_string(), r#"m!="GET""#);
}

#[test]
fn types_are_those_of_the_templates() {
    let value: Preset<dyn MetricQuerier, Vector, NoWindow> = any_metric::VALUE;
    let samples: Preset<dyn MetricQuerier, Matrix, NoWindow> = any_metric::SAMPLES;
    let one: Preset<dyn MetricQuerier, Scalar, NoWindow> = any_metric::ONE;
    let up = Querier::new("up").label("job", "api");
    assert_eq!(value.render(&up, None).unwrap(), r#"up{job="api"}"#);
    assert_eq!(samples.render(&up, None).unwrap(), r#"up_total{job="api"}[5m]"#);
    assert_eq!(one.render(&Querier::default(), None).unwrap(), "1");
    assert!(matches!(one.render(&up, None), Err(RenderError::UnexpectedMetricName { .. })));
}

#[test]
fn presets_are_found_by_name() {
    let names: Vec<_> = presets::ALL.iter().map(|preset| preset.name).collect();
    let nested = ["nested::any_metric::one", "nested::any_metric::samples", "nested::any_metric::value"];
    assert_eq!(names[..2], ["http::error_ratio", "http::rate"]);
    assert_eq!(names[2..], [&["latency::latency"][..], &nested].concat());
    let rate = presets::ALL.find("http::rate").unwrap();
    assert_eq!((rate.source, rate.unit), ("presets/http.toml:14", Some("requests per second")));
    assert_eq!(rate.labels.unwrap().iter().filter(|label| label.required).count(), 1);
    assert!(!rate.labels.unwrap()[3].usage.is_group_by());
    assert_eq!((rate.title, rate.category), (None, Some("Traffic")));
    let ratio = presets::ALL.find("http::error_ratio").unwrap();
    assert_eq!((ratio.title, ratio.category), (Some("Errors"), Some("Reliability")));
    assert_eq!(presets::ALL.find("nested::any_metric::samples").unwrap().result, ResultType::RangeVector);
    assert!(presets::ALL.find("rate").is_none());
}

#[test]
fn parameters_are_set_and_checked() {
    // The enum of another file, whose label has the same values.
    let querier = latency::Querier::new().job("api").method(http::Method::Get);
    let query = LATENCY.render(&querier, None).unwrap();
    assert!(query.starts_with("histogram_quantile(\n  0.95,"), "{query}");
    assert!(query.ends_with("{job=\"api\",method=\"GET\"}[5m] offset 1h))\n) > (-1)\n"), "{query}");

    let faster = LATENCY.quantile(0.5).floor(3).ago("1m".parse().unwrap());
    let query = faster.render(&querier, None).unwrap();
    assert!(query.starts_with("histogram_quantile(\n  0.5,") && query.ends_with("offset 1m))\n) > 3\n"), "{query}");
    let by_name = LATENCY.with_parameter("quantile", 0.5).unwrap().with_parameter("floor", 3).unwrap();
    let ago: promql_presets::PromDuration = "1m".parse().unwrap();
    assert_eq!(by_name.with_parameter("ago", ago).unwrap().any_querier().render(&querier, None).unwrap(), query);

    let invalid = |error: RenderError| matches!(error, RenderError::InvalidParameter { .. });
    assert!(invalid(LATENCY.quantile(1.5).render(&querier, None).unwrap_err()));
    assert!(invalid(LATENCY.quantile(f64::NAN).render(&querier, None).unwrap_err()));
    assert!(invalid(LATENCY.with_parameter("quantile", 1.5).unwrap_err()));
    assert!(invalid(LATENCY.with_parameter("floor", 0.5).unwrap_err()));
    let error = LATENCY.with_parameter("quantil", 0.5).unwrap_err();
    assert_eq!(error.to_string(), "undeclared parameter `quantil`; the preset declares `quantile`, `floor`, `ago`");
    assert_eq!(LATENCY.info().parameters[0].description, "The share of faster requests.");
}
