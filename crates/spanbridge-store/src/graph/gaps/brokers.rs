//! What brokers do with messages, in words: they fill in the causes and fixes of the table.

/// The words of a kind of broker.
pub(super) struct Broker {
    /// Where a message may be that nobody has received.
    lost: &'static str,
    /// What to look at then, and what to set up.
    look: &'static str,
    keep: &'static str,
    /// What to do about messages that nobody can receive.
    unroutable: &'static str,
    /// How to settle on every way out.
    settle: &'static str,
    /// Why a settlement is refused, and what to do about it.
    refused: &'static str,
    in_time: &'static str,
    /// What becomes of a message that is not settled.
    again: &'static str,
}

const RABBITMQ: Broker = Broker {
    lost: "it still waits in the queue, was dropped there (by its age, or by the length of the queue), or was taken without \
           `observed()`",
    look: "look into the queue",
    keep: "; give the queue a dead-letter exchange, so that what it drops turns up somewhere",
    unroutable: "; publish as `mandatory`, and RabbitMQ gives back what it has no queue for",
    settle: "match on what `job.run(..)` gives and ack or nack in each arm",
    refused: "the channel or the connection was gone, or the work took longer than the broker waits (`consumer_timeout`)",
    in_time: "settle on the channel that the message came by while it is open, let the work take less time or the broker wait \
              longer",
    again: "the broker keeps an unsettled message and delivers it again later",
};

const KAFKA: Broker = Broker {
    lost: "the group has not come so far (its lag), began after it (`auto.offset.reset`), has passed over it, or took it \
           without `observed()`",
    look: "look at the group's lag and offsets",
    keep: "",
    unroutable: "",
    settle: "match on what `job.run(..)` gives, and store or commit the offset in each arm that is done with the message",
    refused: "the partition was revoked, the work took longer than the group waits (`max.poll.interval.ms`), or the group may not \
              commit there; the error of the settlement says which",
    in_time: "let the work take less time, or the group wait longer",
    again: "the group gets the message again when its partition is assigned anew, unless a later commit has passed over it",
};

const OTHER: Broker = Broker {
    lost: "it still waits in the queue, was dropped there by its age, or was taken without `observed()`",
    look: "look into the queue",
    keep: "",
    unroutable: "",
    settle: "tell the broker in each arm of what the work gives",
    refused: "the connection was gone, or the work took longer than the broker waits",
    in_time: "let the work take less time, or the broker wait longer",
    again: "the broker may deliver an unsettled message again later",
};

impl Broker {
    /// Of a messaging system, as the conventions call it.
    pub(super) fn of(system: &str) -> &'static Broker {
        match system {
            "rabbitmq" => &RABBITMQ,
            "kafka" => &KAFKA,
            _ => &OTHER,
        }
    }

    pub(super) fn facts(&self) -> [(&'static str, &'static str); 8] {
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
