//! The recorder: reads what threads recorded and delivers it to sinks.

mod assemble;
mod batch;
mod builder;
mod deliver;
mod in_effect;
mod json_lines;
mod memory;
mod outlet;
mod report;
mod segments;
mod sink;

pub use batch::Batch;
pub use builder::{InstallError, Recorder, RecorderBuilder};
pub use in_effect::{flush, flush_at_exit, flush_blocking, reseed};
pub use json_lines::JsonLines;
pub use memory::Memory;
pub use report::Flush;
pub use sink::{Receipt, Sink, SinkError};
