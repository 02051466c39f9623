//! Results as CSV and JSON.

use std::collections::BTreeSet;

use promql_presets::{Data, Labels, Sample, Timestamp, Value};
use serde_json::{Value as Json, json};

use super::numbers::{STATISTICS, Statistic};
use crate::json::Object;

/// A series of any result.
struct Series<'d> {
    labels: Option<&'d Labels>,
    samples: Vec<Sample>,
}

fn series(data: &Data) -> Vec<Series<'_>> {
    match data {
        Data::Vector(vector) => {
            let of = |element: &'_ promql_presets::Element| vec![element.sample().clone()];
            vector.iter().map(|element| Series { labels: Some(element.labels()), samples: of(element) }).collect()
        }
        Data::Matrix(matrix) => matrix
            .iter()
            .map(|series| Series { labels: Some(series.labels()), samples: series.iter().collect() })
            .collect(),
        Data::Scalar(scalar) => {
            let sample = Sample { timestamp: scalar.timestamp(), value: Value::Float(scalar.value()) };
            vec![Series { labels: None, samples: vec![sample] }]
        }
        Data::Text(_) | _ => Vec::new(),
    }
}

pub(super) fn json(data: &Data) -> String {
    let mut out = String::new();
    if let Data::Text(text) = data {
        Object::open(&mut out).field("text", text.value()).close();
        return out + "\n";
    }
    for Series { labels, samples } in series(data) {
        let object = |labels: &Labels| -> serde_json::Map<String, Json> {
            labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
        };
        let labels = labels.map(object);
        let pair = |sample: &Sample| json!([seconds(sample.timestamp), number(&sample.value)]);
        let values: Vec<Json> = samples.iter().map(pair).collect();
        Object::open(&mut out).field("labels", labels).field("values", values).close();
        out.push('\n');
    }
    out
}

/// Unix time in seconds.
fn seconds(time: Timestamp) -> Json {
    let millis = time.as_millis();
    if millis % 1000 == 0 { (millis / 1000).into() } else { time.as_secs_f64().into() }
}

fn number(value: &Value) -> Json {
    match value {
        Value::Histogram(histogram) => {
            let buckets: Vec<Json> = histogram
                .buckets
                .iter()
                .map(|bucket| json!([float(bucket.lower), float(bucket.upper), float(bucket.count)]))
                .collect();
            json!({ "count": float(histogram.count), "sum": float(histogram.sum), "buckets": buckets })
        }
        other => other.float().map_or(Json::Null, float),
    }
}

/// JSON has no NaN and no infinity.
fn float(value: f64) -> Json {
    if value.is_finite() { value.into() } else { super::numbers::human(value, None).into() }
}

/// The columns of native histograms.
const OF_HISTOGRAMS: [Statistic; 6] = {
    let [count, rest @ ..] = STATISTICS;
    let [mean, p50, p90, p99] = rest;
    [count, ("sum", |histogram| histogram.sum), mean, p50, p90, p99]
};

pub(super) fn csv(data: &Data) -> String {
    if let Data::Text(text) = data {
        let time = text.timestamp().to_string();
        return line(["time", "value"].into_iter()) + &line([&*time, text.value()].into_iter());
    }
    let all = series(data);
    let names: BTreeSet<&str> =
        all.iter().filter_map(|series| series.labels).flat_map(|labels| labels.iter().map(|(name, _)| name)).collect();
    let has_histograms =
        all.iter().flat_map(|series| &series.samples).any(|sample| sample.value.as_histogram().is_some());
    let of_histograms: &[Statistic] = if has_histograms { &OF_HISTOGRAMS } else { &[] };
    let titles: Vec<&str> = ["value"].into_iter().chain(of_histograms.iter().map(|(title, _)| *title)).collect();
    // No two columns have one name: a label that is called like a column of numbers is `label_time`.
    let title_of_label = |name: &&str| {
        let mut title = (*name).to_owned();
        while title == "time" || titles.contains(&&*title) || (title != **name && names.contains(&*title)) {
            title.insert_str(0, "label_");
        }
        title
    };
    let labels: Vec<String> = names.iter().map(title_of_label).collect();
    let mut out = line(["time"].into_iter().chain(labels.iter().map(String::as_str)).chain(titles.iter().copied()));
    for Series { labels, samples } in &all {
        for Sample { timestamp, value } in samples {
            let value_of = |name: &&str| labels.and_then(|labels| labels.get(name)).unwrap_or_default().to_owned();
            let mut cells = vec![timestamp.to_string()];
            cells.extend(names.iter().map(value_of));
            let histogram = value.as_histogram();
            cells.push(if histogram.is_some() { String::new() } else { value.to_string() });
            // As Prometheus writes numbers.
            let number = |of: &Statistic| histogram.map(|it| Value::Float(of.1(it)).to_string()).unwrap_or_default();
            cells.extend(of_histograms.iter().map(number));
            out.push_str(&line(cells.iter().map(String::as_str)));
        }
    }
    out
}

/// A row of RFC 4180.
fn line<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    let quoted = cells.map(|cell| {
        if cell.contains(['"', ',', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.to_owned()
        }
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use promql_presets::{Element, Vector};

    use super::*;

    #[test]
    fn no_two_columns_have_one_name() {
        let of = |labels: &[(&str, &str)]| {
            let labels: Labels = labels.iter().copied().collect();
            let vector: Vector =
                [Element::new(labels, Timestamp::from_secs(0), Value::Float(1.0))].into_iter().collect();
            csv(&Data::Vector(vector)).lines().next().unwrap().to_owned()
        };
        assert_eq!(of(&[("job", "a"), ("mean", "b")]), "time,job,mean,value");
        assert_eq!(of(&[("time", "a"), ("value", "b")]), "time,label_time,label_value,value");
        assert_eq!(of(&[("label_time", "a"), ("time", "b")]), "time,label_time,label_label_time,value");
    }
}
