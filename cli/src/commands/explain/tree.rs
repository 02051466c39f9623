//! The nodes of a query, with what is known of each.

use std::fmt::Write as _;

use futures_util::stream::{self, StreamExt};
use promql_presets::{Data, Error, ErrorKind, InstantQuery, PrometheusClient, Timestamp};
use promql_presets_compiler::check::output_labels;
use promql_presets_compiler::promql::{self, Expr, ResultType};

use super::meaning;
use crate::failure::Failure;
use crate::json::Object;
use crate::output::printable;

/// The number of queries that run at the same time.
const CONCURRENCY: usize = 4;

/// An expression of a query.
pub(super) struct Node<'q> {
    /// The distance from the root.
    depth: usize,
    /// The expression without its operands.
    head: String,
    /// The expression.
    text: &'q str,
    ty: ResultType,
    labels: String,
    meaning: String,
    series: Option<Result<u64, String>>,
}

impl Node<'_> {
    /// Why the series could not be counted.
    pub(super) fn error(&self) -> Option<&str> {
        self.series.as_ref()?.as_ref().err().map(String::as_str)
    }

    fn is_vector(&self) -> bool {
        matches!(self.ty, ResultType::InstantVector | ResultType::RangeVector)
    }
}

/// The nodes of a query, parents first, without parentheses.
pub(super) fn nodes<'q>(query: &'q str, expr: &Expr<'_>) -> Vec<Node<'q>> {
    let mut nodes = Vec::new();
    add(query, expr, 0, &mut nodes);
    nodes
}

fn add<'q>(query: &'q str, expr: &Expr<'_>, depth: usize, nodes: &mut Vec<Node<'q>>) {
    let expr = expr.unparenthesized();
    nodes.push(Node {
        depth,
        head: promql::Node(expr).to_string(),
        text: &query[expr.span.range()],
        ty: expr.ty(),
        labels: output_labels(query, expr).to_string(),
        meaning: meaning::meaning(query, expr),
        series: None,
    });
    expr.children().for_each(|child| add(query, child, depth + 1, nodes));
}

/// Queries the number of series of each node.
///
/// # Errors
/// If the server does not respond to one of the queries. A rejected query is an error of its node only.
pub(super) async fn count_series(
    client: &PrometheusClient,
    nodes: &mut [Node<'_>],
    at: Option<Timestamp>,
) -> Result<(), Failure> {
    let vectors: Vec<&mut Node<'_>> = nodes.iter_mut().filter(|node| node.is_vector()).collect();
    let counts = vectors.into_iter().map(async |node| {
        // Counted by the server, as in Prometheus' web UI, so that no samples are sent.
        let text = match node.ty {
            ResultType::RangeVector => format!("count(last_over_time({}\n))", node.text),
            _ => format!("count({}\n)", node.text),
        };
        let found = match client.raw_query(text).when_some(at, InstantQuery::at).await {
            Ok(data) => Ok(number(&data)),
            Err(error) if matches!(error.kind(), ErrorKind::Server { .. }) => Err(error.to_string()),
            Err(error) => return Err(error),
        };
        node.series = Some(found);
        Ok::<(), Error>(())
    });
    let outcomes: Vec<Result<(), Error>> = stream::iter(counts).buffer_unordered(CONCURRENCY).collect().await;
    outcomes.into_iter().collect::<Result<(), Error>>().map_err(Failure::from)
}

/// The result of `count`, which is empty where there is nothing to count.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
fn number(data: &Data) -> u64 {
    match data {
        Data::Vector(vector) => {
            vector.iter().next().and_then(|series| series.value().number().ok()).unwrap_or_default() as u64
        }
        _ => 0,
    }
}

/// The tree, with three lines for each node, and a further one for an error.
pub(super) fn human(nodes: &[Node<'_>], colors: bool) -> String {
    let mut out = String::new();
    // Whether a sibling follows, for each depth.
    let mut open: Vec<bool> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let follows =
            nodes[at + 1..].iter().take_while(|next| next.depth >= node.depth).any(|next| next.depth == node.depth);
        open.truncate(node.depth);
        let lines =
            |open: &[bool]| open.iter().skip(1).map(|open| if *open { "│  " } else { "   " }).collect::<String>();
        let before = lines(&open);
        let branch = match (node.depth, follows) {
            (0, _) => "",
            (_, true) => "├─ ",
            (_, false) => "└─ ",
        };
        open.push(follows);
        let inside = lines(&open);
        let has_operands = nodes.get(at + 1).is_some_and(|next| next.depth > node.depth);
        let gutter = if has_operands { "│  " } else { "   " };
        let (bold, dim, end) = if colors { ("\u{1b}[1m", "\u{1b}[2m", "\u{1b}[0m") } else { ("", "", "") };
        _ = writeln!(out, "{before}{branch}{bold}{}{end}", node.head);
        _ = writeln!(out, "{inside}{gutter}{}", node.meaning);
        _ = writeln!(out, "{inside}{gutter}{dim}{}{end}", facts(node));
        if let Some(error) = node.error() {
            _ = writeln!(out, "{inside}{gutter}not counted: {}", printable(error));
        }
    }
    out
}

/// Type, series and labels.
fn facts(node: &Node<'_>) -> String {
    let mut facts = node.ty.as_str().to_owned();
    if let Some(Ok(series)) = &node.series {
        _ = write!(facts, ", {series} series");
    }
    if node.is_vector() {
        _ = write!(facts, ", labels: {}", node.labels);
    }
    facts
}

/// A node as an object.
pub(super) fn json(node: &Node<'_>, is_counted: bool) -> String {
    let mut out = String::new();
    let object = Object::open(&mut out)
        .field("depth", node.depth)
        .field("node", node.head.as_str())
        .field("query", node.text)
        .field("type", node.ty.as_str())
        .field("labels", node.is_vector().then_some(node.labels.as_str()))
        .field("meaning", node.meaning.as_str());
    let object = if is_counted {
        let series = node.series.as_ref().and_then(|series| series.as_ref().ok().copied());
        object.field("series", series).field("error", node.error())
    } else {
        object
    };
    object.close();
    out + "\n"
}
