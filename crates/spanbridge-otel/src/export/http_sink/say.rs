//! What the sink says on stderr: a service that drops its recorder never sees the report.

use std::fmt;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// A server that starts again is no trouble.
const PATIENCE: Duration = Duration::from_secs(1);

/// What went wrong, and what was said of it. Each kind of trouble gets one line in the life of a sink.
#[derive(Default)]
pub(super) struct Troubles {
    said_rejected: bool,
    said_waiting: bool,
    waiting: Option<Waiting>,
}

/// Records wait to be sent again.
struct Waiting {
    since: Instant,
    why: String,
}

impl Troubles {
    /// The server took nothing of a batch.
    pub(super) fn rejected(&mut self, place: &str, why: &str) {
        if !std::mem::replace(&mut self.said_rejected, true) {
            say(format_args!("records are not stored at {place}, and lost: {why}"));
        }
    }

    /// A delivery that began then has ended, and this is why records of it wait, if any do.
    pub(super) fn waits(&mut self, begun: Instant, why: Option<&str>) {
        let since = self.waiting.as_ref().map_or(begun, |waiting| waiting.since);
        self.waiting = why.map(|why| Waiting { since, why: why.to_owned() });
        if why.is_some() && since.elapsed() >= PATIENCE {
            self.say_waiting("records wait to be sent");
        }
    }

    fn say_waiting(&mut self, what: &str) {
        let Some(waiting) = &self.waiting else { return };
        if !std::mem::replace(&mut self.said_waiting, true) {
            say(format_args!("{what}: {}", waiting.why));
        }
    }
}

/// What waits when the sink ends is never sent.
impl Drop for Troubles {
    fn drop(&mut self) {
        self.say_waiting("records were not sent, and are lost");
    }
}

/// In one piece, so that other threads' lines do not break it. A closed stderr is no reason to panic.
fn say(what: fmt::Arguments<'_>) {
    let _ = io::stderr().write_all(format!("spanbridge: {what}\n").as_bytes());
}
