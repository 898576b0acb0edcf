//! AMQP's transactions: what they publish is handed over when they commit, or not at all.

use super::ObservedChannel;
use crate::describe;
use spanbridge::Context;
use spanbridge::messaging::{self, Values};
use spanbridge::observe;

/// A transaction that has begun.
///
/// Its span ends when it is committed or rolled back, with `spanbridge.handoff.status` `committed` or `rolled_back`; the
/// spans of what was published in it then say the same, and until then `sent`.
///
/// A channel of RabbitMQ has either transactions or confirms. Dropped, a transaction ends as `unknown`, and nothing is taken
/// back: what was published in it belongs to the channel's next one. (A settlement on the channel is part of it, too, and
/// recorded as it is made; that a mandatory message was returned when the transaction was committed, lapin does not say.)
#[must_use = "a transaction is committed or rolled back"]
#[derive(Debug)]
pub struct Transaction<'a> {
    channel: ObservedChannel<'a>,
    open: messaging::Transaction,
}

impl<'a> ObservedChannel<'a> {
    /// [`Channel::tx_select`](lapin::Channel::tx_select): the channel's next transaction, in a span that ends with it.
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
    /// lapin's.
    pub async fn tx_select(self) -> lapin::Result<Transaction<'a>> {
        let span = Values::of(self.capture).open(describe::transaction(self.server));
        if let Err(e) = observe::with_context(span.context().clone(), || self.channel.tx_select()).await {
            span.end_with(&describe::failure(&e));
            return Err(e);
        }
        Ok(Transaction { channel: self, open: messaging::Transaction::new(span) })
    }
}

impl Transaction<'_> {
    /// The channel. What it publishes is part of the transaction; a `publish` span hangs under what is current, and links
    /// to the transaction's. Its confirm resolves at once, and says nothing: the transaction does.
    pub fn channel(&self) -> ObservedChannel<'_> {
        ObservedChannel { transaction: Some(&self.open), ..self.channel }
    }

    /// The context inside the transaction's span.
    pub fn context(&self) -> &Context {
        self.open.context()
    }

    /// [`Channel::tx_commit`](lapin::Channel::tx_commit). After an error nobody knows whether RabbitMQ has committed it.
    ///
    /// # Errors
    /// lapin's.
    pub async fn tx_commit(self) -> lapin::Result<()> {
        let committing = self.channel.channel.tx_commit();
        let result = observe::with_context(self.context().clone(), || committing).await;
        self.ended(result, "committed")
    }

    /// [`Channel::tx_rollback`](lapin::Channel::tx_rollback).
    ///
    /// # Errors
    /// lapin's.
    pub async fn tx_rollback(self) -> lapin::Result<()> {
        let rolling_back = self.channel.channel.tx_rollback();
        let result = observe::with_context(self.context().clone(), || rolling_back).await;
        self.ended(result, "rolled_back")
    }

    fn ended(mut self, result: lapin::Result<()>, status: &'static str) -> lapin::Result<()> {
        match &result {
            Ok(()) => self.open.ended(status),
            Err(e) => self.open.failed(&describe::failure(e)),
        }
        result
    }
}
