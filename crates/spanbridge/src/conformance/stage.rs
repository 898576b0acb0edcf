//! What every chapter needs: two services with recorders, contexts of peers, and a look at what was recorded.

use super::{Seen, TestMessage, Transport, spans, tree};
use crate::current::WithContext;
use crate::{Context, Memory, Primitive, Recorder, Sampler, SpanId, carrier, observe, semconv};
use std::collections::HashMap;
use std::fmt::{Debug, Display};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

/// A trace and a span of a peer's.
pub(super) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(super) const SPAN: &str = "00f067aa0ba902b7";

/// That peer's `traceparent`.
pub(super) fn parent(flags: &str) -> String {
    format!("00-{TRACE}-{SPAN}-{flags}")
}

/// A message that can be told from others.
pub(super) fn numbered(n: usize) -> TestMessage {
    TestMessage::new(format!("{{\"n\":{n}}}"))
}

/// Which it is.
#[track_caller]
pub(super) fn number(message: &TestMessage) -> usize {
    let text = String::from_utf8_lossy(&message.payload);
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("the payload has changed: {text}"))
}

/// A service that sends and one that receives.
pub(super) struct Stage {
    sender: Recorder,
    receiver: Recorder,
    memory: Memory,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self::sampled(Sampler::always())
    }

    pub(super) fn sampled(sampler: Sampler) -> Self {
        let memory = Memory::new();
        let recorder = |service| {
            let built = Recorder::builder(service).sampler(sampler.clone()).sink(memory.clone()).build();
            built.expect("a recorder")
        };
        Stage { sender: recorder("sender"), receiver: recorder("receiver"), memory }
    }

    pub(super) fn sender<F: Future>(&self, work: impl FnOnce() -> F) -> WithContext<F> {
        self.sender.scope(work)
    }

    pub(super) fn receiver<F: Future>(&self, work: impl FnOnce() -> F) -> WithContext<F> {
        self.receiver.scope(work)
    }

    /// A context as it came to the sender from a peer.
    pub(super) fn peer(&self, headers: &[(&str, &str)]) -> Context {
        let headers: HashMap<String, String> = headers.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        self.sender.in_scope(|| carrier::extract(&headers).context)
    }

    /// Receives a message and works on it in a span: the payload, and the context of the work.
    pub(super) async fn pack(&self, transport: &impl Transport) -> Option<(Vec<u8>, Context)> {
        let mut inside = None;
        let receive = transport.receive(|message| {
            let inside = &mut inside;
            async move {
                *inside = Some((message.payload, observe::current_context()));
                observe::span("pack").in_scope(|| ());
                Ok(())
            }
        });
        self.receiver(|| receive).await.expect("receive");
        inside
    }

    /// Everything that was recorded so far.
    pub(super) async fn recorded(&self) -> Recorded {
        for recorder in [&self.sender, &self.receiver] {
            recorder.flush(Duration::from_secs(30)).await;
        }
        let records = self.memory.records();
        let shown = [semconv::HANDOFF_STATUS, semconv::DELIVERY_ATTEMPT, "n"];
        Recorded { spans: spans(&records), tree: tree(&records, &shown) }
    }
}

/// What was recorded, to be compared with what ought to be.
pub(super) struct Recorded {
    pub(super) spans: Vec<Seen>,
    tree: String,
}

impl Recorded {
    #[track_caller]
    pub(super) fn fail(&self, what: impl Display) -> ! {
        panic!("{what}\nrecorded:\n{}", self.tree)
    }

    #[track_caller]
    pub(super) fn check(&self, holds: bool, what: impl Display) {
        if !holds {
            self.fail(what)
        }
    }

    #[track_caller]
    pub(super) fn same<T: PartialEq + Debug>(&self, what: &str, found: T, expected: T) {
        if found != expected {
            self.fail(format_args!("{what}\n   found: {found:?}\nexpected: {expected:?}"))
        }
    }

    pub(super) fn all(&self, primitive: Primitive) -> Vec<&Seen> {
        self.spans.iter().filter(|s| s.primitive == primitive.name()).collect()
    }

    /// The only span of a kind.
    #[track_caller]
    pub(super) fn one(&self, primitive: Primitive) -> &Seen {
        match self.all(primitive)[..] {
            [one] => one,
            ref all => self.fail(format_args!("expected one span of {}, found {}", primitive.name(), all.len())),
        }
    }

    /// The only span of a name.
    #[track_caller]
    pub(super) fn named(&self, name: &str) -> &Seen {
        let mut all = self.spans.iter().filter(|s| s.name == name);
        match (all.next(), all.next()) {
            (Some(one), None) => one,
            _ => self.fail(format_args!("expected one span \"{name}\"")),
        }
    }

    /// That a span hangs under another, in its trace and its run.
    #[track_caller]
    pub(super) fn under(&self, span: &Seen, above: &Seen) {
        let found = (span.parent, span.trace, span.run);
        self.same(&format!("{} hangs under {}", span.name, above.name), found, (above.id, above.trace, above.run))
    }
}

/// The values under a name, as text.
pub(super) fn values(message: &TestMessage, name: &str) -> Vec<String> {
    let text = |v: Option<&[u8]>| v.map_or("null".into(), |v| String::from_utf8_lossy(v).into_owned());
    message.values(name).into_iter().map(text).collect()
}

/// A `traceparent` of ours.
pub(super) fn ours(trace: &str, span: Option<SpanId>, flags: &str) -> Vec<String> {
    vec![format!("00-{trace}-{}-{flags}", span.map(|s| s.to_string()).unwrap_or_default())]
}

/// Runs futures side by side, in this task.
pub(super) async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut done = vec![];
    poll_fn(|cx| {
        running.retain_mut(|f| match f.as_mut().poll(cx) {
            Poll::Ready(value) => {
                done.push(value);
                false
            }
            Poll::Pending => true,
        });
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done
}

/// Runs two futures until the second is done; the first is given up.
pub(super) async fn lose<T>(loser: impl Future, winner: impl Future<Output = T>) -> T {
    let (mut loser, mut winner) = (pin!(loser), pin!(winner));
    poll_fn(|cx| {
        let _ = loser.as_mut().poll(cx);
        winner.as_mut().poll(cx)
    })
    .await
}

/// Lets others go first, so many times.
pub(super) async fn rest(times: usize) {
    for _ in 0..times {
        let mut rested = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut rested, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }
}
