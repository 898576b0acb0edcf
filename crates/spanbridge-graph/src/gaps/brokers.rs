//! How brokers treat messages, in words that fill in the causes and fixes of the table.

/// The words for one kind of broker. Each is one or more whole sentences, unless its comment says otherwise.
pub(super) struct Broker {
    /// Where a message may be that nobody has received.
    lost: &'static str,
    /// Where to look for it.
    look: &'static str,
    /// What keeps such messages from disappearing; begins with a space.
    keep: &'static str,
    /// What to do about messages that no consumer can receive; begins with a space.
    unroutable: &'static str,
    /// How to settle on every path. Not a sentence: it follows a colon.
    settle: &'static str,
    /// Why a settlement is refused. Not a sentence: it follows a colon.
    refused: &'static str,
    /// How to settle in time.
    in_time: &'static str,
    /// What happens to a message that is not settled.
    again: &'static str,
}

const RABBITMQ: Broker = Broker {
    lost: "It is still in the queue, was dropped there (by its TTL or the queue's length limit), or was received without \
           `observed()`.",
    look: "Look at the queue.",
    keep: " Give the queue a dead-letter exchange, so that dropped messages turn up somewhere.",
    unroutable: " Publish with `mandatory`: RabbitMQ then returns a message that no queue takes.",
    settle: "match on the result of `job.run(..)`, and ack or nack in each arm",
    refused: "the channel or the connection was closed, or the work took longer than the broker allows \
              (`consumer_timeout`)",
    in_time: "Settle on the channel that delivered the message, while it is open. Make the work faster, or raise the \
              timeout.",
    again: "RabbitMQ keeps an unsettled message and delivers it again.",
};

const KAFKA: Broker = Broker {
    lost: "The group has not reached it yet (see its lag), started after it (`auto.offset.reset`), skipped it, or received \
           it without `observed()`.",
    look: "Look at the group's lag and offsets.",
    keep: "",
    unroutable: "",
    settle: "match on the result of `job.run(..)`, and store or commit the offset in each arm that has finished with the \
             message",
    refused: "the partition was revoked, the work took longer than the group allows (`max.poll.interval.ms`), or the group \
              may not commit this offset (the error of the settlement says which)",
    in_time: "Make the work faster, or raise `max.poll.interval.ms`.",
    again: "The group receives the message again when its partition is reassigned, unless a later offset was committed.",
};

const OTHER: Broker = Broker {
    lost: "It is still in the queue, has expired there, or was received without `observed()`.",
    look: "Look at the queue.",
    keep: "",
    unroutable: "",
    settle: "match on the result of the work, and settle in each arm",
    refused: "the connection was closed, or the work took longer than the broker allows",
    in_time: "Make the work faster, or raise the timeout.",
    again: "The broker may deliver an unsettled message again.",
};

impl Broker {
    /// The broker of a messaging system, by its name in the conventions.
    pub(super) fn of(system: &str) -> &'static Broker {
        match system {
            "rabbitmq" => &RABBITMQ,
            "kafka" => &KAFKA,
            _ => &OTHER,
        }
    }

    /// The words by the names that the table uses for them.
    pub(super) fn words(&self) -> [(&'static str, &'static str); 8] {
        let Broker { lost, look, keep, unroutable, settle, refused, in_time, again } = *self;
        [
            ("lost", lost),
            ("look", look),
            ("keep", keep),
            ("unroutable", unroutable),
            ("settle", settle),
            ("refused", refused),
            ("in_time", in_time),
            ("again", again),
        ]
    }
}
