//! The publish span until the broker has answered.

use crate::carrier::Headers;
use crate::describe;
use crate::returns::{self, Returned, Ticket};
use lapin::{Confirmation, ErrorKind, PublisherConfirm};
use spanbridge::adapter::{Handoff, HandoffStatus};
use spanbridge::carrier::extract;
use spanbridge::{Context, Failure};
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll, ready};

/// A message that was published. Dropping a confirm, or giving up on one, is legal: the message may arrive all the same.
#[derive(Debug)]
pub(super) struct Sent {
    /// Ends before the ticket is handed in.
    pub(super) handoff: Handoff,
    /// If the channel has confirms, and there is a context.
    pub(super) ticket: Option<Ticket>,
    /// The broker was asked to give the message back if there is no queue for it.
    pub(super) returnable: bool,
}

impl Sent {
    /// What the broker said.
    fn answered(self, answer: &lapin::Result<Confirmation>) {
        let Sent { handoff, ticket, returnable } = self;
        let key = handoff.carries();
        let (ok, message) = match answer {
            Ok(Confirmation::NotRequested) => return handoff.ended(HandoffStatus::Sent),
            Ok(Confirmation::Ack(message)) => (true, message),
            Ok(Confirmation::Nack(message)) => (false, message),
            Err(e) => return handoff.failed(HandoffStatus::Unknown, &describe::failure(e)),
        };
        let mut own = None;
        if let Some(message) = message {
            let whose = returns::key(&extract(&Headers(&message.properties)).context);
            match (whose, &ticket) {
                (whose, _) if returnable && whose == key => own = Some(Returned::from(message)),
                (Some(whose), Some(ticket)) => ticket.returned_for_other(whose, message.into()),
                _ => {} // from a publish that is not observed
            }
        }
        if !ok {
            let nacked = Failure::new(&"the broker refused the message").class("basic.nack");
            return handoff.failed(HandoffStatus::Rejected, &nacked);
        }
        let (Some(ticket), Some(key), true) = (ticket, key, returnable) else {
            return match own {
                Some(message) => handoff.failed(HandoffStatus::Returned, &message.failure()),
                None => handoff.ended(HandoffStatus::Confirmed),
            };
        };
        if let Some(span) = handoff.stop() {
            match own.or_else(|| ticket.claim(key)) {
                Some(message) => span.failed(HandoffStatus::Returned, &message.failure()),
                None => ticket.await_return(key, span, message.is_some()),
            }
        }
    }
}

/// lapin's [`PublisherConfirm`]; when the broker has answered, the publish span ends.
///
/// The span's attribute `spanbridge.handoff.status` is `confirmed`, `rejected`, `returned`, `sent` (no confirms were asked
/// for) or `unknown` (this was dropped, or the connection failed first).
///
/// Await it, or drop it. Mandatory publishes are told apart by all the answers of their channel, so their records may wait
/// for a confirm that is kept and never awaited. If one was dropped that may have had the message of another, up to a minute
/// before, the other's status is `unknown`. For exact statuses of mandatory messages, use a channel whose confirms are all awaited.
#[must_use = "a publisher confirm says whether the message arrived"]
#[derive(Debug)]
pub struct ObservedConfirm {
    confirm: Confirm,
    sent: Option<Sent>,
}

#[derive(Debug)]
enum Confirm {
    /// The broker's.
    Live(PublisherConfirm),
    /// A stand-in's, until it is taken.
    Replayed(Option<Box<lapin::Result<Confirmation>>>),
}

impl Confirm {
    fn poll(&mut self, cx: &mut task::Context<'_>) -> Poll<lapin::Result<Confirmation>> {
        match self {
            Confirm::Live(confirm) => Pin::new(confirm).poll(cx),
            Confirm::Replayed(answer) => {
                Poll::Ready(answer.take().map_or_else(|| Err(ErrorKind::FutureCompleted.into()), |answer| *answer))
            }
        }
    }
}

impl ObservedConfirm {
    pub(super) fn new(confirm: PublisherConfirm, sent: Sent) -> Self {
        ObservedConfirm { confirm: Confirm::Live(confirm), sent: Some(sent) }
    }

    /// Of a message that a stand-in has kept here.
    pub(super) fn replayed(answer: lapin::Result<Confirmation>, sent: Sent) -> Self {
        ObservedConfirm { confirm: Confirm::Replayed(Some(answer.into())), sent: Some(sent) }
    }

    /// The context that the message carries.
    pub fn context(&self) -> Context {
        self.sent.as_ref().map(|sent| sent.handoff.context()).unwrap_or_default()
    }
}

impl Future for ObservedConfirm {
    type Output = lapin::Result<Confirmation>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let answer = ready!(match (this.sent.as_mut().and_then(|sent| sent.ticket.as_mut()), &mut this.confirm) {
            (Some(ticket), Confirm::Live(confirm)) => ticket.poll(confirm, cx),
            (_, confirm) => confirm.poll(cx),
        });
        if let Some(sent) = self.sent.take() {
            sent.answered(&answer)
        }
        Poll::Ready(answer)
    }
}
