//! The OTLP wire: what it carries, and how that is written and read as protobuf and as JSON.
