//! Wrong use of the constants: what the compiler says, word for word.
//!
//! `TRYBUILD=overwrite cargo test --test ui` writes the messages anew; read the diff.

#[test]
fn wrong_use_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
