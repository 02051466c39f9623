//! Printing results as tables.

use std::fmt;

use super::{Labels, Matrix, Meta, Series, Timestamp, Value, Vector};

/// Writes a table with a row per series and a column per label, followed by warnings and infos.
///
/// ```text
/// job   pod    value  time
/// api   api-1   0.25  2024-02-29T11:00:00Z
/// api   api-2    NaN  2024-02-29T11:00:00Z
/// ```
impl fmt::Display for Vector {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(self.iter().map(super::Element::labels), &[("value", Right), ("time", Left)]);
        for element in self {
            table.row(element.labels(), [element.value().to_string(), element.timestamp().to_string()]);
        }
        table.write(f, self.meta())
    }
}

/// Writes a table that summarizes each series in a row, with a column per label, followed by warnings and infos.
///
/// ```text
/// pod    samples  from                  to                    min  max  last
/// api-1       61  2024-02-29T11:00:00Z  2024-02-29T12:00:00Z    0  2.5   0.5
/// ```
impl fmt::Display for Matrix {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns =
            [("samples", Right), ("from", Left), ("to", Left), ("min", Right), ("max", Right), ("last", Right)];
        let mut table = Table::new(self.iter().map(Series::labels), &columns);
        for series in self {
            let (first, last) = (series.first(), series.last());
            let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
            // `f64::min` and `f64::max` ignore NaN.
            let extreme =
                |choose: fn(f64, f64) -> f64| series.values().iter().copied().reduce(choose).map(Value::Float);
            let value = |value: Option<Value>| value.map(|value| value.to_string()).unwrap_or_default();
            table.row(
                series.labels(),
                [
                    series.len().to_string(),
                    time(first.map(|sample| sample.timestamp)),
                    time(last.as_ref().map(|sample| sample.timestamp)),
                    value(extreme(f64::min)),
                    value(extreme(f64::max)),
                    value(last.map(|sample| sample.value)),
                ],
            );
        }
        table.write(f, self.meta())
    }
}

#[derive(Clone, Copy)]
enum Align {
    Left,
    Right,
}
use Align::{Left, Right};

struct Column<'a> {
    name: &'a str,
    align: Align,
    width: usize,
}

struct Table<'a> {
    columns: Vec<Column<'a>>,
    /// The labels that have a column, in order.
    names: Vec<&'a str>,
    /// Each with as many cells as there are columns.
    rows: Vec<Vec<String>>,
}

/// If series have more label names than this, all labels share one column.
const MAX_LABEL_COLUMNS: usize = 16;
/// Longer cells do not widen their column.
const MAX_WIDTH: usize = 64;

impl<'a> Table<'a> {
    #[inline]
    fn new(series: impl Iterator<Item = &'a Labels>, columns: &[(&'a str, Align)]) -> Self {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in series.flat_map(Labels::iter) {
            if let Err(at) = names.binary_search(&name) {
                names.insert(at, name);
            }
        }
        let is_wide = names.len() > MAX_LABEL_COLUMNS;
        let labels: &[&str] = if is_wide { &["series"] } else { &names };
        let labels = labels.iter().map(|name| (*name, Left));
        let columns = labels.chain(columns.iter().copied());
        Self {
            columns: columns.map(|(name, align)| Column { name, align, width: name.chars().count() }).collect(),
            names: if is_wide { Vec::new() } else { names },
            rows: Vec::new(),
        }
    }

    fn row<const N: usize>(&mut self, labels: &Labels, values: [String; N]) {
        let mut cells = vec![String::new(); self.columns.len() - N];
        for (name, value) in labels.iter() {
            if let Ok(at) = self.names.binary_search(&name)
                && let Some(cell) = cells.get_mut(at)
            {
                *cell = value.replace(char::is_control, " ");
            }
        }
        if let ([all], true) = (cells.as_mut_slice(), self.names.is_empty()) {
            *all = labels.to_string();
        }
        cells.extend(values);
        for (column, cell) in self.columns.iter_mut().zip(&cells) {
            column.width = column.width.max(cell.chars().count()).min(MAX_WIDTH);
        }
        self.rows.push(cells);
    }

    #[inline]
    fn write(&self, f: &mut fmt::Formatter<'_>, meta: &Meta) -> fmt::Result {
        if self.rows.is_empty() {
            writeln!(f, "no data")?;
        } else {
            self.write_line(f, self.columns.iter().map(|column| column.name))?;
        }
        for row in &self.rows {
            self.write_line(f, row.iter().map(String::as_str))?;
        }
        write!(f, "{meta}")
    }

    #[inline]
    fn write_line<'c>(&self, f: &mut fmt::Formatter<'_>, cells: impl Iterator<Item = &'c str>) -> fmt::Result {
        let mut line = String::new();
        for (column, cell) in self.columns.iter().zip(cells) {
            let padding = " ".repeat(column.width.saturating_sub(cell.chars().count()));
            match column.align {
                Left => line.extend([cell, &padding, "  "]),
                Right => line.extend([&padding, cell, "  "]),
            }
        }
        writeln!(f, "{}", line.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Element, Histogram};

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().copied().collect()
    }

    #[test]
    fn a_vector_has_a_column_for_each_label() {
        let time = Timestamp::from_millis(1_709_204_400_250);
        let vector: Vector = [
            Element::new(labels(&[("job", "api"), ("pod", "é")]), time, Value::Float(0.25)),
            Element::new(labels(&[("pod", "long-name"), ("zone", "a\nb")]), time, Value::Float(f64::NAN)),
            Element::new(labels(&[]), time, Histogram::new(1.0, 2.0, []).into()),
        ]
        .into_iter()
        .collect();
        let meta = Meta { warnings: vec!["store gone".to_owned()], infos: vec!["i".to_owned()], ..Meta::default() };
        let expected = "\
job  pod        zone             value  time
api  é                            0.25  2024-02-29T11:00:00.250Z
     long-name  a b                NaN  2024-02-29T11:00:00.250Z
                      {count:1, sum:2}  2024-02-29T11:00:00.250Z
warning: store gone
info: i
";
        assert_eq!(vector.with_meta(meta).to_string(), expected);
    }

    #[test]
    fn a_matrix_is_summarized_by_series() {
        let times = [1_709_204_400, 1_709_204_415, 1_709_204_430].map(Timestamp::from_secs);
        let matrix: Matrix = [
            Series::new(labels(&[("pod", "a")]), times.into_iter().zip([1.5, f64::NAN, -10.0])),
            Series::new(labels(&[("pod", "b")]), []),
        ]
        .into_iter()
        .collect();
        let expected = "\
pod  samples  from                  to                    min  max  last
a          3  2024-02-29T11:00:00Z  2024-02-29T11:00:30Z  -10  1.5   -10
b          0
";
        assert_eq!(matrix.to_string(), expected);
    }

    #[test]
    fn many_names_and_long_values_do_not_widen_the_table() {
        let time = Timestamp::from_secs(1_709_204_400);
        let long = "x".repeat(70);
        let vector: Vector = (0..=MAX_LABEL_COLUMNS)
            .map(|at| {
                let value = if at == 0 { long.as_str() } else { "v" };
                Element::new(labels(&[(&format!("name_{at}"), value)]), time, Value::Float(1.0))
            })
            .collect();
        let text = vector.to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], format!("{:MAX_WIDTH$}  value  time", "series"));
        assert_eq!(lines[1], format!("{{name_0=\"{long}\"}}      1  2024-02-29T11:00:00Z"));
        assert_eq!(lines[2], format!("{:MAX_WIDTH$}      1  2024-02-29T11:00:00Z", "{name_1=\"v\"}"));
    }

    #[test]
    fn an_empty_result_is_no_data() {
        assert_eq!(Vector::default().to_string(), "no data\n");
        assert_eq!(Matrix::default().to_string(), "no data\n");
    }
}
