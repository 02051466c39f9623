mod errors;
mod fast_path;
mod limits;

use std::cell::Cell;
use std::fmt::Write as _;

use promql_presets_core::ResultType;

use super::*;
use crate::value::{Bounds, Bucket, Labels, Matrix, Scalar, Text, Timestamp, Value, Vector};

const VECTOR: &str = r#"{"status":"success","data":{"resultType":"vector","result":[
    {"metric":{"__name__":"up","job":"a\"b\u00e9"},"value":[1435781451.781,"1"]},
    {"metric":{"__name__":"up","job":"c"},"value":[1435781451.781,"NaN"]},
    {"metric":{},"histogram":[1435781451.781,{"count":"3","sum":"4.5","buckets":[[0,"-1","2","1"],[3,"2","3","2"]]}]}
  ],"stats":{"timings":{"evalTotalTime":0.5},"samples":{"peakSamples":7,"totalQueryableSamplesPerStep":[[1,2]]}}},
  "warnings":["PromQL warning: w"],"infos":["i"],"isPartial":true}"#;

const MATRIX: &str = concat!(
    r#"{"data":{"result":[{"values":[[1,"1.5"],[2.5,"-0.30000000000000004"],[3.25,"1e-7"],[4.125,"+Inf"]],"#,
    r#""metric":{"b":"1","a":"2"}},{"metric":{"a":"3","b":"1"},"histograms":[[2,{"count":"1","sum":"2"}]],"#,
    r#""values":[[1,"1"]],"new":{"x":["]",null]}},{"metric":{"a":"4"},"values":[]}],"resultType":"matrix"},"#,
    r#""status":"success"}"#
);

const SCALAR: &str = r#"{"status":"success","data":{"resultType":"scalar","result":[1435781460.781,"1"]}}"#;
const STRING: &str = r#"{"status":"success","data":{"resultType":"string","result":[1,"a\nb"]}}"#;
const EMPTY: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
const ERROR: &str = r#"{"status":"error","errorType":"bad_data","error":"1:5: parse error"}"#;
/// Written as most servers do.
const USUAL_VECTOR: &str = concat!(
    r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1435781451.781,"1"]},"#,
    r#"{"metric":{"a":"1","b":"x"},"value":[1435781451,"-0.25"]},"#,
    r#"{"metric":{"a":"2"},"histogram":[1435781451,{"count":"3","sum":"4.5"}]},"#,
    r#"{"metric":{"a":"1","b":"y"},"value":[1435781451,"NaN"]}]},"infos":["i"]}"#
);
const USUAL_MATRIX: &str = concat!(
    r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"1"},"values":[[1435781430,"1"],"#,
    r#"[1435781445,"0.1"]]},{"metric":{"a":"2"},"histograms":[[1435781430,{"count":"3","sum":"4.5"}]]},"#,
    r#"{"metric":{"a":"3"},"values":[[1435781430,"1"],[1435781445.5,"2"],[1435781460,"3"]]},"#,
    r#"{"metric":{"a":"4"},"values":[]}]}}"#,
    "\n"
);
const DOCUMENTS: [&str; 8] = [VECTOR, MATRIX, SCALAR, STRING, EMPTY, ERROR, USUAL_VECTOR, USUAL_MATRIX];

fn decode_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<Response, DecodeError> {
    let mut decoder = Decoder::new(Limits::default());
    parts.into_iter().try_for_each(|part| decoder.push(part))?;
    decoder.finish()
}

fn decode(text: &str) -> Result<Response, DecodeError> {
    decode_parts([text.as_bytes()])
}

fn message(text: &str) -> String {
    decode(text).unwrap_err().to_string()
}

/// The response around a result.
fn success(result_type: &str, result: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"{result_type}","result":{result}}}}}"#)
}

/// Equality does not hold for `NaN`, the text of a response does.
fn assert_same(one: &Response, other: &Response) {
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
}

#[test]
fn a_vector_has_labels_floats_and_histograms() {
    let vector = Vector::from_response(decode(VECTOR).unwrap()).unwrap();
    let [up, nan, histogram] = vector.elements() else { panic!("{vector}") };
    assert_eq!(up.labels().to_string(), r#"up{job="a\"bé"}"#);
    assert_eq!(up.timestamp().as_millis(), 1_435_781_451_781);
    assert_eq!(up.value(), &Value::Float(1.0));
    assert!(nan.value().float().unwrap().is_nan());
    let histogram = histogram.value().as_histogram().unwrap();
    assert_eq!((histogram.count, histogram.sum), (3.0, 4.5));
    let buckets = [Bucket::new(Bounds::OpenLeft, -1.0, 2.0, 1.0), Bucket::new(Bounds::Closed, 2.0, 3.0, 2.0)];
    assert_eq!(*histogram.buckets, buckets);
    assert_eq!(histogram.to_string(), "{count:3, sum:4.5, (-1,2]:1, [2,3]:2}");

    assert_eq!(vector.warnings(), ["PromQL warning: w"]);
    assert_eq!(vector.infos(), ["i"]);
    assert!(vector.is_partial());
    let stats: Vec<_> = vector.stats().unwrap().iter().collect();
    assert_eq!(stats, [("evalTotalTime", 0.5), ("peakSamples", 7.0)]);
    assert_eq!(vector.stats().unwrap().peak_samples(), Some(7.0));
}

#[test]
fn a_matrix_has_columns() {
    let matrix = Matrix::from_response(decode(MATRIX).unwrap()).unwrap();
    let [floats, mixed, empty] = matrix.series() else { panic!("{matrix}") };
    assert_eq!(floats.labels().to_string(), r#"{a="2", b="1"}"#);
    assert_eq!(floats.timestamps(), [1000, 2500, 3250, 4125].map(Timestamp::from_millis));
    assert_eq!(floats.values(), [1.5, -0.300_000_000_000_000_04, 1e-7, f64::INFINITY]);
    assert_eq!(mixed.len(), 2);
    assert_eq!(mixed.last().unwrap().value.to_string(), "{count:1, sum:2}");
    assert!(empty.is_empty());
}

#[test]
fn scalars_and_strings_have_no_labels() {
    let scalar = Scalar::from_response(decode(SCALAR).unwrap()).unwrap();
    assert_eq!((scalar.value(), scalar.timestamp().as_millis()), (1.0, 1_435_781_460_781));
    let text = Text::from_response(decode(STRING).unwrap()).unwrap();
    assert_eq!(text.value(), "a\nb");
}

#[test]
fn an_error_of_the_server_is_decoded() {
    let error = decode(ERROR).unwrap().error.unwrap();
    assert_eq!((error.kind.as_str(), error.message.as_str()), ("bad_data", "1:5: parse error"));
    let victoria = decode(r#"{"status":"error","errorType":"422","error":"x","data":null}"#).unwrap();
    assert_eq!((victoria.error.unwrap().kind.as_str(), victoria.data), ("422", None));
}

#[test]
fn keys_come_in_any_order() {
    fn permutations(keys: &[&str]) -> Vec<String> {
        match keys {
            [] => vec![],
            [key] => vec![(*key).to_owned()],
            _ => (0..keys.len())
                .flat_map(|at| {
                    let mut rest = keys.to_vec();
                    let key = rest.remove(at);
                    permutations(&rest).into_iter().map(move |rest| format!("{key},{rest}"))
                })
                .collect(),
        }
    }
    let items = permutations(&[r#""metric":{"a":"1"}"#, r#""values":[[1,"2"]]"#, r#""histograms":[]"#, r#""x":[{}]"#]);
    let expected = decode(&success("matrix", &format!("[{{{}}}]", items[0]))).unwrap();
    for item in items {
        let result = format!(r#""result":[{{{item}}}]"#);
        for data in permutations(&[r#""resultType":"matrix""#, &result, r#""x":null"#]) {
            let data = format!(r#""data":{{{data}}}"#);
            for envelope in permutations(&[r#""status":"success""#, &data, r#""x":[[{"y":"}"}]]"#]) {
                assert_same(&decode(&format!("{{{envelope}}}")).unwrap(), &expected);
            }
        }
    }
}

#[test]
fn a_missing_type_follows_from_the_items() {
    let result_type = |result: &str| {
        let response = decode(&format!(r#"{{"status":"success","data":{{"result":{result}}}}}"#))?;
        Ok::<_, DecodeError>(response.data.map(|data| data.result_type()))
    };
    assert_eq!(result_type(r#"[{"metric":{},"value":[1,"1"]}]"#), Ok(Some(ResultType::InstantVector)));
    assert_eq!(result_type(r#"[{"metric":{},"values":[[1,"1"]]}]"#), Ok(Some(ResultType::RangeVector)));
    let missing = Err(DecodeError::MissingField { field: "resultType" });
    assert_eq!(result_type(r#"[1,"1"]"#), missing, "scalar or string");
    assert_eq!(result_type("[]"), missing, "vector or matrix");
}

#[test]
fn series_share_equal_timestamps() {
    let series = |times: &[u64]| {
        let values: Vec<_> = times.iter().map(|time| format!("[{},\"{time}\"]", 1_700_000_000 + time)).collect();
        format!(r#"{{"metric":{{}},"values":[{}]}}"#, values.join(","))
    };
    let grids: [&[u64]; 9] = [&[1, 2, 3], &[1, 2, 3], &[1, 2, 3], &[1, 2], &[1, 2], &[], &[1, 3], &[1, 3], &[1, 3, 4]];
    let result = format!("[{}]", grids.map(series).join(","));
    for size in [1, 20, 1000] {
        let mut decoder = Decoder::new(Limits::default());
        success("matrix", &result).as_bytes().chunks(size).for_each(|chunk| decoder.push(chunk).unwrap());
        let matrix = Matrix::from_response(decoder.finish().unwrap()).unwrap();
        for (series, grid) in matrix.iter().zip(grids) {
            let times: Vec<_> =
                series.iter().map(|sample| sample.timestamp.as_millis() / 1000 - 1_700_000_000).collect();
            assert_eq!(times, grid.iter().map(|time| i64::try_from(*time).unwrap()).collect::<Vec<_>>());
        }
        let shared =
            |a: usize, b: usize| std::ptr::eq(matrix.series()[a].timestamps(), matrix.series()[b].timestamps());
        assert!(shared(0, 2) && shared(3, 4) && shared(6, 7) && !shared(7, 8));
    }
}

#[test]
fn statistics_come_in_total_and_step_by_step() {
    let stats =
        r#""stats":{"samples":{"a":"7","perStep":[[1.5,2],[2.5,3e0]],"other":[1,[],[1],["1",2],[1,2,3],{"x":[1]}]}}"#;
    let response = decode(&format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[],{stats}}}}}"#));
    let stats = response.unwrap().meta.stats.unwrap();
    let step = |millis, number| (Timestamp::from_millis(millis), number);
    assert_eq!(stats.get("a"), Some(7.0));
    assert_eq!(stats.per_step("perStep"), [step(1500, 2.0), step(2500, 3.0)]);
    assert_eq!(stats.per_step("other"), [step(1000, 2.0)]);
    assert_eq!(stats.per_step("a"), []);
}

#[test]
fn blanks_and_notations_of_numbers_do_not_matter() {
    let spaced = success("matrix", "[ {\n\"metric\" : { } ,\t\"values\" : [ [ 1.0 , \"1\" ] , [ 2e0 , 0.5 ] ] } ] ");
    let matrix = Matrix::from_response(decode(&spaced).unwrap()).unwrap();
    assert_eq!(matrix.series()[0].timestamps(), [1000, 2000].map(Timestamp::from_millis));
    assert_eq!(matrix.series()[0].values(), [1.0, 0.5]);
}

#[test]
fn null_is_accepted() {
    for text in [
        r#"{"status":"success","data":null,"warnings":null,"infos":null,"stats":null}"#.to_owned(),
        success("matrix", "null"),
        success("matrix", r#"[{"metric":null,"values":null,"histograms":null}]"#),
    ] {
        assert!(decode(&text).is_ok(), "{text}");
    }
}

#[test]
fn dialects_are_understood() {
    let thanos = r#"{"status":"success","data":{"resultType":"vector","result":[],"warnings":["store gone"]}}"#;
    let vector = Vector::from_response(decode(thanos).unwrap()).unwrap();
    assert!(vector.is_partial());

    let victoria = r#"{"status":"success","isPartial":false,"data":{"resultType":"vector","result":
        [{"metric":{},"value":[1,"2"]}]},"stats":{"seriesFetched":"12","executionTimeMsec":3},"trace":{"a":[{}]}}"#;
    let scalar = Scalar::from_response(decode(victoria).unwrap()).unwrap();
    assert_eq!(scalar.number().ok(), Some(2.0));
    assert_eq!(scalar.stats().unwrap().get("seriesFetched"), Some(12.0));
    assert_eq!(scalar.stats().unwrap().exec_total_seconds(), Some(0.003));
}

#[test]
fn series_can_be_taken_while_they_arrive() {
    let mut decoder = Decoder::new(Limits::default());
    let mut taken = Vec::new();
    for chunk in MATRIX.as_bytes().chunks(3) {
        decoder.push(chunk).unwrap();
        taken.extend(std::iter::from_fn(|| decoder.next_series()));
    }
    let expected = Matrix::from_response(decode(MATRIX).unwrap()).unwrap();
    assert_eq!(taken, expected.series());
    assert!(Matrix::from_response(decoder.finish().unwrap()).unwrap().is_empty());
}

#[test]
fn series_on_one_grid_share_its_timestamps() {
    let result = r#"[{"metric":{"a":"1"},"values":[[1,"1"],[2,"2"]]},{"metric":{"a":"2"},"values":[[1,"3"],[2,"4"]]}]"#;
    let matrix = Matrix::from_response(decode(&success("matrix", result)).unwrap()).unwrap();
    let [one, other] = matrix.series() else { panic!("{matrix}") };
    assert!(std::ptr::eq(one.timestamps(), other.timestamps()));
}
