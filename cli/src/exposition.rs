//! Exposition pages: the text of `/metrics`, in the formats of Prometheus and of OpenMetrics.
//!
//! Follows <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>, with the composite values of OpenMetrics 2.0.

use std::collections::{BTreeMap, BTreeSet};

use promql_presets_compiler::Span;

/// The content of a page.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    /// The metadata of families by their names: `http_requests` in OpenMetrics, if the series are `http_requests_total`.
    pub(crate) families: BTreeMap<String, Family>,
    /// The series by the names of their samples.
    pub(crate) series: BTreeMap<String, Series>,
}

/// The metadata of a family.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Family {
    /// Its type as the page writes it; empty without a `TYPE`.
    pub(crate) kind: String,
    /// Its help; may be empty.
    pub(crate) help: String,
    /// Its unit; may be empty.
    pub(crate) unit: String,
}

/// The series with one name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Series {
    /// The values of each label.
    pub(crate) labels: BTreeMap<String, BTreeSet<String>>,
    /// The labels that a series has without a value, which is the same as not having them.
    pub(crate) empty: BTreeSet<String>,
    /// Whether a sample is a native histogram.
    pub(crate) native: bool,
}

/// A fault of a page, and its place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) span: Span,
    pub(crate) message: String,
}

impl Exposition {
    /// Reads a page; one that ends with `# EOF` is OpenMetrics.
    ///
    /// # Errors
    /// All faults, at most one for each line.
    pub(crate) fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        let is_open_metrics = text.lines().next_back().is_some_and(|line| line == "# EOF");
        let mut page = Self::default();
        let (mut faults, mut start) = (Vec::new(), 0);
        for line in text.split_inclusive('\n') {
            let content = line.strip_suffix('\n').unwrap_or(line);
            let content = content.strip_suffix('\r').unwrap_or(content);
            let mut reader = Reader { line: content, at: 0, is_open_metrics };
            if let Err(message) = reader.read(&mut page) {
                let end = content.len().min(content.ceil_char_boundary(reader.at + 1));
                faults.push(Fault { span: Span::of(start + reader.at..start + end), message });
            }
            start += line.len();
        }
        if faults.is_empty() { Ok(page) } else { Err(faults) }
    }
}

/// The types of both formats.
const TYPES: [&str; 9] =
    ["counter", "gauge", "gaugehistogram", "histogram", "info", "stateset", "summary", "unknown", "untyped"];

type Labels = Vec<(String, String)>;

/// Reads one line. After an error, `at` is its place.
struct Reader<'l> {
    line: &'l str,
    at: usize,
    is_open_metrics: bool,
}

impl<'l> Reader<'l> {
    fn read(&mut self, page: &mut Exposition) -> Result<(), String> {
        self.skip_blanks();
        match self.peek() {
            None => Ok(()),
            Some('#') => self.comment(page),
            Some(_) => self.sample(page),
        }
    }

    /// `# HELP name text`, `# TYPE name type`, `# UNIT name unit`; other comments are skipped.
    fn comment(&mut self, page: &mut Exposition) -> Result<(), String> {
        self.at += 1;
        self.skip_blanks();
        let keyword = self.word();
        let is_metadata = matches!(keyword, "HELP" | "TYPE") || (keyword == "UNIT" && self.is_open_metrics);
        if !is_metadata {
            return Ok(());
        }
        self.skip_blanks();
        let name = if self.peek() == Some('"') { self.quoted()? } else { self.metric_name()? };
        let known = page.families.get(&name).map(|family| family.kind.clone()).unwrap_or_default();
        if self.peek().is_some_and(|c| !is_blank(c)) {
            return Err(format!("unexpected `{}` after the name", self.here()));
        }
        self.skip_blanks();
        let start = self.at;
        match keyword {
            "TYPE" => {
                let kind = self.word();
                if kind.is_empty() {
                    return Err(format!("`TYPE` of `{name}` without a type"));
                }
                if !TYPES.contains(&kind) {
                    self.at = start;
                    return Err(format!("unknown type `{kind}` of `{name}`"));
                }
                if !known.is_empty() && known != kind {
                    self.at = start;
                    return Err(format!("`{name}` is `{kind}` here and `{known}` above"));
                }
                kind.clone_into(&mut page.families.entry(name).or_default().kind);
                self.end()
            }
            "UNIT" => {
                self.word().clone_into(&mut page.families.entry(name).or_default().unit);
                self.end()
            }
            _ => {
                page.families.entry(name).or_default().help = unescape(&self.line[self.at..]);
                Ok(())
            }
        }
    }

    /// `name{label="value"} value timestamp # {label="value"} value timestamp`
    fn sample(&mut self, page: &mut Exposition) -> Result<(), String> {
        let mut name = if self.peek() == Some('{') { None } else { Some(self.metric_name()?) };
        self.skip_blanks();
        let labels =
            if self.peek() == Some('{') && !self.is_composite() { self.labels(&mut name)? } else { Labels::new() };
        let name = name.ok_or("a sample without a name")?;
        self.skip_blanks();
        let native =
            if self.peek() == Some('{') { self.composite()? } else { self.number("a value").map(|()| false)? };
        self.skip_blanks();
        if self.peek().is_some_and(|c| c != '#' && c != 's') {
            self.number("a timestamp")?;
            self.skip_blanks();
        }
        if let Some(rest) = self.line[self.at..].strip_prefix("st@") {
            self.at = self.line.len() - rest.len();
            self.number("a timestamp")?;
            self.skip_blanks();
        }
        while self.is_open_metrics && self.peek() == Some('#') {
            self.exemplar()?;
        }
        self.end()?;
        let series = page.series.entry(name).or_default();
        series.native |= native;
        for (label, value) in labels {
            if value.is_empty() {
                series.empty.insert(label);
            } else {
                series.labels.entry(label).or_default().insert(value);
            }
        }
        Ok(())
    }

    fn exemplar(&mut self) -> Result<(), String> {
        self.at += 1;
        self.skip_blanks();
        if self.peek() != Some('{') {
            return Err("an exemplar without labels: expected `{`".to_owned());
        }
        self.labels(&mut Some(String::new()))?;
        self.skip_blanks();
        self.number("the value of an exemplar")?;
        self.skip_blanks();
        if self.peek().is_some_and(|c| c != '#') {
            self.number("the timestamp of an exemplar")?;
            self.skip_blanks();
        }
        Ok(())
    }

    /// Labels in braces, with a quoted name of the metric if there is none before them.
    fn labels(&mut self, name: &mut Option<String>) -> Result<Labels, String> {
        let mut labels = Labels::new();
        self.at += 1;
        loop {
            self.skip_blanks();
            if self.eat('}') {
                return Ok(labels);
            }
            let start = self.at;
            let is_quoted = self.peek() == Some('"');
            let label = if is_quoted { self.quoted()? } else { self.label_name()? };
            self.skip_blanks();
            if is_quoted && name.is_none() && self.peek() != Some('=') {
                *name = Some(label);
            } else {
                if !self.eat('=') {
                    return Err(format!("expected `=` after the label `{label}`, found {}", self.found()));
                }
                self.skip_blanks();
                if self.peek() != Some('"') {
                    return Err(format!("the value of `{label}` is not in double quotes"));
                }
                let value = self.quoted()?;
                if labels.iter().any(|(known, _)| *known == label) {
                    self.at = start;
                    return Err(format!("duplicate label `{label}`"));
                }
                labels.push((label, value));
            }
            self.skip_blanks();
            if !self.eat(',') && self.peek() != Some('}') {
                return Err(format!("expected `,` or `}}`, found {}", self.found()));
            }
        }
    }

    /// Whether a brace starts the value instead of the labels: `{count:3` after the name.
    fn is_composite(&self) -> bool {
        let key =
            self.line[self.at + 1..].trim_start().trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        key.trim_start().starts_with(':')
    }

    /// A histogram or summary as one value: `{count:3,sum:1.5,schema:0,positive_spans:[0:2],...}`. Returns whether it is
    /// a native histogram, which has a schema.
    fn composite(&mut self) -> Result<bool, String> {
        let mut native = false;
        self.at += 1;
        loop {
            self.skip_blanks();
            let key = self.label_name()?;
            native |= key == "schema";
            if !self.eat(':') {
                return Err(format!("expected `:` after `{key}`, found {}", self.found()));
            }
            self.skip_blanks();
            if self.eat('[') {
                let length = self.line[self.at..].find(']').ok_or_else(|| format!("unclosed `[` of `{key}`"))?;
                self.at += length + 1;
            } else {
                self.number(&format!("a number for `{key}`"))?;
            }
            self.skip_blanks();
            if self.eat('}') {
                return Ok(native);
            }
            if !self.eat(',') {
                return Err(format!("expected `,` or `}}`, found {}", self.found()));
            }
        }
    }

    fn metric_name(&mut self) -> Result<String, String> {
        self.name("a metric name", |c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
    }

    fn label_name(&mut self) -> Result<String, String> {
        self.name("a label name", |c| c.is_ascii_alphanumeric() || c == '_')
    }

    fn name(&mut self, what: &str, is_part: impl Fn(char) -> bool) -> Result<String, String> {
        let name = self.take(is_part);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            self.at -= name.len();
            return Err(format!(
                "expected {what}, found {}; names with other characters are in double quotes",
                self.found()
            ));
        }
        Ok(name.to_owned())
    }

    /// A text in double quotes.
    fn quoted(&mut self) -> Result<String, String> {
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        for (at, c) in self.line[self.at..].char_indices() {
            match c {
                '"' if !escaped => {
                    let text = &self.line[self.at..self.at + at];
                    self.at += at + 1;
                    return Ok(unescape(text));
                }
                _ => escaped = c == '\\' && !escaped,
            }
        }
        self.at = start;
        Err("unclosed `\"`".to_owned())
    }

    fn number(&mut self, what: &str) -> Result<(), String> {
        let start = self.at;
        let text = self.take(|c| !is_blank(c) && !matches!(c, ',' | '}' | '#'));
        if text.parse::<f64>().is_ok() {
            return Ok(());
        }
        self.at = start;
        Err(format!("expected {what}, found {}", self.found()))
    }

    fn end(&mut self) -> Result<(), String> {
        self.skip_blanks();
        if self.peek().is_none() { Ok(()) } else { Err(format!("unexpected `{}` at the end of the line", self.here())) }
    }

    fn peek(&self) -> Option<char> {
        self.line[self.at..].chars().next()
    }

    fn eat(&mut self, c: char) -> bool {
        let is_next = self.peek() == Some(c);
        self.at += if is_next { c.len_utf8() } else { 0 };
        is_next
    }

    fn take(&mut self, is_part: impl Fn(char) -> bool) -> &'l str {
        let rest = &self.line[self.at..];
        let text = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        self.at += text.len();
        text
    }

    fn word(&mut self) -> &'l str {
        self.take(|c| !is_blank(c))
    }

    fn skip_blanks(&mut self) {
        self.take(is_blank);
    }

    /// The next word.
    fn here(&self) -> &'l str {
        let rest = &self.line[self.at..];
        &rest[..rest.find(is_blank).unwrap_or(rest.len())]
    }

    fn found(&self) -> String {
        match self.peek() {
            None => "the end of the line".to_owned(),
            Some(c) if is_blank(c) => "a blank".to_owned(),
            Some(_) => format!("`{}`", self.here()),
        }
    }
}

const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// Replaces `\\`, `\n` and `\"`. Other escapes are left as they are, as in Prometheus.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let c = rest[at + 1..].chars().next();
        match c {
            Some('n') => out.push('\n'),
            Some(c @ ('\\' | '"')) => out.push(c),
            c => {
                out.push('\\');
                out.extend(c);
            }
        }
        rest = &rest[at + 1 + c.map_or(0, char::len_utf8)..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Exposition {
        Exposition::parse(text).unwrap()
    }

    fn labels(page: &Exposition, name: &str) -> Vec<String> {
        let labels = &page.series[name].labels;
        labels
            .iter()
            .map(|(label, values)| format!("{label}={}", values.iter().cloned().collect::<Vec<_>>().join("|")))
            .collect()
    }

    #[test]
    fn prometheus_text() {
        let page = page(
            "# HELP http_requests_total The \\\\ total\\nof \"requests\".\n# TYPE http_requests_total counter\n# UNIT x y\n\
             # A comment\n\nhttp_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n\
             http_requests_total{ method = \"get\\n\\\"\\\\\\d\" , code=\"200\" , } 3\r\n\t minimal  NaN\n\
             e{v=\"\"} +Inf -3982045\n# TYPE rpc untyped\n{\"http.size\",\"a.b\"=\"c\",d=\"e\"} 1e-3\n",
        );
        let family =
            Family { kind: "counter".into(), help: "The \\ total\nof \"requests\".".into(), unit: String::new() };
        assert_eq!(page.families["http_requests_total"], family);
        assert_eq!(page.families.keys().collect::<Vec<_>>(), ["http_requests_total", "rpc"]);
        assert_eq!(labels(&page, "http_requests_total"), ["code=200", "method=get\n\"\\\\d|post"]);
        assert_eq!(page.series["minimal"], Series::default());
        assert_eq!((labels(&page, "e"), &page.series["e"].empty), (vec![], &BTreeSet::from(["v".to_owned()])));
        assert_eq!(labels(&page, "http.size"), ["a.b=c", "d=e"]);
        assert!(self::page("").series.is_empty());
    }

    #[test]
    fn open_metrics() {
        let page = page(
            "# TYPE a counter\n# UNIT a seconds\n# HELP a All.\na_total{x=\"1\"} 1.5 1520879607.789 # {trace_id=\"K\"} 0.67 1.5\n\
             a_created{x=\"1\"} 1520430000.123\n# TYPE h histogram\nh_bucket{le=\"1.0\"} 4 # {} 0.5\nh_sum 2\nh_count 4\n\
             # TYPE n histogram\nn{y=\"2\"} {count:12,sum:100.0,schema:3,zero_threshold:1e-4,zero_count:0,positive_spans:[1:2],\
             positive_buckets:[5,7]} 1.5 st@1.0 # {a=\"b\"} 1 # {} 2 3\nc {count:2,sum:1,bucket:[1:1,+Inf:2]} st@1\n# EOF\n",
        );
        assert_eq!(page.families["a"].unit, "seconds");
        let native: Vec<_> = page.series.iter().filter(|(_, series)| series.native).map(|(name, _)| name).collect();
        assert_eq!(native, ["n"]);
        assert_eq!(page.series.len(), 7);
    }

    #[test]
    fn faults_have_places() {
        for (line, place, message) in [
            ("a{b=\"c\"}", "", "expected a value, found the end of the line"),
            ("a{b=\"c} 1", "\"", "unclosed `\"`"),
            ("a{b=c} 1", "c", "the value of `b` is not in double quotes"),
            ("a{b} 1", "}", "expected `=` after the label `b`, found `}`"),
            ("a{b=\"1\" c=\"2\"} 1", "c", "expected `,` or `}`, found `c=\"2\"}`"),
            ("a{b=\"1\",b=\"2\"} 1", "b", "duplicate label `b`"),
            ("a{b=\"1\"", "", "expected `,` or `}`, found the end of the line"),
            ("a.b 1", ".", "expected a value, found `.b`"),
            ("größe 1", "ö", "expected a value, found `öße`"),
            ("9a 1", "9", "expected a metric name, found `9a`; names with other characters are in double quotes"),
            ("{a=\"b\"} 1", " ", "a sample without a name"),
            ("a one", "o", "expected a value, found `one`"),
            ("a 1 now", "n", "expected a timestamp, found `now`"),
            ("a 1 2 3", "3", "unexpected `3` at the end of the line"),
            ("a 1 # {} 1", "#", "unexpected `#` at the end of the line"),
            ("a {count:x} 1", "x", "expected a number for `count`, found `x}`"),
            ("# TYPE a countr", "c", "unknown type `countr` of `a`"),
            ("# TYPE a", "", "`TYPE` of `a` without a type"),
            ("# TYPE a gauge b", "b", "unexpected `b` at the end of the line"),
            ("# HELP a.b c", ".", "unexpected `.b` after the name"),
            ("# TYPE known gauge", "g", "`known` is `gauge` here and `counter` above"),
        ] {
            let text = format!("# TYPE known counter\nok 1\n{line}\n# TYPE known counter\nb{{");
            let faults = Exposition::parse(&text).unwrap_err();
            let found: Vec<_> =
                faults.iter().map(|fault| (&text[fault.span.range()], fault.message.as_str())).collect();
            let last = (
                "",
                "expected a label name, found the end of the line; names with other characters are in double quotes",
            );
            assert_eq!(found, [(place, message), last], "{line}");
            assert!(faults[0].span.start as usize >= text.find(line).unwrap(), "{line}");
        }
    }

    #[test]
    fn no_text_is_too_much() {
        let page = "# TYPE a counter\n# HELP a \"\\\na{b=\"c\\\"\",\"d\"=\"e\"} {count:1,a:[2]} 1 # {x=\"y\"} 1\n# EOF";
        for start in (0..page.len()).step_by(5) {
            for end in start..page.len() {
                for extra in ["", "é", "\"", "\\", "{", "#"] {
                    _ = Exposition::parse(&format!("{}{extra}\n# EOF", &page[start..end]));
                }
            }
        }
    }
}
