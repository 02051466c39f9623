//! The state of each file of a registry, which is kept while other files change.

use promql_presets_core::sort;

use super::Compiler;
use super::findings::drop_superseded_by_templates;
use crate::backend::registry::Module;
use crate::check::{self, Metrics};
use crate::file::known_metrics::KnownMetric;
use crate::file::{self, PresetFile, Settings};
use crate::parallel;
use crate::sorted::SortedMap;
use crate::vec_ext::{IntoVec, VecExt};
use crate::{Code, Diagnostic, FileKind, Finding, SourceFile, Span};

/// The state of the files of a registry. The lists are in the order of the files.
#[derive(Clone, Debug, Default)]
pub(super) struct RegistryState {
    pub raw: Vec<PresetFile>,
    /// The findings about the content of each file on its own.
    pub faults: Vec<Vec<Diagnostic>>,
    /// The content of the snapshot, if there is one without faults: a faulty one may lack metrics that exist.
    pub known: Option<Vec<KnownMetric>>,
    /// The result of checking each preset file, given the declarations of all; `None` if it was not checked yet.
    pub checked: Vec<Option<CheckedFile>>,
}

/// A preset file that was checked.
#[derive(Clone, Debug)]
pub(super) struct CheckedFile {
    /// Whether no change since then can affect it.
    pub is_current: bool,
    pub module: Module,
    /// Whether it names a metric that is not known, so that other names matter to it.
    #[cfg_attr(not(feature = "tools"), expect(dead_code, reason = "only sessions check files again"))]
    pub names_unknown: bool,
    /// Whether the file's name is that of a module, and of no earlier file.
    pub is_named: bool,
    /// The findings, without those that need the other files.
    pub findings: Vec<Finding>,
}

impl RegistryState {
    /// Reads files.
    pub(super) fn read(files: &[SourceFile]) -> Self {
        let mut contents: Vec<Content> = Vec::new();
        contents.resize_with(files.len(), Content::default);
        parallel::for_each(&mut contents, &|file, content| *content = self::content(&files[file]));
        let mut state = Self::default();
        for Content { raw, faults, known } in contents {
            state.raw.push(raw);
            state.faults.push(faults);
            state.known = state.known.or(known);
        }
        state.checked.resize_with(files.len(), || None);
        state
    }

    /// Whether a file is to be checked.
    pub(super) fn is_stale(&self, file: usize, source: &SourceFile) -> bool {
        let is_current = self.checked[file].as_ref().is_some_and(|checked| checked.is_current);
        source.kind() == FileKind::Presets && !is_current
    }

    /// Checks the preset files that are not current and that `choose` accepts. Returns the findings about all files that
    /// are current then, in their order. `faults` are those of the settings.
    pub(super) fn check(
        &mut self,
        files: &[SourceFile],
        settings: &Settings,
        faults: Vec<Diagnostic>,
        choose: &dyn Fn(usize) -> bool,
    ) -> Vec<Finding> {
        let mut compiler = Compiler::new(files, settings, faults);
        for (file, faults) in self.faults.iter().enumerate() {
            compiler.report(file, None, faults.clone());
        }
        let mut findings = std::mem::take(&mut compiler.findings);
        let (metrics, conflicts) = metrics(files, &self.raw, self.known.as_deref(), settings);
        let known = snapshot(files).filter(|_| self.known.is_some()).map(check::Snapshot::of);
        let is_stale: Vec<bool> = files.iter().enumerate().map(|(file, source)| self.is_stale(file, source)).into_vec();
        let all = self.checked.iter_mut().enumerate();
        let mut stale: Vec<_> = all.filter(|(file, _)| is_stale[*file] && choose(*file)).into_vec();
        parallel::for_each(&mut stale, &|_, (file, checked)| {
            **checked = Some(compiler.clone().file(*file, &self.raw[*file], &metrics, known.as_ref()));
        });
        let mut found: Vec<Finding> = Vec::new();
        found.add_all(conflicts.into_iter().map(|(file, diagnostic)| Finding { file, preset: None, diagnostic }));
        let mut taken: SortedMap<Vec<String>, usize> = SortedMap::default();
        for (file, checked) in self.checked.iter_mut().enumerate() {
            let Some(checked) = checked else { continue };
            // Files before it may have been added or removed.
            checked.module.file = file;
            found.add_all(checked.findings.iter().map(|finding| Finding { file, ..finding.clone() }));
            let path = &checked.module.path;
            let first = taken.get(path);
            checked.is_named = !path.is_empty() && first.is_none();
            match first.filter(|_| !path.is_empty()) {
                Some(first) => {
                    let (source, other) = (&files[file].path, &files[*first].path);
                    let title = format!("`{source}` becomes the module `{}`, as does `{other}`", path.join("::"));
                    let diagnostic =
                        Diagnostic::new(Code::DuplicateModule, Span::default(), title).help("rename one of the files");
                    found.push(Finding { file, preset: None, diagnostic });
                }
                None => taken.insert_new(path.clone(), file),
            }
        }
        findings.add_all(found.into_iter().filter(|found| {
            let file = &self.raw[found.file];
            // The window may be in the part of the file that is not valid TOML.
            let may_be_there = found.diagnostic.code == Code::MissingWindow && !file.is_complete();
            !file.is_unreliable(found.diagnostic.span) && !may_be_there
        }));
        findings.keep(|finding| !self.is_stale(finding.file, &files[finding.file]));
        findings.retain_mut(|finding| settings.apply(&mut finding.diagnostic));
        sort::by_key(&mut findings, |finding| (finding.file, finding.diagnostic.span));
        drop_superseded_by_templates(&mut findings);
        findings
    }

    /// The modules; of several with one name, the first.
    pub(super) fn into_modules(self) -> Vec<Module> {
        let checked = self.checked.into_iter().flatten();
        checked.filter(|checked| checked.is_named).map(|checked| checked.module).into_vec()
    }
}

/// The content of a file, and the findings about it.
#[derive(Default)]
pub(super) struct Content {
    pub raw: PresetFile,
    pub faults: Vec<Diagnostic>,
    /// The metrics of a snapshot without faults.
    pub known: Option<Vec<KnownMetric>>,
}

pub(super) fn content(source: &SourceFile) -> Content {
    match source.kind() {
        FileKind::Presets => {
            let (raw, faults) = file::read(&source.text);
            Content { raw, faults, known: None }
        }
        FileKind::Metrics => {
            let (metrics, faults) = file::known_metrics::read(&source.text);
            let known = Some(metrics).filter(|_| faults.is_empty());
            Content { raw: PresetFile::default(), faults, known }
        }
        FileKind::Settings => Content::default(),
    }
}

/// The metrics that files declare and that the snapshot lists, and conflicts between them.
pub(super) fn metrics<'s>(
    files: &'s [SourceFile],
    raw: &'s [PresetFile],
    known: Option<&'s [KnownMetric]>,
    settings: &Settings,
) -> (Metrics<'s>, Vec<(usize, Diagnostic)>) {
    let (mut metrics, conflicts) = Metrics::new(files, raw);
    match (snapshot(files), known) {
        (Some(source), Some(known)) => metrics.add_snapshot(&source.path, known, settings),
        (Some(_), None) => metrics.lack_snapshot(),
        _ => {}
    }
    (metrics, conflicts)
}

fn snapshot(files: &[SourceFile]) -> Option<&SourceFile> {
    files.iter().find(|file| file.kind() == FileKind::Metrics)
}
