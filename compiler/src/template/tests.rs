use super::*;

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
        assert_eq!(check(template, &[]), [], "{template}");
    }
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
