//! Results as tables that a person can read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Labels, Matrix, Meta, Series, Timestamp, Value, Vector};

/// A line for each series: a column for each label, then value and time; then warnings and infos.
///
/// ```text
/// job   pod    value  time
/// api   api-1   0.25  2024-02-29T11:00:00Z
/// api   api-2    NaN  2024-02-29T11:00:00Z
/// ```
impl fmt::Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(self.iter().map(super::Element::labels), &[("value", Right), ("time", Left)]);
        for element in self {
            table.row(element.labels(), [element.value().to_string(), element.timestamp().to_string()]);
        }
        table.write(f, self.meta())
    }
}

/// A line for each series: a column for each label, then how many samples there are, from when to when, the smallest,
/// the largest and the last; then warnings and infos.
///
/// ```text
/// pod    samples  from                  to                    min  max  last
/// api-1       61  2024-02-29T11:00:00Z  2024-02-29T12:00:00Z    0  2.5   0.5
/// ```
impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns =
            [("samples", Right), ("from", Left), ("to", Left), ("min", Right), ("max", Right), ("last", Right)];
        let mut table = Table::new(self.iter().map(Series::labels), &columns);
        for series in self {
            let (first, last) = (series.first(), series.last());
            let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
            // `min` and `max` of floats prefer numbers to NaN.
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
    /// Which column a label has.
    at: BTreeMap<&'a str, usize>,
    /// As many as columns.
    rows: Vec<Vec<String>>,
}

impl<'a> Table<'a> {
    fn new(series: impl Iterator<Item = &'a Labels>, columns: &[(&'a str, Align)]) -> Self {
        let names: BTreeSet<&str> = series.flat_map(|labels| labels.iter().map(|(name, _)| name)).collect();
        let at = names.iter().copied().zip(0..).collect();
        let labels = names.into_iter().map(|name| (name, Left));
        let columns = labels.chain(columns.iter().copied());
        Self {
            columns: columns.map(|(name, align)| Column { name, align, width: name.chars().count() }).collect(),
            at,
            rows: Vec::new(),
        }
    }

    fn row<const N: usize>(&mut self, labels: &Labels, values: [String; N]) {
        let mut cells = vec![String::new(); self.at.len()];
        for (name, value) in labels.iter() {
            if let Some(cell) = self.at.get(name).and_then(|&at| cells.get_mut(at)) {
                *cell = value.replace(char::is_control, " ");
            }
        }
        cells.extend(values);
        for (column, cell) in self.columns.iter_mut().zip(&cells) {
            column.width = column.width.max(cell.chars().count());
        }
        self.rows.push(cells);
    }

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

    fn write_line<'c>(&self, f: &mut fmt::Formatter<'_>, cells: impl Iterator<Item = &'c str>) -> fmt::Result {
        let mut line = String::new();
        for (column, cell) in self.columns.iter().zip(cells) {
            let padding = " ".repeat(column.width - cell.chars().count());
            match column.align {
                Left => line.extend([cell, &padding, "  "]),
                Right => line.extend([&padding, cell, "  "]),
            }
        }
        writeln!(f, "{}", line.trim_end())
    }
}
