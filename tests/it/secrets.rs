//! Errors and `Debug` do not show credentials.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};

use crate::faulty_server::{After, Server, client_of, json, query, response};
use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{ErrorKind, PrometheusClient, RetryPolicy, TimeRange};

#[tokio::test]
async fn errors_name_the_server_without_credentials() {
    let failing = Server::always(json(400, r#"{"status":"error","errorType":"bad_data","error":"no"}"#));
    let url = failing.url.replace("//", "//user:hunter2@") + "/prefix?api_key=hunter2";
    let client = PrometheusClient::new(url).unwrap();
    let error = client.labels().await.unwrap_err();
    let said = "server reported an error (bad_data, HTTP 400): no";
    assert_eq!(error.to_string(), format!("labels at {}: {said}", failing.url));
    assert_eq!((error.server(), error.endpoint()), (Some(&*failing.url), Some("labels")));
    let error = client.query_range(UP, &prometheus::Querier::new(), TimeRange::last_hours(1)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("preset prometheus::up: query_range at {}: {said}", failing.url));

    // There are proxies that repeat the request.
    let echo = Server::start(|request, stream| {
        let said = format!("no such page: {}?{}", request.path, request.query);
        stream.write_all(response(404, "", &said).as_bytes()).map(|()| After::Keep)
    });
    let client = PrometheusClient::new(format!("{}/?api_key=hunter%2622&dc=europe", echo.url)).unwrap();
    let error = client.labels().await.unwrap_err().to_string();
    assert!(error.contains("api_key=***&dc=europe") && !error.contains("hunter"), "{error}");

    // Not where the server is not at fault.
    let error = client.labels().header("a b", "c").await.unwrap_err();
    assert_eq!(error.to_string(), "invalid configuration: invalid name of a header: `a b`");
    let empty = Server::always(json(200, r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#));
    let client = client_of(&empty).build().unwrap();
    let error = client.query(UP, &prometheus::Querier::new()).await.unwrap().one().unwrap_err();
    assert!(error.to_string().starts_with("preset prometheus::up: the query returned no"), "{error}");
    assert_eq!((error.server(), error.endpoint()), (None, None));
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let builder = PrometheusClient::builder(format!("http://user:hunter2@{address}/?token=hunter2"))
        .header("x-api-key", "hunter2")
        .tenant("hunter2")
        .retry(RetryPolicy::never());
    assert!(!format!("{builder:?}").contains("hunter2"));
    let client = builder.build().unwrap();
    let querier = prometheus::Querier::new();
    let request = client.query(UP, &querier).header("x-other", "hunter2").parameter("key", "hunter2");
    let shown = format!("{client:?} {request:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let error = request.await.unwrap_err();
    let mut chain = vec![format!("{error:?} {error:#}")];
    let mut next: Option<&dyn std::error::Error> = Some(error.kind());
    while let Some(error) = next {
        chain.push(format!("{error} {error:?}"));
        next = error.source();
    }
    assert!(!chain.concat().contains("hunter2"), "{chain:#?}");
    // There are proxies that repeat what they were sent.
    for body in
        ["unknown token Bearer hunter22", r#"{"status":"error","errorType":"x","error":"hunter22 is no token"}"#]
    {
        let echo = Server::always(response(403, "", body));
        let client = client_of(&echo).bearer_auth("hunter22").build().unwrap();
        let error = query(&client).await.unwrap_err();
        assert!(!format!("{error:?}").contains("hunter22"), "{error:?}");
        assert!(format!("{error:?}").contains("***"), "{error:?}");
    }
    let bad = PrometheusClient::builder("http://h/").bearer_auth("hunter2\n").build().unwrap_err();
    assert!(!format!("{bad} {bad:?}").contains("hunter2"));
    let hidden = error.without_query();
    assert!(!format!("{hidden:?}").contains("up{}"));
}

#[tokio::test]
async fn only_secrets_are_removed_from_messages_of_servers() {
    let said = concat!(
        r#"{"status":"error","errorType":"x","error":"#,
        r#""no env=\"production\" for hunter22, sid hunter33, hunter44, hunter55, hunter66"}"#
    );
    let server = Server::always(json(403, said));
    let client = client_of(&server)
        .bearer_auth("hunter22")
        .header("cookie", "a=b; sid=hunter33")
        .header("x-api-key", "hunter44")
        .header("x-authenticated-as", "hunter55")
        .header("x-session", "hunter66")
        .header("accept-language", "for hunter")
        .tenant("production")
        .build()
        .unwrap();
    let querier = prometheus::Querier::new();
    let stream = client.query_range(UP, &querier, TimeRange::last_hours(1)).stream().await;
    for error in [query(&client).await.unwrap_err(), stream.unwrap_err()] {
        assert!(error.to_string().ends_with(r#": no env="production" for ***, sid ***, ***, ***, ***"#), "{error}");
    }

    // Whole, at the end of what is shown, and in a type.
    let page = format!("{}hunter22-and-more", " x".repeat(250));
    let server = Server::always(response(403, "", &page));
    let client = client_of(&server).bearer_auth("hunter22-and-more").build().unwrap();
    let error = query(&client).await.unwrap_err().to_string();
    assert!(error.ends_with("x***\"") && !error.contains("hunter"), "{error}");
    let kind = json(400, r#"{"status":"error","errorType":"hunter22","error":"m"}"#);
    let server = Server::always(kind);
    let client = client_of(&server).bearer_auth("hunter22").build().unwrap();
    let error = query(&client).await.unwrap_err();
    assert!(!error.to_string().contains("hunter22"), "{error}");

    // Also where a stream finds it on its way.
    let server = Server::always(json(200, said));
    let client = client_of(&server).bearer_auth("hunter22").build().unwrap();
    let mut stream = client.query_range(UP, &querier, TimeRange::last_hours(1)).stream().await.unwrap();
    let error = stream.try_next().await.unwrap_err();
    assert_eq!(error.status(), Some(200));
    assert!(!format!("{error:?}").contains("hunter22"), "{error:?}");
    let server = Server::always(json(200, r#"{"status":"success","data":{"result":"hunter22"}}"#));
    let client = client_of(&server).bearer_auth("hunter22").build().unwrap();
    let error = query(&client).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Decode(_)) && !format!("{error:?}").contains("hunter22"), "{error:?}");
}
