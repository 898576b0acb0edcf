//! AMQP's transactions: what they publish is handed over when they commit, or not at all.

use super::channel::ObservedChannel;
use crate::describe;
use crate::replayed;
use lapin::Channel;
use spanbridge::Context;
use spanbridge::adapter::{self, HandoffStatus, OutboundCall, Recorded, Values};
use spanbridge::{Primitive, observe, semconv};
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

/// An open transaction.
///
/// Its span ends when it is committed or rolled back, with `spanbridge.handoff.status` `committed` or `rolled_back`; the
/// spans of what was published in it then say the same, and until then `sent`.
///
/// A channel of RabbitMQ has either transactions or confirms. Dropped, a transaction ends as `unknown`, and nothing is taken
/// back: what was published in it belongs to the channel's next one. Settlements on the channel are part of it, too, and
/// recorded as they are made. lapin does not say whether a mandatory message was returned when the transaction was committed.
#[must_use = "a transaction is committed or rolled back"]
#[derive(Debug)]
pub struct Transaction<C = Arc<Channel>> {
    channel: ObservedChannel<C>,
    open: adapter::Transaction,
    /// What a replay answers when it ends.
    replayed: Option<Box<Recorded>>,
}

impl<C: Deref<Target = Channel> + Clone> ObservedChannel<C> {
    /// [`Channel::tx_select`]: the channel's next transaction, in a span that ends with it.
    ///
    /// ```no_run
    /// use lapin::{BasicProperties, options::BasicPublishOptions};
    /// use spanbridge_amqp::ChannelExt;
    ///
    /// # async fn f(channel: lapin::Channel) -> lapin::Result<()> {
    /// let transaction = channel.observed().tx_select().await?;
    /// let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    /// transaction.channel().basic_publish("".into(), "orders".into(), options, b"{}", properties).await?.await?;
    /// transaction.tx_commit().await?; // or `tx_rollback`
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns lapin's error unchanged.
    pub fn tx_select(&self) -> impl Future<Output = lapin::Result<Transaction<C>>> + use<C> {
        let this = self.clone();
        async move {
            let open = || Values::of(this.capture_policy()).open(describe::transaction(this.server_info()));
            let span = adapter::under_current(open);
            // Its operations have one span, so they are asked about once.
            let call = || OutboundCall::new(Primitive::MESSAGING_SETTLE, "tx.select");
            let (begun, replayed) = match adapter::ask(span.context(), call).into_answer() {
                None => (span.with_context(|| this.channel().tx_select()).await, None),
                Some(Ok(then)) => match then.error().filter(|_| then.text(semconv::HANDOFF_STATUS).is_none()) {
                    Some(error) => (Err(replayed::error(error)), None),
                    None => (Ok(()), Some(then)),
                },
                Some(Err(refused)) => (Err(replayed::refused(refused)), None),
            };
            let open = adapter::Transaction::begun(span, begun, describe::failure)?;
            Ok(Transaction { channel: this.within(open.inside()), open, replayed })
        }
    }
}

impl<C: Deref<Target = Channel> + Clone> Transaction<C> {
    /// The channel. What it publishes is part of the transaction; a `publish` span hangs under what is current, and links to the
    /// transaction's. Its confirm resolves at once, and says nothing: the transaction does. What a clone of it publishes after
    /// the transaction has ended belongs to the channel's next one, and is recorded as `sent`.
    pub fn channel(&self) -> &ObservedChannel<C> {
        &self.channel
    }

    /// The context inside the transaction's span.
    pub fn context(&self) -> &Context {
        self.open.context()
    }

    /// [`Channel::tx_commit`]. After an error nobody knows whether RabbitMQ has committed it.
    ///
    /// # Errors
    /// Returns lapin's error unchanged.
    pub async fn tx_commit(self) -> lapin::Result<()> {
        let result = match &self.replayed {
            None => observe::with_context(self.context().clone(), || self.channel.channel().tx_commit()).await,
            Some(then) => ended_then(then),
        };
        self.ended(result, HandoffStatus::Committed)
    }

    /// [`Channel::tx_rollback`].
    ///
    /// # Errors
    /// Returns lapin's error unchanged.
    pub async fn tx_rollback(self) -> lapin::Result<()> {
        let result = match &self.replayed {
            None => observe::with_context(self.context().clone(), || self.channel.channel().tx_rollback()).await,
            Some(then) => ended_then(then),
        };
        self.ended(result, HandoffStatus::RolledBack)
    }

    fn ended(mut self, result: lapin::Result<()>, status: HandoffStatus) -> lapin::Result<()> {
        match &result {
            Ok(()) => self.open.ended(status),
            Err(e) => self.open.failed(HandoffStatus::Unknown, &describe::failure(e)),
        }
        result
    }
}

/// How a recorded transaction ended.
fn ended_then(then: &Recorded) -> lapin::Result<()> {
    then.error().map_or(Ok(()), |error| Err(replayed::error(error)))
}
