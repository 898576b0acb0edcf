//! The figures of a shipper, as Prometheus reads them.

use crate::failure::Failure;
use spanbridge_relay::ship::Figures;
use std::net::SocketAddr;
use std::sync::Arc;

#[cfg(feature = "serve")]
pub(super) fn answer(address: SocketAddr, figures: Arc<Figures>) -> Result<(), Failure> {
    let listening = spanbridge_cli::metrics::listen(address, move || text(&figures));
    let address = listening.map_err(|e| Failure::io(format_args!("listen on {address}"), &e))?;
    crate::stream::note(&format!("metrics at http://{address}/metrics"));
    Ok(())
}

#[cfg(not(feature = "serve"))]
pub(super) fn answer(_: SocketAddr, _: Arc<Figures>) -> Result<(), Failure> {
    Err(Failure::Usage(spanbridge_cli::place::not_built("answer with metrics", "serve").to_string()))
}

#[cfg(feature = "serve")]
fn text(figures: &Figures) -> String {
    use std::sync::atomic::Ordering::Relaxed;
    let mut text = spanbridge_cli::metrics::Text::of("ship");
    for (name, kind, help, value) in [
        ("backlog_bytes", "gauge", "Bytes of logs that have not arrived.", &figures.backlog_bytes),
        ("away", "gauge", "1 if records wait because the place does not take them.", &figures.away),
        ("records_total", "counter", "Records that have arrived.", &figures.records),
        ("log_bytes_total", "counter", "Bytes of logs whose records have arrived.", &figures.bytes),
        ("batches_total", "counter", "Batches that have arrived.", &figures.batches),
        ("retries_total", "counter", "Times that a batch did not arrive and is sent again.", &figures.retries),
        ("rejected_records_total", "counter", "Records that can never arrive.", &figures.rejected),
        ("lost_logs", "gauge", "Logs removed before they were sent, since it ran first.", &figures.lost_logs),
        ("lost_bytes", "gauge", "Their bytes, as far as known.", &figures.lost_bytes),
        ("damaged_bytes", "gauge", "Bytes of logs that cannot be read, since it ran first.", &figures.damaged_bytes),
    ] {
        text.one(name, kind, help, value.load(Relaxed));
    }
    text.into_string()
}
