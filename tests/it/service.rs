//! Services as others write them: crates outside of this workspace, built by Cargo.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{env, fs, process};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const BUILD_RS: &str =
    "//! Compiles the presets.\n\nfn main() {\n    promql_presets_compiler::build(\"presets\");\n}\n";

/// A workspace in a folder of its own, which is removed at the end.
struct Workspace {
    folder: PathBuf,
}

impl Workspace {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("promql-presets-{name}-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        let workspace = Self { folder: folder.canonicalize().unwrap() };
        let manifest = "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"3\"\n\n[profile.dev]\ndebug = 0\n";
        workspace.write("Cargo.toml", manifest);
        // The versions that this workspace is tested with, which are at hand without a network.
        fs::copy(Path::new(ROOT).join("Cargo.lock"), workspace.folder.join("Cargo.lock")).unwrap();
        workspace
    }

    /// Adds a crate below `crates/`, of a name that no other test uses, whose build script compiles `presets/`.
    fn service(&self, name: &str, dependencies: &str) {
        self.write(&format!("crates/{name}/build.rs"), BUILD_RS);
        self.library(
            name,
            &format!("{dependencies}\n[build-dependencies]\n{}", dependency("compiler", "", "-compiler")),
        );
    }

    fn library(&self, name: &str, dependencies: &str) {
        let package = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        let manifest = format!("{package}publish = false\n\n[dependencies]\n{dependencies}");
        self.write(&format!("crates/{name}/Cargo.toml"), &manifest);
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn remove(&self, path: &str) {
        let path = self.folder.join(path);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.folder.join(from), self.folder.join(to)).unwrap();
    }

    fn cargo(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // One folder for all services, so that what they depend on is built once.
        command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("services"));
        command.env_remove("RUSTFLAGS").env_remove("RUSTDOCFLAGS").env("CARGO_TERM_COLOR", "never");
        command.envs(variables.iter().copied());
        command.args(arguments).arg("--offline").current_dir(&self.folder).stdin(Stdio::null()).output().unwrap()
    }

    /// What Cargo prints where it succeeds.
    #[track_caller]
    fn passes(&self, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let output = self.cargo(arguments, variables);
        let errors = String::from_utf8(output.stderr).unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "cargo {arguments:?} failed:\n{errors}{stdout}");
        assert!(!errors.contains("--> crates/"), "cargo {arguments:?} warned:\n{errors}");
        stdout
    }

    /// The errors that Cargo prints where it fails, without its progress and the place in the generated file, which is shown
    /// at most once.
    #[track_caller]
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.cargo(arguments, &[]);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "cargo {arguments:?} passed");
        let lines: Vec<&str> =
            errors.lines().map(str::trim_end).skip_while(|line| !line.starts_with("error: ")).collect();
        let mut shown = lines.join("\n") + "\n";
        if let Some(end) = shown.find("promql_presets.rs:") {
            let start = shown[..end].rfind("\n --> ").unwrap();
            let end = end + shown[end..].find("\n\n").unwrap();
            assert_eq!(shown[start + 1..end].lines().count(), 4, "{shown}");
            shown.replace_range(start..end, "");
        }
        assert!(!shown.contains("promql_presets.rs:"), "{shown}");
        shown
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The line of a manifest that names a crate of this workspace, by its folder and the end of its name.
fn dependency(folder: &str, renamed: &str, suffix: &str) -> String {
    let package = format!("promql-presets{suffix}");
    let name = if renamed.is_empty() { &package } else { renamed };
    let path = Path::new(ROOT).join(folder);
    let features = if suffix.is_empty() { ", features = [\"macros\"]" } else { "" };
    format!("{name} = {{ path = '{}', package = \"{package}\"{features} }}\n", path.display())
}

fn preset(name: &str, template: &str) -> String {
    // Some of these services do not filter, for short templates.
    let allow = "allow = [{ check = \"unfiltered-selector\", reason = \"short\" }]\n";
    let allow = if template.contains("up") && !template.contains("{labels}") { allow } else { "" };
    format!("[presets.{name}]\ntemplate = '{template}'\n{allow}")
}

#[test]
fn new_changed_and_removed_presets_are_built() {
    let workspace = Workspace::new("life");
    workspace.service("living", &dependency("", "", ""));
    workspace.write(
        "crates/living/src/main.rs",
        "//! Names its presets.\n\npub mod presets {\n    //! Presets.\n    promql_presets::include_presets!();\n}\n\n\
         fn main() {\n    for preset in presets::ALL {\n        println!(\"{} {}\", preset.source, preset.template);\n    }\n}\n",
    );
    let presets = || workspace.passes(&["run", "--quiet"], &[]).lines().map(str::to_owned).collect::<Vec<_>>();
    let path = |name: &str| format!("crates/living/presets/{name}");

    workspace.write(&path("a.toml"), &preset("x", "up"));
    assert_eq!(presets(), ["crates/living/presets/a.toml:1 up"]);
    workspace.write(&path("b.toml"), &preset("y", "rate(up[5m])"));
    assert_eq!(presets(), ["crates/living/presets/a.toml:1 up", "crates/living/presets/b.toml:1 rate(up[5m])"]);
    workspace.write(&path("a.toml"), &preset("x", "up == 0"));
    assert_eq!(presets()[0], "crates/living/presets/a.toml:1 up == 0");
    workspace.rename(&path("b.toml"), &path("c.toml"));
    assert_eq!(presets()[1], "crates/living/presets/c.toml:1 rate(up[5m])");

    workspace.write(&path("deep/er/d.toml"), &preset("z", "1"));
    assert_eq!(presets()[2], "crates/living/presets/deep/er/d.toml:1 1");
    workspace.write(&path("deep/er/d.toml"), &preset("z", "2"));
    assert_eq!(presets()[2], "crates/living/presets/deep/er/d.toml:1 2");
    workspace.rename(&path("deep/er"), &path("deep/ly"));
    assert_eq!(presets()[2], "crates/living/presets/deep/ly/d.toml:1 2");
    workspace.remove(&path("deep/ly/d.toml"));
    assert_eq!(presets().len(), 2);
    workspace.remove(&path("c.toml"));
    assert_eq!(presets(), ["crates/living/presets/a.toml:1 up == 0"]);

    // Files that are none of ours are left alone.
    workspace.write(&path(".hidden.toml"), "not toml");
    workspace.write(&path("README.md"), "# Presets");
    assert_eq!(presets(), ["crates/living/presets/a.toml:1 up == 0"]);
}

/// A service that uses what its files promise, so that a lost constant, setter or variant would show.
const USES: &str = r#"//! A service.

pub mod presets {
    //! Presets.
    promql_presets::include_presets!();
}

use presets::{api, deep, plain};

/// Every constant, setter and variant.
pub fn uses(client: &promql_presets::PrometheusClient) {
    let querier = api::Querier::new("a").code(500).kind(api::Kind::Good).group_by([api::Label::Kind]);
    drop(client.query(api::RATE, &querier).window("1m"));
    drop(client.query(plain::UP, &promql_presets::Querier::default()));
    drop(client.query(plain::DOWN, &promql_presets::Querier::default()));
    drop(client.query(deep::er::X, &promql_presets::Querier::default()));
}
"#;

const API: &str = r#"[labels]
job  = { type = "string", required = true }
code = "integer"
kind = ["good", "bad"]

[presets.rate]
template = 'sum by ({group_by}) (rate(x_total{{{labels}}}[{window}]))'
window   = "5m"
"#;

#[test]
fn wrong_presets_are_reported_once_by_their_crate() {
    let workspace = Workspace::new("faults");
    workspace.service("faulty", &dependency("", "", ""));
    workspace.write("crates/faulty/src/lib.rs", USES);
    let path = |name: &str| format!("crates/faulty/presets/{name}");
    let write = |api: &str, plain: &str, deep: &str| {
        workspace.write(&path("api.toml"), api);
        workspace.write(&path("plain.toml"), plain);
        workspace.write(&path("deep/er.toml"), deep);
    };
    let plain = format!("{}{}", preset("up", "up{{{labels}}}"), preset("down", "up == 0"));
    write(API, &plain, &preset("x", "up"));
    workspace.passes(&["check"], &[]);

    write(
        &API.replace("{window}", "{windw}").replace("\"integer\"", "\"int\""),
        &plain.replace("'up == 0'", "'sum(up'"),
        &preset("x", "rate(up)").replacen("]\n", "]\nunti = 's'\n", 1),
    );
    assert_eq!(workspace.fails(&["check"]), FAULTS);

    // TOML that breaks off takes nothing with it that the service uses.
    let api = API.replace("))'\n", "))\n").replace("code = \"integer\"", "code = integer");
    write(&api, &plain.replace("'up == 0'", "up == 0"), "[presets.x]\ntemplate = \"up\\d\"\n");
    assert_eq!(workspace.fails(&["check"]), BROKEN_TOML);

    // Warnings do not fail a build, and are shown at each, also where nothing else has changed.
    write(API, &plain, &preset("x", r#"up{{job="a.*",{labels}}}"#));
    for _ in 0..2 {
        let output = workspace.cargo(&["check"], &[]);
        let shown = String::from_utf8(output.stderr).unwrap();
        let warning = "warning: faulty@0.1.0: crates/faulty/presets/deep/er.toml:2:";
        assert!(output.status.success() && shown.contains("[equality-looks-like-regex]"), "{shown}");
        assert_eq!(shown.matches(warning).count(), 1, "{shown}");
    }

    write(API, &plain, &preset("x", "up"));
    workspace.passes(&["check"], &[]);

    workspace.remove("crates/faulty/presets");
    assert_eq!(workspace.fails(&["check"]), NO_FOLDER);
}

const FAULTS: &str = r#"error: unknown label type `int` [invalid-value]
        --> crates/faulty/presets/api.toml:3:8
         |
       3 | code = "int"
         |        ^^^^^
         |
         = help: write `"integer"`
         = note: values are `string`, `uuid`, `integer`

       error: unknown placeholder `windw` [unknown-placeholder]
        --> crates/faulty/presets/api.toml:7:60
         |
       7 | template = 'sum by ({group_by}) (rate(x_total{{{labels}}}[{windw}]))'
         |                                                            ^^^^^ not a placeholder
         |
         = help: a placeholder with a similar name exists: `window`

       error: unknown key `unti` in a preset [unknown-key]
        --> crates/faulty/presets/deep/er.toml:2:1
         |
       2 | unti = 's'
         | ^^^^
         |
         = help: a key with a similar name exists: `unit`

       error: `rate` takes a range vector [type-mismatch]
        --> crates/faulty/presets/deep/er.toml:3:18
         |
       3 | template = 'rate(up)'
         |             ---- ^^ this is an instant vector
         |             |
         |             required by this call
         |
         = help: select a range: `up[{window}]`

       error: unclosed `(` [syntax]
        --> crates/faulty/presets/plain.toml:4:16
         |
       4 | template = 'sum(up'
         |                ^ opened here, never closed

error: could not compile `faulty` (lib) due to 1 previous error
"#;
const BROKEN_TOML: &str = r#"error: string without quotes [invalid-toml]
        --> crates/faulty/presets/api.toml:3:8
         |
       3 | code = integer
         |        ^^^^^^^
         |
         = help: put it in quotes: `'integer'`

       error: unclosed string [invalid-toml]
        --> crates/faulty/presets/api.toml:7:12
         |
       7 | template = 'sum by ({group_by}) (rate(x_total{{{labels}}}[{window}]))
         |            ^ opened here, never closed

       error: unknown escape `\d` [invalid-toml]
        --> crates/faulty/presets/deep/er.toml:2:15
         |
       2 | template = "up\d"
         |               ^^
         |
         = help: write `\\d`, or put the string in single quotes

       error: string without quotes [invalid-toml]
        --> crates/faulty/presets/plain.toml:4:12
         |
       4 | template = up == 0
         |            ^^
         |
         = help: put it in quotes: `'up == 0'`

error: could not compile `faulty` (lib) due to 1 previous error
"#;
const NO_FOLDER: &str = r"error: cannot read `crates/faulty/presets`: No such file or directory (os error 2)

         = help: create the folder `crates/faulty/presets`, or name another one in `build.rs`

error: could not compile `faulty` (lib) due to 1 previous error
";

/// Lints at their strictest, as services set them for themselves.
const STRICT: &str = "#![deny(warnings, missing_docs, unreachable_pub, dead_code, missing_debug_implementations)]\n\
    #![deny(unused, nonstandard_style, future_incompatible, let_underscore_drop, single_use_lifetimes)]\n\
    #![deny(unused_qualifications, trivial_casts, unused_lifetimes, clippy::all, clippy::pedantic, rustdoc::all)]\n\
    #![deny(clippy::nursery, clippy::allow_attributes, clippy::allow_attributes_without_reason)]\n\
    #![deny(clippy::missing_docs_in_private_items, clippy::absolute_paths, clippy::min_ident_chars)]\n\
    #![forbid(unsafe_code)]\n";

/// Prose, names and values that rustdoc and rustc could take for something else.
const HOSTILE: &str = r#"description = """
See [brackets], [`code`], <html>, <T>, a_b_c*d, `unclosed, https://example.com/a_b?c=[d] and {braces} \u202e\u0000\r.

    let indented = block;

```
bare(fence);
```

~~~rust
unclosed(fence);
"""

[labels]
"http.code"  = { type = "integer", description = "[x] <y> */ \"z\"" }
type         = ["a\"b", "c\\d", "e\nf", "`g`", "[h]", "", "self", "5xx"]
label        = ["x"]
label_value  = ["y"]
metric_name  = { type = "string", required = true }
querier      = "uuid"
new          = "string"
"größe\n*/"  = "string"

[presets.labels]
description = "///  */ ``` [`nothing`] \u202e"
unit        = "[u] <v>\nw"
template    = '''
sum by ({group_by}) (
    {metric_name}{{path=~"/a`b```c/.*",quote='"',{labels}}} # "comment" */
)
'''

[presets.all]
template = "rate({metric_name}{{{labels}}}[{window}])"
window   = "1h30m"

[presets.ref]
template = "1"

[presets.p]
template = "'text'"

[presets.range]
template = "{metric_name}{{{labels}}}[5m]"
"#;

#[test]
fn inline_presets_see_the_snapshot_and_its_changes() {
    let workspace = Workspace::new("inline");
    workspace.library("inlined", &dependency("", "", ""));
    workspace.write(
        "crates/inlined/src/lib.rs",
        "//! Has an inline preset.\n\n/// The rate of requests.\n#[must_use]\npub fn template() -> &'static str {\n    \
         promql_presets::preset!(\"sum by ({group_by}) (rate(http_requests_total{{{labels}}}[5m]))\").info().template\n}\n",
    );
    let known = |name: &str| {
        workspace.write("crates/inlined/metrics.toml", &format!("[{name}]\ntype = \"counter\"\nlabels = [\"code\"]\n"));
    };
    let check = ["check", "--quiet"];
    workspace.write("crates/inlined/presets/a.toml", &preset("x", "up"));
    known("http_requests_total");
    workspace.passes(&check, &[]);
    // Only the snapshot changes, and the code is compiled again.
    known("http_request_total");
    let errors = workspace.fails(&check);
    for expected in [
        "no metric `http_requests_total`",
        " --> crates/inlined/src/lib.rs:6:",
        "a metric with a similar name exists: `http_request_total`",
    ] {
        assert!(errors.contains(expected), "{errors}");
    }
    known("http_requests_total");
    workspace.passes(&check, &[]);
    // The settings beside it leave it open.
    workspace.write("crates/inlined/promql.toml", "[metrics]\nopen = [\"http_*\"]\n");
    known("up");
    workspace.passes(&check, &[]);
}

#[test]
fn services_with_the_strictest_lints_stay_clean() {
    let workspace = Workspace::new("strict");
    // The library under another name, in a module without a prelude, with names that shadow those of `core`.
    workspace.service("strict", &dependency("", "pp", ""));
    workspace.write("crates/strict/presets/hostile.toml", HOSTILE);
    workspace.write("crates/strict/presets/type/self-test.toml", &preset("async", "up"));
    workspace.write(
        "crates/strict/presets/container.toml",
        &fs::read_to_string(Path::new(ROOT).join("presets/container_utilization.toml")).unwrap(),
    );
    workspace.write(
        "crates/strict/src/lib.rs",
        &format!(
            r#"//! A service.
{STRICT}
/// Presets.
#[no_implicit_prelude]
pub mod presets {{
    ::pp::include_presets!();
}}

/// Presets of this test alone.
mod own {{
    pp::include_presets!();
}}

/// Everything renders.
///
/// # Errors
/// None.
pub fn render() -> Result<Vec<String>, pp::RenderError> {{
    use own::hostile::{{ALL, LABELS, Label, LabelValue, LabelValueValue, P, Querier, RANGE, REF, Type}};

    const INLINE: pp::Preset<dyn pp::MetricQuerier, pp::Vector, pp::Windowed> =
        pp::preset!("rate({{metric_name}}{{{{{{labels}}}}}}[{{window}}])", window = "5m");

    #[derive(Debug, pp::MetricQuerier)]
    #[querier(crate = pp, name = "up")]
    struct Up {{
        r#type: Option<String>,
    }}

    let querier = Querier::new("m", "n").r#type(Type::V5xx).label(LabelValueValue::X).label_value(LabelValue::Y);
    let querier = querier.http_code(5).new_label("n").gr_e("o").group_by([Label::HttpCode, Label::Type]);
    Ok(vec![
        LABELS.render(&querier, None)?,
        ALL.render(&querier, None)?,
        REF.render(&querier, None)?,
        P.render(&querier, None)?,
        RANGE.render(&querier, None)?,
        own::r#type::self_test::ASYNC.render(&pp::Querier::default(), None)?,
        INLINE.render(&Up {{ r#type: None }}, None)?,
    ])
}}
"#
        ),
    );
    // The library through another crate.
    workspace.library("facade", &dependency("", "", ""));
    workspace.write("crates/facade/src/lib.rs", "//! Passes the library on.\npub use promql_presets as metrics;\n");
    workspace.service("through-facade", "facade = { path = \"../facade\" }\n");
    workspace.write("crates/through-facade/presets/up.toml", &preset("up", "up{{{labels}}}"));
    workspace.write(
        "crates/through-facade/src/lib.rs",
        &format!(
            r#"//! A service.
{STRICT}
use facade::metrics::{{self, MetricQuerier, Preset, Scalar}};

/// Presets.
pub mod presets {{
    facade::metrics::include_presets!();
}}

/// A preset between Rust code.
pub const ONE: Preset<dyn MetricQuerier, Scalar> = metrics::preset!("1");

/// A querier.
#[derive(Debug, MetricQuerier)]
#[querier(crate = metrics)]
pub struct Of {{
    /// The job.
    pub job: String,
}}

/// It renders.
///
/// # Errors
/// None.
pub fn up(job: String) -> Result<String, metrics::RenderError> {{
    presets::up::UP.render(&Of {{ job }}, None)
}}
"#
        ),
    );
    workspace.passes(&["clippy", "--workspace", "--all-targets"], &[]);
    workspace
        .passes(&["doc", "--workspace", "--no-deps", "--document-private-items"], &[("RUSTDOCFLAGS", "-D warnings")]);
    workspace.passes(&["test", "--workspace", "--quiet", "--doc"], &[]);
}
