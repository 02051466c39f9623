//! The endpoints of the HTTP API besides queries, one file for each subject.

mod exemplars;
mod labels;
mod metadata;
mod series;
mod status;

use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::http::call::Call;
use crate::value::Listing;

pub use exemplars::{Exemplar, ExemplarsQuery, SeriesExemplars};
pub use labels::{LabelNames, LabelValues};
pub use metadata::{Metadata, MetadataQuery, MetricMetadata};
pub use series::SeriesQuery;
pub use status::{BuildInfo, BuildInfoQuery, Features, FeaturesQuery, FormatQuery, HealthQuery, ParseQuery};

/// Default limit on the size of a list response, in bytes. A list is decoded at once and takes up to 20 times as much
/// memory.
const LIST_BYTES: u64 = 64 << 20;

/// Reads a list.
async fn read_list<T: DeserializeOwned>(call: Call) -> Result<Listing<T>, Error> {
    call.json(|items: Option<_>, meta| Ok(Listing::new(items.unwrap_or_default(), meta))).await
}

macro_rules! scope_setters {
    () => {
        /// Limits the result to series with samples at or after this time. The server chooses the default.
        pub fn start<T: TryInto<crate::value::Timestamp, Error: Into<crate::error::RangeError>>>(
            mut self,
            start: T,
        ) -> Self {
            self.call.time("start", start);
            self
        }

        /// Limits the result to series with samples at or before this time.
        pub fn end<T: TryInto<crate::value::Timestamp, Error: Into<crate::error::RangeError>>>(
            mut self,
            end: T,
        ) -> Self {
            self.call.time("end", end);
            self
        }

        /// Limits the number of results; unlimited by default. If there are more, the response has a warning, but is not
        /// [partial](crate::Meta::partial_reason). Servers that do not support it return all.
        #[inline]
        pub fn limit(mut self, limit: u64) -> Self {
            self.call.parameter("limit", limit.to_string());
            self
        }

        crate::http::options::option_setters!(call);
    };
}
use scope_setters;

/// Implements `Debug` for a call, with its parameters.
macro_rules! debug {
    ($name:ident $(, $field:ident)?) => {
        impl std::fmt::Debug for $name {
            #[inline]
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &self.$field))?
                    .field("parameters", &self.call.parameters)
                    .finish_non_exhaustive()
            }
        }
    };
}
use debug;
