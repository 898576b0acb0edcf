//! Times as text: RFC 3339 in JSON, nanoseconds since the Unix epoch in memory.
//!
//! No date library is needed: records hold only UTC between 1970 and 2554. Records of others may have more digits behind
//! the second than such libraries accept.

const NANOS: u64 = 1_000_000_000;
const DAY: u64 = 86_400;
/// Days from 1 March of year 0 to the Unix epoch. Years that begin in March have their leap day last.
const EPOCH: i64 = 719_468;
/// Days in 400 years.
const ERA: i64 = 146_097;

/// The time in UTC with nine digits behind the second, as records have it: `2026-11-20T09:25:45.000000001Z`
/// ([RFC 3339, section 5.6](https://www.rfc-editor.org/rfc/rfc3339#section-5.6)).
///
/// `nanos` counts from the Unix epoch. Every value has a form; the last is in the year 2554.
pub fn format_time(nanos: u64) -> String {
    String::from_utf8_lossy(&text(nanos)).into_owned()
}

/// [`format_time`] into a buffer.
pub(super) fn put_time(nanos: u64, out: &mut String) {
    out.push_str(std::str::from_utf8(&text(nanos)).unwrap_or_default());
}

fn text(nanos: u64) -> [u8; 30] {
    let seconds = nanos / NANOS;
    let (year, month, day) = civil((seconds / DAY) as i64);
    let mut out = *b"0000-00-00T00:00:00.000000000Z";
    let mut put = |at: usize, digits: usize, mut value: u64| {
        for place in (at..at + digits).rev() {
            out[place] = b'0' + (value % 10) as u8;
            value /= 10;
        }
    };
    put(0, 4, year);
    put(5, 2, month);
    put(8, 2, day);
    put(11, 2, seconds / 3600 % 24);
    put(14, 2, seconds / 60 % 60);
    put(17, 2, seconds % 60);
    put(20, 9, nanos % NANOS);
    out
}

/// Nanoseconds since the Unix epoch, from an RFC 3339 time with any offset and any number of digits behind the second.
/// Digits beyond the ninth are dropped. `None`: it is not such a time, or it is before 1970 or after 2554.
pub fn parse_time(text: &str) -> Option<u64> {
    let text = text.as_bytes();
    let number = |at: usize, digits: usize| {
        text.get(at..at + digits)?.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + (b - b'0') as i64))
    };
    let punctuation = (*text.get(4)?, *text.get(7)?, *text.get(10)?, *text.get(13)?, *text.get(16)?);
    if !matches!(punctuation, (b'-', b'-', b'T' | b't' | b' ', b':', b':')) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    // Second 60 is a leap second, which Unix time counts as the next second.
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut at = 19;
    let mut nanos = 0;
    if text.get(at) == Some(&b'.') {
        at += 1;
        let digits = text[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        nanos = number(at, digits.min(9))? * 10_i64.pow(9 - digits.min(9) as u32);
        at += digits;
    }
    let offset = match *text.get(at)? {
        b'Z' | b'z' if text.len() == at + 1 => 0,
        sign @ (b'+' | b'-') if text.len() == at + 6 && text.get(at + 3) == Some(&b':') => {
            let (hours, minutes) = (number(at + 1, 2)?, number(at + 4, 2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if sign == b'+' { 60 } else { -60 }
        }
        _ => return None,
    };
    let seconds = days_since_epoch(year, month, day) * DAY as i64 + hour * 3600 + minute * 60 + second - offset;
    u64::try_from(seconds).ok()?.checked_mul(NANOS)?.checked_add(nanos as u64)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Year, month and day from days since the epoch: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn civil(days: i64) -> (u64, u64, u64) {
    let days = days + EPOCH;
    let (era, day_of_era) = (days / ERA, days % ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as u64, month as u64, day as u64)
}

/// Days since the epoch from year, month and day. Negative before 1970.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - EPOCH
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_times() {
        for (nanos, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (951_782_400 * NANOS + 1, "2000-02-29T00:00:00.000000001Z"),
            (1_795_166_745_123_456_789, "2026-11-20T09:25:45.123456789Z"),
            (u64::MAX, "2554-07-21T23:34:33.709551615Z"),
        ] {
            assert_eq!(format_time(nanos), text);
            assert_eq!(parse_time(text), Some(nanos));
        }
    }

    #[test]
    fn forms_of_others() {
        let expected = Some(1_795_166_745 * NANOS);
        for text in [
            "2026-11-20T09:25:45Z",
            "2026-11-20t09:25:45z",
            "2026-11-20 09:25:45.0Z",
            "2026-11-20T10:25:45+01:00",
            "2026-11-19T23:55:45-09:30",
            "2026-11-20T09:25:45.000000000999999999999999Z",
            "2026-11-20T09:25:45-00:00",
        ] {
            assert_eq!(parse_time(text), expected, "{text}");
        }
        assert_eq!(parse_time("2026-11-20T09:25:45.5Z"), expected.map(|n| n + NANOS / 2));
        assert_eq!(parse_time("2016-12-31T23:59:60Z"), parse_time("2017-01-01T00:00:00Z"));
        for bad in [
            "",
            "2026-11-20",
            "2026-11-20T09:25:45",
            "2026-11-20T09:25:45.Z",
            "2026-11-20T09:25:45Zx",
            "2026-11-20T09:25:45+0100",
            "2026-11-20T24:00:00Z",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2554-07-21T23:34:34Z",
            "9999-12-31T23:59:59Z",
            "+026-11-20T09:25:45Z",
            "2026-11-20T09:25:4\u{e9}Z",
        ] {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(nanos: u64) {
            prop_assert_eq!(parse_time(&format_time(nanos)), Some(nanos));
        }

        #[test]
        fn never_panics(text: String, near in "[0-9T:Z.+-]{0,40}") {
            let _ = (parse_time(&text), parse_time(&near));
        }
    }
}
