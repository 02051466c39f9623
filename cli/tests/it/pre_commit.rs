//! The hooks of `.pre-commit-hooks.yaml`: what pre-commit runs, on files.

use std::fs;
use std::path::Path;

use saphyr::{LoadableYamlNode, Yaml};

use crate::{BAD, Folder, GOOD, run_in};

#[test]
fn hooks_run() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.pre-commit-hooks.yaml");
    let documents = Yaml::load_from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let hooks = documents[0].as_vec().unwrap();
    let unformatted = GOOD.replace("sum by ({group_by})(rate", "sum   by ({group_by})(rate");
    for hook in hooks {
        let field = |name: &str| hook.as_mapping_get(name).and_then(Yaml::as_str).unwrap();
        assert!(!field("name").is_empty() && !field("description").is_empty() && field("language") == "system");
        let entry: Vec<&str> = field("entry").split(' ').collect();
        let takes_files = hook.as_mapping_get("pass_filenames").and_then(Yaml::as_bool) != Some(false);
        let files: &[&str] = if takes_files { &["presets/a.toml", "presets/sub/b.toml"] } else { &[] };
        let run = |texts: [&str; 2]| {
            let folder = Folder::new("pre-commit", &[("presets/a.toml", texts[0]), ("presets/sub/b.toml", texts[1])]);
            let run = run_in(&folder.0, &[&entry[1..], files].concat(), b"");
            let changed = fs::read_to_string(folder.0.join("presets/a.toml")).unwrap() != texts[0];
            (entry[0], run.status, changed)
        };
        let formats = field("id") == "promql-presets-fmt";
        assert!(formats || field("id") == "promql-presets-check", "{}", field("id"));
        assert_eq!(run([GOOD, GOOD]).1, 0);
        assert_eq!(run([GOOD, BAD]).1, 1);
        assert_eq!(run([&unformatted, GOOD]), ("promql-presets", 0, formats));
    }
    assert_eq!(hooks.len(), 2);
}
