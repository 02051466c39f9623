//! Writes what the other endpoints return, and errors.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Float;
use super::serialize::serialize_fields;
use crate::endpoints::{BuildInfo, Exemplar, Features, Metadata, MetricMetadata, SeriesExemplars};
use crate::error::{Error, ErrorClass};

serialize_fields!(this: BuildInfo {
    "version": this.version,
    "revision": this.revision,
    "branch": this.branch,
    "build_user": this.build_user,
    "build_date": this.build_date,
    "go_version": this.go_version,
});
serialize_fields!(this: MetricMetadata { "type": this.kind, "help": this.help, "unit": this.unit });
serialize_fields!(this: Exemplar { "labels": this.labels, "timestamp": this.timestamp, "value": Float(this.value) });
serialize_fields!(this: SeriesExemplars { "labels": this.labels, "exemplars": this.exemplars });

impl Serialize for Features {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1 + self.meta().json_fields()))?;
        map.serialize_entry("metrics", &**self)?;
        self.meta().end(map)
    }
}

/// The part of an error that is for people outside of the service: its [`class`](Error::class), its
/// [`public_message`](Error::public_message), and whether it is a timeout or transient.
///
/// ```
/// # use promql_presets::{Error, ErrorKind, ValueError};
/// let error = Error::from(ErrorKind::Value(ValueError::NoData));
/// let json = r#"{"class":"no_data","message":"the query returned no data","timeout":false,"retryable":false}"#;
/// assert_eq!(serde_json::to_string(&error)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("class", &self.class())?;
        map.serialize_entry("message", &self.public_message())?;
        map.serialize_entry("timeout", &self.is_timeout())?;
        map.serialize_entry("retryable", &self.is_retryable())?;
        map.end()
    }
}

/// `caller`, `no_data`, `server` or `internal`.
impl Serialize for ErrorClass {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Caller => "caller",
            Self::NoData => "no_data",
            Self::Server => "server",
            Self::Internal => "internal",
        })
    }
}
