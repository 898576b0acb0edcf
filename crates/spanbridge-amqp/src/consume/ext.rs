//! The one word on the consumer.

use super::job::Job;
use super::jobs::Jobs;
use super::message::ReceiveOptions;
use crate::client::ConsumerInfo;
use lapin::Consumer;
use lapin::message::Delivery;
use lapin::types::ShortString;

/// `consumer.observed()`.
pub trait ConsumerExt: sealed::Sealed {
    /// The messages of this consumer as [`Job`]s that know their queue.
    fn observed(self) -> Jobs;
}

impl ConsumerExt for Consumer {
    fn observed(self) -> Jobs {
        Jobs::new(self)
    }
}

/// `delivery.observed()`, for a message that came another way.
pub trait DeliveryExt: sealed::Sealed {
    /// The message as a [`Job`], from a queue that is not known.
    fn observed(self) -> Job;

    /// The message as a [`Job`] from `queue`.
    fn observed_from(self, queue: ShortString) -> Job;
}

impl DeliveryExt for Delivery {
    fn observed(self) -> Job {
        self.observed_from(ShortString::default())
    }

    fn observed_from(self, queue: ShortString) -> Job {
        Job::new(self, ConsumerInfo::of_queue(queue), &ReceiveOptions::new())
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for lapin::Consumer {}
    impl Sealed for lapin::message::Delivery {}
}
