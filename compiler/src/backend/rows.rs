//! The structs that the labels of a file's series are read into.

use promql_presets_core::LabelKind;
use promql_presets_core::sort;

use crate::backend::names;
use crate::backend::registry::{Preset, Querier, Row, RowField};
use crate::check::RowLabel;
use crate::promql::ResultType;
use crate::vec_ext::{IntoVec, VecExt};

/// One struct for all presets of a file, and one for each preset whose series have other labels.
pub(crate) fn rows(querier: Option<&Querier>, presets: &[Preset]) -> Vec<Row> {
    let has_series = |preset: &&Preset| matches!(preset.result, ResultType::InstantVector | ResultType::RangeVector);
    let presets: Vec<&Preset> = presets.iter().filter(|preset| !preset.is_stub).filter(has_series).into_vec();
    let shared = fields(querier, &shared_labels(&presets));
    let taken = taken(querier);
    let row = |name: String, preset, fields| {
        let name = if taken.contains(&name.as_str()) { format!("{name}Labels") } else { name };
        Row { name, preset, fields }
    };
    let mut rows = vec![row("Row".to_owned(), None, shared.clone())];
    for preset in &presets {
        let own = fields(querier, &preset.row);
        if own != shared {
            let name = names::variant(&preset.constant.to_ascii_lowercase()).unwrap_or_default();
            rows.push(row(format!("{name}Row"), Some(preset.constant.clone()), own));
        }
    }
    rows.keep(|row| !row.fields.is_empty());
    rows
}

/// Names the types of constants with parameters.
pub(crate) fn name_parameterized(querier: Option<&Querier>, presets: &mut [Preset]) {
    let taken = taken(querier);
    for preset in presets.iter_mut().filter(|preset| !preset.parameters.is_empty()) {
        let name = format!("{}Preset", names::variant(&preset.constant.to_ascii_lowercase()).unwrap_or_default());
        preset.parameterized = Some(if taken.contains(&name.as_str()) { format!("{name}Parameters") } else { name });
    }
}

/// The names of types that a module already has: its enums, `Querier` and `Label`.
fn taken(querier: Option<&Querier>) -> Vec<&str> {
    let mut taken = vec!["Querier", "Label"];
    for label in querier.map_or(&[][..], |querier| &querier.labels) {
        if let LabelKind::OneOf(values) = &label.kind {
            taken.push(&values.name);
        }
    }
    taken
}

/// The labels of all presets. A label is certain if each of them has it.
fn shared_labels(presets: &[&Preset]) -> Vec<RowLabel> {
    let mut shared: Vec<RowLabel> = Vec::new();
    for label in presets.iter().flat_map(|preset| &preset.row) {
        if !shared.iter().any(|other| other.name == label.name) {
            let is_sure =
                presets.iter().all(|preset| preset.row.iter().any(|other| other.name == label.name && other.is_sure));
            shared.push(RowLabel { is_sure, ..label.clone() });
        }
    }
    shared
}

/// Declared labels in the order of the file, then the others in the order of their names.
fn fields(querier: Option<&Querier>, labels: &[RowLabel]) -> Vec<RowField> {
    let declared = querier.map_or(&[][..], |querier| &querier.labels);
    let find = |label: &RowLabel| declared.iter().position(|own| own.name == label.name && !own.is_stub);
    let mut fields: Vec<RowField> = Vec::new();
    let mut labels: Vec<(Option<usize>, &RowLabel)> = labels.iter().map(|label| (find(label), label)).into_vec();
    sort::by_key(&mut labels, |(index, label)| (index.unwrap_or(usize::MAX), &label.name));
    for &(index, label) in &labels {
        let name = index.map(|index| declared[index].setter.clone()).or_else(|| names::setter(&label.name));
        // A label without a name in Rust has no field; callers read it with a struct of their own.
        let Some(name) = name.filter(|name| !fields.iter().any(|field| field.name == *name)) else { continue };
        fields.push(RowField { name, label: label.name.clone(), declared: index, is_optional: !label.is_sure });
    }
    fields
}

#[cfg(test)]
mod tests {
    use crate::{SourceFile, compile};

    /// The rows of a file with these labels and templates, each as `Name: field, optional?`.
    fn rows(labels: &str, templates: &[&str]) -> Vec<String> {
        use std::fmt::Write as _;
        let mut text = format!("[labels]\n{labels}\n");
        for (index, template) in templates.iter().enumerate() {
            _ = writeln!(text, "[presets.p{index}]\ntemplate = '{template}'");
        }
        let file = SourceFile { name: "a.toml".to_owned(), path: "presets/a.toml".to_owned(), text };
        let output = compile(&[file]);
        assert!(!output.has_errors(), "{:?}", output.findings);
        let field = |field: &super::RowField| format!("{}{}", field.name, if field.is_optional { "?" } else { "" });
        let shown =
            |row: &super::Row| format!("{}: {}", row.name, row.fields.iter().map(field).collect::<Vec<_>>().join(", "));
        output.registry.modules[0].rows.iter().map(shown).collect()
    }

    const LABELS: &str = "pod = \"string\"\nkind = { values = [\"a\"], required = true }";

    #[test]
    fn fields_are_the_labels_of_the_series() {
        let grouped = "sum by ({group_by})(x{{{labels}}})";
        for (template, row) in [
            (grouped, "Row: pod?, kind?"),
            ("x{{{labels}}}", "Row: pod?, kind"),
            ("x{{zone=\"z\",{labels}}}", "Row: pod?, kind, zone"),
            ("sum by (pod, host)(x{{{labels}}})", "Row: pod, host"),
            ("sum by (pod, {group_by})(x{{{labels}}})", "Row: pod, kind?"),
            ("sum without (pod)(x{{{labels}}})", "Row: kind"),
            ("sum by (pod)(x{{{labels}}}) or sum by (host)(x{{{labels}}})", "Row: pod?, host?"),
        ] {
            assert_eq!(rows(LABELS, &[template]), [row], "{template}");
        }
        assert_eq!(rows(LABELS, &["sum(x{{{labels}}})", "scalar(x{{{labels}}})"]), [""; 0]);
    }

    #[test]
    fn presets_with_other_labels_have_a_struct_of_their_own() {
        let rows = |templates: &[&str]| rows(LABELS, templates);
        assert_eq!(rows(&["x{{{labels}}}", "x{{{labels}}} > 1"]), ["Row: pod?, kind"]);
        assert_eq!(
            rows(&["x{{{labels}}}", "sum by (host)(x{{{labels}}})"]),
            ["Row: pod?, kind?, host?", "P0Row: pod?, kind", "P1Row: host"]
        );
    }

    #[test]
    fn names_do_not_collide() {
        let labels = "row = [\"a\"]\np0_row = [\"b\"]\n\"a.b\" = \"string\"";
        assert_eq!(
            rows(labels, &["sum by (a_b, row)(x{{{labels}}})", "sum by (\"a.b\")(x{{{labels}}})"]),
            ["RowLabels: row?, a_b?", "P0RowLabels: row, a_b", "P1Row: a_b"]
        );
    }
}
