//! Spans and events of calls.

use std::time::Duration;

use crate::faulty_server::{Server, json, response, vector, vector_body};
use crate::requests::client;
use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{ErrorKind, PartialData, PrometheusClient, RetryPolicy, TimeRange};

#[tokio::test]
async fn spans_record_the_outcome_of_calls() {
    let server = Server::sequence(&[response(503, "", ""), vector("7")]);
    let (log, _guard) = spans::collect();
    let policy = RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(1));
    client(&server).query(UP, &prometheus::Querier::new()).retry(policy).await.unwrap();
    let fields = log.fields();
    let get = |name: &str| fields.get(name).map(String::as_str);
    assert_eq!((get("preset"), get("query")), (Some("prometheus::up"), Some("up{}")));
    assert_eq!((get("endpoint"), get("outcome"), get("retries")), (Some("query"), Some("success"), Some("1")));
    assert_eq!(get("bytes"), Some(&*vector_body("7").len().to_string()));
    assert!(get("duration_ms").is_some());
    assert_eq!(get("message"), Some("retrying"));
}

#[tokio::test]
async fn failed_calls_and_streams_emit_an_event() {
    let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"]]},"#;
    let querier = prometheus::Querier::new();
    let range = TimeRange::parse("1", "2", "1").unwrap();
    let failed = async |server: &Server, trace_query: bool, streamed: bool| {
        let (log, _guard) = spans::collect();
        let builder = PrometheusClient::builder(&server.url).retry(RetryPolicy::never());
        let client = builder.trace_query(trace_query).build().unwrap();
        let query = client.query_range(UP, &querier, range);
        let error = if streamed {
            let mut stream = query.stream().await.unwrap();
            stream.try_next().await.unwrap().unwrap();
            assert_eq!(log.fields().get("message"), None);
            stream.try_next().await.unwrap_err()
        } else {
            query.await.unwrap_err()
        };
        let fields = log.fields();
        assert_eq!((&*fields["message"], &*fields["level"], &*fields["outcome"]), ("call failed", "WARN", "failure"));
        assert_eq!((&*fields["error"], &*fields["target"]), (&*error.to_string(), "promql_presets"));
        assert_eq!(fields.get("query").map(String::as_str), trace_query.then_some("up{}"));
        error
    };
    let refusing = Server::always(json(400, r#"{"status":"error","errorType":"bad_data","error":"no"}"#));
    let truncated = Server::always(json(200, matrix));
    for trace_query in [true, false] {
        let error = failed(&refusing, trace_query, false).await;
        assert!(matches!(error.kind(), ErrorKind::Server { .. }), "{error}");
        let error = failed(&truncated, trace_query, true).await;
        assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    }
}

#[tokio::test]
async fn split_queries_that_fail_emit_an_event() {
    // A duplicate series in one part, which is found when the parts are joined.
    let series = r#"{"metric":{},"values":[[1,"1"]]}"#;
    let data = format!(r#"{{"resultType":"matrix","result":[{series},{series}]}}"#);
    let server = Server::always(json(200, &format!(r#"{{"status":"success","data":{data}}}"#)));
    let reports = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&reports);
    let builder = PrometheusClient::builder(&server.url);
    let client =
        builder.on_call(move |report| seen.lock().unwrap().push(format!("{:?}", report.outcome))).build().unwrap();
    let querier = prometheus::Querier::new();
    let query = || client.query_range(UP, &querier, TimeRange::parse("1", "1", "1").unwrap());
    for (query, kind) in [(query().split(), "Decode"), (query().split().limit(1), "Split")] {
        let (log, _guard) = spans::collect();
        let error = query.await.unwrap_err();
        assert!(format!("{:?}", error.kind()).starts_with(kind), "{error:?}");
        assert_eq!((error.preset(), error.query()), (Some("prometheus::up"), Some("up{}")));
        let fields = log.fields();
        assert_eq!((&*fields["message"], &*fields["error"]), ("call failed", &*error.to_string()));
        assert!(reports.lock().unwrap().pop().unwrap().starts_with("Failure"));
    }
}

#[tokio::test]
async fn partial_data_emits_a_warning() {
    let series = r#"{"metric":{},"values":[[1,"1"]]}"#;
    let data = format!(r#"{{"resultType":"matrix","result":[{series}]}}"#);
    let server = Server::always(json(200, &format!(r#"{{"status":"success","data":{data},"warnings":["no store"]}}"#)));
    let (client, querier) = (client(&server), prometheus::Querier::new());
    let query = || client.query_range(UP, &querier, TimeRange::parse("1", "2", "1").unwrap());
    let warned = async |policy, streamed| {
        let (log, _guard) = spans::collect();
        let query = query().partial_data(policy);
        if streamed {
            let mut stream = query.stream().await.unwrap();
            while stream.try_next().await.unwrap().is_some() {}
            assert_eq!(stream.meta().preset, Some("prometheus::up"));
        } else {
            assert!(query.await.unwrap().is_partial());
        }
        let fields = log.fields();
        assert_eq!(fields["preset"], "prometheus::up");
        fields.get("message").map(|message| format!("{message}: {}", fields["reason"]))
    };
    for streamed in [false, true] {
        let warning = warned(PartialData::Warn, streamed).await;
        assert_eq!(warning.as_deref(), Some("the response is partial: no store"));
        assert_eq!(warned(PartialData::Accept, streamed).await, None);
    }
}

/// As much of a subscriber as a test needs.
mod spans {
    use std::collections::BTreeMap;
    use std::fmt::Debug;
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    /// The fields of all spans and events of this library.
    #[derive(Clone, Default)]
    pub(super) struct Log(Arc<Mutex<BTreeMap<String, String>>>);

    /// Collects what this thread emits until the guard is dropped.
    pub(super) fn collect() -> (Log, tracing::subscriber::DefaultGuard) {
        // Without a subscriber for all threads, what other tests reach first could remain disabled.
        _ = tracing::subscriber::set_global_default(Log::default());
        let log = Log::default();
        let guard = tracing::subscriber::set_default(log.clone());
        tracing::callsite::rebuild_interest_cache();
        (log, guard)
    }

    impl Log {
        pub(super) fn fields(&self) -> BTreeMap<String, String> {
            self.0.lock().unwrap().clone()
        }
    }

    impl Visit for &Log {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0.lock().unwrap().insert(field.name().to_owned(), format!("{value:?}"));
        }

        fn record_str(&mut self, field: &Field, value: &str) {
            self.0.lock().unwrap().insert(field.name().to_owned(), value.to_owned());
        }
    }

    impl Subscriber for Log {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target().starts_with("promql_presets")
        }

        fn new_span(&self, span: &Attributes<'_>) -> Id {
            span.record(&mut &*self);
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, values: &Record<'_>) {
            values.record(&mut &*self);
        }

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            event.record(&mut &*self);
            let mut fields = self.0.lock().unwrap();
            fields.insert("level".to_owned(), event.metadata().level().to_string());
            fields.insert("target".to_owned(), event.metadata().target().to_owned());
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }
}
