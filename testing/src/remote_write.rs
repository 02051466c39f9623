//! Series as requests of [remote write](https://prometheus.io/docs/specs/prw/remote_write_spec/), encoded by hand: six
//! messages do not justify a compiler for Protocol Buffers.

use std::collections::BTreeSet;
use std::time::Duration;

use promql_presets::{Timestamp, reqwest};

use crate::guard::Error;
use crate::native_histogram::{Buckets, NativeHistogram};
use crate::series::{Point, TestSeries};

/// How much time one request covers. Prometheus rejects samples that are an hour older than the newest.
const SPAN: i64 = 30 * 60 * 1000;

/// The bits of the marker with which Prometheus ends a series, which is a NaN.
const STALE: u64 = 0x7ff0_0000_0000_0002;

/// Sends series to a server, whose values begin at a time.
///
/// # Errors
/// If the server rejects them.
pub fn write(url: &str, series: &[TestSeries], start: Timestamp, interval: Duration) -> Result<(), Error> {
    let requests = requests(series, start, interval)?;
    let url = format!("{url}/api/v1/write");
    // In a thread of its own, since the caller may be inside a runtime.
    let send = move || -> Result<(), Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().build()?;
            for request in requests {
                let request = client.post(&url).header("Content-Type", "application/x-protobuf").body(snappy(&request));
                let response = request.header("Content-Encoding", "snappy").send().await?;
                if !response.status().is_success() {
                    return Err(format!("Prometheus rejects the series: {}", response.text().await?.trim()).into());
                }
            }
            Ok(())
        })
    };
    let result = std::thread::scope(|scope| scope.spawn(send).join());
    result.unwrap_or_else(|_| Err("the series cannot be sent".into()))
}

/// One request for each span of time that has samples.
fn requests(series: &[TestSeries], start: Timestamp, interval: Duration) -> Result<Vec<Vec<u8>>, Error> {
    let step = i64::try_from(interval.as_millis())?.max(1);
    let steps = series.iter().map(|series| series.values().len()).max().unwrap_or(0);
    let per_request = usize::try_from(SPAN / step)?.max(1);
    let mut seen = BTreeSet::new();
    if let Some(twice) = series.iter().find(|series| !seen.insert(labels(series).0)) {
        return Err(format!("two series have the same labels: {:?}", twice.labels()).into());
    }
    let mut requests = Vec::new();
    for from in (0..steps).step_by(per_request) {
        let mut request = Message::default();
        for series in series {
            let points = series.values().0.iter().enumerate().skip(from).take(per_request);
            let mut message = labels(series);
            let labels_len = message.0.len();
            for (at, point) in points {
                let time = start.as_millis() + i64::try_from(at)? * step;
                match point {
                    Point::Gap => {}
                    Point::Stale => message.bytes(2, &sample(f64::from_bits(STALE), time).0),
                    Point::Float(value) => message.bytes(2, &sample(*value, time).0),
                    Point::Native(value) => message.bytes(4, &histogram(value, time).0),
                    Point::Histogram(_) => {
                        return Err("a `Histogram` cannot be stored: write `{{schema:0 buckets:[...]}}`".into());
                    }
                }
            }
            if message.0.len() > labels_len {
                request.bytes(1, &message.0);
            }
        }
        if !request.0.is_empty() {
            requests.push(request.0);
        }
    }
    Ok(requests)
}

/// The labels of a series, sorted by name as the protocol requires.
fn labels(series: &TestSeries) -> Message {
    let mut sorted: Vec<_> = series.labels().iter().collect();
    sorted.sort();
    let mut message = Message::default();
    for (name, value) in sorted {
        let mut label = Message::default();
        label.bytes(1, name.as_bytes());
        label.bytes(2, value.as_bytes());
        message.bytes(1, &label.0);
    }
    message
}

fn sample(value: f64, time: i64) -> Message {
    let mut sample = Message::default();
    sample.double(1, value);
    sample.integer(2, time);
    sample
}

fn histogram(histogram: &NativeHistogram, time: i64) -> Message {
    let mut message = Message::default();
    message.double(2, histogram.count);
    message.double(3, histogram.sum);
    message.signed(4, histogram.schema.into());
    message.double(5, histogram.zero_width);
    message.double(7, histogram.zero_count);
    message.buckets([8, 10], &histogram.negative);
    message.buckets([11, 13], &histogram.positive);
    message.integer(15, time);
    message
}

/// A Protocol Buffers message, field by field, as in Prometheus' `prompb/types.proto`.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn integer(&mut self, field: u8, value: i64) {
        self.0.push(field << 3);
        varint(&mut self.0, value.cast_unsigned());
    }

    fn signed(&mut self, field: u8, value: i64) {
        self.integer(field, (value << 1) ^ (value >> 63));
    }

    fn double(&mut self, field: u8, value: f64) {
        self.0.push(field << 3 | 1);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u8, value: &[u8]) {
        self.0.push(field << 3 | 2);
        varint(&mut self.0, value.len() as u64);
        self.0.extend(value);
    }

    /// A span of buckets and their counts.
    fn buckets(&mut self, [span_field, counts_field]: [u8; 2], buckets: &Buckets) {
        if buckets.counts.is_empty() {
            return;
        }
        let mut span = Self::default();
        span.signed(1, buckets.offset.into());
        span.0.push(2 << 3);
        varint(&mut span.0, buckets.counts.len() as u64);
        self.bytes(span_field, &span.0);
        let counts: Vec<u8> = buckets.counts.iter().flat_map(|count| count.to_le_bytes()).collect();
        self.bytes(counts_field, &counts);
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// The Snappy block format without compression: the length, then literals of at most 256 bytes.
fn snappy(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(&mut out, data.len() as u64);
    for literal in data.chunks(256) {
        out.extend([60 << 2, literal.len().wrapping_sub(1).to_le_bytes()[0]]);
        out.extend(literal);
    }
    out
}
