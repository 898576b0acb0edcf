//! Collecting from a real Kafka: nothing is lost and nothing doubled, whatever is killed, moved or away.
//!
//! `cargo xtask kafka -- cargo test -p spanbridge-relay --features kafka --test collect`; for ClickHouse,
//! `cargo xtask clickhouse -- cargo xtask kafka -- …`. The long campaigns, with 50 kills each: add `-- --include-ignored`.

mod away;
mod kills;
mod poison;
mod rebalance;
mod support;
