//! Sizes in bytes, as people write and read them.

const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

/// Bytes, from a number with a unit: `2GiB`, `1.5 GB`, `4096B`.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let read = || {
        let (number, unit) = UNITS.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))?;
        let number = number.trim_end();
        let is_plain = number.starts_with(|c: char| c.is_ascii_digit()) && !number.contains(['e', 'E']);
        let bytes = number.parse::<f64>().ok().filter(|_| is_plain)? * unit as f64;
        (bytes < u64::MAX as f64).then_some(bytes as u64)
    };
    read().ok_or_else(|| "expected 500MB, 2GiB or 4096B".into())
}

/// Three digits and a binary unit.
pub(crate) fn show(bytes: u64) -> String {
    let binary = UNITS[..4].iter().rev().take_while(|(_, unit)| bytes >= unit - unit / 2048).last();
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
            [("4096B", 4096), ("1KiB", 1024), ("2 GiB", 2 << 30), ("500MB", 500_000_000), ("1.5KB", 1500), ("0B", 0)]
        {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for bad in [
            "",
            "B",
            "GiB",
            "1",
            "-1GB",
            "1e3MB",
            "infB",
            "NaNMB",
            "2 gib",
            "2G",
            "99999999999TiB",
            "+1GB",
            "\u{1f600}",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn three_digits_and_a_unit() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1.00 KiB"),
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
