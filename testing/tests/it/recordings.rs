//! Recording and replaying.

use promql_presets::presets::prometheus::{self, Label, UP, UP_RATIO};
use promql_presets::{Error, MetricQuerier, Preset, PrometheusClient, Querier, TimeRange, Timestamp, Vector, preset};
use promql_presets_testing::{MockPrometheus, MockResponse, series};

use crate::{failure, message};

async fn query(client: &PrometheusClient, time: &str) -> Result<Vec<String>, Error> {
    let up = client.query(UP, &prometheus::Querier::new().job("a")).at(time).await?;
    Ok(up.iter().map(|it| format!("{} {} {}", it.labels(), it.value(), it.timestamp().to_unix_seconds())).collect())
}

#[tokio::test]
async fn recordings_are_replayed() {
    let folder = std::env::temp_dir().join(format!("promql-presets-recording-{}", std::process::id()));
    let file = folder.join("up.json");
    let server = MockPrometheus::start();
    let many = series![{ job = "a" } => 1, { job = "b" } => "NaN", { job = "c" } => "{{schema:0 count:1 buckets:[1]}}"];
    server.on(UP).label("job", "a").header("authorization", "Bearer secret").returns(many).then(series![]);
    server.on_range(UP_RATIO).group_by(["job"]).returns(series![{ job = "a" } => "0+1x60"]);
    server.on_labels().matching(&Querier::new("a")).matching(&Querier::new("b")).returns(["x"]);
    server
        .on_path("/-/ready")
        .returns(MockResponse::http(503, "text/plain", "not \"ready\"").header("Retry-After", "7"));

    let range = |start: i64, steps: i64| {
        let (start, end) = (Timestamp::from_secs(start), Timestamp::from_secs(start + steps * 15));
        TimeRange::new(start, end).unwrap().step("15s").unwrap()
    };
    let by_job = prometheus::Querier::new().group_by([Label::Job]);
    let mock = MockPrometheus::record(server.url(), &file);
    let client = mock.client_builder().bearer_auth("secret").build().unwrap();
    let first = query(&client, "1700000000").await.unwrap();
    assert_eq!(first.len(), 3);
    assert_eq!(query(&client, "1700000000").await.unwrap().len(), 0);
    let ratio = client.query_range(UP_RATIO, &by_job, range(1_700_000_000, 60)).await.unwrap();
    assert_eq!(ratio.one().unwrap().len(), 61);
    let labels = client.labels().matching(&Querier::new("a")).matching(&Querier::new("b")).await.unwrap();
    assert_eq!(labels.into_vec(), ["x"]);
    assert!(!client.ready().timeout(std::time::Duration::from_secs(1)).await.unwrap());
    mock.verify();
    server.verify();

    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("secret") && text.contains("[1700000015,\"1\"],\n"), "{text}");
    assert!(text.lines().all(|line| line.len() < 200), "{text}");

    let mock = MockPrometheus::replay(&file);
    let client = mock.client();
    assert_eq!(query(&client, "1700000000").await.unwrap(), first);
    assert_eq!(query(&client, "1700000000").await.unwrap().len(), 0);
    // Again, at other times.
    let mock = MockPrometheus::replay(&file);
    let client = mock.client();
    let moved: Vec<_> = first.iter().map(|line| line.replace(" 1700000000", " 1800000000.500")).collect();
    assert_eq!(query(&client, "1800000000.5").await.unwrap(), moved);
    for (steps, expected) in [(60, 61), (59, 60), (61, 61)] {
        let ratio = client.query_range(UP_RATIO, &by_job, range(1_800_000_000, steps)).await.unwrap();
        let series = ratio.one().unwrap();
        assert_eq!(series.len(), expected);
        assert_eq!(series.timestamps()[1], Timestamp::from_secs(1_800_000_015));
    }
    let labels = client.labels().matching(&Querier::new("a")).matching(&Querier::new("b")).await.unwrap();
    assert_eq!(labels.into_vec(), ["x"]);
    assert!(!client.ready().await.unwrap());
    let calls = mock.calls();
    assert_eq!(calls.last().unwrap().path(), "/-/ready");
    assert!(mock.problems().is_empty());

    client.query_range(UP_RATIO, &by_job, range(1_700_000_000, 30)).await.unwrap_err();
    let error = client.query(UP, &prometheus::Querier::new()).await.unwrap_err().to_string();
    assert!(error.contains(r#"query: "up{}", which was not recorded; query: "up{job=\"a\"}" was recorded"#), "{error}");
    let text = failure(mock);
    assert!(text.contains("was not recorded\n  - a range of another length"), "{text}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn tenants_get_what_was_recorded_for_them() {
    let server = MockPrometheus::start();
    server.on(UP).any_labels().tenant("a").returns(1);
    server.on(UP).any_labels().tenant("b").returns(2);
    let folder = std::env::temp_dir().join(format!("promql-presets-tenants-{}", std::process::id()));
    let file = folder.join("tenants.json");
    let value = async |client: &PrometheusClient, tenant: &str| {
        let client = client.for_tenant(tenant);
        client.query(UP, &prometheus::Querier::new()).await.map(|vector| vector.number().unwrap())
    };
    let mock = MockPrometheus::record(server.url(), &file);
    for (tenant, expected) in [("a", 1.0), ("b", 2.0)] {
        assert_eq!(value(&mock.client(), tenant).await.unwrap(), expected);
    }
    drop(mock);
    let mock = MockPrometheus::replay(&file);
    for (tenant, expected) in [("b", 2.0), ("a", 1.0)] {
        assert_eq!(value(&mock.client(), tenant).await.unwrap(), expected);
    }
    let error = value(&mock.client(), "c").await.unwrap_err().to_string();
    assert!(error.contains(r#"the tenant is "c", not "#), "{error}");
    failure(mock);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn presets_of_the_same_text_are_different() {
    const SAME: Preset<dyn MetricQuerier, Vector> = preset!("up{{{labels}}}", name = "same");
    let server = MockPrometheus::start();
    server.on_any().returns(MockResponse::data(r#"{"resultType":"vector","result":[]}"#));
    let folder = std::env::temp_dir().join(format!("promql-presets-same-{}", std::process::id()));
    let querier = prometheus::Querier::new();
    let up = |mock: &MockPrometheus| mock.client().query(UP, &querier).into_owned();
    let same = |mock: &MockPrometheus| mock.client().query(SAME, &querier).into_owned();
    let raw = |mock: &MockPrometheus| mock.client().raw_query("up{}");

    let mock = MockPrometheus::record(server.url(), folder.join("up.json"));
    up(&mock).await.unwrap();
    drop(mock);
    let mock = MockPrometheus::replay(folder.join("up.json"));
    up(&mock).await.unwrap();
    let error = same(&mock).await.unwrap_err().to_string();
    assert!(error.contains("the preset same, not the preset prometheus::up"), "{error}");
    let error = raw(&mock).await.unwrap_err().to_string();
    assert!(error.contains("unchecked PromQL, not the preset prometheus::up"), "{error}");
    failure(mock);

    let mock = MockPrometheus::record(server.url(), folder.join("raw.json"));
    raw(&mock).await.unwrap();
    drop(mock);
    let mock = MockPrometheus::replay(folder.join("raw.json"));
    raw(&mock).await.unwrap();
    let error = up(&mock).await.unwrap_err().to_string();
    assert!(error.contains("the preset prometheus::up, not unchecked PromQL"), "{error}");
    failure(mock);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn missing_servers_and_files() {
    let folder = std::env::temp_dir().join(format!("promql-presets-missing-{}", std::process::id()));
    let mock = MockPrometheus::record("http://127.0.0.1:9", folder.join("a.json"));
    query(&mock.client(), "1").await.unwrap_err();
    assert!(failure(mock).contains("cannot reach http://127.0.0.1:9: "));
    std::fs::write(folder.join("b.json"), "{}").unwrap();
    assert!(message(|| MockPrometheus::replay(folder.join("b.json"))).contains("is not a recording"));
    assert!(message(|| MockPrometheus::replay(folder.join("c.json"))).contains("cannot read"));
    std::fs::remove_dir_all(folder).unwrap();
}
