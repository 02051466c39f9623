//! Quick fixes for the cases of `compiler/tests/ui`.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::{Client, edited};
use crate::Folder;

/// The least number of mistakes that have a quick fix.
const FIXED: usize = 137;
/// The least number of fixes that lead to the text of `CASE.fixed.toml`.
const EXACT: usize = 83;
#[test]
fn most_helps_are_fixes() {
    let folder = Folder::new("lsp-mistakes", &[]);
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/tests/ui");
    let mut client = Client::start(&folder.0);
    let (mut fixed, mut exact) = (0, 0);
    for code in fs::read_dir(cases).unwrap() {
        let code = code.unwrap();
        for entry in fs::read_dir(code.path()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let Some(case) = name.strip_suffix(".toml").filter(|case| !case.contains('.')) else { continue };
            // Cases of several codes may have one name.
            let case = &format!("{}-{case}", code.file_name().display());
            fs::create_dir_all(folder.0.join(case).join("presets")).unwrap();
            for beside in ["metrics", "promql"] {
                let from = path.with_extension(format!("{beside}.toml"));
                if from.exists() {
                    fs::copy(from, folder.0.join(case).join(beside).with_extension("toml")).unwrap();
                }
            }
            let (file, text) = (format!("{case}/presets/example.toml"), fs::read_to_string(&path).unwrap());
            client.open(&file, &text);
            let document = json!({ "uri": client.uri(&file) });
            let all = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 999, "character": 0 } });
            let params = json!({ "textDocument": document, "range": all, "context": { "diagnostics": [] } });
            let actions = client.request("textDocument/codeAction", params);
            let is_fix = |title: &str| !title.starts_with("allow ");
            let fix = actions.as_array().unwrap().iter().find(|it| is_fix(it["title"].as_str().unwrap()));
            let Some(fix) = fix else { continue };
            let applied = edited(&text, &fix["edit"]["changes"][client.uri(&file)]);
            let right = fs::read_to_string(path.with_extension("fixed.toml")).unwrap_or_default();
            (fixed, exact) = (fixed + 1, exact + usize::from(applied == right));
            let again = applied.matches("absent(absent(").count() + applied.matches("sum(sum(").count();
            assert_eq!(again, 0, "{case}: {applied}");
            let has_window = text.contains("{window}") || !applied.contains("{window}");
            assert!(has_window || applied.contains("window = "), "{case}: {applied}");
        }
    }
    // The others need another window or a change elsewhere, or have several ways out.
    assert!(fixed >= FIXED && exact >= EXACT, "{fixed} fixed, {exact} as in the example");
}
