//! Tests in preset files: all that is wrong with them is reported in one run.

use super::wrong_files::said;

const FILE: &str = r#"[metric]
name = "http_requests_total"
type = "counter"

[labels]
tenant = { type = "string", required = true }
region = { type = "string", required = true }
code   = "integer"
pod    = { type = "string", use = ["filter"] }

[presets.rate]
template   = "sum by ({group_by})(rate({metric_name}{{{labels}}}[{window}])) > {limit}"
window     = "5m"
parameters = { limit = { type = "number", default = 0, min = 0, max = 10 } }

[[presets.rate.tests]]
name       = "undeclared, wrong and unread"
series     = { 'http_requests_totl{tenant="a"}' = "0+60x20", 'other_total' = "1x5" }
labels     = { zz = "1", code = "many", pod = "a", tenant = "a" }
group_by   = ["yy", "pod", "zz"]
parameters = { limt = 1, limit = 20 }
at         = "10m"
expect     = {}

[[presets.rate.tests]]
name     = "invalid values and an undeclared label"
series   = { 'http_requests_total{tenant="a"}' = "0+60y20" }
labels   = { zz = "1" }
at       = "10m"
expect   = {}

[[presets.rate.tests]]
labels = { zz = "1", tenant = "a", region = "b" }
"#;

/// A template without placeholders.
const PLAIN: &str = r#"[presets.up]
template = "up"

[[presets.up.tests]]
name        = "up"
metric_name = "up"
labels      = { job = "a", zone = "b" }
group_by    = ["job"]
window      = "5m"
series      = { down = "1" }
at          = "1m"
expect      = {}

[presets.count]
template = 'count({metric_name}{{{labels}}})'

[[presets.count.tests]]
name     = "count"
group_by = ["job", "zone"]
at       = "1m"
expect   = {}
"#;

#[test]
fn all_faults_are_reported() {
    let expected = [
        "17:14: error: missing label `region` in a test of `rate` [invalid-test]",
        "18:16: error: series `http_requests_totl` that `rate` does not read [invalid-test]",
        "18:62: error: series `other_total` that `rate` does not read [invalid-test]",
        "19:16: error: undeclared label `zz` in a test [invalid-test]",
        "19:26: error: invalid value `many` of label `code`, which is an integer [invalid-test]",
        "20:15: error: undeclared label `yy` in a test [invalid-test]",
        "20:21: error: label `pod` cannot be grouped by, only filtered on [invalid-test]",
        "20:28: error: undeclared label `zz` in a test [invalid-test]",
        "21:16: error: undeclared parameter `limt` in a test [invalid-test]",
        "21:26: error: invalid value `20` of parameter `limit`, which is a number from 0 to 10 [invalid-test]",
        "27:50: error: invalid values of a series: `0+60y20` [invalid-test]",
        "28:14: error: undeclared label `zz` in a test [invalid-test]",
        "32:1: error: missing `name` in a test [missing-key]",
        "32:1: error: missing `at` in a test [missing-key]",
        "32:1: error: missing `expect` in a test [missing-key]",
        "33:12: error: undeclared label `zz` in a test [invalid-test]",
    ];
    assert_eq!(said(&[("a.toml", FILE)]), expected);
    let expected = [
        "5:15: error: the preset's template has no `{metric_name}`, but the querier names `up` [invalid-test]",
        "7:17: error: label `job` in a test of a template without `{labels}` [invalid-test]",
        "7:28: error: label `zone` in a test of a template without `{labels}` [invalid-test]",
        "8:16: error: label `job` in a test of a template without `{group_by}` [invalid-test]",
        "9:15: error: `window` in a test of a template without `{window}` [invalid-test]",
        "10:17: error: series `down` that `up` does not read [invalid-test]",
        "18:12: error: missing `metric_name` in a test of `count` [invalid-test]",
        "19:13: error: label `job` in a test of a template without `{group_by}` [invalid-test]",
        "19:20: error: label `zone` in a test of a template without `{group_by}` [invalid-test]",
    ];
    assert_eq!(said(&[("a.toml", PLAIN)]), expected);
}
