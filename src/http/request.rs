//! A request under construction.

use std::borrow::Cow;
use std::sync::Arc;

use crate::error::ErrorKind;
use crate::http::call::Call;
use crate::http::options::{Options, Parameter};
use crate::http::transport::Transport;
use crate::value::RangeError;
use crate::value::Timestamp;

/// The parameters and options of a call. Invalid input is reported when the call is made.
pub(crate) struct Request<'a> {
    pub(crate) transport: &'a Arc<Transport>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) options: Options,
}

impl<'a> Request<'a> {
    pub(crate) fn new(transport: &'a Arc<Transport>) -> Self {
        Self { transport, parameters: Vec::new(), options: Options::default() }
    }

    /// Sets a parameter, replacing an earlier value.
    pub(crate) fn parameter(&mut self, name: &'static str, value: impl Into<String>) {
        self.parameters.retain(|(other, _)| *other != name);
        self.parameters.push((name.into(), value.into()));
    }

    pub(crate) fn time<T: TryInto<Timestamp, Error: Into<RangeError>>>(&mut self, name: &'static str, time: T) {
        let time = time.try_into().map_err(Into::into);
        match time.and_then(|time| RangeError::check_unit(time).map(|()| time)) {
            Ok(time) => self.parameter(name, time.to_unix_seconds()),
            Err(error) => self.options.fail(ErrorKind::Range(error)),
        }
    }

    pub(crate) fn call(self, endpoint: &'static str, path: impl Into<Cow<'static, str>>) -> Call {
        let Self { transport, parameters, mut options } = self;
        options.check_unset(&parameters);
        Call { parameters, ..Call::new(transport, endpoint, path).with(options) }
    }
}
