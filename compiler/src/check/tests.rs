//! A short way to ask what the checks say about one preset.

use crate::{SourceFile, compile};

/// Codes and marked texts of the findings of a file.
pub(super) fn of_file(text: &str) -> Vec<String> {
    let file = SourceFile { name: "a.toml".into(), path: "presets/a.toml".into(), text: text.into() };
    let found = compile(std::slice::from_ref(&file)).findings;
    found
        .iter()
        .map(|finding| format!("{}: {}", finding.diagnostic.code.as_str(), &text[finding.diagnostic.span.range()]))
        .collect()
}

/// Codes and marked texts of the findings of a template.
pub(super) fn of_template(template: &str) -> Vec<String> {
    let window = if template.contains("{window}") { "window = \"5m\"\n" } else { "" };
    of_file(&format!("[presets.a]\ntemplate = '''\n{template}'''\n{window}"))
}

#[test]
fn a_filter_reaches_every_selector() {
    assert_eq!(of_template("up{{{labels}}} / a{{job=\"x\",{labels}}}"), [""; 0]);
    assert_eq!(of_template("up"), ["unfiltered-selector: up"]);
    assert_eq!(of_template("vector(1)"), [""; 0]);
    assert_eq!(
        of_template("a{{{labels}}} * on (x) group_left () info or b{{{labels}}} unless c{{d=\"e\"}}"),
        ["unfiltered-selector: info", "unfiltered-selector: c{{d=\"e\"}}"]
    );
}

#[test]
fn an_allow_silences_one_check_and_is_used() {
    let allow = |template: &str| {
        of_file(&format!(
            "[presets.a]\ntemplate = '{template}'\nallow = [{{ check = \"unfiltered-selector\", reason = \"r\" }}]"
        ))
    };
    assert_eq!(allow("up"), [""; 0]);
    assert_eq!(allow("up{{{labels}}}"), ["unused-allow: \"unfiltered-selector\""]);
    // A template that is not understood says nothing about what it would need.
    assert_eq!(allow("up{{{labels}}} +").len(), 1);
}

#[test]
fn one_metric_has_one_type() {
    let file = |name: &str, kind: &str| SourceFile {
        name: name.into(),
        path: format!("presets/{name}"),
        text: format!("metric = {{ name = \"x\", type = \"{kind}\" }}"),
    };
    assert_eq!(compile(&[file("a.toml", "gauge"), file("b.toml", "gauge")]).findings, []);
    let found = compile(&[file("a.toml", "gauge"), file("b.toml", "counter")]).findings;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].file, found[0].diagnostic.label.as_str()), (1, "`gauge` in `presets/a.toml`"));
}
