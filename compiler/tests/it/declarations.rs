//! Labels and parameters as preset files declare them, and what is generated for them.

use promql_presets_compiler::diagnostic::emit;
use promql_presets_compiler::{SourceFile, compile};

use crate::wrong_files::{check, said};

#[test]
fn a_required_label_has_a_place_in_every_preset() {
    let allow = "allow = [{ check = \"unfiltered-selector\", reason = \"r\" }]";
    let file = |template: &str| {
        format!(
            "[labels]\njob = {{ type = \"string\", required = true }}\n[presets.a]\ntemplate = 'up{{{{{{labels}}}}}}'\n\
             [presets.b]\ntemplate = '{template}'\n{allow}\n"
        )
    };
    let expected = "5:10: error: `b` has no place for the required label `job` [unused-labels]";
    assert_eq!(said(&[("a.toml", &file("up"))]), [expected]);
    assert_eq!(said(&[("a.toml", &file("up / up{{{labels}}}"))]), [""; 0]);
}

#[test]
fn queriers_offer_what_some_template_takes() {
    let code = |templates: &[&str]| {
        let mut text = "[labels]\njob = 'string'\n".to_owned();
        for (number, template) in templates.iter().enumerate() {
            text += &format!("[presets.p{number}]\ntemplate = '{template}'\n");
        }
        compile(&[SourceFile { name: "a.toml".to_owned(), path: "presets/a.toml".to_owned(), text }]).code
    };
    let offers = |code: &str| [code.contains("pub fn job("), code.contains("pub fn group_by(")];
    assert_eq!(offers(&code(&["up{{{labels}}}"])), [true, false]);
    assert_eq!(offers(&code(&["sum by ({group_by})(up)"])), [false, true]);
    assert_eq!(offers(&code(&["up{{{labels}}}", "sum by ({group_by})(up)"])), [true, true]);
    assert_eq!(offers(&code(&["up{{{labels}}}", "sum by ({group_bi})(up)"])), [true, true]);
    assert_eq!(offers(&code(&[])), [true, true]);
}

#[test]
fn two_files_declare_the_labels_of_a_metric_alike() {
    let file = |kind: &str| {
        format!("[metric]\nname = 'm'\n[labels]\ncode = {kind}\n[presets.a]\ntemplate = 'm{{{{{{labels}}}}}}'\n")
    };
    let conflicts = |first: &str, second: &str| said(&[("a.toml", &file(first)), ("b.toml", &file(second))]);
    let conflict =
        |text: &str| format!("presets/b.toml:4:1: error: label `code` of `m` declared with two types [{text}]");
    assert_eq!(conflicts("'integer'", "'string'"), [conflict("conflicting-metric")]);
    assert_eq!(conflicts("'uuid'", "{ type = 'uuid', prefix = 'GPU-' }"), [conflict("conflicting-metric")]);
    assert_eq!(conflicts("['a', 'b']", "['a', 'c']"), [conflict("conflicting-metric")]);
    assert_eq!(conflicts("['a', 'b']", "{ values = ['b', 'a'] }"), [""; 0]);
    assert_eq!(conflicts("'integer'", "{ type = 'integer', description = 'x' }"), [""; 0]);
}

#[test]
fn an_undeclared_label_names_the_file_that_declares_the_metric() {
    let files = [
        ("a.toml", "[metric]\nname = 'm'\n[labels]\ncode = 'integer'\n"),
        ("b.toml", "[presets.a]\ntemplate = 'm{{path=\"x\",{labels}}}'\n"),
    ]
    .map(|(name, text)| SourceFile {
        name: name.to_owned(),
        path: format!("presets/{name}"),
        text: text.to_owned(),
    });
    let finding = &compile(&files).findings[0];
    let text = emit::Messages::of(&files[1]).full(&finding.diagnostic);
    assert!(text.contains("not among the labels that `presets/a.toml` declares"), "{text}");
    assert!(text.contains("below `[labels]` of `presets/a.toml`"), "{text}");
}

#[test]
fn labels_have_names_in_rust() {
    let compiled = |labels: &str| {
        let text =
            format!("[labels]\n{labels}\n[presets.a]\ntemplate = 'sum by ({{group_by}})(m{{{{{{labels}}}}}})'\n");
        compile(&[SourceFile { name: "a.toml".to_owned(), path: "presets/a.toml".to_owned(), text }])
    };
    let both = "hostname = 'string'\nHostname = { values = ['a'], rust_name = 'legacy_hostname' }";
    let output = compiled(both);
    assert_eq!(output.findings, []);
    for text in [
        "pub fn legacy_hostname(",
        "Self::LegacyHostname => \"Hostname\"",
        "__p::with_label(self.0, \"Hostname\", condition)",
        "pub enum LegacyHostname",
    ] {
        assert!(output.code.contains(text), "{text}:\n{}", output.code);
    }
    let clash = &compiled("hostname = 'string'\nHostname = 'string'").findings[0].diagnostic;
    let help = "name one of them in Rust: `Hostname = { type = \"string\", rust_name = \"hostname_2\" }`";
    assert_eq!(clash.help.as_deref(), Some(help));
    let keyword = compiled("type = 'string'\n_type = 'string'").findings;
    assert!(keyword[0].diagnostic.help.as_ref().is_some_and(|help| help.contains("\"type_2\"")), "{keyword:?}");
    let unnamed = &compiled("\"_\" = 'string'").findings[0].diagnostic;
    assert!(unnamed.help.as_ref().is_some_and(|help| help.contains("rust_name")), "{unnamed:?}");
    assert_eq!(compiled("\"_\" = { rust_name = 'blank' }").findings, []);
    check(&[(
        "[labels]\na = { rust_name = 'a-b' }\nb = { type = 'integer', prefix = 'x' }\n[presets.a]\ntemplate = 'up{{{labels}}}'",
        &[
            "2:19: error: invalid `rust_name`: `a-b` [invalid-name]",
            "3:34: error: `prefix` of a label that is not a UUID [invalid-value]",
        ],
    )]);
}

#[test]
fn uuids_may_have_a_prefix() {
    let text = "[labels]\nUUID = { type = 'uuid', prefix = 'GPU-' }\n[metric]\nname = 'm'\n[presets.a]\n\
        template = 'm{{UUID=\"6a9f3c0e-8d1b-4e5f-9a2c-7b6d5e4f3a21\",{labels}}}'\n";
    let file =
        |text: &str| SourceFile { name: "a.toml".to_owned(), path: "presets/a.toml".to_owned(), text: text.to_owned() };
    let output = compile(&[file(text)]);
    assert_eq!(output.findings[0].diagnostic.label, "declared as a UUID after `GPU-`");
    let output = compile(&[file(&text.replace("6a9f", "GPU-6a9f"))]);
    assert_eq!(output.findings, []);
    assert!(output.code.contains(".__prefixed(\"GPU-\")") && output.code.contains("prefix: \"GPU-\""));
}

#[test]
fn a_use_of_a_label_restricts_callers() {
    let text = |label: &str| {
        format!("[labels]\nzone = {label}\n[presets.a]\ntemplate = 'sum by ({{group_by}})(up{{{{{{labels}}}}}})'\n")
    };
    let offers = |label: &str| {
        let (name, path) = ("a.toml".to_owned(), "presets/a.toml".to_owned());
        let output = compile(&[SourceFile { name, path, text: text(label) }]);
        assert_eq!(output.findings, []);
        // A setter, a label to group by, and so a field of rows.
        ["pub fn zone(", "Self::Zone => \"zone\"", "pub struct Row {"].map(|item| output.code.contains(item))
    };
    assert_eq!(offers("'string'"), [true, true, true]);
    assert_eq!(offers("{ use = ['filter'] }"), [true, false, false]);
    assert_eq!(offers("{ use = ['group_by'] }"), [false, true, true]);
    for (label, message) in [
        ("{ use = ['group'] }", "2:17: error: unknown use of a label `group` [invalid-value]"),
        ("{ use = [] }", "2:16: error: a label without a use [invalid-value]"),
        ("{ use = 'filter' }", "2:16: error: `use` must be an array of strings, not a string [wrong-type]"),
        ("{ use = ['filter', 'filter'] }", "2:27: error: duplicate use `filter` [duplicate-value]"),
        (
            "{ use = ['group_by'], required = true }",
            "2:10: error: required label that callers cannot filter on [invalid-value]",
        ),
    ] {
        assert_eq!(said(&[("a.toml", &text(label))]), [message], "{label}");
    }
}

/// The findings about a preset with parameters.
fn with_parameters(parameters: &str, template: &str) -> Vec<String> {
    said(&[("a.toml", &format!("[presets.a]\nparameters = {parameters}\ntemplate = '{template}'\n"))])
}

#[test]
fn parameters_have_a_type_a_default_and_bounds() {
    for (parameters, expected) in [
        ("{ n = 1 }", "2:20: error: a parameter must be a table, not an integer [wrong-type]"),
        ("{ n = {} }", "2:16: error: missing `type` of the parameter `n` [missing-key]"),
        ("{ n = { type = 'number' } }", "2:16: error: missing `default` of the parameter `n` [missing-key]"),
        ("{ n = { default = 1 } }", "2:16: error: missing `type` of the parameter `n` [missing-key]"),
        ("{ n = { type = 'float', default = 1 } }", "2:29: error: unknown type of a parameter `float` [invalid-value]"),
        (
            "{ n = { type = 'integer', default = 1.5 } }",
            "2:50: error: `default` must be an integer, not a float [wrong-type]",
        ),
        (
            "{ n = { type = 'number', default = 'x' } }",
            "2:49: error: `default` must be a number, not a string [wrong-type]",
        ),
        (
            "{ n = { type = 'number', default = inf } }",
            "2:49: error: `default` must be a number, not a float [wrong-type]",
        ),
        (
            "{ n = { type = 'duration', default = 5 } }",
            "2:51: error: `default` must be a duration in quotes, not an integer [wrong-type]",
        ),
        ("{ n = { type = 'duration', default = '5x' } }", "2:52: error: invalid duration `5x` [invalid-duration]"),
        ("{ n = { type = 'number', default = 2, max = 1 } }", "2:49: error: `default` above `max` [invalid-value]"),
        ("{ n = { type = 'number', default = 0, min = 1 } }", "2:49: error: `default` below `min` [invalid-value]"),
        (
            "{ n = { type = 'number', default = 0, min = 1, max = 0 } }",
            "2:67: error: `max` below `min` [invalid-value]",
        ),
        (
            "{ n = { type = 'number', default = 0, step = 1 } }",
            "2:52: error: unknown key `step` in a parameter [unknown-key]",
        ),
    ] {
        assert_eq!(with_parameters(parameters, "x > {n}"), [expected], "{parameters}");
    }
    let names = "N = { type = 'number', default = 0 }, window = { type = 'number', default = 0 }";
    assert_eq!(
        with_parameters(&format!("{{ {names} }}"), "x"),
        [
            "2:16: error: invalid name of a parameter: `N` [invalid-name]",
            "2:54: error: invalid name of a parameter: `window` [invalid-name]",
        ]
    );
}

#[test]
fn parameters_stand_for_whole_numbers_and_durations() {
    const PARAMETERS: &str = "{ n = { type = 'integer', default = 5, min = 1, max = 9 }, \
        long = { type = 'duration', default = '1h', min = '10m', max = '1d' } }";
    for template in ["topk({n}, x) + vector({long})", "rate(x[{long}:{n}] offset -{long}) ^ {n}"] {
        assert_eq!(with_parameters(PARAMETERS, template), [""; 0], "{template}");
    }
    for (template, expected) in [
        (r#"x{{a="{n}"}} > {n} + {long}"#, "3:19: error: `n` inside a string [misplaced-placeholder]"),
        ("{n}x + {long}", "3:13: error: `n` as a part of a number [misplaced-placeholder]"),
        ("x{n} + {long}", "3:14: error: missing operator before `{n}` [syntax]"),
        ("1{n} + {long}", "3:14: error: `n` as a part of a number [misplaced-placeholder]"),
        ("{n}{long}", "3:13: error: `n` as a part of a number [misplaced-placeholder]"),
        ("{n}5 + {long}", "3:13: error: `n` as a part of a number [misplaced-placeholder]"),
        ("x[{long}{n}]", "3:15: error: `long` as a part of a duration [misplaced-placeholder]"),
        ("{n}({long})", "3:16: error: missing operator before `(` [syntax]"),
        ("x @ {n} + {long}", "3:17: error: `@` without a timestamp [syntax]"),
        ("sum by ({n})(x) + {long}", "3:21: error: invalid label name [syntax]"),
        ("x{{{n}}} + {long}", "3:16: error: unexpected `{n}` [syntax]"),
        ("{n} + {long} + {m}", "3:29: error: unknown placeholder `m` [unknown-placeholder]"),
    ] {
        assert_eq!(with_parameters(PARAMETERS, template), [expected], "{template}");
    }
}
