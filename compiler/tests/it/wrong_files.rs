//! Wrong preset files that are no cases of `tests/ui`: with mistakes of several kinds, which do not hide each other, with
//! bytes that are no text, or with names that depend on each other.

use promql_presets_compiler::{SourceFile, compile, diagnostic::emit};

/// The findings about files, one line each, without the path of `a.toml`.
pub(crate) fn said(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<SourceFile> = files
        .iter()
        .map(|(name, text)| SourceFile {
            name: (*name).to_owned(),
            path: format!("presets/{name}"),
            text: (*text).to_owned(),
        })
        .collect();
    let findings = compile(&files).findings;
    let line = |finding: &promql_presets_compiler::Finding| {
        emit::Messages::of(&files[finding.file]).short(&finding.diagnostic)
    };
    // Findings about valid queries are tested elsewhere. Here, templates are as short as possible.
    let of_files = findings.iter().filter(|finding| !finding.diagnostic.code.is_allowable());
    of_files.map(line).map(|line| line.trim_start_matches("presets/a.toml:").to_owned()).collect()
}

/// A file, and its findings.
pub(crate) type Case = (&'static str, &'static [&'static str]);

pub(crate) fn check(cases: &[Case]) {
    let mut wrong = String::new();
    for (text, expected) in cases {
        let said = said(&[("a.toml", text)]);
        if said != *expected {
            let lines: Vec<String> = said.iter().map(|line| format!("{line:?}")).collect();
            wrong += &format!("{text}\n=> &[{}]\n------\n", lines.join(", "));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn bytes_that_are_no_text() {
    check(&[
        (
            "# \u{FFFF}\u{FFFF}\n[presets.a]\ntemplat = 'up'\n",
            &["3:1: error: unknown key `templat` in a preset [unknown-key]"],
        ),
        ("[presets.caf\u{FFFF}]\n", &["1:13: error: invalid UTF-8 [invalid-toml]"]),
        ("\u{FFFF}\u{FFFF}[\0a\0]\0", &["1:1: error: invalid UTF-8 [invalid-toml]"]),
        ("[presets.a]\ntemplate = 'u\0p'\n", &["2:14: error: control character U+0000 [invalid-toml]"]),
        ("[presets.a]\ntemplate = 'up'\n\0", &["3:1: error: invalid unquoted key [invalid-toml]"]),
        (
            "[presets.a]\ntemplate = 'up'\rdescription = ''\n",
            &["2:17: error: carriage return must be followed by newline [invalid-toml]"],
        ),
    ]);
}

#[test]
fn several_mistakes() {
    check(&[
        (
            "[presets.a\ntemplate = 'up'\n[presets.b]\ntemplate = 'sum(up'\n",
            &["1:11: error: unclosed table [invalid-toml]", "4:16: error: unclosed `(` [syntax]"],
        ),
        (
            "[presets.a]\nx\ny\ntemplate = 'sum(up'\n",
            &["2:2: error: key without a value [invalid-toml]", "3:2: error: key without a value [invalid-toml]"],
        ),
        (
            "[presets.a b]\nx\ny = 1\n[foo]\nz\n",
            &[
                "1:11: error: unclosed table [invalid-toml]",
                "4:2: error: unknown key `foo` in a preset file [unknown-key]",
                "5:2: error: key without a value [invalid-toml]",
            ],
        ),
        (
            "presets:\n  a:\n    template: up\n",
            &[
                "1:8: error: key without a value [invalid-toml]",
                "2:5: error: key without a value [invalid-toml]",
                "3:15: error: key without a value [invalid-toml]",
            ],
        ),
        (
            "features = ['experimental-functions', 'promql-experimental-function', 1]\n[presets.a]\ntemplate = 'up'\n",
            &[
                "1:13: error: unknown feature `experimental-functions` [invalid-value]",
                "1:39: error: unknown feature `promql-experimental-function` [invalid-value]",
                "1:71: error: an entry of `features` must be a string, not an integer [wrong-type]",
            ],
        ),
        (
            "[metric]\nname = 'x'\ntype = 'Counter'\nhelp = 'x'\n",
            &[
                "3:8: error: unknown metric type `Counter` [invalid-value]",
                "4:1: error: unknown key `help` in `[metric]` [unknown-key]",
            ],
        ),
        (
            "[labels]\njob = ['a', 1, 'a', 'A']\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
            &[
                "2:13: error: an entry of `values` must be a string, not an integer [wrong-type]",
                "2:16: error: duplicate value `a` [duplicate-value]",
                "2:21: error: `A` and `a` become the same name `A` [duplicate-label]",
            ],
        ),
        (
            "[presets.a]\ntemplate = 'up{{job=~\"a{1,}b{3}\"}}'\n",
            &[
                "2:24: error: single braces in a string [lone-brace]",
                "2:29: error: single braces in a string [lone-brace]",
            ],
        ),
        (
            "[presets.a]\ntemplate = '{windw} + {lables} + {x'\n",
            &[
                "2:14: error: unknown placeholder `windw` [unknown-placeholder]",
                "2:24: error: unknown placeholder `lables` [unknown-placeholder]",
                "2:34: error: single `{` in a template [lone-brace]",
            ],
        ),
    ]);
}

#[test]
fn several_files() {
    let good = "[presets.a]\ntemplate = 'up'\n";
    let wrong = "[presets.a]\ntemplate = 'up{'\n";
    let said =
        said(&[("9.toml", wrong), ("a-b.toml", good), ("a_b.toml", wrong), ("self.toml", good), ("x/ü.toml", good)]);
    assert_eq!(
        said,
        [
            "presets/9.toml:1:1: error: invalid name of a preset file: `presets/9.toml` [invalid-name]",
            "presets/9.toml:2:15: error: single `{` in a template [lone-brace]",
            "presets/a_b.toml:1:1: error: `presets/a_b.toml` becomes the module `a_b`, as does `presets/a-b.toml` [duplicate-module]",
            "presets/a_b.toml:2:15: error: single `{` in a template [lone-brace]",
            "presets/self.toml:1:1: error: invalid name of a preset file: `presets/self.toml` [invalid-name]",
            "presets/x/ü.toml:1:1: error: invalid name of a preset file: `presets/x/ü.toml` [invalid-name]",
        ]
    );
}

#[test]
fn invalid_utf8_is_valid_in_comments() {
    let file = |text: &str| said(&[("a.toml", text)]);
    assert_eq!(file("# \u{FFFF}\n[presets.a] # \u{FFFF}\ntemplate = 'up{{{labels}}} # \u{FFFF}'\n"), [""; 0]);
    for wrong in [
        "[presets.a]\ntemplate = 'up{{a=\"\u{FFFF}\",{labels}}}'\n",
        "[presets.a]\ntemplate = 'up{{a=\"# \u{FFFF}\",{labels}}}'\n",
        "description = '\u{FFFF}'\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
    ] {
        assert_eq!(file(wrong).len(), 1, "{wrong}");
    }
}

#[test]
fn replacement_characters_are_characters() {
    assert_eq!(said(&[("a.toml", "description = '\u{FFFD}'\n[presets.a]\ntemplate = 'up{{{labels}}}'\n")]), [""; 0]);
}

#[test]
fn only_the_last_ending_is_left_out_of_a_module() {
    let text = "[presets.a]\ntemplate = 'up{{{labels}}}'\n";
    assert_eq!(
        said(&[("a.toml", text), ("a.toml.toml", text)]),
        ["presets/a.toml.toml:1:1: error: invalid name of a preset file: `presets/a.toml.toml` [invalid-name]"]
    );
}

#[test]
fn a_snapshot_that_cannot_be_read_is_the_only_finding() {
    let own = "[metric]\nname = \"pod_status\"\ntype = \"gauge\"\n[labels]\nphase = [\"up\"]\n[presets.a]\n\
        template = 'sum(pod_status{{pod=\"a\",{labels}}})'\n";
    let other =
        "[presets.a]\ntemplate = 'sum by (pod) (pod_status{{phase=\"down\",{labels}}} + pod_statut{{{labels}}})'\n";
    let said = |snapshot: &[(&str, &str)]| {
        let files = [("own.toml", own), ("other.toml", other)].into_iter().chain(snapshot.iter().copied());
        let file = |(name, text): (&str, &str)| SourceFile {
            name: name.to_owned(),
            path: name.to_owned(),
            text: text.to_owned(),
        };
        let findings = compile(&files.map(file).collect::<Vec<_>>()).findings;
        findings.iter().map(|finding| finding.diagnostic.title.clone()).collect::<Vec<_>>()
    };
    assert!(said(&[]).len() > 3, "{:?}", said(&[]));
    let table = "[pod_status]\ntype = \"gauge\"\nlabels = [\"phase\", \"pod\"]\n";
    assert_eq!(said(&[(SourceFile::METRICS, &table.repeat(2))]), ["duplicate key `pod_status`"]);
}
