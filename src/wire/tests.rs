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
fn chunks_can_end_anywhere() {
    for document in DOCUMENTS {
        let whole = decode(document).unwrap();
        for at in 0..=document.len() {
            let (head, tail) = document.as_bytes().split_at(at);
            assert_same(&decode_parts([head, tail]).unwrap(), &whole);
        }
        for size in [1, 2, 3, 7] {
            assert_same(&decode_parts(document.as_bytes().chunks(size)).unwrap(), &whole);
        }
    }
}

/// Byte by byte nothing is as usual.
#[test]
fn the_fast_path_agrees_with_the_slow_one() {
    let text = |result: Result<Response, DecodeError>| match result {
        // What is shown of the place depends on the cut.
        Err(DecodeError::Unexpected { expected, offset, .. }) => format!("{expected} at {offset}"),
        other => format!("{other:?}"),
    };
    let response = |result_type, metrics: &[&str]| {
        let (key, end) = match result_type {
            "vector" => (r#""value":"#, ""),
            _ => (r#""values":["#, r#",[1435781452,"NaN"]]"#),
        };
        let item = |metric| format!(r#"{{"metric":{metric},{key}[1435781451.781,"0.25"]{end}}}"#);
        success(result_type, &format!("[{}]", metrics.iter().map(item).collect::<Vec<_>>().join(",")))
    };
    let metrics = [r"{}", r#"{"a":"1","b":"é"}"#, r#"{"b":"1","a":"2"}"#];
    let twice = [r#"{"a":"1","a":"2"}"#];
    for response in [response("vector", &metrics), response("matrix", &metrics), response("vector", &twice)] {
        for at in 0..response.len() {
            for byte in *b"\"\\{}[],:01a \n\x00\xff" {
                let mut bytes = response.clone().into_bytes();
                bytes[at] = byte;
                bytes.push(b'\n');
                assert_eq!(text(decode_parts([&*bytes])), text(decode_parts(bytes.chunks(1))), "{at} {byte}");
            }
        }
    }
}

#[test]
fn truncated_bodies_are_errors() {
    for document in DOCUMENTS {
        for at in 0..document.trim_end().len() {
            let error = decode(document.get(..at).unwrap_or("")).unwrap_err();
            assert!(matches!(error, DecodeError::Truncated { .. }), "{at}: {error}");
        }
    }
    assert_eq!(message(""), "the body ends after 0 bytes, expected a JSON object");
    assert_eq!(message(r#"{"status":"succ"#), "the body ends after 15 bytes, expected the end of a string");
    assert_eq!(message(r#"{"status":"success""#), "the body ends after 19 bytes, expected `,` or `}`");
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
fn type_and_items_must_agree() {
    let vector = r#"[{"metric":{},"value":[1,"1"]}]"#;
    for (result_type, result) in [
        ("matrix", vector),
        ("scalar", vector),
        ("vector", r#"[{"metric":{},"values":[]}]"#),
        ("vector", r#"[{"metric":{}}]"#),
        ("vector", r#"[{"metric":{},"value":[1,"1"]},{"metric":{},"values":[]}]"#),
        ("vector", r#"[1,"1"]"#),
        ("vector", r#"[{"metric":{},"value":[1,"1"],"histogram":[1,{"count":"1","sum":"1"}]}]"#),
        ("vector", r#"[{"metric":{},"value":[]}]"#),
        ("vector", r#"[{"metric":{},"value":[1]}]"#),
        ("vector", r#"[{"metric":{},"value":[1,"1",2]}]"#),
        ("vector", r#"[{"metric":{},"value":[1,"1"],"value":[1,"1"]}]"#),
        ("vector", r#"[{"metric":{},"metric":{},"value":[1,"1"]}]"#),
        ("vector", r#"[{"metric":{"a":"1","a":"2"},"value":[1,"1"]}]"#),
        ("vector", r#"[{"metric":{"a":1},"value":[1,"1"]}]"#),
        ("vector", r#"[{"metric":{},"value":["1","1"]}]"#),
        ("vector", r#"[{"metric":{},"value":[1e300,"1"]}]"#),
        ("vector", r#"[{"metric":{},"value":[1,"one"]}]"#),
        ("vector", r#"[{"metric":{},"value":[1,"1e999"]}]"#),
        ("vector", r#"[{"metric":{},"value":[1,-1e999]}]"#),
        ("vector", r#"[{"metric":{},"histogram":[1,"1"]}]"#),
        ("vector", r#"[{"metric":{},"histogram":[1,{"count":"1"}]}]"#),
        ("vector", r#"[{"metric":{},"histogram":[1,{"count":"1","sum":"1","count":"1"}]}]"#),
        ("vector", r#"[{"metric":{},"histogram":[1,{"count":"1","sum":"1","buckets":[],"buckets":[]}]}]"#),
        ("vector", r#"[{"metric":{},"histogram":[1,{"count":"1","sum":"1","buckets":[[4,"1","2","3"]]}]}]"#),
        ("vector", r#"[{"metric":{},"histogram":[1,{"count":"1","sum":"1","buckets":[[0,"1","2"]]}]}]"#),
        ("matrix", r#"[{"metric":{},"values":[[1,"1"],2]}]"#),
        ("matrix", r#"[{"metric":{},"values":[[1,{"count":"1"}]]}]"#),
        ("matrix", r#"[{"metric":{},"values":[[1700000001,"1"],[1700000000.999,"1"]]}]"#),
        ("matrix", r#"[{"metric":{},"values":[[1,"1"]]},{"metric":{},"values":[[1,"1"],[0,"1"]]}]"#),
        ("scalar", r#"[1,"one"]"#),
        ("scalar", r"[1]"),
        ("scalar", r#"[1,"1","1"]"#),
        ("scalar", r#"[1,"1",{}]"#),
        ("scalar", r#"[{"metric":{},"value":[1,"1"]},1]"#),
        ("streams", "[]"),
    ] {
        let text = success(result_type, result);
        assert!(matches!(decode(&text), Err(DecodeError::Unexpected { .. })), "{text}: {:?}", decode(&text));
        let turned = format!(r#"{{"status":"success","data":{{"result":{result},"resultType":"{result_type}"}}}}"#);
        assert!(matches!(decode(&turned), Err(DecodeError::Unexpected { .. })), "{turned}: {:?}", decode(&turned));
    }
}

#[test]
fn errors_name_what_was_expected_and_where() {
    for (text, expected) in [
        ("<html>\n<p>502</p></html>", "expected a JSON object at byte 0 of the body, found `<html> <p>502</p></html>`"),
        ("[]", "expected a JSON object at byte 0 of the body, found `[]`"),
        (
            r#"{"status":"success","data":[]}"#,
            "expected the object `data` of a query at byte 27 of the body, found `[]}`",
        ),
        (r#"{"status":"success"} {"#, "expected the end of the body at byte 21 of the body, found `{`"),
        (
            r#"{"status":"success","status":"error"}"#,
            "expected each field once at byte 20 of the body, found `\"status\":\"error\"}`",
        ),
        (r#"{"data":null}"#, "the body has no `status`"),
        (r#"{"a":1,}"#, "expected a key at byte 7 of the body, found `}`"),
    ] {
        assert_eq!(message(text), expected);
        let mut bytes = Decoder::new(Limits::default());
        let mut pushes = text.as_bytes().chunks(1).map(|byte| bytes.push(byte));
        if let Some(error) = pushes.find_map(Result::err) {
            let (DecodeError::Unexpected { offset, .. }, DecodeError::Unexpected { offset: expected, .. }) =
                (&error, decode(text).unwrap_err())
            else {
                panic!("{error}")
            };
            assert_eq!(*offset, expected, "{text}");
        }
    }
}

#[test]
fn the_place_of_an_error_does_not_depend_on_chunks() {
    let text = success("matrix", r#"[{"metric":{},"value":[1700000000.125,"1"]},{"metric":{}}]"#);
    let whole = decode(&text).unwrap_err().to_string();
    assert!(whole.starts_with("expected a series of a matrix, with `values` or `histograms` at byte 73 of"), "{whole}");
    for at in 0..text.len() {
        let (head, tail) = text.as_bytes().split_at(at);
        let error = decode_parts([head, tail]).unwrap_err();
        assert!(matches!(error, DecodeError::Unexpected { offset: 73, .. }), "{at}: {error}");
    }
}

#[test]
fn descending_timestamps_are_errors() {
    let series = r#"{"metric":{},"values":[[1700000000,"1"],[1700000015,"1"],[1700000030,"1"]]}"#;
    let wrong = series.replace("1700000030", "1700000014");
    let text = success("matrix", &format!("[{series},{series},{series},{wrong},{series}]"));
    let found = text.find("14,\"1\"").unwrap() as u64 + 3;
    for at in 0..text.len() {
        let (head, tail) = text.as_bytes().split_at(at);
        let error = decode_parts([head, tail]).unwrap_err();
        assert!(matches!(error, DecodeError::Unexpected { offset, .. } if offset == found), "{at}: {error}");
    }
    let histogram = r#"{"count":"1","sum":"1"}"#;
    let histograms = format!(r#"[{{"metric":{{}},"histograms":[[2,{histogram}],[1,{histogram}]]}}]"#);
    assert!(message(&success("matrix", &histograms)).starts_with("expected a time that is not before the last one"));
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
fn a_failed_decoder_stays_failed() {
    let mut decoder = Decoder::new(Limits::default());
    let error = decoder.push(b"{]").unwrap_err();
    assert_eq!(decoder.push(b"}"), Err(error.clone()));
    assert_eq!(decoder.finish(), Err(error));
}

#[test]
fn limits_are_kept() {
    for (document, samples) in [(MATRIX, 6), (USUAL_VECTOR, 4), (USUAL_MATRIX, 6)] {
        for size in [5, document.len()] {
            let decode = |max_bytes, max_samples| {
                let mut decoder = Decoder::new(Limits { max_bytes, max_samples });
                document.as_bytes().chunks(size).try_for_each(|chunk| decoder.push(chunk))?;
                decoder.finish()
            };
            let length = document.len() as u64;
            assert!(decode(length, samples).is_ok());
            assert_eq!(decode(length - 1, samples), Err(DecodeError::TooManyBytes { limit: length - 1 }));
            for limit in 0..samples {
                assert_eq!(decode(length, limit), Err(DecodeError::TooManySamples { limit }));
            }
        }
    }
    assert_eq!(
        DecodeError::TooManySamples { limit: 5 }.to_string(),
        "the response has more samples than the limit of 5"
    );
}

#[test]
fn series_taken_out_do_not_count_towards_limits() {
    let mut decoder = Decoder::new(Limits { max_bytes: 1000, max_samples: 3 });
    decoder.0.document = Document::new(3, 1000);
    decoder.push(br#"{"status":"success","data":{"resultType":"matrix","result":["#).unwrap();
    for number in 0..1000 {
        let comma = if number > 0 { "," } else { "" };
        let series = format!(r#"{comma}{{"metric":{{"pod":"{number}"}},"values":[[1,"1"],[2,"2"]]}}"#);
        decoder.push(series.as_bytes()).unwrap();
        assert_eq!(decoder.next_series().unwrap().labels().get("pod"), Some(&*number.to_string()));
    }
    decoder.push(br#",{"metric":{},"values":[[1,"1"],[2,"2"]]}"#).unwrap();
    let more = br#",{"metric":{},"values":[[1,"1"],[2,"2"]]}"#;
    assert_eq!(decoder.push(more), Err(DecodeError::TooManySamples { limit: 3 }));
}

#[test]
fn memory_besides_samples_is_limited() {
    let decode = |start: &str, again: &dyn Fn(u32) -> String| {
        let mut decoder = Decoder::new(Limits::default());
        decoder.0.document = Document::new(Limits::default().max_samples, 1 << 20);
        decoder.push(format!(r#"{{"status":"success",{start}"#).as_bytes())?;
        // Each of them is at least 16 bytes.
        (0..1 << 16).try_for_each(|number| decoder.push(again(number).as_bytes()))
    };
    let too_much = DecodeError::TooMuchMemory { limit: 1 << 30 };
    assert!(too_much.to_string().ends_with("take more memory than the limit of 1073741824 bytes"));
    let too_much = Err(too_much);
    let labels = |number| format!(r#""{number}":"-{number}","#);
    assert_eq!(decode(r#""data":{"result":[{"metric":{"#, &labels), too_much);
    let series = |text: &'static str| move |_| text.to_owned();
    assert_eq!(decode(r#""data":{"result":["#, &series(r#"{"metric":{}},"#)), too_much);
    assert_eq!(decode(r#""data":{"result":["#, &series(r#"{"metric":{},"value":[1,1]},"#)), too_much);
    let buckets = r#""data":{"result":[{"metric":{},"histogram":[1,{"count":1,"sum":1,"buckets":["#;
    assert_eq!(decode(buckets, &series("[0,1,1,1],")), too_much);
    assert_eq!(decode(r#""warnings":["#, &series(r#""","#)), too_much);
    assert_eq!(decode(r#""stats":{"#, &|number| format!(r#""{number}":1,"#)), too_much);
    assert_eq!(decode(r#""stats":{"a":["#, &series("[1,1],")), too_much);
    for (result_type, rest) in [
        ("vector", r#""value":[1435781451,"1"]"#),
        // Labels before something unusual are read twice, and count once.
        ("vector", r#""value":[1,"1"]"#),
        ("vector", r#""histogram":[1,{"count":1,"sum":1}]"#),
        ("matrix", r#""values":[[1435781451,"1"]]"#),
        ("matrix", r#""histograms":[]"#),
    ] {
        let count = Cell::new(0);
        let item = |number| {
            count.set(number);
            format!(r#"{{"metric":{{"a":"{number:01000}"}},{rest}}},"#)
        };
        assert_eq!(decode(&format!(r#""data":{{"resultType":"{result_type}","result":["#), &item), too_much);
        assert!((800..1049).contains(&count.get()), "{result_type} {rest} {}", count.get());
    }
    let memory = |max_bytes| Limits { max_bytes, max_samples: 1 }.max_memory();
    assert_eq!([1, 10 << 20, 100 << 20, 1 << 30].map(memory), [1 << 20, 40 << 20, 256 << 20, 1 << 30]);
}

#[test]
fn the_length_of_tokens_is_limited() {
    for start in [r#"{""#, r#"{"x":""#, r#"{"x":1"#, r#"{"data":{"result":[{"metric":{"a":""#] {
        let mut decoder = Decoder::new(Limits::default());
        decoder.push(start.as_bytes()).unwrap();
        let error = (0..2000).find_map(|_| decoder.push(&[b'1'; 1000]).err()).expect(start);
        assert!(error.to_string().starts_with("expected a string or a number of at most 1 MiB"), "{error}");
    }
    let text = |length| success("string", &format!(r#"[1,"{}"]"#, "a".repeat(length)));
    assert!(decode(&text(1 << 20)).is_ok());
    let long = text((1 << 20) + 1);
    let place = format!("of at most 1 MiB at byte {}", long.find("\"aaa").unwrap());
    assert!(message(&long).contains(&place), "{}", message(&long));
    assert!(decode_parts(long.as_bytes().chunks(1000)).unwrap_err().to_string().contains(&place));
}

#[test]
fn every_series_has_a_metric() {
    for item in ["{}", r#"{"value":[1,"1"]}"#, r#"{"values":[[1,"1"]]}"#, r#"{"metrics":{}}"#] {
        let error = message(&format!(r#"{{"status":"success","data":{{"result":[{item}]}}}}"#));
        assert!(error.starts_with("expected a series with a `metric`"), "{error}");
    }
    assert!(decode(&success("matrix", r#"[{"metric":{}}]"#)).is_ok());
}

#[test]
fn a_success_with_an_error_is_an_error() {
    let response = decode(r#"{"status":"success","error":"no","data":{"resultType":"vector","result":[]}}"#).unwrap();
    assert_eq!(response.error.unwrap().message, "no");
    let response = decode(r#"{"status":"success","error":"","data":{"resultType":"vector","result":[]}}"#).unwrap();
    assert_eq!(response.error, None);
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
fn unknown_values_are_skipped_to_a_bounded_depth() {
    let nested = |depth| format!(r#"{{"x":{}{},"status":"success"}}"#, "[".repeat(depth), "]".repeat(depth));
    assert!(decode(&nested(126)).is_ok());
    assert!(message(&nested(127)).starts_with("expected less than 128 levels of nesting at byte 131"));
    assert!(decode(&nested(1_000_000)).is_err());
    for malformed in [r"[{]}]", r#"["\x"]"#, r#"{"\ud800":1}"#, r#""\:""#, "01", "[1e]", "[,]"] {
        assert!(decode(&format!(r#"{{"status":"success","x":{malformed}}}"#)).is_err(), "{malformed}");
    }
    assert!(decode_parts([&b"{\"status\":\"success\",\"x\":\"\xff\"}"[..]]).is_err());
}

#[test]
fn blanks_and_notations_of_numbers_do_not_matter() {
    let spaced = success("matrix", "[ {\n\"metric\" : { } ,\t\"values\" : [ [ 1.0 , \"1\" ] , [ 2e0 , 0.5 ] ] } ] ");
    let matrix = Matrix::from_response(decode(&spaced).unwrap()).unwrap();
    assert_eq!(matrix.series()[0].timestamps(), [1000, 2000].map(Timestamp::from_millis));
    assert_eq!(matrix.series()[0].values(), [1.0, 0.5]);
}

#[test]
fn null_is_no_value() {
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
fn results_of_other_types_are_errors() {
    let error = Matrix::from_response(decode(VECTOR).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "expected range vector, the server returned instant vector");
    let labelled = success("vector", r#"[{"metric":{"a":"b"},"value":[1,"1"]}]"#);
    assert!(Scalar::from_response(decode(&labelled).unwrap()).is_err());
    let error = Vector::from_response(decode(ERROR).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "expected instant vector, the server returned no result");
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

/// Documents with numbers and strings of all sorts, decoded by `serde_json` as well.
#[test]
fn random_documents_are_decoded_as_by_serde_json() {
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    for _ in 0..300 {
        let mut series = Vec::new();
        for _ in 0..random(4) {
            let mut metric = serde_json::Map::new();
            for label in 0..random(5) {
                let value = ["", "a", "é😀", "\"\\/\u{8}\u{c}\n\r\t\u{1}", "  "][usize::try_from(random(5)).unwrap()];
                metric.insert(format!("label_{label}"), value.into());
            }
            let mut values = String::from("[");
            for at in 0..random(20) {
                let float = match random(6) {
                    0 => f64::from_bits(random(u64::MAX)),
                    1 => f64::NAN,
                    2 => f64::INFINITY,
                    _ => {
                        f64::from(u32::try_from(random(1 << 32)).unwrap())
                            / 2_f64.powi(i32::try_from(random(40)).unwrap())
                    }
                };
                let comma = if at > 0 { "," } else { "" };
                let seconds = (at << 28) + random(1 << 28);
                write!(values, "{comma}[{seconds}.{},\"{}\"]", random(1000), Value::Float(float)).unwrap();
            }
            values.push(']');
            series.push(format!("{{\"metric\":{},\"values\":{values}}}", serde_json::Value::from(metric)));
        }
        let document = success("matrix", &format!("[{}]", series.join(",")));
        let json: serde_json::Value = serde_json::from_str(&document).unwrap();
        let matrix = Matrix::from_response(decode(&document).unwrap()).unwrap();
        let expected = json["data"]["result"].as_array().unwrap();
        assert_eq!(matrix.len(), expected.len());
        for (series, expected) in matrix.iter().zip(expected) {
            let labels = expected["metric"].as_object().unwrap();
            let labels: Labels = labels.iter().map(|(name, value)| (name, value.as_str().unwrap())).collect();
            assert_eq!(series.labels(), &labels);
            let samples = expected["values"].as_array().unwrap();
            assert_eq!(series.len(), samples.len());
            for (sample, expected) in series.iter().zip(samples) {
                let (seconds, text) = (expected[0].as_f64().unwrap(), expected[1].as_str().unwrap());
                assert_eq!(sample.timestamp.to_unix_seconds().parse(), Ok(seconds));
                assert_eq!(sample.float().unwrap().to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
            }
        }
    }
}

#[test]
fn labels_of_any_series_are_read_whole_and_in_chunks() {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 20).unwrap() % below
    };
    let names = ["__name__", "a", "b\"", "job", "pod", "Zone", "é", "namespace_of_the_pod", "0\\"];
    for round in 0..10 {
        let (mut series, mut json) = (Vec::new(), Vec::new());
        for number in 0..300 {
            let mut pairs = Vec::new();
            let start = random(3);
            for step in 0..random(names.len()) {
                let name = names[(start + step) % names.len()];
                let value = match random(6) {
                    0 => String::new(),
                    1 => format!("unique-{round}-{number}"),
                    2 => format!("some\"thing\\ é {}", random(3)),
                    3 => format!("again-{}", number % 50),
                    4 => "/kubepods.slice/kubepods-burstable.slice/".repeat(1 + random(3)),
                    _ => format!("v{}", random(4)),
                };
                pairs.push((name, value));
            }
            let fields = pairs.iter().map(|(name, value)| {
                format!("{}:{}", serde_json::to_string(name).unwrap(), serde_json::to_string(value).unwrap())
            });
            let labels = fields.collect::<Vec<_>>().join(",");
            json.push(format!(r#"{{"metric":{{{labels}}},"value":[1435781451,"{number}"]}}"#));
            series.push(pairs.into_iter().collect::<Labels>());
        }
        let json = success("vector", &format!("[{}]", json.join(",")));
        for most in [usize::MAX, 2000, 300, 20] {
            let mut rest = json.as_bytes();
            let parts = std::iter::from_fn(|| {
                let (part, after) = rest.split_at(rest.len().min(1 + random(most)));
                rest = after;
                (!part.is_empty()).then_some(part)
            });
            let Some(Data::Vector(vector)) = decode_parts(parts).unwrap().data else { panic!("{json}") };
            let read: Vec<_> = vector.iter().map(|element| element.labels().clone()).collect();
            assert_eq!(read, series);
        }
    }
}

#[test]
fn labels_in_many_blocks_are_those_of_their_series() {
    let pod = |number: usize| format!("{number:0200}");
    for (result_type, sample) in [("vector", r#""value":[1435781451,"1"]"#), ("matrix", r#""values":[[1,"1"]]"#)] {
        let series = |number| format!(r#"{{"metric":{{"job":"api","pod":"{}"}},{sample}}}"#, pod(number));
        let series: Vec<String> = (0..2000).map(series).collect();
        let json = success(result_type, &format!("[{}]", series.join(",")));
        for size in [json.len(), 16 << 10, 100] {
            for takes in [false, true] {
                let (mut decoder, mut labels) = (Decoder::new(Limits::default()), Vec::new());
                for chunk in json.as_bytes().chunks(size) {
                    decoder.push(chunk).unwrap();
                    while let Some(series) = takes.then(|| decoder.next_series()).flatten() {
                        labels.push(series.labels().clone());
                    }
                }
                match decoder.finish().unwrap().data.unwrap() {
                    Data::Vector(vector) => labels.extend(vector.iter().map(|element| element.labels().clone())),
                    Data::Matrix(matrix) => labels.extend(matrix.iter().map(|series| series.labels().clone())),
                    other => panic!("{other:?}"),
                }
                let pods: Vec<_> = labels.iter().map(|labels| labels.get("pod").unwrap_or_default()).collect();
                assert!(pods == (0..2000).map(pod).collect::<Vec<_>>(), "{result_type} {size} {takes}");
                assert!(labels.iter().all(|labels| labels.get("job") == Some("api")));
            }
        }
    }
}
