//! Compiles a template. If it compiles, it renders to PromQL for any querier: with no filter, one, many, hostile values,
//! and an empty grouping.
//!
//! ```sh
//! cargo +nightly fuzz run template fuzz/corpus/template fuzz/seeds/template -- -dict=fuzz/seeds/promql.dict
//! ```

#![no_main]

use std::fmt::Write;

use libfuzzer_sys::fuzz_target;
use promql_presets_compiler::backend::registry;
use promql_presets_compiler::promql::{ResultType, Syntax, parse};
use promql_presets_core::{
    AnyWindow, MetricQuerier, Preset, PresetInfo, PromDuration, Querier, ResultType, Segment, not, one_of, regex,
};

fuzz_target!(|input: &[u8]| {
    let Ok(template) = std::str::from_utf8(input) else { return };
    let window = if template.contains("{window}") { "window = '5m'\n" } else { "" };
    let text = format!("[presets.a]\ntemplate = {}\n{window}", toml_string(template));
    let (_, output) = promql_presets_fuzz::compiled(&text);
    // What a sound query means is not the question here.
    if output.findings.iter().any(|finding| !finding.diagnostic.code.is_allowable()) {
        return;
    }
    let preset = &output.registry.modules[0].presets[0];
    assert_eq!(preset.template, template);
    let segments: Vec<Segment> = preset.segments.iter().map(segment).collect();
    // Neither outlives `preset`.
    let segments: &'static [Segment] = unsafe { std::mem::transmute(segments.as_slice()) };
    let info = PresetInfo {
        name: "a::a",
        description: "",
        unit: None,
        template: "",
        source: "",
        result: ResultType::InstantVector,
        window: preset.window,
        metric: None,
        labels: None,
        segments,
    };
    let info: &'static PresetInfo = unsafe { std::mem::transmute(&info) };
    let preset_of_any: Preset<dyn MetricQuerier, (), AnyWindow> = Preset::__new(info);
    for querier in queriers() {
        let windows = [None, preset.window.map(|_| PromDuration::from_millis(90_001))];
        for window in windows.into_iter().take(1 + usize::from(preset.window.is_some())) {
            let query = preset_of_any.render(&querier, window).expect("any querier will do");
            let parsed = parse(&query, Syntax::PROMQL);
            assert!(parsed.diagnostics.is_empty(), "{template:?}\n{query}\n{:?}", parsed.diagnostics);
            let ty = parsed.expr.map_or(ResultType::String, |expr| expr.ty());
            assert_eq!(ty, preset.result, "{template:?}\n{query}");
        }
    }
});

fn queriers() -> [Querier; 4] {
    let hostile = "\"}) or vector(1) #\n\\`'{{{labels}}}\u{0}é";
    [
        Querier::new("up"),
        Querier::new("http.requests").label("job", "api").group_by(["http.code"]),
        Querier::new("sum")
            .label("job", not(hostile))
            .label("job", one_of([hostile, ".*"]))
            .label(hostile, regex(".*"))
            .group_by(["job", "by", hostile]),
        Querier::new(hostile).label("by", "").group_by(["inf", "__name__"]),
    ]
}

fn segment(segment: &registry::Segment) -> Segment {
    /// Only for as long as the text lives.
    fn forever(text: &str) -> &'static str {
        unsafe { std::mem::transmute(text) }
    }
    match segment {
        registry::Segment::Text(text) => Segment::Text(forever(text)),
        registry::Segment::Item(text) => Segment::Item(forever(text)),
        registry::Segment::MetricName(a, b) => Segment::MetricName(forever(a), forever(b)),
        registry::Segment::MetricNameOpen(a, b) => Segment::MetricNameOpen(forever(a), forever(b)),
        registry::Segment::Labels => Segment::Labels,
        registry::Segment::GroupBy => Segment::GroupBy,
        registry::Segment::Window => Segment::Window,
    }
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
