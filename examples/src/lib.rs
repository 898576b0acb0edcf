//! What the examples share: where records go, and an in-process queue as a boundary of one's own.

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

// Where records go. (No doc comment: clap would take it for the program's.)
#[expect(missing_docs, reason = "see above")]
#[derive(clap::Args, Clone, Debug)]
pub struct Records {
    /// The store file [default: the user's data directory]
    #[arg(long = "db", env = "SPANBRIDGE_DB", value_name = "PATH")]
    pub path: Option<PathBuf>,
}

impl Records {
    /// The store file that was named, or the default one.
    pub fn path(&self) -> anyhow::Result<PathBuf> {
        Ok(match &self.path {
            Some(path) => path.clone(),
            None => spanbridge_store::default_path().context("failed to find the store")?,
        })
    }

    /// A recorder for a service of this name, with the store as its sink.
    pub fn recorder(&self, service: &str) -> anyhow::Result<spanbridge::RecorderBuilder> {
        let sink = StoreSink::open(self.path()?).map_err(|e| anyhow::anyhow!("failed to {e}"))?;
        Ok(Recorder::builder(service).sink(sink))
    }
}

/// Ends a recorder and says so on standard error if records were lost.
pub fn finish(recorder: Recorder) {
    let report = recorder.shutdown(Duration::from_secs(5));
    for sink in report.sinks.iter().filter(|s| s.left + s.rejected + s.dropped > 0) {
        let (lost, why) = (sink.left + sink.rejected + sink.dropped, sink.last_error.as_deref().unwrap_or("too slow"));
        eprintln!("{lost} records did not reach the {}: failed to {why}", sink.name);
    }
}

/// Resolves when somebody wants this process to end. One of these for all the time: a signal that comes while nobody
/// polls counts, too.
#[cfg(unix)]
pub fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves when somebody wants this process to end. One of these for all the time: a signal that comes while nobody
/// polls counts, too.
#[cfg(not(unix))]
pub fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
