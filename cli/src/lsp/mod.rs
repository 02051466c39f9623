//! The language server: what editors show of preset files and of the files beside them, over unsaved text.
//!
//! `server` talks to the editor, `workspace` holds the open documents and the registries that they belong to, and a
//! [`View`](workspace::View) is one file of a registry at the time of a request. `actions`, `completion`, `diagnostics`,
//! `hover`, `signature`, `symbols` and `document_symbols` handle the requests, and `server` itself the short ones; the
//! others are what these share.

mod actions;
mod completion;
mod cursor;
mod diagnostics;
mod document_symbols;
mod facts;
pub(crate) mod fixes;
mod hover;
mod json_schema;
mod server;
mod signature;
mod symbols;
mod toml;
mod workspace;

pub(crate) use server::serve;
