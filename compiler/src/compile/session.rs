//! A registry that stays in memory while its files change, for editors.

use std::collections::{HashMap, HashSet};

use super::read_settings;
use super::registry_state::{CheckedFile, Content, RegistryState, content, metrics};
use crate::backend::registry::Module;
use crate::check::{self, Scope};
use crate::file::known_metrics::KnownMetric;
use crate::file::metric_type::without_suffix;
use crate::file::{PresetFile, Settings};
use crate::promql::{Expr, Features};
use crate::vec_ext::IntoVec;
use crate::{FileKind, Finding, MetricType, SourceFile};

/// Compiles a registry again and again while single files change, as a language server does. Generates no code.
///
/// Only the file that changed is read and checked again, and the files that its metrics affect. After a change of
/// `promql.toml`, all files are checked. The findings are those of [`compile`](crate::compile).
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
    state: RegistryState,
}

impl Session {
    /// Starts with some files, in the order of [`discover`](crate::discover::discover).
    #[must_use]
    pub fn new(files: Vec<SourceFile>) -> Self {
        let state = RegistryState::read(&files);
        Self { files, state }
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
                self.state.replace(at, &file);
                self.files[at] = file;
            }
            None => {
                let at = self.files.partition_point(|other| other.name < file.name);
                self.state.insert(at, &file);
                self.files.insert(at, file);
            }
        }
    }

    /// Removes the file with a name.
    pub fn remove(&mut self, name: &str) {
        if let Some(at) = self.position(name) {
            let file = self.files.remove(at);
            self.state.remove(at, &file);
        }
    }

    /// Checks what has changed. Returns the findings about all files, in the order of files and lines.
    pub fn findings(&mut self) -> Vec<Finding> {
        self.check(&|_| true)
    }

    /// The files that the next call of [`findings`](Self::findings) checks.
    pub fn stale(&self) -> impl Iterator<Item = usize> {
        let files = self.files.iter().enumerate();
        files.filter(|(file, source)| self.state.is_stale(*file, source)).map(|(file, _)| file)
    }

    /// Checks what has changed in some files only. Returns the findings about all files that are not
    /// [stale](Self::stale) then, in the order of files and lines.
    pub fn findings_after(&mut self, files: &[usize]) -> Vec<Finding> {
        self.check(&|file| files.contains(&file))
    }

    fn check(&mut self, choose: &dyn Fn(usize) -> bool) -> Vec<Finding> {
        let (settings, diagnostics) = read_settings(&self.files);
        self.state.check(&self.files, &settings, diagnostics, choose)
    }

    /// The content of `metrics.toml`, unless it has faults.
    pub(crate) fn known_metrics(&self) -> Option<&[KnownMetric]> {
        self.state.known.as_deref()
    }

    /// The module that a preset file became when it was last checked.
    #[must_use]
    pub fn module(&self, file: usize) -> Option<&Module> {
        self.state.module(file)
    }

    /// The type of the metric that a preset file declares.
    #[must_use]
    pub fn metric_type(&self, file: usize) -> Option<MetricType> {
        self.state.metric_type(file)
    }

    /// The labels of the series that an expression of a template of a file returns, as
    /// [`Labels`](crate::check::Labels) displays them, given the declarations of metrics. `text` is what `expr` was parsed
    /// from, or what an expression that contains it was.
    #[must_use]
    pub fn output_labels(&self, file: usize, text: &str, expr: &Expr<'_>) -> String {
        self.state.output_labels(&self.files, &read_settings(&self.files).0, file, text, expr)
    }
}

/// Changes of files.
impl RegistryState {
    /// Reads a new file. All files are to be checked.
    fn insert(&mut self, file: usize, source: &SourceFile) {
        let Content { raw, faults, known } = content(source);
        self.raw.insert(file, raw);
        self.faults.insert(file, faults);
        self.checked.insert(file, None);
        self.check_again(|_, _| true);
        if source.kind() == FileKind::Metrics {
            self.known = known;
        }
    }

    /// Forgets a file. All others are to be checked.
    fn remove(&mut self, file: usize, source: &SourceFile) {
        self.raw.remove(file);
        self.faults.remove(file);
        self.checked.remove(file);
        self.check_again(|_, _| true);
        if source.kind() == FileKind::Metrics {
            self.known = None;
        }
    }

    /// Reads a file again, and marks it and the files that the change affects to be checked.
    fn replace(&mut self, file: usize, source: &SourceFile) {
        let Content { raw, faults, known } = content(source);
        self.faults[file] = faults;
        match source.kind() {
            FileKind::Presets => self.replace_presets(file, raw),
            FileKind::Metrics => {
                let old = std::mem::replace(&mut self.known, known);
                let changed = old.as_deref().zip(self.known.as_deref()).map(|(old, new)| changed_metrics(old, new));
                let changed = changed.filter(|changed| changed.len() <= MANY);
                self.check_again(|raw, checked| {
                    changed.as_ref().is_none_or(|changed| {
                        !checked.findings.is_empty()
                            || (checked.names_unknown && !changed.is_empty())
                            || changed.iter().any(|metric| raw.may_read(metric))
                    })
                });
            }
            FileKind::Settings => self.check_again(|_, _| true),
        }
    }

    fn replace_presets(&mut self, file: usize, raw: PresetFile) {
        if let Some(checked) = &mut self.checked[file] {
            checked.is_current = false;
        }
        let old = std::mem::replace(&mut self.raw[file], raw);
        let raw = &self.raw[file];
        if raw.declaration() == old.declaration() {
            return;
        }
        let name = |raw: &PresetFile| raw.metric.as_ref().map(|metric| metric.name.value.clone());
        let (before, after) = (name(&old), name(raw));
        self.check_again(|raw, checked| {
            // A finding may suggest a name that is new, or one that is gone.
            !checked.findings.is_empty()
                || (checked.names_unknown && before != after)
                || [&before, &after].into_iter().flatten().any(|metric| raw.may_read(metric))
        });
    }

    /// Marks the files that a change affects to be checked.
    fn check_again(&mut self, is_affected: impl Fn(&PresetFile, &CheckedFile) -> bool) {
        for (raw, checked) in self.raw.iter().zip(&mut self.checked) {
            if let Some(checked) = checked {
                checked.is_current = checked.is_current && !is_affected(raw, checked);
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
        let metrics = metrics(files, &self.raw, self.known.as_deref(), settings).0;
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

/// For more metrics than this, checking all files takes no longer than looking for those that read one of them.
const MANY: usize = 32;

/// The metrics that differ between two snapshots: their names without the suffixes of series, as files may declare them.
fn changed_metrics(old: &[KnownMetric], new: &[KnownMetric]) -> Vec<String> {
    let [old, new] = [old, new].map(|known| known.iter().map(|it| (&*it.name.value, it)).collect::<HashMap<_, _>>());
    let is_same = |name: &str| old.get(name).zip(new.get(name)).is_some_and(|(old, new)| old.facts() == new.facts());
    let mut names: HashSet<&str> = old.keys().chain(new.keys()).copied().filter(|name| !is_same(name)).collect();
    // Only the names of these metrics are known.
    let similar = |name: &&str| [&old, &new].map(|known| Some(known.get(name)?.similar.as_ref()?.value.as_str()));
    names.extend(names.iter().flat_map(similar).flatten().into_vec());
    // A file may declare `http_requests` and read its series.
    names.into_iter().map(|name| without_suffix(name).to_owned()).into_vec()
}
