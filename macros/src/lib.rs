//! Procedural macros of promql-presets, re-exported and documented by `promql-presets`.

mod derive;
mod preset;

use proc_macro::TokenStream;

/// Defines a preset: `crate; "template", window = "5m"`.
#[proc_macro]
pub fn preset(input: TokenStream) -> TokenStream {
    preset::expand(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Implements `MetricQuerier` for a struct whose fields are labels.
#[proc_macro_derive(MetricQuerier, attributes(querier))]
pub fn derive_metric_querier(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    derive::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
