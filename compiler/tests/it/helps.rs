//! What to type, as the messages about files say it.

use promql_presets_compiler::{SourceFile, compile};

#[test]
fn of_one_mistake() {
    let preset = "[presets.a]\ntemplate = 'up{{{labels}}}'\n";
    for (text, title, help) in [
        (
            "[presets]\ntemplate = 'up'\nwindow = '5m'\n".to_owned(),
            "`template` of no preset",
            "give the preset a name: `[presets.NAME]`",
        ),
        (
            format!("[presets.labels]\njob = 'string'\n{preset}"),
            "`[presets.labels]` without a template",
            "write `[labels]`",
        ),
        (format!("[labels]\njob = 'int'\n{preset}"), "unknown label type `int`", "write `\"integer\"`"),
        (
            format!("[labels]\njob = true\n{preset}"),
            "a label's type must be a string, not a boolean",
            "write `\"string\"`, `\"uuid\"`, `\"integer\"`, or a list of values",
        ),
        (
            format!("[labels]\ncode = [200, 404]\n{preset}"),
            "entries of `values` must be strings, not integers",
            "put them in quotes: `[\"200\", \"404\"]`",
        ),
        (
            format!("[labels]\nk8s.pod = 'string'\n{preset}"),
            "unknown key `pod` in a label",
            "write `\"k8s.pod\"` for a label of that name",
        ),
        (
            format!("[labels]\njob.tpye = 'string'\n{preset}"),
            "unknown key `tpye` in a label",
            "a key with a similar name exists: `type`",
        ),
        (
            format!("labels = ['job']\n{preset}"),
            "`labels` must be a table, not an array",
            "write a table `[labels]` with lines such as `job = \"string\"`",
        ),
        (
            format!("features = 'promql-experimental-functions'\n{preset}"),
            "`features` must be an array of strings, not a string",
            "write `features = [\"promql-experimental-functions\"]`",
        ),
        (
            "[presets.a]\ntemplate = 'sum(up)'\nallow = 'unfiltered-selector'\n".to_owned(),
            "`allow` must be an array, not a string",
            "write `allow = [{ check = \"unfiltered-selector\", reason = \"...\" }]`",
        ),
        (
            "[presets.a]\ntemplate = 'rate(up{{{labels}}}[{window}])'\nwindow = '1M'\n".to_owned(),
            "invalid duration `1M`",
            "write `1m` for minutes, `30d` for months",
        ),
    ] {
        let file = SourceFile { name: "a.toml".into(), path: "presets/a.toml".into(), text: text.clone() };
        let findings = compile(&[file]).findings;
        assert_eq!(findings.len(), 1, "{text}: {findings:?}");
        assert_eq!(findings[0].diagnostic.title, title, "{text}");
        assert_eq!(findings[0].diagnostic.help.as_deref().unwrap(), help, "{text}");
    }
}
