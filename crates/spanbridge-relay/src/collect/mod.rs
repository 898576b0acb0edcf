//! From a topic into a store: the work of `spanbridge collect`.
//!
//! Two threads: the one that calls [`collect`] polls Kafka, gathers messages to batches, and commits; another one reads and stores the
//! batches, one after the other. So the next batch is gathered while one is stored, and the group hears of us however long that takes.
//!
//! 1. *poll*: messages are gathered until the batch is large or old enough;
//! 2. *decode*: records are read; what is none is noted;
//! 3. *store*: the destination takes the records, and the dead-letter topic what cannot be stored;
//! 4. *commit*: only then are the offsets committed.
//!
//! A collector may be killed at any point: what was not committed is read again, and destinations know again what they have. When the
//! group takes a partition away, the batch in work is finished and committed before it goes; if the destination is away, it is
//! given up instead, and whoever has the partition next reads it.

mod aside;
mod batch;
mod collector;
mod dead_letters;
mod ends;
mod event;
mod figures;
mod group;
mod options;
mod storing;
mod work;

pub use collector::{Collected, collect};
pub use event::CollectEvent;
pub use figures::{CollectFigures, PartitionFigures, Totals};
pub use options::CollectOptions;
pub use storing::StoreRecords;
