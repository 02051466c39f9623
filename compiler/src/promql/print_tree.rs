//! Prints the syntax tree, one node per line.

use std::fmt::{self, Display, Formatter};

use promql_presets_core::quote;

use super::ast::{At, Duration, DurationKind, Expr, ExprKind, Grouping, GroupingItem, MatcherItem, Modifier, Selector};

/// Displays an expression as an indented tree without parentheses.
///
/// ```
/// use promql_presets_compiler::promql::{Syntax, Tree, parse};
///
/// let parsed = parse("sum by (job) (rate(up{env=\"a\"}[5m])) > 0", Syntax::PROMQL);
/// let tree = Tree(&parsed.expr.unwrap()).to_string();
/// assert_eq!(
///     tree,
///     "\
/// > : vector
///   sum by (job) : vector
///     rate : vector
///       up{env=\"a\"}[5m] : matrix
///   0 : scalar
/// "
/// );
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Tree<'e, 'a>(pub &'e Expr<'a>);

impl Display for Tree<'_, '_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        node(f, self.0, 0)
    }
}

/// Displays an expression without its operands: `sum by (job)`, `rate`, `up{env="a"}[5m]`.
#[derive(Clone, Copy, Debug)]
pub struct Node<'e, 'a>(pub &'e Expr<'a>);

impl Display for Node<'_, '_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        head(f, self.0.unparenthesized())
    }
}

fn node(f: &mut Formatter<'_>, expr: &Expr<'_>, depth: usize) -> fmt::Result {
    let expr = expr.unparenthesized();
    writeln!(f, "{:width$}{} : {}", "", Node(expr), expr.ty().as_str(), width = depth * 2)?;
    expr.children().try_for_each(|child| node(f, child, depth + 1))
}

fn head(f: &mut Formatter<'_>, expr: &Expr<'_>) -> fmt::Result {
    match &expr.kind {
        ExprKind::Number(number) => write!(f, "{}", number.value)?,
        ExprKind::String(string) => f.write_str(&quote(&string.value))?,
        ExprKind::Selector(selector) => write_selector(f, selector)?,
        ExprKind::Subquery(subquery) => {
            f.write_str("subquery [")?;
            duration(f, &subquery.range)?;
            f.write_str(":")?;
            if let Some(step) = &subquery.step {
                duration(f, step)?;
            }
            f.write_str("]")?;
            modifiers(f, &subquery.modifiers)?;
        }
        ExprKind::Call(call) => f.write_str(call.name)?,
        ExprKind::Aggregate(aggregate) => {
            f.write_str(aggregate.op.as_str())?;
            grouping(f, aggregate.grouping.as_ref())?;
        }
        ExprKind::Binary(binary) => {
            f.write_str(binary.op.as_str())?;
            if binary.bool_span.is_some() {
                f.write_str(" bool")?;
            }
            grouping(f, binary.matching.as_ref())?;
            grouping(f, binary.group.as_ref())?;
            for fill in &binary.fill {
                write!(f, " {}({})", fill.side.as_str(), fill.value)?;
            }
        }
        ExprKind::Unary(unary) => f.write_str(unary.op.as_str())?,
        ExprKind::Paren(_) => {}
    }
    Ok(())
}

fn write_selector(f: &mut Formatter<'_>, selector: &Selector<'_>) -> fmt::Result {
    if let Some(name) = &selector.name {
        f.write_str(name.text)?;
    }
    if let Some(braces) = &selector.braces {
        f.write_str("{")?;
        for (index, item) in braces.items.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            match item {
                MatcherItem::Matcher(matcher) if matcher.label.quoted => {
                    write!(f, "{}{}{}", quote(&matcher.label.name), matcher.op.as_str(), quote(&matcher.value.value))?;
                }
                MatcherItem::Matcher(matcher) => {
                    write!(f, "{}{}{}", matcher.label.name, matcher.op.as_str(), quote(&matcher.value.value))?;
                }
                MatcherItem::Name(name) => f.write_str(&quote(&name.value))?,
                MatcherItem::Labels(_) => f.write_str("{labels}")?,
            }
        }
        f.write_str("}")?;
    }
    if let Some(range) = &selector.range {
        f.write_str("[")?;
        duration(f, &range.duration)?;
        f.write_str("]")?;
    }
    modifiers(f, &selector.modifiers)
}

fn modifiers(f: &mut Formatter<'_>, modifiers: &[Modifier]) -> fmt::Result {
    modifiers.iter().try_for_each(|modifier| match modifier {
        Modifier::Offset { duration: by, .. } => {
            f.write_str(" offset ")?;
            duration(f, by)
        }
        Modifier::At { at: At::Timestamp(seconds), .. } => write!(f, " @ {seconds}"),
        Modifier::At { at: At::Start(_), .. } => f.write_str(" @ start()"),
        Modifier::At { at: At::End(_), .. } => f.write_str(" @ end()"),
        Modifier::Anchored(_) => f.write_str(" anchored"),
        Modifier::Smoothed(_) => f.write_str(" smoothed"),
    })
}

fn grouping(f: &mut Formatter<'_>, grouping: Option<&Grouping<'_>>) -> fmt::Result {
    let Some(grouping) = grouping else { return Ok(()) };
    write!(f, " {}", grouping.keyword.as_str())?;
    if grouping.parens.is_none() {
        return Ok(());
    }
    f.write_str(" (")?;
    for (index, item) in grouping.items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        match item {
            GroupingItem::Label(label) if label.quoted => f.write_str(&quote(&label.name))?,
            GroupingItem::Label(label) => f.write_str(&label.name)?,
            GroupingItem::GroupBy(_) => f.write_str("{group_by}")?,
        }
    }
    f.write_str(")")
}

fn duration(f: &mut Formatter<'_>, value: &Duration) -> fmt::Result {
    match &value.kind {
        DurationKind::Literal(seconds) => literal(f, *seconds),
        DurationKind::Hole => f.write_str("{window}"),
        DurationKind::Step => f.write_str("step()"),
        DurationKind::Range => f.write_str("range()"),
        DurationKind::Unary(sign, inner) => {
            f.write_str(sign.as_str())?;
            duration(f, inner)
        }
        DurationKind::Binary(op, operands) => {
            duration(f, &operands.0)?;
            write!(f, " {} ", op.as_str())?;
            duration(f, &operands.1)
        }
        DurationKind::Min(operands) | DurationKind::Max(operands) => {
            f.write_str(if matches!(value.kind, DurationKind::Min(_)) { "min_of(" } else { "max_of(" })?;
            duration(f, &operands.0)?;
            f.write_str(", ")?;
            duration(f, &operands.1)?;
            f.write_str(")")
        }
        DurationKind::Paren(inner) => {
            f.write_str("(")?;
            duration(f, inner)?;
            f.write_str(")")
        }
    }
}

/// A number of seconds in the largest whole unit.
fn literal(f: &mut Formatter<'_>, seconds: f64) -> fmt::Result {
    for (unit, size) in [("w", 604_800.0), ("d", 86_400.0), ("h", 3600.0), ("m", 60.0)] {
        if seconds >= size && seconds % size == 0.0 {
            return write!(f, "{}{unit}", seconds / size);
        }
    }
    write!(f, "{seconds}s")
}
