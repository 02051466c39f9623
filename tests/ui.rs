//! Wrong use of the constants, and the exact messages of the compiler.
//!
//! `TRYBUILD=overwrite cargo test --test ui` writes the messages anew; read the diff.

#[test]
fn wrong_use_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
