//! Queries for each of many values of a label, in as few requests as servers allow.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::future::IntoFuture;
use std::hash::Hash;
use std::iter;
use std::sync::Arc;

use futures_util::stream::TryStreamExt;
use promql_presets_core::{Matcher, ResultType, sort};
use tokio::time::Instant;

use crate::condition::{LabelValue, one_of};
use crate::error::{Error, ErrorKind};
use crate::http::call::{BoxFuture, Call, Deadline};
use crate::http::transport::HttpMethod;
use crate::query::{Buffered, InstantQuery, Pending, Promql, RangeQuery, RangeResult, buffered, matrix_of_range};
use crate::value::{Data, Element, Labels, Matrix, Meta, QueryResult, Series, Vector, meta_getters};
use crate::wire::DecodeError;

/// The default limit on the length of a query in bytes: less than the 16 KiB of VictoriaMetrics
/// (`-search.maxQueryLen`), which is the smallest of all servers.
const MAX_QUERY: usize = 16_000;

/// The default with `GET`: proxies limit a URL to 8 KiB, in which special characters take three bytes.
const MAX_QUERY_OF_GET: usize = 4_000;

/// The default number of concurrent requests.
const CONCURRENCY: usize = 4;

/// A query for each of many values of a label, created with `for_each_of` of [`InstantQuery`] and [`RangeQuery`].
/// Awaiting it returns a [`Vector`] or a [`Matrix`] for each value, as [`ForEach`].
///
/// The values are put into as few queries as the limit on their length allows, sorted, so that the queries for the values
/// of a `HashSet` are the same each time. The queries are grouped by the label and sent concurrently, within the limits of
/// the client. The timeout and `max_samples` apply to all of them together.
#[must_use = "a query does nothing until it is awaited"]
pub struct EachQuery<K, Q> {
    query: Q,
    label: String,
    ids: Vec<K>,
    max_query_bytes: Option<usize>,
    concurrency: usize,
}

/// The results of an [`EachQuery`] by the values of its label, in their order, without duplicates.
///
/// A value without data has a result without series.
#[derive(Clone, Debug, PartialEq)]
pub struct ForEach<K: Eq + Hash, T> {
    results: Vec<(K, T)>,
    at: HashMap<K, usize>,
    meta: Meta,
}

impl<K: Eq + Hash, T> ForEach<K, T> {
    /// The result for a value; `None` if it was not part of the query.
    pub fn get(&self, id: &K) -> Option<&T> {
        self.at.get(id).and_then(|at| self.results.get(*at)).map(|(_, result)| result)
    }

    /// Iterates over values and results.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&K, &T)> {
        self.results.iter().map(|(id, result)| (id, result))
    }

    /// The number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.results.len()
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.results.is_empty()
    }

    meta_getters!();
}

impl<K: Eq + Hash, T> IntoIterator for ForEach<K, T> {
    type Item = (K, T);
    type IntoIter = std::vec::IntoIter<(K, T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.results.into_iter()
    }
}

impl<K, Q> EachQuery<K, Q> {
    /// Sets the maximum length of one query in bytes: 16,000 by default, and 4,000 if the client only uses `GET`.
    /// Prometheus and Thanos accept longer ones; VictoriaMetrics has `-search.maxQueryLen`.
    pub fn max_query_bytes(self, bytes: usize) -> Self {
        Self { max_query_bytes: Some(bytes), ..self }
    }

    /// Sets the number of concurrent requests: 4 by default. The client's
    /// [`max_concurrent`](crate::ClientBuilder::max_concurrent) applies as well.
    pub fn concurrency(self, requests: usize) -> Self {
        Self { concurrency: requests.max(1), ..self }
    }
}

/// Implemented by the results of presets that [`InstantQuery::for_each_of`] takes: vectors, and those of
/// [`AnyPreset`](crate::AnyPreset)s, which are checked when the query is made.
#[diagnostic::on_unimplemented(message = "a preset whose result is a `{Self}` has no series for each value of a label")]
pub trait EachResult: QueryResult {}

impl EachResult for Vector {}
impl EachResult for Data {}

impl<R: EachResult, W> InstantQuery<'_, R, W> {
    /// Queries the preset for each of many values of a label, in as few requests as the server's limits allow.
    ///
    /// ```no_run
    /// use promql_presets::presets::container_utilization::{self as container, Label};
    /// use promql_presets::{Error, PrometheusClient};
    ///
    /// async fn usage(client: &PrometheusClient, kernels: Vec<uuid::Uuid>) -> Result<(), Error> {
    ///     let querier = container::Querier::new("cpu_util");
    ///     for (kernel, usage) in client.query(container::RATE, &querier).for_each_of(Label::KernelId, kernels).await? {
    ///         match usage.at_most_one()? {
    ///             Some(sample) => println!("{kernel} {sample}"),
    ///             None => println!("{kernel} has no data"),
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// The preset must have `{group_by}`, and no part whose values depend on several groups
    /// ([`PresetInfo::across_groups`](crate::PresetInfo::across_groups)); other presets, and calls with a `limit`, fail
    /// with [`ErrorKind::Config`]. Set the time with [`at`](Self::at) if all results must be of the same time.
    pub fn for_each_of<K: LabelValue>(
        self,
        label: impl AsRef<str>,
        ids: impl IntoIterator<Item = K>,
    ) -> EachQuery<K, Self> {
        EachQuery::new(self, label.as_ref(), ids)
    }
}

impl<R, W> RangeQuery<'_, R, W> {
    /// Queries the preset for each of many values of a label, in as few requests as the server's limits allow, as
    /// [`InstantQuery::for_each_of`] describes.
    pub fn for_each_of<K: LabelValue>(
        self,
        label: impl AsRef<str>,
        ids: impl IntoIterator<Item = K>,
    ) -> EachQuery<K, Self> {
        EachQuery::new(self, label.as_ref(), ids)
    }
}

impl<K, Q> EachQuery<K, Q> {
    fn new(query: Q, label: &str, ids: impl IntoIterator<Item = K>) -> Self {
        let ids = ids.into_iter().collect();
        Self { query, label: label.to_owned(), ids, max_query_bytes: None, concurrency: CONCURRENCY }
    }
}

impl<'a, K, R, W> IntoFuture for EachQuery<K, InstantQuery<'a, R, W>>
where
    K: LabelValue + Clone + Eq + Hash + Send + 'a,
    R: EachResult + 'a,
    W: 'a,
{
    type Output = Result<ForEach<K, Vector>, Error>;
    type IntoFuture = BoxFuture<'a, ForEach<K, Vector>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { query, label, ids, max_query_bytes, concurrency } = self;
        let InstantQuery { promql, call, .. } = query;
        let (ids, each) = Each::new(promql, call, &label, ids, max_query_bytes);
        Box::pin(collect(ids, label, each.results::<Vector>(concurrency)))
    }
}

impl<'a, K, R, W> IntoFuture for EachQuery<K, RangeQuery<'a, R, W>>
where
    K: LabelValue + Clone + Eq + Hash + Send + 'a,
    R: RangeResult + 'a,
    W: 'a,
{
    type Output = Result<ForEach<K, Matrix>, Error>;
    type IntoFuture = BoxFuture<'a, ForEach<K, Matrix>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { query, label, ids, max_query_bytes, concurrency } = self;
        let RangeQuery { promql, mut call, range, .. } = query;
        if let Err(error) = range.check(call.transport.max_steps) {
            call.options.fail(error.into());
        }
        let (ids, each) = Each::new(promql, call.over(range), &label, ids, max_query_bytes);
        Box::pin(collect(ids, label, each.results::<Matrix>(concurrency)))
    }
}

/// A result that has series with labels.
trait Grouped: IntoIterator<Item: Clone> + FromIterator<<Self as IntoIterator>::Item> {
    /// Makes a call whose result is of this type.
    fn read(call: Call) -> Pending;
    fn labels(item: &Self::Item) -> &Labels;
    fn split(data: Data) -> (Vec<Self::Item>, Meta);
    fn with(self, meta: Meta) -> Self;
}

macro_rules! grouped {
    ($type:ident of $item:ident, $read:expr) => {
        impl Grouped for $type {
            #[inline]
            fn read(call: Call) -> Pending {
                Box::pin(call.query(|response| $read(response).map(Data::$type)))
            }

            fn labels(item: &$item) -> &Labels {
                item.labels()
            }

            #[inline]
            fn split(data: Data) -> (Vec<$item>, Meta) {
                let meta = data.meta().clone();
                let Data::$type(result) = data else { return (Vec::new(), meta) };
                (result.into_iter().collect(), meta)
            }

            fn with(self, meta: Meta) -> Self {
                self.with_meta(meta)
            }
        }
    };
}

grouped!(Vector of Element, |response| Ok(Vector::from_response(response)?));
grouped!(Matrix of Series, matrix_of_range);

impl Promql<'_> {
    #[inline]
    fn preset_name(&self) -> Option<&'static str> {
        match self {
            Self::Preset { preset, .. } => Some(preset.name),
            Self::Raw(_) => None,
        }
    }

    /// The value of a label as servers have it: after the prefix of the label, and in the form of its kind.
    #[inline]
    fn text_of(&self, label: &str, text: String) -> String {
        let Self::Preset { preset, .. } = self else { return text };
        let Some(info) = preset.labels.and_then(|labels| labels.iter().find(|info| info.name == label)) else {
            return text;
        };
        info.normalize(&text).map(Cow::into_owned).unwrap_or(text)
    }

    /// Groups by a label as well, if the results of some groups are those of all.
    #[inline]
    fn group_by(&mut self, label: &str) -> Result<(), ErrorKind> {
        let refusal = match self {
            Self::Preset { preset, input, .. } => match preset.across_groups {
                _ if preset.result != ResultType::InstantVector => format!("`{}` is a {}", preset.name, preset.result),
                _ if !preset.takes_group_by() => format!("`{}` has no `{{group_by}}`", preset.name),
                Some(part) => format!("`{}` has {part}", preset.name),
                None => {
                    input.add_group_by(label.to_owned());
                    return Ok(());
                }
            },
            Self::Raw(_) => "unchecked PromQL is never grouped".to_owned(),
        };
        Err(ErrorKind::Config(format!("{refusal}, so it cannot be queried for each `{label}`")))
    }

    /// Adds a matcher of the call.
    #[inline]
    fn add_matcher(&mut self, call: &mut Call, matcher: &Matcher<'static>) {
        if let Self::Preset { preset, input, .. } = self
            && let Err(error) = input.add_matcher(preset.labels, matcher)
        {
            call.options.fail(error.into());
        }
    }
}

/// The queries for some values of a label.
struct Each<'a> {
    promql: Promql<'a>,
    call: Call,
    label: String,
    texts: Vec<String>,
    max_bytes: usize,
}

impl<'a> Each<'a> {
    /// Returns each value once, and its text.
    fn new<K: LabelValue + Clone + Eq + Hash>(
        mut promql: Promql<'a>,
        mut call: Call,
        label: &str,
        ids: Vec<K>,
        max_bytes: Option<usize>,
    ) -> (Vec<(K, String)>, Self) {
        let mut known = HashSet::new();
        let texts = ids.into_iter().filter(|id| known.insert(id.clone()));
        let ids: Vec<_> = texts.map(|id| (id.clone(), promql.text_of(label, id.to_string()))).collect();
        let mut texts: Vec<_> = ids.iter().map(|(_, text)| text.clone()).collect();
        sort::by(&mut texts, Ord::cmp);
        call.merge_options();
        call.preset = promql.preset_name();
        if let Err(failure) = promql.group_by(label) {
            call.options.fail(failure);
        }
        if call.is_limited() {
            let message = "`limit` would apply to each of several requests separately";
            call.options.fail(ErrorKind::Config(message.to_owned()));
        }
        let default = if call.transport.method == HttpMethod::Get { MAX_QUERY_OF_GET } else { MAX_QUERY };
        (ids, Self { promql, call, label: label.to_owned(), texts, max_bytes: max_bytes.unwrap_or(default) })
    }

    /// The results, each of which is a `T`.
    fn results<T: Grouped + 'a>(mut self, concurrency: usize) -> Buffered<'a> {
        // Calls are made when the first result is awaited, which starts the clock. An invalid call fails when it is made.
        let calls = iter::once_with(move || {
            self.call.deadline = Some(Deadline::after(self.call.options.timeout, Instant::now()));
            self.call.pool = Some(Arc::default());
            self.calls()
        });
        buffered(calls.flatten().map(T::read), concurrency)
    }

    /// The calls with as many values as fit into each; one that fails if the input is invalid.
    #[inline]
    fn calls(&self) -> Vec<Call> {
        if self.call.options.failure.is_some() {
            return vec![self.call.clone()];
        }
        let (mut calls, mut rest) = (Vec::new(), &self.texts[..]);
        let mut count = rest.len();
        while !rest.is_empty() {
            count = count.clamp(1, rest.len());
            let call = self.call_for(&rest[..count]);
            let length = call.query.as_ref().map_or(0, String::len);
            if length > self.max_bytes && count > 1 {
                // As many as would fit if all had the same length.
                count = (count * self.max_bytes / length).min(count - 1);
                continue;
            }
            let is_invalid = call.options.failure.is_some();
            calls.push(call);
            if is_invalid {
                return calls.split_off(calls.len() - 1);
            }
            rest = &rest[count..];
        }
        calls
    }

    #[inline]
    fn call_for(&self, texts: &[String]) -> Call {
        let mut call = self.call.clone();
        let mut promql = self.promql.clone();
        promql.add_matcher(&mut call, &one_of(texts.iter().map(String::as_str)).on(Cow::Owned(self.label.clone())));
        promql.render(&mut call, None);
        call
    }
}

/// Sorts the series of all results by the value that they belong to.
async fn collect<K: Clone + Eq + Hash, T: Grouped>(
    ids: Vec<(K, String)>,
    label: String,
    mut results: Buffered<'_>,
) -> Result<ForEach<K, T>, Error> {
    let mut of_id: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, (_, text)) in ids.iter().enumerate() {
        of_id.entry(text).or_default().push(at);
    }
    let mut items: Vec<Vec<T::Item>> = ids.iter().map(|_| Vec::new()).collect();
    let mut meta: Option<Meta> = None;
    while let Some(result) = results.try_next().await? {
        let (series, of_result) = T::split(result);
        match &mut meta {
            Some(meta) => meta.merge(of_result),
            None => meta = Some(of_result),
        }
        for item in series {
            let labels = T::labels(&item);
            let Some(ids) = labels.get(&label).and_then(|value| of_id.get(value)) else {
                let reason = "belongs to none of the requested values";
                let error = DecodeError::Series { series: labels.to_string(), reason };
                return Err(crate::extract::error(&meta.unwrap_or_default(), error));
            };
            match ids[..] {
                [id] => items[id].push(item),
                _ => ids.iter().for_each(|id| items[*id].push(item.clone())),
            }
        }
    }
    let meta = meta.unwrap_or_default();
    let of_each = Meta { query: None, stats: None, ..meta.clone() };
    let results: Vec<(K, T)> = ids
        .into_iter()
        .zip(items)
        .map(|((id, _), items)| (id, items.into_iter().collect::<T>().with(of_each.clone())))
        .collect();
    let at = results.iter().enumerate().map(|(at, (id, _))| (id.clone(), at)).collect();
    Ok(ForEach { results, at, meta })
}

impl<K: fmt::Debug, Q: fmt::Debug> fmt::Debug for EachQuery<K, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { query, label, ids, .. } = self;
        f.debug_struct("EachQuery")
            .field("query", query)
            .field("label", label)
            .field("ids", ids)
            .finish_non_exhaustive()
    }
}
