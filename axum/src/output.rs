//! Results as the bodies of responses.

use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{once, try_unfold};
use futures_util::{StreamExt, future};
use promql_presets::{Data, Error, SeriesStream};
use serde::Serialize;

use crate::request::Format;

/// The size of a chunk, in bytes, unless a series is longer.
const CHUNK: usize = 32 * 1024;

/// A response with a value that JSON can carry.
pub(crate) fn json(value: &impl Serialize) -> Response {
    // The types of this crate are always JSON.
    respond(Body::from(serde_json::to_vec(value).unwrap_or_default()))
}

/// A response with the result of an instant query.
pub(crate) fn data(data: &Data, format: Format) -> Response {
    match format {
        Format::Columns => json(data),
        Format::Prometheus => json(&data.prometheus_json()),
    }
}

/// A response with JSON.
pub(crate) fn respond(body: Body) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A response with the series of a stream, which is read as fast as the caller reads the response.
///
/// Failures of the first chunk are returned; later ones break the response off, so that it cannot be mistaken for a whole
/// one.
pub(crate) async fn stream(series: SeriesStream, format: Format) -> Result<Response, Error> {
    let mut writer = Writer { series, format, count: 0, is_over: false };
    let first = writer.chunk().await?.unwrap_or_default();
    if writer.is_over {
        return Ok(respond(first.into()));
    }
    let rest = try_unfold(writer, |mut writer| async {
        let chunk = writer.chunk().await.map_err(Error::without_query)?;
        Ok::<_, Error>(chunk.map(|chunk| (chunk, writer)))
    });
    Ok(respond(Body::from_stream(once(future::ready(Ok(first))).chain(rest))))
}

/// Writes a matrix series by series.
struct Writer {
    series: SeriesStream,
    format: Format,
    count: u64,
    is_over: bool,
}

impl Writer {
    /// The next part of the matrix; `None` after the last.
    async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let mut out = Vec::with_capacity(CHUNK);
        if self.count == 0 {
            out.extend_from_slice(match self.format {
                Format::Columns => br#"{"type":"matrix","series":["#,
                Format::Prometheus => br#"{"status":"success","data":{"resultType":"matrix","result":["#,
            });
        }
        while out.len() < CHUNK {
            let Some(series) = self.series.try_next().await? else {
                self.end(&mut out);
                break;
            };
            if self.count > 0 {
                out.push(b',');
            }
            self.count += 1;
            match self.format {
                Format::Columns => write(&mut out, &series),
                Format::Prometheus => write(&mut out, &series.prometheus_json()),
            }
        }
        Ok(Some(out.into()))
    }

    /// Writes what comes after the series.
    fn end(&mut self, out: &mut Vec<u8>) {
        self.is_over = true;
        let meta = self.series.meta();
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

/// Writing results to a buffer cannot fail.
pub(crate) fn write(out: &mut Vec<u8>, value: &impl Serialize) {
    _ = serde_json::to_writer(out, value);
}
