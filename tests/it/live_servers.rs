//! What recent servers can do: UTF-8 names, native histograms, annotations, limits and experimental functions.

use std::time::Duration;

use promql_presets::{ErrorKind, Labels, PrometheusClient, Querier, Series, TimeRange, Timestamp, preset, starts_with};
use promql_presets_test_support::extended::{
    INSTANCES, NATIVE_HISTOGRAM, OBSERVATIONS, UTF8_COUNTER, UTF8_LABELS, UTF8_RATES,
};
use promql_presets_test_support::{Dataset, SCRAPE_INTERVAL, Server, prometheus, victoria_metrics};

/// The extended data starts when the dataset ends, and lasts for ten minutes.
fn after(seconds: u64) -> Timestamp {
    Timestamp::from_secs(Dataset::of_tests().end()).checked_add(Duration::from_secs(seconds)).unwrap()
}

fn range(start: u64, end: u64) -> TimeRange {
    TimeRange::new(after(start), after(end)).unwrap().step("15s").unwrap()
}

/// A client, its server's version, and whether the server is a Prometheus.
struct Live {
    client: PrometheusClient,
    version: Vec<u32>,
    is_prometheus: bool,
}

impl Live {
    async fn new(server: &Server, is_prometheus: bool) -> Self {
        let client = PrometheusClient::new(server.url()).unwrap();
        let version = client.build_info().await.unwrap().version;
        let version = version.split('.').map_while(|number| number.parse().ok()).collect();
        Self { client, version, is_prometheus }
    }

    async fn prometheus() -> Option<Self> {
        Some(Self::new(prometheus::shared()?, true).await)
    }

    /// The servers that accept UTF-8 names, with whether they unescape names in paths.
    async fn with_utf8_names() -> Vec<(Self, bool)> {
        let mut servers = Vec::new();
        if let Some(live) = Self::prometheus().await.filter(|live| live.is_since([3, 0])) {
            servers.push((live, true));
        }
        if let Some(server) = victoria_metrics::shared() {
            let live = Self::new(server, false).await;
            let escaped = live.client.label_values("a/b").start(after(0)).end(after(600)).await.unwrap();
            let unescapes = !escaped.is_empty();
            servers.push((live, unescapes));
        }
        servers
    }

    fn is_since(&self, first: [u32; 2]) -> bool {
        self.version >= first.to_vec()
    }
}

fn assert_close(actual: f64, expected: f64) {
    assert!((actual - expected).abs() <= expected.abs() * 1e-9, "{actual} is not {expected}");
}

#[tokio::test]
async fn label_values_take_any_name() {
    for (live, unescapes) in Live::with_utf8_names().await {
        let values = async |label: &str| {
            let web = Querier::new("").label("job", "web");
            let values = live.client.label_values(label).matching(&web).start(after(0)).end(after(600)).await;
            values.unwrap().into_vec()
        };
        assert_eq!(values("http.code").await, UTF8_RATES.map(|(code, _)| code));
        for (label, value) in UTF8_LABELS {
            let is_escaped = label.contains('/') || label.starts_with("U__");
            // Versions of VictoriaMetrics that do not unescape find nothing.
            let expected: &[&str] = if is_escaped && !unescapes { &[] } else { &[value] };
            assert_eq!(values(label).await, expected, "{label}");
        }
        let names = live.client.label_values("__name__").start(after(0)).end(after(600)).await.unwrap();
        assert!(names.iter().any(|name| name == UTF8_COUNTER));
    }
}

#[tokio::test]
async fn series_and_label_names_take_any_name() {
    for (live, _) in Live::with_utf8_names().await {
        // VictoriaMetrics understands quoted names since 1.112.
        if !live.is_prometheus && !quotes(&live).await {
            continue;
        }
        let failed = Querier::new(UTF8_COUNTER).label("http.code", "500").label("größe", starts_with("kl"));
        let series = live.client.series(&failed).start(after(0)).end(after(600)).await.unwrap().into_vec();
        let labels = UTF8_LABELS.into_iter().chain([("__name__", UTF8_COUNTER), ("http.code", "500")]);
        assert_eq!(series, [labels.collect::<Labels>()]);
        let names = live.client.labels().matching(&failed).start(after(0)).end(after(600)).await.unwrap().into_vec();
        assert_eq!(names, ["U__job", "__name__", "a/b", "größe", "http.code", "job"]);
    }
}

/// Whether a server's parser knows quoted names.
async fn quotes(live: &Live) -> bool {
    let found = live.client.raw_query(format!("{{\"{UTF8_COUNTER}\"}}")).at(after(600)).await;
    found.is_ok_and(|data| data.into_vector().is_ok_and(|vector| !vector.is_empty()))
}

#[tokio::test]
async fn presets_take_any_name() {
    let rate = preset!("sum by ({group_by}) (rate({metric_name}{{{labels}}}[2m]))");
    for (live, _) in Live::with_utf8_names().await {
        if !live.is_prometheus && !quotes(&live).await {
            continue;
        }
        let querier = Querier::new(UTF8_COUNTER).label("a/b", "c/d").label("U__job", "escaped");
        let querier = querier.group_by(["http.code", "größe", "U__job"]);
        let vector = live.client.query(rate, &querier).at(after(300)).await.unwrap();
        let mut found: Vec<_> = vector.iter().map(|e| (e.labels().get("http.code").unwrap(), e.sample())).collect();
        found.sort_by_key(|(code, _)| *code);
        assert_eq!(found.iter().map(|(code, _)| *code).collect::<Vec<_>>(), UTF8_RATES.map(|(code, _)| code));
        for ((_, sample), (_, rate)) in found.iter().zip(UTF8_RATES) {
            assert_close(sample.number().unwrap(), rate);
        }
        assert!(vector.iter().all(|element| element.labels().get("U__job") == Some("escaped")));

        let matrix = live.client.query_range(rate, &querier, range(150, 600)).await.unwrap();
        assert_eq!((matrix.len(), matrix.sample_count()), (2, 62));
        let split = live.client.query_range(rate, &querier, range(150, 600)).split().max_points(7).await.unwrap();
        assert!(split.iter().eq(matrix.iter()));
    }
}

/// The result of `absent()` has the labels that its argument compares with `=`, so names return as the server read them.
#[tokio::test]
async fn the_server_reads_the_same_names() {
    let Some(live) = Live::prometheus().await.filter(|live| live.is_since([3, 0])) else { return };
    let names = [
        "a\"b",
        "a\\b",
        "sp ace",
        "new\nline",
        "{x}",
        "by",
        "U__x",
        "ü",
        "a=\"b\"",
        "`",
        "'",
        "1",
        "$__x",
        "\u{1F600}",
    ];
    for name in names {
        let querier = Querier::new(format!("no such {name}")).label(name, "value");
        let absent = live.client.query(preset!("absent({metric_name}{{{labels}}})"), &querier).at(after(0)).await;
        let expected: Labels = [(name, "value")].into_iter().collect();
        assert_eq!(absent.unwrap().iter().next().unwrap().labels(), &expected, "{name:?}");
        let sum = preset!("sum by ({group_by}) ({metric_name}{{{labels}}})");
        let grouped = live.client.query(sum, &querier.group_by([name])).await;
        assert!(grouped.unwrap().is_empty(), "{name:?}");
    }
}

#[tokio::test]
async fn native_histograms_of_instant_queries() {
    let Some(live) = Live::prometheus().await else { return };
    let querier = Querier::new(NATIVE_HISTOGRAM);
    let last = live.client.query(preset!("{metric_name}{{{labels}}}"), &querier).at(after(600)).await.unwrap();
    assert_eq!(last.len(), INSTANCES.len());
    for element in &last {
        let histogram = element.value().as_histogram().unwrap();
        let count = f64::from(OBSERVATIONS) * 40.0;
        assert_eq!((histogram.count, histogram.sum), (count, count * 2.5));
        let buckets: Vec<_> =
            histogram.buckets.iter().map(|bucket| (bucket.lower, bucket.upper, bucket.count)).collect();
        assert_eq!(buckets, [(1.0, 2.0, count / 4.0), (2.0, 4.0, count * 0.75)]);
        assert!(element.sample().number().is_err(), "a histogram is not a number");
    }
    let rate = preset!("sum by ({group_by}) (rate({metric_name}{{{labels}}}[2m]))");
    let rates = live.client.query(rate, &querier.clone().group_by(["instance"])).at(after(300)).await.unwrap();
    for element in &rates {
        let per_second = f64::from(OBSERVATIONS) / f64::from(u32::try_from(SCRAPE_INTERVAL).unwrap());
        assert_close(element.value().as_histogram().unwrap().count, per_second);
    }
    // The rank is two thirds into the upper bucket; Prometheus 3 interpolates exponentially.
    let quantile = preset!("histogram_quantile(0.75, sum(rate({metric_name}{{{labels}}}[2m])))");
    let quantile = live.client.query(quantile, &querier).at(after(300)).await.unwrap().number().unwrap();
    let share: f64 = 2.0 / 3.0;
    assert_close(quantile, if live.is_since([3, 0]) { 2.0 * share.exp2() } else { 2.0 + 2.0 * share });
}

#[tokio::test]
async fn native_histograms_of_range_queries() {
    let Some(live) = Live::prometheus().await else { return };
    let both = preset!("rate({metric_name}{{{labels}}}[1m]) or histogram_count(rate({metric_name}{{{labels}}}[1m]))");
    let querier = Querier::new(NATIVE_HISTOGRAM);
    for (query, preset) in [("histograms", preset!("rate({metric_name}{{{labels}}}[1m])")), ("or", both)] {
        let range = range(90, 600);
        let whole = live.client.query_range(preset, &querier, range).await.unwrap();
        assert_eq!((whole.len(), whole.sample_count()), (2, 70), "{query}");
        for series in &whole {
            assert_eq!((series.values().len(), series.histograms().len()), (0, 35), "{query}");
            for (_, histogram) in series.histograms() {
                assert_close(histogram.count, f64::from(OBSERVATIONS) / 15.0);
                assert_eq!(histogram.buckets.len(), 2);
            }
        }
        for points in [1, 7, 34] {
            let split = live.client.query_range(preset, &querier, range).split().max_points(points).await.unwrap();
            assert!(split.iter().eq(whole.iter()), "{query} in parts of {points}");
        }
        let mut stream = live.client.query_range(preset, &querier, range).stream().await.unwrap();
        let mut streamed: Vec<Series> = Vec::new();
        while let Some(series) = stream.try_next().await.unwrap() {
            streamed.push(series);
        }
        assert!(streamed.iter().eq(whole.iter()), "{query}");
    }
}

/// A series that has floats first and histograms later.
#[tokio::test]
async fn floats_and_histograms_in_one_series() {
    let Some(live) = Live::prometheus().await else { return };
    let mixed = preset!("sum({metric_name}{{{labels}}}) or vector(1)");
    // The histogram starts fifteen seconds after the dataset's end.
    let range = TimeRange::new(after(0), after(300)).unwrap().step("15s").unwrap();
    let querier = Querier::new(NATIVE_HISTOGRAM);
    let whole = live.client.query_range(mixed, &querier, range).await.unwrap();
    let series = whole.one().unwrap();
    assert_eq!((series.values().len(), series.histograms().len()), (1, 20));
    let split = live.client.query_range(mixed, &querier, range).split().max_points(4).await.unwrap();
    assert!(split.iter().eq(whole.iter()));
}

#[tokio::test]
async fn annotations_are_warnings_or_infos() {
    let Some(live) = Live::prometheus().await else { return };
    let now = after(0);
    let vector = live.client.raw_query("quantile(2, up)").at(now).await.unwrap().into_vector().unwrap();
    assert_eq!(vector.one().unwrap().float(), Ok(f64::INFINITY));
    assert_eq!(vector.warnings().len(), usize::from(live.is_since([2, 48])), "{:?}", vector.warnings());
    assert!(!vector.is_partial(), "the warning does not report missing data");

    // Not a counter by its name.
    let data = live.client.raw_query("rate(node_memory_MemTotal_bytes[5m])").at(now).await.unwrap();
    let vector = data.into_vector().unwrap();
    assert_eq!((vector.infos().len(), vector.warnings().len()), (usize::from(live.is_since([2, 48])), 0), "{vector:?}");
    let matrix = live.client.raw_query_range("rate(node_memory_MemTotal_bytes[5m])", range(0, 60)).await.unwrap();
    assert_eq!(matrix.infos().len(), usize::from(live.is_since([2, 48])));
}

#[tokio::test]
async fn limits_shorten_responses() {
    let Some(live) = Live::prometheus().await else { return };
    let any = Querier::new("up");
    let (start, end) = (Timestamp::from_secs(Dataset::of_tests().start()), after(0));
    let is_known = live.is_since([2, 54]);
    let series = live.client.series(&any).start(start).end(end).limit(2).await.unwrap();
    let values = live.client.label_values("job").start(start).end(end).limit(2).await.unwrap();
    let names = live.client.labels().start(start).end(end).limit(2).await.unwrap();
    for (len, warnings) in
        [(series.len(), series.warnings()), (values.len(), values.warnings()), (names.len(), names.warnings())]
    {
        assert_eq!(len == 2, is_known, "{len}");
        assert_eq!(!warnings.is_empty(), is_known, "{warnings:?}");
    }
    let matrix = live.client.raw_query_range("up", range(0, 60)).limit(3).await.unwrap();
    assert_eq!(matrix.len(), if live.is_since([3, 2]) { 3 } else { 5 });
    assert_eq!(!matrix.warnings().is_empty(), live.is_since([3, 2]));
}

#[tokio::test]
async fn the_start_and_the_end_of_a_range() {
    for server in prometheus::shared().into_iter().chain(victoria_metrics::shared()) {
        let client = PrometheusClient::new(server.url()).unwrap();
        let querier = Querier::new("backendai_api_request_count_total");
        let growth = preset!("{metric_name}{{{labels}}} @ end() - {metric_name}{{{labels}}} @ start()");
        let start = Timestamp::from_secs(Dataset::of_tests().start() + 600);
        let range = TimeRange::new(start, after(0)).unwrap().step("1m").unwrap();
        let whole = client.query_range(growth, &querier, range).await.unwrap();
        let data = Dataset::of_tests();
        assert_eq!(whole.len(), data.select("backendai_api_request_count_total", &[]).len());
        for series in &whole {
            let labels: Vec<_> = series.labels().iter().collect();
            let known = data.select("backendai_api_request_count_total", &labels)[0];
            let expected = known.at(data.end()).unwrap() - known.at(data.start() + 600).unwrap();
            assert!(series.values().iter().all(|value| (value - expected).abs() <= expected.abs() * 1e-9));
        }
        let split = client.query_range(growth, &querier, range).split().max_points(50).await.unwrap();
        assert!(split.iter().eq(whole.iter()));
    }
}

#[tokio::test]
async fn experimental_functions_need_the_server_s_flag() {
    let Some(live) = Live::prometheus().await.filter(|live| live.is_since([2, 51])) else { return };
    let Some(plain) = prometheus::start(&Dataset::large(1, 1)).unwrap() else { return };
    let limited = preset!("limitk(2, up{{{labels}}})", features = ["promql-experimental-functions"]);
    let any = Querier::default();
    assert_eq!(live.client.query(limited, &any).at(after(0)).await.unwrap().len(), 2);
    let error = PrometheusClient::new(plain.url()).unwrap().query(limited, &any).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Server { status: 400, error } if error.kind == "bad_data"), "{error:?}");
}
