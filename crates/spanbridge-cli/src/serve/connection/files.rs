//! How many connections there is room for.

/// More are of no use to anybody.
const MAX_CONNECTIONS: usize = 4096;

/// Files that the store and everything else may need.
const RESERVED: usize = 256;

/// How many connections may be open, so that enough open files are left for the store. Raises the limit of this process as far as it
/// may.
#[cfg(unix)]
pub(super) fn max_connections() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = (MAX_CONNECTIONS + RESERVED) as u64;
    let raised = limit.maximum.map_or(wanted, |most| most.min(wanted));
    let now = limit.current.unwrap_or(wanted);
    let raise = || setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum });
    let files = if now < raised && raise().is_ok() { raised } else { now };
    room(usize::try_from(files).unwrap_or(usize::MAX))
}

#[cfg(not(unix))]
pub(super) fn max_connections() -> usize {
    MAX_CONNECTIONS
}

/// How many of these open files may be connections: all but the reserved ones, or half of few.
fn room(files: usize) -> usize {
    files.saturating_sub(RESERVED).max(files / 2).clamp(1, MAX_CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_left_for_the_store() {
        for (files, expected) in [(1024, 768), (256, 128), (10, 5), (0, 1), (20_000, 4096), (usize::MAX, 4096)] {
            assert_eq!(room(files), expected, "{files}");
        }
    }
}
