//! The possible values of expressions of numbers and durations, if some of their numbers can have several values.

use super::{BinaryOp, Duration, DurationKind, DurationOp, Expr, ExprKind, Sign};
use crate::Span;

/// The numbers from `low` to `high`. Both are NaN where NaN is the only value.
///
/// Rounding is monotonic, so that the results for the ends are exact as well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Interval {
    const ANY: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };

    pub(crate) const fn of(value: f64) -> Self {
        Self { low: value, high: value }
    }

    pub(crate) fn includes(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    fn with_sign(self, sign: Sign) -> Self {
        match sign {
            Sign::Plus => self,
            Sign::Minus => Self { low: -self.high, high: -self.low },
        }
    }

    /// The results of an operator for all numbers of two intervals, and possibly others.
    pub(crate) fn combine(op: DurationOp, a: Self, b: Self) -> Self {
        let of = |x: f64, y: f64| match op {
            DurationOp::Add => x + y,
            DurationOp::Sub => x - y,
            DurationOp::Mul => x * y,
            DurationOp::Div => x / y,
            DurationOp::Mod => x % y,
            DurationOp::Pow => x.powf(y),
        };
        let largest = |it: Self| it.low.abs().max(it.high.abs());
        let is_number = |it: Self| it.low.to_bits() == it.high.to_bits();
        if is_number(a) && is_number(b) {
            return Self::of(of(a.low, b.low));
        }
        match op {
            DurationOp::Div | DurationOp::Mod if b.includes(0.0) => Self::ANY,
            DurationOp::Mod if largest(a) < b.low.abs().min(b.high.abs()) => a,
            DurationOp::Mod => {
                let most = largest(a).min(largest(b));
                Self { low: if a.low < 0.0 { -most } else { 0.0 }, high: if a.high > 0.0 { most } else { 0.0 } }
            }
            DurationOp::Pow if a.low < 0.0 && !(is_number(b) && b.low > 0.0 && b.low % 1.0 == 0.0) => Self::ANY,
            DurationOp::Pow if a.low < 0.0 && b.low % 2.0 == 0.0 => {
                let least = if a.includes(0.0) { 0.0 } else { a.low.abs().min(a.high.abs()) };
                Self { low: of(least, b.low), high: of(largest(a), b.low) }
            }
            _ => {
                let ends = [of(a.low, b.low), of(a.low, b.high), of(a.high, b.low), of(a.high, b.high)];
                if ends.iter().any(|end| end.is_nan()) {
                    return Self::ANY;
                }
                let mut all = Self { low: ends[0], high: ends[0] };
                for end in ends {
                    all = Self { low: all.low.min(end), high: all.high.max(end) };
                }
                all
            }
        }
    }
}

impl Expr<'_> {
    /// The values of a number, with signs, parentheses and arithmetic: `5`, `-(1)`, `5m`, `60 * 60`, `vector(0)`.
    /// `values` has the possible values of the literals that are parameters.
    pub(crate) fn interval(&self, values: &dyn Fn(Span) -> Option<Interval>) -> Option<Interval> {
        match &self.unparenthesized().kind {
            ExprKind::Number(number) => Some(values(self.unparenthesized().span).unwrap_or(Interval::of(number.value))),
            ExprKind::Unary(unary) => unary.expr.interval(values).map(|it| it.with_sign(unary.op)),
            ExprKind::Binary(binary) => {
                let op = match binary.op {
                    BinaryOp::Add => DurationOp::Add,
                    BinaryOp::Sub => DurationOp::Sub,
                    BinaryOp::Mul => DurationOp::Mul,
                    BinaryOp::Div => DurationOp::Div,
                    BinaryOp::Mod => DurationOp::Mod,
                    BinaryOp::Pow => DurationOp::Pow,
                    _ => return None,
                };
                // The right side is less often a number.
                let rhs = binary.rhs.interval(values)?;
                Some(Interval::combine(op, binary.lhs.interval(values)?, rhs))
            }
            ExprKind::Call(call) if matches!(call.name, "vector" | "scalar") => call.args.first()?.interval(values),
            _ => None,
        }
    }

    /// The value of a number, as [`interval`](Self::interval).
    #[must_use]
    pub(crate) fn as_number(&self) -> Option<f64> {
        self.interval(&|_| None).map(|it| it.low)
    }
}

impl Duration {
    /// The values in seconds, given those of `{window}`, `step()`, `range()`, and of literals that are parameters.
    pub(crate) fn interval(&self, values: &dyn Fn(&Self) -> Option<Interval>) -> Option<Interval> {
        let both = |both: &(Self, Self)| Some((both.0.interval(values)?, both.1.interval(values)?));
        Some(match &self.kind {
            DurationKind::Literal(seconds) => values(self).unwrap_or(Interval::of(*seconds)),
            DurationKind::Hole | DurationKind::Step | DurationKind::Range => values(self)?,
            DurationKind::Paren(inner) => inner.interval(values)?,
            DurationKind::Unary(sign, inner) => inner.interval(values)?.with_sign(*sign),
            DurationKind::Binary(op, operands) => both(operands).map(|(a, b)| Interval::combine(*op, a, b))?,
            DurationKind::Min(operands) => {
                both(operands).map(|(a, b)| Interval { low: a.low.min(b.low), high: a.high.min(b.high) })?
            }
            DurationKind::Max(operands) => {
                both(operands).map(|(a, b)| Interval { low: a.low.max(b.low), high: a.high.max(b.high) })?
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::{Syntax, parse};

    /// The values of an expression where `{a}` is from -2 to 3 and `{b}` from 1 to 2.
    fn values(text: &str) -> (f64, f64) {
        let parsed = parse(text, Syntax::TEMPLATE);
        let ends = |span: Span| match &text[span.range()] {
            "{a}" => Some(Interval { low: -2.0, high: 3.0 }),
            "{b}" => Some(Interval { low: 1.0, high: 2.0 }),
            _ => None,
        };
        let it = parsed.expr.as_ref().and_then(|expr| expr.interval(&ends)).unwrap();
        (it.low, it.high)
    }

    #[test]
    fn intervals_hold_all_values() {
        let any = (f64::NEG_INFINITY, f64::INFINITY);
        for (text, expected) in [
            ("{a}", (-2.0, 3.0)),
            ("-({a} + 1)", (-4.0, 1.0)),
            ("{a} - {b}", (-4.0, 2.0)),
            ("{a} * {b}", (-4.0, 6.0)),
            ("{a} * -2", (-6.0, 4.0)),
            ("{a} / {b}", (-2.0, 3.0)),
            ("{b} / {a}", any),
            ("{b} % {a}", any),
            ("{a} % {b}", (-2.0, 2.0)),
            ("{b} % 5", (1.0, 2.0)),
            ("{b} % 1.5", (0.0, 1.5)),
            ("{b} ^ {a}", (0.25, 8.0)),
            ("{a} ^ 2", (0.0, 9.0)),
            ("{a} ^ 3", (-8.0, 27.0)),
            ("{a} ^ {b}", any),
            ("scalar(vector({b})) + 1", (2.0, 3.0)),
            ("2 ^ 3", (8.0, 8.0)),
        ] {
            assert_eq!(values(text), expected, "{text}");
        }
        let (low, high) = values("0 / 0");
        assert!(low.is_nan() && high.is_nan());
    }
}
