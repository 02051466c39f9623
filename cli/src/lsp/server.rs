//! The connection with the editor: what the server can do, and which function handles which message.

use std::path::PathBuf;

use gen_lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionProvider, CodeActionRequest, CompletionOptions, CompletionRequest,
    Definition, DefinitionRequest, DefinitionResponse, DidChangeTextDocumentNotification,
    DidChangeWatchedFilesNotification, DidChangeWatchedFilesRegistrationOptions, DidCloseTextDocumentNotification,
    DidOpenTextDocumentNotification, DocumentFormattingRequest, DocumentSymbolRequest, FileSystemWatcher, GlobPattern,
    HoverRequest, InitializeResult, Notification, Position, PrepareRenameRequest, PublishDiagnosticsNotification,
    ReferencesRequest, Registration, RegistrationParams, RegistrationRequest, RenameOptions, RenameProvider,
    RenameRequest, Request, ServerCapabilities, ServerInfo, SignatureHelpOptions, SignatureHelpRequest,
    TextDocumentSync, TextDocumentSyncKind, TextDocumentSyncOptions, TextEdit, Uri,
};
use lsp_server::{Connection, ErrorCode, Message, ProtocolError, Response};
use promql_presets_compiler::FileKind;
use serde_json::Value;

use super::workspace::{View, Workspace};
use super::{actions, completion, document_symbols, hover, signature, symbols};
use crate::failure::Failure;
use crate::fmt;

/// Serves an editor until it shuts the server down.
pub(crate) fn serve(dir: Option<PathBuf>) -> Result<(), Failure> {
    let (connection, threads) = Connection::stdio();
    let result = Server { connection, workspace: Workspace::new(dir) }.run();
    // The server has dropped the connection, so that its threads end.
    if result.is_ok() {
        threads.join()?;
    }
    result.map_err(|error| Failure::new(format!("the connection with the editor failed: {error}")))
}

/// The number of files to check between two messages; twice as many if no message is waiting.
const AT_ONCE: usize = 64;

struct Server {
    connection: Connection,
    workspace: Workspace,
}

impl Server {
    fn run(mut self) -> Result<(), ProtocolError> {
        let (id, params) = self.connection.initialize_start()?;
        // The one thing that the server reads: to read all of `InitializeParams` would take much more code.
        let watches = &params["capabilities"]["workspace"]["didChangeWatchedFiles"]["dynamicRegistration"];
        let server_info =
            ServerInfo { name: "promql-presets".to_owned(), version: Some(env!("CARGO_PKG_VERSION").to_owned()) };
        let result = InitializeResult { capabilities: capabilities(), server_info: Some(server_info) };
        self.connection.initialize_finish(id, serde_json::to_value(result).unwrap_or_default())?;
        if watches == true {
            self.watch();
        }
        let mut most = AT_ONCE;
        loop {
            // Messages that wait come before checks.
            let message = match self.connection.receiver.try_recv() {
                Ok(message) => Some(message),
                Err(_) if self.publish(most) => {
                    most *= 2;
                    continue;
                }
                Err(_) => self.connection.receiver.recv().ok(),
            };
            let Some(message) = message else { return Ok(()) };
            most = AT_ONCE;
            match message {
                Message::Request(request) => {
                    if self.connection.handle_shutdown(&request)? {
                        return Ok(());
                    }
                    let uri = request.params["textDocument"]["uri"].as_str().and_then(|uri| uri.parse().ok());
                    if let Some(uri) = uri {
                        self.workspace.focus(&uri);
                    }
                    if self.workspace.is_focus_stale() {
                        self.publish(1);
                    }
                    let response = self.respond(request);
                    self.send(response);
                }
                Message::Notification(notification) => self.notice(&notification),
                Message::Response(_) => {}
            }
        }
    }

    fn send(&self, message: impl Into<Message>) {
        // If the editor is gone, there are no further messages either, which ends the server.
        _ = self.connection.sender.send(message.into());
    }

    /// Checks at most `count` files, and returns whether there were any to check.
    fn publish(&mut self, most: usize) -> bool {
        let changed = self.workspace.publish(most);
        let is_any = changed.is_some();
        for params in changed.into_iter().flatten() {
            self.notify::<PublishDiagnosticsNotification>(params);
        }
        is_any
    }

    fn notify<N: Notification>(&self, params: N::Params) {
        self.send(lsp_server::Notification::new(N::METHOD.to_string(), params));
    }

    /// Asks the editor to report changes on the disk.
    fn watch(&self) {
        let watcher = FileSystemWatcher { glob_pattern: GlobPattern::Pattern("**/*.toml".to_owned()), kind: None };
        let options = DidChangeWatchedFilesRegistrationOptions { watchers: vec![watcher] };
        let registration = Registration {
            id: "files".to_owned(),
            method: DidChangeWatchedFilesNotification::METHOD.to_string(),
            register_options: serde_json::to_value(options).ok(),
        };
        let params = RegistrationParams { registrations: vec![registration] };
        self.send(lsp_server::Request::new(0.into(), RegistrationRequest::METHOD.to_string(), params));
    }

    fn notice(&mut self, notification: &lsp_server::Notification) {
        // Notifications have no response that could report a fault in them.
        if let Some(params) = params_of::<DidOpenTextDocumentNotification>(notification) {
            let document = params.text_document;
            self.workspace.open(&document.uri, document.version, document.text);
        } else if let Some(params) = params_of::<DidChangeTextDocumentNotification>(notification) {
            let document = params.text_document;
            self.workspace.change(&document.text_document_identifier.uri, document.version, params.content_changes);
        } else if let Some(params) = params_of::<DidCloseTextDocumentNotification>(notification) {
            self.workspace.close(&params.text_document.uri);
        } else if let Some(params) = params_of::<DidChangeWatchedFilesNotification>(notification) {
            for path in params.changes.into_iter().filter_map(|change| change.uri.to_file_path().ok()) {
                self.workspace.reload(&path);
            }
        }
    }

    fn respond(&self, request: lsp_server::Request) -> Response {
        Call { workspace: &self.workspace, request, response: None }
            .on::<CodeActionRequest>(
                |params| &params.text_document.uri,
                |view, params| Ok(actions::actions(view, &params)),
            )
            .on::<DocumentFormattingRequest>(|params| &params.text_document.uri, |view, _| Ok(format(view)))
            .on::<CompletionRequest>(
                |params| &params.text_document_position_params.text_document.uri,
                |view, params| Ok(Some(completion::complete(view, params.text_document_position_params.position))),
            )
            .on::<HoverRequest>(
                |params| &params.text_document_position_params.text_document.uri,
                |view, params| Ok(hover::hover(view, params.text_document_position_params.position)),
            )
            .on::<DefinitionRequest>(
                |params| &params.text_document_position_params.text_document.uri,
                |view, params| Ok(definition(view, params.text_document_position_params.position)),
            )
            .on::<ReferencesRequest>(
                |params| &params.text_document_position_params.text_document.uri,
                |view, params| {
                    let offset = view.offset(params.text_document_position_params.position);
                    Ok(Some(symbols::references(view, offset, params.context.include_declaration)))
                },
            )
            .on::<SignatureHelpRequest>(
                |params| &params.text_document_position_params.text_document.uri,
                |view, params| Ok(signature::help(view, params.text_document_position_params.position)),
            )
            .on::<PrepareRenameRequest>(
                |params| &params.text_document_position_params.text_document.uri,
                |view, params| Ok(symbols::prepare(view, view.offset(params.text_document_position_params.position))),
            )
            .on::<RenameRequest>(
                |params| &params.text_document_position_params.text_document.uri,
                |view, params| {
                    symbols::rename(view, view.offset(params.text_document_position_params.position), &params.new_name)
                },
            )
            .on::<DocumentSymbolRequest>(
                |params| &params.text_document.uri,
                |view, _| Ok(Some(document_symbols::symbols(view))),
            )
            .finish()
    }
}

/// A request, and the response to it once a function has handled it.
struct Call<'w> {
    workspace: &'w Workspace,
    request: lsp_server::Request,
    response: Option<Response>,
}

impl Call<'_> {
    /// Handles requests of one kind. The result is null if the server knows nothing of the document.
    fn on<R: Request>(
        mut self,
        uri: fn(&R::Params) -> &Uri,
        respond: impl Fn(&View<'_>, R::Params) -> Result<R::Result, String>,
    ) -> Self {
        if self.request.method != R::METHOD.as_str() {
            return self;
        }
        let (id, params) = (self.request.id.clone(), std::mem::take(&mut self.request.params));
        self.response = Some(match serde_json::from_value::<R::Params>(params) {
            Err(error) => Response::new_err(id, ErrorCode::InvalidParams as i32, error.to_string()),
            Ok(params) => match self.workspace.view(uri(&params)).map(|view| respond(&view, params)) {
                None => Response::new_ok(id, Value::Null),
                Some(Ok(result)) => Response::new_ok(id, result),
                Some(Err(refusal)) => Response::new_err(id, ErrorCode::RequestFailed as i32, refusal),
            },
        });
        self
    }

    fn finish(self) -> Response {
        let unknown = format!("unknown method `{}`", self.request.method);
        let unknown = || Response::new_err(self.request.id, ErrorCode::MethodNotFound as i32, unknown);
        self.response.unwrap_or_else(unknown)
    }
}

/// Where the name at a position is declared.
fn definition(view: &View<'_>, position: Position) -> Option<DefinitionResponse> {
    let locations = symbols::declarations(view, view.offset(position));
    (!locations.is_empty()).then_some(DefinitionResponse::Definition(Definition::LocationList(locations)))
}

/// Formats the templates of a preset file that has no errors in them.
fn format(view: &View<'_>) -> Option<Vec<TextEdit>> {
    let edits = (view.source.kind() == FileKind::Presets).then(|| fmt::file(&view.source.text)).flatten()?;
    Some(edits.into_iter().map(|edit| TextEdit { range: view.range(edit.span), new_text: edit.text }).collect())
}

/// The parameters of a notification, if it is of this kind and they are valid.
fn params_of<N: Notification>(notification: &lsp_server::Notification) -> Option<N::Params> {
    let is_kind = notification.method == N::METHOD.as_str();
    is_kind.then(|| serde_json::from_value(notification.params.clone()).ok()).flatten()
}

fn capabilities() -> ServerCapabilities {
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSync::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::Incremental),
            ..TextDocumentSyncOptions::default()
        })),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(["{", "(", "[", "\"", ",", "="].map(str::to_owned).into()),
            ..CompletionOptions::default()
        }),
        code_action_provider: Some(CodeActionProvider::CodeActionOptions(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QuickFix]),
            ..CodeActionOptions::default()
        })),
        hover_provider: Some(true.into()),
        signature_help_provider: Some(SignatureHelpOptions {
            trigger_characters: Some(["(", ","].map(str::to_owned).into()),
            ..SignatureHelpOptions::default()
        }),
        references_provider: Some(true.into()),
        definition_provider: Some(true.into()),
        document_symbol_provider: Some(true.into()),
        rename_provider: Some(RenameProvider::RenameOptions(RenameOptions {
            prepare_provider: Some(true),
            ..RenameOptions::default()
        })),
        document_formatting_provider: Some(true.into()),
        ..ServerCapabilities::default()
    }
}
