//! How far back a query reads, as a calculation for the runtime.

use promql_presets_core::LookBack;

use crate::promql::{Duration, DurationKind, DurationOp, Expr, ExprKind, Modifier, Sign};
use crate::vec_ext::VecExt;

/// Finds the calculation for a template. It is empty if the query reads back one `{window}` at most.
pub(super) fn of(text: &str, expr: &Expr<'_>, parameters: &[&str]) -> Vec<LookBack> {
    let mut reader = Reader { text, parameters, selectors: Vec::new() };
    reader.read(expr, &[]);
    reader.selectors.keep(|selector| !selector.is_empty());
    let mut selectors = reader.selectors.into_iter();
    let mut whole = selectors.next().unwrap_or_default();
    for selector in selectors {
        whole.add_all(selector);
        whole.push(LookBack::Max);
    }
    if whole == [LookBack::Window] { Vec::new() } else { whole }
}

struct Reader<'t> {
    text: &'t str,
    parameters: &'t [&'t str],
    /// The distinct calculations for the selectors.
    selectors: Vec<Vec<LookBack>>,
}

impl Reader<'_> {
    /// Reads the selectors of an expression, given the calculation for the subqueries around it.
    fn read(&mut self, expr: &Expr<'_>, outer: &[LookBack]) {
        let (range, modifiers): (_, &[Modifier]) = match &expr.kind {
            ExprKind::Selector(selector) => (selector.range.as_ref().map(|range| &range.duration), &selector.modifiers),
            ExprKind::Subquery(subquery) => (Some(&subquery.range), &subquery.modifiers),
            _ => (None, &[]),
        };
        let offsets = modifiers.iter().filter_map(|modifier| match modifier {
            Modifier::Offset { duration, .. } => Some(duration),
            _ => None,
        });
        let mut steps = outer.to_vec();
        for duration in range.into_iter().chain(offsets) {
            let is_first = steps.is_empty();
            self.duration(duration, &mut steps);
            if !is_first {
                steps.push(LookBack::Add);
            }
        }
        for child in expr.children() {
            self.read(child, &steps);
        }
        if matches!(expr.kind, ExprKind::Selector(_)) && !self.selectors.contains(&steps) {
            self.selectors.push(steps);
        }
    }

    fn duration(&self, duration: &Duration, steps: &mut Vec<LookBack>) {
        duration.children().for_each(|child| self.duration(child, steps));
        steps.push(match &duration.kind {
            DurationKind::Literal(seconds) => {
                let written = self.text[duration.span.range()].trim_matches(['{', '}']);
                let parameter = self.parameters.iter().position(|name| *name == written);
                parameter.map_or(LookBack::Seconds(*seconds), LookBack::Parameter)
            }
            DurationKind::Hole => LookBack::Window,
            DurationKind::Step => LookBack::Step,
            DurationKind::Range => LookBack::Range,
            DurationKind::Unary(Sign::Minus, _) => LookBack::Negate,
            DurationKind::Unary(Sign::Plus, _) | DurationKind::Paren(_) => return,
            DurationKind::Min(_) => LookBack::Min,
            DurationKind::Max(_) => LookBack::Max,
            DurationKind::Binary(op, _) => match op {
                DurationOp::Add => LookBack::Add,
                DurationOp::Sub => LookBack::Sub,
                DurationOp::Mul => LookBack::Mul,
                DurationOp::Div => LookBack::Div,
                DurationOp::Mod => LookBack::Mod,
                DurationOp::Pow => LookBack::Pow,
            },
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::{Features, Syntax, parse};

    #[test]
    fn ranges_and_offsets_of_nested_subqueries_add_up() {
        for (text, expected) in [
            ("up + time()", "[]"),
            ("rate(x[{window}]) / rate(y[{window}])", "[]"),
            ("rate(x[5m])", "[Seconds(300.0)]"),
            ("x offset -1m", "[Seconds(60.0), Negate]"),
            ("rate(x[{window}] offset {late})", "[Window, Parameter(1), Add]"),
            (
                "max_over_time(rate(x[{window}])[{long}:1m] offset 1h)",
                "[Parameter(0), Seconds(3600.0), Add, Window, Add]",
            ),
            ("rate(x[{window}]) - y + z offset {late}", "[Window, Parameter(1), Max]"),
            ("rate(x[max_of({window} * 2, step())])", "[Window, Seconds(2.0), Mul, Step, Max]"),
            ("rate(x[({long} - {late})])", "[Parameter(0), Parameter(1), Sub]"),
        ] {
            let parsed = parse(text, Syntax { template: true, features: Features::all() });
            assert_eq!(parsed.diagnostics.len(), 0, "{text}: {:?}", parsed.diagnostics);
            assert_eq!(format!("{:?}", of(text, &parsed.expr.unwrap(), &["long", "late"])), expected, "{text}");
        }
    }
}
