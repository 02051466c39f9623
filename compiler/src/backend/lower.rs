//! Lowers a syntax tree to the segments that the runtime renders.
//!
//! Text between placeholders is copied. Lists with a hole are split into their items, because only the renderer knows
//! which commas are needed. So are selectors whose name is a hole, because a name that needs quotes moves into the
//! braces.

use promql_presets_core::sort;
use promql_presets_core::{name, quote};

use crate::backend::registry::Segment;
use crate::promql::{
    At, Braces, Duration, Expr, ExprKind, Grouping, GroupingItem, MatcherItem, Modifier, Name, NamePart, Selector,
};
use crate::vec_ext::VecExt;
use crate::{Code, Diagnostic, Span};

/// Splits a template into segments. `metric` is the value of `{metric_name}`, if it is known, and `parameters` are the
/// names of the preset's parameters.
pub(crate) fn lower(
    template: &str,
    expr: &Expr<'_>,
    metric: Option<&str>,
    parameters: &[&str],
) -> (Vec<Segment>, Vec<Diagnostic>) {
    let mut lowering = Lowering { template, metric, parameters, edits: Vec::new(), diagnostics: Vec::new() };
    expr.walk(&mut |expr| lowering.expr(expr));
    sort::by_key(&mut lowering.edits, |(span, _)| *span);

    let mut out = Vec::new();
    let mut copied = 0;
    for (span, segments) in lowering.edits {
        push_text(&mut out, &undouble(&template[copied..span.start as usize]));
        // `offset{window}` must not become one word.
        let is_value = matches!(segments[..], [Segment::Window | Segment::Parameter(_)]);
        if is_value && template[..span.start as usize].ends_with(|c: char| c.is_ascii_alphabetic()) {
            push_text(&mut out, " ");
        }
        for segment in segments {
            match segment {
                Segment::Text(text) => push_text(&mut out, &text),
                other => out.push(other),
            }
        }
        copied = span.end as usize;
    }
    push_text(&mut out, &undouble(&template[copied..]));
    (out, lowering.diagnostics)
}

fn push_text(out: &mut Vec<Segment>, text: &str) {
    match out.last_mut() {
        _ if text.is_empty() => {}
        Some(Segment::Text(last)) => last.push_str(text),
        _ => out.push(Segment::Text(text.to_owned())),
    }
}

/// Text without placeholders, with single braces.
fn undouble(text: &str) -> String {
    text.replace("{{", "{").replace("}}", "}")
}

struct Lowering<'t> {
    template: &'t str,
    metric: Option<&'t str>,
    parameters: &'t [&'t str],
    /// The segments that replace a range of the template.
    edits: Vec<(Span, Vec<Segment>)>,
    diagnostics: Vec<Diagnostic>,
}

impl Lowering<'_> {
    fn expr(&mut self, expr: &Expr<'_>) {
        match &expr.kind {
            ExprKind::Selector(selector) => {
                self.selector(selector);
                self.durations(selector.range.iter().map(|range| &range.duration), &selector.modifiers);
            }
            ExprKind::Subquery(subquery) => {
                self.durations(std::iter::once(&subquery.range).chain(&subquery.step), &subquery.modifiers);
            }
            ExprKind::Number(_) => self.edits.add_all(self.parameter(expr.span)),
            ExprKind::Aggregate(aggregate) => self.grouping(aggregate.grouping.as_ref()),
            ExprKind::Binary(binary) => {
                self.grouping(binary.matching.as_ref());
                self.grouping(binary.group.as_ref());
            }
            _ => {}
        }
    }

    fn durations<'d>(&mut self, durations: impl Iterator<Item = &'d Duration>, modifiers: &'d [Modifier]) {
        let offsets = modifiers.iter().filter_map(|modifier| match modifier {
            Modifier::Offset { duration, .. } => Some(duration),
            _ => None,
        });
        for leaf in durations.chain(offsets).flat_map(Duration::leaves) {
            let window = leaf.is_hole().then(|| (leaf.span, vec![Segment::Window]));
            self.edits.add_all(window.or_else(|| self.parameter(leaf.span)));
        }
        self.edits.add_all(modifiers.iter().filter_map(|modifier| match modifier {
            Modifier::At { at: At::Start(span), .. } => Some((*span, vec![Segment::Start])),
            Modifier::At { at: At::End(span), .. } => Some((*span, vec![Segment::End])),
            _ => None,
        }));
    }

    /// The segment of a number or a duration that is a parameter.
    fn parameter(&self, span: Span) -> Option<(Span, Vec<Segment>)> {
        let name = self.template[span.range()].strip_prefix('{')?.strip_suffix('}')?;
        let index = self.parameters.iter().position(|parameter| *parameter == name)?;
        Some((span, vec![Segment::Parameter(index)]))
    }

    fn grouping(&mut self, grouping: Option<&Grouping<'_>>) {
        let Some((grouping, parens)) = grouping.and_then(|grouping| Some((grouping, grouping.parens?))) else { return };
        if !grouping.has_hole() {
            return;
        }
        let mut segments = vec![Segment::Text("(".to_owned())];
        segments.add_all(grouping.items.iter().map(|item| match item {
            GroupingItem::Label(label) => self.item(label.span),
            GroupingItem::GroupBy(_) => Segment::GroupBy,
        }));
        segments.push(Segment::Text(")".to_owned()));
        self.edits.push((parens, segments));
    }

    fn selector(&mut self, selector: &Selector<'_>) {
        let braces = selector.braces.as_ref();
        match &selector.name {
            Some(name) if !name.holes.is_empty() => self.named(name, braces),
            _ => {
                if let Some(braces) = braces.filter(|_| selector.has_labels_hole()) {
                    let mut segments = vec![Segment::Text("{".to_owned())];
                    self.items(braces, &mut segments);
                    self.edits.push((braces.open.to(braces.close), segments));
                }
            }
        }
    }

    /// A selector with `{metric_name}` in its name.
    fn named(&mut self, name: &Name<'_>, braces: Option<&Braces<'_>>) {
        if let [_, second, ..] = name.holes[..] {
            self.diagnostics.push(
                Diagnostic::new(Code::MisplacedPlaceholder, second, "`metric_name` twice in one name")
                    .label("can occur once in a name"),
            );
        }
        let (mut before, mut after, mut seen) = (String::new(), String::new(), false);
        for part in name.parts() {
            match part {
                NamePart::Text(text, _) if seen => after.push_str(text),
                NamePart::Text(text, _) => before.push_str(text),
                NamePart::Hole(_) => seen = true,
            }
        }
        let open = braces.is_some();
        let mut segments = match self.metric {
            Some(metric) => known_name(&[&before, metric, &after].concat(), open),
            None if open => vec![Segment::MetricNameOpen(before, after)],
            None => vec![Segment::MetricName(before, after)],
        };
        let mut span = name.span;
        if let Some(braces) = braces {
            self.items(braces, &mut segments);
            span = span.to(braces.close);
        }
        self.edits.push((span, segments));
    }

    /// The items in the braces, and the closing brace.
    fn items(&self, braces: &Braces<'_>, segments: &mut Vec<Segment>) {
        segments.add_all(braces.items.iter().map(|item| match item {
            MatcherItem::Matcher(_) | MatcherItem::Name(_) => self.item(item.span()),
            MatcherItem::Labels(_) => Segment::Labels,
        }));
        segments.push(Segment::Text("}".to_owned()));
    }

    fn item(&self, span: Span) -> Segment {
        Segment::Item(undouble(&self.template[span.range()]))
    }
}

/// A known metric name, and the opening brace if there are braces.
fn known_name(metric: &str, open: bool) -> Vec<Segment> {
    if name::is_bare_metric(metric) {
        let brace = if open { "{" } else { "" };
        return vec![Segment::Text(format!("{metric}{brace}"))];
    }
    let mut segments = vec![Segment::Text("{".to_owned()), Segment::Item(quote(metric))];
    if !open {
        segments.push(Segment::Text("}".to_owned()));
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::{Features, Syntax, parse};

    fn lowered(template: &str, metric: Option<&str>) -> String {
        let parsed = parse(template, Syntax { template: true, features: Features::none() });
        assert_eq!(parsed.diagnostics, [], "{template}");
        let (segments, diagnostics) = lower(template, &parsed.expr.unwrap(), metric, &["n", "long"]);
        assert_eq!(diagnostics, []);
        let shown: Vec<String> = segments
            .iter()
            .map(|segment| match segment {
                Segment::Text(text) => text.clone(),
                other => format!("<{other:?}>").replace('"', "'"),
            })
            .collect();
        shown.concat()
    }

    #[test]
    fn text_around_holes_is_kept() {
        assert_eq!(
            lowered("sum by ({group_by})(rate({metric_name}{{{labels}}}[{window}]))", None),
            "sum by (<GroupBy>)(rate(<MetricNameOpen('', '')><Labels>}[<Window>]))"
        );
        assert_eq!(
            lowered("rate(a{{ x=\"{{1}}\", {labels} }}[5m] offset -{window}) # {{", None),
            "rate(a{<Item('x=\\'{1}\\'')><Labels>}[5m] offset -<Window>) # {"
        );
        assert_eq!(lowered("up{{job=\"{{a}}\"}}", None), "up{job=\"{a}\"}");
        assert_eq!(lowered("up offset{window}", None), "up offset <Window>");
    }

    #[test]
    fn names() {
        assert_eq!(
            lowered("{metric_name}_sum / a_{metric_name}_b {{}}", None),
            "<MetricName('', '_sum')> / <MetricNameOpen('a_', '_b')>}"
        );
        assert_eq!(lowered("{metric_name}_sum{{{labels}}}", Some("m")), "m_sum{<Labels>}");
        assert_eq!(lowered("{metric_name}{{{labels}}}", Some("m.n")), "{<Item('\\'m.n\\'')><Labels>}");
        assert_eq!(lowered("{metric_name}", Some("sum")), "{<Item('\\'sum\\'')>}");
        assert_eq!(lowered("{{\"a.b\", {labels}}}", None), "{<Item('\\'a.b\\'')><Labels>}");
    }

    #[test]
    fn parameters() {
        assert_eq!(
            lowered("topk({n}, rate(x[{long}] offset{long})) ^ -{n}", None),
            "topk(<Parameter(0)>, rate(x[<Parameter(1)>] offset <Parameter(1)>)) ^ -<Parameter(0)>"
        );
        assert_eq!(
            lowered("x[max_of({window}, {long} * 2):{n}]", None),
            "x[max_of(<Window>, <Parameter(1)> * 2):<Parameter(0)>]"
        );
    }

    #[test]
    fn ends_of_the_range() {
        assert_eq!(
            lowered("rate(x{{a=\"@ end()\"}}[5m] @end( )offset 1m) - x @ # of the range\n START ()", None),
            "rate(x{a=\"@ end()\"}[5m] @<End>offset 1m) - x @ # of the range\n <Start>"
        );
        assert_eq!(lowered("max_over_time(up[1h:5m] @ start())", None), "max_over_time(up[1h:5m] @ <Start>)");
    }

    #[test]
    fn joins() {
        assert_eq!(
            lowered("a{{{labels}}} * on (id, {group_by}) group_left ({group_by}) b{{{labels}}}", None),
            "a{<Labels>} * on (<Item('id')><GroupBy>) group_left (<GroupBy>) b{<Labels>}"
        );
    }
}
