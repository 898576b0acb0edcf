//! A shipper sends every record, whatever happens to it, to the logs, or to the far end.

mod kills;
mod logs;
mod losses;
mod positions;
mod support;
