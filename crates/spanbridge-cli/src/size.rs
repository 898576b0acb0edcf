//! Sizes in bytes, as people write and read them.

const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// Bytes, from a whole number and perhaps a unit: `500M`, `2GiB`, `4096`. As in `SPANBRIDGE_MAX_BYTES`, `K`, `M`, `G` and `T` are
/// powers of 1024.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let read = || {
        let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = (text[..unit].parse::<u64>().ok()?, text[unit..].trim_start().to_ascii_uppercase());
        let factor = match unit.strip_suffix("IB").or(unit.strip_suffix('B')).unwrap_or(&unit) {
            "" => 1,
            name => UNITS.iter().find(|(unit, _)| unit[..1] == *name)?.1,
        };
        number.checked_mul(factor)
    };
    read().ok_or_else(|| "expected 500M, 2GiB or a number of bytes".into())
}

/// Three digits and a binary unit.
pub(crate) fn show(bytes: u64) -> String {
    let binary = UNITS.iter().rev().take_while(|(_, unit)| bytes >= unit - unit / 2048).last();
    let Some((name, unit)) = binary else { return format!("{bytes} B") };
    let value = bytes as f64 / *unit as f64;
    let digits = if value < 9.995 {
        2
    } else if value < 99.95 {
        1
    } else {
        0
    };
    format!("{value:.digits$} {name}")
}

/// A number of things.
pub(crate) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in
            [("4096", 4096), ("1KiB", 1024), ("2 gib", 2 << 30), ("500M", 500 << 20), ("500MB", 500 << 20), ("0B", 0)]
        {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for bad in
            ["", "B", "GiB", "-1GB", "1e3MB", "1.5G", "infB", "2 GiBi", "99999999999T", "+1G", "1 MM", "\u{1f600}"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn three_digits_and_a_unit() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (1000, "1000 B"),
            (15_800_000, "15.1 MiB"),
            (1 << 30, "1.00 GiB"),
            (u64::MAX, "16777216 TiB"),
        ] {
            assert_eq!(show(bytes), text, "{bytes}");
        }
    }
}
