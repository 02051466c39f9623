//! `preset!`: a template in Rust code.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use proc_macro2::{TokenStream, TokenTree};
use promql_presets_compiler::diagnostic::emit::{self, Messages};
use promql_presets_compiler::diagnostic::suggest::nearest;
use promql_presets_compiler::discover::{self, DiscoverError};
use promql_presets_compiler::promql::Features;
use promql_presets_compiler::{
    Code, Declarations, Diagnostic, FileKind, InlineOptions, InlinePreset, Severity, SourceFile,
};
use quote::{quote, quote_spanned};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, LitStr, Result, Token, bracketed, parenthesized};

/// The folder of presets that `metrics.toml` and `promql.toml` are beside.
const FOLDER: &str = "presets";

/// How many errors of one template are shown.
const MAX_ERRORS: usize = 100;

pub(crate) fn expand(input: TokenStream) -> Result<TokenStream> {
    let mut input = input.into_iter();
    let krate: TokenStream = input.by_ref().take_while(|token| !is_semicolon(token)).collect();
    let arguments = Arguments::parse.parse2(input.collect())?;
    let declarations = declarations().map_err(|error| Error::new(arguments.template.span(), error))?;
    let preset = InlinePreset::compile(&arguments.template.value(), &arguments.options(), &declarations);
    let (errors, warnings): (Vec<_>, Vec<_>) =
        preset.diagnostics.iter().partition(|diagnostic| diagnostic.severity == Severity::Error);
    let of_files: Vec<_> =
        declarations.findings().iter().filter(|finding| finding.diagnostic.severity == Severity::Error).collect();
    let of_files =
        emit::each(declarations.files(), &of_files, |messages, finding| messages.untitled(&finding.diagnostic));
    let of_files = of_files.into_iter().map(|message| Error::new(arguments.template.span(), message));
    let errors = errors.into_iter().map(|diagnostic| arguments.error(diagnostic));
    let errors = of_files.chain(errors).take(MAX_ERRORS).reduce(|mut all, error| {
        all.combine(error);
        all
    });
    // If there are errors, a preset of the probable type avoids further ones.
    let errors = errors.map(Error::into_compile_error);
    let warnings = warnings.into_iter().map(|diagnostic| arguments.warning(diagnostic));
    let preset: TokenStream = preset.code.parse()?;
    // When a preset file changes, so does what the build script writes.
    let beside = declarations.files().iter().filter(|file| file.kind() != FileKind::Presets);
    let names = beside.map(|file| file.name.trim_start_matches(".."));
    Ok(quote! {{
        #errors
        // The compiler runs again when one of them changes.
        #(const _: &[::core::primitive::u8] =
            ::core::include_bytes!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), #names));)*
        use #krate::__private1 as __p;
        #(#warnings)*
        #preset
    }})
}

/// The registry that was read last: reading it again for each of many presets takes time.
static DECLARATIONS: Mutex<Option<Arc<Declarations>>> = Mutex::new(None);

/// What the files of the package say: the settings and the snapshot beside its folder `presets`, and with the latter the
/// metrics that its preset files declare.
fn declarations() -> std::result::Result<Arc<Declarations>, DiscoverError> {
    let mut files = Vec::new();
    if let Some(package) = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) {
        let (folder, shown) = (package.join(FOLDER), discover::shown_folder(&package, Path::new(FOLDER)));
        files = discover::beside(&folder, &shown)?;
        if folder.is_dir() && files.iter().any(|file| file.kind() == FileKind::Metrics) {
            files = discover::discover(&folder, &shown)?;
        }
    }
    let mut last = DECLARATIONS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(last) = last.as_ref().filter(|last| last.files() == files) {
        return Ok(Arc::clone(last));
    }
    Ok(Arc::clone(last.insert(Arc::new(Declarations::read(files)))))
}

fn is_semicolon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';')
}

/// `"template", name = "...", window = "5m", features = ["..."], allow("check", reason = "...")`.
struct Arguments {
    template: LitStr,
    name: Option<LitStr>,
    window: Option<LitStr>,
    features: Features,
    allow: Vec<Code>,
}

impl Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let template =
            input.parse().map_err(|error| Error::new(error.span(), "expected the template as a string literal"))?;
        let mut arguments = Self { template, name: None, window: None, features: Features::none(), allow: Vec::new() };
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if !input.is_empty() {
                arguments.option(input)?;
            }
        }
        Ok(arguments)
    }

    fn option(&mut self, input: ParseStream<'_>) -> Result<()> {
        const EXPECTED: &str = "expected `name = \"...\"`, `window = \"5m\"`, `features = [\"...\"]` or `allow(\"check\", reason = \"...\")`";
        let key: Ident = input.parse().map_err(|error| Error::new(error.span(), EXPECTED))?;
        match key.to_string().as_str() {
            "window" if self.window.is_none() => {
                input.parse::<Token![=]>()?;
                self.window = Some(input.parse()?);
            }
            "window" => return Err(Error::new(key.span(), "duplicate `window`")),
            "name" if self.name.is_none() => {
                input.parse::<Token![=]>()?;
                let name: LitStr = input.parse()?;
                if name.value().trim().is_empty() {
                    return Err(Error::new(name.span(), "empty name"));
                }
                self.name = Some(name);
            }
            "name" => return Err(Error::new(key.span(), "duplicate `name`")),
            "features" => {
                input.parse::<Token![=]>()?;
                let list;
                bracketed!(list in input);
                for feature in Punctuated::<LitStr, Token![,]>::parse_terminated(&list)? {
                    if !self.features.enable(&feature.value()) {
                        return Err(unknown("feature", &feature, Features::NAMES));
                    }
                }
            }
            "allow" => {
                let list;
                parenthesized!(list in input);
                self.allow.push(allowed(&list)?);
            }
            _ => return Err(Error::new(key.span(), EXPECTED)),
        }
        Ok(())
    }

    fn options(&self) -> InlineOptions {
        let window = self.window.as_ref().map(LitStr::value);
        let name = self.name.as_ref().map(LitStr::value);
        InlineOptions { name, window, features: self.features, allow: self.allow.clone() }
    }

    /// The message, with the position in the template: stable Rust cannot point into a literal.
    fn message(&self, diagnostic: &Diagnostic) -> String {
        let file = SourceFile { name: String::new(), path: "preset!".to_owned(), text: self.template.value() };
        Messages::of(&file).untitled(diagnostic)
    }

    /// An error at the literal that contains the fault.
    fn error(&self, diagnostic: &Diagnostic) -> Error {
        match &self.window {
            Some(window) if diagnostic.code.is_about_window() => Error::new(window.span(), about(diagnostic)),
            _ => Error::new(self.template.span(), self.message(diagnostic)),
        }
    }

    /// The only warnings that macros can emit on stable Rust are about deprecated items.
    fn warning(&self, diagnostic: &Diagnostic) -> TokenStream {
        let message = self.message(diagnostic);
        quote_spanned! {self.template.span()=> {
            #[deprecated(note = #message)]
            const PRESET: () = ();
            PRESET
        };}
    }
}

/// `"check", reason = "..."`.
fn allowed(input: ParseStream<'_>) -> Result<Code> {
    let check: LitStr = input.parse()?;
    let reason = (|| {
        input.parse::<Token![,]>()?;
        let key: Ident = input.parse()?;
        input.parse::<Token![=]>()?;
        let reason: LitStr = input.parse()?;
        input.parse::<Option<Token![,]>>()?;
        (key == "reason" && !reason.value().trim().is_empty()).then_some(()).ok_or_else(|| input.error("no reason"))
    })();
    reason.map_err(|_| {
        Error::new(check.span(), "`allow` without a reason: write `allow(\"check\", reason = \"...\")`")
    })?;
    match Code::find(&check.value()) {
        Some(code) if code.is_allowable() => Ok(code),
        Some(_) => Err(Error::new(check.span(), "this check cannot be allowed: the query cannot run")),
        None => Err(unknown("check", &check, Code::allowable().map(Code::as_str))),
    }
}

fn unknown<'a>(what: &str, name: &LitStr, known: impl IntoIterator<Item = &'a str>) -> Error {
    let text = name.value();
    let meant = nearest(&text, known).map(|meant| format!("; a similar one exists: `{meant}`"));
    Error::new(name.span(), format!("unknown {what} `{text}`{}", meant.unwrap_or_default()))
}

fn about(diagnostic: &Diagnostic) -> String {
    match &diagnostic.help {
        Some(help) => format!("{}\n\n  = help: {help}", diagnostic.title),
        None => diagnostic.title.clone(),
    }
}
