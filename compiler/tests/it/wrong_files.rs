//! Wrong preset files, as people write them: each mistake is reported once, in one line, where it was made.

use promql_presets_compiler::{SourceFile, compile, diagnostic::emit};

/// What the compiler says about files, one line each, without the path of the only file.
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
    // What sound queries say is judged elsewhere; the templates here are as short as can be.
    let of_files = findings.iter().filter(|finding| !finding.diagnostic.code.is_allowable());
    of_files.map(line).map(|line| line.trim_start_matches("presets/a.toml:").to_owned()).collect()
}

/// A file, and what is said about it.
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
fn not_toml() {
    check(&[
        ("", &["1:1: error: no presets in this file [missing-key]"]),
        (" \n\t\n", &["1:1: error: no presets in this file [missing-key]"]),
        ("# only a comment\n", &["1:1: error: no presets in this file [missing-key]"]),
        (
            "# \u{FFFF}\u{FFFF}\n[presets.a]\ntemplat = 'up'\n",
            &["3:1: error: unknown key `templat` in a preset [unknown-key]"],
        ),
        ("[presets.caf\u{FFFF}]\n", &["1:13: error: invalid UTF-8 [invalid-toml]"]),
        ("\u{FFFF}\u{FFFF}[\0a\0]\0", &["1:1: error: invalid UTF-8 [invalid-toml]"]),
        ("[presets.a]\ntemplate: 'up'\n", &["2:9: error: key without a value [invalid-toml]"]),
        ("[presets.a]\ntemplate = 'up' // all\n", &["2:17: error: unexpected `//` [invalid-toml]"]),
        ("[presets.a]\ntemplate = 'up", &["2:12: error: unclosed string [invalid-toml]"]),
        ("[presets.a]\ntemplate = \"up\n", &["2:12: error: unclosed string [invalid-toml]"]),
        ("[presets.a]\ntemplate = '''up", &["2:12: error: unclosed string [invalid-toml]"]),
        ("[presets.a]\ntemplate = \"\"\"up\n\n\n", &["2:12: error: unclosed string [invalid-toml]"]),
        ("[presets.a]\ntemplate = up\n", &["2:12: error: string without quotes [invalid-toml]"]),
        ("[presets.a]\ntemplate = {metric_name}{{{labels}}}\n", &["2:12: error: string without quotes [invalid-toml]"]),
        ("[presets.a]\ntemplate = irate(up[5m])\n", &["2:12: error: string without quotes [invalid-toml]"]),
        ("[presets.a]\ntemplate = time()\n", &["2:12: error: string without quotes [invalid-toml]"]),
        ("[presets.a]\ntemplate = floor(up)\n", &["2:12: error: string without quotes [invalid-toml]"]),
        ("[presets.a]\ntemplate = (up)\n", &["2:12: error: string without quotes [invalid-toml]"]),
        ("[presets.a]\ntemplate = 1 + up\n", &["2:12: error: string without quotes [invalid-toml]"]),
        ("[presets.a]\ntemplate = -up\n", &["2:12: error: string without quotes [invalid-toml]"]),
        ("[presets.a]\ntemplate = {metric_name}\n", &["2:12: error: string without quotes [invalid-toml]"]),
        ("[presets.a]\ntemplate = 'up'\nwindow = 5m\n", &["3:10: error: string without quotes [invalid-toml]"]),
        ("[presets.a]\ntemplate = sum by (x)(up)\n", &["2:12: error: string without quotes [invalid-toml]"]),
        ("[presets.a]\ntemplate = 'up' 'down'\n", &["2:17: error: unexpected text after a value [invalid-toml]"]),
        ("[presets.a]\ntemplate : 'up'\n", &["2:10: error: key without a value [invalid-toml]"]),
        ("[presets.a]\ntemplate 'up'\n", &["2:10: error: key without a value [invalid-toml]"]),
        ("[presets.a]\ntemplate =\n", &["2:11: error: missing value [invalid-toml]"]),
        ("[presets.a]\n= 'up'\n", &["2:1: error: unquoted keys cannot be empty [invalid-toml]"]),
        ("[presets.a]\ntemplate\n", &["2:9: error: key without a value [invalid-toml]"]),
        ("[presets.a]\ntemplate = \"up\\d\"\n", &["2:15: error: unknown escape `\\d` [invalid-toml]"]),
        (
            "[presets.a]\ntemplate = \"rate(up{{job=~\\\"a\\.b\\\"}}[5m])\"\n",
            &["2:30: error: unknown escape `\\.` [invalid-toml]"],
        ),
        ("[presets.a]\ntemplate = \"\\u12\"\n", &["2:17: error: too few unicode value digits [invalid-toml]"]),
        ("[presets.a]\ntemplate = \"\\uD800\"\n", &["2:15: error: escape of no character [invalid-toml]"]),
        ("[presets.a]\ntemplate = 'u\0p'\n", &["2:14: error: control character U+0000 [invalid-toml]"]),
        ("[presets.a]\ntemplate = 'up'\n\0", &["3:1: error: invalid unquoted key [invalid-toml]"]),
        (
            "[presets.a]\ntemplate = 'up'\rdescription = ''\n",
            &["2:17: error: carriage return must be followed by newline [invalid-toml]"],
        ),
        ("[presets.a]\ntemplate = 'up'\ntemplate = 'down'\n", &["3:1: error: duplicate key `template` [invalid-toml]"]),
        (
            "[presets.a]\ntemplate = 'up'\n[presets.a]\ntemplate = 'up'\n",
            &["3:10: error: duplicate key `a` [invalid-toml]"],
        ),
        ("presets.a.template = 'up'\n[presets.a]\nunit = 's'\n", &["2:10: error: duplicate key `a` [invalid-toml]"]),
        (
            "[presets.a]\ntemplate = 'up{{{labels}}}'\n[labels]\njob = 'string'\njob = 'uuid'\n",
            &["5:1: error: duplicate key `job` [invalid-toml]"],
        ),
        (
            "[presets.a]\ntemplate = 'up'\nunit = 99999999999999999999\n",
            &["3:8: error: `unit` must be a string, not an integer [wrong-type]"],
        ),
        (
            "[presets.a]\ntemplate = 'up'\nunit = 1e999999\n",
            &["3:8: error: `unit` must be a string, not a float [wrong-type]"],
        ),
        (
            "[presets.a]\ntemplate = 'up'\nunit = 0x\n",
            &["3:8: error: `unit` must be a string, not an integer [wrong-type]"],
        ),
        (
            "[presets.a]\ntemplate = 'up'\nunit = 2026-13-45\n",
            &["3:8: error: `unit` must be a string, not a datetime [wrong-type]"],
        ),
        (
            "[presets.a]\ntemplate = 'up'\nallow = [{ check = 'x', reason = 'y' }\n",
            &["3:39: error: unclosed array [invalid-toml]"],
        ),
        (
            "[presets.a\ntemplate = 'up'\n[presets.b]\ntemplate = 'sum(up'\n",
            &["1:11: error: unclosed table [invalid-toml]", "4:16: error: unclosed `(` [syntax]"],
        ),
        ("[presets.]\ntemplate = 'up'\n", &["1:10: error: unquoted keys cannot be empty [invalid-toml]"]),
        (
            "[presets.a]\ntemplate = '''sum(up\n\n[presets.b]\ntemplate = 'x'\n",
            &["2:12: error: unclosed string [invalid-toml]"],
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
        ("[]\ntemplate = 'up'\n", &["1:2: error: unquoted keys cannot be empty [invalid-toml]"]),
        ("[presets.a]]\ntemplate = 'up'\n", &["1:12: error: unexpected text after a table's name [invalid-toml]"]),
        ("[presets.größe]\ntemplate = 'up'\n", &["1:12: error: invalid unquoted key [invalid-toml]"]),
        ("[presets.a b]\ntemplate = 'up'\n", &["1:11: error: unclosed table [invalid-toml]"]),
        ("{\"presets\": {\"a\": {\"template\": \"up\"}}}\n", &["1:1: error: invalid key-value pair [invalid-toml]"]),
        (
            "presets:\n  a:\n    template: up\n",
            &[
                "1:8: error: key without a value [invalid-toml]",
                "2:5: error: key without a value [invalid-toml]",
                "3:15: error: key without a value [invalid-toml]",
            ],
        ),
    ]);
}

#[test]
fn keys_and_types() {
    check(&[
        ("[presets]\n", &["1:1: error: no presets in this file [missing-key]"]),
        ("description = 'nothing else'\n", &["1:1: error: no presets in this file [missing-key]"]),
        ("[labels]\njob = 'string'\n", &["1:1: error: no presets in this file [missing-key]"]),
        ("[presets.a]\n", &["1:10: error: missing `template` in preset `a` [missing-key]"]),
        ("presets = 'up'\n", &["1:11: error: `presets` must be a table, not a string [wrong-type]"]),
        ("presets = []\n", &["1:11: error: `presets` must be a table, not an array [wrong-type]"]),
        (
            "[[presets]]\nname = 'a'\ntemplate = 'up'\n",
            &["1:1: error: `presets` must be a table, not an array [wrong-type]"],
        ),
        ("[[presets.a]]\ntemplate = 'up'\n", &["1:1: error: preset `a` must be a table, not an array [wrong-type]"]),
        ("presets.a = 'up'\n", &["1:13: error: preset `a` must be a table, not a string [wrong-type]"]),
        (
            "[presets]\na = \"up\"\nb = 1\n",
            &[
                "2:5: error: preset `a` must be a table, not a string [wrong-type]",
                "3:5: error: preset `b` must be a table, not an integer [wrong-type]",
            ],
        ),
        ("[a]\ntemplate = 'up'\n", &["1:2: error: unknown key `a` in a preset file [unknown-key]"]),
        ("[preset.a]\ntemplate = 'up'\n", &["1:2: error: unknown key `preset` in a preset file [unknown-key]"]),
        ("[presets.a.b]\ntemplate = 'up'\n", &["1:12: error: unknown key `b` in a preset [unknown-key]"]),
        ("template = 'up'\n", &["1:1: error: unknown key `template` in a preset file [unknown-key]"]),
        ("[presets.a]\ntempalte = 'up'\n", &["2:1: error: unknown key `tempalte` in a preset [unknown-key]"]),
        ("[presets.a]\nquery = 'up'\n", &["2:1: error: unknown key `query` in a preset [unknown-key]"]),
        (
            "[presets.a]\ntemplate = 'up'\nTemplate = 'up'\n",
            &["3:1: error: unknown key `Template` in a preset [unknown-key]"],
        ),
        (
            "[presets.a]\ntemplate = 'rate(up[{window}])'\ndesc = 'x'\nwindows = '5m'\nfoo = 1\n",
            &[
                "3:1: error: unknown key `desc` in a preset [unknown-key]",
                "4:1: error: unknown key `windows` in a preset [unknown-key]",
                "5:1: error: unknown key `foo` in a preset [unknown-key]",
            ],
        ),
        ("[presets.a]\ntemplate = 1\n", &["2:12: error: `template` must be a string, not an integer [wrong-type]"]),
        ("[presets.a]\ntemplate = ['up']\n", &["2:12: error: `template` must be a string, not an array [wrong-type]"]),
        (
            "[presets.a]\ntemplate = { promql = 'up' }\n",
            &["2:12: error: `template` must be a string, not a table [wrong-type]"],
        ),
        (
            "[presets.a]\ntemplate = true\nunit = 1.5\ndescription = 2026-01-01\n",
            &[
                "2:12: error: `template` must be a string, not a boolean [wrong-type]",
                "3:8: error: `unit` must be a string, not a float [wrong-type]",
                "4:15: error: `description` must be a string, not a datetime [wrong-type]",
            ],
        ),
        (
            "[presets.a]\ntemplate = 'up'\ndescription = ['a', 'b']\n",
            &["3:15: error: `description` must be a string, not an array [wrong-type]"],
        ),
        (
            "[presets.a]\ntemplate = 'up'\n[metrics]\nname = 'x'\n",
            &["3:2: error: unknown key `metrics` in a preset file [unknown-key]"],
        ),
        (
            "metric = 'up'\n[presets.a]\ntemplate = 'up'\n",
            &["1:10: error: `metric` must be a table, not a string [wrong-type]"],
        ),
        ("[metric]\ntype = 'gauge'\n", &["1:2: error: missing `name` in `[metric]` [missing-key]"]),
        ("[metric]\nname = ''\n", &["2:8: error: empty `name` [invalid-value]"]),
        ("[metric]\nname = 7\n", &["2:8: error: `name` must be a string, not an integer [wrong-type]"]),
        ("[metric]\nname = 'x'\ntype = 'guage'\n", &["3:8: error: unknown metric type `guage` [invalid-value]"]),
        (
            "[metric]\nname = 'x'\ntype = 'Counter'\nhelp = 'x'\n",
            &[
                "3:8: error: unknown metric type `Counter` [invalid-value]",
                "4:1: error: unknown key `help` in `[metric]` [unknown-key]",
            ],
        ),
        ("[metric]\nname = 'x'\nscrape_interval = '15'\n", &["3:20: error: invalid duration `15` [invalid-duration]"]),
        (
            "[metric]\nname = 'x'\nscrape_interval = 15\n",
            &["3:19: error: `scrape_interval` must be a duration in quotes, not an integer [wrong-type]"],
        ),
        (
            "[metric]\nname = 'x'\nscrape_interval = '0s'\n",
            &["3:19: error: `scrape_interval` is zero [invalid-duration]"],
        ),
        (
            "features = 'promql-experimental-functions'\n[presets.a]\ntemplate = 'up'\n",
            &["1:12: error: `features` must be an array of strings, not a string [wrong-type]"],
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
            "[presets.a]\ntemplate = 'up'\nallow = 'rate-on-gauge'\n",
            &["3:9: error: `allow` must be an array, not a string [wrong-type]"],
        ),
        (
            "[presets.a]\ntemplate = 'up'\nallow = ['rate-on-gauge']\n",
            &["3:10: error: an entry of `allow` must be a table, not a string [wrong-type]"],
        ),
        (
            "[presets.a]\ntemplate = 'up'\nallow = [{ check = 'unfiltered-selector' }]\n",
            &["3:10: error: `allow` without a reason [missing-key]"],
        ),
        (
            "[presets.a]\ntemplate = 'up'\nallow = [{ check = 'unfiltered-selector', reason = ' ' }]\n",
            &["3:52: error: `allow` without a reason [missing-key]"],
        ),
        (
            "[presets.a]\ntemplate = 'up'\nallow = [{ reason = 'x' }]\n",
            &["3:10: error: `allow` without a check [missing-key]"],
        ),
        ("[presets.a]\ntemplate = 'up'\nallow = [{}]\n", &["3:10: error: `allow` without a check [missing-key]"]),
        (
            "[presets.a]\ntemplate = 'up'\nallow = [{ chek = 'unfiltered-selector', reason = 'x' }]\n",
            &["3:12: error: unknown key `chek` in an entry of `allow` [unknown-key]"],
        ),
        (
            "[presets.a]\ntemplate = 'up'\nallow = [{ check = 'unfiltred-selector', reason = 'x' }]\n",
            &["3:20: error: unknown check `unfiltred-selector` [unknown-check]"],
        ),
        (
            "[presets.a]\ntemplate = 'up'\nallow = [{ check = 'syntax', reason = 'x' }]\n",
            &["3:20: error: `syntax` cannot be allowed [unknown-check]"],
        ),
        (
            "[presets.a]\ntemplate = 'up'\nallow = [{ check = 'unfiltered-selector', reason = 3 }]\n",
            &["3:52: error: `reason` must be a string, not an integer [wrong-type]"],
        ),
    ]);
}

#[test]
fn names_and_labels() {
    check(&[
        ("[presets.9lives]\ntemplate = 'up'\n", &["1:10: error: invalid preset name `9lives` [invalid-name]"]),
        ("[presets.\"a b\"]\ntemplate = 'up'\n", &["1:10: error: invalid preset name `a b` [invalid-name]"]),
        ("[presets.\"\"]\ntemplate = 'up'\n", &["1:10: error: invalid preset name `` [invalid-name]"]),
        ("[presets.\"größe\"]\ntemplate = 'up'\n", &["1:10: error: invalid preset name `größe` [invalid-name]"]),
        ("[presets.\"a.b\"]\ntemplate = 'up'\n", &["1:10: error: invalid preset name `a.b` [invalid-name]"]),
        ("[presets._]\ntemplate = 'up'\n", &["1:10: error: invalid preset name `_` [invalid-name]"]),
        ("[presets._x]\ntemplate = 'up'\n", &["1:10: error: invalid preset name `_x` [invalid-name]"]),
        (
            "[presets.cpu_rate]\ntemplate = 'up'\n[presets.cpu-rate]\ntemplate = 'up'\n[presets.CPU_RATE]\ntemplate = 'up'\n",
            &[
                "3:10: error: `cpu-rate` and `cpu_rate` become the same constant `CPU_RATE` [duplicate-constant]",
                "5:10: error: `CPU_RATE` and `cpu_rate` become the same constant `CPU_RATE` [duplicate-constant]",
            ],
        ),
        (
            "[presets.labels]\ntemplate = 'up'\n[presets.LABELS]\ntemplate = 'up'\n",
            &["3:10: error: `LABELS` and `labels` become the same constant `LABELS` [duplicate-constant]"],
        ),
        (
            "[labels]\n[presets.a]\ntemplate = 'vector(1)'\n\
             allow = [{ check = 'unfiltered-selector', reason = 'a test' }]\n",
            &["1:2: error: `[labels]` that no template can use [unused-labels]"],
        ),
        (
            "[labels]\njob = 'string'\n[presets.a]\ntemplate = 'up'\n\
             allow = [{ check = 'unfiltered-selector', reason = 'a test' }]\n",
            &["1:2: error: `[labels]` that no template can use [unused-labels]"],
        ),
        // The selector has been reported, and a filter in it makes the table useful.
        ("[labels]\njob = 'string'\n[presets.a]\ntemplate = 'up'\n", &[]),
        (
            "[labels]\njob = 'strng'\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
            &["2:7: error: unknown label type `strng` [invalid-value]"],
        ),
        (
            "[labels]\njob = 'int'\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
            &["2:7: error: unknown label type `int` [invalid-value]"],
        ),
        (
            "[labels]\njob = 5\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
            &["2:7: error: a label's type must be a string, not an integer [wrong-type]"],
        ),
        (
            "[labels]\njob = true\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
            &["2:7: error: a label's type must be a string, not a boolean [wrong-type]"],
        ),
        (
            "[labels]\njob = []\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
            &["2:7: error: a label without values [invalid-value]"],
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
            "[labels]\njob = ['*', '']\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
            &["2:8: error: invalid name of a value: `*` [invalid-name]"],
        ),
        (
            "[labels]\njob = { kind = 'string', requierd = true }\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
            &[
                "2:9: error: unknown key `kind` in a label [unknown-key]",
                "2:26: error: unknown key `requierd` in a label [unknown-key]",
            ],
        ),
        (
            "[labels]\njob = { type = 'string', required = 'yes' }\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
            &["2:37: error: `required` must be a boolean, not a string [wrong-type]"],
        ),
        (
            "[labels]\njob = { type = 'uuid', values = ['a'] }\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
            &["2:24: error: both `type` and `values` of a label [invalid-value]"],
        ),
        (
            "[labels]\njob = { values = 'a' }\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
            &["2:18: error: `values` must be an array of strings, not a string [wrong-type]"],
        ),
        (
            "[labels.job]\ntype = 'integer'\nrequired = 1\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
            &["3:12: error: `required` must be a boolean, not an integer [wrong-type]"],
        ),
        (
            "[labels]\n__name__ = 'string'\n\"\" = 'string'\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
            &[
                "2:1: error: invalid label name `__name__` [invalid-name]",
                "3:1: error: invalid label name `` [invalid-name]",
            ],
        ),
        (
            "[labels]\nkernel_id = 'string'\nkernelId = 'string'\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
            &["3:1: error: `kernelId` and `kernel_id` become the same name `kernel_id` [duplicate-label]"],
        ),
        (
            "[labels]\n\"+\" = 'string'\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
            &["2:1: error: invalid name of a label: `+` [invalid-name]"],
        ),
        (
            "labels = ['job', 'instance']\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
            &["1:10: error: `labels` must be a table, not an array [wrong-type]"],
        ),
        (
            "labels.job = 'string'\nlabels.job.required = true\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
            &["2:8: error: cannot extend value of type string with a dotted key [invalid-toml]"],
        ),
        (
            "[labels]\nhttp.code = 'string'\n[presets.a]\ntemplate = 'up{{{labels}}}'\n",
            &["2:1: error: unknown key `code` in a label [unknown-key]"],
        ),
    ]);
}

#[test]
fn windows() {
    check(&[
        (
            "[presets.a]\ntemplate = 'up'\nwindow = '5m'\n",
            &["3:1: error: `window` without `{window}` in the template [unused-window]"],
        ),
        (
            "[presets.a]\ntemplate = 'rate(up[{window}])'\n",
            &["2:21: error: no default for `{window}` [missing-window]"],
        ),
        (
            "[presets.a]\ntemplate = 'rate(up[{window}])'\nwindow = ''\n",
            &["3:10: error: invalid duration `` [invalid-duration]"],
        ),
        (
            "[presets.a]\ntemplate = 'rate(up[{window}])'\nwindow = '5'\n",
            &["3:11: error: invalid duration `5` [invalid-duration]"],
        ),
        (
            "[presets.a]\ntemplate = 'rate(up[{window}])'\nwindow = 300\n",
            &["3:10: error: `window` must be a duration in quotes, not an integer [wrong-type]"],
        ),
        (
            "[presets.a]\ntemplate = 'rate(up[{window}])'\nwindow = 1.5\n",
            &["3:10: error: `window` must be a duration in quotes, not a float [wrong-type]"],
        ),
        (
            "[presets.a]\ntemplate = 'rate(up[{window}])'\nwindow = '5 minutes'\n",
            &["3:11: error: invalid duration `5 minutes` [invalid-duration]"],
        ),
        (
            "[presets.a]\ntemplate = 'rate(up[{window}])'\nwindow = '5M'\n",
            &["3:11: error: invalid duration `5M` [invalid-duration]"],
        ),
        (
            "[presets.a]\ntemplate = 'rate(up[{window}])'\nwindow = ' 5m'\n",
            &["3:11: error: invalid duration ` 5m` [invalid-duration]"],
        ),
        (
            "[presets.a]\ntemplate = 'rate(up[{window}])'\nwindow = '-5m'\n",
            &["3:11: error: invalid duration `-5m` [invalid-duration]"],
        ),
        (
            "[presets.a]\ntemplate = 'rate(up[{window}])'\nwindow = '1.5h'\n",
            &["3:11: error: invalid duration `1.5h` [invalid-duration]"],
        ),
        (
            "[presets.a]\ntemplate = 'rate(up[{window}])'\nwindow = '1m1h'\n",
            &["3:11: error: invalid duration `1m1h` [invalid-duration]"],
        ),
        (
            "[presets.a]\ntemplate = 'rate(up[{window}])'\nwindow = '0s'\n",
            &["3:10: error: `window` is zero [invalid-duration]"],
        ),
        (
            "[presets.a]\ntemplate = 'rate(up[{window}])'\nwindow = '293y'\n",
            &["3:11: error: invalid duration `293y` [invalid-duration]"],
        ),
        (
            "[presets.a]\ntemplate = 'rate(up[{window}])'\nwindow = '99999999999999999999s'\n",
            &["3:11: error: invalid duration `99999999999999999999s` [invalid-duration]"],
        ),
        (
            "[presets.a]\ntemplate = 'rate(up[{window}])'\nwindow = '5m'\nwindow_default = '5m'\n",
            &["4:1: error: unknown key `window_default` in a preset [unknown-key]"],
        ),
        (
            "[presets.a]\ntemplate = 'rate(up[{windw}])'\nwindow = '5m'\n",
            &["2:22: error: unknown placeholder `windw` [unknown-placeholder]"],
        ),
        (
            "[presets.a]\ntemplate = 'up offset {window}'\n",
            &["2:23: error: no default for `{window}` [missing-window]"],
        ),
    ]);
}

#[test]
fn placeholders() {
    let templates: &[Case] = &[
        ("", &["3:1: error: empty query [syntax]"]),
        ("  ", &["3:1: error: empty query [syntax]"]),
        ("{labels}", &["3:1: error: `labels` outside a selector's braces [misplaced-placeholder]"]),
        ("{window}", &["3:1: error: `window` where no duration can stand [misplaced-placeholder]"]),
        ("{group_by}", &["3:1: error: `group_by` outside a grouping [misplaced-placeholder]"]),
        ("{metric_name", &["3:1: error: single `{` in a template [lone-brace]"]),
        ("metric_name}", &["3:12: error: single `}` in a template [lone-brace]"]),
        ("{metric_name}{labels}", &["3:14: error: `labels` outside a selector's braces [misplaced-placeholder]"]),
        ("{metric_name} {labels}", &["3:15: error: `labels` outside a selector's braces [misplaced-placeholder]"]),
        ("up{labels}", &["3:3: error: `labels` outside a selector's braces [misplaced-placeholder]"]),
        ("up {labels}", &["3:4: error: `labels` outside a selector's braces [misplaced-placeholder]"]),
        ("up{{labels}}", &["3:3: error: `{{labels}}` is not a placeholder [malformed-placeholder]"]),
        ("up{{{{labels}}}}", &["3:3: error: `{{{{labels}}}}` is not a placeholder [malformed-placeholder]"]),
        ("up{{{labels}}", &["3:13: error: single `}` in a template [lone-brace]"]),
        ("up{{{labels}}}}", &["3:3: error: `{{{labels}}}}` is not a placeholder [malformed-placeholder]"]),
        ("up${{labels}}", &["3:3: error: `${{labels}}` is not a placeholder [malformed-placeholder]"]),
        ("up{{${labels}}}", &["3:5: error: `$` before the placeholder `labels` [malformed-placeholder]"]),
        (
            "{{metric_name}}{{{labels}}}",
            &["3:1: error: `{{metric_name}}` is not a placeholder [malformed-placeholder]"],
        ),
        ("sum by ({{group_by}})(up)", &["3:9: error: `{{group_by}}` is not a placeholder [malformed-placeholder]"]),
        ("up{job=\"x\"}", &["3:3: error: single `{` in a template [lone-brace]"]),
        ("up{}", &["3:3: error: empty placeholder [malformed-placeholder]"]),
        ("up{{job=\"{labels}\"}}", &["3:10: error: `labels` inside a string [misplaced-placeholder]"]),
        ("up{{job={labels}}}", &["3:9: error: `labels` as the value of a label [misplaced-placeholder]"]),
        ("up{{job=\"x\" {labels}}}", &["3:13: error: missing `,` before `{labels}` [syntax]"]),
        ("up{{{labels}=\"x\"}}", &["3:13: error: unexpected `=` [syntax]"]),
        ("up{{{labels} {labels}}}", &["3:14: error: missing `,` before `{labels}` [syntax]"]),
        ("up{{{group_by}}}", &["3:5: error: `group_by` inside a selector's braces [misplaced-placeholder]"]),
        ("up{{{window}}}", &["3:5: error: `window` where no duration can stand [misplaced-placeholder]"]),
        ("up{{{metric_name}}}", &["3:5: error: `metric_name` inside a selector's braces [misplaced-placeholder]"]),
        ("up{{{labels!r}}}", &["3:5: error: placeholder `labels` with a conversion [malformed-placeholder]"]),
        ("up{{{label}}}", &["3:6: error: unknown placeholder `label` [unknown-placeholder]"]),
        ("up{{{lables}}}", &["3:6: error: unknown placeholder `lables` [unknown-placeholder]"]),
        ("up{{{Labels}}}", &["3:6: error: unknown placeholder `Labels` [unknown-placeholder]"]),
        ("{metric}{{{labels}}}", &["3:2: error: unknown placeholder `metric` [unknown-placeholder]"]),
        ("{name}{{{labels}}}", &["3:2: error: unknown placeholder `name` [unknown-placeholder]"]),
        ("{0}{{{labels}}}", &["3:1: error: placeholder with a number: `0` [malformed-placeholder]"]),
        ("{}{{{labels}}}", &["3:1: error: empty placeholder [malformed-placeholder]"]),
        ("sum by {group_by}(up)", &["3:8: error: `group_by` outside parentheses [misplaced-placeholder]"]),
        ("sum by ({labels})(up)", &["3:9: error: `labels` in a grouping [misplaced-placeholder]"]),
        ("sum by ({group_by} {group_by})(up)", &["3:20: error: missing `,` before `{group_by}` [syntax]"]),
        ("sum({group_by})(up)", &["3:5: error: `group_by` outside a grouping [misplaced-placeholder]"]),
        ("topk({window}, up)", &["3:6: error: `window` where no duration can stand [misplaced-placeholder]"]),
        ("rate(up[{labels}])", &["3:9: error: `labels` outside a selector's braces [misplaced-placeholder]"]),
        ("rate(up[{window}m])", &["3:9: error: `window` as a part of a duration [misplaced-placeholder]"]),
        ("rate(up[5{window}])", &["3:10: error: `window` as a part of a number [misplaced-placeholder]"]),
        ("rate(up[{group_by}])", &["3:9: error: `group_by` outside a grouping [misplaced-placeholder]"]),
        (
            "rate(up[$__rate_interval])",
            &["3:9: error: `$__rate_interval` is not a placeholder [malformed-placeholder]"],
        ),
        ("rate(up[${window}])", &["3:9: error: `$` before the placeholder `window` [malformed-placeholder]"]),
        ("rate(up[{window:>5}])", &["3:9: error: placeholder `window` with a format [malformed-placeholder]"]),
        (
            "rate(up[ { window } ])",
            &["3:10: error: white space around the placeholder `window` [malformed-placeholder]"],
        ),
        (
            "label_replace(up, \"a\", \"{window}\", \"b\", \"\")",
            &["3:25: error: `window` inside a string [misplaced-placeholder]"],
        ),
        ("up # {labels}", &["3:6: error: `labels` inside a comment [misplaced-placeholder]"]),
        ("up{{job=~\"a{2}\"}}", &["3:12: error: single braces in a string [lone-brace]"]),
        ("up{{job=~\"a{2,3}\"}}", &["3:12: error: single braces in a string [lone-brace]"]),
        (
            "up{{job=~\"a{1,}b{3}\"}}",
            &[
                "3:12: error: single braces in a string [lone-brace]",
                "3:17: error: single braces in a string [lone-brace]",
            ],
        ),
        ("up @ {window}", &["3:6: error: `window` where no duration can stand [misplaced-placeholder]"]),
        ("{metric_name}{metric_name}", &["3:14: error: `metric_name` twice in one name [misplaced-placeholder]"]),
        ("{metric_name}_a_{metric_name}", &["3:17: error: `metric_name` twice in one name [misplaced-placeholder]"]),
        ("rate({metric_name}_bucket[5m]", &["3:5: error: unclosed `(` [syntax]"]),
        ("sum(up", &["3:4: error: unclosed `(` [syntax]"]),
        ("sum(up))", &["3:8: error: unmatched `)` [syntax]"]),
        ("up +", &["3:4: error: missing operand after `+` [syntax]"]),
        ("up{{job=\"a}}", &["3:9: error: unterminated string [syntax]"]),
        ("up{{job='a'", &["3:3: error: unclosed `{{` [syntax]"]),
        ("rat(up[5m])", &["3:1: error: unknown function `rat` [unknown-function]"]),
        ("rate(up)", &["3:6: error: `rate` takes a range vector [type-mismatch]"]),
        ("sum by (job) up", &["3:14: error: `sum` without an argument [syntax]"]),
        ("up; drop", &["3:3: error: unexpected `;` [syntax]"]),
        (
            "{windw} + {lables} + {x",
            &[
                "3:2: error: unknown placeholder `windw` [unknown-placeholder]",
                "3:12: error: unknown placeholder `lables` [unknown-placeholder]",
                "3:22: error: single `{` in a template [lone-brace]",
            ],
        ),
    ];
    let mut wrong = String::new();
    for (template, expected) in templates {
        // The template starts in column 1 of line 3.
        let said = said(&[("a.toml", &format!("[presets.a]\ntemplate = '''\n{template}'''\nwindow = '5m'\n"))]);
        if said != *expected {
            let lines: Vec<String> = said.iter().map(|line| format!("{line:?}")).collect();
            wrong += &format!("{template}\n=> &[{}]\n------\n", lines.join(", "));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
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
