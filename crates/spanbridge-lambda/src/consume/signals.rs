//! SIGTERM: Lambda sends it before it shuts an environment down, if the function has an extension.

use spanbridge::ContextExt;
use std::time::Duration;

/// Lambda kills a process 500 ms after SIGTERM if its extension is internal.
const WITHIN: Duration = Duration::from_millis(400);

/// On SIGTERM everything is delivered; then the process ends, unless somebody else has set up what it does on SIGTERM by
/// now: then it is theirs to end.
#[cfg(unix)]
pub(crate) fn flush_on_sigterm() {
    use tokio::signal::unix::{SignalKind, signal};

    if tokio::runtime::Handle::try_current().is_err() {
        return; // whose executor is another will have its own way
    }
    let was = Disposition::of_sigterm();
    if was == Disposition::Ignored {
        return;
    }
    let Ok(mut sigterm) = signal(SignalKind::terminate()) else { return };
    let wait = async move {
        while sigterm.recv().await.is_some() {
            spanbridge::flush(WITHIN).await;
            if was == Disposition::Default {
                std::process::exit(0)
            }
        }
    };
    tokio::spawn(wait.in_current_context());
}

#[cfg(not(unix))]
pub(crate) fn flush_on_sigterm() {}

/// What the process did on SIGTERM before us.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(not(unix), expect(dead_code, reason = "there are no such signals"))]
enum Disposition {
    /// It ended.
    Default,
    Handled,
    Ignored,
}

#[cfg_attr(not(unix), expect(dead_code, reason = "there are no such signals"))]
impl Disposition {
    /// As Linux says it. Where that is not to be had, somebody may have a handler: we do not end the process.
    fn of_sigterm() -> Self {
        std::fs::read_to_string("/proc/self/status").map_or(Disposition::Handled, |status| Disposition::read(&status))
    }

    fn read(status: &str) -> Self {
        const SIGTERM: u32 = 15;
        let has = |name: &str| {
            let mask = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(u64::from_str_radix(mask.trim(), 16).ok()? >> (SIGTERM - 1) & 1 == 1)
        };
        match (has("SigIgn:"), has("SigCgt:")) {
            (Some(true), _) => Disposition::Ignored,
            (Some(false), Some(false)) => Disposition::Default,
            _ => Disposition::Handled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disposition_is_read_from_the_masks() {
        let status = |ignored: &str, caught: &str| format!("Name:\tf\nSigIgn:\t{ignored}\nSigCgt:\t{caught}\n");
        assert_eq!(Disposition::read(&status("0000000000001000", "0000000180000440")), Disposition::Default);
        assert_eq!(Disposition::read(&status("0000000000001000", "0000000180004440")), Disposition::Handled);
        assert_eq!(Disposition::read(&status("0000000000004000", "0000000180000440")), Disposition::Ignored);
        assert_eq!(Disposition::read("nonsense"), Disposition::Handled);
    }
}
