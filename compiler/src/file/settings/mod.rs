//! Reads `promql.toml`, the settings for all preset files of a registry.

mod checks;
mod target;

use promql_presets_core::PromDuration;

use super::document::{Key, Table, Value};
use super::reader::Reader;
use crate::diagnostic::source::Spanned;
use crate::diagnostic::suggest::nearest;
use crate::{Code, Diagnostic};

pub(super) use checks::CHECK_KEYS;
pub(crate) use checks::{CheckSetting, Level};
pub(crate) use target::{Server, Target, Version};

/// The content of `promql.toml`.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// `[target]`: the servers that the presets must run on; none is the newest Prometheus that the parser knows.
    pub targets: Vec<Target>,
    /// `features` in `[target]`.
    pub features: Vec<Spanned<String>>,
    /// `[checks]`.
    pub checks: Vec<CheckSetting>,
    /// `[policy]`.
    pub policy: Policy,
    /// `[defaults]`.
    pub defaults: Defaults,
    /// `[metrics]`.
    pub metrics: OpenMetrics,
}

/// `[policy]`: what every preset must comply with.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    /// Labels that callers can filter on, or that every selector fixes.
    pub require_labels: Vec<Spanned<String>>,
    /// The longest default of `{window}`.
    pub max_window: Option<Spanned<PromDuration>>,
    /// The longest range in a template.
    pub max_range: Option<Spanned<PromDuration>>,
    /// The longest `offset` in a template.
    pub max_offset: Option<Spanned<PromDuration>>,
    /// The longest time that a query looks back.
    pub max_lookback: Option<Spanned<PromDuration>>,
    /// The keys that every preset needs: of `REQUIRED`.
    pub require: Vec<Spanned<String>>,
}

/// `[defaults]`: values for preset files that have none of their own.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    /// How often metrics are scraped.
    pub scrape_interval: Option<Spanned<PromDuration>>,
    /// The default of `{window}`.
    pub window: Option<Spanned<PromDuration>>,
    /// The server, for the command line.
    pub url: Option<Spanned<String>>,
}

/// `[metrics]`: exceptions from `metrics.toml`.
#[derive(Clone, Debug)]
pub(crate) struct OpenMetrics {
    /// Names of metrics, with `*` for any text, that need not be in the snapshot.
    pub open: Vec<Spanned<String>>,
    /// Labels that scraping adds to every metric, besides `job` and `instance`.
    pub target_labels: Vec<Spanned<String>>,
}

impl Settings {
    /// No settings.
    pub(crate) const NONE: Self = Self {
        targets: Vec::new(),
        features: Vec::new(),
        checks: Vec::new(),
        policy: Policy {
            require_labels: Vec::new(),
            max_window: None,
            max_range: None,
            max_offset: None,
            max_lookback: None,
            require: Vec::new(),
        },
        defaults: Defaults { scrape_interval: None, window: None, url: None },
        metrics: OpenMetrics { open: Vec::new(), target_labels: Vec::new() },
    };
}

impl OpenMetrics {
    /// Whether a metric of this name need not be in the snapshot.
    pub(crate) fn is_open(&self, name: &str) -> bool {
        self.open.iter().any(|pattern| matches_glob(&pattern.value, name))
    }
}

/// Whether a name matches a pattern with `*` for any text.
pub(crate) fn matches_glob(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let (Some(mut name), Some((middle, last))) = (name.strip_prefix(first), rest.rsplit_once('*').or(Some(("", rest))))
    else {
        return false;
    };
    for part in middle.split('*') {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
    }
    name.ends_with(last)
}

pub(super) const SECTIONS: [&str; 5] = ["target", "defaults", "checks", "policy", "metrics"];
pub(super) const TARGET_KEYS: [&str; 5] = ["prometheus", "victoriametrics", "thanos", "mimir", "features"];
pub(super) const DEFAULTS_KEYS: [&str; 3] = ["scrape_interval", "window", "url"];
pub(super) const POLICY_KEYS: [&str; 6] =
    ["require_labels", "require", "max_window", "max_range", "max_offset", "max_lookback"];
pub(super) const METRICS_KEYS: [&str; 2] = ["open", "target_labels"];

/// The keys of a preset that `require` can name.
const REQUIRED: [&str; 2] = ["description", "unit"];

/// Reads `promql.toml`.
#[must_use]
pub(crate) fn read(text: &str) -> (Settings, Vec<Diagnostic>) {
    let mut settings = Settings::NONE;
    let (_, diagnostics) = super::reader::read_toml(text, &mut |reader, table, _| settings = reader.settings(table));
    (settings, diagnostics)
}

impl Reader<'_> {
    fn settings(&mut self, table: &Table<'_>) -> Settings {
        let mut settings = Settings::NONE;
        for (key, value) in table.iter() {
            match self.section_key(table, key) {
                "target" => self.target(value, &mut settings),
                "defaults" => settings.defaults = self.defaults(value),
                "checks" => settings.checks = self.checks(value),
                "policy" => settings.policy = self.policy(value),
                "metrics" => settings.metrics = self.open_metrics(value),
                _ => {}
            }
        }
        settings
    }

    /// [`known_key`](Self::known_key) of the settings. Also recognizes keys outside of their section.
    fn section_key(&mut self, table: &Table<'_>, key: &Key<'_>) -> &'static str {
        let name = &*key.name;
        let homes = [
            ("target", &TARGET_KEYS[..]),
            ("defaults", &DEFAULTS_KEYS),
            ("policy", &POLICY_KEYS),
            ("metrics", &METRICS_KEYS),
        ];
        let home = homes.iter().find(|(_, keys)| keys.contains(&name)).map(|(section, _)| *section);
        let home = home.or_else(|| Code::find(name).map(|_| "checks"));
        let Some(home) = home.filter(|_| nearest(name, SECTIONS).is_none()) else {
            return self.known_key(table, key, "the settings", &SECTIONS);
        };
        let title = format!("unknown key `{name}` in the settings");
        let help = format!("write `{name}` below a table `[{home}]`");
        self.report(Diagnostic::new(Code::UnknownKey, key.span, title).help(help));
        ""
    }

    fn defaults(&mut self, value: &Value<'_>) -> Defaults {
        let mut defaults = Settings::NONE.defaults;
        let Some(table) = self.table("defaults", value) else { return defaults };
        for (key, value) in table.iter() {
            match self.known_key(table, key, "`[defaults]`", &DEFAULTS_KEYS) {
                "scrape_interval" => defaults.scrape_interval = self.positive_duration("scrape_interval", value),
                "window" => defaults.window = self.positive_duration("window", value),
                "url" => defaults.url = self.url(value),
                _ => {}
            }
        }
        defaults
    }

    fn url(&mut self, value: &Value<'_>) -> Option<Spanned<String>> {
        let url = self.spanned_string("url", value)?;
        if !["http://", "https://"].iter().any(|scheme| url.value.starts_with(scheme)) {
            self.report(
                Diagnostic::new(Code::InvalidValue, url.span, format!("invalid URL `{}`", url.value))
                    .label("must start with `http://` or `https://`"),
            );
            return None;
        }
        Some(url)
    }

    fn policy(&mut self, value: &Value<'_>) -> Policy {
        let mut policy = Settings::NONE.policy;
        let Some(table) = self.table("policy", value) else { return policy };
        for (key, value) in table.iter() {
            match self.known_key(table, key, "`[policy]`", &POLICY_KEYS) {
                "require_labels" => policy.require_labels = self.label_names("require_labels", value),
                "max_window" => policy.max_window = self.positive_duration("max_window", value),
                "max_range" => policy.max_range = self.positive_duration("max_range", value),
                "max_offset" => policy.max_offset = self.positive_duration("max_offset", value),
                "max_lookback" => policy.max_lookback = self.positive_duration("max_lookback", value),
                "require" => {
                    policy.require = self.distinct_strings("require", "key", value);
                    for key in policy.require.extract_if(.., |key| !REQUIRED.contains(&key.value.as_str())) {
                        self.unknown_value("key of a preset", &key, &REQUIRED);
                    }
                }
                _ => {}
            }
        }
        policy
    }

    fn open_metrics(&mut self, value: &Value<'_>) -> OpenMetrics {
        let mut metrics = Settings::NONE.metrics;
        let Some(table) = self.table("metrics", value) else { return metrics };
        for (key, value) in table.iter() {
            match self.known_key(table, key, "`[metrics]`", &METRICS_KEYS) {
                "open" => match value.as_bool() {
                    Some(true) => {
                        let span = value.span;
                        metrics.open = vec![Spanned { value: "*".to_owned(), span }];
                    }
                    Some(false) => {}
                    None if value.is_array() => {
                        metrics.open = self.distinct_strings("open", "pattern", value);
                    }
                    None => {
                        let only = value.as_str().unwrap_or("node_*");
                        let help = format!("write `open = true`, or patterns of names: `open = [\"{only}\"]`");
                        self.wrong_type("open", "a boolean or an array of strings", value, &help);
                    }
                },
                "target_labels" => metrics.target_labels = self.label_names("target_labels", value),
                _ => {}
            }
        }
        metrics
    }

    /// A list of label names.
    fn label_names(&mut self, what: &str, value: &Value<'_>) -> Vec<Spanned<String>> {
        let mut names = self.distinct_strings(what, "label", value);
        let is_reserved = |name: &str| matches!(name, "" | "le" | "quantile") || name.starts_with("__");
        for name in names.extract_if(.., |name| is_reserved(&name.value)) {
            let title = format!("`{}` in `{what}`", name.value);
            self.report(
                Diagnostic::new(Code::InvalidValue, name.span, title).label("not a label that callers filter on"),
            );
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::{Level, Policy, matches_glob, read};

    #[test]
    fn patterns_of_names() {
        for (pattern, name, is_match) in [
            ("*", "", true),
            ("*", "up", true),
            ("up", "up", true),
            ("up", "ups", false),
            ("node_*", "node_load1", true),
            ("node_*", "my_node_load1", false),
            ("*_total", "requests_total", true),
            ("*_total", "requests_total_x", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "axxbxxc", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("*:*", "job:x:rate5m", true),
        ] {
            assert_eq!(matches_glob(pattern, name), is_match, "{pattern} {name}");
        }
    }

    #[test]
    fn everything_is_read() {
        let text = r#"
[target]
prometheus = "2.45"
victoriametrics = "v1.102.1"
mimir = "newest"
features = ["promql-experimental-functions"]
[defaults]
scrape_interval = "30s"
window = "5m"
url = "http://prometheus:9090"
[checks]
raw-counter = "error"
unfiltered-selector = { severity = "off", reason = "one tenant" }
[policy]
require_labels = ["tenant"]
require = ["unit"]
max_window = "1d"
max_range = "1w"
max_offset = "30d"
max_lookback = "90d"
[metrics]
open = ["node_*"]
target_labels = ["cluster"]
"#;
        let (settings, diagnostics) = read(text);
        assert_eq!(diagnostics, []);
        let targets: Vec<String> = settings.targets.iter().map(ToString::to_string).collect();
        assert_eq!(targets, ["Prometheus 2.45", "VictoriaMetrics 1.102", "the newest Mimir"]);
        assert_eq!(settings.features[0].value, "promql-experimental-functions");
        assert_eq!(settings.defaults.scrape_interval.unwrap().value.to_string(), "30s");
        assert_eq!(settings.defaults.window.unwrap().value.to_string(), "5m");
        assert_eq!(settings.defaults.url.unwrap().value, "http://prometheus:9090");
        let checks: Vec<_> = settings.checks.iter().map(|it| (it.code.value.as_str(), it.level)).collect();
        assert_eq!(checks, [("raw-counter", Level::Error), ("unfiltered-selector", Level::Off)]);
        assert_eq!(settings.policy.require_labels[0].value, "tenant");
        assert_eq!(settings.policy.require[0].value, "unit");
        let Policy { max_window, max_range, max_offset, max_lookback, .. } = settings.policy;
        let limits = [max_window, max_range, max_offset, max_lookback];
        assert_eq!(limits.map(|limit| limit.unwrap().value.to_string()), ["1d", "1w", "30d", "90d"]);
        assert!(settings.metrics.is_open("node_load1") && !settings.metrics.is_open("up"));
        assert_eq!(settings.metrics.target_labels[0].value, "cluster");
        assert!(read("[metrics]\nopen = true").0.metrics.is_open("up"));
    }
}
