//! Records to spans of OTLP, and spans of OTLP to records.
