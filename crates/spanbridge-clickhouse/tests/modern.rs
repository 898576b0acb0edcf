//! The tests on today's ClickHouse, at `CLICKHOUSE_MODERN_URL`: one node.

mod common;
mod suite;

pub(crate) fn url() -> Option<String> {
    xtask::clickhouse::modern_url()
}
