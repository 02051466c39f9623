//! Places in a rendered query as places in the preset file.

use promql_presets_compiler::promql::{Expr, ExprKind, Features, Syntax, parse};
use promql_presets_compiler::{Literal, SourceFile, Span, templates};

/// Maps a rendered query to the file of its template. Both have the same syntax tree: values of placeholders add no nodes.
pub(crate) struct SourceMap {
    /// The span of each node in the query, and in the template.
    nodes: Vec<(Span, Span)>,
    literal: Literal,
}

impl SourceMap {
    /// The places of a query of a preset; `None` if the file has no such preset.
    pub(crate) fn of(query: &str, file: &SourceFile, preset: &str) -> Option<Self> {
        let literal = templates(&file.text)?.into_iter().find(|(name, _)| name == preset)?.1;
        Some(Self::new(query, literal))
    }

    fn new(query: &str, literal: Literal) -> Self {
        let spans = |text: &str, template| {
            let parsed = parse(text, Syntax { template, features: Features::all() });
            let mut spans = Vec::new();
            if let Some(expr) = &parsed.expr {
                expr.walk(&mut |node: &Expr<'_>| spans.push(node.span));
            }
            spans
        };
        let (of_query, of_template) = (spans(query, false), spans(&literal.text, true));
        let is_same = of_query.len() == of_template.len();
        let nodes = if is_same { of_query.into_iter().zip(of_template).collect() } else { Vec::new() };
        Self { nodes, literal }
    }

    /// The place in the file of the smallest expression that contains a range of the query.
    pub(crate) fn locate(&self, range: Span) -> Span {
        let contains = |span: &Span| span.start <= range.start && range.end <= span.end;
        let containing = self.nodes.iter().filter(|(span, _)| contains(span));
        match containing.min_by_key(|(span, _)| span.end - span.start) {
            Some((_, template)) => self.literal.locate(*template),
            None => self.literal.span,
        }
    }
}

/// The first call in a query of a function of some kind.
pub(crate) fn call(query: &str, is_it: impl Fn(&str) -> bool) -> Option<(&str, Span)> {
    let mut found = None;
    parse(query, Syntax { template: false, features: Features::all() }).expr?.walk(&mut |node: &Expr<'_>| {
        if let ExprKind::Call(call) = &node.kind
            && is_it(call.name)
        {
            found = found.or(Some((call.name, node.span)));
        }
    });
    found
}

/// The place in a query that a message of the server names, as in `1:5: parse error: ...` and `... (1:5)`, and the message
/// without it. VictoriaMetrics names functions: `unsupported function "x"`.
pub(crate) fn position(message: &str, query: &str) -> (Option<Span>, String) {
    if let Some((_, rest)) = message.split_once("unsupported function \"")
        && let Some((name, _)) = rest.split_once('"')
        && let Some((_, span)) = call(query, |it| it.eq_ignore_ascii_case(name))
    {
        return (Some(span), message.to_owned());
    }
    let (place, rest) = if let Some((start, rest)) = message.split_once(": parse error: ") {
        let place = start.rsplit(' ').next().unwrap_or_default();
        (place, format!("parse error: {rest}"))
    } else if let Some((rest, end)) = message.rsplit_once(" (")
        && let Some(place) = end.strip_suffix(')')
    {
        (place, rest.to_owned())
    } else {
        ("", message.to_owned())
    };
    match offset(place, query) {
        Some(at) => (Some(Span::of(at..at)), rest),
        None => (None, message.to_owned()),
    }
}

/// The offset of a line and a column, both from 1. Prometheus counts bytes.
fn offset(place: &str, query: &str) -> Option<usize> {
    let (line, column) = place.split_once(':')?;
    let (line, column): (usize, usize) = (line.parse().ok()?, column.parse().ok()?);
    let before = query.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum::<usize>();
    Some(before + column.checked_sub(1)?).filter(|at| *at <= query.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_mapped_through_placeholders_and_toml() {
        let file = "[presets.a]\ntemplate = \"\"\"\nsum by ({group_by})(\\\"\\\" == 1) / rate(x{{a=\\\"b\\\",{labels}}}[{window}])\"\"\"\n";
        let literal = templates(file).unwrap().remove(0).1;
        let query = "sum by (long, list)(\"\" == 1) / rate(x{a=\"b\",c=\"d\",e=\"f\"}[1h30m])";
        let places = SourceMap::new(query, literal);
        let place = |text: &str| {
            let at = query.find(text).unwrap();
            &file[places.locate(Span::of(at..at + text.len())).range()]
        };
        assert_eq!(place("c=\"d\""), "x{{a=\\\"b\\\",{labels}}}[{window}]");
        assert_eq!(place("rate"), "rate(x{{a=\\\"b\\\",{labels}}}[{window}])");
        assert_eq!(place("1)"), "sum by ({group_by})(\\\"\\\" == 1)");
        assert_eq!(place("== 1"), "\\\"\\\" == 1");
    }

    #[test]
    fn positions_are_read_from_messages() {
        let query = "a\n+ bc";
        let found = |message| {
            let (place, rest) = position(message, query);
            (place.map(|span| span.start), rest)
        };
        let error = "invalid parameter \"query\": 2:3: parse error: unexpected identifier";
        assert_eq!(found(error), (Some(4), "parse error: unexpected identifier".to_owned()));
        assert_eq!(found("1:1: parse error: x"), (Some(0), "parse error: x".to_owned()));
        let info = "PromQL info: metric might not be a counter: \"bc\" (2:3)";
        assert_eq!(found(info), (Some(4), "PromQL info: metric might not be a counter: \"bc\"".to_owned()));
        let unsupported = "unsupported function \"LN\"";
        assert_eq!(position(unsupported, "a + ln(b)"), (Some(Span::of(4..9)), unsupported.to_owned()));
        assert_eq!(found(unsupported), (None, unsupported.to_owned()));
        for message in ["", "failed", "limit (30)", "0:1: parse error: x", "9:9: parse error: x", "x (1:0)", "x (1:99)"]
        {
            assert_eq!(found(message), (None, message.to_owned()));
        }
    }
}
