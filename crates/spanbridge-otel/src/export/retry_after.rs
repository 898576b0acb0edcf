//! The pause that a server asks for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Reads `Retry-After` ([RFC 9110, section 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)): seconds, or a date, which
/// is counted from `now`. A date that is over is no pause. Whoever waits must bound it: a server may say thirty years.
pub(super) fn parse(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // So many digits that they do not fit are a very long pause.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(Duration::from_secs(seconds(value)?).saturating_sub(now))
}

/// An HTTP date as seconds since the Unix epoch. Its three forms (`Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`,
/// `Sun Nov  6 08:49:37 1994`) have in common what counts: the name of the month, the time with colons, then the day before the
/// year.
fn seconds(date: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (mut month, mut time, mut numbers) = (None, None, [None; 2]);
    for word in date.split([' ', ',', '-']).filter(|word| !word.is_empty()) {
        if let Some(place) = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(word)) {
            month = Some(place as i64 + 1);
        } else if word.contains(':') {
            time = Some(of_day(word)?);
        } else if word.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = word.parse::<i64>().ok()?;
            // RFC 850 has two digits; what would lie more than 50 years ahead is in the past.
            let number = if numbers[0].is_some() && word.len() == 2 {
                number + if number < 76 { 2000 } else { 1900 }
            } else {
                number
            };
            *numbers.iter_mut().find(|place| place.is_none())? = Some(number);
        }
    }
    let [Some(day @ 1..=31), Some(year @ 1970..=9999)] = numbers else { return None };
    u64::try_from(days(year, month?, day)).ok()?.checked_mul(86_400)?.checked_add(time?)
}

fn of_day(time: &str) -> Option<u64> {
    let mut parts = time.split(':').map(|part| part.parse::<u64>().ok());
    let parsed = [parts.next()??, parts.next()??, parts.next()??];
    let [hour @ 0..=23, minute @ 0..=59, second @ 0..=60] = parsed else { return None };
    parts.next().is_none().then_some(hour * 3600 + minute * 60 + second)
}

/// Days since 1970-01-01, for years from 1970.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March, so that the leap day is their last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn seconds_and_the_three_forms_of_a_date() {
        let now = at(784_111_777 - 90);
        for value in [
            "90",
            " 090 ",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse(value, now), Some(Duration::from_secs(90)), "{value}");
        }
        assert_eq!(parse("Thu, 01 Jan 1970 00:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(parse("Fri, 29 Feb 2096 12:00:00 GMT", at(0)), Some(Duration::from_secs(3_981_355_200)));
        assert_eq!(parse("99999999999999999999999", now), Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn what_is_neither_is_no_pause() {
        for value in [
            "",
            "soon",
            "-1",
            "1.5",
            "Sun, 06 Nov 1994",
            "06 Nov 1994 25:00:00 GMT",
            "00 Nov 1994 08:49:37",
            "1 2 3 Nov 08:49:37",
        ] {
            assert_eq!(parse(value, at(0)), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(value in ".*", parts in "[0-9:, -]{0,40}(Jan|Dec)[0-9:, -]{0,40}") {
            parse(&value, at(1_800_000_000));
            parse(&parts, at(1_800_000_000));
        }
    }
}
