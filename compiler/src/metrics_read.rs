//! Which metrics the presets of a registry read.

use std::collections::{BTreeMap, BTreeSet};

use promql_presets_core::LabelKind;

use crate::Output;
use crate::backend::registry::Module;
use crate::check::selected_series;
use crate::promql::{Features, Syntax, parse};

/// The series that presets read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricsRead {
    /// The series that they select, by name: `http_duration_seconds_bucket` rather than `http_duration_seconds`.
    pub series: BTreeMap<String, SeriesRead>,
    /// The patterns of names that they select: `{__name__=~"node_.*"}`.
    pub patterns: BTreeMap<String, SeriesRead>,
    /// Selectors without a fixed name, each with its preset: `{metric_name}` without `[metric]`.
    pub unnamed: Vec<(String, String)>,
}

/// The presets that select the series of a name or a pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeriesRead {
    /// The presets: `vllm::latency::p95`.
    pub presets: BTreeSet<String>,
    /// The labels whose values are needed: those that a preset file declares as an enumeration, and `le` and `quantile` if a
    /// matcher names one of their values.
    pub enumerated: BTreeSet<String>,
    /// For each selector, the series that `or` combines with it: its alternatives.
    pub others: BTreeSet<Vec<String>>,
}

impl Output {
    /// The series that the presets select. Presets with errors are left out.
    #[must_use]
    pub fn metrics_read(&self) -> MetricsRead {
        let mut read = MetricsRead::default();
        for module in &self.registry.modules {
            for preset in module.presets.iter().filter(|preset| !preset.is_stub) {
                // Features are checked elsewhere.
                let parsed = parse(&preset.template, Syntax { template: true, features: Features::all() });
                let Some(expr) = &parsed.expr else { continue };
                let name = module.preset_name(preset);
                for selected in selected_series(&preset.template, expr, module.metric.as_deref()) {
                    let found = match (selected.name, selected.pattern) {
                        (Some(series), _) => read.series.entry(series).or_default(),
                        (None, Some(pattern)) => read.patterns.entry(pattern.to_owned()).or_default(),
                        (None, None) => {
                            read.unnamed.push((name.clone(), selected.text.to_owned()));
                            continue;
                        }
                    };
                    found.presets.insert(name.clone());
                    found.enumerated.extend(enumerated(module));
                    found.enumerated.extend(selected.bounds.into_iter().map(str::to_owned));
                    found.others.insert(selected.others);
                }
            }
        }
        read
    }
}

fn enumerated(module: &Module) -> impl Iterator<Item = String> {
    let labels = module.querier.iter().flat_map(|querier| &querier.labels);
    labels.filter(|label| matches!(label.kind, LabelKind::OneOf(_))).map(|label| label.name.clone())
}

#[cfg(test)]
mod tests {
    use crate::{SourceFile, compile};

    #[test]
    fn series_with_the_presets_that_select_them() {
        let file = |name: &str, text: &str| SourceFile { name: name.into(), path: name.into(), text: text.into() };
        let read = compile(&[
            file(
                "a/b.toml",
                "metric = { name = \"x.y\" }\nlabels = { m = [\"p\", \"q\"], n = \"string\" }\n\
                 [presets.p]\ntemplate = 'sum({metric_name}_bucket{{le=\"1.0\",{labels}}}) / on () sum(z{{{labels}}})'\n\
                 [presets.bad]\ntemplate = 'bad{{{labels}}}('\n",
            ),
            file(
                "c.toml",
                "presets.q.template = 'z{{{labels}}} or {metric_name}{{{labels}}} or {{__name__=~\"a|z\",{labels}}} or {{__name__=~\"a.*\",{labels}}}'\n",
            ),
        ])
        .metrics_read();
        let series: Vec<String> =
            read.series.iter().map(|(name, read)| format!("{name} {:?} {:?}", read.presets, read.enumerated)).collect();
        assert_eq!(
            series,
            [r#"a {"c::q"} {}"#, r#"x.y_bucket {"a::b::p"} {"le", "m"}"#, r#"z {"a::b::p", "c::q"} {"m"}"#]
        );
        assert_eq!(read.series["a"].others.iter().collect::<Vec<_>>(), [&["z"; 1].map(str::to_owned).to_vec()]);
        let unnamed: Vec<&str> = read.unnamed.iter().map(|(_, selector)| selector.as_str()).collect();
        assert_eq!(unnamed, ["{metric_name}{{{labels}}}"]);
        assert_eq!(read.patterns["a.*"].presets.iter().collect::<Vec<_>>(), ["c::q"]);
    }
}
