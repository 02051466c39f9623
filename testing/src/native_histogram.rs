//! Native histograms, in the notation of `promtool test rules`.

use promql_presets::{Bounds, Bucket, Histogram};

/// A native histogram with exponential buckets, as Prometheus stores it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct NativeHistogram {
    pub(crate) schema: i8,
    pub(crate) count: f64,
    pub(crate) sum: f64,
    pub(crate) zero_count: f64,
    pub(crate) zero_width: f64,
    pub(crate) positive: Buckets,
    pub(crate) negative: Buckets,
}

/// Adjacent buckets, with the index of the first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Buckets {
    pub(crate) offset: i32,
    pub(crate) counts: Vec<f64>,
}

impl NativeHistogram {
    /// Reads `{{schema:1 sum:4.5 count:3 buckets:[1 2]}}`, and returns what follows.
    pub(crate) fn parse(text: &str) -> Result<(Self, &str), &'static str> {
        let inside = text.strip_prefix("{{").ok_or("does not start with `{{`")?;
        let (mut fields, rest) = inside.split_once("}}").ok_or("has no `}}` at its end")?;
        let mut histogram = Self { zero_width: 0.001, ..Self::default() };
        loop {
            fields = fields.trim_start();
            if fields.is_empty() {
                return Ok((histogram, rest));
            }
            let (name, after) = fields.split_once(':').ok_or("has a field that is not `name:value`")?;
            let (value, after) = match after.strip_prefix('[') {
                Some(list) => list.split_once(']').ok_or("has a list without `]`")?,
                None => after.split_once(' ').unwrap_or((after, "")),
            };
            histogram.set(name, value)?;
            fields = after;
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        const INVALID: &str = "has a field that is not `name:value`";
        let number = |value: &str| value.parse::<f64>().map_err(|_| INVALID);
        let list = || value.split_whitespace().map(number).collect::<Result<Vec<_>, _>>();
        match name {
            "schema" => {
                self.schema = value
                    .parse()
                    .ok()
                    .filter(|schema| (-4..=8).contains(schema))
                    .ok_or("has a schema outside of -4 to 8")?;
            }
            "count" => self.count = number(value)?,
            "sum" => self.sum = number(value)?,
            "z_bucket" => self.zero_count = number(value)?,
            "z_bucket_w" => self.zero_width = number(value)?,
            "buckets" => self.positive.counts = list()?,
            "offset" => self.positive.offset = value.parse().map_err(|_| INVALID)?,
            "n_buckets" => self.negative.counts = list()?,
            "n_offset" => self.negative.offset = value.parse().map_err(|_| INVALID)?,
            "counter_reset_hint" => {}
            _ => return Err("has a field that Prometheus does not know"),
        }
        Ok(())
    }

    /// The sum with a multiple of another histogram; `None` if its buckets differ.
    pub(crate) fn plus(&self, other: &Self, factor: f64) -> Option<Self> {
        let buckets = |own: &Buckets, other: &Buckets| {
            if other.counts.is_empty() {
                return Some(own.clone());
            }
            let length = own.counts.len().max(other.counts.len());
            let at = |counts: &[f64], at: usize| counts.get(at).copied().unwrap_or(0.0);
            let counts = (0..length).map(|i| at(&own.counts, i) + factor * at(&other.counts, i)).collect();
            (own.offset == other.offset).then_some(Buckets { offset: own.offset, counts })
        };
        (self.schema == other.schema).then_some(())?;
        Some(Self {
            schema: self.schema,
            count: self.count + factor * other.count,
            sum: self.sum + factor * other.sum,
            zero_count: self.zero_count + factor * other.zero_count,
            zero_width: self.zero_width,
            positive: buckets(&self.positive, &other.positive)?,
            negative: buckets(&self.negative, &other.negative)?,
        })
    }

    /// The histogram as responses have it.
    pub(crate) fn to_histogram(&self) -> Histogram {
        let bound = |index: i32| 2_f64.powf(f64::from(index) * 2_f64.powi(-i32::from(self.schema)));
        let buckets = |buckets: &Buckets| {
            let offset = buckets.offset;
            let counts = (offset..).zip(buckets.counts.clone()).filter(|(_, count)| *count != 0.0);
            counts.map(move |(index, count)| (bound(index - 1), bound(index), count)).collect::<Vec<_>>()
        };
        let negative = buckets(&self.negative).into_iter().rev();
        let negative = negative.map(|(near, far, count)| Bucket::new(Bounds::OpenRight, -far, -near, count));
        let zero = (self.zero_count != 0.0)
            .then(|| Bucket::new(Bounds::Closed, -self.zero_width, self.zero_width, self.zero_count));
        let positive = buckets(&self.positive).into_iter();
        let positive = positive.map(|(lower, upper, count)| Bucket::new(Bounds::OpenLeft, lower, upper, count));
        Histogram::new(self.count, self.sum, negative.chain(zero).chain(positive))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notation_is_that_of_prometheus() {
        let text = "{{schema:0 sum:9 count:10 z_bucket:1 z_bucket_w:0.5 buckets:[2 0 3] offset:1 n_buckets:[4]}}x2";
        let (histogram, rest) = NativeHistogram::parse(text).unwrap();
        assert_eq!(rest, "x2");
        assert_eq!(
            histogram.to_histogram().to_string(),
            "{count:10, sum:9, [-1,-0.5):4, [-0.5,0.5]:1, (1,2]:2, (4,8]:3}"
        );
        let twice = histogram.plus(&histogram, 1.0).unwrap();
        assert_eq!((twice.count, &*twice.positive.counts), (20.0, &[4.0, 0.0, 6.0][..]));
    }
}
