//! A registry that stays in memory while its files change, for editors.

use std::collections::HashSet;

use super::parts::{Parts, metrics};
use super::read_settings;
use crate::backend::registry::Module;
use crate::check::{self, Scope};
use crate::file::Settings;
use crate::promql::{Expr, Features};
use crate::{FileKind, Finding, MetricType, SourceFile};

/// Compiles a registry again and again while single files change, as a language server does. Generates no code.
///
/// Only the file that changed is read and checked again, with those that its declarations of metrics may matter to; after a
/// change of a file beside the folder, all are checked. The findings are those of [`compile`](crate::compile).
///
/// ```
/// use promql_presets_compiler::{Session, SourceFile};
///
/// let file = |text: &str| SourceFile { name: "a.toml".into(), path: "a.toml".into(), text: text.into() };
/// let mut session = Session::new(vec![file("presets.a.template = 'up{{{labels}}}'")]);
/// assert_eq!(session.findings(), []);
/// session.replace(file("presets.a.template = 'up{{{lables}}}'"));
/// assert_eq!(session.findings()[0].diagnostic.title, "unknown placeholder `lables`");
/// ```
#[derive(Clone, Debug)]
pub struct Session {
    files: Vec<SourceFile>,
    parts: Parts,
}

impl Session {
    /// Starts with some files, in the order of [`discover`](crate::discover::discover).
    #[must_use]
    pub fn new(files: Vec<SourceFile>) -> Self {
        let parts = Parts::read(&files);
        Self { files, parts }
    }

    /// The files, in the order of the indices that [`Finding::file`] has.
    #[must_use]
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// The index of the file with a name.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.files.iter().position(|file| file.name == name)
    }

    /// Replaces the file of the same name, or adds one.
    pub fn replace(&mut self, file: SourceFile) {
        match self.position(&file.name) {
            Some(at) if self.files[at] == file => {}
            Some(at) => {
                self.parts.replace(at, &file);
                self.files[at] = file;
            }
            None => {
                let at = self.files.partition_point(|other| other.name < file.name);
                self.parts.insert(at, &file);
                self.files.insert(at, file);
            }
        }
    }

    /// Removes the file with a name.
    pub fn remove(&mut self, name: &str) {
        if let Some(at) = self.position(name) {
            let file = self.files.remove(at);
            self.parts.remove(at, &file);
        }
    }

    /// Checks what has changed. Returns the findings about all files, in the order of files and lines.
    pub fn findings(&mut self) -> Vec<Finding> {
        let (settings, diagnostics) = read_settings(&self.files);
        self.parts.check(&self.files, &settings, diagnostics)
    }

    /// The module that a preset file becomes, as of the last call of [`findings`](Self::findings).
    #[must_use]
    pub fn module(&self, file: usize) -> Option<&Module> {
        self.parts.module(file)
    }

    /// The type of the metric that a preset file declares.
    #[must_use]
    pub fn metric_type(&self, file: usize) -> Option<MetricType> {
        self.parts.metric_type(file)
    }

    /// The labels of the series that an expression of a template of a file returns, as
    /// [`Labels`](crate::check::Labels) displays them, given the declarations of metrics. `text` is what `expr` was parsed
    /// from, or what an expression that contains it was.
    #[must_use]
    pub fn output_labels(&self, file: usize, text: &str, expr: &Expr<'_>) -> String {
        self.parts.output_labels(&self.files, &read_settings(&self.files).0, file, text, expr)
    }
}

/// What changes of files change.
impl Parts {
    /// Reads a new file. All files are to be checked.
    fn insert(&mut self, file: usize, source: &SourceFile) {
        let (raw, faults) = self.content(source);
        self.raw.insert(file, raw);
        self.faults.insert(file, faults);
        self.checked.insert(file, None);
        self.checked.fill(None);
    }

    /// Forgets a file. All others are to be checked.
    fn remove(&mut self, file: usize, source: &SourceFile) {
        self.raw.remove(file);
        self.faults.remove(file);
        self.checked.remove(file);
        self.checked.fill(None);
        if source.kind() == FileKind::Metrics {
            self.known = None;
        }
    }

    /// Reads a file again. It is to be checked, and so are the others if they can tell the difference.
    fn replace(&mut self, file: usize, source: &SourceFile) {
        let (raw, faults) = self.content(source);
        let old = std::mem::replace(&mut self.raw[file], raw);
        self.faults[file] = faults;
        self.checked[file] = None;
        let raw = &self.raw[file];
        if source.kind() != FileKind::Presets {
            self.checked.fill(None);
        } else if raw.declaration() != old.declaration() {
            let metrics = [&old, raw].map(|raw| raw.metric.as_ref().map(|metric| metric.name.value.as_str()));
            let known = self.known.iter().flatten().map(|metric| metric.name.value.as_str());
            let known: HashSet<&str> = if metrics[0] == metrics[1] { HashSet::new() } else { known.collect() };
            for (raw, checked) in self.raw.iter().zip(&mut self.checked) {
                // Findings may suggest one of the names, or no longer do so.
                let suggests = checked.as_ref().is_some_and(|checked| !checked.findings.is_empty())
                    || (!known.is_empty() && raw.metric.as_ref().is_some_and(|it| !known.contains(&*it.name.value)));
                if suggests || metrics.into_iter().flatten().any(|metric| raw.may_read(metric)) {
                    *checked = None;
                }
            }
        }
    }

    /// The type of the metric that a file declares.
    fn metric_type(&self, file: usize) -> Option<MetricType> {
        self.raw.get(file)?.metric.as_ref()?.kind.as_ref().map(|kind| kind.value)
    }

    /// The labels of a part of a template of a file.
    fn output_labels(
        &self,
        files: &[SourceFile],
        settings: &Settings,
        file: usize,
        text: &str,
        expr: &Expr<'_>,
    ) -> String {
        let metrics = metrics(files, &self.raw, self.known.as_deref()).0;
        let raw = self.raw.get(file);
        let metric = raw.and_then(|raw| raw.metric.as_ref()).map(|metric| metric.name.value.as_str());
        let labels = raw.and_then(|raw| raw.labels.as_ref());
        let (features, metrics) = (Features::all(), &metrics);
        let scope = Scope { template: true, inline: false, metric, labels, window: None, features, metrics, settings };
        check::labels_of_part(text, expr, scope)
    }

    /// The module that a file becomes, if it was checked.
    fn module(&self, file: usize) -> Option<&Module> {
        self.checked.get(file)?.as_ref().map(|checked| &checked.module)
    }
}
