//! The names and the values of labels.

use std::future::IntoFuture;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use promql_presets_core::{Input, MetricQuerier, RenderError};

use super::{LIST_BYTES, debug, read_list, scope_setters};
use crate::error::{Error, ErrorKind};
use crate::http::call::{BoxFuture, Call};
use crate::http::transport::Transport;
use crate::value::Listing;

/// A request for the names of labels, created with [`PrometheusClient::labels`](crate::PrometheusClient::labels).
#[must_use = "a query does nothing until it is awaited"]
pub struct LabelNames {
    call: Call,
}

impl LabelNames {
    pub(crate) fn new(transport: &Arc<Transport>) -> Self {
        Self { call: Call::new(transport, "labels", "api/v1/labels").with_max_bytes(LIST_BYTES) }
    }
}

/// A request for the values of a label, created with
/// [`PrometheusClient::label_values`](crate::PrometheusClient::label_values).
#[must_use = "a query does nothing until it is awaited"]
pub struct LabelValues {
    call: Call,
    label: String,
}

impl LabelValues {
    pub(crate) fn new(transport: &Arc<Transport>, label: &str) -> Self {
        let path = format!("api/v1/label/{}/values", path_segment(label));
        let mut call = Call::new(transport, "label_values", path).with_max_bytes(LIST_BYTES);
        call.get_only = true;
        if label.is_empty() {
            call.options.fail(ErrorKind::Render(RenderError::InvalidLabelName { label: String::new() }));
        }
        Self { call, label: label.to_owned() }
    }
}

/// The setters and the future of a request for names or values.
macro_rules! list {
    ($name:ident) => {
        impl $name {
            /// Limits the result to the series that a querier selects. With several queriers, a series has to match one of
            /// them.
            pub fn matching(mut self, querier: &dyn MetricQuerier) -> Self {
                self.call.add_match(Input::of(querier));
                self
            }

            scope_setters!();
        }

        impl IntoFuture for $name {
            type Output = Result<Listing<String>, Error>;
            type IntoFuture = BoxFuture<'static, Listing<String>>;

            #[inline]
            fn into_future(mut self) -> Self::IntoFuture {
                self.call.match_filters();
                Box::pin(read_list(self.call))
            }
        }
    };
}

list!(LabelNames);
list!(LabelValues);
debug!(LabelNames);
debug!(LabelValues, label);

/// The characters that are percent-encoded in a path segment: all but RFC 3986's unreserved ones.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A label name as a path segment, percent-encoded. Names that no path segment can carry, and those that servers would
/// unescape, take the `U__` form of
/// <https://prometheus.io/docs/prometheus/latest/querying/api/#querying-label-values>. Other names do not, since
/// VictoriaMetrics before 1.113 finds no values under an escaped name.
#[inline]
fn path_segment(label: &str) -> String {
    use std::fmt::Write;
    if !label.contains('/') && ![".", ".."].contains(&label) && !label.starts_with("U__") {
        return utf8_percent_encode(label, RESERVED).to_string();
    }
    let mut escaped = String::from("U__");
    for c in label.chars() {
        match c {
            '_' => escaped.push_str("__"),
            c if c.is_ascii_alphanumeric() => escaped.push(c),
            // Writing to a `String` cannot fail.
            c => _ = write!(escaped, "_{:x}_", u32::from(c)),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_names_are_path_segments() {
        for (label, expected) in [
            ("kernel_id", "kernel_id"),
            ("http.code", "http.code"),
            ("größe", "gr%C3%B6%C3%9Fe"),
            ("a b%?#\\", "a%20b%25%3F%23%5C"),
            ("http.code/x", "U__http_2e_code_2f_x"),
            ("a_b/ß", "U__a__b_2f__df_"),
            (".", "U___2e_"),
            ("..", "U___2e__2e_"),
            ("U__job", "U__U____job"),
            ("U__", "U__U____"),
        ] {
            assert_eq!(path_segment(label), expected, "{label}");
        }
    }
}
