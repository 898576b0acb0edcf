//! What the tests on real brokers share: a connection, a queue of their own, a recorder of their own, and the run as
//! indented text.
//!
//! What happens to a message, and where it is shown (files of `tests/tests`):
//!
//! | what | RabbitMQ | Kafka |
//! |---|---|---|
//! | published: confirmed, returned, refused by a full queue or a topic's limit, sent, unknown | `amqp_handoff` | `kafka_handoff`, `kafka_real_topics` |
//! | transactions: committed, rolled back, lost, fenced | `amqp_transactions` | `kafka_transactions`, `kafka_real_transactions` |
//! | brokers that are killed and come back, alone or one of three | `amqp_recovery` | `kafka_real_crashes` |
//! | cooperative rebalancing, static members | | `kafka_real_groups` |
//! | compaction, timestamps of the broker's | | `kafka_real_topics` |
//! | relations: child, run of its own, link; by age (a delay of a TTL), by message | `amqp_relations` | `kafka_messages` |
//! | trust, baggage lists, budgets (8 KiB of baggage into 200 bytes), small frames, capture, redaction | `amqp_trust` | `kafka_messages`, `kafka_handoff` |
//! | headers that are none | `amqp_hostile` | `conformance` |
//! | forwarded, with a context of its own or two of them | `amqp_dead_letters` | `kafka_messages` |
//! | a handler that panics, hangs and is given up, acks twice; a consumer that dies before the ack | `amqp_handlers`, `amqp_jobs`, `amqp_processes` | `kafka_handlers`, `kafka_driver`, `kafka_rebalance`, `kafka_processes` |
//! | settled before, in and after the work, in every way; multiple acks; commits as ranges | `amqp_jobs`, `amqp_batch` | `kafka_batch` |
//! | attempts: `x-death`, `x-delivery-count`, offsets read again | `amqp_jobs`, `amqp_dead_letters` | `kafka_messages` |
//! | dead letters: rejected, expired, out of deliveries, pushed out, sent again | `amqp_dead_letters`, `amqp_relations` | `kafka_messages` (topics for it) |
//! | batches: a hundred of a hundred senders, a partial failure | `amqp_batch` | `kafka_batch` |
//! | request and reply | `amqp_replies` | |
//! | queue time, and clocks that are wrong | `amqp_dead_letters` | `kafka_story`, `kafka_messages` |
//! | gaps: each is found in what real clients record, and nothing else | `gaps` | `gaps` |
//! | every name that is emitted (for Lambda in the tests of its crate) | `conventions` | `conventions` |

mod amqp;
mod kafka;
mod peers;
mod programs;
mod raw_amqp;
mod runtime_api;
pub mod tables;
mod wait;

pub use amqp::{Amqp, amqp, headers, text, text_headers};
pub use kafka::{Kafka, Pair, contents, in_process_kafka, kafka, pairs, raw_headers, real_kafka, sender, text_pairs};
pub use peers::{ChapterResult, JavaReceive, PeerSpan, as_captured, header_of, in_two_runs};
pub use programs::{Program, example, graph, outline, runs, text_of};
pub use raw_amqp::publish_raw;
pub use runtime_api::{Request, RuntimeApi};
pub use spanbridge::conformance::{Seen, spans, tree};
pub use wait::{until, while_it_moves, within};

use spanbridge::{Memory, Recorder};

/// A recorder that nobody else records into, and what it has delivered.
pub fn recorder(service: &str) -> (Recorder, Memory) {
    let memory = Memory::new();
    let recorder = Recorder::builder(service).sink(memory.clone()).build();
    (recorder.expect("a recorder"), memory)
}

/// The code in the README and in the guide compiles, and what can run does.
#[cfg(doctest)]
mod pages {
    macro_rules! pages {
        ($($name:ident: $path:literal,)*) => { $(
            #[doc = include_str!($path)]
            struct $name;
        )* };
    }

    pages! {
        Readme: "../../README.md",
        Adapters: "../../docs/guide/adapters.md",
        Kafka: "../../docs/guide/kafka.md",
        Lambda: "../../docs/guide/lambda.md",
        Messages: "../../docs/guide/messages.md",
        Outbox: "../../docs/guide/outbox.md",
        Rabbitmq: "../../docs/guide/rabbitmq.md",
        Runs: "../../docs/guide/runs.md",
        Spawning: "../../docs/guide/spawning.md",
        Store: "../../docs/guide/store.md",
        Testing: "../../docs/guide/testing.md",
        Wire: "../../docs/guide/wire.md",
    }
}
