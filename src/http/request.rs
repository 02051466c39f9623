//! Requests, encoded.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use tokio::time::Instant;
use url::form_urlencoded::Serializer;

use crate::http::credentials::Secrets;
use crate::http::options::{Options, Parameter};

/// A call in the form in which it is sent, as often as needed: path, encoded parameters and headers.
#[derive(Debug)]
pub(crate) struct Request {
    /// Path below the base URL, escaped.
    pub(crate) path: Cow<'static, str>,
    /// Whether the endpoint does not accept `POST`.
    pub(crate) get_only: bool,
    /// Options of the call, with those of the client as defaults.
    pub(crate) options: Arc<Options>,
    /// The name of the preset.
    pub(crate) preset: Option<&'static str>,
    /// Parameters in the URL, whatever the method.
    in_url: String,
    /// All other parameters, except for the timeout, which differs for each attempt.
    form: String,
    /// The headers that were supplied for the requests so far, if the client has credentials that change.
    pub(crate) secrets: Option<Secrets>,
    /// The deadline of the server, if the endpoint has a timeout.
    deadline: Option<Instant>,
}

impl Request {
    /// Encodes the parameters of a call, its query, and those of its options, of which some stay in the URL.
    pub(crate) fn new(
        path: Cow<'static, str>,
        get_only: bool,
        options: Arc<Options>,
        (preset, parameters, query): (Option<&'static str>, &[Parameter], Option<&str>),
        in_url: &[String],
        deadline: Option<Instant>,
    ) -> Self {
        let mut form = Serializer::new(String::with_capacity(256));
        form.extend_pairs(parameters);
        if let Some(query) = query {
            form.append_pair("query", query);
        }
        let (of_url, others): (Vec<_>, Vec<_>) =
            options.sent().partition(|(name, _)| in_url.iter().any(|other| other == name));
        form.extend_pairs(others);
        let form = form.finish();
        let in_url = Serializer::new(String::new()).extend_pairs(of_url).finish();
        Self { path, get_only, options, preset, in_url, form, secrets: None, deadline }
    }

    /// The query string of the URL with this method.
    pub(crate) fn query(&self, method: &Method) -> Option<String> {
        let form = if *method == Method::POST { String::new() } else { self.form() };
        match (&*self.in_url, &*form) {
            ("", "") => None,
            (_, "") => Some(self.in_url.clone()),
            ("", _) => Some(form),
            (in_url, form) => Some(format!("{in_url}&{form}")),
        }
    }

    /// The form with the remaining timeout.
    pub(crate) fn form(&self) -> String {
        let mut form = String::with_capacity(self.form.len() + "&timeout=31536000.000".len());
        form.push_str(&self.form);
        if let Some(deadline) = self.deadline {
            form.push_str(if form.is_empty() { "timeout=" } else { "&timeout=" });
            // Seconds with three decimals. Done for each request, so without the cost of `write!`.
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            let mut digits = itoa::Buffer::new();
            form.push_str(digits.format(left.as_secs()));
            form.push('.');
            form.push_str(&digits.format(1000 + left.subsec_millis())[1..]);
        }
        form
    }
}
