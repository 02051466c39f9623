use super::*;
use crate::condition::tests::{none_of, not, one_of, regex};
use crate::{Condition, LabelKind, LabelUse, PresetInfo, Querier};

const RATE: &[Segment] = &[
    Segment::Text("sum by ("),
    Segment::GroupBy,
    Segment::Text(")(rate("),
    Segment::MetricNameOpen("", ""),
    Segment::Labels,
    Segment::Text("}["),
    Segment::Window,
    Segment::Text("]))"),
];
const PARTS: &[Segment] = &[
    Segment::MetricName("", "_sum"),
    Segment::Text("/"),
    Segment::MetricNameOpen("", "_count"),
    Segment::Item("a=\"b\""),
    Segment::Text("}"),
];
const FIVE_MINUTES: Option<PromDuration> = Some(PromDuration::from_secs(300));

const fn label(name: &'static str, kind: LabelKind) -> LabelInfo<'static> {
    LabelInfo { name, required: false, prefix: "", kind, usage: LabelUse::Both, description: "" }
}

const fn preset(segments: &'static [Segment], window: Option<PromDuration>) -> PresetInfo {
    PresetInfo { name: "test::preset", source: "presets/test.toml:1", window, segments, ..PresetInfo::__DEFAULT }
}

fn render(preset: &PresetInfo, querier: &Querier, window: Option<PromDuration>) -> Result<String, RenderError> {
    Input::of(querier).render(preset.__template(), window, None)
}

fn rendered(segments: &'static [Segment], querier: &Querier) -> String {
    let uses_window = segments.contains(&Segment::Window);
    render(&preset(segments, FIVE_MINUTES.filter(|_| uses_window)), querier, None).unwrap()
}

fn failed(preset: &PresetInfo, querier: &Querier) -> RenderError {
    render(preset, querier, None).unwrap_err()
}

#[test]
fn renders_the_documented_examples() {
    let api = Querier::new("backendai_api_request_count_total").label("endpoint", "/auth").group_by(["endpoint"]);
    assert_eq!(
        render(&preset(RATE, FIVE_MINUTES), &api, Some(PromDuration::from_secs(60))).unwrap(),
        r#"sum by (endpoint)(rate(backendai_api_request_count_total{endpoint="/auth"}[1m]))"#
    );
    let gauge = &[Segment::MetricNameOpen("", ""), Segment::Labels, Segment::Text("}")];
    assert_eq!(
        rendered(gauge, &Querier::new("backendai_container_utilization").label("value_type", "current")),
        r#"backendai_container_utilization{value_type="current"}"#
    );
}

#[test]
fn commas_stand_between_elements_only() {
    const LIST: &[Segment] = &[
        Segment::Text("m{"),
        Segment::Labels,
        Segment::Item("job=\"api\""),
        Segment::Labels,
        Segment::Text("}/on("),
        Segment::GroupBy,
        Segment::Text(")up{"),
        Segment::Item("a=\"b\""),
        Segment::Labels,
        Segment::Text("}"),
    ];
    let none = Querier::default();
    assert_eq!(rendered(LIST, &none), r#"m{job="api"}/on()up{a="b"}"#);
    let one = none.label("x", "1").group_by(["y"]);
    assert_eq!(rendered(LIST, &one), r#"m{x="1",job="api",x="1"}/on(y)up{a="b",x="1"}"#);
    let two = one.label("z", not("2")).group_by(["z"]);
    assert_eq!(rendered(LIST, &two), r#"m{x="1",z!="2",job="api",x="1",z!="2"}/on(y,z)up{a="b",x="1",z!="2"}"#);
}

#[test]
fn names_that_are_not_identifiers_are_quoted() {
    let querier = Querier::new("http.requests").label("http.code", "500").group_by(["http.code", "inf"]);
    assert_eq!(
        rendered(RATE, &querier),
        r#"sum by ("http.code","inf")(rate({"http.requests","http.code"="500"}[5m]))"#
    );
    assert_eq!(rendered(PARTS, &Querier::new("x")), r#"x_sum/x_count{a="b"}"#);
    assert_eq!(rendered(PARTS, &Querier::new("x.y")), r#"{"x.y_sum"}/{"x.y_count",a="b"}"#);
    assert_eq!(rendered(&[Segment::MetricName("", "")], &Querier::new("sum")), r#"{"sum"}"#);
}

#[test]
fn a_render_takes_one_allocation() {
    let querier = Querier::new("http.requests\n")
        .label("a\"b", "\u{FFFD}\0\u{1b}")
        .label("c", one_of(&["1.5", "[x]"]))
        .label("d", regex("x|y"))
        .group_by(["http.code", "c"]);
    let query = rendered(RATE, &querier);
    let exact = Input::of(&querier);
    assert!(query.len() <= exact.capacity(RATE, Values::default(), false));
    assert_eq!(query.capacity(), exact.capacity(RATE, Values::default(), false), "the string grew");
}

#[test]
fn the_ends_of_a_range_are_functions_or_times() {
    const AT: &[Segment] = &[Segment::Text("up @ "), Segment::Start, Segment::Text(" - up @ "), Segment::End];
    let (input, preset) = (Querier::default(), preset(AT, None));
    let input = Input::of(&input);
    assert_eq!(input.render(preset.__template(), None, None).unwrap(), "up @ start() - up @ end()");
    let ends = Some(["-5.000", "1700000000.250"]);
    let query = input.render(preset.__template(), None, ends).unwrap();
    assert_eq!(query, "up @ -5.000 - up @ 1700000000.250");
    assert_eq!(query.capacity(), query.len());
}

#[test]
fn selectors_of_queriers() {
    let of = |querier: Querier| selector(&querier);
    assert_eq!(of(Querier::new("up").label("job", "x")).unwrap(), r#"up{job="x"}"#);
    assert_eq!(of(Querier::new("a.b")).unwrap(), r#"{"a.b"}"#);
    assert_eq!(of(Querier::new("").label("job", "x")).unwrap(), r#"{job="x"}"#);
    assert_eq!(of(Querier::new("")), Err(RenderError::EmptySelector));
}

#[test]
fn refuses_invalid_values() {
    let rate = preset(RATE, FIVE_MINUTES);
    let label = |label: &str| label.to_owned();
    assert_eq!(failed(&rate, &Querier::new("")), RenderError::MissingMetricName);
    assert_eq!(failed(&rate, &Querier::new("m").label("", "x")), RenderError::InvalidLabelName { label: label("") });
    assert_eq!(
        failed(&rate, &Querier::new("m").label("__name__", "x")),
        RenderError::InvalidLabelName { label: label("__name__") }
    );
    assert_eq!(failed(&rate, &Querier::new("m").group_by([""])), RenderError::InvalidLabelName { label: label("") });
    assert_eq!(
        failed(&rate, &Querier::new("m").label("a", none_of(&[]))),
        RenderError::NoAlternatives { label: label("a") }
    );
    assert!(matches!(failed(&rate, &Querier::new("m").label("a", regex("("))), RenderError::InvalidRegex { .. }));
    let zero = render(&rate, &Querier::new("m"), Some(PromDuration::ZERO));
    assert_eq!(zero, Err(RenderError::ZeroWindow));
    let limited = PresetInfo { max_window: FIVE_MINUTES, ..preset(RATE, FIVE_MINUTES) };
    assert!(render(&limited, &Querier::new("m"), FIVE_MINUTES).is_ok());
    let long = render(&limited, &Querier::new("m"), Some(PromDuration::from_secs(301)));
    assert_eq!(long.unwrap_err().to_string(), "a window of 5m1s, but at most 5m is permitted");
    let unexpected = render(&preset(&[Segment::Text("up")], None), &Querier::default(), FIVE_MINUTES);
    assert_eq!(unexpected, Err(RenderError::UnexpectedWindow));
}

#[test]
fn refuses_values_without_a_placeholder() {
    let plain = preset(&[Segment::Text("up")], None);
    let matcher = RenderError::UnexpectedMatcher { label: "job".to_owned() };
    for condition in [Condition::from("api"), not("api"), regex("a.*"), one_of(&["a", "b"])] {
        assert_eq!(failed(&plain, &Querier::new("").label("job", condition)), matcher);
    }
    let group_by = RenderError::UnexpectedGroupBy { label: "path".to_owned() };
    assert_eq!(failed(&plain, &Querier::new("").group_by(["path"])), group_by);
    let name = RenderError::UnexpectedMetricName { name: "m".to_owned() };
    assert_eq!(failed(&plain, &Querier::new("m")), name);
    let named = PresetInfo { metric: Some("m"), ..plain };
    assert_eq!(render(&named, &Querier::new("m"), None).as_deref(), Ok("up"));
    assert!(!named.takes_metric_name() && !named.takes_labels() && !named.takes_group_by());
    let rate = preset(RATE, FIVE_MINUTES);
    assert!(rate.takes_metric_name() && rate.takes_labels() && rate.takes_group_by());
}

#[test]
fn declared_labels_are_checked_for_any_querier() {
    const LABELS: &[LabelInfo] = &[
        LabelInfo { required: true, ..label("job", LabelKind::String) },
        label("id", LabelKind::Uuid),
        label("code", LabelKind::Integer),
        LabelInfo { usage: LabelUse::Filter, ..label("kind", LabelKind::OneOf(&["a", "b"])) },
        LabelInfo { usage: LabelUse::GroupBy, ..label("zone", LabelKind::String) },
    ];
    let preset = PresetInfo { labels: Some(LABELS), metric: Some("m"), ..preset(RATE, FIVE_MINUTES) };
    let base = || Querier::new("m").label("job", "api");
    let wrong_value = |querier: Querier| matches!(failed(&preset, &querier), RenderError::InvalidLabelValue { .. });

    assert_eq!(failed(&preset, &Querier::new("m")), RenderError::MissingRequiredLabel { label: "job".to_owned() });
    assert_eq!(
        failed(&preset, &Querier::new("n").label("job", "api")),
        RenderError::OtherMetric { expected: "m".to_owned(), found: "n".to_owned() }
    );
    assert!(matches!(failed(&preset, &base().label("jbo", "x")), RenderError::UndeclaredLabel { .. }));
    assert!(matches!(failed(&preset, &base().group_by(["x"])), RenderError::UndeclaredLabel { .. }));
    assert!(matches!(failed(&preset, &base().label("zone", "x")), RenderError::NotAFilter { .. }));
    assert!(matches!(failed(&preset, &base().group_by(["kind"])), RenderError::NotAGroupBy { .. }));
    assert!(render(&preset, &base().label("kind", "a").group_by(["zone"]), None).is_ok());
    assert!(wrong_value(base().label("id", "1")));
    assert!(wrong_value(base().label("code", "x")));
    assert!(wrong_value(base().label("kind", "c")));
    let right = base()
        .label("id", "6a9f3c0e-8d1b-4e5f-9a2c-7b6d5e4f3a21")
        .label("code", "-1")
        .label("kind", not("b"))
        .label("kind", regex("a|c"));
    assert!(render(&preset, &right, None).is_ok());

    let (upper, lower) = ("6A9F3C0E-8D1B-4E5F-9A2C-7B6D5E4F3A21", "6a9f3c0e-8d1b-4e5f-9a2c-7b6d5e4f3a21");
    let foreign = base().label("id", one_of(&[upper, lower])).label("id", not(upper)).label("code", "0200");
    let query = render(&preset, &foreign, None).unwrap();
    assert!(query.contains(&format!(r#"id=~"{lower}|{lower}",id!="{lower}",code="200"}}"#)), "{query}");
    assert!(wrong_value(base().label("id", one_of(&[lower, "1"]))));
    assert!(wrong_value(base().label("kind", none_of(&["a", "c"]))));
    assert!(wrong_value(base().label("kind", not("c"))));
}

#[test]
fn uuids_with_a_prefix_are_uuids() {
    const GPU: &[LabelInfo<'_>] = &[LabelInfo { prefix: "GPU-", ..label("UUID", LabelKind::Uuid) }];
    let (upper, lower) = ("6A9F3C0E-8D1B-4E5F-9A2C-7B6D5E4F3A21", "6a9f3c0e-8d1b-4e5f-9a2c-7b6d5e4f3a21");
    let gpu = PresetInfo { labels: Some(GPU), ..preset(RATE, FIVE_MINUTES) };
    let query = render(&gpu, &Querier::new("m").label("UUID", format!("GPU-{upper}")), None).unwrap();
    assert!(query.contains(&format!(r#"UUID="GPU-{lower}""#)), "{query}");
    let bare = render(&gpu, &Querier::new("m").label("UUID", upper), None).unwrap();
    assert_eq!(bare, query);
    let other = failed(&gpu, &Querier::new("m").label("UUID", format!("MIG-{lower}")));
    assert!(other.to_string().ends_with("of label `UUID`, which is a UUID after `GPU-`"), "{other}");
}
