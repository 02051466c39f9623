//! Redirects.

use std::io::Write;

use crate::faulty_server::{After, Server, client_of, query, query_once, response, vector};
use promql_presets::presets::prometheus::{self, UP};
use promql_presets::{ErrorKind, HttpMethod, PrometheusClient};

#[tokio::test]
async fn redirects_to_other_servers_are_not_followed() {
    let other = Server::always(vector("7"));
    for status in [301, 302, 303, 307, 308] {
        let server =
            Server::always(response(status, &format!("Location: {}/login?secret=x\r\n", other.url), "over there"));
        let client = client_of(&server).bearer_auth("hunter2").tenant("a").build().unwrap();
        let error = query(&client).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Redirect { origin, .. } if *origin == other.url), "{error:?}");
        assert!(!format!("{error:?}").contains("secret"));
        assert_eq!(error.status(), Some(status));
    }
    assert_eq!(other.connections(), 0);

    let server = Server::start(|request, stream| {
        let moved = response(302, "Location: /new/api/v1/query?x=y\r\n", "");
        let response = if request.path.starts_with("/new/") { vector("7") } else { moved };
        stream.write_all(response.as_bytes()).map(|()| After::Keep)
    });
    let client = client_of(&server).bearer_auth("hunter2").tenant("a").build().unwrap();
    assert_eq!(query(&client).await.unwrap(), 7.0);
    let request = &server.requests()[1];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/new/api/v1/query"));
    assert_eq!((&*request.headers["authorization"], &*request.headers["x-scope-orgid"]), ("Bearer hunter2", "a"));
    assert_eq!((request.parameter("query"), request.parameter("x")), (Some("up{}"), Some("y")));

    // Another page, for `GET`, also if it was not requested.
    let server = Server::start(|request, stream| {
        let other = response(303, "Location: /new/\r\n", "");
        let response = if request.path.starts_with("/new/") { vector("7") } else { other };
        stream.write_all(response.as_bytes()).map(|()| After::Keep)
    });
    assert_eq!(query(&client_of(&server).build().unwrap()).await.unwrap(), 7.0);
    let request = &server.requests()[1];
    assert_eq!((request.method.as_str(), request.parameter("query")), ("GET", Some("up{}")));
    let nowhere = Server::always(response(302, "Location: http://[\r\n", "over there"));
    let error = query_once(&nowhere).await.unwrap_err();
    assert_eq!(error.status(), Some(302));
    let expected = "HTTP 302: the redirect's `Location` header is not a valid URL";
    assert!(error.to_string().ends_with(expected), "{error}");

    let circle = Server::always(response(307, "Location: /again\r\n", ""));
    let error = query(&client_of(&circle).build().unwrap()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Redirect { status: 307, in_circles: true, .. }));
    assert!(error.to_string().contains(": redirect loop at http:"), "{error}");
    assert_eq!(circle.requests().len(), 6);
}

#[tokio::test]
async fn configured_http_does_not_follow_redirects() {
    let other = Server::always(vector("7"));
    let server = Server::always(response(307, &format!("Location: {}/\r\n", other.url), ""));
    let builder = PrometheusClient::builder(&server.url)
        .tenant("secret")
        .configure_http(|http| http.user_agent("mine").redirect(promql_presets::reqwest::redirect::Policy::limited(5)));
    let error = builder.build().unwrap().query(UP, &prometheus::Querier::new()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Redirect { .. }), "{error:?}");
    assert_eq!(server.requests()[0].headers["user-agent"], "mine");
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn redirects_to_other_schemes_are_errors() {
    let server = Server::always(response(302, "Location: data:text/plain,up\r\n", ""));
    let error = client_of(&server).build().unwrap().raw_query("up").await.unwrap_err();
    assert!(error.to_string().contains("redirect to data: not followed"), "{error}");
}

#[tokio::test]
async fn redirects_keep_the_query() {
    let moving = |to: &'static str| {
        Server::start(move |request, stream| {
            let moved = response(301, &format!("Location: {to}\r\n"), "");
            let response = if request.path.starts_with("/new/") { vector("7") } else { moved };
            stream.write_all(response.as_bytes()).map(|()| After::Keep)
        })
    };
    for (method, location, expected) in [
        (HttpMethod::Get, "/new/", (Some("up{}"), None)),
        // As most proxies do it, with the query of the request.
        (HttpMethod::Get, "/new/?query=up&x=y#there", (Some("up"), Some("y"))),
        (HttpMethod::Post, "/new/", (Some("up{}"), None)),
        (HttpMethod::Post, "/new/?x=y", (Some("up{}"), Some("y"))),
    ] {
        let server = moving(location);
        assert_eq!(query(&client_of(&server).method(method).build().unwrap()).await.unwrap(), 7.0);
        let request = &server.requests()[1];
        assert_eq!((request.parameter("query"), request.parameter("x")), expected, "{method:?} {location}");
        assert_eq!(request.parameters.iter().filter(|(name, _)| name == "query").count(), 1);
    }
}
