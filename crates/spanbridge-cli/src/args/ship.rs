//! `spanbridge ship`.

use super::address::listen;
use crate::size;
use clap::Args;
use spanbridge_cli::values::duration;
use std::net::SocketAddr;
use std::time::Duration;

#[derive(Args, Debug)]
#[command(after_help = SHIP)]
pub(crate) struct Ship {
    /// Where the records go: http(s)://HOST:4318 of a `spanbridge serve`, kafka://HOST/TOPIC, clickhouse://HOST/DATABASE,
    /// postgres://HOST/DATABASE, or the directory of another store
    #[arg(long, value_name = "PLACE")]
    pub(crate) to: String,
    /// How long a record waits at most before it is sent
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1s")]
    pub(crate) interval: Duration,
    /// Bytes of records that are sent together
    #[arg(long, value_name = "SIZE", value_parser = size::parse, default_value = "8MiB")]
    pub(crate) batch_bytes: u64,
    /// Records that are sent together
    #[arg(long, value_name = "N", default_value_t = 50_000)]
    pub(crate) batch_records: u32,
    /// Send what is there, and end
    #[arg(long)]
    pub(crate) once: bool,
    /// The first time, send everything that is stored, not only what the logs still have
    #[arg(long)]
    pub(crate) from_start: bool,
    /// Answer GET /metrics at this address
    #[arg(long, value_name = "ADDRESS", value_parser = listen)]
    pub(crate) metrics: Option<SocketAddr>,
    /// Forget how far this place has got, and end: the logs wait for it no more
    #[arg(long, conflicts_with_all = ["once", "from_start", "metrics"])]
    pub(crate) forget: bool,
}

const SHIP: &str = "Examples:
  spanbridge ship --to http://10.0.0.7:4318
  spanbridge ship --to kafka://kafka1,kafka2/spanbridge-records --metrics 9418
  spanbridge ship --to clickhouse://writer@db/spans --from-start --once

It follows the logs of the store on this host, and goes on where it was after it was stopped or killed. While the place is away, \
the logs wait on the disk, within the limits of the applications (SPANBRIDGE_MAX_BYTES, SPANBRIDGE_MAX_AGE). What these remove \
before it was sent is told.

When it ends, it says what was done: in a line, or with --format json in an object (docs/schema/ship.json).

A token comes from SPANBRIDGE_TOKEN, and passwords from KAFKA_PASSWORD, CLICKHOUSE_PASSWORD or
PGPASSWORD.";
