//! What a test may overlook: requests that differ in one thing only, which `strict` does not have.

use promql_presets::presets::container_utilization::{self as container};
use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{
    AnyPreset, Error, Match, MetricQuerier, NoWindow, Preset, PrometheusClient, Querier, TimeRange, Vector, Windowed,
    none_of, not, not_regex, one_of, preset, regex, starts_with,
};
use promql_presets_testing::{MockPrometheus, On, series};

use crate::failure;

type Any<W> = Preset<dyn MetricQuerier, Vector, W>;

const RATE: Any<Windowed> =
    preset!("sum by ({group_by}) (rate({metric_name}{{job=\"a\",{labels}}}[{window}]))", window = "5m", name = "rate");
const OFFSET: Any<Windowed> = preset!(
    "sum by ({group_by}) (rate({metric_name}{{job=\"a\",{labels}}}[{window}] offset 1h))",
    window = "5m",
    name = "rate"
);
const AT: Any<Windowed> = preset!(
    "sum by ({group_by}) (rate({metric_name}{{job=\"a\",{labels}}}[{window}] @ 0))",
    window = "5m",
    name = "rate"
);
const LITERAL: Any<NoWindow> =
    preset!("sum by ({group_by}) (rate({metric_name}{{job=\"a\",{labels}}}[5m]))", name = "literal");

/// The values of the placeholders of the expected query.
fn querier() -> Querier {
    Querier::new("m").label("x", "1").group_by(["g"])
}

fn expected(on: On<'_>) -> On<'_> {
    on.metric("m").label("x", "1").group_by(["g"])
}

/// Makes one call where another is expected, and returns the differences that the mock names.
async fn differences(
    expect: impl FnOnce(&MockPrometheus),
    call: impl AsyncFnOnce(PrometheusClient) -> Result<(), Error>,
) -> String {
    let mock = MockPrometheus::start();
    expect(&mock);
    let error = call(mock.client()).await.unwrap_err();
    assert!(error.to_string().contains("nearest expectation: "), "{error}");
    let text = failure(mock);
    assert!(text.contains(", at testing/tests/it/near_misses.rs:"), "{text}");
    text.lines().filter_map(|line| line.strip_prefix("  - ")).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn operators_that_select_the_same_or_more() {
    let base = || Querier::new("m").group_by(["g"]);
    for (other, difference) in [
        (base().label("x", regex("1")), "the matcher x=~\"1\", not x=\"1\""),
        (base().label("x", starts_with("1")), "the matcher x=~\"1(?s:.*)\", not x=\"1\""),
        (base().label("x", one_of(["1", "2"])), "the matcher x=~\"1|2\", not x=\"1\""),
        (base().label("x", not_regex("1")), "the matcher x!~\"1\", not x=\"1\""),
        (base().label("x", not("1")), "the matcher x!=\"1\", not x=\"1\""),
        (base().label("x", "1 "), "the matcher x=\"1 \", not x=\"1\""),
        (base().label("X", "1"), "no matcher x=\"1\"; the matcher X=\"1\", which is not expected"),
        (querier().label("x", regex(".*")), "the matcher x=~\".*\", which is not expected"),
        (querier().label("job", "a"), "the matcher job=\"a\", which is not expected"),
        (querier().label("y", ""), "the matcher y=\"\", which is not expected"),
        (Querier::new("m_total").label("x", "1").group_by(["g"]), "the metric \"m_total\", not \"m\""),
        (Querier::new("m").label("x", "1"), "grouped by [], not by [\"g\"]"),
        (querier().group_by(["G"]), "grouped by [\"g\", \"G\"], not by [\"g\"]"),
    ] {
        let on = |mock: &MockPrometheus| _ = expected(mock.on(RATE)).returns(series![]);
        let found = differences(on, async |client| client.query(RATE, &other).await.map(|_| ())).await;
        assert_eq!(found, difference);
    }
    // What is loosened is loosened only there.
    let on = |mock: &MockPrometheus| _ = expected(mock.on(RATE)).any_labels().returns(series![]);
    let other = Querier::new("m").label("x", regex("1")).group_by(["g"]);
    let found = differences(on, async |client| client.query(RATE, &other).await.map(|_| ())).await;
    assert_eq!(found, "the matcher x=~\"1\", not x=\"1\"");
    let on = |mock: &MockPrometheus| _ = expected(mock.on(RATE)).any_window().returns(series![]);
    let found =
        differences(on, async |client| client.query(RATE, &querier().group_by(["h"])).window("1m").await.map(|_| ()));
    assert_eq!(found.await, "grouped by [\"g\", \"h\"], not by [\"g\"]");
}

#[tokio::test]
async fn values_of_a_list_in_any_order() {
    let is_accepted = async |expected: Match<String>, other: Match<String>| {
        let mock = MockPrometheus::start();
        mock.on(RATE).metric("m").label("x", expected).returns(series![]).any_times();
        let is_accepted = mock.client().query(RATE, &Querier::new("m").label("x", other)).await.is_ok();
        if is_accepted {
            mock.verify();
        } else {
            failure(mock);
        }
        is_accepted
    };
    let texts = |texts: [&str; 3]| texts.map(str::to_owned);
    let (list, other) = (texts(["a.b", "2", "c"]), texts(["c", "2", "a.b"]));
    assert!(is_accepted(one_of(list.clone()), one_of(other.clone())).await);
    assert!(is_accepted(none_of(list.clone()), none_of(other.clone())).await);
    assert!(!is_accepted(one_of(list), none_of(other)).await);
    for (expected, other) in [
        ("a|b", "a|c"),
        ("a|b", "b|a|b"),
        ("a|b", "b"),
        ("a(b|c)", "a(c|b)"),
        ("[a|b]c|d", "d|[a|b]c"),
        (r"a\|b|c", r"c|a\|b"),
        (r"\Qa|b\E|c", r"c|\Qa|b\E"),
        ("a|", "a"),
    ] {
        assert!(!is_accepted(regex(expected).into(), regex(other).into()).await, "{expected} {other}");
    }
}

#[tokio::test]
async fn presets_that_differ_only_in_the_template() {
    let querier = querier();
    for (other, difference) in [(OFFSET, "not a query of the preset rate"), (AT, "not a query of the preset rate")] {
        let on = |mock: &MockPrometheus| _ = expected(mock.on(RATE)).returns(series![]);
        let found = differences(on, async |client| client.query(other, &querier).await.map(|_| ())).await;
        assert_eq!(found, difference);
    }
    // The same text: with a window in the template, and of types that are erased.
    assert_eq!(RATE.render(&querier, None).unwrap(), LITERAL.render(&querier, None).unwrap());
    let on = |mock: &MockPrometheus| _ = expected(mock.on(RATE)).returns(series![]);
    let found = differences(on, async |client| client.query(LITERAL, &querier).await.map(|_| ())).await;
    assert_eq!(found, "the preset literal, not rate");
    let mock = MockPrometheus::start();
    expected(mock.on(RATE)).returns(series![]);
    let erased: AnyPreset = RATE.any();
    mock.client().query(erased, &querier).window("300").await.unwrap();
    mock.verify();
}

#[tokio::test]
async fn unchecked_queries() {
    let range = TimeRange::parse("0", "60", "15s").unwrap();
    let promql = RATE.render(&querier(), None).unwrap();
    for (other, difference) in [
        (promql.replace("rate(", "rate( "), format!("the query is not `{promql}`")),
        (promql.replace("5m", "300s"), format!("the query is not `{promql}`")),
        (format!("{promql} offset 1h"), format!("the query is not `{promql}`")),
        (format!("({promql})"), format!("the query is not `{promql}`")),
    ] {
        let on = |mock: &MockPrometheus| _ = mock.on_raw(promql.clone()).returns(series![]);
        assert_eq!(differences(on, async |client| client.raw_query(other).await.map(|_| ())).await, difference);
    }
    let on = |mock: &MockPrometheus| _ = mock.on_raw(promql.clone()).returns(series![]);
    let found = differences(on, async |client| client.raw_query_range(promql.clone(), range).await.map(|_| ()));
    assert_eq!(found.await, "range query, not instant query");
    let on = |mock: &MockPrometheus| _ = mock.on_raw(promql.clone()).returns(series![]);
    let found = differences(on, async |client| client.query(RATE, &querier()).await.map(|_| ())).await;
    assert_eq!(found, "a query of the preset rate, not unchecked PromQL");
    let on = |mock: &MockPrometheus| _ = mock.on_any().header("x-key", "a").returns(1);
    let mock = MockPrometheus::start();
    on(&mock);
    // `on_any` is any request, whatever else is said of it.
    mock.client().raw_query("1").await.unwrap();
}

#[tokio::test]
async fn what_clients_add() {
    let ask = async |client: PrometheusClient| client.query(UP, &prometheus::Querier::new()).await.map(|_| ());
    let on = |mock: &MockPrometheus| _ = mock.on(UP).returns(1);
    for (which, difference) in [
        (0, "the matcher job=\"a\", which is not expected"),
        (1, "the tenant \"team-a\", not none"),
        (2, "path before the API: \"/select/42\", not \"\""),
    ] {
        let found = differences(on, async |client| {
            ask(match which {
                0 => client.with_filter("job", "a"),
                1 => client.for_tenant("team-a"),
                _ => client.with_base_path("/select/42"),
            })
            .await
        });
        assert_eq!(found.await, difference);
    }
    for (name, value) in [("dedup", "false"), ("nocache", "1"), ("step", "1h"), ("max_lookback", "1s")] {
        let mock = MockPrometheus::start();
        mock.on(UP).returns(1).any_times();
        let client = mock.client_builder().parameter(name, value).build().unwrap();
        ask(client).await.unwrap_err();
        let text = failure(mock);
        assert!(text.contains(&format!("parameter `{name}`: \"{value}\", which is not expected")), "{text}");
    }
}

#[tokio::test]
async fn lists_of_names() {
    let up = Querier::new("up").label("job", "a");
    let on = |mock: &MockPrometheus| _ = mock.on_label_values("job").matching(&up).start("0").end("60").returns(["a"]);
    for (which, difference) in [
        (0, "values of the label `instance`, not values of the label `job`"),
        (1, "the selector up{job=\"b\"}, which is not expected; no selector up{job=\"a\"}"),
        (2, "the selector up{job=~\"a\"}, which is not expected; no selector up{job=\"a\"}"),
        (3, "no selector up{job=\"a\"}"),
        (4, "the selector down{job=\"a\"}, which is not expected"),
        (5, "end: 1970-01-01T00:01:01Z, not 1970-01-01T00:01:00Z"),
        (6, "parameter `limit`: \"1\", which is not expected"),
    ] {
        let found = differences(on, async |client| {
            let label = if which == 0 { "instance" } else { "job" };
            let values = client.label_values(label).start("0").end(if which == 5 { "61" } else { "60" });
            let values = match which {
                1 => values.matching(&Querier::new("up").label("job", "b")),
                2 => values.matching(&Querier::new("up").label("job", regex("a"))),
                3 => values,
                4 => values.matching(&up).matching(&Querier::new("down").label("job", "a")),
                6 => values.matching(&up).limit(1),
                _ => values.matching(&up),
            };
            values.await.map(|_| ())
        });
        assert_eq!(found.await, difference);
    }
}

#[tokio::test]
async fn the_nearest_expectation_is_named() {
    let mock = MockPrometheus::start();
    mock.on(container::RATE).label("container_metric_name", "mem").returns(series![]).any_times();
    mock.on(container::RATE)
        .label("container_metric_name", "cpu")
        .group_by(["kernel_id"])
        .returns(series![])
        .any_times();
    mock.on(container::GAUGE).label("container_metric_name", "cpu").returns(series![]).any_times();
    let cpu = container::Querier::new("cpu");
    mock.client().query(container::RATE, &cpu.clone().group_by([container::Label::SessionId])).await.unwrap_err();
    let text = failure(mock);
    let expected = "rate{container_metric_name=\"cpu\"} by [\"kernel_id\"] [5m], at testing/tests/it/near_misses.rs:";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("  - grouped by [\"session_id\"], not by [\"kernel_id\"]"), "{text}");
}
