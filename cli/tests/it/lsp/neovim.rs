//! A real editor: Neovim, without a screen.

use std::env;
use std::path::Path;
use std::process::Command;

use promql_presets_test_support::{neovim, servers_required};

use crate::Folder;
use crate::snippets::block;

const PRESETS: &str = "\
[labels]
method = [\"get\", \"post\"]

[presets.rate]
# 😀
template = 'sum  by (method, {group_by})(rate(x_total{{{labels}}}[{windw}]))'
window = \"5m\"
";

/// With each of the documented configurations, which find the server on `PATH`.
#[test]
#[expect(clippy::print_stderr, reason = "a test that can be skipped")]
fn neovim_shows_fixes_completes_and_renames() {
    let Some(neovim) = neovim().unwrap() else {
        assert!(!servers_required(), "no Neovim");
        eprintln!("skipped: no Neovim; `cargo xtask servers` fetches it");
        return;
    };
    for files in [
        &[".config/nvim/lsp/promql_presets.lua", ".config/nvim/init.lua"][..],
        &[".config/nvim/plugin/promql_presets.lua"],
    ] {
        drive(&neovim, files);
    }
}

fn drive(neovim: &Command, configuration: &[&str]) {
    let texts: Vec<_> = configuration.iter().map(|path| (*path, block("lua", path))).collect();
    let presets = [("service/presets/a.toml", PRESETS)];
    let files = texts.iter().map(|(path, text)| (*path, &**text)).chain(presets).collect::<Vec<_>>();
    let folder = Folder::new("lsp-neovim", &files);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/lsp/neovim.lua");
    let server = Path::new(env!("CARGO_BIN_EXE_promql-presets")).parent().unwrap();
    let path =
        env::join_paths([server.to_path_buf()].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap())));
    let mut command = Command::new(neovim.get_program());
    command.args(neovim.get_args()).envs(neovim.get_envs().filter_map(|(name, value)| Some((name, value?))));
    for (variable, below) in [("CONFIG", ".config"), ("DATA", ".data"), ("STATE", ".state"), ("CACHE", ".cache")] {
        command.env(format!("XDG_{variable}_HOME"), folder.0.join(below));
    }
    let output = command
        .args(["--headless", "-i", "NONE", "-n", "-c"])
        .arg("lua xpcall(dofile, function(error) io.stderr:write(error) vim.cmd('cquit') end, os.getenv('SCRIPT'))")
        .env("SCRIPT", script)
        .env("PATH", path.unwrap())
        .env("FILE", folder.0.join("service/presets/a.toml"))
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
