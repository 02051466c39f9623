//! A real editor: Neovim, without a screen.

use std::path::Path;

use promql_presets_test_support::{neovim, servers_required};

use crate::Folder;

const PRESETS: &str = "\
[labels]
method = [\"get\", \"post\"]

[presets.rate]
# 😀
template = 'sum  by (method, {group_by})(rate(x_total{{{labels}}}[{windw}]))'
window = \"5m\"
";

#[test]
#[expect(clippy::print_stderr, reason = "a test that can be skipped")]
fn neovim_shows_fixes_completes_and_renames() {
    let Some(mut neovim) = neovim().unwrap() else {
        assert!(!servers_required(), "no Neovim");
        eprintln!("skipped: no Neovim; `cargo xtask servers` fetches it");
        return;
    };
    let folder = Folder::new("lsp-neovim", &[("presets/a.toml", PRESETS)]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/lsp/neovim.lua");
    let output = neovim
        .args(["--headless", "-u", "NONE", "-i", "NONE", "-n", "-c"])
        .arg(format!("luafile {}", script.display()))
        .env("SERVER", env!("CARGO_BIN_EXE_promql-presets"))
        .env("FILE", folder.0.join("presets/a.toml"))
        .env("HOME", &folder.0)
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    let shown: Vec<&str> = out.lines().collect();
    let expected = [
        "diagnostic: unknown-placeholder at 5:67 unknown placeholder `windw`",
        "fixed: template = 'sum  by (method, {group_by})(rate(x_total{{{labels}}}[{window}]))'",
        "hover: `method`: label, one of some values  Values: `get`, `post`",
        "definition: method = [\"get\", \"post\"]",
        "renamed: verb = [\"get\", \"post\"] template = 'sum  by (verb, {group_by})(rate(x_total{{{labels}}}[{window}]))'",
        "formatted: template = 'sum by (verb, {group_by})",
        "completed: sum by (😀verb",
        "signature: topk by (labels) (scalar, vector) : vector at vector",
        "reference: 2 verb = [\"get\", \"post\"]",
        "reference: 8 topk by (verb)(3, v)",
        "symbols: [Namespace] labels, [Field] verb, [Function] rate",
    ];
    assert_eq!(shown.len(), expected.len(), "{out}\n{err}");
    for (shown, expected) in shown.iter().zip(expected) {
        assert!(shown.starts_with(expected), "{shown}\n{out}\n{err}");
    }
}
