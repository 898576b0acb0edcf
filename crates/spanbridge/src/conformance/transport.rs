//! What the author of an adapter says about their transport.

use crate::messaging::BoxError;
use std::future::Future;

/// A header: its name, and its value if that is not null.
pub type RawHeader = (Vec<u8>, Option<Vec<u8>>);

/// A message as an application sees it, or as it is on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TestMessage {
    /// Its headers, in their order.
    pub headers: Vec<RawHeader>,
    /// Its payload. The story sends JSON objects.
    pub payload: Vec<u8>,
}

impl TestMessage {
    /// With a payload and no headers.
    pub fn new(payload: impl Into<Vec<u8>>) -> Self {
        TestMessage { headers: vec![], payload: payload.into() }
    }

    /// And this header.
    pub fn header(mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), Some(value.into())));
        self
    }

    /// Every value under a name.
    pub fn values(&self, name: &str) -> Vec<Option<&[u8]>> {
        self.headers.iter().filter(|(n, _)| n == name.as_bytes()).map(|(_, v)| v.as_deref()).collect()
    }
}

/// A queue of its own, with an adapter around the client: what the chapters send through and receive from.
pub trait Transport {
    /// What the transport can do.
    fn abilities(&self) -> Abilities;

    /// Sends through the adapter's producer, as an application does. Resolves when the broker has answered.
    fn send(&self, message: TestMessage) -> impl Future<Output = Result<(), BoxError>>;

    /// Sends with the bare client: the headers exactly as they are.
    fn send_raw(&self, message: TestMessage) -> impl Future<Output = Result<(), BoxError>>;

    /// Takes one message through the adapter's consumer, runs `work` inside the job's `run`, and settles the message: as
    /// done when the work is `Ok`, else so that it comes again. What the work said is not this function's error.
    ///
    /// Several of these wait side by side.
    fn receive<W, F>(&self, work: W) -> impl Future<Output = Result<(), BoxError>>
    where
        W: FnOnce(TestMessage) -> F,
        F: Future<Output = Result<(), BoxError>>;

    /// Takes one message with the bare client, and settles it as done: what was on the wire.
    fn receive_raw(&self) -> impl Future<Output = Result<TestMessage, BoxError>>;

    /// Takes `count` messages through the adapter's consumer and runs `work` once, in a batch of them; then as
    /// [`receive`](Transport::receive). For those with [`Abilities::batches`].
    fn receive_batch<W, F>(&self, count: usize, work: W) -> impl Future<Output = Result<(), BoxError>>
    where
        W: FnOnce(Vec<TestMessage>) -> F,
        F: Future<Output = Result<(), BoxError>>,
    {
        let _ = (count, work);
        std::future::ready(Err("receive a batch: the transport has none".into()))
    }
}

/// What a transport can do. Chapters read it.
///
/// Begin with the default, which is nothing, and set what it can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Abilities {
    /// Messages have headers of the application's own beside ours.
    pub own_headers: bool,
    /// The value of a header may be any bytes, not only UTF-8.
    pub binary_values: bool,
    /// The name of a header may be any bytes, not only UTF-8.
    pub binary_names: bool,
    /// A header may be there and have no value.
    pub null_values: bool,
    /// A name may be there more than once.
    pub duplicate_headers: bool,
    /// How many bytes the headers of a message may have together, where the adapter keeps within a limit. Without one, 64
    /// KiB must go through.
    pub header_limit: Option<usize>,
    /// The broker, or who stands for it, answers each send. Else what became of one is `sent`.
    pub confirms: bool,
    /// A message whose work failed comes again.
    pub redelivery: bool,
    /// And its process span says which attempt it is.
    pub redelivery_count: bool,
    /// Settlements are recorded.
    pub settlement: bool,
    /// Messages can be worked on in batches.
    pub batches: bool,
    /// Messages arrive in the order in which they were sent one after the other.
    pub ordering: bool,
}
