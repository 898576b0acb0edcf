//! How much a store may keep.

use std::env;
use std::ffi::OsString;
use std::time::Duration;

const MIB: u64 = 1 << 20;
const HOUR: Duration = Duration::from_secs(3600);

/// How much the log files of a store may hold, and when a writer begins another file.
///
/// Log files that were folded into an index are removed by whoever folds. These limits are for when nobody asks questions, so that a
/// service that records for months does not fill the disk. Each writer keeps them for the whole directory, files of dead processes
/// included: when it begins a file, it removes the oldest closed ones that are too many or too old. What was removed is recorded
/// as a diagnostic, `store.logs_removed`.
///
/// ```
/// use spanbridge_store::Limits;
/// use std::time::Duration;
///
/// let limits = Limits::new().max_bytes(256 << 20).max_age(Duration::from_secs(7 * 86_400));
/// assert_eq!(limits, limits.clone());
/// ```
///
/// | limit | default | why |
/// |---|---|---|
/// | [`max_bytes`](Limits::max_bytes) | 1 GiB | about ten million spans |
/// | [`max_age`](Limits::max_age) | 30 days | a run that waits for weeks still has its beginning |
/// | [`file_bytes`](Limits::file_bytes) | 32 MiB | large enough that few files are open or listed, small enough that removing one frees what is needed and no more |
/// | [`file_age`](Limits::file_age) | 1 hour | a writer that records little closes its files, too, so that they can be folded and removed |
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    pub(super) max_bytes: u64,
    pub(super) max_age: Duration,
    file_bytes: u64,
    pub(crate) file_age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 1024 * MIB, max_age: 30 * 24 * HOUR, file_bytes: 32 * MIB, file_age: HOUR }
    }
}

impl Limits {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The limits that the environment sets, and a line for each variable that is not understood and ignored.
    ///
    /// | variable | example | limit |
    /// |---|---|---|
    /// | `SPANBRIDGE_MAX_BYTES` | `500M`, `2GiB`, `1000000` | [`max_bytes`](Limits::max_bytes). `K`, `M`, `G` and `T` are powers of 1024 |
    /// | `SPANBRIDGE_MAX_AGE` | `90d`, `12h`, `30m`, `45s` | [`max_age`](Limits::max_age) |
    ///
    /// An empty variable counts as not set.
    pub fn from_env() -> (Self, Vec<String>) {
        Self::of(|name| env::var_os(name))
    }

    /// The same, from elsewhere: `look_up` gives the value of a name.
    fn of(look_up: impl Fn(&str) -> Option<OsString>) -> (Self, Vec<String>) {
        let (mut limits, mut problems) = (Self::default(), Vec::new());
        let mut read = |name: &str, what: &str, set: &mut dyn FnMut(&str) -> Option<()>| {
            let Some(value) = look_up(name).filter(|value| !value.is_empty()) else { return };
            if value.to_str().map(str::trim).and_then(set).is_none() {
                problems.push(format!("{name} is ignored: it is not {what}"));
            }
        };
        read("SPANBRIDGE_MAX_BYTES", "a number of bytes, such as `500M`", &mut |text| {
            limits.max_bytes = bytes(text)?;
            Some(())
        });
        read("SPANBRIDGE_MAX_AGE", "a time, such as `30d` or `12h`", &mut |text| {
            limits.max_age = time(text)?;
            Some(())
        });
        (limits, problems)
    }

    /// Maximum bytes of all log files in the directory. One writer keeps within it; each further one may exceed it by the size of a
    /// file, because it looks when it begins one. `u64::MAX`: no limit.
    pub fn max_bytes(self, max_bytes: u64) -> Self {
        Self { max_bytes, ..self }
    }

    /// Maximum time since a file was last written. `Duration::MAX`: no limit.
    pub fn max_age(self, max_age: Duration) -> Self {
        Self { max_age, ..self }
    }

    /// Bytes after which a writer begins another file. If that is more than an eighth of [`max_bytes`](Limits::max_bytes), the eighth
    /// counts.
    pub fn file_bytes(self, file_bytes: u64) -> Self {
        Self { file_bytes, ..self }
    }

    /// Time after which a writer begins another file.
    pub fn file_age(self, file_age: Duration) -> Self {
        Self { file_age, ..self }
    }

    /// Bytes after which another file is begun.
    pub(crate) fn of_a_file(&self) -> u64 {
        self.file_bytes.min(self.max_bytes / 8)
    }
}

/// A whole number and the unit after it.
fn quantity(text: &str) -> Option<(u64, &str)> {
    let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..unit].parse().ok()?, text[unit..].trim_start()))
}

fn bytes(text: &str) -> Option<u64> {
    let (n, unit) = quantity(text)?;
    let unit = unit.to_ascii_uppercase();
    let power = match unit.strip_suffix("IB").or(unit.strip_suffix('B')).unwrap_or(&unit) {
        "" => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return None,
    };
    n.checked_mul(1 << (10 * power))
}

fn time(text: &str) -> Option<Duration> {
    let (n, unit) = quantity(text)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(n.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_sets_limits() {
        let read = |max_bytes: &str, max_age: &str| {
            let (limits, problems) = Limits::of(|name| {
                Some(match name {
                    "SPANBRIDGE_MAX_BYTES" => max_bytes.into(),
                    "SPANBRIDGE_MAX_AGE" => max_age.into(),
                    _ => return None,
                })
            });
            (limits.max_bytes, limits.max_age.as_secs(), problems.len())
        };
        let (bytes, seconds) = (1 << 30, 30 * 86_400);
        assert_eq!(read("", ""), (bytes, seconds, 0));
        assert_eq!(read("1000", "45s"), (1000, 45, 0));
        assert_eq!(read("500M", "30m"), (500 << 20, 1800, 0));
        assert_eq!(read("2GiB", " 12h "), (2 << 30, 43_200, 0));
        assert_eq!(read("3 kb", "90 d"), (3072, 90 * 86_400, 0));
        for wrong in ["much", "-1", "1.5G", "5 miles", "99999999999999999999", "9999999999T", "G"] {
            assert_eq!(read(wrong, ""), (bytes, seconds, 1), "{wrong}");
        }
        for wrong in ["30", "forever", "1w", "-1d", "999999999999999999d", "d"] {
            assert_eq!(read("", wrong), (bytes, seconds, 1), "{wrong}");
        }
        let (_, problems) = Limits::of(|name| (name == "SPANBRIDGE_MAX_AGE").then(|| "soon".into()));
        assert_eq!(problems, ["SPANBRIDGE_MAX_AGE is ignored: it is not a time, such as `30d` or `12h`"]);
    }
}
