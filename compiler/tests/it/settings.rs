//! `promql.toml`: severities, defaults and policies. What it can get wrong, and targets, are cases of `tests/ui`.

use promql_presets_compiler::promql::Features;
use promql_presets_compiler::{Declarations, InlineOptions, InlinePreset, Output, SourceFile, compile};

fn settings(text: &str) -> SourceFile {
    SourceFile { name: SourceFile::SETTINGS.to_owned(), path: "promql.toml".to_owned(), text: text.to_owned() }
}

fn compiled(text: &str, presets: &str) -> Output {
    let file = SourceFile { name: "a.toml".into(), path: "presets/a.toml".into(), text: presets.into() };
    compile(&[settings(text), file])
}

/// Severity and code of each finding.
fn found(text: &str, presets: &str) -> Vec<String> {
    let findings = compiled(text, presets).findings;
    let shown = |diagnostic: &promql_presets_compiler::Diagnostic| {
        format!("{} {}", diagnostic.severity.as_str(), diagnostic.code.as_str())
    };
    findings.iter().map(|finding| shown(&finding.diagnostic)).collect()
}

/// The same of `preset!`.
fn inline(text: &str, template: &str, window: Option<&str>) -> Vec<String> {
    let window = window.map(str::to_owned);
    let declarations = Declarations::read(vec![settings(text)]);
    assert_eq!(declarations.findings(), []);
    let options = InlineOptions { window, ..InlineOptions::default() };
    let preset = InlinePreset::compile(template, &options, &declarations);
    preset.diagnostics.iter().map(|it| format!("{} {}", it.severity.as_str(), it.code.as_str())).collect()
}

#[test]
fn bounds_of_targets_that_store_what_was_scraped() {
    let presets = |le: &str| {
        format!(
            "metric = {{ name = \"x\", type = \"histogram\" }}\n\n[presets.a]\ntemplate = 'rate({{metric_name}}_bucket{{{{le={le},{{labels}}}}}}[5m])'\n"
        )
    };
    // Without a snapshot, either form may be that of the exporter.
    for target in ["prometheus = \"2.45\"", "victoriametrics = \"1.102\"", "mimir = \"2.10\""] {
        for le in ["\"1\"", "\"1.0\"", "~\"1|5\"", "~\"1.0|5.0\""] {
            assert_eq!(found(&format!("[target]\n{target}\n"), &presets(le)), [""; 0], "{target} {le}");
        }
    }
    let wrong = |target: &str, le: &str| found(&format!("[target]\n{target}\n"), &presets(le));
    assert_eq!(wrong("prometheus = \"3.0\"", "\"1\""), ["error float-label-format"]);
    assert_eq!(wrong("prometheus = \"3.0\"", "\"1.0\""), [""; 0]);
}

const COUNTER: &str = "metric = { name = \"x_total\", type = \"counter\" }\n\n[presets.a]\n\
    template = 'sum(x_total{{{labels}}})'\n";

#[test]
fn severities() {
    let level = |level: &str| found(&format!("[checks]\nraw-counter = {level}\n"), COUNTER);
    assert_eq!(found("", COUNTER), ["warning raw-counter"]);
    assert_eq!(level("\"error\""), ["error raw-counter"]);
    assert_eq!(level("\"warning\""), ["warning raw-counter"]);
    assert_eq!(level("\"off\""), [""; 0]);
    assert_eq!(level("{ severity = \"error\" }"), ["error raw-counter"]);

    // A check that protects callers needs a reason for a lower severity, but not for its own.
    let unfiltered = "[presets.a]\ntemplate = 'up'\n";
    let level = |level: &str| found(&format!("[checks]\nunfiltered-selector = {level}\n"), unfiltered);
    assert_eq!(level("\"error\""), ["error unfiltered-selector"]);
    assert_eq!(level("\"warning\""), ["error missing-key", "warning unfiltered-selector"]);
    assert_eq!(
        level("{ severity = \"warning\", reason = \" \" }"),
        ["error missing-key", "warning unfiltered-selector"]
    );
    assert_eq!(level("{ severity = \"warning\", reason = \"one tenant\" }"), ["warning unfiltered-selector"]);
    assert_eq!(level("{ severity = \"off\", reason = \"one tenant\" }"), [""; 0]);
    let rate = "metric = { name = \"x\", type = \"gauge\" }\n[presets.a]\ntemplate = 'rate(x{{{labels}}}[5m])'\n";
    assert_eq!(found("[checks]\nrate-on-gauge = \"warning\"", rate), ["warning rate-on-gauge"]);
}

#[test]
fn severities_and_allow() {
    let allowed = |presets: &str| format!("{presets}allow = [{{ check = \"raw-counter\", reason = \"a test\" }}]\n");
    for level in ["error", "warning", "off"] {
        let settings = format!("[checks]\nraw-counter = \"{level}\"\n");
        assert_eq!(found(&settings, &allowed(COUNTER)), [""; 0], "{level}");
        let unused = if level == "off" { vec![] } else { vec!["warning unused-allow"] };
        let clean = "[presets.a]\ntemplate = 'up{{{labels}}}'\n";
        assert_eq!(found(&settings, &allowed(clean)), unused, "{level}");
    }
    let clean = allowed("[presets.a]\ntemplate = 'up{{{labels}}}'\n");
    assert_eq!(found("[checks]\nunused-allow = \"error\"", &clean), ["error unused-allow"]);
    assert_eq!(found("[checks]\nunused-allow = \"off\"", &clean), [""; 0]);
}

#[test]
fn checks_that_are_off_hide_nothing() {
    // The removed label explains the quantile without `le`, unless its check is off.
    let presets = "[presets.a]\ntemplate = 'histogram_quantile(0.9, sum by (le) (sum by (job) \
        (rate(x_bucket{{job=\"a\",{labels}}}[5m]))))'\n";
    let before = found("", presets);
    assert!(before.iter().any(|it| it.ends_with("group-removed-label")), "{before:?}");
    assert!(!before.iter().any(|it| it.ends_with("quantile-without-le")), "{before:?}");
    let after = found("[checks]\ngroup-removed-label = \"off\"", presets);
    assert!(after.iter().any(|it| it.ends_with("quantile-without-le")), "{after:?}");
}

#[test]
fn default_windows() {
    const PRESET: &str = "[presets.a]\ntemplate = 'rate(x{{{labels}}}[{window}])'\n";
    const WINDOW: &str = "[defaults]\nwindow = \"7m\"\n";
    assert_eq!(found("", PRESET), ["error missing-window"]);
    let window =
        |presets: &str| compiled(WINDOW, presets).registry.modules[0].presets[0].window.map(|it| it.to_string());
    assert_eq!(found(WINDOW, PRESET), [""; 0]);
    assert_eq!(window(PRESET).as_deref(), Some("7m"));
    assert_eq!(window(&format!("{PRESET}window = \"3m\"")).as_deref(), Some("3m"));
    assert_eq!(window("[presets.a]\ntemplate = 'up{{{labels}}}'\n"), None);
    assert_eq!(inline(WINDOW, "rate(x{{{labels}}}[{window}])", None), [""; 0]);
    assert_eq!(inline(WINDOW, "rate(x{{{labels}}}[5m])", None), [""; 0]);
    assert_eq!(inline("", "rate(x{{{labels}}}[{window}])", None), ["error missing-window"]);
    assert!(compiled(WINDOW, PRESET).code.contains("7m") || compiled(WINDOW, PRESET).code.contains("420"));
}

#[test]
fn default_scrape_intervals() {
    const SETTINGS: &str = "[defaults]\nscrape_interval = \"30s\"\n";
    let preset = |range: &str| format!("[presets.a]\ntemplate = 'rate(x{{{{{{labels}}}}}}[{range}])'\n");
    assert_eq!(found("", &preset("40s")), [""; 0]);
    assert_eq!(found(SETTINGS, &preset("40s")), ["error range-too-short"]);
    assert_eq!(found(SETTINGS, &preset("90s")), ["warning fragile-range"]);
    assert_eq!(found(SETTINGS, &preset("2m")), [""; 0]);
    let own = "metric = { name = \"x\", scrape_interval = \"10s\" }\n";
    assert_eq!(found(SETTINGS, &format!("{own}{}", preset("40s"))), [""; 0]);
    let rule = "[presets.a]\ntemplate = 'rate(job:x:sum{{{labels}}}[40s])'\n";
    assert_eq!(found(SETTINGS, rule), [""; 0], "rules are not scraped");
    assert_eq!(inline(SETTINGS, "rate(x{{{labels}}}[40s])", None), ["error range-too-short"]);
}

#[test]
fn required_labels() {
    const SETTINGS: &str = "[policy]\nrequire_labels = [\"tenant\", \"region\"]\n";
    let both = "[labels]\ntenant = \"string\"\nregion = [\"eu\", \"us\"]\n";
    let one = "[labels]\ntenant = \"string\"\n";
    let preset = |head: &str, template: &str| format!("{head}[presets.a]\ntemplate = '{template}'\n");
    let missing = "error missing-required-label";
    for (head, template, expected) in [
        ("", "x{{{labels}}}", 0),
        (both, "x{{{labels}}}", 0),
        (one, "x{{{labels}}}", 1),
        (one, "x{{region=\"eu\",{labels}}}", 0),
        (one, "x{{region=~\"eu|us\",{labels}}}", 0),
        (one, "x{{region!=\"eu\",{labels}}}", 1),
        (one, "x{{region=~\".*\",{labels}}}", 1),
        // One finding for both selectors, since one declaration is missing.
        (one, "x{{{labels}}} + y{{{labels}}}", 1),
        (one, "x{{region=\"eu\",{labels}}} + y{{{labels}}}", 1),
    ] {
        let found = found(SETTINGS, &preset(head, template));
        let found: Vec<_> = found.iter().filter(|it| !it.starts_with("warning")).collect();
        assert_eq!(found, vec![missing; expected], "{head}{template}");
    }
    // A selector without `{labels}` is one mistake.
    assert_eq!(found(SETTINGS, &preset(both, "x")), ["error unfiltered-selector"]);
    let lowered = |level: &str| {
        format!("{SETTINGS}[checks]\nunfiltered-selector = {{ severity = \"{level}\", reason = \"r\" }}\n")
    };
    let found_off = found(&lowered("off"), &preset("", "x"));
    assert_eq!(found_off, [missing, missing]);
    let found_warning = found(&lowered("warning"), &preset("", "x{{tenant=\"a\"}}"));
    assert_eq!(found_warning, ["warning unfiltered-selector", missing]);
    assert_eq!(inline(SETTINGS, "x{{{labels}}}", None), [""; 0]);
    assert_eq!(inline(SETTINGS, "x{{tenant=\"a\",region=\"eu\"}}", None), ["error unfiltered-selector"]);
    // Each of several files has its own finding, of which a preset may be exempt.
    let twice = format!("{}[presets.b]\ntemplate = 'y{{{{{{labels}}}}}}'\n", preset(one, "x{{{labels}}}"));
    assert_eq!(found(SETTINGS, &twice), [missing]);
    let allow = "allow = [{ check = \"missing-required-label\", reason = \"r\" }]\n";
    assert_eq!(found(SETTINGS, &format!("{twice}{allow}")), [missing]);
    assert_eq!(found(SETTINGS, &format!("{}{allow}", preset(one, "x{{{labels}}}"))), [""; 0]);
}

#[test]
fn limits() {
    const SETTINGS: &str = "[policy]\nmax_window = \"1h\"\nmax_range = \"1d\"\nmax_offset = \"1w\"\n";
    let exceeds = "error exceeds-limit";
    for (template, window, expected) in [
        ("rate(x{{{labels}}}[{window}])", "1h", 0),
        ("rate(x{{{labels}}}[{window}])", "61m", 1),
        ("rate(x{{{labels}}}[{window}])", "2d", 1),
        ("rate(x{{{labels}}}[{window} * 30])", "1h", 1),
        ("rate(x{{{labels}}}[1d] offset 1w)", "", 0),
        ("rate(x{{{labels}}}[25h] offset 8d)", "", 2),
        ("max_over_time(rate(x{{{labels}}}[5m])[2d:5m] offset 2w)", "", 2),
        ("x{{{labels}}} offset -2w", "", 0),
    ] {
        let line = if window.is_empty() { String::new() } else { format!("window = \"{window}\"\n") };
        let found = found(SETTINGS, &format!("[presets.a]\ntemplate = '{template}'\n{line}"));
        assert_eq!(found, vec![exceeds; expected], "{template} {window}");
    }
    for (template, expected) in [
        ("rate(x{{{labels}}}[1d] offset 6d)", 0),
        ("rate(x{{{labels}}}[1d] offset 7d)", 1),
        ("x{{{labels}}} - x{{{labels}}} offset 8d", 1),
        ("rate(x{{{labels}}}[2d] offset -1d) + rate(x{{{labels}}}[8d] offset -1d)", 0),
        ("max_over_time(rate(x{{{labels}}}[2d])[5d:1h])", 0),
        ("max_over_time(rate(x{{{labels}}}[2d])[5d:1h] offset 1d)", 1),
        ("max_over_time((rate(x{{{labels}}}[2d]) + rate(y{{{labels}}}[3d]))[5d:1h])", 1),
        ("max_over_time(rate(x{{{labels}}}[{window}])[6d:1h])", 1),
    ] {
        let window = if template.contains("{window}") { "window = \"2d\"\n" } else { "" };
        let preset = format!("[presets.a]\ntemplate = '{template}'\n{window}");
        assert_eq!(found("[policy]\nmax_lookback = \"1w\"", &preset), vec![exceeds; expected], "{template}");
    }
    // One finding for one long range.
    let long = "[presets.a]\ntemplate = 'rate(x{{{labels}}}[30d])'\n";
    assert_eq!(found("[policy]\nmax_range = \"1w\"\nmax_lookback = \"1w\"", long), [exceeds]);
    let allow = "allow = [{ check = \"exceeds-limit\", reason = \"yearly\" }]\n";
    let presets = format!("[presets.a]\ntemplate = 'rate(x{{{{{{labels}}}}}}[{{window}}])'\nwindow = \"2d\"\n{allow}");
    assert_eq!(found(SETTINGS, &presets), [""; 0]);
    assert_eq!(inline(SETTINGS, "rate(x{{{labels}}}[{window}])", Some("2h")), [exceeds]);
    assert_eq!(inline(SETTINGS, "rate(x{{{labels}}}[2d])", None), [exceeds]);
    let code = compiled(SETTINGS, &presets).code;
    // Callers may pass as long a window as the default, which is allowed here.
    assert!(code.contains("max_window: __p::Some(__p::PromDuration::from_millis(172800000))"), "{code}");
    // Where windows have no limit of their own, that of ranges holds.
    assert_eq!(inline("[policy]\nmax_range = \"1h\"", "rate(x{{{labels}}}[{window}])", Some("2h")), [exceeds]);
}

#[test]
fn required_keys() {
    const SETTINGS: &str = "[policy]\nrequire = [\"description\", \"unit\"]\n";
    let missing = "error missing-key";
    let preset = "[presets.a]\ntemplate = 'up{{{labels}}}'\n";
    assert_eq!(found(SETTINGS, preset), [missing, missing]);
    assert_eq!(found(SETTINGS, &format!("{preset}unit = \"1\"\ndescription = \"\"\n")), [missing]);
    assert_eq!(found(SETTINGS, &format!("{preset}unit = \"1\"\ndescription = \"Up.\"\n")), [""; 0]);
}

#[test]
fn settings_reach_the_command_line() {
    let text = "[defaults]\nurl = \"https://prometheus\"\n[metrics]\ntarget_labels = [\"cluster\"]\n";
    let output = compiled(text, "[presets.a]\ntemplate = 'up{{{labels}}}'\n");
    assert_eq!((output.url.as_deref(), output.target_labels), (Some("https://prometheus"), vec!["cluster".to_owned()]));
}

#[test]
fn features_of_all_files() {
    let preset = "[presets.a]\ntemplate = 'limitk(2, x{{{labels}}})'\n";
    assert_eq!(found("", preset), ["error experimental-feature"]);
    let settings = "[target]\nfeatures = [\"promql-experimental-functions\"]\n";
    assert_eq!(found(settings, preset), [""; 0]);
    assert_eq!(inline(settings, "limitk(2, x{{{labels}}})", None), [""; 0]);
    assert_eq!(
        inline("[target]\nprometheus = \"2.45\"", "mad_over_time(x{{{labels}}}[5m])", None),
        ["error unsupported-by-target"]
    );
    let options = InlineOptions { features: Features::all(), ..InlineOptions::default() };
    let declarations = Declarations::read(vec![settings_with_faults()]);
    let preset = InlinePreset::compile("limitk(2, x{{{labels}}})", &options, &declarations);
    assert!(preset.diagnostics.is_empty());
    let codes: Vec<_> = declarations.findings().iter().map(|finding| finding.diagnostic.code.as_str()).collect();
    assert_eq!(codes, ["unknown-key", "invalid-value"]);
}

fn settings_with_faults() -> SourceFile {
    settings("[targt]\nprometheus = \"3.0\"\nfeatures = [\"x\"]\n")
}

/// Every section, with each of its keys.
const WHOLE: &str = "[target]\nprometheus = \"2.45\"\nvictoriametrics = \"v1.102.1\"\nthanos = \"newest\"\nmimir = \"2.14\"\n\
    features = [\"promql-duration-expr\"]\n[defaults]\nscrape_interval = \"30s\"\nwindow = \"5m\"\n\
    url = \"http://prometheus:9090\"\n[checks]\nraw-counter = \"error\"\n\
    unfiltered-selector = { severity = \"off\", reason = \"one tenant\" }\n[policy]\nrequire_labels = [\"tenant\"]\n\
    require = [\"unit\"]\nmax_window = \"1d\"\nmax_range = \"1w\"\nmax_offset = \"30d\"\n[metrics]\nopen = [\"node_*\"]\n\
    target_labels = [\"cluster\"]\n";

#[test]
fn no_text_is_too_broken() {
    let presets = "[presets.a]\nunit = \"1\"\ntemplate = 'sum(x{{tenant=\"a\",{labels}}})'\n";
    assert_eq!(found(WHOLE, presets), [""; 0]);
    for end in 0..WHOLE.len() {
        compiled(&WHOLE[..end], presets);
        // A quote, a bracket or a sign that is missing.
        let broken = format!("{}{}", &WHOLE[..end], &WHOLE[end + 1..]);
        compiled(&broken, presets);
    }
    for line in WHOLE.lines().filter(|line| line.contains('=')) {
        let (key, _) = line.split_once('=').unwrap();
        for value in
            ["1", "1.5", "true", "\"\"", "\"\u{e9}\"", "[]", "[1]", "[[]]", "{}", "{ x = 1 }", "1979-05-27", ""]
        {
            compiled(&WHOLE.replace(line, &format!("{key}= {value}")), presets);
        }
    }
}

#[test]
fn the_docs_show_valid_settings() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/preset-files.md")).unwrap();
    let mut blocks = page.split("```toml\n").skip(1).filter_map(|block| block.split("```").next());
    let shown = blocks.find(|block| block.contains("[target]\n")).unwrap();
    assert!(WHOLE.lines().filter(|line| line.starts_with('[')).all(|section| shown.contains(section)), "{shown}");
    let presets = "[presets.a]\ndescription = \"Up.\"\nunit = \"1\"\ntemplate = 'up{{{labels}}}'\n";
    assert_eq!(found(shown, presets), [""; 0]);
}

#[test]
fn all_faults_are_reported_at_once() {
    let text = "[target]\nprometheus = 3\nvictoriametrics = \"9.0\"\n[checks]\nraw-countr = \"off\"\nsyntax = \"off\"\n\
        [policy]\nmax_window = \"1 day\"\nrequire = [\"titel\"]\n[default]\nwindow = 5\nurl = \"prometheus\"\n[metrics]\nopen = 1\n";
    let output = compiled(text, COUNTER);
    let shown: Vec<_> = output
        .findings
        .iter()
        .filter(|finding| finding.file == 0)
        .map(|finding| format!("{}: {}", &text[finding.diagnostic.span.range()], finding.diagnostic.title))
        .collect();
    assert_eq!(
        shown,
        [
            "3: `prometheus` must be a version in quotes, not an integer",
            "\"9.0\": unknown version `9.0` of VictoriaMetrics",
            "raw-countr: unknown check `raw-countr`",
            "syntax: the severity of `syntax` cannot be set",
            "1 day: invalid duration `1 day`",
            "\"titel\": unknown key of a preset `titel`",
            "default: unknown key `default` in the settings",
            "5: `window` must be a duration in quotes, not an integer",
            "\"prometheus\": invalid URL `prometheus`",
            "1: `open` must be a boolean or an array of strings, not an integer",
        ]
    );
    // A misspelt check is read as the one that is meant.
    assert!(output.findings.iter().all(|finding| finding.file == 0), "{:?}", output.findings);
}
