//! A minimal HTTP client: one request per connection, and the whole response as text.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::Error;

/// Timeout of connecting, and of each read and write.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Sends a `GET` request to a server, given as `http://host:port`.
pub(crate) fn get(server: &str, path: &str) -> Result<Response, Error> {
    request(server, &format!("GET {path} HTTP/1.0"), "", &[])
}

/// Sends a `POST` request.
pub(crate) fn post(server: &str, path: &str, content_type: &str, body: &[u8]) -> Result<Response, Error> {
    let headers = format!("Content-Type: {content_type}\r\nContent-Length: {}\r\n", body.len());
    request(server, &format!("POST {path} HTTP/1.0"), &headers, body)
}

/// Sends a request with JSON to a server that knows only HTTP/1.1, and neither chunks nor closes.
pub(crate) fn send_json(server: &str, method: &str, path: &str, json: &str) -> Result<Response, Error> {
    let headers = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", json.len());
    request(server, &format!("{method} {path} HTTP/1.1"), &headers, json.as_bytes())
}

/// Encodes a form.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    fields.join("&")
}

fn encode(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    encoded.collect()
}

/// Uses HTTP/1.0, so that the server sends the body without chunks and then closes the connection.
fn request(server: &str, line: &str, headers: &str, body: &[u8]) -> Result<Response, Error> {
    let host = server.strip_prefix("http://").unwrap_or(server).trim_end_matches('/');
    let address = host.to_socket_addrs()?.next().ok_or_else(|| format!("`{host}` has no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(format!("{line}\r\nHost: {host}\r\n{headers}\r\n").as_bytes())?;
    stream.write_all(body)?;
    let (mut response, mut part) = (Vec::new(), [0; 8192]);
    while !is_complete(&response) {
        match stream.read(&mut part)? {
            0 => break,
            len => response.extend_from_slice(&part[..len]),
        }
    }
    parse(&String::from_utf8(response)?)
}

/// Whether a response is as long as its headers declare.
fn is_complete(response: &[u8]) -> bool {
    let Some(end) = response.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&response[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.is_some_and(|length| response.len() >= end + 4 + length)
}

fn parse(response: &str) -> Result<Response, Error> {
    let (head, body) = response.split_once("\r\n\r\n").ok_or("the response has no end of headers")?;
    let status = head.split(' ').nth(1).ok_or("the response has no status")?.parse()?;
    Ok(Response { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_status_and_body() {
        let response = parse("HTTP/1.0 404 Not Found\r\nA: b\r\n\r\ngone\r\n\r\n").unwrap();
        assert_eq!(response, Response { status: 404, body: "gone\r\n\r\n".to_owned() });
        assert!(parse("HTTP/1.0 200 OK\r\n").is_err());
        assert!(parse("nonsense\r\n\r\n").is_err());
    }

    #[test]
    fn responses_end_with_their_length() {
        assert!(is_complete(b"HTTP/1.1 200 OK\r\nContent-Length:2\r\n\r\nok"));
        for part in ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", "HTTP/1.1 200 OK\r\nA: b\r\n\r\nok", "HTTP/1.1"] {
            assert!(!is_complete(part.as_bytes()), "{part}");
        }
    }

    #[test]
    fn forms_are_percent_encoded() {
        assert_eq!(
            form(&[("query", "a{b=\"ü\"} + 1"), ("time", "1.5")]),
            "query=a%7Bb%3D%22%C3%BC%22%7D%20%2B%201&time=1.5"
        );
    }
}
