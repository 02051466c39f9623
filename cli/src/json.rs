//! JSON objects, one per line, with their fields in insertion order.

use serde_json::Value;

/// Writes an object.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    out: &'a mut String,
    first: bool,
}

impl<'a> Object<'a> {
    pub(crate) fn open(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, first: true }
    }

    /// Adds a field. `None` becomes `null`.
    pub(crate) fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.key(name);
        self.out.push_str(&value.into().to_string());
        self
    }

    /// Adds the lines and columns at which a range starts and ends.
    pub(crate) fn place(self, [(line, column), (end_line, end_column)]: [(usize, usize); 2]) -> Self {
        self.field("line", line).field("column", column).field("end_line", end_line).field("end_column", end_column)
    }

    /// Adds a field that is a list; `write` appends one of its elements.
    pub(crate) fn list<T>(
        mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut String, T),
    ) -> Self {
        self.key(name);
        self.out.push('[');
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            write(self.out, item);
        }
        self.out.push(']');
        self
    }

    pub(crate) fn close(self) {
        self.out.push('}');
    }

    fn key(&mut self, name: &str) {
        if !self.first {
            self.out.push(',');
        }
        self.first = false;
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_it_is_told() {
        let mut out = String::new();
        Object::open(&mut out)
            .field("text", "a\"\n")
            .field("none", None::<String>)
            .field("number", 3)
            .list("list", [true, false], |out, item| out.push_str(if item { "1" } else { "0" }))
            .close();
        assert_eq!(out, r#"{"text":"a\"\n","none":null,"number":3,"list":[1,0]}"#);
    }
}
