//! `preset!`: a template between Rust code.

use proc_macro2::{TokenStream, TokenTree};
use promql_presets_compiler::render::Messages;
use promql_presets_compiler::{Diagnostic, InlinePreset, Severity, SourceFile};
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Ident, LitStr, Result, Token};

pub(crate) fn expand(input: TokenStream) -> Result<TokenStream> {
    let mut input = input.into_iter();
    let krate: TokenStream = input.by_ref().take_while(|token| !is_semicolon(token)).collect();
    let (template, window) = arguments.parse2(input.collect())?;
    let text = template.value();
    let preset = InlinePreset::compile(&text, window.as_ref().map(LitStr::value).as_deref());
    let errors = errors(&preset.diagnostics, &text, &template, window.as_ref()).map(Error::into_compile_error);
    // Also where there are errors: a preset of the likely type makes for no further ones.
    let preset: TokenStream = preset.code.parse()?;
    Ok(quote! {{
        #errors
        use #krate::__private1 as __p;
        #preset
    }})
}

fn is_semicolon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';')
}

/// `"template"`, and `window = "5m"` if it has a `{window}`.
fn arguments(input: ParseStream<'_>) -> Result<(LitStr, Option<LitStr>)> {
    let template = input.parse().map_err(|error| {
        Error::new(error.span(), "expected the template as a string literal, which is checked here")
    })?;
    let mut window = None;
    while !input.is_empty() {
        input.parse::<Token![,]>()?;
        if input.is_empty() {
            break;
        }
        window = match window {
            None => Some(named_window(input).map_err(|error| Error::new(error.span(), "expected `window = \"5m\"`"))?),
            Some(_) => return Err(input.error("nothing comes after the window")),
        };
    }
    Ok((template, window))
}

fn named_window(input: ParseStream<'_>) -> Result<LitStr> {
    let key: Ident = input.parse()?;
    if key != "window" {
        return Err(Error::new(key.span(), "another name"));
    }
    input.parse::<Token![=]>()?;
    input.parse()
}

/// Every error, at the literal that it is about.
fn errors(diagnostics: &[Diagnostic], text: &str, template: &LitStr, window: Option<&LitStr>) -> Option<Error> {
    // Stable Rust cannot point into a literal, so the message shows the place.
    let file = SourceFile { name: String::new(), path: "preset!".to_owned(), text: text.to_owned() };
    let error = |diagnostic: &Diagnostic| {
        let about_window = diagnostic.code.is_about_window();
        let span = window.filter(|_| about_window).map_or_else(|| template.span(), LitStr::span);
        let message = if about_window { about(diagnostic) } else { Messages::of(&file).untitled(diagnostic) };
        Error::new(span, message)
    };
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).map(error);
    errors.reduce(|mut all, error| {
        all.combine(error);
        all
    })
}

fn about(diagnostic: &Diagnostic) -> String {
    match &diagnostic.help {
        Some(help) => format!("{}\n\n  = help: {help}", diagnostic.title),
        None => diagnostic.title.clone(),
    }
}
