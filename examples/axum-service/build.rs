//! Compiles `presets/`.

fn main() {
    promql_presets_compiler::build("presets");
}
