//! Headers that are made for each request: tokens that change, and signatures.

use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::error::ErrorKind;
use crate::http::options::can_be_set;
use crate::http::transport::authorization;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// The headers that a hook supplies: names and values.
type Supplied = Vec<(String, String)>;

type Supplying = Pin<Box<dyn Future<Output = Result<Supplied, AnyError>> + Send>>;

/// Supplies headers for each request.
#[derive(Clone)]
pub(crate) enum Credentials {
    Hook(Arc<dyn Fn(Attempt) -> Supplying + Send + Sync>),
    File(Arc<TokenFile>),
}

/// The headers that were supplied for the requests of one call: their values are redacted in errors.
pub(crate) type Secrets = Arc<Mutex<HeaderMap>>;

/// A request that is about to be sent, for the hook of
/// [`ClientBuilder::credentials`](crate::ClientBuilder::credentials).
#[derive(Clone)]
pub struct Attempt {
    method: reqwest::Method,
    url: Url,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Attempt {
    /// The method: `GET` or `POST`.
    #[must_use]
    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    /// The URL, with its query string.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The headers so far. The HTTP library adds `Host`, `User-Agent`, `Accept` and `Content-Length`.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body: an encoded form, or empty for `GET`.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// URL, headers and body can contain credentials and filters.
impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("method", &self.method).field("path", &self.url.path()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hook(_) => f.write_str("Hook"),
            Self::File(file) => file.path.fmt(f),
        }
    }
}

impl Credentials {
    pub(crate) fn hook<F, Fut, H, N, V, E>(hook: F) -> Self
    where
        F: Fn(Attempt) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<H, E>> + Send + 'static,
        H: IntoIterator<Item = (N, V)>,
        N: Into<String>,
        V: Into<String>,
        E: Into<AnyError>,
    {
        Self::Hook(Arc::new(move |attempt| {
            let supplied = hook(attempt);
            Box::pin(async {
                let headers = supplied.await.map_err(Into::into)?;
                Ok(headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
            })
        }))
    }

    pub(crate) fn file(path: &Path) -> Self {
        Self::File(Arc::new(TokenFile { path: path.to_owned(), last: Mutex::new(None) }))
    }

    /// Adds the headers of a request, and remembers their values.
    pub(crate) async fn add_to(&self, request: &mut reqwest::Request, secrets: &Secrets) -> Result<(), ErrorKind> {
        let mut headers = HeaderMap::new();
        match self {
            Self::File(file) => {
                let token = file.token().map_err(|error| {
                    ErrorKind::Credentials(Arc::from(AnyError::from(format!("{}: {error}", file.path.display()))))
                })?;
                headers.extend([authorization("Bearer", &token)?]);
            }
            Self::Hook(hook) => {
                let attempt = Attempt {
                    method: request.method().clone(),
                    url: request.url().clone(),
                    headers: request.headers().clone(),
                    body: request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec(),
                };
                let supplied = hook(attempt).await.map_err(|error| ErrorKind::Credentials(Arc::from(error)))?;
                for (name, value) in supplied {
                    let (name, value) = header(&name, &value)?;
                    headers.insert(name, value);
                }
            }
        }
        for (name, value) in &headers {
            request.headers_mut().insert(name, value.clone());
        }
        let mut secrets = secrets.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, value) in &headers {
            secrets.append(name, value.clone());
        }
        Ok(())
    }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), ErrorKind> {
    let parsed = HeaderName::try_from(name).ok().filter(|name| can_be_set(name) || *name == CONTENT_TYPE);
    let Some(parsed) = parsed else {
        return Err(ErrorKind::Config(format!(
            "the header `{}` of the credentials cannot be set",
            name.escape_debug()
        )));
    };
    let Ok(mut value) = HeaderValue::try_from(value) else {
        return Err(ErrorKind::Config(format!(
            "invalid value of the header `{}` of the credentials",
            name.escape_debug()
        )));
    };
    value.set_sensitive(true);
    Ok((parsed, value))
}

/// A file with a token, which is read again when it changes.
pub(crate) struct TokenFile {
    path: PathBuf,
    last: Mutex<Option<(Stamp, String)>>,
}

/// The time of the last change of a file, and its length.
type Stamp = (SystemTime, u64);

impl TokenFile {
    /// The token. Reading takes microseconds, since tokens are short and their files are local.
    fn token(&self) -> Result<String, std::io::Error> {
        let metadata = std::fs::metadata(&self.path)?;
        let stamp = (metadata.modified()?, metadata.len());
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, token)) = last.as_ref().filter(|(read, _)| *read == stamp) {
            return Ok(token.clone());
        }
        let token = std::fs::read_to_string(&self.path)?.trim().to_owned();
        if token.is_empty() {
            return Err(std::io::Error::other("the file is empty"));
        }
        *last = Some((stamp, token.clone()));
        Ok(token)
    }
}
