//! Finding the stand-in of a recorder, and asking it.

use super::{OutboundCall, Reply};
use crate::{Context, Primitive, current};

#[cfg(feature = "record")]
use super::{BegunSpan, StandIn};
#[cfg(feature = "record")]
use crate::context::Shared;
#[cfg(feature = "record")]
use crate::context::intake::{self, Intake};
#[cfg(feature = "record")]
use crate::{SpanId, panics};
#[cfg(feature = "record")]
use std::sync::Arc;

/// Asks the stand-in of the recorder in effect what becomes of a call, before it leaves the process: for every adapter, in the
/// context of the span that it has begun for the call ([`Span::context`](crate::observe::Span::context),
/// [`Handoff::context`](crate::adapter::Handoff::context)).
///
/// Without a stand-in the answer is [`Live`](Reply::Live) at once: one branch if the span is recorded, and `call` is not called.
///
/// ```
/// use spanbridge::adapter::{self, OutboundCall, Reply};
/// use spanbridge::{Primitive, observe};
/// use std::io;
///
/// fn post(letter: &[u8]) -> io::Result<()> {
///     observe::span("post letters").primitive(Primitive::MESSAGING_PUBLISH).in_scope(|| {
///         let call = || OutboundCall::new(Primitive::MESSAGING_PUBLISH, "letters").with_body(letter);
///         match adapter::ask(&observe::current_context(), call) {
///             Reply::Live => { /* … really */ Ok(()) }
///             Reply::Recorded(then) => then.error().map_or(Ok(()), |error| Err(io::Error::other(error.clone()))),
///             Reply::Refused(refused) => Err(io::Error::other(refused)),
///         }
///     })
/// }
/// # post(b"{}").unwrap()
/// ```
#[inline(always)]
pub fn ask<'c>(context: &Context, call: impl FnOnce() -> OutboundCall<'c>) -> Reply {
    #[cfg(feature = "record")]
    if !context.is_recorded_and_live() {
        return ask_whoever_stands_in(context, call);
    }
    let _ = (context, call);
    Reply::Live
}

/// As [`ask`], in what is current: for a call that is made in its span.
#[inline(always)]
pub fn ask_here<'c>(call: impl FnOnce() -> OutboundCall<'c>) -> Reply {
    #[cfg(feature = "record")]
    if !current::is_recorded_and_live() {
        return ask_whoever_stands_in(&current::context(), call);
    }
    let _ = call;
    Reply::Live
}

/// Whether somebody stands in for the outside of the recorder in effect: for an adapter that has to know before its span begins.
pub fn stands_in() -> bool {
    current::stands_in()
}

#[cfg(feature = "record")]
#[cold]
#[inline(never)]
fn ask_whoever_stands_in<'c>(context: &Context, call: impl FnOnce() -> OutboundCall<'c>) -> Reply {
    let Some(intake) = of_call(context) else { return Reply::Live };
    let Some(stand_in) = stand_in(&intake) else { return Reply::Live };
    let answer = panics::caught(|| {
        let call = call().in_span(context.span_id().filter(|_| context.is_recorded()));
        in_silence(|| stand_in.call(&call))
    });
    answer.unwrap_or_else(|said| {
        Reply::refused(format!("a replay refused the call, because its stand-in panicked: {said}"))
    })
}

/// The recorder whose stand-in is asked about a call in this context. It may have been shut down: nothing leaves for that.
#[cfg(feature = "record")]
fn of_call(context: &Context) -> Option<Arc<Intake>> {
    match context.shared() {
        Some(Shared { intake: Some(intake), .. }) => intake.has_stand_in().then(|| intake.clone()),
        Some(shared) if shared.trace == 0 => None, // a sink's thread, or a stand-in's own code
        _ if intake::installed_stands_in() => intake::global(),
        _ => None,
    }
}

#[cfg(feature = "record")]
fn stand_in(intake: &Intake) -> Option<&Arc<dyn StandIn>> {
    intake.stand_in()
}

/// Tells the stand-in of a context's recorder, if there is one, of a span that has begun.
#[cold]
pub(crate) fn began(context: &Context, id: u64, parent: u64, name: &str, primitive: Option<Primitive>) {
    #[cfg(feature = "record")]
    {
        let intake = context.shared().and_then(|shared| shared.intake.as_deref());
        if let (Some(stand_in), Some(id)) = (intake.and_then(stand_in), SpanId::new(id)) {
            let (parent, primitive) = (SpanId::new(parent), primitive.unwrap_or(Primitive::OPERATION));
            let span = BegunSpan { id, parent, name, primitive };
            let _ = panics::caught(|| in_silence(|| stand_in.began(&span)));
        }
    }
    let _ = (context, id, parent, name, primitive);
}

/// What the stand-in does is not recorded, and calls of its own are not asked about.
#[cfg(feature = "record")]
fn in_silence<R>(f: impl FnOnce() -> R) -> R {
    let silence = Context::from_shared(Context::blank(0, 0, 0), 0, false);
    current::in_scope(&silence, f)
}
