//! What iterators and vectors do most, with little code: for each iterator, `collect` and `extend` compile about sixteen
//! functions and `retain` five, which were a tenth of the functions of this crate.

/// Collects into a vector.
pub(crate) trait IntoVec: Iterator + Sized {
    /// Like [`collect`](Iterator::collect) into a vector, but without reserving room first.
    #[expect(clippy::while_let_on_iterator, reason = "`for` compiles one more function for each iterator")]
    fn into_vec(mut self) -> Vec<Self::Item> {
        let mut items = Vec::new();
        while let Some(item) = self.next() {
            items.push(item);
        }
        items
    }
}

impl<I: Iterator> IntoVec for I {}

/// Adds to a vector and removes from it.
pub(crate) trait VecExt<T> {
    /// Like [`Vec::extend`], but without reserving room first.
    fn add_all(&mut self, items: impl IntoIterator<Item = T>);

    /// Like [`Vec::retain`].
    fn keep(&mut self, is_kept: impl Fn(&T) -> bool);
}

impl<T> VecExt<T> for Vec<T> {
    fn add_all(&mut self, items: impl IntoIterator<Item = T>) {
        for item in items {
            self.push(item);
        }
    }

    fn keep(&mut self, is_kept: impl Fn(&T) -> bool) {
        let mut end = 0;
        for at in 0..self.len() {
            if is_kept(&self[at]) {
                self.swap(end, at);
                end += 1;
            }
        }
        self.truncate(end);
    }
}
