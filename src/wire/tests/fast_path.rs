//! The fast path and any cut into chunks give the same results as the slow path and `serde_json`.

use super::*;

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
