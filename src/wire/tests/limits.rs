//! Limits of bytes, samples, memory and depth.

use super::*;

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
