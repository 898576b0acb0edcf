//! `state follow` on a real server: what is recorded, and that no crash loses or doubles any of it.

mod binary;
mod crashes;
#[cfg(feature = "clickhouse")]
mod engine;
mod rows;
mod slots;
mod support;
mod tls;
