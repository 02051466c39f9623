//! The edits that helps describe. Some findings have the edit with them. Others are found by trial: the code in the help
//! replaces one place around the finding after the other, the most similar text first, until an edit removes the finding
//! and adds none.

use std::cmp::Reverse;
use std::collections::HashMap;

use promql_presets_compiler::diagnostic::Fix;
use promql_presets_compiler::promql::{ExprKind, Features, Syntax, parse, tokens};
use promql_presets_compiler::{Code, Diagnostic, Finding, Layer, Literal, Session, SourceFile, Span};

use super::toml::{Outline, Value};

/// How many edits are tried for one finding.
const MAX_TRIALS: usize = 100;

/// A change that a help describes.
#[derive(Debug)]
pub(crate) struct QuickFix {
    pub(crate) title: String,
    pub(crate) edits: Vec<Fix>,
    /// Whether it adds no finding.
    pub(crate) is_clean: bool,
}

impl QuickFix {
    /// The edit that came with a finding.
    pub(crate) fn untried(finding: &Finding) -> Option<Self> {
        let found = &finding.diagnostic;
        Some(Self { title: found.help.clone()?, edits: vec![found.fix.clone()?], is_clean: false })
    }
}

/// A file of a folder that has been checked.
#[derive(Clone, Copy)]
pub(crate) struct Checked<'a> {
    pub(crate) session: &'a Session,
    /// The findings about all files.
    pub(crate) findings: &'a [Finding],
    pub(crate) file: usize,
}

impl<'a> Checked<'a> {
    fn source(self) -> &'a SourceFile {
        &self.session.files()[self.file]
    }
}

/// The fixes that the help of a finding describes.
pub(crate) fn of_help(checked: Checked<'_>, finding: &Finding) -> Vec<QuickFix> {
    let Some(help) = &finding.diagnostic.help else { return Vec::new() };
    let text = &checked.source().text;
    let file = File { text, outline: Outline::of(text) };
    let mut trial = Trial::new(checked, finding);
    let mut accepted = |title: String, edits: Vec<Fix>, is_certain: bool| {
        let fix = edits.into_iter().find(|fix| trial.accepts(&[fix]) || is_certain)?;
        let mut is_clean = trial.added.is_empty();
        let mut edits = vec![fix];
        if trial.lacks_window() {
            let mut additions = file.additions(finding, "window = \"5m\"").into_iter();
            let window = additions.find(|window| trial.accepts(&[&edits[0], window]) && !trial.lacks_window());
            is_clean = window.is_some() && trial.added.is_empty();
            edits.extend(window);
        }
        Some(QuickFix { title, edits, is_clean })
    };
    if let Some(fix) = &finding.diagnostic.fix {
        return accepted(help.clone(), vec![fix.clone()], true).into_iter().collect();
    }
    if help.starts_with("remove") {
        let removals = file.removals(finding.diagnostic.span);
        return accepted(help.clone(), removals, false).into_iter().collect();
    }
    let codes: Vec<&str> = finding.diagnostic.code_in_help().collect();
    let title = |code: &str| if codes.len() == 1 { help.clone() } else { format!("write `{code}`") };
    codes.iter().filter_map(|code| accepted(title(code), file.edits(finding, code), false)).collect()
}

/// The edit that silences a finding in its preset.
pub(super) fn allow(checked: Checked<'_>, finding: &Finding) -> Option<QuickFix> {
    let (code, preset) = (finding.diagnostic.code, finding.preset.as_deref()?);
    if !code.is_allowable() {
        return None;
    }
    let text = &checked.source().text;
    let file = File { text, outline: Outline::of(text) };
    let entry = format!("{{ check = \"{}\", reason = \"...\" }}", code.as_str());
    let fix = if let Some(start) = file.outline.start(&["presets", preset, "allow"]) {
        let rest = &file.text[start as usize..];
        let open = rest.len() - rest.trim_start().strip_prefix('[')?.len();
        let comma = if rest[open..].trim_start().starts_with(']') { "" } else { ", " };
        file.insertion(start as usize + open, format!("{entry}{comma}"))
    } else {
        let template = file.outline.value(&["presets", preset, "template"])?;
        file.line_after(template.span.end, &format!("allow = [{entry}]"))
    };
    let title = format!("allow `{}` in `{preset}`", code.as_str());
    Some(QuickFix { title, edits: vec![fix], is_clean: true })
}

/// A file with a finding.
struct File<'t> {
    text: &'t str,
    outline: Outline,
}

impl File<'_> {
    /// The edits that write the code of a help near a finding, the most promising first.
    fn edits(&self, finding: &Finding, code: &str) -> Vec<Fix> {
        let found = &finding.diagnostic;
        let spans: Vec<Span> = [found.span].into_iter().chain(found.secondary.iter().map(|(span, _)| *span)).collect();
        let mut places = spans.clone();
        for span in &spans {
            let value = self.outline.values.iter().find(|it| it.span.start <= span.start && span.end <= it.span.end);
            if let Some(value) = value {
                places.push(value.span);
                places.extend(self.assignment(value));
                if let Some(literal) =
                    value.literal(self.text).filter(|_| value.path.last().is_some_and(|it| it == "template"))
                {
                    places.extend(self.parts(&literal, &spans));
                }
            }
            let keys = self.outline.keys.iter().filter(|key| key.span.start <= span.start && span.end <= key.span.end);
            places.extend(keys.map(|key| key.span));
        }
        let head = |text: &str| text.split('(').next().filter(|head| head.len() < text.len()).map(str::to_owned);
        let rank = |span: &Span| {
            let text = &self.text[span.range()];
            let same_head = head(code).is_some_and(|it| head(text) == Some(it));
            let bonus = 200 * usize::from(same_head) + 100 * usize::from(spans.contains(span));
            (Reverse(similarity(code, text) + bonus), span.end - span.start, span.start)
        };
        places.sort_by_cached_key(rank);
        places.dedup();
        places.retain(|place| fits(code, &self.text[place.range()]));
        let written = |span: Span| {
            let text = &self.text[span.range()];
            let quote = ['"', '\''].into_iter().find(|quote| text.starts_with(*quote));
            let quoted = quote.filter(|quote| !code.starts_with(*quote)).map(|quote| format!("{quote}{code}{quote}"));
            quoted.into_iter().chain([code.to_owned()]).map(move |text| Fix { span, text })
        };
        let mut edits: Vec<Fix> = places.into_iter().flat_map(written).collect();
        if code.contains(" = ") {
            edits.extend(self.additions(finding, code));
        }
        edits.truncate(MAX_TRIALS);
        edits
    }

    /// The edits that add a key: below the template of the preset, in the table of the finding, and at the top of the file.
    fn additions(&self, finding: &Finding, code: &str) -> Vec<Fix> {
        let template =
            finding.preset.as_deref().and_then(|preset| self.outline.value(&["presets", preset, "template"]));
        let table = self.outline.table(finding.diagnostic.span.start).span;
        let end = self.text[..table.end as usize].trim_end().len();
        // The key of the template may be dotted: `rate.template`.
        let prefix = |value: &Value| {
            let line = self.text[..value.span.start as usize].rsplit('\n').next()?.trim_start();
            Some(line.trim_end().strip_suffix('=')?.trim_end().strip_suffix("template")?.to_owned())
        };
        let below = template.map(|template| {
            self.line_after(template.span.end, &format!("{}{code}", prefix(template).unwrap_or_default()))
        });
        let others = [(end, format!(", {code} ")), (end, format!("\n{code}")), (0, format!("{code}\n"))];
        below.into_iter().chain(others.map(|(at, text)| self.insertion(at, text))).collect()
    }

    /// The edits that remove what contains a span: an element of an array, or a line.
    fn removals(&self, span: Span) -> Vec<Fix> {
        let table = self.outline.table(span.start).span;
        let mut found = Vec::new();
        if table.start > 0 && self.text[..table.start as usize].ends_with('{') {
            let (start, end) = (table.start as usize - 1, table.end as usize + 1);
            let after = self.text.get(end..).unwrap_or_default();
            let more =
                after.trim_start().strip_prefix(',').map(|rest| after.len() - rest.trim_start_matches(' ').len());
            let before = self.text[..start].trim_end().strip_suffix(',').map_or(start, str::len);
            let span = if let Some(more) = more { start..end + more } else { before..end };
            if more.is_some() || before < start {
                found.push(Fix { span: Span::of(span), text: String::new() });
            }
        }
        let key = self.outline.keys.iter().rfind(|key| key.span.start <= span.start);
        let value = key.and_then(|key| self.outline.values.iter().rfind(|value| value.path.starts_with(&key.path)));
        let end = value.map_or(span.end, |value| value.span.end.max(span.end));
        let first = self.text[..span.start as usize].rfind('\n').map_or(0, |at| at + 1);
        let last = self.text[end as usize..].find('\n').map_or(self.text.len(), |at| end as usize + at + 1);
        found.push(Fix { span: Span::of(first..last), text: String::new() });
        found
    }

    /// The span of `key = value`.
    fn assignment(&self, value: &Value) -> Option<Span> {
        let key = self.outline.keys.iter().rfind(|key| key.path == value.path && key.span.end <= value.span.start)?;
        Some(Span::new(key.span.start, value.span.end))
    }

    /// The parts of a template that some spans touch: expressions, names, groupings, and all tokens.
    fn parts(&self, literal: &Literal, spans: &[Span]) -> Vec<Span> {
        let syntax = Syntax { template: true, features: Features::all() };
        let mut parts = tokens(&literal.text, syntax);
        if let Some(expr) = parse(&literal.text, syntax).expr {
            expr.walk(&mut |expr| {
                parts.push(expr.span);
                match &expr.kind {
                    ExprKind::Selector(selector) => {
                        parts.push(selector.span);
                        parts.extend(selector.range.iter().map(|range| range.span));
                        parts.extend(
                            selector.matchers().into_iter().map(|matcher| matcher.label.span.to(matcher.value.span)),
                        );
                    }
                    ExprKind::Subquery(subquery) => parts.push(subquery.brackets),
                    ExprKind::Aggregate(aggregate) => {
                        let grouping = aggregate.grouping.iter();
                        parts.extend(grouping.map(|it| it.keyword_span.to(it.parens.unwrap_or(it.keyword_span))));
                    }
                    ExprKind::Binary(binary) => {
                        let groupings = binary.matching.iter().chain(&binary.group);
                        parts.extend(groupings.map(|it| it.keyword_span.to(it.parens.unwrap_or(it.keyword_span))));
                        parts.push(binary.op_span.to(binary.rhs.span));
                    }
                    _ => {}
                }
            });
        } else {
            // Without a tree, runs of tokens.
            let all = parts.clone();
            let runs = all.iter().enumerate().flat_map(|(at, first)| all[at + 1..].iter().map(|last| first.to(*last)));
            parts.extend(runs);
        }
        let place = parts.into_iter().map(|span| literal.locate(span));
        // The operator of a matcher stands before the value that is wrong with it.
        let precedes = |part: &Span, span: &Span| part.end == span.start && is_operator(&self.text[part.range()]);
        let contains = |part: &Span, span: &Span| part.start <= span.start && span.end <= part.end;
        let touches = |part: &Span| spans.iter().any(|span| contains(part, span) || precedes(part, span));
        place.filter(touches).collect()
    }

    fn insertion(&self, at: usize, text: String) -> Fix {
        Fix { span: Span::of(at.min(self.text.len())..at.min(self.text.len())), text }
    }

    /// Adds a line below that of an offset.
    fn line_after(&self, offset: u32, line: &str) -> Fix {
        let rest = &self.text[offset as usize..];
        match rest.find('\n') {
            Some(end) => self.insertion(offset as usize + end + 1, format!("{line}\n")),
            None => self.insertion(self.text.len(), format!("\n{line}\n")),
        }
    }
}

fn is_operator(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_alphanumeric)
}

/// Whether a text can replace another: an operator another operator, a range a range, a word a word.
fn fits(code: &str, replaced: &str) -> bool {
    let is_word = |text: &str| {
        let text = text.trim_matches(['"', '\'']);
        text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '-'))
    };
    is_operator(code) == is_operator(replaced)
        && code.starts_with('[') == replaced.starts_with('[')
        && (!is_word(code) || is_word(replaced))
}

/// The share of words and signs that two texts have in common, in thousandths.
fn similarity(a: &str, b: &str) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let words = |text: &str| -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        let mut after_word = false;
        for c in text.chars().filter(|c| !c.is_whitespace()) {
            match words.last_mut().filter(|_| after_word && is_word(c)) {
                Some(word) => word.push(c),
                None => words.push(c.to_string()),
            }
            after_word = is_word(c);
        }
        words.sort();
        words
    };
    let (a, mut b) = (words(a), words(b));
    let all = a.len() + b.len();
    let common = a.iter().filter_map(|word| b.binary_search(word).ok().map(|at| b.remove(at))).count();
    2000 * common / all.max(1)
}

/// Tries edits, and compares the findings before and after.
struct Trial<'v> {
    checked: Checked<'v>,
    finding: &'v Diagnostic,
    session: Option<Session>,
    stale: Vec<usize>,
    before: HashMap<(usize, Code, String), usize>,
    /// What the last edits have added.
    added: Vec<Code>,
}

impl<'v> Trial<'v> {
    fn new(checked: Checked<'v>, finding: &'v Finding) -> Self {
        let before = counts(checked.findings);
        let stale = checked.session.stale().collect();
        Self { checked, finding: &finding.diagnostic, session: None, stale, before, added: Vec::new() }
    }

    /// Whether edits remove the finding and add none, except for the one about [`Self::lacks_window`] and those of later
    /// passes, which were hidden before.
    fn accepts(&mut self, edits: &[&Fix]) -> bool {
        let source = self.checked.source();
        let mut text = source.text.clone();
        let mut edits = edits.to_vec();
        edits.sort_by_key(|edit| Reverse(edit.span.start));
        for edit in edits {
            text.replace_range(edit.span.range(), &edit.text);
        }
        if text == source.text {
            return false;
        }
        let session = self.session.get_or_insert_with(|| self.checked.session.clone());
        session.replace(SourceFile { text, ..source.clone() });
        // Files that were not checked before cannot be compared.
        let files: Vec<usize> = session.stale().filter(|file| !self.stale.contains(file)).collect();
        let after = counts(&session.findings_after(&files));
        let count = |counts: &HashMap<_, usize>, key: &_| counts.get(key).copied().unwrap_or_default();
        let own = (self.checked.file, self.finding.code, self.finding.title.clone());
        let own_layer = self.finding.code.layer();
        let hides = own_layer != Layer::File || self.finding.code == Code::InvalidToml;
        let is_later = |code: Code| (hides && code.layer() > own_layer) || code == Code::MissingWindow;
        let is_gone = count(&after, &own) < count(&self.before, &own);
        let added = after.iter().filter(|(key, number)| **number > count(&self.before, key));
        self.added = added.map(|(key, _)| key.1).collect();
        is_gone && self.added.iter().copied().all(is_later)
    }

    /// Whether the last edits added `{window}` to a preset without a default for it.
    fn lacks_window(&self) -> bool {
        self.added.contains(&Code::MissingWindow)
    }
}

/// How often each finding occurs.
fn counts(findings: &[Finding]) -> HashMap<(usize, Code, String), usize> {
    let mut counts = HashMap::new();
    for finding in findings {
        let key = (finding.file, finding.diagnostic.code, finding.diagnostic.title.clone());
        *counts.entry(key).or_default() += 1;
    }
    counts
}
