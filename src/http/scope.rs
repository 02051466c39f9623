//! The settings that scoped clients add to every call, and that no call can change.

use std::sync::Arc;

use promql_presets_core::{Input, LabelName, Matcher, PresetInfo, Querier};

use reqwest::header::HeaderMap;

use crate::error::ErrorKind;
use crate::http::call::Call;
use crate::http::dialect::is_tenant;
use crate::http::options::{Options, Parameter};
use crate::http::transport::{Transport, query_urls};

/// The header of a tenant, as Mimir and Cortex call it.
const TENANT: &str = "x-scope-orgid";

/// The scope of a client; empty for a client that was built.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    /// Matchers of every selector. All of them must match.
    filters: Vec<Matcher<'static>>,
    tenant: Option<String>,
    path: Option<String>,
    /// The first invalid part, which fails every call.
    failure: Option<ErrorKind>,
}

impl Scope {
    fn fail(&mut self, message: String) {
        self.failure.get_or_insert(ErrorKind::Config(message));
    }

    /// Why a call with these options is refused.
    pub(crate) fn error_of_call(&self, own: &Options, parameters: &[Parameter]) -> Option<ErrorKind> {
        let config = |message| Some(ErrorKind::Config(message));
        if let Some(failure) = &self.failure {
            return Some(failure.clone());
        }
        if let Err(failure) = self.check_tenant(&own.headers) {
            return Some(failure);
        }
        let [filter, ..] = &*self.filters else { return None };
        let selects = |(name, _): &&Parameter| name.starts_with("match");
        let by_setter = |name: &str| name == "match[]" && parameters.iter().any(|(other, _)| other == name);
        let raw = own.parameters.iter().find(selects).filter(|(name, _)| !by_setter(name))?;
        config(format!(
            "the client is limited to a filter on `{}`; the parameter `{}` of a call could select other series",
            filter.label(),
            raw.0
        ))
    }

    /// Refuses headers with another tenant.
    pub(crate) fn check_tenant(&self, headers: &HeaderMap) -> Result<(), ErrorKind> {
        let is_other = |tenant: &&String| headers.get(TENANT).is_some_and(|other| other != tenant.as_str());
        self.tenant.as_ref().filter(is_other).map_or(Ok(()), |tenant| {
            let message = format!("the client is limited to the tenant `{tenant}`; a call cannot set another");
            Err(ErrorKind::Config(message))
        })
    }

    /// Adds the filters to the matchers of a preset's query.
    pub(crate) fn filter_preset(&self, preset: &PresetInfo, input: &mut Input<'_>) -> Result<(), ErrorKind> {
        let [first, ..] = &*self.filters else { return Ok(()) };
        let (preset_name, label) = (preset.name, first.label());
        if let Some(text) = preset.unfiltered {
            return Err(ErrorKind::Config(format!(
                "the client's filter on `{label}` does not reach `{text}` in `{preset_name}`: add `{{labels}}` to it"
            )));
        }
        // Without a selector, no series are read.
        if preset.takes_labels() { self.add_to(preset.labels, input) } else { Ok(()) }
    }

    /// Adds the filters to the matchers of a selector.
    pub(crate) fn filter_selector(&self, input: &mut Input<'_>) -> Result<(), ErrorKind> {
        self.add_to(None, input)
    }

    fn add_to(
        &self,
        declared: Option<&[promql_presets_core::LabelInfo<'_>]>,
        input: &mut Input<'_>,
    ) -> Result<(), ErrorKind> {
        self.filters.iter().try_for_each(|filter| {
            input.add_matcher(declared, filter).map_err(|error| {
                let label = filter.label();
                ErrorKind::Config(format!("the client's filter on `{label}` cannot be applied: {error}"))
            })
        })
    }

    /// Why unchecked PromQL is refused.
    pub(crate) fn error_of_unfiltered(&self, what: &str) -> Option<ErrorKind> {
        let label = self.filters.first()?.label();
        Some(ErrorKind::Config(format!("the client's filter on `{label}` cannot be applied to {what}")))
    }
}

impl Call {
    /// Limits a list to the series that the client's filters select, unless it is limited to some of them already.
    pub(crate) fn match_filters(&mut self) {
        let has_match = self.parameters.iter().any(|(name, _)| name == "match[]");
        if !has_match && !self.transport.scope.filters.is_empty() {
            self.add_match(Input::of(&Querier::default()));
        }
    }

    /// Adds the series that an input selects, within the client's filters.
    pub(crate) fn add_match(&mut self, mut input: Input<'_>) {
        let filtered = self.transport.scope.filter_selector(&mut input);
        match filtered.and_then(|()| Ok(input.selector()?)) {
            Ok(selector) => self.parameters.push(("match[]".into(), selector)),
            Err(failure) => self.options.fail(failure),
        }
    }
}

impl Transport {
    /// A copy with another scope, which shares connections, limits and the retry budget.
    fn scoped(self: &Arc<Self>, change: impl FnOnce(&mut Self)) -> Arc<Self> {
        let mut transport = Self::clone(self);
        change(&mut transport);
        Arc::new(transport)
    }

    pub(crate) fn with_filter(self: &Arc<Self>, matcher: Matcher<'static>) -> Arc<Self> {
        self.scoped(|transport| {
            if let Err(error) = matcher.label().parse::<LabelName>() {
                transport.scope.fail(format!("the label `{}` of a filter: {error}", matcher.label().escape_debug()));
            }
            if matcher.__admits_missing() {
                let message = format!("a filter on `{}` that also selects series without this label", matcher.label());
                transport.scope.fail(message);
            }
            transport.scope.filters.push(matcher);
        })
    }

    pub(crate) fn for_tenant(self: &Arc<Self>, tenant: &str) -> Arc<Self> {
        self.scoped(|transport| {
            if let Some(other) = transport.scope.tenant.as_deref().filter(|other| *other != tenant) {
                let message = format!("the client is limited to the tenant `{other}`, not `{}`", tenant.escape_debug());
                return transport.scope.fail(message);
            }
            if !is_tenant(tenant) {
                return transport.scope.fail(format!("a tenant `{}` that Mimir does not allow", tenant.escape_debug()));
            }
            let mut options = Options::clone(&transport.options);
            options.header(TENANT, tenant);
            Arc::make_mut(&mut transport.server).options = Arc::new(options);
            transport.scope.tenant = Some(tenant.to_owned());
        })
    }

    pub(crate) fn with_base_path(self: &Arc<Self>, path: &str) -> Arc<Self> {
        self.scoped(|transport| {
            if let Some(other) = transport.scope.path.as_deref().filter(|other| *other != path) {
                return transport
                    .scope
                    .fail(format!("the client is limited to the path `{other}`, not `{}`", path.escape_debug()));
            }
            let is_dots = |part: &str| matches!(&*part.to_ascii_lowercase().replace("%2e", "."), "." | "..");
            let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '\\');
            if !path.starts_with('/') || !path.chars().all(is_plain) || path.split('/').any(is_dots) {
                let message = format!(
                    "invalid base path `{}`, expected one such as `/select/42/prometheus`",
                    path.escape_debug()
                );
                return transport.scope.fail(message);
            }
            let server = Arc::make_mut(&mut transport.server);
            server.base.set_path(&format!("{}/", path.trim_end_matches('/')));
            server.queries = query_urls(&server.base);
            transport.scope.path = Some(path.to_owned());
        })
    }
}
