//! `[target]`: servers and their versions.

use std::fmt;

use super::{Settings, TARGET_KEYS};
use crate::file::document::Value;
use crate::file::reader::Reader;
use crate::vec_ext::VecExt;
use crate::{Code, Diagnostic, Span};

/// A server that presets must run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The project.
    pub server: Server,
    /// The version; [`Version::NEWEST`] if the newest is meant.
    pub version: Version,
    /// The place of the version.
    pub span: Span,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.version == Version::NEWEST {
            return write!(f, "the newest {}", self.server.as_str());
        }
        write!(f, "{} {}", self.server.as_str(), self.version)
    }
}

/// A project with the HTTP API of Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Prometheus,
    VictoriaMetrics,
    Thanos,
    Mimir,
}

impl Server {
    /// The name.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Prometheus => "Prometheus",
            Self::VictoriaMetrics => "VictoriaMetrics",
            Self::Thanos => "Thanos",
            Self::Mimir => "Mimir",
        }
    }

    fn of_key(key: &str) -> Option<Self> {
        let all = [Self::Prometheus, Self::VictoriaMetrics, Self::Thanos, Self::Mimir];
        all.iter().find(|server| server.as_str().eq_ignore_ascii_case(key)).copied()
    }

    /// The first version that is known, the last one of each former major version, and the last major version. It may
    /// have newer minor versions than the compiler knows.
    const fn known(self) -> (Version, &'static [Version], u16) {
        match self {
            Self::Prometheus => (Version(2, 0), &[Version(2, 55)], 3),
            Self::Mimir => (Version(2, 0), &[Version(2, 17)], 3),
            Self::VictoriaMetrics => (Version(1, 79), &[], 1),
            Self::Thanos => (Version(0, 32), &[], 0),
        }
    }
}

/// A major and a minor version. The third number of a release changes no language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub u16, pub u16);

impl Version {
    /// The newest version.
    pub(crate) const NEWEST: Self = Self(u16::MAX, u16::MAX);

    /// Reads `2.45`, `v2.45` or `2.45.1`.
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.strip_prefix('v').unwrap_or(text).split('.');
        let mut number = || numbers.next().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let version = Self(number()?.parse().ok()?, number()?.parse().ok()?);
        let third = number();
        (third.is_none_or(|third| !third.is_empty()) && numbers.next().is_none()).then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl Reader<'_> {
    pub(super) fn target(&mut self, value: &Value<'_>, settings: &mut Settings) {
        let Some(table) = self.table("target", value) else { return };
        for (key, value) in table.iter() {
            match self.known_key(table, key, "`[target]`", &TARGET_KEYS) {
                "features" => settings.features = self.strings("features", value),
                known => {
                    let version = Server::of_key(known).and_then(|server| self.version(known, server, value));
                    settings.targets.add_all(version);
                }
            }
        }
    }

    fn version(&mut self, key: &str, server: Server, value: &Value<'_>) -> Option<Target> {
        let span = value.span;
        let Some(text) = value.as_str() else {
            let written = self.text.get(value.span.range()).unwrap_or_default();
            let version = if Version::parse(written).is_some() { written } else { "..." };
            self.wrong_type(key, "a version in quotes", value, &format!("write `{key} = \"{version}\"`"));
            return None;
        };
        let version = if text == "newest" { Some(Version::NEWEST) } else { Version::parse(text) };
        let name = server.as_str();
        let Some(version) = version else {
            let finding = Diagnostic::new(Code::InvalidValue, span, format!("invalid version `{text}`"))
                .label("not of the form `MAJOR.MINOR`, such as `2.45`")
                .note("`\"newest\"` is the newest version");
            let is_major = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            self.report(if is_major {
                finding.help(format!("write `\"{text}.0\"` for its first release"))
            } else {
                finding
            });
            return None;
        };
        let (first, last_minors, last_major) = server.known();
        let last_minor = last_minors.iter().find(|last| last.0 == version.0 && version > **last);
        let fault = match last_minor {
            _ if version == Version::NEWEST => return Some(Target { server, version, span }),
            _ if version < first => format!("known from {first} on"),
            _ if version.0 > last_major => format!("known up to {last_major}.x"),
            Some(last) => format!("{last} was followed by {}.0", last.0 + 1),
            None => return Some(Target { server, version, span }),
        };
        let title = format!("unknown version `{version}` of {name}");
        self.report(Diagnostic::new(Code::InvalidValue, span, title).label(fault));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions() {
        for (text, version) in [
            ("2.45", Some(Version(2, 45))),
            ("v3.5.1", Some(Version(3, 5))),
            ("0.32", Some(Version(0, 32))),
            ("2", None),
            ("2.", None),
            ("2.45.", None),
            ("2.45.1.1", None),
            ("2.45-rc.0", None),
            ("+2.45", None),
            ("2.99999999", None),
            ("", None),
        ] {
            assert_eq!(Version::parse(text), version, "{text}");
        }
        assert!(Version(2, 9) < Version(2, 45) && Version(2, 55) < Version(3, 0) && Version(3, 14) < Version::NEWEST);
    }
}
