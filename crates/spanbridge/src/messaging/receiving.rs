//! What a consumer makes of the contexts that come with its messages.

use super::capture::CapturePolicy;
use crate::carrier::Extraction;
use crate::encoder::origin;
use crate::semconv;
use crate::{Context, Primitive};
use std::fmt;
use std::time::Duration;

/// How the work on a message hangs together with what sent it. The run graph is whole in any case: the run and the
/// baggage travel, and it can be walked from both ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Relation {
    /// In the sender's run and trace, under the sender's span.
    #[default]
    Parent,
    /// In the sender's trace, as a run of its own: an execution record that names the sender's run as its parent and the
    /// sender's span as its trigger, and ends as the work does.
    NewRun,
    /// In a trace of its own that links to the sender's, and in the sender's run.
    Link,
    /// [`Parent`](Relation::Parent) while the message is fresh, [`Link`](Relation::Link) once it is older than this: so a
    /// message that waited for days does not stretch a trace over days. One of unknown age is taken for fresh.
    Auto {
        /// The oldest that is fresh.
        max_age: Duration,
    },
}

impl Relation {
    /// What it comes to for a message of this age.
    fn decided(self, age: Option<Duration>) -> Relation {
        match (self, age) {
            (Relation::Auto { max_age }, Some(age)) if age > max_age => Relation::Link,
            (Relation::Auto { .. }, _) => Relation::Parent,
            (other, _) => other,
        }
    }
}

/// How far the sender of a message is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// In all that it says.
    #[default]
    Full,
    /// In its ids, and the tracestate that goes with them. Whether the work is recorded is decided here, and baggage is
    /// left out, also where there are no ids.
    IdsOnly,
    /// Not at all. The work begins a trace of its own, which links to what was claimed.
    Ignore,
}

/// What a consumer makes of the contexts that come with its messages. The default takes them as they are.
///
/// It serves whoever receives a context, also where there is no adapter: here an HTTP server that strangers can reach.
///
/// ```
/// use spanbridge::messaging::{MessageInfo, Received, ReceiveOptions, Trust};
/// use spanbridge::{Kind, Primitive, observe};
/// use std::collections::HashMap;
///
/// # async fn answer() {}
/// # async fn serve(headers: HashMap<String, String>) {
/// let receiving = ReceiveOptions { trust: Trust::Ignore, ..ReceiveOptions::default() };
/// let received = Received::new(&headers).with(&receiving, MessageInfo::default());
/// let span = received.process(|| observe::span("GET /").primitive(Primitive::HTTP_SERVER).kind(Kind::Server).open());
/// span.run(answer).await
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ReceiveOptions {
    /// How the work hangs together with what sent it.
    pub relation: Relation,
    /// How far the sender is believed.
    pub trust: Trust,
    /// The keys of the baggage that is taken; all of it where there is no list.
    pub baggage: Option<Vec<String>>,
    /// What is recorded of payloads and headers.
    pub capture: CapturePolicy,
}

/// What an adapter knows of a message that came.
#[derive(Clone, Copy)]
pub struct MessageInfo<'a> {
    /// What was said about this message, in place of the consumer's relation.
    pub relation: Option<Relation>,
    /// How long ago it was sent, if that is known.
    pub age: Option<Duration>,
    /// What the work on it is called, asked for only where it is a run.
    pub name: &'a dyn Fn() -> String,
    /// What kind of step the work is where it is a run; [`MESSAGING_PROCESS`](Primitive::MESSAGING_PROCESS) where nothing
    /// is said.
    pub primitive: Option<Primitive>,
}

impl Default for MessageInfo<'_> {
    fn default() -> Self {
        MessageInfo { relation: None, age: None, name: &String::new, primitive: None }
    }
}

impl fmt::Debug for MessageInfo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageInfo").field("relation", &self.relation).field("age", &self.age).finish_non_exhaustive()
    }
}

/// Something to be said about the context of a message: a diagnostic's code, and words.
pub(super) type Note = (&'static str, String);

/// A context as far as the consumer takes it.
pub(super) struct Taken {
    pub(super) context: Context,
    /// What was claimed, and is not believed.
    pub(super) claimed: Context,
    pub(super) notes: Vec<Note>,
}

impl From<Extraction> for Taken {
    fn from(found: Extraction) -> Self {
        let notes = found.problems.iter().map(|p| (semconv::HEADER_MALFORMED, p.to_string())).collect();
        let context = if found.context.travels() { found.context } else { Context::detached() };
        Taken { context, claimed: Context::EMPTY, notes }
    }
}

impl ReceiveOptions {
    pub(super) fn relation(&self, arrival: &MessageInfo<'_>) -> Relation {
        arrival.relation.unwrap_or(self.relation).decided(arrival.age)
    }

    /// What is left of a context.
    pub(super) fn take(&self, mut taken: Taken) -> Taken {
        if !taken.context.travels() {
            return taken;
        }
        match self.trust {
            Trust::Full => {}
            Trust::IdsOnly => {
                let baggage = taken.context.baggage().as_str().len();
                if baggage > 0 {
                    taken.notes.push((
                        semconv::BAGGAGE_FILTERED,
                        format!("the sender is trusted for its ids only: {baggage} bytes left out"),
                    ))
                }
                let has_ids = !taken.context.is_empty();
                taken.context = if has_ids { origin::ids_only(&taken.context) } else { Context::detached() }
            }
            Trust::Ignore => {
                let said = match taken.context.trace_parent() {
                    Some(parent) => parent.to_string(),
                    None => format!("{} bytes of baggage", taken.context.baggage().as_str().len()),
                };
                taken.notes.push((semconv::CONTEXT_IGNORED, format!("the sender is not trusted: it said {said}")));
                taken.claimed = std::mem::replace(&mut taken.context, Context::detached())
            }
        }
        if let Some(keys) = &self.baggage {
            let (baggage, left_out) = taken.context.baggage().filtered(|key| keys.iter().any(|k| k == key));
            if left_out > 0 {
                taken.notes.push((semconv::BAGGAGE_FILTERED, format!("{left_out} members are not on the list")));
                taken.context = taken.context.with_baggage(baggage)
            }
        }
        taken
    }
}
