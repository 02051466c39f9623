//! The documents that are open in the editor, and the registries that they belong to.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use gen_lsp_types::{
    Diagnostic, Location, Position, PublishDiagnosticsParams, Range, TextDocumentContentChangeEvent, Uri,
};
use promql_presets_compiler::backend::registry::Module;
use promql_presets_compiler::diagnostic::Lines;
use promql_presets_compiler::promql::Expr;
use promql_presets_compiler::{FileKind, Finding, MetricType, Session, Snapshot, SourceFile, Span, discover};

use super::diagnostics;
use super::fixes::Checked;
use crate::preset_root;

/// All open documents, and the folders of presets that they belong to.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    /// The option `--dir`.
    dir: Option<PathBuf>,
    documents: BTreeMap<Uri, Document>,
    /// By their folders; a file that belongs to no folder is a registry by itself.
    registries: BTreeMap<PathBuf, Registry>,
    /// The document that was last edited, or that a request is about.
    focus: Option<Place>,
}

/// A document that the editor has open.
#[derive(Debug)]
struct Document {
    version: i32,
    text: String,
    place: Option<Place>,
}

/// Which file of which registry a document is.
#[derive(Clone, Debug)]
struct Place {
    /// The key of the registry.
    root: PathBuf,
    /// The name of the file in it.
    name: String,
}

/// A folder of presets.
#[derive(Debug)]
struct Registry {
    /// The folder as the editor names it.
    base: PathBuf,
    session: Session,
    /// Whether something has changed since all its files were checked.
    is_stale: bool,
    /// The findings about files that are checked, in their order.
    findings: Vec<Finding>,
    /// The current text of `metrics.toml`, and its last valid content.
    snapshot: (String, Snapshot),
    /// The diagnostics that the editor shows.
    published: Shown,
}

/// The diagnostics that the editor shows, by the name of the file. Files without any are left out.
type Shown = BTreeMap<String, (Uri, Vec<Diagnostic>)>;

impl Workspace {
    pub(super) fn new(dir: Option<PathBuf>) -> Self {
        Self { dir, ..Self::default() }
    }

    /// Adds a document, and reads the registry that it belongs to, unless it is known.
    pub(super) fn open(&mut self, uri: &Uri, version: i32, text: String) {
        let place = self.place(uri, &text);
        self.documents.insert(uri.clone(), Document { version, text, place });
        self.update(uri);
    }

    /// Applies changes to a document in their order.
    pub(super) fn change(&mut self, uri: &Uri, version: i32, changes: Vec<TextDocumentContentChangeEvent>) {
        let Some(document) = self.documents.get_mut(uri) else { return };
        document.version = version;
        for change in changes {
            match change {
                TextDocumentContentChangeEvent::TextDocumentContentChangePartial(change) => {
                    let lines = Lines::of(&document.text);
                    let offset = |position: Position| lines.offset(position.line, position.character) as usize;
                    let (start, end) = (offset(change.range.start), offset(change.range.end));
                    document.text.replace_range(start..end.max(start), &change.text);
                }
                TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(change) => {
                    document.text = change.text;
                }
            }
        }
        if document.place.is_none() {
            // It may become a preset file while it is written.
            let text = document.text.clone();
            let place = self.place(uri, &text);
            if let Some(document) = self.documents.get_mut(uri) {
                document.place = place;
            }
        }
        self.update(uri);
    }

    /// Forgets a document: the file on the disk counts again.
    pub(super) fn close(&mut self, uri: &Uri) {
        let Some(Document { place: Some(place), .. }) = self.documents.remove(uri) else { return };
        let is_open = |document: &Document| document.place.as_ref().is_some_and(|it| it.root == place.root);
        if place.root.is_file() || !self.documents.values().any(is_open) {
            // No document of the registry is open any more. Its diagnostics are removed when they are published next.
            if let Some(registry) = self.registries.get_mut(&place.root) {
                registry.session = Session::new(Vec::new());
                registry.is_stale = true;
            }
            return;
        }
        self.reload(&uri.to_file_path().unwrap_or_default());
    }

    /// Reads a file again that has changed on the disk, unless it is open.
    pub(super) fn reload(&mut self, path: &Path) {
        let Some(place) = Uri::from_file_path(path).ok().and_then(|uri| self.place(&uri, "")) else { return };
        let is_open = self.documents.values().any(|it| it.place.as_ref().is_some_and(|it| it.is(&place)));
        let Some(registry) = self.registries.get_mut(&place.root).filter(|_| !is_open) else { return };
        match discover::file(&place.root, &registry.shown(), place.name.clone()) {
            Ok(file) => registry.session.replace(file),
            // The file was removed, or is not one that the registry reads.
            Err(_) => registry.session.remove(&place.name),
        }
        registry.is_stale = true;
    }

    /// Hands the text of a document to its registry.
    fn update(&mut self, uri: &Uri) {
        self.focus(uri);
        let Some(Document { text, place: Some(place), .. }) = self.documents.get(uri) else { return };
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text).to_owned();
        let registry = self.registries.entry(place.root.clone()).or_insert_with(|| Registry::read(uri, place));
        if registry.session.files().is_empty() {
            *registry = Registry { published: std::mem::take(&mut registry.published), ..Registry::read(uri, place) };
        }
        let path = discover::normalized(&Path::new(&registry.shown()).join(&place.name));
        let file = SourceFile { name: place.name.clone(), path: discover::slashes(&path), text };
        // Opening a file changes nothing, unless its address differs from that of the file on the disk.
        let is_known = registry.session.files().contains(&file) && registry.uri(&file).as_ref() == Some(uri);
        registry.session.replace(file);
        registry.is_stale |= !is_known;
    }

    /// The registry that a file belongs to: that of the folder of presets that `check` compiles it with; that of a folder
    /// beside it in its package; or one of its own, if it looks like a preset file.
    fn place(&self, uri: &Uri, text: &str) -> Option<Place> {
        let path = uri.to_file_path().ok()?;
        let file = path.file_name()?.to_str()?;
        if path.extension()? != "toml" || file.starts_with('.') {
            return None;
        }
        let parent = path.parent()?;
        // The file need not exist yet.
        let parent = fs::canonicalize(parent).unwrap_or_else(|_| parent.to_owned());
        if let Some((root, name)) = preset_root::place(&parent, file, self.dir.as_deref()) {
            return Some(Place { root, name });
        }
        let is_preset_file =
            text.lines().any(|line| ["[presets.", "[[presets.", "presets."].iter().any(|it| line.starts_with(it)));
        is_preset_file.then(|| Place { root: parent.join(file), name: file.to_owned() })
    }

    /// Makes a document the first to be checked.
    pub(super) fn focus(&mut self, uri: &Uri) {
        self.focus = self.documents.get(uri).and_then(|document| document.place.clone());
    }

    /// Whether the focused document is to be checked.
    pub(super) fn is_focus_stale(&self) -> bool {
        let registry = |place: &Place| self.registries.get(&place.root).filter(|registry| registry.is_stale);
        self.focus.as_ref().and_then(registry).is_some()
    }

    /// Checks at most `count` files that have changed: the focused document, then other open ones, then the rest. Returns
    /// the diagnostics to publish; `None` if there was nothing to check.
    pub(super) fn publish(&mut self, most: usize) -> Option<Vec<PublishDiagnosticsParams>> {
        let is_focused = |root: &Path| self.focus.as_ref().is_some_and(|place| place.root == root);
        let mut stale = self.registries.iter_mut().filter(|(_, registry)| registry.is_stale).collect::<Vec<_>>();
        stale.sort_by_key(|(root, _)| !is_focused(root));
        let (root, registry) = stale.into_iter().next()?;
        let places = self.documents.iter().filter_map(|(uri, document)| Some((uri, document.place.as_ref()?)));
        let open = places.filter(|(_, place)| place.root == *root).map(|(uri, place)| (&*place.name, uri)).collect();
        let focus = self.focus.as_ref().filter(|place| place.root == *root);
        let changed = registry.check(most, focus.map(|place| &*place.name), &open);
        let changed = changed.into_iter().map(|(uri, diagnostics)| {
            let version = self.documents.get(&uri).map(|document| document.version);
            PublishDiagnosticsParams { uri, version, diagnostics }
        });
        let changed = changed.collect();
        self.registries.retain(|_, registry| !registry.session.files().is_empty());
        Some(changed)
    }

    /// The address of a file of a registry: that of the document that the editor has open, if it has.
    fn uri(&self, root: &Path, registry: &Registry, file: &SourceFile) -> Option<Uri> {
        let is_it = |place: &Place| place.name == file.name && place.root == root;
        let open = self.documents.iter().find(|(_, document)| document.place.as_ref().is_some_and(is_it));
        open.map(|(uri, _)| uri.clone()).or_else(|| registry.uri(file))
    }

    /// The file that a document is.
    pub(super) fn view(&self, uri: &Uri) -> Option<View<'_>> {
        let place = self.documents.get(uri)?.place.as_ref()?;
        let registry = self.registries.get(&place.root)?;
        let file = registry.session.position(&place.name)?;
        let source = &registry.session.files()[file];
        let root = &place.root;
        Some(View { workspace: self, root, registry, uri: uri.clone(), file, source, lines: source.lines() })
    }
}

impl Place {
    fn is(&self, other: &Self) -> bool {
        self.name == other.name && self.root == other.root
    }
}

impl Registry {
    /// Reads the registry that a document belongs to. What cannot be read is left out: the editor shows only what is open.
    fn read(uri: &Uri, place: &Place) -> Self {
        let path = uri.to_file_path().unwrap_or_default();
        let (mut base, up) = match place.name.strip_prefix("../") {
            Some(_) => (path.with_file_name(place.root.file_name().unwrap_or_default()), 0),
            None => (path, place.name.split('/').count()),
        };
        for _ in 0..up {
            base.pop();
        }
        let session = Session::new(Vec::new());
        let (findings, snapshot, published) = Default::default();
        let mut registry = Self { base, session, is_stale: true, findings, snapshot, published };
        if place.root.is_dir() {
            let files = discover::discover(&place.root, &registry.shown());
            registry.session = Session::new(files.unwrap_or_default());
        }
        registry
    }

    /// Checks at most `count` files. Returns the diagnostics that are not published yet. `open` has the addresses of open
    /// documents by the names of their files.
    fn check(&mut self, most: usize, focus: Option<&str>, open: &HashMap<&str, &Uri>) -> Vec<(Uri, Vec<Diagnostic>)> {
        let names = |file: usize| &*self.session.files()[file].name;
        let mut stale: Vec<usize> = self.session.stale().collect();
        stale.sort_by_key(|file| (Some(names(*file)) != focus, !open.contains_key(names(*file))));
        self.findings = self.session.findings_after(&stale[..stale.len().min(most)]);
        let stale: Vec<usize> = self.session.stale().collect();
        self.is_stale = !stale.is_empty();
        self.read_snapshot();
        let files = self.session.files();
        let uri = |file: &SourceFile| match open.get(&*file.name) {
            Some(uri) => Some((*uri).clone()),
            None => self.uri(file),
        };
        let lined = diagnostics::Files::of(files);
        let mut shown = Shown::new();
        for findings in self.findings.chunk_by(|a, b| a.file == b.file) {
            let file = &files[findings[0].file];
            let diagnostics = findings.iter().map(|finding| diagnostics::diagnostic(&lined, finding, &uri));
            let Some(uri_of_file) = uri(file) else { continue };
            shown.insert(file.name.clone(), (uri_of_file, diagnostics.collect()));
        }
        let mut before = std::mem::take(&mut self.published);
        // The diagnostics of files that are not checked yet stay.
        let kept: Shown = stale.iter().filter_map(|file| before.remove_entry(&files[*file].name)).collect();
        let changed = shown.iter().filter(|(name, entry)| before.get(*name) != Some(entry));
        let mut changed: Vec<(Uri, Vec<Diagnostic>)> = changed.map(|(_, entry)| entry.clone()).collect();
        let is_gone = |name: &str, uri: &Uri| shown.get(name).is_none_or(|(new, _)| new != uri);
        let gone = before.into_iter().filter(|(name, (uri, _))| is_gone(name, uri));
        changed.extend(gone.map(|(_, (uri, _))| (uri, Vec::new())));
        shown.extend(kept);
        self.published = shown;
        changed
    }

    fn read_snapshot(&mut self) {
        let file = self.session.files().iter().find(|file| file.kind() == FileKind::Metrics);
        let text = file.map_or("", |file| &file.text);
        if *text != self.snapshot.0 {
            self.snapshot.0 = text.to_owned();
            if text.is_empty() {
                self.snapshot.1 = Snapshot::default();
            } else if let Some(snapshot) = self.session.snapshot() {
                self.snapshot.1 = snapshot;
            }
        }
    }

    /// How messages name the folder.
    fn shown(&self) -> String {
        self.base.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The address of a file that is not open.
    fn uri(&self, file: &SourceFile) -> Option<Uri> {
        Uri::from_file_path(discover::normalized(&self.base.join(&file.name))).ok()
    }
}

/// A file of a registry at the time of a request.
#[derive(Debug)]
pub(super) struct View<'a> {
    workspace: &'a Workspace,
    root: &'a Path,
    registry: &'a Registry,
    /// The address of the file.
    pub(super) uri: Uri,
    file: usize,
    /// The file.
    pub(super) source: &'a SourceFile,
    lines: Lines<'a>,
}

impl View<'_> {
    /// The findings about the file.
    pub(super) fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.registry.findings.iter().filter(|finding| finding.file == self.file)
    }

    /// The index of the file.
    pub(super) fn file(&self) -> usize {
        self.file
    }

    /// The file for fixes.
    pub(super) fn checked(&self) -> Checked<'_> {
        Checked { session: &self.registry.session, findings: &self.registry.findings, file: self.file }
    }

    /// The module that the file becomes, if it is a preset file.
    pub(super) fn module(&self) -> Option<&Module> {
        self.registry.session.module(self.file)
    }

    /// The modules of all files, with the types of the metrics that they declare.
    pub(super) fn modules(&self) -> impl Iterator<Item = (&Module, Option<MetricType>)> {
        let session = &self.registry.session;
        (0..session.files().len()).filter_map(|file| Some((session.module(file)?, session.metric_type(file))))
    }

    /// How messages name a file.
    pub(super) fn path(&self, file: usize) -> Option<&str> {
        Some(&self.registry.session.files().get(file)?.path)
    }

    /// The metrics that exist.
    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.registry.snapshot.1
    }

    /// The labels that a part of a template of the file returns.
    pub(super) fn output_labels(&self, text: &str, expr: &Expr<'_>) -> String {
        self.registry.session.output_labels(self.file, text, expr)
    }

    /// Another file of the registry.
    pub(super) fn other(&self, file: usize) -> Option<View<'_>> {
        let source = self.registry.session.files().get(file)?;
        let uri =
            if file == self.file { self.uri.clone() } else { self.workspace.uri(self.root, self.registry, source)? };
        Some(View { uri, file, source, lines: source.lines(), ..*self })
    }

    /// All files of the registry.
    pub(super) fn all(&self) -> impl Iterator<Item = View<'_>> {
        (0..self.registry.session.files().len()).filter_map(|file| self.other(file))
    }

    /// The byte offset of a position.
    pub(super) fn offset(&self, position: Position) -> u32 {
        self.lines.offset(position.line, position.character)
    }

    /// The byte range of a range.
    pub(super) fn span(&self, range: Range) -> Span {
        Span::new(self.offset(range.start), self.offset(range.end))
    }

    /// The place of a span.
    pub(super) fn location(&self, span: Span) -> Location {
        Location { uri: self.uri.clone(), range: self.range(span) }
    }

    /// The range of a span.
    pub(super) fn range(&self, span: Span) -> Range {
        diagnostics::range(&self.lines, span)
    }
}
