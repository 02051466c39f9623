//! `lsp`, over its standard input and output.

mod client;
mod completion;
mod diagnostics;
mod fixes;
mod hover;
mod names;
mod neovim;

pub(crate) use client::{Client, edited, position};

use crate::Folder;

/// A folder of presets with metrics.
fn folder(test: &str) -> Folder {
    Folder::new(test, &[("metrics.toml", METRICS), ("presets/http.toml", HTTP), ("presets/other.toml", OTHER)])
}

const METRICS: &str = "\
[build_info]
type   = \"info\"
labels = [\"instance\", \"version\"]

[http_request_duration_seconds]
type   = \"histogram\"
help   = \"Time to a response.\"
unit   = \"seconds\"
labels = [\"code\", \"job\", \"method\"]
values = { code = [\"200\", \"500\"], method = [\"get\", \"post\"] }
";

const HTTP: &str = "\
description = \"Requests.\"

[metric]
name = \"http_request_duration_seconds\"
type = \"histogram\"

[labels]
method = { values = [\"get\", \"post\"], description = \"The HTTP method 😀.\" }
code   = { type = \"string\", required = true }

[presets.latency]
title      = \"Slowest requests\"
template   = 'histogram_quantile({quantile}, sum by (le, method, {group_by})(rate({metric_name}_bucket{{method!=\"get\",{labels}}}[{window}])))'
window     = \"5m\"
unit       = \"seconds\"
parameters = { quantile = { type = \"number\", default = 0.9, min = 0, max = 1 } }

[[presets.latency.tests]]
name   = \"nothing\"
labels = { method = \"get\", code = \"200\" }
group_by = [\"method\"]
series.'http_request_duration_seconds_bucket{method=\"get\",code=\"200\",le=\"1\"}' = \"0+1x10\"
at     = \"5m\"
expect = {}

[presets.rate]
template = 'sum(label_replace(rate(http_request_duration_seconds_count{{{labels}}}[5m]), \"a\", \"$1\", \"method\", \"(.*)\"))'
";

const OTHER: &str = "\
[presets.versions]
template = 'count by (version)(build_info{{{labels}}})'
";
