//! Support for the integration tests: brokers, with a queue or a topic for each test; recorders; programs in their own
//! processes; and waiting with a time limit.
//!
//! The cases that the tests cover, and the files in `tests/tests` that cover them:
//!
//! | case | RabbitMQ | Kafka |
//! |---|---|---|
//! | published: confirmed, returned, refused by a full queue or a topic's limit, sent, unknown | `amqp_handoff` | `kafka_handoff`, `kafka_real_topics` |
//! | transactions: committed, rolled back, lost, fenced | `amqp_transactions` | `kafka_transactions`, `kafka_real_transactions` |
//! | brokers that are killed and come back, alone or one of three | `amqp_recovery` | `kafka_real_crashes` |
//! | cooperative rebalancing, static members | | `kafka_real_groups` |
//! | compaction, broker timestamps | | `kafka_real_topics` |
//! | relations: child, new run, link; by age (delayed by a TTL), by message | `amqp_relations` | `kafka_messages` |
//! | trust, baggage lists, budgets (8 KiB of baggage into 200 bytes), small frames, capture, redaction | `amqp_trust` | `kafka_messages`, `kafka_handoff` |
//! | malformed headers | `amqp_hostile` | `conformance` |
//! | forwarded messages that already have one context, or two | `amqp_dead_letters` | `kafka_messages` |
//! | a handler that panics, hangs and is dropped, or acks twice; a consumer that dies before the ack | `amqp_handlers`, `amqp_jobs`, `amqp_processes` | `kafka_handlers`, `kafka_driver`, `kafka_rebalance`, `kafka_processes` |
//! | every settlement before, during and after the work; multiple acks; commits of ranges | `amqp_jobs`, `amqp_batch` | `kafka_batch` |
//! | attempts: `x-death`, `x-delivery-count`, offsets that are read again | `amqp_jobs`, `amqp_dead_letters` | `kafka_messages` |
//! | dead letters: rejected, expired, over the delivery limit, over the length limit, republished | `amqp_dead_letters`, `amqp_relations` | `kafka_messages` (dead letter topics) |
//! | batches: a hundred messages from a hundred senders, a partial failure | `amqp_batch` | `kafka_batch` |
//! | request and reply | `amqp_replies` | |
//! | queue time, and wrong clocks | `amqp_dead_letters` | `kafka_story`, `kafka_messages` |
//! | HTTP services and a worker that only know `tracing`: one tree, and its ids in every log line | `http_tracing_amqp` | |
//! | a service in Python, Java or JavaScript between two of ours: one tree with their spans | `http_peers_interop` | |
//! | what is exported comes out of a collector of others as it is in the store | `otlp_collector_interop` | |
//! | OpenTelemetry's own exporters in Python, JavaScript and Java send to `spanbridge serve` | `otlp_serve_interop` | |
//! | records sent to `spanbridge serve`: a server that goes and comes back, lost answers, receipts, a wrong token | `http_sink` | |
//! | OpenTelemetry's current context instead of ours, over each transport | `otel_bridge`, `otel_example` | `otel_bridge` |
//! | gaps: `doctor` finds each one in the records of real clients, and nothing else | `gaps` | `gaps` |
//! | every name that is emitted (for Lambda, see the tests of its crate) | `conventions` | `conventions` |

mod amqp;
mod kafka;
mod otlp_receiver;
pub mod peer_commands;
mod peers;
mod programs;
mod raw_amqp;
mod runtime_api;
pub mod tables;
mod wait;

pub use amqp::{Amqp, amqp, headers, text, text_headers};
pub use kafka::{Kafka, Pair, contents, in_process_kafka, kafka, pairs, raw_headers, real_kafka, sender, text_pairs};
pub use otlp_receiver::{OtlpReceiver, OtlpRequest};
pub use peers::{JavaReceive, PeerReport, PeerSpan, assert_captured, header_of, in_two_runs};
pub use programs::{Program, command_line, example, graph, outline, runs, text_of};
pub use raw_amqp::publish_raw;
pub use runtime_api::{Request, RuntimeApi};
pub use spanbridge::conformance::{Seen, spans, tree};
pub use wait::{until, wait_with_progress, within};

use spanbridge::{Memory, Recorder};

/// A recorder for one test, and the sink that keeps its records.
pub fn recorder(service: &str) -> (Recorder, Memory) {
    let memory = Memory::new();
    let recorder = Recorder::builder(service).sink(memory.clone()).build();
    (recorder.expect("a recorder"), memory)
}

/// Compiles the code in the README and in the guide as documentation tests, and runs what can run.
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
        Agents: "../../docs/guide/agents.md",
        Http: "../../docs/guide/http.md",
        Kafka: "../../docs/guide/kafka.md",
        Lambda: "../../docs/guide/lambda.md",
        Messages: "../../docs/guide/messages.md",
        Opentelemetry: "../../docs/guide/opentelemetry.md",
        Otlp: "../../docs/guide/otlp.md",
        Outbox: "../../docs/guide/outbox.md",
        Rabbitmq: "../../docs/guide/rabbitmq.md",
        Runs: "../../docs/guide/runs.md",
        Spawning: "../../docs/guide/spawning.md",
        Store: "../../docs/guide/store.md",
        Testing: "../../docs/guide/testing.md",
        Tracing: "../../docs/guide/tracing.md",
        Wire: "../../docs/guide/wire.md",
    }
}
