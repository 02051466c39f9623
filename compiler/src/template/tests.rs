use super::placeholder::{DECLARE, NO_OTHERS};
use super::*;

/// Title, marked text and help of each finding.
fn found(template: &str) -> Vec<(String, &str, String)> {
    let parts = |d: Diagnostic| (d.title, &template[d.span.range()], d.help.unwrap_or_default());
    check(template, &[]).into_iter().map(parts).collect()
}

fn one(template: &str) -> (String, &str, String) {
    let mut all = found(template);
    assert_eq!(all.len(), 1, "{template}: {all:?}");
    all.remove(0)
}

#[test]
fn accepts_templates() {
    for template in [
        "sum by ({group_by})(rate({metric_name}{{{labels}}}[{window}]))",
        "{metric_name}{{{labels}}}",
        "up{{job=\"x\",{labels}}} {{}}",
        "label_replace(up, \"a\", \"${{1}}\", \"b\", \"(.*)\")",
        "up{{a=~\"x{{2}}$\"}}",
        "größe",
        "",
    ] {
        assert_eq!(found(template), [], "{template}");
    }
}

#[test]
fn unknown_names_get_a_suggestion() {
    let (title, marked, help) = one("rate(x[{windw}])");
    assert_eq!((title.as_str(), marked), ("unknown placeholder `windw`", "windw"));
    assert_eq!(help, "a placeholder with a similar name exists: `window`");
    assert_eq!(one("{metric-name}").2, "a placeholder with a similar name exists: `metric_name`");
    assert_eq!(one("x[{step}]").2, "write `{window}`");
    assert_eq!(one("x{{a=\"b\",{filter}}}").2, "write `{labels}`");
    assert_eq!(one("sum by (a, {group_by.first})(x)").2, "write `{group_by}`");
    assert_eq!(one("{query} + 1").2, DECLARE);
    assert_eq!(one("up{{{labels}}} > {threshold}").2, DECLARE);
    assert_eq!(one("{query}_total").2, NO_OTHERS);
}

#[test]
fn formats_conversions_numbers_and_blanks() {
    assert_eq!(one("{labels!r}").0, "placeholder `labels` with a conversion");
    assert_eq!(
        one("{window:>5}"),
        ("placeholder `window` with a format".into(), "{window:>5}", "write `{window}`".into())
    );
    assert_eq!(one("{windw:5}").2, "write `{window}`");
    assert_eq!(one("up{{{labels | safe}}}").2, "write `{labels}`");
    assert_eq!(one("sum by ({group_by|join(\",\")}) (up)").2, "write `{group_by}`");
    assert_eq!(one("{}").0, "empty placeholder");
    assert_eq!(one("{ }").0, "empty placeholder");
    assert_eq!(one("{0}").0, "placeholder with a number: `0`");
    assert_eq!(one("up{{{0}}}").2, "write `{labels}`");
    assert_eq!(one("{ labels }").2, "write `{{{labels}}}`");
    assert_eq!(one("x{{{ labels }}}").2, "write `{labels}`");
}

#[test]
fn parameters_are_placeholders() {
    let help = |template: &str| {
        let found = check(template, &["threshold", "step"]);
        assert_eq!(found.len(), 1, "{template}: {found:?}");
        found.into_iter().next().and_then(|it| it.help).unwrap_or_default()
    };
    for template in
        ["up > $threshold", "up > ${threshold}", "up > {{ threshold }}", "up > { threshold }", "up > $thresold"]
    {
        assert_eq!(help(template), "write `{threshold}`", "{template}");
    }
    assert_eq!(help("rate(x[$step])"), "write `{step}`");
    assert_eq!(help("rate(x[5m:$step])"), "write `{step}`");
    assert_eq!(help("rate(x[$range])"), "write `{window}`");
    assert_eq!(help("sum by ($step) (up)"), "write `{group_by}`");
}

#[test]
fn other_template_languages() {
    assert_eq!(one("up{{${labels}}}").1, "${labels}");
    assert_eq!(
        one("up${{labels}}"),
        ("`${{labels}}` is not a placeholder".into(), "${{labels}}", "write `{{{labels}}}`".into())
    );
    assert_eq!(one("rate(up[{{ window }}])").2, "write `{window}`");
    assert_eq!(one("up{{labels}}").2, "write `{{{labels}}}`");
    assert_eq!(one("up{{labels}}}").1, "{{labels}}}");
    assert_eq!(one("up{{{labels}},job=\"a\"}").2, "write `{{{labels},job=\"a\"}}`");
}

#[test]
fn lone_braces() {
    assert_eq!(one("up{job=\"x\"}").2, "double both: `{{job=\"x\"}}`");
    assert_eq!(one("up{job=\"x\",{labels}}").2, "double both: `{{job=\"x\",{labels}}}`");
    assert_eq!(one("up{{job=\"x\"}").1, "}");
    assert_eq!(one("up{job=\"x\"").2, "write `{{` for a literal brace");
    assert_eq!(one("up{{{labels}}}[{window)").2, "write `{window}`");
    assert_eq!(one("sum(up{{{labels}}}})").2, "write `{{{labels}}}`");
    assert_eq!(one("sum(up{{a=\"b\"}}})").2, "remove it");
    assert_eq!(one("sum(up{{{labels}})").2, "write `}}`");
    assert_eq!(one("up{{a=~\"\\\\p{L}+\",{labels}}}").2, "write `{{L}}`");
    assert_eq!(one("up{{a=~`\\x{FF}`,{labels}}}").2, "write `{{FF}}`");
    assert_eq!(found("{a=\"1\"} + }").len(), 2);
}

#[test]
fn no_text_panics_and_fixes_are_in_the_text() {
    const PARTS: [&str; 24] = [
        "{", "}", "{{", "}}", "$", "[", "]", "[[", "(", ")", "\"", "'", "`", "\\", "#", "\n", "=", "=~", ",", "%", "ß",
        "labels", "by ", "{window}",
    ];
    let mut state = 1_u32;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..12 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text += PARTS[(state >> 16) as usize % PARTS.len()];
        }
        for diagnostic in check(&text, &[]) {
            assert!(text.get(diagnostic.span.range()).is_some(), "{text:?}");
            assert!(diagnostic.fix.is_none_or(|fix| text.get(fix.span.range()).is_some()), "{text:?}");
        }
    }
}
