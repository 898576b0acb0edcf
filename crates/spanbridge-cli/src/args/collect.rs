//! `spanbridge collect`.

use super::address::listen;
use crate::size;
use clap::Args;
use spanbridge_cli::values::duration;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args, Debug)]
#[command(after_help = COLLECT)]
pub(crate) struct Collect {
    /// The topic: kafka://USER@HOST,HOST:PORT/TOPIC?group=NAME; put the password into KAFKA_PASSWORD
    #[arg(long, value_name = "URL")]
    pub(crate) from: String,
    /// Where the records go: a directory, or clickhouse://USER@HOST/DATABASE [default: the store of --db]
    #[arg(long, value_name = "PLACE")]
    pub(crate) to: Option<PathBuf>,
    /// End when the topic is read to where it ended at the start
    #[arg(long, visible_alias = "until-end")]
    pub(crate) once: bool,
    /// Store a batch when its messages have so many bytes
    #[arg(long, value_name = "SIZE", value_parser = size::parse, default_value = "16MiB")]
    pub(crate) batch_bytes: u64,
    /// Store a batch when it has about so many records
    #[arg(long, value_name = "N", default_value_t = 65_536, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) batch_records: u64,
    /// Store a batch at the latest so long after its first message was read
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1s")]
    pub(crate) batch_time: Duration,
    /// Answer GET /metrics at this address
    #[arg(long, value_name = "ADDRESS", value_parser = listen)]
    pub(crate) metrics: Option<SocketAddr>,
    /// Do not record the collector's own work: a run for each batch, of the service spanbridge-collect, in the same place
    #[arg(long)]
    pub(crate) no_trace: bool,
}

const COLLECT: &str = "Examples:
  spanbridge collect --from kafka://kafka1,kafka2/spanbridge-records --to clickhouse://writer@db/spans --metrics 9419
  spanbridge collect --from 'kafka://kafka1/spanbridge-records?group=backfill' --to ./copy --once

Start as many as you like: they share the partitions of the topic. Offsets are committed after the records are stored, so nothing is \
lost when a collector is killed, and what comes again is stored once. While the place is away, the collector waits and stays in the \
group. Ctrl-C ends it, when what was read is stored and committed.

A message that is no record, or has one that can never be stored, goes to the topic TOPIC.dead, with the headers spanbridge-error and \
spanbridge-source; its other records are stored. If that topic cannot be written, the collector waits.

When it ends, it says what was done: in a line, or with --format json in an object (docs/schema/collect.json).

Other parameters of the URL are properties of librdkafka, such as security.protocol=sasl_ssl. With group.instance.id=NAME, a collector \
that is restarted within session.timeout.ms keeps its partitions.";
