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
    again: "the broker keeps an unsettled message and delivers it again later",
};

const KAFKA: Broker = Broker {
    lost: "the group has not come so far (its lag), began after it (`auto.offset.reset`), has passed over it, or took it \
           without `observed()`",
    look: "look at the group's lag and offsets",
    keep: "",
    unroutable: "",
    settle: "match on what `job.run(..)` gives, and store or commit the offset in each arm that is done with the message",
    again: "the group gets the message again when its partition is assigned anew, unless a later commit has passed over it",
};

const OTHER: Broker = Broker {
    lost: "it still waits in the queue, was dropped there by its age, or was taken without `observed()`",
    look: "look into the queue",
    keep: "",
    unroutable: "",
    settle: "tell the broker in each arm of what the work gives",
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

    pub(super) fn facts(&self) -> [(&'static str, &'static str); 6] {
        let Broker { lost, look, keep, unroutable, settle, again } = *self;
        [
            ("lost", lost),
            ("look", look),
            ("keep", keep),
            ("unroutable", unroutable),
            ("settle", settle),
            ("again", again),
        ]
    }
}
