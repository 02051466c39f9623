//! Presets, queriers, escaping and rendering: what the compiler and the runtime of promql-presets share.
//!
//! It has no dependencies by default, so that a service builds it once for both. Services use it through the crate
//! `promql-presets`, which re-exports it.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod condition;
mod duration;
mod error;
mod escape;
pub mod keyword;
mod label;
mod look_back;
mod macros;
mod matcher;
pub mod name;
mod parameter;
mod preset;
mod querier;
pub mod regex;
mod render;
#[cfg(feature = "serde")]
mod serde;
#[doc(hidden)]
pub mod sort;

pub use condition::{Condition, IntoCondition};
pub use duration::{DurationError, PromDuration, Window};
pub use error::{RenderError, UnknownText};
pub use escape::quote;
pub use label::{LabelInfo, LabelKind, LabelUse};
pub use look_back::LookBack;
pub use matcher::{MatchOp, Matcher};
pub use name::{LabelName, NameError};
pub use parameter::{MAX_PARAMETERS, ParameterInfo, ParameterKind, ParameterValue, ParameterValues};
pub use preset::{
    AnyWindow, IntoPreset, NoWindow, Preset, PresetInfo, PresetMetadata, Presets, ResultType, Segment, SelectorInfo,
    TakesWindow, Template, Windowed,
};
pub use querier::{MetricQuerier, Querier};
pub use render::{Input, selector};

#[doc(hidden)]
pub mod __macro_support {
    pub use std::borrow::Cow;
    pub use std::string::String;

    #[cfg(feature = "serde")]
    pub use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

    #[cfg(feature = "serde")]
    pub use crate::serde::read_enum;
}
