//! The presets of a folder, which is read again when its files change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use promql_presets::PresetMetadata;
use promql_presets_axum::LivePresets;
use promql_presets_compiler::backend::registry::{Module, Preset};
use promql_presets_compiler::diagnostic::emit;
use promql_presets_compiler::{Finding, Output, Severity, compile};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::preset_folders::{self, Dir};
use crate::querier::errors_in;

/// The time between two reads of the files.
const INTERVAL: Duration = Duration::from_millis(300);

/// The presets of a folder.
pub(crate) struct WatchedFolder {
    dir: Dir,
    state: Mutex<Arc<State>>,
    /// When the files were last read. Locked while they are read.
    checked: Mutex<Instant>,
}

/// The presets at one point in time.
struct State {
    folder: preset_folders::Folder,
    version: u64,
    presets: BTreeMap<String, Arc<Served>>,
    messages: Vec<Value>,
    errors: usize,
    /// `url` of `[defaults]` in `promql.toml`.
    url: Option<String>,
}

/// A preset without errors.
struct Served {
    module: Arc<Module>,
    preset: Preset,
    /// The path of the file.
    path: String,
}

impl WatchedFolder {
    /// Reads a folder.
    pub(crate) fn open(dir: Dir) -> Result<Self, Failure> {
        let state = State::of(dir.read()?, None);
        Ok(Self { dir, state: Mutex::new(Arc::new(state)), checked: Mutex::new(Instant::now()) })
    }

    /// Reads the folder again if its files have changed.
    pub(crate) fn refresh(&self) {
        let mut checked = lock(&self.checked);
        if checked.elapsed() < INTERVAL {
            return;
        }
        let old = self.state();
        let new = match self.dir.read() {
            Ok(folder) if folder.files == old.folder.files => None,
            Ok(folder) => Some(State::of(folder, Some(&old))),
            Err(failure) => old.unreadable(&failure),
        };
        if let Some(new) = new {
            *lock(&self.state) = Arc::new(new);
        }
        *checked = Instant::now();
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&lock(&self.state))
    }

    /// The URL of the server in the settings of the folder.
    pub(crate) fn url(&self) -> Option<String> {
        self.state().url.clone()
    }

    /// How messages name the folder.
    pub(crate) fn shown(&self) -> String {
        self.state().folder.shown.clone()
    }

    /// The number of presets, and of errors.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let state = self.state();
        (state.presets.len(), state.errors)
    }

    /// What the page shows of the folder. The version changes with it and with the presets.
    pub(crate) fn json(&self, server: &str) -> String {
        let state = self.state();
        let (folder, version) = (&state.folder.shown, state.version);
        json!({ "version": version, "folder": folder, "server": server, "messages": state.messages }).to_string()
    }
}

/// Locks a mutex. No code panics while it holds one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// The presets without errors, and for the others those of the last state that had none.
    fn of(folder: preset_folders::Folder, last: Option<&Self>) -> Self {
        let output = compile(&folder.files);
        let mut presets = BTreeMap::new();
        for module in output.registry.modules.iter().map(|module| Arc::new(module.clone())) {
            for preset in module.presets.iter().filter(|preset| errors_in(&output, &module, preset).is_empty()) {
                let (path, preset) = (folder.files[module.file].path.clone(), preset.clone());
                let name = module.preset_name(&preset);
                presets.insert(name, Arc::new(Served { module: Arc::clone(&module), preset, path }));
            }
        }
        let is_error = |finding: &&Finding| finding.diagnostic.severity == Severity::Error;
        let faulty = |path: &str| {
            let is_there = |finding: &Finding| folder.files[finding.file].path == path;
            output.findings.iter().filter(is_error).any(is_there)
        };
        for (name, served) in last.iter().flat_map(|last| &last.presets) {
            if !presets.contains_key(name) && faulty(&served.path) {
                presets.insert(name.clone(), Arc::clone(served));
            }
        }
        let errors = output.findings.iter().filter(is_error).count();
        let version = last.map_or(0, |last| last.version + 1);
        Self { messages: messages(&folder, &output), folder, version, presets, errors, url: output.url }
    }

    /// The state when the folder cannot be read; `None` if it is this one.
    fn unreadable(&self, failure: &Failure) -> Option<Self> {
        let text = failure.to_string();
        let messages = vec![json!({ "severity": "error", "title": text, "text": text })];
        (self.messages != messages).then(|| Self {
            // The next state that can be read differs from this one.
            folder: preset_folders::Folder { shown: self.folder.shown.clone(), ..preset_folders::Folder::default() },
            version: self.version + 1,
            presets: self.presets.clone(),
            messages,
            errors: 1,
            url: self.url.clone(),
        })
    }
}

fn messages(folder: &preset_folders::Folder, output: &Output) -> Vec<Value> {
    let findings: Vec<&Finding> = output.findings.iter().collect();
    emit::each(&folder.files, &findings, |messages, finding| {
        let diagnostic = &finding.diagnostic;
        json!({
            "severity": diagnostic.severity.as_str(), "title": diagnostic.title, "text": messages.full(diagnostic),
        })
    })
}

impl LivePresets for WatchedFolder {
    fn each(&self, visit: &mut dyn FnMut(&PresetMetadata<'_>)) {
        for served in self.state().presets.values() {
            served.preset.with_metadata(&served.module, &served.path, &mut *visit);
        }
    }
}
