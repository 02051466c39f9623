//! The presets of a router.

use std::ops::Deref;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::request::Parts;
use promql_presets::{PresetInfo, PresetMetadata, Presets};

use crate::guard::{Access, Guard, NO_PRESET, Refusal};
use crate::problem::Problem;

/// Presets that can change while a router serves them, such as those of a folder.
pub trait LivePresets: Send + Sync + 'static {
    /// Passes each preset to a function, in the order of the catalogue.
    fn each(&self, visit: &mut dyn FnMut(&PresetMetadata<'_>));
}

impl<P: LivePresets + ?Sized> LivePresets for Arc<P> {
    fn each(&self, visit: &mut dyn FnMut(&PresetMetadata<'_>)) {
        (**self).each(visit);
    }
}

/// The presets of a router, and what callers may see of them.
pub(crate) enum Source {
    Constants(Presets, Box<dyn Guard>),
    Live(Box<dyn LivePresets>, Access),
}

/// A preset, for as long as a function runs.
#[derive(Clone, Copy)]
pub(crate) enum Found<'a> {
    Constant(&'static PresetInfo),
    Live(&'a PresetMetadata<'a>),
}

impl<'a> Deref for Found<'a> {
    type Target = PresetMetadata<'a>;

    fn deref(&self) -> &PresetMetadata<'a> {
        #[expect(clippy::match_same_arms, reason = "their lifetimes differ")]
        match self {
            Self::Constant(preset) => preset,
            Self::Live(preset) => preset,
        }
    }
}

impl Source {
    /// Passes each preset to a function.
    pub(crate) fn each(&self, mut visit: impl FnMut(Found<'_>)) {
        match self {
            Self::Constants(presets, _) => presets.into_iter().for_each(|preset| visit(Found::Constant(preset))),
            Self::Live(presets, _) => presets.each(&mut |preset| visit(Found::Live(preset))),
        }
    }

    /// Passes a preset to a function.
    pub(crate) fn read<T>(&self, name: &str, read: impl FnOnce(Found<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
        let unknown = || Err(Problem::new(StatusCode::NOT_FOUND, NO_PRESET));
        match self {
            Self::Constants(presets, _) => {
                presets.find(name).map_or_else(unknown, |preset| read(Found::Constant(preset)))
            }
            Self::Live(presets, _) => {
                let (mut read, mut result) = (Some(read), None);
                presets.each(&mut |preset| {
                    if preset.name == name
                        && let Some(read) = read.take()
                    {
                        result = Some(read(Found::Live(preset)));
                    }
                });
                result.unwrap_or_else(unknown)
            }
        }
    }

    /// What a caller may see of a preset.
    pub(crate) fn access(&self, caller: &Parts, preset: Found<'_>) -> Result<Access, Refusal> {
        match (self, preset) {
            (Self::Constants(_, guard), Found::Constant(preset)) => guard.access(caller, preset),
            (Self::Live(_, access), Found::Live(_)) => Ok(access.clone()),
            // A preset of another router.
            _ => Err(Refusal::not_found()),
        }
    }
}
