//! Ticks on the hot path, nanoseconds since the epoch on the delivering thread.
//!
//! Every delivery takes an anchor (ticks, wall clock). Records are at most one interval old, so they lie between two
//! anchors and are interpolated: no calibration loop at start-up, no drift. A tick counter that jumped (suspend, live
//! migration) or a wall clock that was set shows as a slope that cannot be: then the last good rate is used.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

static TSC: AtomicBool = AtomicBool::new(false);
static BASE: OnceLock<Instant> = OnceLock::new();
/// The latest rate that a delivery has measured, as in [`Clock`]. 0: none yet.
static RATE: AtomicU64 = AtomicU64::new(0);
/// Taken when the counter was chosen, for a rate before the first delivery.
static FIRST: OnceLock<(Instant, u64)> = OnceLock::new();

/// Now. Never zero; the top three bits are never set.
#[inline(always)]
pub(crate) fn ticks() -> u64 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if TSC.load(Relaxed) {
        // SAFETY: rdtsc is there on every x86-64.
        return unsafe { core::arch::x86_64::_rdtsc() };
    }
    os_ticks()
}

#[cold]
fn os_ticks() -> u64 {
    BASE.get_or_init(Instant::now).elapsed().as_nanos() as u64 + 1
}

/// Takes the processor's counter only if the processor calls it invariant and the kernel trusts it: the kernel
/// measures the skew between cores, and virtual machines lie.
pub(crate) fn init() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        BASE.get_or_init(Instant::now);
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        TSC.store(invariant_tsc() && kernel_trusts_tsc(), Relaxed);
        FIRST.get_or_init(|| (Instant::now(), ticks()));
    });
}

/// The ticks of a moment in the past. Never zero.
pub(crate) fn ticks_before(ago: Duration) -> u64 {
    let now = ticks();
    let since_first = || {
        let (first, ticks) = FIRST.get()?;
        rate(now.checked_sub(*ticks)?, first.elapsed().as_nanos().try_into().ok()?)
    };
    let rate = match RATE.load(Relaxed) {
        // Nanoseconds, unless there is a counter.
        _ if !TSC.load(Relaxed) => 1 << 32,
        0 => since_first().unwrap_or(1 << 32),
        measured => measured,
    };
    let back = (ago.as_nanos() << 32) / u128::from(rate.max(1));
    now.saturating_sub(back.try_into().unwrap_or(u64::MAX)).max(1)
}

/// Nanoseconds a tick, 32.32 fixed point. `None`: time or ticks have not moved.
fn rate(ticks: u64, ns: u64) -> Option<u64> {
    (ticks > 0 && ns > 0).then(|| ((u128::from(ns) << 32) / u128::from(ticks)) as u64)
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
fn invariant_tsc() -> bool {
    use core::arch::x86_64::__cpuid;
    #[allow(clippy::allow_attributes, unused_unsafe, reason = "__cpuid is safe since Rust 1.94")]
    // SAFETY: cpuid is there on every x86-64.
    unsafe {
        __cpuid(0x8000_0000).eax >= 0x8000_0007 && __cpuid(0x8000_0007).edx & 1 << 8 != 0
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
fn kernel_trusts_tsc() -> bool {
    std::fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource")
        .map_or(!cfg!(target_os = "linux"), |s| matches!(s.trim(), "tsc" | "kvm-clock"))
}

/// Nanoseconds since the epoch, by the wall clock.
pub(crate) fn wall() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64)
}

/// One moment by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor {
    pub(crate) ticks: u64,
    pub(crate) ns: u64,
}

impl Anchor {
    /// The narrowest of five brackets: an interrupt in between is seen and thrown away.
    pub(crate) fn now() -> Self {
        let bracket = || {
            let a = ticks();
            let ns = wall();
            let width = ticks().wrapping_sub(a);
            (width, Anchor { ticks: a.wrapping_add(width / 2), ns })
        };
        (0..4).map(|_| bracket()).fold(bracket(), |best, x| if x.0 < best.0 { x } else { best }).1
    }
}

/// The conversion for one delivery. Rates are nanoseconds a tick, 32.32 fixed point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    first: Anchor,
    last: Anchor,
    at: Anchor,
    rate: i64,
    /// The rate over all the time since `first`; 0 before there is one.
    long: u64,
}

impl Clock {
    pub(crate) fn new(anchor: Anchor) -> Self {
        Clock { first: anchor, last: anchor, at: anchor, rate: 1 << 32, long: 0 }
    }

    /// Moves on to `now`; afterwards ticks between the two latest anchors are interpolated.
    pub(crate) fn advance(&mut self, now: Anchor) {
        let slope = |a: Anchor| rate(now.ticks.saturating_sub(a.ticks), now.ns.saturating_sub(a.ns));
        let off_by = |s: u64| (u128::from(s.abs_diff(self.long)) * u128::from(now.ticks - self.last.ticks)) >> 32;
        match slope(self.last) {
            Some(s) if self.long == 0 || off_by(s) < 1_000_000 || s.abs_diff(self.long) < self.long / 2000 => {
                (self.at, self.rate) = (self.last, s as i64);
                self.long = slope(self.first).unwrap_or(s);
            }
            _ => {
                // A jump: count on from the side that can be trusted, and start over from here.
                self.at = if now.ticks > self.last.ticks { self.last } else { now };
                self.rate = if self.long == 0 { 1 << 32 } else { self.long as i64 };
                self.first = now;
            }
        }
        self.last = now;
    }

    /// Starts over from `now`, where both clocks may have jumped. The rate is the machine's, and stays until it is measured.
    pub(crate) fn restart(&mut self, now: Anchor) {
        (self.first, self.last, self.at) = (now, now, now);
        self.rate = if self.long == 0 { 1 << 32 } else { self.long as i64 };
        self.long = 0
    }

    /// Has [`ticks_before`] use this clock's rate.
    pub(crate) fn publish_rate(&self) {
        RATE.store(self.long, Relaxed)
    }

    /// The latest anchor, in nanoseconds since the epoch.
    pub(crate) fn latest(&self) -> u64 {
        self.last.ns
    }

    /// Nanoseconds since the epoch.
    #[inline]
    pub(crate) fn ns(&self, ticks: u64) -> u64 {
        let off = (ticks.wrapping_sub(self.at.ticks) as i64 as i128 * self.rate as i128) >> 32;
        self.at.ns.wrapping_add(off as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_of_either_clock_are_bridged() {
        let at = |ticks, ns| Anchor { ticks, ns };
        let mut c = Clock::new(at(1_000, 5_000_000_000));
        c.advance(at(2_000_001_000, 6_000_000_000)); // 2 GHz
        assert_eq!(c.ns(1_000_001_000), 5_500_000_000);
        c.advance(at(4_000_001_000, 3_607_000_000_000)); // the wall clock was set an hour ahead: count on
        assert_eq!(c.ns(4_000_001_000), 7_000_000_000);
        c.advance(at(6_000_001_000, 3_608_000_000_000));
        assert_eq!(c.ns(5_000_001_000), 3_607_500_000_000);
        c.advance(at(1_000, 3_700_000_000_000)); // the counter was reset by a suspend: from the new side
        assert_eq!(c.ns(2_000_001_000), 3_701_000_000_000);
    }

    #[test]
    fn a_restored_process_starts_over() {
        let at = |ticks, ns| Anchor { ticks, ns };
        let mut c = Clock::new(at(1_000, 5_000_000_000));
        c.advance(at(2_000_001_000, 6_000_000_000)); // 2 GHz
        c.restart(at(2_000_002_000, 86_400_000_000_000)); // a day later, elsewhere
        assert_eq!(c.ns(2_000_001_000), 86_399_999_999_500, "what was recorded just before");
        c.advance(at(6_000_002_000, 86_401_000_000_000)); // where the counter runs at 4 GHz
        assert_eq!(c.ns(4_000_002_000), 86_400_500_000_000);
    }
}
