//! The spans and events of `tracing` in spanbridge's run graph, and run, trace and span ids in your log lines.
