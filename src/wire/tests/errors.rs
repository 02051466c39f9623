//! Bodies that are not valid responses.

use super::*;

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
fn a_failed_decoder_stays_failed() {
    let mut decoder = Decoder::new(Limits::default());
    let error = decoder.push(b"{]").unwrap_err();
    assert_eq!(decoder.push(b"}"), Err(error.clone()));
    assert_eq!(decoder.finish(), Err(error));
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
fn results_of_other_types_are_errors() {
    let error = Matrix::from_response(decode(VECTOR).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "expected range vector, the server returned instant vector");
    let labelled = success("vector", r#"[{"metric":{"a":"b"},"value":[1,"1"]}]"#);
    assert!(Scalar::from_response(decode(&labelled).unwrap()).is_err());
    let error = Vector::from_response(decode(ERROR).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "expected instant vector, the server returned no result");
}
