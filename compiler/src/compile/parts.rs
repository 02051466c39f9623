//! What is known of each file of a registry, so that it can be kept while other files change.

use promql_presets_core::sort;

use super::Compiler;
use super::findings::drop_superseded;
use crate::backend::registry::Module;
use crate::check::{self, Metrics};
use crate::file::known_metrics::KnownMetric;
use crate::file::{self, PresetFile, Settings};
use crate::sorted::SortedMap;
use crate::{Code, Diagnostic, FileKind, Finding, SourceFile, Span};

/// What is known of the files of a registry. The lists are in the order of the files.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    pub raw: Vec<PresetFile>,
    /// What is wrong with the content of each file on its own.
    pub faults: Vec<Vec<Diagnostic>>,
    /// The content of the snapshot, if there is one without faults; what is missing from a faulty one is unknown.
    pub known: Option<Vec<KnownMetric>>,
    /// What was found in each preset file, given the declarations of all; `None` if that is to be found.
    pub checked: Vec<Option<Checked>>,
}

/// A preset file that was checked.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    pub module: Module,
    /// Whether the file's name is that of a module, and of no earlier file.
    pub is_named: bool,
    /// The findings, without those that need the other files.
    pub findings: Vec<Finding>,
}

impl Parts {
    /// Reads files.
    pub(super) fn read(files: &[SourceFile]) -> Self {
        let mut parts = Self::default();
        for source in files {
            let (raw, faults) = parts.content(source);
            parts.raw.push(raw);
            parts.faults.push(faults);
        }
        parts.checked.resize_with(files.len(), || None);
        parts
    }

    pub(super) fn content(&mut self, source: &SourceFile) -> (PresetFile, Vec<Diagnostic>) {
        match source.kind() {
            FileKind::Presets => file::read(&source.text),
            FileKind::Metrics => {
                let (metrics, faults) = file::known_metrics::read(&source.text);
                self.known = Some(metrics).filter(|_| faults.is_empty());
                (PresetFile::default(), faults)
            }
            FileKind::Settings => Default::default(),
        }
    }

    /// Checks the preset files that are to be checked, and returns the findings about all files in their order.
    /// `faults` are those of the settings.
    pub(super) fn check(&mut self, files: &[SourceFile], settings: &Settings, faults: Vec<Diagnostic>) -> Vec<Finding> {
        let mut compiler = Compiler::new(files, settings, faults);
        for (file, faults) in self.faults.iter().enumerate() {
            compiler.report(file, None, faults.clone());
        }
        let mut findings = std::mem::take(&mut compiler.findings);
        let (metrics, conflicts) = metrics(files, &self.raw, self.known.as_deref());
        let mut found: Vec<Finding> = Vec::new();
        found.extend(conflicts.into_iter().map(|(file, diagnostic)| Finding { file, preset: None, diagnostic }));
        let known = snapshot(files).filter(|_| self.known.is_some()).map(check::Snapshot::of);
        let mut taken: SortedMap<Vec<String>, usize> = SortedMap::default();
        for (file, source) in files.iter().enumerate().filter(|(_, source)| source.kind() == FileKind::Presets) {
            let checked = self.checked[file]
                .get_or_insert_with(|| compiler.file(file, &self.raw[file], &metrics, known.as_ref()));
            // The files before it may have changed in number.
            checked.module.file = file;
            found.extend(checked.findings.iter().map(|finding| Finding { file, ..finding.clone() }));
            let path = &checked.module.path;
            let first = taken.get(path);
            checked.is_named = !path.is_empty() && first.is_none();
            match first.filter(|_| !path.is_empty()) {
                Some(first) => {
                    let (name, other) = (path.join("::"), &files[*first].path);
                    let title = format!("`{}` becomes the module `{name}`, as does `{other}`", source.path);
                    let diagnostic =
                        Diagnostic::new(Code::DuplicateModule, Span::default(), title).help("rename one of the files");
                    found.push(Finding { file, preset: None, diagnostic });
                }
                None => taken.insert_new(path.clone(), file),
            }
        }
        findings.extend(found.into_iter().filter(|found| {
            let file = &self.raw[found.file];
            // The window may be in the part of the file that is not valid TOML.
            let may_be_there = found.diagnostic.code == Code::MissingWindow && !file.is_complete();
            !file.is_doubtful(found.diagnostic.span) && !may_be_there
        }));
        findings.retain_mut(|finding| settings.apply(&mut finding.diagnostic));
        sort::by_key(&mut findings, |finding| (finding.file, finding.diagnostic.span));
        drop_superseded(&mut findings);
        findings
    }

    /// The modules, without those whose names other files have.
    pub(super) fn into_modules(self) -> Vec<Module> {
        let checked = self.checked.into_iter().flatten();
        checked.filter(|checked| checked.is_named).map(|checked| checked.module).collect()
    }
}

/// The metrics that files declare and that the snapshot lists, and conflicts between them.
pub(super) fn metrics<'s>(
    files: &'s [SourceFile],
    raw: &'s [PresetFile],
    known: Option<&'s [KnownMetric]>,
) -> (Metrics<'s>, Vec<(usize, Diagnostic)>) {
    let (mut metrics, conflicts) = Metrics::new(files, raw);
    if let (Some(source), Some(known)) = (snapshot(files), known) {
        metrics.close(&source.path, known);
    }
    (metrics, conflicts)
}

fn snapshot(files: &[SourceFile]) -> Option<&SourceFile> {
    files.iter().find(|file| file.kind() == FileKind::Metrics)
}
