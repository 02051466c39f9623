//! The presets that a caller may query, as JSON.

use std::hash::{DefaultHasher, Hash, Hasher};

use promql_presets::{LabelInfo, LabelKind, ParameterInfo, ParameterValue, PresetMetadata, ResultType};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::guard::Access;

/// A preset with what the caller may see of it.
pub(crate) struct Entry<'a> {
    pub(crate) preset: &'a PresetMetadata<'a>,
    pub(crate) access: Access,
}

/// The `ETag` of a response.
pub(crate) fn etag(body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

/// Whether a header `If-None-Match` names an `ETag`.
pub(crate) fn is_known(if_none_match: &str, etag: &str) -> bool {
    let tags = if_none_match.split(',').map(|tag| tag.trim().trim_start_matches("W/"));
    if_none_match.trim() == "*" || tags.into_iter().any(|tag| tag == etag)
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let preset = self.preset;
        let labels: Option<Vec<Label<'_>>> =
            preset.labels.map(|labels| labels.iter().map(|info| Label { info, entry: self }).collect());
        let has_ranges = matches!(preset.result, ResultType::InstantVector | ResultType::Scalar);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", preset.name)?;
        map.serialize_entry("title", &preset.title)?;
        map.serialize_entry("category", &preset.category)?;
        map.serialize_entry("description", preset.description)?;
        map.serialize_entry("unit", &preset.unit)?;
        map.serialize_entry("type", preset.result.as_str())?;
        map.serialize_entry("range", &has_ranges)?;
        map.serialize_entry("template", preset.template)?;
        map.serialize_entry("window", &preset.window)?;
        map.serialize_entry("metric", &preset.metric)?;
        map.serialize_entry("needs_metric", &(preset.metric.is_none() && preset.takes_metric_name()))?;
        map.serialize_entry("filter", &preset.takes_labels())?;
        map.serialize_entry("group_by", &preset.takes_group_by())?;
        map.serialize_entry("labels", &labels)?;
        map.serialize_entry("parameters", &preset.parameters.iter().map(Parameter).collect::<Vec<_>>())?;
        map.end()
    }
}

/// A label of a preset.
struct Label<'a> {
    info: &'a LabelInfo<'a>,
    entry: &'a Entry<'a>,
}

impl Serialize for Label<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { info, entry: Entry { preset, access } } = self;
        let (kind, values) = match info.kind {
            LabelKind::Uuid => ("uuid", None),
            LabelKind::Integer => ("integer", None),
            LabelKind::OneOf(values) => ("one_of", Some(values)),
            _ => ("string", None),
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", info.name)?;
        map.serialize_entry("description", info.description)?;
        map.serialize_entry("kind", kind)?;
        map.serialize_entry("values", &values)?;
        map.serialize_entry("prefix", info.prefix)?;
        // The guard's filter is a condition as well.
        map.serialize_entry("required", &(info.required && !access.filters_on(info.name)))?;
        map.serialize_entry("filter", &(info.usage.is_filter() && preset.takes_labels()))?;
        map.serialize_entry("group_by", &(info.usage.is_group_by() && preset.takes_group_by()))?;
        map.end()
    }
}

/// A parameter of a preset.
struct Parameter<'a>(&'a ParameterInfo<'a>);

impl Serialize for Parameter<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let info = self.0;
        let mut map = serializer.serialize_map(Some(6))?;
        map.serialize_entry("name", info.name)?;
        map.serialize_entry("description", info.description)?;
        map.serialize_entry("kind", info.kind().as_str())?;
        for (name, value) in [("default", info.default), ("min", info.min), ("max", info.max)] {
            match value {
                bound if name != "default" && bound.is_open_bound() => map.serialize_entry(name, &())?,
                ParameterValue::Number(number) => map.serialize_entry(name, &number)?,
                ParameterValue::Integer(number) => map.serialize_entry(name, &number)?,
                ParameterValue::Duration(duration) => map.serialize_entry(name, &duration)?,
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_tags() {
        let tag = etag(b"{}");
        assert_ne!(tag, etag(b"{ }"));
        for known in [tag.clone(), "*".to_owned(), format!("W/{tag}"), format!("\"a\", {tag}")] {
            assert!(is_known(&known, &tag), "{known}");
        }
        for other in ["", "\"a\"", tag.trim_matches('"'), "W/*"] {
            assert!(!is_known(other, &tag), "{other}");
        }
    }
}
