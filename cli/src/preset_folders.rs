//! The preset files that a command reads.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::{env, fs, io};

use promql_presets_compiler::{FileKind, SourceFile, discover};

use crate::failure::Failure;
use crate::preset_root;

/// A folder of preset files, which are compiled together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Folder {
    /// Its path, without links.
    pub(crate) root: PathBuf,
    /// How messages name it.
    pub(crate) shown: String,
    /// All its files.
    pub(crate) files: Vec<SourceFile>,
    /// Whether each file was an argument, is below one, or is beside the folder.
    pub(crate) wanted: Vec<bool>,
    /// The folders among the arguments, as messages name them.
    pub(crate) folders: Vec<String>,
}

/// The option `--dir`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Dir {
    /// The folder of preset files; default: the one that `build.rs` compiles, else `presets`
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Dir {
    /// Reads the folder.
    pub(crate) fn read(&self) -> Result<Folder, Failure> {
        Ok(read(&[self.path()?], self)?.pop().unwrap_or_default())
    }

    /// The path of the folder, which need not exist.
    pub(crate) fn path(&self) -> Result<PathBuf, Failure> {
        match &self.folders()[..] {
            [folder] => Ok(folder.clone()),
            folders => {
                let names: Vec<_> = folders.iter().map(|folder| format!("`{}`", folder.display())).collect();
                let names = names.join(", ");
                Err(Failure::new(format!("`build.rs` compiles several folders: {names}; choose one with `--dir`")))
            }
        }
    }

    fn folders(&self) -> Vec<PathBuf> {
        self.dir.clone().map_or_else(preset_root::defaults, |dir| vec![dir])
    }
}

/// The folder, or the files and folders in it, of a command that takes several.
#[derive(Debug, clap::Args)]
pub(crate) struct Paths {
    /// A folder of preset files, or a file or folder in it; default: the folder of `--dir`
    ///
    /// A file is compiled together with all files of its presets folder. That folder is the first of these that
    /// contains it: `--dir`; the folder that `build.rs` compiles; the outermost folder named `presets` in the package;
    /// the outermost folder beside a `metrics.toml` or `promql.toml`; else the folder of the file.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    dir: Dir,
}

impl Paths {
    /// The paths of another argument.
    pub(crate) fn of(paths: Vec<PathBuf>, dir: &Dir) -> Self {
        Self { paths, dir: dir.clone() }
    }

    /// Whether the only path is `-`.
    pub(crate) fn is_standard_input(&self) -> bool {
        self.paths == [Path::new("-")]
    }

    /// The folder whose file with this path has a given text, on the disk or not. Without a path, the file is alone.
    pub(crate) fn with_text(&self, path: Option<&Path>, text: String) -> Result<Folder, Failure> {
        let alone = |name: &str, path: String| SourceFile { name: name.to_owned(), path, text: text.clone() };
        let Some(path) = path else {
            let files = vec![alone("standard_input.toml", "<stdin>".to_owned())];
            return Ok(Folder { files, wanted: vec![true], ..Folder::default() });
        };
        let invalid = || Failure::new(format!("`{}` is not the path of a preset file", path.display()));
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.filter(|_| path.extension() == Some(OsStr::new("toml"))).ok_or_else(invalid)?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let shown = slashes(&discover::normalized(path));
        // A file in a folder that does not exist has no neighbours.
        let place = fs::canonicalize(parent).ok().map(|parent| {
            preset_root::place(&parent, name, self.dir.dir.as_deref()).unwrap_or((parent, name.to_owned()))
        });
        let Some((root, name)) = place else {
            return Ok(Folder { files: vec![alone(name, shown)], wanted: vec![true], ..Folder::default() });
        };
        let up = name.matches('/').count() * usize::from(!name.starts_with("../"));
        let mut base = discover::normalized(parent);
        for _ in 0..up {
            leave(&mut base);
        }
        if name.starts_with("../") {
            base.push(root.file_name().unwrap_or_default());
        }
        let mut files = discover::discover(&root, &slashes(&base))?;
        files.retain(|file| file.name != name);
        let at = files.partition_point(|other| other.name < name);
        files.insert(at, SourceFile { name, path: shown, text });
        let wanted = (0..files.len()).map(|file| file == at).collect();
        Ok(Folder { root, files, wanted, ..Folder::default() })
    }

    /// Reads the files, each with the whole folder of presets that it belongs to.
    pub(crate) fn read(&self) -> Result<Vec<Folder>, Failure> {
        if self.paths.is_empty() { read(&self.dir.folders(), &self.dir) } else { read(&self.paths, &self.dir) }
    }
}

/// Reads folders and files, each with the whole folder of presets that it belongs to.
fn read(arguments: &[PathBuf], dir: &Dir) -> Result<Vec<Folder>, Failure> {
    let mut folders: Vec<Folder> = Vec::new();
    for argument in arguments {
        let (path, is_folder) = resolve(argument).map_err(|error| {
            let error = discover::dangling(argument).unwrap_or(error);
            let is_default = dir.dir.is_none() && dir.folders().contains(argument);
            let help = "`promql-presets init` makes a folder, and `--dir` names another";
            let help = (is_default && error.kind() == io::ErrorKind::NotFound).then(|| help.to_owned());
            Failure::new(format!("cannot read `{}`: {error}", argument.display())).maybe_help(help)
        })?;
        // A folder that contains folders of presets, such as that of a package, stands for these.
        if is_folder && preset_root::find(&path, dir.dir.as_deref()).is_none() {
            let within: Vec<PathBuf> =
                preset_root::of_package(argument).into_iter().filter(|folder| folder.is_dir()).collect();
            if !within.is_empty() {
                let within = read(&within, dir)?;
                let is_new = |folder: &Folder| folders.iter().all(|known| known.root != folder.root);
                let new: Vec<Folder> = within.into_iter().filter(is_new).collect();
                folders.extend(new);
                continue;
            }
        }
        let root = preset_root::root(&path, is_folder, dir.dir.as_deref());
        let at = folders.iter().position(|known| known.root == root).unwrap_or(folders.len());
        if at == folders.len() {
            folders.push(Folder::discover(&root, shown(argument, &path, &root))?);
        }
        let name = path.strip_prefix(&root).map(slashes).unwrap_or_default();
        if is_folder {
            folders[at].want_all_below(argument, &name);
        } else {
            folders[at].want_file(argument, &name)?;
        }
    }
    Ok(folders)
}

/// The path of an argument without links, and whether it is a folder.
fn resolve(argument: &Path) -> io::Result<(PathBuf, bool)> {
    let path = fs::canonicalize(argument)?;
    match argument.file_name() {
        // A link to a preset file belongs to the folder of the link, so only its folder is resolved.
        Some(name) if !path.is_dir() => {
            let parent = argument.parent().filter(|parent| !parent.as_os_str().is_empty());
            Ok((fs::canonicalize(parent.unwrap_or(Path::new(".")))?.join(name), false))
        }
        _ => {
            let is_folder = path.is_dir();
            Ok((path, is_folder))
        }
    }
}

impl Folder {
    /// Reads all files of a folder. None of its preset files is wanted yet, only the files beside it.
    fn discover(root: &Path, shown: String) -> Result<Self, Failure> {
        let mut files = discover::discover(root, &shown)?;
        if shown.starts_with("..") {
            name_from_here(root, &mut files);
        }
        let wanted = files.iter().map(|file| file.kind() != FileKind::Presets).collect();
        Ok(Self { root: root.to_owned(), shown, files, wanted, folders: Vec::new() })
    }

    /// Marks the files in a folder, which an argument names.
    fn want_all_below(&mut self, argument: &Path, folder: &str) {
        self.folders.push(argument.display().to_string());
        let is_below =
            |name: &str| folder.is_empty() || name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        for (file, wanted) in self.files.iter().zip(&mut self.wanted) {
            *wanted |= is_below(&file.name);
        }
    }

    /// Marks a file, which messages name as the argument does.
    fn want_file(&mut self, argument: &Path, name: &str) -> Result<(), Failure> {
        let Some(at) = self.files.iter().position(|file| file.name == name) else {
            let shown = argument.display();
            return Err(Failure::new(format!(
                "`{shown}` is not a preset file: its name must end in `.toml` and not start with a dot"
            )));
        };
        self.files[at].path = slashes(&discover::normalized(argument));
        self.wanted[at] = true;
        Ok(())
    }
}

/// If the working folder is inside `root`, names the files below it relative to it: `b.toml`, not `../sub/b.toml`.
fn name_from_here(root: &Path, files: &mut [SourceFile]) {
    let here = env::current_dir().and_then(fs::canonicalize).unwrap_or_default();
    let Ok(below) = here.strip_prefix(root) else { return };
    for file in files.iter_mut().filter(|file| file.kind() == FileKind::Presets) {
        if let Ok(name) = Path::new(&file.name).strip_prefix(below) {
            file.path = slashes(name);
        }
    }
}

/// How messages name `root`, given that `argument` is how the caller names `path` in it.
fn shown(argument: &Path, path: &Path, root: &Path) -> String {
    let below = path.strip_prefix(root).map_or(0, |below| below.components().count());
    let mut shown = discover::normalized(argument);
    for _ in 0..below {
        leave(&mut shown);
    }
    let shown = slashes(&shown);
    if shown.is_empty() { ".".to_owned() } else { shown.trim_end_matches('/').to_owned() }
}

/// Turns the path of a folder into that of the folder around it. A relative path may start in a folder within that.
fn leave(path: &mut PathBuf) {
    match path.components().next_back() {
        Some(Component::Normal(_)) => _ = path.pop(),
        _ => path.push(".."),
    }
}

fn slashes(path: &Path) -> String {
    let shown = discover::slashes(path);
    shown.strip_prefix("./").map_or(shown.clone(), str::to_owned)
}

/// Replaces a file atomically, so that a build never reads half of it, and creates its folder. After a failure, nothing is
/// left behind.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    // A symbolic link remains one.
    let path = &*fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let new = path.with_extension("toml.new");
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    let written = fs::write(&new, text).and_then(|()| fs::rename(&new, path));
    written.inspect_err(|_| _ = fs::remove_file(&new))
}
