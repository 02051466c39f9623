//! Results as the bodies of responses.

use std::vec;

use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{once, try_unfold};
use futures_util::{StreamExt, future};
use promql_presets::{Data, Element, Error, Meta, Series, SeriesStream};
use serde::Serialize;

use crate::request::Format;

/// The size of a part of a response, in bytes, unless a series is longer.
const PART: usize = 32 * 1024;

/// Most responses are shorter, in bytes.
const USUAL: usize = 1024;

/// A response with a value that JSON can carry.
pub(crate) fn json(value: &impl Serialize) -> Response {
    // The types of this crate are always JSON.
    respond(Body::from(serde_json::to_vec(value).unwrap_or_default()))
}

/// A response with the result of an instant query.
pub(crate) async fn data(data: Data, format: Format) -> Result<Response, Error> {
    let meta = data.meta().clone();
    match (data, format) {
        (Data::Vector(vector), _) => parts(Items::Vector(vector.into_iter(), meta), format).await,
        (Data::Matrix(matrix), _) => parts(Items::Matrix(matrix.into_iter(), meta), format).await,
        (data, Format::Columns) => Ok(json(&data)),
        (data, Format::Prometheus) => Ok(json(&data.prometheus_json())),
    }
}

/// A response with the series of a stream, which is read as fast as the caller reads the response.
pub(crate) async fn stream(series: SeriesStream, format: Format) -> Result<Response, Error> {
    parts(Items::Stream(Box::new(series)), format).await
}

/// A response with JSON.
pub(crate) fn respond(body: Body) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A response that is written in parts, as the caller reads it, unless it is short.
///
/// Failures of the first part are returned; later ones break the response off, so that it cannot be mistaken for a whole
/// one.
async fn parts(items: Items, format: Format) -> Result<Response, Error> {
    let mut writer = Writer { items, format, count: 0, is_over: false };
    let first = writer.part().await?.unwrap_or_default();
    if writer.is_over {
        return Ok(respond(first.into()));
    }
    let rest = try_unfold(writer, |mut writer| async {
        let part = writer.part().await.map_err(Error::without_query)?;
        Ok::<_, Error>(part.map(|part| (part, writer)))
    });
    Ok(respond(Body::from_stream(once(future::ready(Ok(first))).chain(rest))))
}

/// The series that are still to be written.
enum Items {
    Stream(Box<SeriesStream>),
    Matrix(vec::IntoIter<Series>, Meta),
    Vector(vec::IntoIter<Element>, Meta),
}

/// Writes a result series by series.
struct Writer {
    items: Items,
    format: Format,
    count: u64,
    is_over: bool,
}

impl Writer {
    /// The next part of the result; `None` after the last.
    async fn part(&mut self) -> Result<Option<Bytes>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let mut out = Vec::with_capacity(if self.count == 0 { USUAL } else { PART });
        if self.count == 0 {
            self.start(&mut out);
        }
        while out.len() < PART {
            let before = out.len();
            if self.count > 0 {
                out.push(b',');
            }
            if !self.item(&mut out).await? {
                out.truncate(before);
                self.end(&mut out);
                break;
            }
            self.count += 1;
        }
        Ok(Some(out.into()))
    }

    /// Writes the next series, if there is one.
    async fn item(&mut self, out: &mut Vec<u8>) -> Result<bool, Error> {
        let series = match &mut self.items {
            Items::Stream(stream) => stream.try_next().await?,
            Items::Matrix(series, _) => series.next(),
            Items::Vector(elements, _) => {
                let element = elements.next().inspect(|it| write_as(self.format, out, it, &it.prometheus_json()));
                return Ok(element.is_some());
            }
        };
        Ok(series.inspect(|it| write_as(self.format, out, it, &it.prometheus_json())).is_some())
    }

    /// Writes what comes before the series.
    fn start(&self, out: &mut Vec<u8>) {
        let (before, after) = match self.format {
            Format::Columns => (r#"{"type":""#, r#"","series":["#),
            Format::Prometheus => (r#"{"status":"success","data":{"resultType":""#, r#"","result":["#),
        };
        let kind = if matches!(self.items, Items::Vector(..)) { "vector" } else { "matrix" };
        for text in [before, kind, after] {
            out.extend_from_slice(text.as_bytes());
        }
    }

    /// Writes what comes after the series.
    fn end(&mut self, out: &mut Vec<u8>) {
        self.is_over = true;
        let meta = match &self.items {
            Items::Stream(stream) => stream.meta(),
            Items::Matrix(_, meta) | Items::Vector(_, meta) => meta,
        };
        match self.format {
            Format::Columns => {
                out.extend_from_slice(b"],");
                let start = out.len();
                write(out, meta);
                // The fields continue the object of the matrix.
                out.remove(start);
            }
            Format::Prometheus => {
                out.extend_from_slice(b"]}");
                for (name, texts) in [("warnings", &meta.warnings), ("infos", &meta.infos)] {
                    if !texts.is_empty() {
                        out.extend_from_slice(format!(",\"{name}\":").as_bytes());
                        write(out, texts);
                    }
                }
                if meta.is_partial {
                    out.extend_from_slice(b",\"isPartial\":true");
                }
                out.push(b'}');
            }
        }
    }
}

/// Writes a series in one of its shapes.
fn write_as(format: Format, out: &mut Vec<u8>, columns: &impl Serialize, prometheus: &impl Serialize) {
    match format {
        Format::Columns => write(out, columns),
        Format::Prometheus => write(out, prometheus),
    }
}

/// Writing results to a buffer cannot fail.
pub(crate) fn write(out: &mut Vec<u8>, value: &impl Serialize) {
    _ = serde_json::to_writer(out, value);
}
