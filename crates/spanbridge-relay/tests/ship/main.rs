//! A shipper sends every record, whatever happens to it, to the logs, or to the far end.

#[cfg(feature = "kafka")]
mod kafka;
mod kills;
mod logs;
mod losses;
mod positions;
mod support;
