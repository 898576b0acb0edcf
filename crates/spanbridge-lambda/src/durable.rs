//! Ids for durable functions, whose handler runs several times for the same execution.

use spanbridge::adapter;
use spanbridge::observe::SpanBuilder;
use spanbridge::w3c::{SAMPLED, TraceParent};
use spanbridge::{Context, RunId, SpanId, TraceId};
use std::borrow::Cow;

/// The run of a [durable execution](https://docs.aws.amazon.com/lambda/latest/dg/durable-functions.html).
///
/// Lambda invokes the handler of a durable function again after every wait, and the handler replays what it has done before.
/// So that every invocation uses the same ids, the run id and the span ids are derived from the execution's ARN, the
/// operation's id and the attempt. An operation that is replayed is not executed and not recorded again;
/// [`Durable::replayed`] returns the context inside the span that was recorded when it was executed.
///
/// Only the first invocation receives the caller's context, so store that context in the first checkpoint:
///
/// ```
/// use spanbridge::{Context, observe};
/// use spanbridge_lambda::Durable;
/// # use std::collections::BTreeMap;
/// # type Error = Box<dyn std::error::Error>;
/// # fn reserve() -> Result<u32, Error> { Ok(42) }
///
/// /// The stored results of finished operations, by id.
/// type Checkpoints = BTreeMap<&'static str, serde_json::Value>;
///
/// fn handler(execution_arn: &str, done: &mut Checkpoints) -> Result<u32, Error> {
///     let caller = match done.get("context") {
///         Some(saved) => serde_json::from_value(saved.clone())?,
///         None => {
///             let caller = observe::current_context();
///             done.insert("context", serde_json::to_value(&caller)?);
///             caller
///         }
///     };
///     let durable = Durable::called_by(&caller, execution_arn);
///     observe::in_scope(durable.context(), || match done.get("reserve") {
///         Some(result) => Ok(serde_json::from_value(result.clone())?),
///         None => {
///             let result = durable.span("reserve", "operation-1", 1).in_scope(reserve)?;
///             done.insert("reserve", result.into());
///             Ok(result)
///         }
///     })
/// }
/// # let mut done = Checkpoints::new();
/// # let arn = "arn:aws:lambda:eu-west-1:123456789012:function:orders:1/durable-execution/order-42/b7a1";
/// # assert_eq!(handler(arn, &mut done).unwrap(), 42);
/// # assert_eq!(handler(arn, &mut done).unwrap(), 42);
/// ```
#[derive(Clone, Debug)]
pub struct Durable {
    /// The run, outside all operations.
    context: Context,
    execution: Hash,
}

impl Durable {
    /// The run of an execution without a caller. Its trace id is derived from its ARN, too.
    pub fn new(execution_arn: &str) -> Self {
        Self::called_by(&Context::EMPTY, execution_arn)
    }

    /// The run of an execution that was called in this context: a child run in the caller's trace, under the caller's span.
    /// Same as [`Durable::new`] if the context is empty.
    pub fn called_by(caller: &Context, execution_arn: &str) -> Self {
        let execution = Hash::EMPTY.with(execution_arn);
        let run = RunId::new(execution.0).unwrap_or(const { RunId::new(1).unwrap() });
        let context = match caller.trace_parent() {
            Some(parent) => remote(parent, run, caller),
            None => {
                let trace_id = TraceId::new(run.get()).unwrap_or(const { TraceId::new(1).unwrap() });
                remote(TraceParent { trace_id, span_id: run.as_parent(), flags: SAMPLED }, run, caller)
            }
        };
        Durable { context, execution }
    }

    /// The context of the run, outside all operations.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Starts building the span of an operation that is executed. Its parent is the current context: the run's, or that of
    /// another operation.
    ///
    /// If an operation is executed again with the same attempt, because the process ended before its checkpoint was stored,
    /// it is recorded again with the same id. The graph shows the first record and reports the conflict.
    pub fn span(&self, name: impl Into<Cow<'static, str>>, operation_id: &str, attempt: u64) -> SpanBuilder {
        adapter::span_with_id(name, self.span_id(operation_id, attempt))
    }

    /// The context inside the span of an operation that an earlier invocation executed. Records nothing.
    pub fn replayed(&self, operation_id: &str, attempt: u64) -> Context {
        let (Some(parent), Some(run)) = (self.context.trace_parent(), self.context.run_id()) else {
            return Context::EMPTY;
        };
        remote(TraceParent { span_id: self.span_id(operation_id, attempt), ..parent }, run, &self.context)
    }

    fn span_id(&self, operation_id: &str, attempt: u64) -> SpanId {
        let hash = self.execution.with(operation_id).with(&attempt.to_string()).0;
        SpanId::new((hash >> 64) as u64 ^ hash as u64).unwrap_or(const { SpanId::new(1).unwrap() })
    }
}

/// A received context, with the tracestate and the baggage of another one.
fn remote(parent: TraceParent, run: RunId, other: &Context) -> Context {
    Context::remote(parent, Some(run), other.trace_state().clone(), other.baggage().clone())
}

/// A 128-bit [FNV-1a](http://www.isthe.com/chongo/tech/comp/fnv/) hash over strings, each preceded by its length, and mixed
/// afterwards because its upper bits are weak. The ids made from it are stored in records, so it must never change.
#[derive(Clone, Copy, Debug)]
struct Hash(u128);

impl Hash {
    const EMPTY: Self = Hash(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);

    fn with(self, text: &str) -> Self {
        let length = (text.len() as u64).to_be_bytes();
        let hash = length.iter().chain(text.as_bytes()).fold(self.0, |hash, byte| {
            (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        });
        let mixed = (hash ^ hash >> 64).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        Hash(mixed ^ mixed >> 67)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spanbridge::w3c::{Baggage, TraceState};
    use std::collections::HashSet;

    const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:orders:1/durable-execution/order-42/b7a1";

    #[test]
    fn ids_are_the_same_for_ever() {
        let durable = Durable::new(ARN);
        assert_eq!(
            durable.context().trace_parent().map(|p| p.to_string()).as_deref(),
            Some("00-a3c28bb3769b1c0b8028fda8959c8b31-8028fda8959c8b31-01")
        );
        assert_eq!(durable.span_id("operation-1", 1).to_string(), "12e93779e5c60223");
    }

    #[test]
    fn every_part_counts() {
        let mut ids = HashSet::new();
        for arn in ["a", "b", "ab", ""] {
            for operation in ["1", "11", "b1", ""] {
                for attempt in [0, 1, 11, 111, u64::MAX] {
                    assert!(ids.insert(Durable::new(arn).span_id(operation, attempt)), "{arn} {operation} {attempt}");
                }
            }
        }
    }

    #[test]
    fn a_run_in_the_callers_trace() {
        let caller = TraceParent::parse(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        let (_, state, _) = TraceState::parse(b"vendor=1");
        let caller = Context::remote(caller, None, state, Baggage::parse(b"tenant=7").0);
        let durable = Durable::called_by(&caller, ARN);
        assert_eq!(durable.context().trace_parent(), caller.trace_parent());
        assert_eq!(durable.context().run_id(), Durable::new(ARN).context().run_id());
        let replayed = durable.replayed("operation-1", 1);
        assert_eq!(replayed.span_id(), Some(durable.span_id("operation-1", 1)));
        assert_eq!(replayed.run_id(), durable.context().run_id());
        assert_eq!((replayed.trace_state().as_str(), replayed.baggage().as_str()), ("vendor=1", "tenant=7"));

        // A context that was stored in a checkpoint gives the same ids.
        let saved = serde_json::to_string(&caller).unwrap();
        let read: Context = serde_json::from_str(&saved).unwrap();
        assert_eq!(Durable::called_by(&read, ARN).context(), durable.context());
    }
}
