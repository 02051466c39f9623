//! The metrics of servers.

use std::collections::BTreeSet;
use std::future::Future;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use indicatif::ProgressBar;
use promql_presets::{Data, InstantQuery, PrometheusClient, Querier, Timestamp, Vector};
use promql_presets_core::quote;

use super::known::{Known, Presence, Seen};
use super::wanted::Wanted;
use crate::exposition::Family;
use crate::failure::Failure;
use crate::progress;
use crate::querier::named;
use crate::server::Credentials;

/// The limit of requests at once: below 30, since a server may still count requests whose response has arrived.
const MAX_REQUESTS: usize = 24;

/// The number of names in one request for series with samples.
const NAMES: usize = 100;

/// The length of the time before `--at` in which labels are looked up, in milliseconds.
const HOUR: i64 = 3_600_000;

/// How much later than now VictoriaMetrics returns samples that it has just received, in milliseconds: more than its
/// `-search.latencyOffset` of 30 seconds.
const SOON: i64 = 45_000;

/// Whether a name needs quotes, which servers can parse since Prometheus 3.
fn is_utf8(name: &str) -> bool {
    !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
}

fn soon() -> Timestamp {
    Timestamp::from_millis(Timestamp::now().as_millis() + SOON)
}

/// The label that holds the name of a metric.
const NAME: &str = "__name__";

/// A metric that every server has that scrapes.
const UP: &str = "up";

/// The servers that metrics are pulled from.
#[derive(Debug)]
pub(super) struct Servers {
    servers: Vec<PrometheusClient>,
    at: Option<Timestamp>,
}

impl Servers {
    pub(super) fn new(urls: &[String], credentials: &Credentials, at: Option<Timestamp>) -> Result<Self, Failure> {
        let clients = urls.iter().map(|url| credentials.builder(url).max_concurrent(MAX_REQUESTS).build());
        Ok(Self { servers: clients.collect::<Result<_, _>>()?, at })
    }

    /// Adds the metadata of all servers. A server without any leads to a remark.
    pub(super) async fn metadata(&self, known: &mut Known, remarks: &mut Vec<String>) -> Result<(), Failure> {
        for server in &self.servers {
            let metadata = match server.metadata().await {
                Ok(metadata) => metadata.into_map(),
                Err(error) if matches!(error.status(), Some(400 | 404 | 405 | 501)) => {
                    remarks.push(format!("a server has no metadata, so that types are unknown: {error}"));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            for (name, entries) in metadata {
                for entry in entries {
                    known.add(&name, Family { kind: entry.kind, help: entry.help, unit: entry.unit });
                }
            }
        }
        Ok(())
    }

    /// The series whose names match a pattern.
    pub(super) async fn matching(&self, pattern: &str) -> Result<BTreeSet<String>, Failure> {
        let mut names = BTreeSet::new();
        for client in &self.servers {
            for at in if self.at.is_some() { vec![self.at] } else { vec![None, Some(soon())] } {
                let server = Server { client, at };
                let query = format!("count by ({NAME}) ({{{NAME}=~{}}})", quote(pattern));
                let found = server.query(query).await?;
                names.extend(found.iter().filter_map(|element| element.labels().metric_name()).map(str::to_owned));
            }
        }
        Ok(names)
    }

    /// Adds what the servers have of some metrics.
    pub(super) async fn gather(
        &self,
        wanted: &[Wanted],
        all_seen: &mut [Seen],
        remarks: &mut Vec<String>,
    ) -> Result<(), Failure> {
        // The list of suggestions may be empty.
        for server in self.servers.iter().filter(|_| !wanted.is_empty()) {
            let server = Server { client: server, at: self.at };
            let current = server.current(wanted).await?;
            let bar = progress::bar(wanted.len(), "reading labels");
            let found = server.all(wanted, &current, &bar).await;
            bar.finish_and_clear();
            for ((wanted, seen), (found, is_partial)) in wanted.iter().zip(all_seen.iter_mut()).zip(found?) {
                if is_partial {
                    remarks.push(format!("the response about `{}` is partial", wanted.name));
                }
                // Servers return series for hours after they end. If a server has no current samples at all, its data is old.
                seen.is_of_family |= wanted.family.as_ref().is_some_and(|family| current.contains(family));
                let has_ended = !current.is_empty() && wanted.series.is_disjoint(&current);
                if found.presence == Presence::Current && has_ended {
                    seen.presence = seen.presence.max(Presence::Ended);
                } else {
                    seen.add(found);
                }
            }
        }
        Ok(())
    }
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.presence = self.presence.max(other.presence);
        self.is_native |= other.is_native;
        self.is_stored |= other.presence != Presence::None;
        self.labels.extend(other.labels);
        for (label, values) in other.values {
            self.values.entry(label).or_default().extend(values);
        }
    }
}

#[derive(Clone, Copy)]
struct Server<'a> {
    client: &'a PrometheusClient,
    at: Option<Timestamp>,
}

impl Server<'_> {
    /// The series of some metrics that have samples now, and `up`, if the server scrapes.
    async fn current(self, wanted: &[Wanted]) -> Result<BTreeSet<String>, Failure> {
        let up = UP.to_owned();
        let names = wanted.iter().flat_map(|wanted| wanted.series.iter().chain(&wanted.family));
        let mut current = self.with_samples(names.chain([&up]).collect()).await?;
        if self.at.is_none() && !current.is_empty() {
            let without = wanted.iter().filter(|wanted| wanted.series.is_disjoint(&current));
            let names = without.flat_map(|wanted| &wanted.series).collect();
            current.extend(Server { at: Some(soon()), ..self }.with_samples(names).await?);
        }
        Ok(current)
    }

    /// Those of some series that have samples.
    async fn with_samples(self, names: BTreeSet<&String>) -> Result<BTreeSet<String>, Failure> {
        let names: Vec<&String> = names.into_iter().collect();
        let queries = names.chunks(NAMES).map(|names| async move {
            let selector = named(names.iter().copied());
            let found = self.query(format!("count by ({NAME}) ({selector})")).await?;
            let names = found.iter().filter_map(|element| element.labels().metric_name());
            Ok::<_, Failure>(names.map(str::to_owned).collect::<Vec<_>>())
        });
        Ok(at_once(queries).await?.into_iter().flatten().collect())
    }

    async fn query(self, query: String) -> Result<Vector, Failure> {
        match self.client.raw_query(query).when_some(self.at, InstantQuery::at).await? {
            Data::Vector(vector) => Ok(vector),
            other => Err(Failure::new(format!("the server returned a {} instead of a vector", other.result_type()))),
        }
    }

    async fn all(
        self,
        wanted: &[Wanted],
        current: &BTreeSet<String>,
        bar: &ProgressBar,
    ) -> Result<Vec<(Seen, bool)>, Failure> {
        let all = wanted.iter().map(|wanted| async move {
            let seen = self.seen(wanted, current).await;
            bar.inc(1);
            seen
        });
        at_once(all).await
    }

    /// The series of one metric, in at most three requests, and whether a response was partial.
    async fn seen(self, wanted: &Wanted, current: &BTreeSet<String>) -> Result<(Seen, bool), Failure> {
        let queriers: Vec<Querier> = wanted.series.iter().map(|name| Querier::new(name.clone())).collect();
        macro_rules! matching {
            ($request:expr) => {
                queriers.iter().fold($request, |request, querier| request.matching(querier))
            };
        }
        macro_rules! scoped {
            ($request:expr) => {
                match self.at {
                    Some(at) => $request.start(Timestamp::from_millis(at.as_millis() - HOUR)).end(at),
                    None => $request,
                }
            };
        }
        let series = || queriers[1..].iter().fold(self.client.series(&queriers[0]), |all, querier| all.or(querier));
        let mut is_partial = false;
        let mut seen = Seen::default();
        let labels = match scoped!(matching!(self.client.labels())).await {
            // An old server cannot parse the name, and has no such series.
            Err(error) if matches!(error.status(), Some(400 | 422)) && is_utf8(&wanted.name) => {
                return Ok((seen, false));
            }
            labels => labels?,
        };
        is_partial |= labels.is_partial();
        seen.labels.extend(labels.into_vec());
        if !seen.labels.remove(NAME) {
            return Ok((seen, is_partial));
        }
        // Old versions of VictoriaMetrics return `__name__`, or all labels, even if no series matches.
        let is_doubtful = seen.labels.is_empty() || !current.is_empty();
        if is_doubtful && wanted.series.is_disjoint(current) && scoped!(series()).await?.is_empty() {
            return Ok((seen, is_partial));
        }
        seen.presence = Presence::Current;
        // Only native histograms have series with the name of their family. Of old ones, only the labels are known;
        // `vmrange` is of VictoriaMetrics' own buckets.
        let is_old = wanted.series.is_disjoint(current);
        let has_buckets = ["le", "vmrange"].iter().any(|label| seen.labels.contains(*label));
        seen.is_native = wanted.is_histogram() && (current.contains(&wanted.name) || (is_old && !has_buckets));
        let enumerated: Vec<&String> = wanted.enumerated.iter().filter(|label| seen.labels.contains(*label)).collect();
        if enumerated.len() > 2 {
            let all = scoped!(series()).await?;
            is_partial |= all.is_partial();
            for label in enumerated {
                let values = all.iter().filter_map(|labels| labels.get(label)).map(str::to_owned);
                seen.values.insert(label.clone(), values.collect());
            }
            return Ok((seen, is_partial));
        }
        for label in enumerated {
            let values = scoped!(matching!(self.client.label_values(label))).await?;
            is_partial |= values.is_partial();
            seen.values.insert(label.clone(), values.into_vec().into_iter().collect());
        }
        Ok((seen, is_partial))
    }
}

/// Runs requests, and returns their results in order.
async fn at_once<T>(
    requests: impl Iterator<Item = impl Future<Output = Result<T, Failure>>>,
) -> Result<Vec<T>, Failure> {
    stream::iter(requests).buffered(MAX_REQUESTS).try_collect().await
}
