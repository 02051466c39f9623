//! Where diagnostics point to: in every kind of TOML string, after tabs, CRLF, escapes and text that is not ASCII.

use promql_presets_compiler::diagnostic::emit::Messages;
use promql_presets_compiler::{Finding, SourceFile, compile};

fn file(text: &str) -> SourceFile {
    SourceFile { name: "a.toml".to_owned(), path: "presets/a.toml".to_owned(), text: text.to_owned() }
}

/// The one finding in a text.
#[track_caller]
fn one(file: &SourceFile) -> Finding {
    let mut findings = compile(std::slice::from_ref(file)).findings;
    assert_eq!(findings.len(), 1, "{}: {findings:#?}", file.text);
    findings.remove(0)
}

/// How many columns of a terminal a text takes, for the characters in this file.
fn width(text: &str) -> usize {
    text.chars().map(|c| if ('\u{1100}'..='\u{FFFD}').contains(&c) || c > '\u{1F000}' { 2 } else { 1 }).sum()
}

/// Asserts that what is reported is exactly `fault`, which stands in the text once: the span, line and column of the
/// short form, and the carets of the long one.
#[track_caller]
fn points_at(text: &str, fault: &str) {
    let file = file(text);
    let diagnostic = one(&file).diagnostic;
    let at = text.find(fault).unwrap();
    assert_eq!(diagnostic.span.range(), at..at + fault.len(), "{text}\n{diagnostic:?}");

    let line = text[..at].matches('\n').count() + 1;
    let line_start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let column = text[line_start..at].chars().count() + 1;
    let place = format!("presets/a.toml:{line}:{column}");
    let short = Messages::of(&file).short(&diagnostic);
    assert!(short.starts_with(&format!("{place}: error: ")), "{short} is not at {place}");

    let full = Messages::of(&file).full(&diagnostic);
    assert!(full.lines().nth(1).unwrap().ends_with(&format!("--> {place}")), "{full}\nis not at {place}");
    let (source, carets) = full.lines().zip(full.lines().skip(1)).find(|(_, next)| next.contains('^')).unwrap();
    let first = carets.find('^').unwrap();
    let shown = source.find(fault).unwrap_or_else(|| panic!("{full}\ndoes not show {fault}"));
    assert_eq!(width(&source[..shown]), first, "{full}");
    assert_eq!(carets[first..].chars().take_while(|c| *c == '^').count(), width(fault), "{full}");
}

#[test]
fn in_every_kind_of_string_after_everything() {
    let befores = [
        ("", ""),
        ("sum(a) + ", "sum(a) + "),
        ("sum(größe{{a=\"日本語\"}}) + ", r#"sum(größe{{a=\"日本語\"}}) + "#),
        ("a{{x=\"\u{1F469}\"}} + ", r#"a{{x=\"\U0001F469\"}} + "#),
        ("sum(a)\t+\t", r"sum(a)\t+\t"),
        ("a{{x=\"é\"}} + ", r#"a{{x=\"\u00e9\"}} + "#),
    ];
    for (literal, escaped) in befores {
        for eol in ["\n", "\r\n"] {
            for head in ["", "\t", "  # größe 日本\n", "description = \"日本\"\n"] {
                let (head, start) = (head.replace('\n', eol), format!("[presets.a]{eol}"));
                let end = format!("{eol}window = '5m'{eol}");
                let fault = "windw";
                for template in [
                    format!("'{literal}rate(b[{{{fault}}}])'"),
                    format!("\"{escaped}rate(b[{{{fault}}}])\""),
                    format!("'''{literal}rate(b[{{{fault}}}])'''"),
                    format!("'''{eol}{literal}rate(b[{{{fault}}}])'''"),
                    format!("'''{eol}{eol}\t{literal}{eol} rate(b[{{{fault}}}]){eol}'''"),
                    format!("\"\"\"{escaped}rate(b[{{{fault}}}])\"\"\""),
                    format!("\"\"\"{eol}{escaped}rate(b[{{{fault}}}])\"\"\""),
                    format!("\"\"\"{escaped}\\{eol}{eol} \t rate(b[{{{fault}}}])\"\"\""),
                    format!("\"\"\"\\{eol}  {escaped}rate( \\   {eol} b[{{{fault}}}])\"\"\""),
                ] {
                    points_at(&format!("{start}{head}\ttemplate\t=  {template}{end}"), fault);
                }
            }
        }
    }
}

#[test]
fn escapes_are_marked_whole() {
    for (template, fault) in [
        (r#""{win\u0064w}""#, r"win\u0064w"),
        (r#""{\u0077indw}""#, r"\u0077indw"),
        (r#""{wind\x77}""#, r"wind\x77"),
        (r#""up \u007blabels\u007d""#, r"\u007blabels\u007d"),
        (r#""up\u003b""#, r"\u003b"),
    ] {
        points_at(&format!("[presets.a]\ntemplate = {template}\n"), fault);
    }
}

#[test]
fn at_the_very_end() {
    let shown = |text: &str| {
        let file = file(text);
        Messages::of(&file).full(&one(&file).diagnostic)
    };
    assert_eq!(
        shown("[presets.a]\r\ntemplate = 'up +'"),
        "error[syntax]: missing operand after `+`\n --> presets/a.toml:2:16\n  |\n2 | template = 'up +'\n  |                ^ the query ends after it"
    );
    assert_eq!(
        shown("[presets.a]"),
        "error[missing-key]: missing `template` in preset `a`\n --> presets/a.toml:1:10\n  |\n1 | [presets.a]\n  |          ^ a preset needs a query\n  |\n  = help: add `template = '...'` with the PromQL"
    );
    assert_eq!(
        shown(""),
        "error[missing-key]: no presets in this file\n --> presets/a.toml:1:1\n  |\n1 |\n  | ^\n  |\n  = help: write a table `[presets.NAME]` with a `template`, or a table `[metric]` with a `name`"
    );
}

#[test]
fn over_several_lines() {
    let file = file("[presets.a]\ntemplate = \"\"\"\nup[{win\\\n    dw}]\n\"\"\"\n");
    let diagnostic = one(&file).diagnostic;
    assert_eq!(&file.text[diagnostic.span.range()], "win\\\n    dw");
    assert_eq!(
        Messages::of(&file).full(&diagnostic),
        "error[unknown-placeholder]: unknown placeholder `windw`\n --> presets/a.toml:3:5\n  |\n3 |   up[{win\\\n  |  _____^\n4 | |     dw}]\n  | |______^ not a placeholder\n  |\n  = help: a placeholder with a similar name exists: `window`"
    );
}

#[test]
fn long_lines_are_cut_around_the_fault() {
    let long = "a + ".repeat(2_000);
    for template in [
        format!("'{long}{{windw}}'"),
        format!("'{{windw}} + {long} b'"),
        format!("'{long}{{windw}} + {long} b'"),
        format!("'{}{{windw}} + {long} b'", "größe + 日本 + ".repeat(500)).replace("日本", "y{{x=\"日本\"}}"),
        format!("'''\n{long}\n{long}\t{{windw}}'''"),
    ] {
        let text = format!("[presets.a]\ntemplate = {template}\n");
        points_at(&text, "windw");
        let file = file(&text);
        let full = Messages::of(&file).full(&one(&file).diagnostic);
        let longest = full.lines().map(width).max().unwrap();
        assert!(longest <= 160, "a line of {longest}:\n{full}");
    }
}
