//! Code that the examples share: the store that they record to, connections to RabbitMQ and Kafka, a custom transport
//! ([`mailbox`]), and Lambda's APIs on this machine (`local_lambda`).

pub mod broker;
pub mod kafka;
#[cfg(unix)]
pub mod local_lambda;
pub mod mailbox;

use anyhow::Context as _;
use spanbridge::Recorder;
use spanbridge_store::StoreSink;
use std::path::PathBuf;
use std::time::Duration;

// The store option of every example. (No doc comment: clap would show it as the program's description.)
#[expect(missing_docs, reason = "see above")]
#[derive(clap::Args, Clone, Debug)]
pub struct Records {
    /// The store [default: spanbridge/store in the user's data directory]
    #[arg(long = "db", env = "SPANBRIDGE_DB", value_name = "PATH")]
    pub path: Option<PathBuf>,
}

impl Records {
    /// The store of the command line or of `SPANBRIDGE_DB`, else the default one.
    pub fn path(&self) -> anyhow::Result<PathBuf> {
        Ok(match &self.path {
            Some(path) => path.clone(),
            None => spanbridge_store::default_path().context("failed to find the store")?,
        })
    }

    /// A recorder for the named service, with the store as its sink.
    pub fn recorder(&self, service: &str) -> anyhow::Result<spanbridge::RecorderBuilder> {
        let sink = StoreSink::open(self.path()?).map_err(|e| anyhow::anyhow!("failed to {e}"))?;
        Ok(Recorder::builder(service).sink(sink))
    }
}

/// Shuts a recorder down. If records were lost, reports it on standard error.
pub fn finish(recorder: Recorder) {
    let report = recorder.shutdown(Duration::from_secs(5));
    for sink in report.sinks.iter().filter(|s| s.left + s.rejected + s.dropped > 0) {
        let lost = sink.left + sink.rejected + sink.dropped;
        let why = sink.last_error.as_ref().map_or("it was too slow".to_owned(), |error| format!("failed to {error}"));
        eprintln!("{lost} records did not reach the {}: {why}", sink.name);
    }
}

/// A future that resolves on SIGINT or SIGTERM. Create it once, before the work begins: a signal that arrives between polls
/// is not lost.
#[cfg(unix)]
pub fn shutdown_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// A future that resolves on Ctrl-C.
#[cfg(not(unix))]
pub fn shutdown_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
