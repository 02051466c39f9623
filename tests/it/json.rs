//! Results, times and errors as JSON: the documented shape, round trips, and that of Prometheus.

use std::fmt::Debug;

use promql_presets::wire::{Decoder, Limits, QueryResult};
use promql_presets::{
    Bounds, Bucket, Data, Element, ErrorKind, Histogram, Labels, Matrix, Meta, PromDuration, RenderError, Scalar,
    Series, Step, Text, TimeRange, Timestamp, Value, ValueError, Vector, Window,
};
use serde::de::DeserializeOwned;
use serde_json::json;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().copied().collect()
}

fn secs(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn histogram() -> Histogram {
    let bucket = |bounds, lower, upper| Bucket::new(bounds, lower, upper, 1.5);
    Histogram::new(
        6.0,
        f64::NAN,
        [
            bucket(Bounds::OpenRight, f64::NEG_INFINITY, -1.0),
            bucket(Bounds::Closed, -1.0, 1.0),
            bucket(Bounds::Open, 1.0, 2.0),
            bucket(Bounds::OpenLeft, 2.0, f64::INFINITY),
        ],
    )
}

fn meta() -> Meta {
    let mut meta = Meta::default();
    meta.warnings.push("store 10.0.0.7: rpc error".to_owned());
    meta.infos.push("metric might not be a counter".to_owned());
    meta
}

/// `NaN` differs from itself, but not its text.
#[track_caller]
fn same(one: &impl Debug, other: &impl Debug) {
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
}

#[track_caller]
fn round_trip<T: serde::Serialize + DeserializeOwned + Debug>(value: &T) {
    let json = serde_json::to_string(value).unwrap();
    same(&serde_json::from_str::<T>(&json).unwrap(), value);
    // Through a tree, whose keys come in another order.
    same(&serde_json::from_value::<T>(serde_json::to_value(value).unwrap()).unwrap(), value);
}

/// Reads back what is written for Prometheus' clients with the decoder of the client.
#[track_caller]
fn prometheus_round_trip(data: &Data) {
    let json = serde_json::to_vec(&data.prometheus_json()).unwrap();
    let mut decoder = Decoder::new(Limits::default());
    decoder.push(&json).unwrap();
    same(&Data::from_response(decoder.finish().unwrap()).unwrap(), data);
}

#[test]
fn results_have_the_documented_shape() {
    let matrix: Matrix = [
        Series::new(labels(&[("job", "api")]), [(secs(60), 0.5), (secs(75), f64::NAN), (secs(90), -0.0)]),
        Series::new(labels(&[]), [(Timestamp::from_millis(1), 1e21)]).with_histograms([(secs(60), histogram())]),
    ]
    .into_iter()
    .collect();
    assert_eq!(
        serde_json::to_value(matrix.with_meta(meta())).unwrap(),
        json!({
            "type": "matrix",
            "series": [
                { "labels": { "job": "api" }, "timestamps": [60_000, 75_000, 90_000], "values": [0.5, "NaN", -0.0] },
                {
                    "labels": {},
                    "timestamps": [1],
                    "values": [1e21],
                    "histograms": {
                        "timestamps": [60_000],
                        "values": [{
                            "count": 6,
                            "sum": "NaN",
                            "buckets": [
                                { "bounds": "[)", "lower": "-Infinity", "upper": -1, "count": 1.5 },
                                { "bounds": "[]", "lower": -1, "upper": 1, "count": 1.5 },
                                { "bounds": "()", "lower": 1, "upper": 2, "count": 1.5 },
                                { "bounds": "(]", "lower": 2, "upper": "Infinity", "count": 1.5 },
                            ],
                        }],
                    },
                },
            ],
            "warnings": ["store 10.0.0.7: rpc error"],
            "infos": ["metric might not be a counter"],
            "partial": true,
        })
    );
    let vector: Vector = [Element::new(labels(&[("job", "api")]), secs(60), Value::Float(3.0))].into_iter().collect();
    let expected = json!({
        "type": "vector",
        "series": [{ "labels": { "job": "api" }, "timestamp": 60_000, "value": 3 }],
        "warnings": [], "infos": [], "partial": false,
    });
    assert_eq!(serde_json::to_value(&vector).unwrap(), expected);
    assert_eq!(serde_json::to_value(Data::Vector(vector)).unwrap(), expected);
    let scalar = serde_json::to_string(&Scalar::new(secs(1), f64::NEG_INFINITY)).unwrap();
    assert!(scalar.starts_with(r#"{"type":"scalar","timestamp":1000,"value":"-Infinity","#), "{scalar}");
    let text = serde_json::to_string(&Text::new(secs(1), "NaN")).unwrap();
    assert!(text.starts_with(r#"{"type":"string","timestamp":1000,"value":"NaN","#), "{text}");
}

#[test]
fn a_query_is_not_written() {
    let mut meta = meta();
    (meta.query, meta.preset) = (Some("up{tenant=\"secret\"}".to_owned()), Some("prometheus::up"));
    let data = Data::Vector(Vector::default().with_meta(meta));
    for json in [serde_json::to_string(&data).unwrap(), serde_json::to_string(&data.prometheus_json()).unwrap()] {
        assert!(!json.contains("secret") && !json.contains("prometheus::up"), "{json}");
    }
}

fn pick(list: &[f64], random: u64) -> f64 {
    list[usize::try_from(random % list.len() as u64).unwrap()]
}

#[test]
fn hostile_values_survive_a_round_trip() {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let special = [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN, f64::MAX, 5e-324, 0.1 + 0.2];
    let edges = [9_007_199_254_740_991.0, 9_007_199_254_740_992.0, 9_007_199_254_740_994.0, -9.3e18, 1e15, 1e21];
    let texts = ["", "\"\\/\u{8}\u{c}\n\r\t", "\u{0}\u{7f}", "größe \u{2028}\u{1F600}", "NaN", "</script>"];
    for round in 0..200 {
        let mut float = || match random() % 3 {
            0 => pick(&special, random()),
            1 => pick(&edges, random()),
            _ => f64::from_bits(random()),
        };
        let values: Vec<f64> = (0..round % 7).map(|_| float()).collect();
        let mut histogram = histogram();
        (histogram.count, histogram.sum) = (float(), float());
        let label = labels(&[("a", texts[round % texts.len()]), (texts[(round + 1) % texts.len()], "x")]);
        let times = [secs(-1), Timestamp::from_millis(-1), secs(0), Timestamp::from_millis(1_700_000_000_123)];
        let samples = (0..).map(|at| Timestamp::from_millis(1_700_000_000_001 + at * 250)).zip(values.iter().copied());
        let series = Series::new(label.clone(), samples);
        let both = series.clone().with_histograms(times.iter().map(|time| (*time, histogram.clone())));
        let empty = round % 2 == 0;
        let matrix: Matrix = if empty { Matrix::default() } else { [series, both].into_iter().collect() };
        let elements = times.iter().map(|time| Element::new(label.clone(), *time, Value::Float(float())));
        let vector: Vector = elements.collect();
        let histograms = [Element::new(label.clone(), times[3], histogram.into())];
        let vector: Vector = vector.into_iter().chain(histograms).collect();
        let meta = if empty { Meta::default() } else { meta() };
        for data in [
            Data::Matrix(matrix.with_meta(meta.clone())),
            Data::Vector(vector.with_meta(meta.clone())),
            Data::Scalar(Scalar::new(times[round % 4], float()).with_meta(meta.clone())),
            Data::Text(Text::new(times[round % 4], texts[round % texts.len()]).with_meta(meta)),
        ] {
            round_trip(&data);
            let has_valid_names = !texts[(round + 1) % texts.len()].is_empty();
            if has_valid_names {
                prometheus_round_trip(&data);
            }
            match data {
                Data::Matrix(matrix) => round_trip(&matrix),
                Data::Vector(vector) => round_trip(&vector),
                Data::Scalar(scalar) => round_trip(&scalar),
                Data::Text(text) => round_trip(&text),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn statistics_and_partial_data_survive_a_round_trip() {
    let body = r#"{"status":"success","isPartial":true,"data":{"resultType":"vector","result":[],"stats":{
        "timings":{"evalTotalTime":0.5},"samples":{"totalQueryableSamplesPerStep":[[1,2],[2,3.5]],"peakSamples":3}}}}"#;
    let mut decoder = Decoder::new(Limits::default());
    decoder.push(body.as_bytes()).unwrap();
    let data = Data::from_response(decoder.finish().unwrap()).unwrap();
    let stats = serde_json::to_value(data.meta().stats.as_ref()).unwrap();
    let steps = json!({ "timestamps": [1000, 2000], "values": [2, 3.5] });
    assert_eq!(stats, json!({ "evalTotalTime": 0.5, "peakSamples": 3, "totalQueryableSamplesPerStep": steps }));
    assert!(data.is_partial());
    round_trip(&data);
    prometheus_round_trip(&data);
}

#[test]
fn wrong_results_are_refused() {
    let refused = |json: &str| serde_json::from_str::<Data>(json).unwrap_err().to_string();
    let series = |fields: &str| refused(&format!(r#"{{"type":"matrix","series":[{{"labels":{{}},{fields}}}]}}"#));
    for (error, expected) in [
        (refused("{}"), "missing field `type`"),
        (refused(r#"{"type":"vector"}"#), "missing field `series`"),
        (refused(r#"{"type":"tensor"}"#), "unknown variant `tensor`"),
        (refused(r#"{"type":"vector","type":"vector"}"#), "duplicate field `type`"),
        (refused(r#"{"type":"scalar","timestamp":0,"value":null}"#), "missing field `value`"),
        (refused(r#"{"type":"scalar","timestamp":0,"value":"nothing"}"#), "expected a number"),
        (refused(r#"{"type":"string","timestamp":0,"value":1}"#), "not a string"),
        (series(r#""timestamps":[1],"values":[]"#), "1 `timestamps` and 0 `values`"),
        (series(r#""timestamps":[2,1],"values":[1,1]"#), "not in order"),
        (series(r#""timestamps":[1],"values":[null]"#), "invalid type: null"),
        (series(r#""labels":{},"timestamps":[],"values":[]"#), "duplicate field `labels`"),
    ] {
        assert!(error.contains(expected), "{error}");
    }
    let error = serde_json::from_str::<Labels>(r#"{"a":"1","a":"2"}"#).unwrap_err();
    assert!(error.to_string().contains("duplicate key `a`"), "{error}");
    let error = serde_json::from_str::<Matrix>(r#"{"type":"vector","series":[]}"#).unwrap_err();
    assert!(error.to_string().contains("expected the type matrix, found vector"), "{error}");
}

#[test]
fn times_are_read_in_each_form() {
    let time = |json: &str| serde_json::from_str::<Timestamp>(json).map_err(|error| error.to_string());
    for json in ["1700000000250", r#""1700000000.25""#, r#""2023-11-14T22:13:20.250Z""#] {
        assert_eq!(time(json), Ok(Timestamp::from_millis(1_700_000_000_250)), "{json}");
    }
    for json in ["1.5", r#""yesterday""#, "null", "18446744073709551615"] {
        assert!(time(json).is_err(), "{json}");
    }
    for millis in [i64::MIN, -1, 0, i64::MAX] {
        round_trip(&Timestamp::from_millis(millis));
    }
    for duration in [PromDuration::ZERO, PromDuration::from_millis(90_001), PromDuration::MAX] {
        round_trip(&duration);
    }
    assert_eq!(serde_json::to_string(&PromDuration::from_secs(90)).unwrap(), r#""1m30s""#);
    for json in [r#""1m30s""#, r#""90""#, "90", "90.0"] {
        let window: Window = serde_json::from_str(json).unwrap();
        assert_eq!(PromDuration::from(window), PromDuration::from_secs(90), "{json}");
        let step: Step = serde_json::from_str(json).unwrap();
        assert_eq!(step, PromDuration::from_secs(90).into(), "{json}");
    }
    for json in ["-1", "1e300", "0.0001", "null", "{}", r#""1 day""#] {
        assert!(serde_json::from_str::<Window>(json).is_err(), "{json}");
        assert!(serde_json::from_str::<Step>(json).is_err(), "{json}");
    }
    for step in [Step::auto(250), Step::auto(u64::MAX), PromDuration::from_millis(1).into()] {
        round_trip(&step);
    }
    assert_eq!(serde_json::from_str::<Step>(r#""auto""#).unwrap(), Step::auto(250));
}

#[test]
fn ranges_are_read_as_they_are_made() {
    let range = TimeRange::parse("2026-04-16T00:00:07Z", "2026-04-17T00:00:00Z", "5m").unwrap().aligned();
    assert_eq!(
        serde_json::to_value(range).unwrap(),
        json!({ "start": 1_776_297_607_000_u64, "end": 1_776_384_000_000_u64, "step": "5m", "aligned": true })
    );
    round_trip(&range);
    round_trip(&TimeRange::last_hours(1));
    let read = |json: &str| serde_json::from_str::<TimeRange>(json).map_err(|error| error.to_string());
    let day = r#"{"start":"2026-04-16T00:00:07Z","end":1776384000000,"step":300,"aligned":true,"more":[]}"#;
    assert_eq!(read(day), Ok(range));
    assert_eq!(read(r#"{"start":"0","end":"60"}"#), Ok(TimeRange::new("0", "60").unwrap()));
    // As the values of a query string are.
    let texts = r#"{"start":"0","end":"60","step":"15","aligned":"true"}"#;
    assert_eq!(read(texts), Ok(TimeRange::parse("0", "60", "15s").unwrap().aligned()));
    for (json, expected) in [
        (r#"{"start":1}"#, "missing field `end`"),
        (r#"{"start":2,"end":1}"#, "before its start"),
        (r#"{"start":1,"end":2,"aligned":"yes"}"#, "expected `true` or `false`, found `yes`"),
        (r#"{"start":1,"end":2,"step":0}"#, "longer than zero"),
        (r#"{"start":1,"end":2,"step":{"auto":0}}"#, "at least one point"),
        (r#"{"start":"1763900000000","end":"1763900060000"}"#, "divide by 1000"),
    ] {
        let error = read(json).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_public_part_of_an_error_is_written() {
    let render = RenderError::UndeclaredLabel { label: "x".to_owned(), declared: vec!["job".to_owned()] };
    for (kind, expected) in [
        (
            ErrorKind::Render(render),
            json!({
                "class": "caller",
                "message": "the query cannot be rendered: undeclared label `x`; the preset declares `job`",
                "timeout": false,
                "retryable": false,
            }),
        ),
        (
            ErrorKind::Http { status: 504, body: "prom-0.internal".to_owned() },
            json!({
                "class": "server",
                "message": "the metrics server did not respond in time",
                "timeout": true,
                "retryable": true,
            }),
        ),
        (
            ErrorKind::Value(ValueError::NoData),
            json!({ "class": "no_data", "message": "the query returned no data", "timeout": false, "retryable": false }),
        ),
    ] {
        assert_eq!(serde_json::to_value(promql_presets::Error::from(kind)).unwrap(), expected);
    }
}

#[test]
fn enums_of_presets_are_their_texts() {
    use promql_presets::presets::container_utilization::{Label, ValueType};

    #[derive(Debug, PartialEq, serde::Deserialize, serde::Serialize)]
    struct Request {
        value_type: Option<ValueType>,
        group_by: Vec<Label>,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Row {
        value_type: ValueType,
        other: Option<ValueType>,
    }

    let request = Request { value_type: Some(ValueType::Current), group_by: vec![Label::KernelId] };
    assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"value_type":"current","group_by":["kernel_id"]}"#);
    round_trip(&request);
    let error = serde_json::from_str::<ValueType>(r#""curent""#).unwrap_err().to_string();
    assert!(error.starts_with("unknown value `curent`, expected one of `current`"), "{error}");
    let row: Row = labels(&[("value_type", "pct")]).deserialize().unwrap();
    assert_eq!(row, Row { value_type: ValueType::Pct, other: None });
    let error = labels(&[("value_type", "x")]).deserialize::<Row>().unwrap_err().to_string();
    assert!(error.contains("label `value_type`") && error.contains("is `x`: unknown value `x`"), "{error}");
}
