//! Data that text for `promtool` cannot carry: UTF-8 names and native histograms, sent by remote write.
//!
//! All samples come after the dataset's end, every [`SCRAPE_INTERVAL`] seconds for ten minutes.

use crate::{Error, SCRAPE_INTERVAL, http};

/// The counter with UTF-8 names: its series have the labels `job`, `http.code`, `a/b`, `größe` and `U__job`.
pub const UTF8_COUNTER: &str = "http.requests";

/// The growth per second of [`UTF8_COUNTER`], by `http.code`.
pub const UTF8_RATES: [(&str, f64); 2] = [("200", 2.0), ("500", 0.5)];

/// The other labels of [`UTF8_COUNTER`].
pub const UTF8_LABELS: [(&str, &str); 4] = [("U__job", "escaped"), ("a/b", "c/d"), ("größe", "klein"), ("job", "web")];

/// The native histogram, with the label `instance`. In each scrape interval it grows by [`OBSERVATIONS`] for each
/// instance, a quarter of which are in (1, 2] and the others in (2, 4].
pub const NATIVE_HISTOGRAM: &str = "native_duration_seconds";

/// The instances of [`NATIVE_HISTOGRAM`].
pub const INSTANCES: [&str; 2] = ["a", "b"];

/// Observations in one scrape interval.
pub const OBSERVATIONS: u32 = 4;

/// Samples of each series.
const SAMPLES: u32 = 40;

/// Sends the data to a Prometheus. Releases before 3.0 reject UTF-8 names and keep the histograms.
pub(crate) fn push(server: &str, end: i64) -> Result<(), Error> {
    let post = |body: Vec<u8>| http::post(server, "/api/v1/write", "application/x-protobuf", &snappy(&body));
    let response = post(histograms(end))?;
    if response.status >= 300 {
        return Err(format!("Prometheus rejects native histograms: {}", response.body).into());
    }
    let response = post(counters(end))?;
    if response.status >= 300 && response.status != 400 {
        return Err(format!("Prometheus rejects UTF-8 names: {}", response.body).into());
    }
    Ok(())
}

/// The same counters as JSON lines, as VictoriaMetrics imports them.
pub(crate) fn counters_as_json(end: i64) -> String {
    let lines = UTF8_RATES.map(|(code, rate)| {
        let labels = counter_labels(code).map(|(name, value)| format!("{name:?}:{value:?}")).join(",");
        let values: Vec<_> = (1..=SAMPLES).map(|sample| counter(rate, sample).to_string()).collect();
        let times: Vec<_> = (1..=SAMPLES).map(|sample| millis(end, sample).to_string()).collect();
        format!("{{\"metric\":{{{labels}}},\"values\":[{}],\"timestamps\":[{}]}}\n", values.join(","), times.join(","))
    });
    lines.concat()
}

fn counter_labels(code: &'static str) -> [(&'static str, &'static str); 6] {
    let [escaped, slash, size, job] = UTF8_LABELS;
    // Sorted by name, as remote write requires.
    [escaped, ("__name__", UTF8_COUNTER), slash, size, ("http.code", code), job]
}

fn counter(rate: f64, sample: u32) -> f64 {
    rate.mul_add(f64::from(sample) * 15.0, 1000.0)
}

fn millis(end: i64, sample: u32) -> i64 {
    (end + i64::from(sample) * SCRAPE_INTERVAL) * 1000
}

fn counters(end: i64) -> Vec<u8> {
    let mut request = Message::default();
    for (code, rate) in UTF8_RATES {
        let mut series = time_series(&counter_labels(code));
        for sample in 1..=SAMPLES {
            let mut point = Message::default();
            point.double(1, counter(rate, sample)).integer(2, millis(end, sample));
            series.bytes(2, &point.0);
        }
        request.bytes(1, &series.0);
    }
    request.0
}

fn histograms(end: i64) -> Vec<u8> {
    let mut request = Message::default();
    for instance in INSTANCES {
        let mut series = time_series(&[("__name__", NATIVE_HISTOGRAM), ("instance", instance)]);
        for sample in 1..=SAMPLES {
            let quarter = i64::from(sample * OBSERVATIONS / 4);
            let mut span = Message::default();
            // With schema 0, bucket 1 is (1, 2].
            span.signed(1, 1).integer(2, 2);
            let mut histogram = Message::default();
            histogram.integer(1, quarter * 4).double(3, f64::from(sample * OBSERVATIONS) * 2.5).signed(4, 0);
            histogram.double(5, 1e-9).integer(6, 0).bytes(11, &span.0);
            // A bucket's count is the difference from the bucket before it.
            histogram.signed(12, quarter).signed(12, quarter * 2).integer(15, millis(end, sample));
            series.bytes(4, &histogram.0);
        }
        request.bytes(1, &series.0);
    }
    request.0
}

fn time_series(labels: &[(&str, &str)]) -> Message {
    let mut series = Message::default();
    for (name, value) in labels {
        let mut label = Message::default();
        label.bytes(1, name.as_bytes()).bytes(2, value.as_bytes());
        series.bytes(1, &label.0);
    }
    series
}

/// A Protocol Buffers message, field by field, as in Prometheus' `prompb/types.proto`.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn integer(&mut self, field: u8, value: i64) -> &mut Self {
        self.0.push(field << 3);
        varint(&mut self.0, value.cast_unsigned());
        self
    }

    fn signed(&mut self, field: u8, value: i64) -> &mut Self {
        self.integer(field, (value << 1) ^ (value >> 63))
    }

    fn double(&mut self, field: u8, value: f64) -> &mut Self {
        self.0.push(field << 3 | 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn bytes(&mut self, field: u8, value: &[u8]) -> &mut Self {
        self.0.push(field << 3 | 2);
        varint(&mut self.0, value.len() as u64);
        self.0.extend(value);
        self
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
