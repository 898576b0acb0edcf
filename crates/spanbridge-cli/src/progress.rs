//! A line on standard error that says how far something is. Only on a terminal, and only if it takes long.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// What takes less time needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often the line changes.
const INTERVAL: Duration = Duration::from_millis(100);

/// The columns of the bar.
const BAR: usize = 24;

/// The line. It is gone once this is dropped.
pub(crate) struct Progress {
    is_shown: bool,
    drawn: bool,
    next: Instant,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let is_shown = io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { is_shown, drawn: false, next: Instant::now() + PATIENCE }
    }

    /// Says that so much of it is done. `units` writes a number, such as `3 runs`.
    pub(crate) fn show(&mut self, what: &str, done: u64, total: u64, units: impl Fn(u64) -> String) {
        let now = Instant::now();
        if !self.is_shown || now < self.next {
            return;
        }
        self.next = now + INTERVAL;
        self.drawn = true;
        let _ = write!(io::stderr(), "\r\x1b[K{}", line(what, done, total, units));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(what: &str, done: u64, total: u64, units: impl Fn(u64) -> String) -> String {
    if total == 0 {
        return format!("{what}: {}", units(done));
    }
    let share = (done as f64 / total as f64).min(1.0);
    let full = (share * BAR as f64) as usize;
    let bar: String = (0..BAR).map(|n| if n < full { '█' } else { '░' }).collect();
    format!("{what} {bar} {:3.0} %  {} of {}", share * 100.0, units(done), units(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is() {
        let units = |n: u64| format!("{n} B");
        assert_eq!(line("folding", 5, 20, units), "folding ██████░░░░░░░░░░░░░░░░░░  25 %  5 B of 20 B");
        assert_eq!(line("folding", 30, 20, units), "folding ████████████████████████ 100 %  30 B of 20 B");
        assert_eq!(line("folding", 30, 0, units), "folding: 30 B");
    }
}
