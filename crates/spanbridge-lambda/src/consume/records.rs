//! The records of a batch, one by one, and the answer that says which of them failed.

use super::captured::Captured;
use super::invocation::Invocation;
use super::watchdog;
use crate::describe;
use crate::event::{Record, Source};
use futures_util::FutureExt;
use futures_util::stream::{StreamExt, iter};
use serde::Serialize;
use spanbridge::messaging::{MessageInfo, ReceiveOptions, Received, Relation, Step, Waited, span, waited};
use spanbridge::observe::{self, Span};
use spanbridge::{Context, Outcome, panics, semconv};
use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Works on the records of a batch one after another, each in a `process` span under its own sender's, and says which
/// failed: what a function returns to SQS, Kinesis, DynamoDB and Kafka. See [`Records`] for more at a time.
///
/// ```
/// use lambda_runtime::{Error, LambdaEvent};
/// use serde::Deserialize;
/// use spanbridge_lambda::{BatchResponse, for_each_record};
///
/// #[derive(Deserialize)]
/// #[serde(rename_all = "PascalCase")]
/// struct Batch { records: Vec<Message> }
///
/// #[derive(Deserialize)]
/// struct Message { body: String }
///
/// async fn ship(event: LambdaEvent<Batch>) -> Result<BatchResponse, Error> {
///     let work = |message: Message| async move { message.body.parse::<u64>().map(drop) };
///     Ok(for_each_record(&event.context, event.payload.records, work).await?)
/// }
/// ```
///
/// # Errors
/// As [`Records::for_each`].
pub async fn for_each_record<T, F>(
    context: &lambda_runtime::Context,
    records: impl IntoIterator<Item = T>,
    work: impl Fn(T) -> F,
) -> Result<BatchResponse, BatchError>
where
    F: Future,
    F::Output: Outcome,
{
    Records::new(context, records).for_each(work).await
}

/// The records of a batch, in any type of the handler's.
///
/// They are taken to be in the order of the event, where it has one: the events of Kafka and Amazon MQ group their records
/// in a map, so with several groups say which is which by [`identified_by`](Records::identified_by).
///
/// How far their senders are believed, and how the work hangs together with them, is a setting of the function's:
/// [`Observe`](crate::Observe).
#[derive(Debug)]
pub struct Records<T> {
    invocation: Option<Arc<Invocation>>,
    records: Vec<T>,
    ids: Option<Vec<String>>,
    at_a_time: usize,
}

impl<T> Records<T> {
    /// The records of the event that came with this context.
    pub fn new(context: &lambda_runtime::Context, records: impl IntoIterator<Item = T>) -> Self {
        let (invocation, records) = (watchdog::find(&context.request_id), records.into_iter().collect());
        Records { invocation, records, ids: None, at_a_time: 1 }
    }

    /// How many are worked on at a time; one where nothing is said. Records that are in order (of a group of a FIFO queue,
    /// a shard, a partition) stay in order.
    pub fn concurrency(self, at_a_time: usize) -> Self {
        Records { at_a_time: at_a_time.max(1), ..self }
    }

    /// How a record is found in the event: by [`Record::id`], which is the message id of SQS, the sequence number of
    /// Kinesis and DynamoDB, `topic-partition-offset` of Kafka.
    pub fn identified_by(self, id: impl Fn(&T) -> String) -> Self {
        Records { ids: Some(self.records.iter().map(id).collect()), ..self }
    }

    /// Works on each, in a `process` span under its own sender's that ends by what the work resolves to. A panic fails
    /// its record alone.
    ///
    /// After a failure, what is in order behind it is left: Lambda brings it again. The event source mapping must have
    /// `ReportBatchItemFailures`; without it Lambda does not look at the answer, and failed records are lost.
    ///
    /// # Errors
    /// When a record failed and the source cannot be told which: Amazon MQ and others take no partial answer; or nobody
    /// knows which it is, because this is not an invocation of ours, or the records are not those of the event. Return the
    /// error, and all of the batch comes again.
    pub async fn for_each<F>(self, work: impl Fn(T) -> F) -> Result<BatchResponse, BatchError>
    where
        F: Future,
        F::Output: Outcome,
    {
        let Records { invocation, records, ids, at_a_time } = self;
        let all = records.len();
        let batch = Batch::new(invocation.as_deref(), all, ids);
        let failed = Mutex::new(vec![]);
        let groups = iter(batch.groups(records)).for_each_concurrent(at_a_time, async |group| {
            let mut left = group.into_iter();
            for (index, record) in left.by_ref() {
                if !batch.work(index, || work(record)).await {
                    let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                    failed.push(index);
                    failed.extend(left.map(|(index, _)| index));
                    return;
                }
            }
        });
        groups.await;
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        batch.answer(&failed, all)
    }
}

/// The event's side of a batch.
struct Batch<'a> {
    context: Context,
    receiving: Option<&'a ReceiveOptions>,
    captured: Option<Captured<'a>>,
    source: Source,
    /// The event's.
    records: &'a [Record],
    /// Which of them each of the handler's is; none where nobody knows.
    places: Vec<Option<usize>>,
}

impl<'a> Batch<'a> {
    fn new(invocation: Option<&'a Invocation>, many: usize, ids: Option<Vec<String>>) -> Self {
        let context = invocation.map_or_else(observe::current_context, |i| i.context().clone());
        let Some(event) = invocation.map(|i| &i.event) else {
            let (source, places) = (Source::Direct, vec![None; many]);
            return Batch { context, receiving: None, captured: None, source, records: &[], places };
        };
        let receiving = invocation.and_then(|i| i.settings.receiving.as_deref());
        let captured = invocation.and_then(Captured::of);
        let (source, records) = (event.source(), event.records());
        let places = match ids {
            Some(ids) => {
                let named = records.iter().enumerate().filter(|(_, record)| !record.id.is_empty());
                let by_id: HashMap<_, _> = named.map(|(place, record)| (record.id.as_str(), place)).collect();
                ids.iter().map(|id| by_id.get(id.as_str()).copied()).collect()
            }
            None if event.count() == many && has_order(source, records) => {
                (0..many).map(|place| Some(place).filter(|place| *place < records.len())).collect()
            }
            None => vec![None; many],
        };
        Batch { context, receiving, captured, source, records, places }
    }

    fn record(&self, index: usize) -> Option<&'a Record> {
        self.places[index].map(|place| &self.records[place])
    }

    /// The handler's records with their places, together as far as they are in order.
    fn groups<T>(&self, records: Vec<T>) -> Vec<Vec<(usize, T)>> {
        let mut groups: Vec<Vec<_>> = vec![];
        let mut places = HashMap::new();
        for (index, record) in records.into_iter().enumerate() {
            let place = match self.record(index).map(|r| in_order_with(self.source, r)) {
                Some(Some(group)) => *places.entry(group).or_insert(groups.len()),
                _ => groups.len(),
            };
            match groups.get_mut(place) {
                Some(group) => group.push((index, record)),
                // Room for one: many have no more.
                None => groups.push(vec![(index, record)]),
            }
        }
        groups
    }

    /// Works on one; false when that failed.
    async fn work<F>(&self, index: usize, work: impl FnOnce() -> F) -> bool
    where
        F: Future,
        F::Output: Outcome,
    {
        let span = self.begin(index);
        let work = span.with_context(async { work().await });
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(value) => {
                let is_ok = value.judged().is_none();
                span.end_with(&value);
                is_ok
            }
            Err(panic) => {
                span.panicked(panics::text(&*panic));
                panics::discard(panic);
                false
            }
        }
    }

    fn begin(&self, index: usize) -> Span {
        let Some((place, record)) = self.places[index].map(|place| (place, &self.records[place])) else {
            let system = self.source.messaging_system().unwrap_or("aws");
            return observe::in_scope(&self.context, || span(system, Step::Process, "process", "").open());
        };
        let tells_size = self.captured.as_ref().is_none_or(Captured::tells_size);
        let open = || {
            let span = describe::message(self.source, record, tells_size).open();
            match &self.captured {
                Some(captured) => captured.capture().guard(span),
                None => span,
            }
        };
        let is_alone = self.records.len() == 1;
        let waited = waited(record.sent, SystemTime::now());
        let span = if is_alone {
            // The invocation hangs under its sender's span, and has told what was wrong with that.
            observe::in_scope(&self.context, open)
        } else if record.carried.context.is_empty() {
            // One without a sender is the batch's. Its baggage is its own.
            let mut received = Received::from(record.carried.clone());
            if let Some(receiving) = self.receiving {
                received =
                    received.with(receiving, MessageInfo { relation: Some(Relation::Parent), ..MessageInfo::default() })
            }
            received.or_under(&self.context).process(open)
        } else {
            let mut received = Received::from(record.carried.clone());
            if let Some(receiving) = self.receiving {
                let name = || format!("process {}", record.destination).trim_end().to_owned();
                let age = waited.known();
                received = received.with(receiving, MessageInfo { relation: None, age, name: &name, primitive: None })
            }
            let span = received.process(open);
            span.link(&self.context);
            span
        };
        match waited {
            Waited::Known(time) => span.attribute(semconv::QUEUE_TIME_MS, time.as_millis() as u64),
            Waited::Ahead(by) => {
                let ms = by.as_millis();
                span.diagnostic(semconv::CLOCK_SKEW, &format!("the source's timestamp lies {ms} ms in the future"))
            }
            Waited::Unknown => {}
        }
        if let Some(captured) = &self.captured {
            captured.record(&span, place)
        }
        span
    }

    fn answer(&self, failed: &[usize], all: usize) -> Result<BatchResponse, BatchError> {
        if failed.is_empty() {
            return Ok(BatchResponse::default());
        }
        observe::in_scope(&self.context, || {
            if let Some(span) = observe::active_span() {
                span.attribute(semconv::BATCH_FAILED_COUNT, failed.len())
            }
        });
        let error = |why| BatchError { failed: failed.len(), all, why };
        let places: Option<Vec<_>> = failed.iter().map(|index| self.places[*index]).collect();
        let mut places = places.ok_or(error("it is not known which records of the event they are"))?;
        places.sort_unstable(); // as the source sees it, whatever order the handler took
        let records: Vec<_> = places.into_iter().map(|place| &self.records[place]).collect();
        let items: Option<Vec<_>> = match self.source {
            Source::Sqs => records.into_iter().map(Item::text).collect(),
            // The rest comes again in any case.
            Source::Kinesis | Source::DynamoDb => first_of_each(records).map(Item::text).collect(),
            Source::Kafka => first_of_each(records).map(Item::kafka).collect(),
            _ => return Err(error("the source takes no partial answer")),
        };
        let items = items.filter(|items| !items.is_empty());
        items.map(|items| BatchResponse { items }).ok_or(error("the event does not name them"))
    }
}

/// Whether the handler has the records in the order of the event: JSON's objects have none.
fn has_order(source: Source, records: &[Record]) -> bool {
    let one_group = || records.windows(2).all(|pair| key(&pair[0]) == key(&pair[1]));
    !matches!(source, Source::Kafka | Source::RabbitMq | Source::ActiveMq) || one_group()
}

fn key(record: &Record) -> (&str, Option<&str>) {
    (&record.destination, record.partition.as_deref().or(record.group.as_deref()))
}

/// What a record is in order with, by the source's own rules.
fn in_order_with(source: Source, record: &Record) -> Option<(&str, Option<&str>)> {
    match source {
        // The groups of other queues are about fairness.
        Source::Sqs if !record.destination.ends_with(".fifo") => None,
        Source::Sqs => Some((&record.destination, record.group.as_deref())),
        Source::Kinesis | Source::DynamoDb | Source::Kafka => Some(key(record)),
        _ => None,
    }
}

fn first_of_each(records: Vec<&Record>) -> impl Iterator<Item = &Record> {
    let mut seen = std::collections::HashSet::new();
    records.into_iter().filter(move |record| seen.insert(key(record)))
}

/// Which records are to come again: what a function with `ReportBatchItemFailures` returns. Empty when all went well.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BatchResponse {
    #[serde(rename = "batchItemFailures")]
    items: Vec<Item>,
}

impl BatchResponse {
    /// How many items it names. What Lambda brings again may be more: of a stream, all that comes behind.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether all went well.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Item {
    #[serde(rename = "itemIdentifier")]
    id: Id,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    /// [Kafka's](https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html): `topic-partition`, and where to go on.
    Kafka {
        partition: String,
        offset: u64,
    },
}

impl Item {
    fn text(record: &Record) -> Option<Self> {
        (!record.id.is_empty()).then(|| Item { id: Id::Text(record.id.clone()) })
    }

    fn kafka(record: &Record) -> Option<Self> {
        Some(Item { id: Id::Kafka { partition: record.group.clone()?, offset: record.offset? } })
    }
}

/// Why a batch has to come again as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchError {
    failed: usize,
    all: usize,
    why: &'static str,
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "handle {} of {} records, and {}", self.failed, self.all, self.why)
    }
}

impl std::error::Error for BatchError {}
