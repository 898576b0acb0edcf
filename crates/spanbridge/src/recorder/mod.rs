//! The recorder: reads what threads recorded, and delivers it to sinks.
//!
//! One thread per recorder reads the buffers (`deliver`), puts batches together (`assemble`, `segments`) and queues them for
//! each sink. Each sink has a thread of its own (`outlet`). What records are, and how they are read and written, is the
//! business of [`record`](crate::record); nothing here knows a field of a record.

#[cfg(feature = "record")]
mod assemble;
#[cfg(feature = "record")]
mod batch;
#[cfg(feature = "record")]
mod builder;
#[cfg(feature = "record")]
mod deliver;
#[cfg(feature = "record")]
mod environment;
#[cfg(feature = "record")]
mod global;
#[cfg(feature = "record")]
mod handle;
#[cfg(feature = "record")]
mod install_error;
#[cfg(feature = "record")]
mod json_lines;
#[cfg(feature = "record")]
mod memory;
#[cfg(not(feature = "record"))]
mod noop;
#[cfg(feature = "record")]
mod outlet;
#[cfg(feature = "record")]
mod report;
#[cfg(feature = "record")]
mod segments;
#[cfg(feature = "record")]
mod sink;
pub(crate) mod summary;
#[cfg(feature = "record")]
mod variables;

#[cfg(not(feature = "record"))]
pub use noop::{Flush, flush, flush_at_exit, flush_blocking, reseed};
pub use summary::{Report, SinkReport};
#[cfg(feature = "record")]
pub use {
    batch::RecordBatch,
    builder::RecorderBuilder,
    environment::Environment,
    global::{flush, flush_at_exit, flush_blocking, reseed},
    handle::Recorder,
    install_error::InstallError,
    json_lines::JsonLines,
    memory::Memory,
    report::Flush,
    sink::{Receipt, Sink, SinkError},
    variables::Variables,
};
