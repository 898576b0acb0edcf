//! The figures of a collector, as Prometheus reads them.

use crate::failure::Failure;
use spanbridge_relay::collect::CollectFigures;
use std::net::SocketAddr;
use std::sync::Arc;

#[cfg(feature = "serve")]
pub(super) fn answer(address: SocketAddr, figures: Arc<CollectFigures>) -> Result<(), Failure> {
    let listening = spanbridge_cli::metrics::listen(address, move || text(&figures.totals()));
    let address = listening.map_err(|e| Failure::io(format_args!("listen on {address}"), &e))?;
    crate::stream::note(&format!("metrics at http://{address}/metrics"));
    Ok(())
}

#[cfg(not(feature = "serve"))]
pub(super) fn answer(_: SocketAddr, _: Arc<CollectFigures>) -> Result<(), Failure> {
    Err(Failure::Usage(spanbridge_cli::place::not_built("answer with metrics", "serve").to_string()))
}

#[cfg(feature = "serve")]
fn text(totals: &spanbridge_relay::collect::Totals) -> String {
    let mut text = spanbridge_cli::metrics::Text::of("collect");
    text.family("lag_messages", "gauge", "Messages of a partition that are not stored yet.");
    for (number, partition) in &totals.partitions {
        if let Some(lag) = partition.lag() {
            text.value("lag_messages", &format!("{{partition=\"{number}\"}}"), lag);
        }
    }
    text.one("partitions", "gauge", "Partitions that this collector has.", totals.partitions.len());
    for (name, help, value) in [
        ("messages_total", "Messages whose records are stored.", totals.messages),
        ("bytes_total", "Bytes of the values of these messages.", totals.bytes),
        ("records_total", "Records that were read in messages.", totals.records),
        ("stored_records_total", "Records that were stored. A database may have had some of them.", totals.stored),
        ("repeated_records_total", "Records that were there already, as far as known.", totals.repeated),
        (
            "conflicting_records_total",
            "Records that contradict others of the same id, as far as known.",
            totals.conflicts,
        ),
        ("late_records_total", "Records that were not stored, because their runs were pruned.", totals.late),
        ("set_aside_messages_total", "Messages that went to the dead-letter topic.", totals.set_aside),
        ("lost_messages_total", "Messages that the topic's retention removed before they were read.", totals.lost),
        ("batches_total", "Batches that were stored.", totals.batches),
        ("given_up_batches_total", "Batches that were left to whoever has their partitions next.", totals.given_up),
        ("retries_total", "Failed attempts to store a batch or a dead letter.", totals.retries),
        ("commits_total", "Commits of offsets.", totals.commits),
        ("failed_commits_total", "Commits of offsets that failed, and were tried again.", totals.failed_commits),
        ("rebalances_total", "Times that partitions came or went.", totals.rebalances),
    ] {
        text.one(name, "counter", help, value);
    }
    text.one("decode_seconds_total", "counter", "Time that reading records took.", totals.decoding.as_secs_f64());
    text.one("store_seconds_total", "counter", "Time that storing records took.", totals.storing.as_secs_f64());
    text.into_string()
}
