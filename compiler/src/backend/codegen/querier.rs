//! The querier of a module, with its setters, and the enums of its labels.

use promql_presets_core::LabelKind;

use super::rustdoc::prose;
use super::{Out, kind_type, templates};
use crate::backend::registry::{Label, Module, Querier, ValueEnum};
use crate::vec_ext::{IntoVec, VecExt};

impl<'r> Out<'r> {
    pub(super) fn querier(&mut self, module: &'r Module, querier: &'r Querier) {
        self.label_infos(querier);
        self.line("");
        self.doc("Label matchers and grouping labels of a query. All matchers must match.");
        self.line("#[derive(Clone, Debug)]");
        self.line("#[must_use = \"a querier does nothing until it is passed to a query\"]");
        self.line("pub struct Querier(__p::Querier);");
        self.line("");
        self.open("impl Querier");
        let has_parameters = self.constructor(module, querier);
        for label in querier.labels.iter().filter(|label| querier.takes_labels && label.usage.is_filter()) {
            self.setter(label);
        }
        let methods = [
            (querier.takes_group_by, templates::GROUP_BY),
            (true, templates::WHEN_SOME),
            (querier.takes_labels, templates::SET),
        ];
        for (is_offered, method) in methods {
            if is_offered {
                self.line("");
                self.text(method, "");
            }
        }
        self.close("}");
        self.line("");
        self.text(templates::QUERIER, "");
        if !has_parameters {
            self.line("");
            self.text(templates::DEFAULT_QUERIER, "");
        }
        if querier.takes_group_by {
            let labels = querier.labels.iter().filter(|label| label.usage.is_group_by());
            let variants: Vec<_> = labels.map(|label| (&*label.variant, &*label.name)).into_vec();
            self.text_enum(module, None, "Label", &variants);
        }
        for label in &querier.labels {
            if let LabelKind::OneOf(ValueEnum { name, variants }) = &label.kind {
                let variants: Vec<_> = variants.iter().map(|(variant, text)| (&**variant, &**text)).into_vec();
                self.text_enum(module, Some(&label.name), name, &variants);
            }
        }
    }

    /// Writes the constant with the labels.
    fn label_infos(&mut self, querier: &Querier) {
        self.line("");
        self.line("const __LABELS: &[__p::LabelInfo] = &[");
        self.indent += 1;
        for label in &querier.labels {
            let Label { name, required, usage, .. } = label;
            let prefix = label.prefix.as_deref().unwrap_or_default();
            let description = label.description.as_deref().unwrap_or_default().trim();
            let kind = kind_info(&label.kind);
            self.line(&format!(
                "__p::LabelInfo {{ name: {name:?}, required: {required}, prefix: {prefix:?}, kind: {kind}, \
                 usage: __p::LabelUse::{usage:?}, description: {description:?} }},"
            ));
        }
        self.close("];");
    }

    /// Writes the constructor, and returns whether it has parameters.
    fn constructor(&mut self, module: &Module, querier: &Querier) -> bool {
        let required: Vec<&Label> =
            querier.labels.iter().filter(|label| label.required && querier.takes_labels).into_vec();
        // No setter ends in an underscore.
        let is_taken = required.iter().any(|label| label.setter == "metric_name");
        let name = querier.takes_name.then_some(if is_taken { "metric_name_" } else { "metric_name" });
        let metric = match (&module.metric, name) {
            (_, Some(name)) => format!("::core::convert::Into::<__p::Cow<'static, str>>::into({name})"),
            (Some(metric), None) => format!("{metric:?}"),
            (None, None) => "\"\"".to_owned(),
        };
        let name = name.map(|name| format!("{name}: impl ::core::convert::Into<__p::Cow<'static, str>>"));
        let mut parameters: Vec<String> = name.into_iter().into_vec();
        parameters.add_all(required.iter().map(|label| format!("{}: {}", label.setter, condition(label))));
        self.doc(match (querier.takes_name, required.is_empty()) {
            (true, true) => "A querier for the metric of this name.",
            (true, false) => "A querier for the metric of this name, with the labels that every query must filter on.",
            (false, true) => "A querier without conditions.",
            (false, false) => "A querier with the labels that every query must filter on.",
        });
        self.open(&format!("pub fn new({}) -> Self", parameters.join(", ")));
        let conditions: Vec<String> = required.iter().map(|label| format!(".{}({0})", label.setter)).into_vec();
        self.line(&format!("Self(__p::Querier::new({metric})){}", conditions.concat()));
        self.close("}");
        !parameters.is_empty()
    }

    fn setter(&mut self, label: &Label) {
        let Label { name, setter, .. } = label;
        self.line("");
        if let Some(description) = &label.description {
            self.doc(&format!("{}\n\n", prose(description)));
            self.line("///");
        }
        self.doc(&format!("Filters on the label `{name}`; a plain value means `=`."));
        self.open(&format!("pub fn {setter}(self, condition: {}) -> Self", condition(label)));
        if label.is_stub {
            self.line("_ = condition;");
            self.line("self");
            self.close("}");
            return;
        }
        let condition = match &label.prefix {
            Some(prefix) => format!("__p::IntoMatch::into_match(condition).__prefixed({prefix:?})"),
            None => "condition".to_owned(),
        };
        self.line(&format!("Self(__p::with_label(self.0, {name:?}, {condition}))"));
        self.close("}");
    }

    /// Writes the enum of a label's values, or that of the labels to group by. The same enum of several files is one type.
    fn text_enum(
        &mut self,
        module: &'r Module,
        label: Option<&'r str>,
        name: &'r str,
        variants: &[(&'r str, &'r str)],
    ) {
        self.line("");
        let mut key = vec![label.unwrap_or_default(), name];
        for (variant, text) in variants {
            key.add_all([*variant, *text]);
        }
        if let Some(path) = self.enums.get(&key) {
            let line = format!("pub use {}{}::{name};", "super::".repeat(module.path.len()), path.join("::"));
            self.line("#[doc(inline)]");
            self.line(&line);
            return;
        }
        self.enums.insert_new(key, &module.path);
        match label {
            Some(label) => self.doc(&format!("A value of the label `{label}`.")),
            None => self.doc("A label to group by."),
        }
        self.line("#[derive(Debug)]");
        self.line("#[non_exhaustive]");
        self.open(&format!("pub enum {name}"));
        for (variant, text) in variants {
            self.doc(&format!("`{text}`"));
            self.line(&format!("{variant},"));
        }
        self.close("}");
        self.line("");
        self.open(&format!("impl {name}"));
        self.doc("All variants, in the order of the preset file.");
        let all: Vec<String> = variants.iter().map(|(variant, _)| format!("Self::{variant}")).into_vec();
        self.line(&format!("pub const ALL: &'static [Self] = &[{}];", all.join(", ")));
        self.line("");
        self.doc("The text in Prometheus.");
        self.line("#[must_use]");
        self.line("#[inline]");
        self.open("pub const fn as_str(self) -> &'static str");
        self.open("match self");
        for (variant, text) in variants {
            self.line(&format!("Self::{variant} => {text:?},"));
        }
        self.close("}");
        self.close("}");
        self.close("}");
        self.line("");
        self.text(templates::TEXT_ENUM, name);
        self.line("");
        self.text(if label.is_some() { templates::VALUE_ENUM } else { templates::LABEL_ENUM }, name);
    }
}

/// The type of a setter's argument.
fn condition(label: &Label) -> String {
    if label.is_stub {
        return "impl ::core::marker::Sized".to_owned();
    }
    format!("impl __p::IntoMatch<{}>", kind_type(label))
}

fn kind_info(kind: &LabelKind<ValueEnum>) -> String {
    let texts = kind.as_ref().map(|values| values.variants.iter().map(|(_, text)| text.as_str()).into_vec());
    match texts {
        LabelKind::OneOf(texts) => format!("__p::LabelKind::OneOf(&{texts:?})"),
        // A variant without fields is its own constructor.
        other => format!("__p::LabelKind::{other:?}"),
    }
}
