//! Checks that hold for everything that the compiler returns.

pub mod differential;

use promql_presets_compiler::diagnostic::emit::Messages;
use promql_presets_compiler::{Diagnostic, Output, Severity, SourceFile, Span, compile};

/// Compiles one preset file and checks the output.
pub fn compiled(text: &str) -> (SourceFile, Output) {
    let file = SourceFile { name: "a.toml".into(), path: "presets/a.toml".into(), text: text.into() };
    let output = compile(std::slice::from_ref(&file));
    let messages = Messages::of(&file);
    let mut errors = 0;
    for finding in &output.findings {
        well_formed(&file.text, &finding.diagnostic);
        assert!(!messages.full(&finding.diagnostic).is_empty());
        errors += usize::from(finding.diagnostic.severity == Severity::Error);
    }
    assert_eq!(output.errors.len(), errors);
    (file, output)
}

/// Checks that generated code is Rust.
pub fn is_rust(output: &Output) {
    if let Err(error) = syn::parse_file(&output.code) {
        panic!("generated code is not Rust: {error}\n{}", output.code);
    }
}

/// Checks that a diagnostic has texts, and that its spans lie within the source.
pub fn well_formed(text: &str, diagnostic: &Diagnostic) {
    assert!(!diagnostic.title.is_empty() && !diagnostic.title.ends_with('.'), "{diagnostic:?}");
    assert!(diagnostic.help.as_deref() != Some("") && diagnostic.note.as_deref() != Some(""), "{diagnostic:?}");
    let spans = diagnostic.secondary.iter().map(|(span, _)| *span).chain([diagnostic.span]);
    for Span { start, end } in spans {
        assert!(start <= end && text.get(start as usize..end as usize).is_some(), "{diagnostic:?} in {text:?}");
    }
}
