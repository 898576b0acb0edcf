//! The records of a batch, one by one.

use super::batch::Batch;
use super::batch_response::{BatchError, BatchResponse};
use super::invocation::Invocation;
use super::watchdog;
use futures_util::stream::{StreamExt, iter};
use spanbridge::Outcome;
use std::sync::{Arc, Mutex, PoisonError};

/// Works on the records of a batch one after another, each in a `process` span under its own sender's span, and returns the
/// partial batch response: what a function returns to SQS, Kinesis, DynamoDB and Kafka.
///
/// To work on several records at a time, use [`Records`].
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
/// Give them in the order of the event. Events from Kafka and Amazon MQ have no such order if they have several groups,
/// because they group records under a JSON object: then say which record is which with
/// [`identified_by`](Records::identified_by).
///
/// How contexts of records are received is a setting of the function:
/// [`FunctionOptions`](crate::FunctionOptions).
#[derive(Debug)]
pub struct Records<T> {
    invocation: Option<Arc<Invocation>>,
    records: Vec<T>,
    ids: Option<Vec<String>>,
    concurrency: usize,
}

impl<T> Records<T> {
    /// The records of the event that came with this context.
    pub fn new(context: &lambda_runtime::Context, records: impl IntoIterator<Item = T>) -> Self {
        let (invocation, records) = (watchdog::find(&context.request_id), records.into_iter().collect());
        Records { invocation, records, ids: None, concurrency: 1 }
    }

    /// How many records are worked on at a time. Default: 1. Records in order (in a group of a FIFO queue, a shard or a
    /// partition) stay in order.
    pub fn concurrency(self, records: usize) -> Self {
        Records { concurrency: records.max(1), ..self }
    }

    /// Identifies each record by its [`Record::id`](crate::Record::id): the message id for SQS, the sequence number for
    /// Kinesis and DynamoDB, `topic-partition-offset` for Kafka.
    pub fn identified_by(self, id: impl Fn(&T) -> String) -> Self {
        Records { ids: Some(self.records.iter().map(id).collect()), ..self }
    }

    /// Works on each record in a `process` span under its own sender's span. The span ends by what the work returns, and a
    /// panic fails only its own record.
    ///
    /// After a failure, the records behind it in the same group are not worked on: Lambda delivers them again. The event
    /// source mapping must have `ReportBatchItemFailures`. Without it Lambda ignores the response, and failed records are
    /// lost.
    ///
    /// # Errors
    /// If a record failed, and the response cannot identify it: the source accepts no partial response (Amazon MQ, for
    /// example), this is not an observed invocation, or the records are not those of the event. Return the error from the
    /// handler, and Lambda delivers the whole batch again.
    pub async fn for_each<F>(self, work: impl Fn(T) -> F) -> Result<BatchResponse, BatchError>
    where
        F: Future,
        F::Output: Outcome,
    {
        let Records { invocation, records, ids, concurrency } = self;
        let all = records.len();
        let batch = Batch::new(invocation.as_deref(), all, ids);
        let failed = Mutex::new(vec![]);
        let groups = iter(batch.groups(records)).for_each_concurrent(concurrency, async |group| {
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
        batch.response(&failed, all)
    }
}
