//! An editor: starts the server and talks to it.
#![expect(clippy::needless_pass_by_value, clippy::expect_used, reason = "a test")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// Longer than any response takes.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Client {
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// What came while something else was awaited.
    earlier: Vec<Value>,
    root: String,
    requests: u32,
    versions: i32,
}

impl Client {
    /// Starts the server in a folder.
    pub(crate) fn start(folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_promql-presets"))
            .args(["lsp", "--stdio"])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = channel();
        thread::spawn(move || {
            while let Some(message) = read(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        let root = format!("file://{}", folder.display());
        let mut client = Self { child, input, messages, earlier: Vec::new(), root, requests: 0, versions: 0 };
        let watches = json!({ "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } });
        let result =
            client.request("initialize", json!({ "processId": null, "rootUri": null, "capabilities": watches }));
        assert_eq!(result["serverInfo"]["name"], "promql-presets");
        client.notify("initialized", json!({}));
        let registered = client.wait(|message| message["method"] == "client/registerCapability");
        assert_eq!(registered["params"]["registrations"][0]["method"], "workspace/didChangeWatchedFiles");
        client.send(&json!({ "jsonrpc": "2.0", "id": registered["id"], "result": null }));
        client
    }

    pub(crate) fn uri(&self, file: &str) -> String {
        format!("{}/{file}", self.root)
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let input = self.input.as_mut().unwrap();
        write!(input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        input.flush().unwrap();
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// The whole response.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        self.wait(|message| message["id"] == id && message["method"].is_null())
    }

    /// The result of a request that does not fail.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Value {
        let response = self.call(method, params);
        assert!(response["error"].is_null(), "{method}: {response}");
        response["result"].clone()
    }

    /// A request about a position of a file: the first `|` of `text`, with which it is opened.
    pub(crate) fn at(&mut self, method: &str, file: &str, text: &str) -> Value {
        self.at_with(method, file, text, json!({}))
    }

    /// The same with further parameters.
    pub(crate) fn at_with(&mut self, method: &str, file: &str, text: &str, mut params: Value) -> Value {
        params["position"] = position(text);
        params["textDocument"] = json!({ "uri": self.uri(file) });
        self.open(file, &text.replacen('|', "", 1));
        self.request(method, params)
    }

    fn wait(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.earlier.iter().position(&is_it) {
            return self.earlier.remove(at);
        }
        loop {
            let message = self.messages.recv_timeout(PATIENCE).expect("the server is silent");
            if is_it(&message) {
                return message;
            }
            self.earlier.push(message);
        }
    }

    pub(crate) fn open(&mut self, file: &str, text: &str) {
        self.versions += 1;
        let document = json!({ "uri": self.uri(file), "languageId": "toml", "version": self.versions, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
    }

    /// Replaces the text of a file.
    pub(crate) fn write(&mut self, file: &str, text: &str) {
        self.change(file, json!([{ "text": text }]));
    }

    pub(crate) fn change(&mut self, file: &str, changes: Value) {
        self.versions += 1;
        let document = json!({ "uri": self.uri(file), "version": self.versions });
        self.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
    }

    pub(crate) fn close(&mut self, file: &str) {
        self.notify("textDocument/didClose", json!({ "textDocument": { "uri": self.uri(file) } }));
    }

    /// The next diagnostics of a file.
    pub(crate) fn diagnostics(&mut self, file: &str) -> Value {
        let uri = self.uri(file);
        let is_it =
            |message: &Value| message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == uri;
        self.wait(is_it)["params"]["diagnostics"].clone()
    }

    /// The codes of the next diagnostics of a file.
    pub(crate) fn codes(&mut self, file: &str) -> Vec<String> {
        let diagnostics = self.diagnostics(file);
        diagnostics.as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap().to_owned()).collect()
    }

    /// Asserts that the server has sent nothing that was not awaited.
    pub(crate) fn assert_silent(&mut self) {
        self.call("unknown/method", json!({}));
        assert_eq!(self.earlier, [] as [Value; 0]);
    }

    /// Shuts the server down. Returns its exit status.
    pub(crate) fn stop(mut self) -> i32 {
        self.request("shutdown", Value::Null);
        self.notify("exit", Value::Null);
        self.input = None;
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn read(output: &mut impl BufRead) -> Option<Value> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", value)) => length = value.parse().ok(),
            Some(_) => {}
            None => break,
        }
    }
    let mut content = vec![0; length?];
    output.read_exact(&mut content).ok()?;
    serde_json::from_slice(&content).ok()
}

/// The position of the first `|`, in UTF-16 code units.
pub(crate) fn position(text: &str) -> Value {
    let before = text.split('|').next().unwrap();
    let line = before.rsplit('\n').next().unwrap();
    json!({ "line": before.matches('\n').count(), "character": line.encode_utf16().count() })
}

/// The text after edits of the protocol, none of which overlap.
pub(crate) fn edited(text: &str, edits: &Value) -> String {
    let offset = |position: &Value| {
        let line = text.split_inclusive('\n').take(usize::try_from(position["line"].as_u64().unwrap()).unwrap());
        let start: usize = line.map(str::len).sum();
        let (mut at, mut left) = (start, position["character"].as_u64().unwrap());
        for c in text[start..].chars() {
            if left == 0 {
                break;
            }
            left -= c.len_utf16() as u64;
            at += c.len_utf8();
        }
        at
    };
    let mut edits: Vec<_> = edits.as_array().unwrap().iter().collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(offset(&edit["range"]["start"])));
    let mut out = text.to_owned();
    for edit in edits {
        let range = offset(&edit["range"]["start"])..offset(&edit["range"]["end"]);
        out.replace_range(range, edit["newText"].as_str().unwrap());
    }
    out
}
