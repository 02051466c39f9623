//! Compiles the built-in catalogue.

fn main() {
    promql_presets_compiler::build("presets");
}
