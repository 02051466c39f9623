//! `lsp`, over its standard input and output.

mod client;
mod diagnostics;

pub(crate) use client::{Client, edited, position};
