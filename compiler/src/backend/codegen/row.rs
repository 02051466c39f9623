//! The types of rows.

use super::rustdoc::prose;
use super::{Out, kind_type};
use crate::backend::registry::{Querier, Row};

impl Out<'_> {
    pub(super) fn row(&mut self, row: &Row, querier: Option<&Querier>) {
        let name = &row.name;
        self.line("");
        self.doc(&match &row.preset {
            Some(constant) => format!("The labels of a series of [`{constant}`], for `rows`."),
            None => "The labels of a series of this file's presets, for `rows`.".to_owned(),
        });
        self.line("#[derive(Clone, Debug, PartialEq, Hash)]");
        self.open(&format!("pub struct {name}"));
        let (mut read, mut shown) = (Vec::new(), Vec::new());
        for field in &row.fields {
            let label = field.declared.zip(querier).and_then(|(index, querier)| querier.labels.get(index));
            let description = label.and_then(|label| label.description.as_deref()).map(prose);
            self.doc(&description.unwrap_or_else(|| format!("The label `{}`.", field.label)));
            let ty = label.map_or("__p::String", kind_type);
            let ty = if field.is_optional { format!("::core::option::Option<{ty}>") } else { ty.to_owned() };
            let prefix = label.and_then(|label| label.prefix.as_deref()).unwrap_or_default();
            self.line(&format!("pub {}: {ty},", field.name));
            read.push(format!("{}: __p::read_field(labels, {:?}, {prefix:?})?,", field.name, field.label));
            shown.push(format!("{} = {:?}", field.name, field.label));
        }
        self.close("}");
        self.line("");
        self.text("impl ::core::cmp::Eq for $Name {}", name);
        self.line("");
        self.open(&format!("impl __p::FromLabels for {name}"));
        self.line("#[inline]");
        self.open("fn from_labels(labels: &__p::Labels) -> ::core::result::Result<Self, __p::RowError>");
        self.open("::core::result::Result::Ok(Self");
        for field in &read {
            self.line(field);
        }
        self.close("})");
        self.close("}");
        self.close("}");
        self.line(&format!("__p::serialize_row!({name}: {});", shown.join(", ")));
    }
}
