//! What the tests on real brokers share: a connection, a queue of their own, a recorder of their own, and the run as
//! indented text.

mod amqp;
mod kafka;
mod programs;
mod runtime_api;
mod wait;

pub use amqp::{Amqp, amqp, headers, text};
pub use kafka::{Kafka, Pair, kafka, pairs, raw_headers, real_kafka};
pub use programs::{Program, example, graph, outline, runs, text_of};
pub use runtime_api::{Request, RuntimeApi};
pub use spanbridge::conformance::{Seen, spans, tree};
pub use wait::{until, within};

use spanbridge::{Memory, Recorder};

/// A recorder that nobody else records into, and what it has delivered.
pub fn recorder(service: &str) -> (Recorder, Memory) {
    let memory = Memory::new();
    let recorder = Recorder::builder(service).sink(memory.clone()).build();
    (recorder.expect("a recorder"), memory)
}

/// The README's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// What a transport takes compiles, and passes the story.
#[cfg(doctest)]
#[doc = include_str!("../../docs/adapters.md")]
struct Adapters;

/// And so does what the deployment notes for Lambda show.
#[cfg(doctest)]
#[doc = include_str!("../../docs/lambda.md")]
struct Lambda;
