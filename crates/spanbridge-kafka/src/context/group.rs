//! The context of a consumer: rebalances, and the commits that librdkafka makes by itself.

use super::observed::Observed;
use crate::consume::ConsumerState;
use rdkafka::ClientContext;
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, ConsumerContext, DefaultConsumerContext, Rebalance};
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::TopicPartitionList;
use std::sync::Arc;

/// The callbacks of a consumer's context: [`ConsumerContext`] without the consumer argument, whose type would name the
/// wrapper and not only your context.
///
/// If your context needs the consumer, implement [`ConsumerContext`] instead and call [`rebalancing`].
pub trait GroupContext: ClientContext {
    /// Called before partitions are assigned or revoked.
    fn pre_rebalance(&self, rebalance: &Rebalance<'_>) {
        let _ = rebalance;
    }

    /// Called after partitions were assigned or revoked.
    fn post_rebalance(&self, rebalance: &Rebalance<'_>) {
        let _ = rebalance;
    }

    /// Called after offsets were committed, or could not be.
    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        let _ = (result, offsets);
    }
}

impl GroupContext for DefaultClientContext {}
impl GroupContext for DefaultConsumerContext {}

impl<C: GroupContext> ConsumerContext for Observed<C> {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Some(state) = rebalanced(consumer, rebalance) {
            self.set_consumer(&state)
        }
        self.get_ref().pre_rebalance(rebalance)
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        self.get_ref().post_rebalance(rebalance)
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        if let Some(state) = self.consumer() {
            state.answered(result.clone(), offsets)
        }
        self.get_ref().commit_callback(result, offsets)
    }
}

/// Marks work in flight on revoked partitions. Call it in [`pre_rebalance`](ConsumerContext::pre_rebalance) of your own
/// context; [`Observed`] does so by itself.
///
/// Each process span in flight gets an event `partition revoked`; spans of later settlements get the attribute
/// `spanbridge.settle.revoked`.
pub fn rebalancing<C: ConsumerContext>(consumer: &BaseConsumer<C>, rebalance: &Rebalance<'_>) {
    rebalanced(consumer, rebalance);
}

fn rebalanced<C: ConsumerContext>(consumer: &BaseConsumer<C>, rebalance: &Rebalance<'_>) -> Option<Arc<ConsumerState>> {
    let state = ConsumerState::known(consumer)?;
    match rebalance {
        Rebalance::Assign(partitions) => state.assigned(partitions),
        Rebalance::Revoke(partitions) => state.revoked(partitions),
        Rebalance::Error(_) => {}
    }
    Some(state)
}
