//! Compiles a template. If it compiles, it must render to valid PromQL for every querier: without filters, with one, with
//! several, with hostile values, and with an empty grouping.
//!
//! ```sh
//! cargo +nightly fuzz run template fuzz/corpus/template fuzz/seeds/template -- -dict=fuzz/seeds/promql.dict
//! ```

#![no_main]

use std::fmt::Write;

use libfuzzer_sys::fuzz_target;
use promql_presets_compiler::backend::registry::Preset;
use promql_presets_compiler::promql::{ResultType, Syntax, parse};
use promql_presets_core::{Condition, Input, MatchOp, Matcher, ParameterValues, PromDuration, Querier, Segment};

fuzz_target!(|input: &[u8]| {
    let Ok(template) = std::str::from_utf8(input) else { return };
    let window = if template.contains("{window}") { "window = '5m'\n" } else { "" };
    let text = format!("[presets.a]\ntemplate = {}\n{window}", toml_string(template));
    let (_, output) = promql_presets_fuzz::compiled(&text);
    // Whether a valid query makes sense is not tested here.
    if output.findings.iter().any(|finding| !finding.diagnostic.code.is_allowable()) {
        return;
    }
    let module = &output.registry.modules[0];
    let preset = &module.presets[0];
    assert_eq!(preset.template, template);
    for querier in queriers(preset) {
        let windows = [None, preset.window.map(|_| PromDuration::from_millis(90_001))];
        for window in windows.into_iter().take(1 + usize::from(preset.window.is_some())) {
            let query = preset
                .render(module, &Input::of(&querier), window, ParameterValues::DEFAULTS)
                .expect("every querier renders");
            let parsed = parse(&query, Syntax::PROMQL);
            assert!(parsed.diagnostics.is_empty(), "{template:?}\n{query}\n{:?}", parsed.diagnostics);
            let ty = parsed.expr.map_or(ResultType::String, |expr| expr.ty());
            assert_eq!(ty, preset.result, "{template:?}\n{query}");
        }
    }
});

/// Queriers that set only what the template has placeholders for.
fn queriers(preset: &Preset) -> Vec<Querier> {
    let hostile = "\"}) or vector(1) #\n\\`'{{{labels}}}\u{0}é";
    let takes = |kind: fn(&Segment<String>) -> bool| preset.segments.iter().any(kind);
    let takes_name = takes(|segment| matches!(segment, Segment::MetricName(..) | Segment::MetricNameOpen(..)));
    let takes_labels = takes(|segment| *segment == Segment::Labels);
    let takes_group_by = takes(|segment| *segment == Segment::GroupBy);
    let querier = |name: &'static str, matchers: Vec<Matcher<'static>>, groups: &[&'static str]| {
        let querier = Querier::new(if takes_name { name } else { "" });
        let querier = querier.group_by(groups.iter().copied().filter(|_| takes_group_by));
        matchers.into_iter().filter(|_| takes_labels).fold(querier, Querier::matcher)
    };
    let several = vec![
        Condition::new(MatchOp::NotEqual, hostile.to_owned()).on("job"),
        Condition::list(vec![hostile.to_owned(), ".*".to_owned()], false).on("job"),
        Condition::new(MatchOp::Regex, ".*".to_owned()).on(hostile),
    ];
    vec![
        querier("up", Vec::new(), &[]),
        querier("http.requests", vec![Matcher::equal("job", "api")], &["http.code"]),
        querier("sum", several, &["job", "by", hostile]),
        querier(hostile, vec![Matcher::equal("by", "")], &["inf", "__name__"]),
    ]
}

fn toml_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => write!(out, "\\U{:08X}", u32::from(c)).expect("a string"),
        }
    }
    out + "\""
}
