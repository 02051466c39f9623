//! Formats the templates of preset files, and nothing else in them.

mod diff;
mod promql;
mod toml_string;

use promql_presets_compiler::promql::{Features, Syntax};
use promql_presets_compiler::{Span, templates};

pub(crate) use diff::diff;
pub(crate) use toml_string::write as toml_string;

/// A template that is laid out differently.
#[derive(Debug)]
pub(crate) struct Edit {
    /// The preset.
    pub(crate) preset: String,
    /// The TOML string to replace, with its quotes.
    pub(crate) span: Span,
    /// The string to write instead.
    pub(crate) text: String,
}

/// Formats plain PromQL, without a line break at the end. `None` if it is not valid.
pub(crate) fn query(text: &str) -> Option<String> {
    promql::format(text, Syntax { template: false, features: Features::all() }, "\n")
}

/// Formats a template, without a line break at the end. `None` if it is not valid.
pub(crate) fn template(text: &str) -> Option<String> {
    promql::format(text, Syntax { template: true, features: Features::all() }, "\n")
}

/// The edits, in order, that format the templates of a preset file. `None` if the file or a template is not valid.
pub(crate) fn file(text: &str) -> Option<Vec<Edit>> {
    let eol = match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    };
    let mut edits = Vec::new();
    for (preset, literal) in templates(text)? {
        let formatted = promql::format(&literal.text, Syntax { template: true, features: Features::all() }, eol)?;
        if literal.text.strip_suffix(eol).unwrap_or(&literal.text) != formatted {
            let text = toml_string::write(&text[literal.span.range()], &formatted, eol);
            edits.push(Edit { preset, span: literal.span, text });
        }
    }
    Some(edits)
}

/// The text of a file after its edits.
pub(crate) fn apply(text: &str, edits: &[Edit]) -> String {
    let mut out = text.to_owned();
    for edit in edits.iter().rev() {
        out.replace_range(edit.span.range(), &edit.text);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{apply, file};

    #[track_caller]
    fn check(before: &str, after: &str) {
        let formatted = apply(before, &file(before).unwrap());
        assert_eq!(formatted, after);
        assert!(file(&formatted).unwrap().is_empty(), "{formatted}");
    }

    #[test]
    fn only_templates_change() {
        check(
            "# a  comment\n[presets.a]   # here\ntemplate='up{{ {labels} }}'  # there\nunit   = 'a+b'\n[presets]\nb = \
             {template=\"sum( up )\" }\n",
            "# a  comment\n[presets.a]   # here\ntemplate='up{{{labels}}}'  # there\nunit   = 'a+b'\n[presets]\nb = \
             {template=\"sum(up)\" }\n",
        );
    }

    #[test]
    fn strings_change_their_kind_where_they_must() {
        let template = |string: &str| format!("[presets.a]\ntemplate = {string} # after\n");
        for (before, after) in [
            // Nothing to do.
            ("'up'", "'up'"),
            ("\"\\u0075p\"", "\"\\u0075p\""),
            ("'''up'''", "'''up'''"),
            ("'''\nup\n'''", "'''\nup\n'''"),
            // The kind stays.
            ("' up'", "'up'"),
            ("\" up{{a=\\\"\\\\\\\\\\\"}}\"", "\"up{{a=\\\"\\\\\\\\\\\"}}\""),
            ("'''\n\n  up'''", "'''\nup\n'''"),
            ("\"\"\"up{{ a=\"\\\\\\\\\"}}\"\"\"", "\"\"\"\nup{{a=\"\\\\\\\\\"}}\n\"\"\""),
            ("\"\"\"up \\\n  + \\\n up\"\"\"", "\"\"\"up \\\n  + \\\n up\"\"\""),
            ("\"\"\"up \\\n  +  \\\n up\"\"\"", "\"\"\"\nup + up\n\"\"\""),
            // Several lines in a string of one line.
            ("\"a + # 1\\nb\"", "'''\n  a\n+ # 1\n  b\n'''"),
            ("\"a{{b=\\\"'''\\\"}} + # 1\\nb\"", "\"\"\"\n  a{{b=\"'''\"}}\n+ # 1\n  b\n\"\"\""),
            (
                "\"a{{b=\\\"\\u0001\\\"}} + # 1 \\\"\\\"\\\"\\nb\"",
                "\"\"\"\n  a{{b=\"\\u0001\"}}\n+ # 1 \"\"\\\"\n  b\n\"\"\"",
            ),
        ] {
            check(&template(before), &template(after));
        }
        let long = "l".repeat(120);
        check(&template(&format!("'sum({long})'")), &template(&format!("'''\nsum(\n  {long}\n)\n'''")));
    }

    #[test]
    fn line_breaks_are_those_of_the_file() {
        check(
            "[presets.a]\r\ntemplate = '''\r\na + # 1\r\nb'''\r\n",
            "[presets.a]\r\ntemplate = '''\r\n  a\r\n+ # 1\r\n  b\r\n'''\r\n",
        );
        check(
            "[presets.a]\r\ntemplate = ''' a{{b=`\r\n`}}\r\n'''",
            "[presets.a]\r\ntemplate = '''\r\na{{b=`\r\n`}}\r\n'''",
        );
    }

    #[test]
    fn what_is_not_valid_is_left_alone() {
        for text in
            ["[presets.a]\ntemplate = 'up", "[presets.a]\ntemplate = 'up{'", "[presets.a]\ntemplate = 'rate( up)'"]
        {
            assert!(file(text).is_none(), "{text}");
        }
    }
}
