//! Durations and times as people read them.

/// A length of time in at most seven columns: three digits and a unit (`12.3 ms`), or the two largest units (`1m 02s`).
pub(crate) fn duration(nanos: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("ns", 1), ("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000)];
    for (unit, size) in UNITS {
        // If rounding would give "1000 µs", the next unit is used.
        let limit = if unit == "s" { 59_950_000_000 } else { size * 1000 - size / 2 };
        if nanos >= limit {
            continue;
        }
        if size == 1 {
            return format!("{nanos} ns");
        }
        let value = nanos as f64 / size as f64;
        let digits = if value < 9.995 {
            2
        } else if value < 99.95 {
            1
        } else {
            0
        };
        return format!("{value:.digits$} {unit}");
    }
    let seconds = nanos / 1_000_000_000 + u64::from(nanos % 1_000_000_000 >= 500_000_000);
    let (m, h, d) = (seconds / 60, seconds / 3600, seconds / 86400);
    match () {
        () if h == 0 => format!("{m}m {:02}s", seconds % 60),
        () if d == 0 => format!("{h}h {:02}m", m % 60),
        () if d < 1000 => format!("{d}d {:02}h", h % 24),
        () => format!("{d}d"),
    }
}

/// A time, in nanoseconds since the Unix epoch, as a date and a time of day in UTC.
///
/// 0 stands for a time that nobody recorded.
pub(crate) fn instant(nanos: u64) -> String {
    if nanos == 0 {
        return "time not known".into();
    }
    match jiff::Timestamp::from_nanosecond(i128::from(nanos)) {
        Ok(t) => t.strftime("%Y-%m-%d %H:%M:%S%.3f UTC").to_string(),
        Err(_) => format!("{nanos} ns"),
    }
}

/// How long ago something was, in one unit. `in the future` if clocks disagree by more than a second.
pub(crate) fn ago(then: u64, now: u64) -> String {
    if then == 0 {
        return "unknown".into();
    }
    if then > now + 1_000_000_000 {
        return "in the future".into();
    }
    let s = now.saturating_sub(then) / 1_000_000_000;
    match s {
        0 => "just now".into(),
        1..=119 => format!("{s}s ago"),
        120..=7199 => format!("{}m ago", s / 60),
        7200..=172_799 => format!("{}h ago", s / 3600),
        _ => format!("{}d ago", s / 86400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_a_unit() {
        for (nanos, text) in [
            (0, "0 ns"),
            (850, "850 ns"),
            (12_345_678, "12.3 ms"),
            (62_000_000_000, "1m 02s"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (9_994_999, "9.99 ms"),
            (9_995_000, "10.0 ms"),
            (42_000_000, "42.0 ms"),
            (1_234_000_000, "1.23 s"),
            (59_940_000_000, "59.9 s"),
            (59_960_000_000, "1m 00s"),
            (3_599_400_000_000, "59m 59s"),
            (3_600_000_000_000, "1h 00m"),
            (93_600_000_000_000, "1d 02h"),
            (u64::MAX, "213503d"),
        ] {
            assert_eq!(duration(nanos), text, "{nanos}");
            assert!(duration(nanos).chars().count() <= 7);
        }
    }

    #[test]
    fn times_are_in_utc() {
        assert_eq!(instant(1_795_166_746_250_000_000), "2026-11-20 09:25:46.250 UTC");
    }

    #[test]
    fn ago_in_one_unit() {
        const S: u64 = 1_000_000_000;
        assert_eq!(ago(S, S), "just now");
        assert_eq!(ago(S, 91 * S), "90s ago");
        assert_eq!(ago(S, (3 * 3600 + 1) * S), "3h ago");
        assert_eq!(ago(10 * S, 0), "in the future");
        assert_eq!(ago(S, (400 * 86400 + 1) * S), "400d ago");
        // Nobody recorded a time.
        assert_eq!((ago(0, 90 * S).as_str(), instant(0).as_str()), ("unknown", "time not known"));
    }
}
