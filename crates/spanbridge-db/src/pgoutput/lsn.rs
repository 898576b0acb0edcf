//! Positions in the write-ahead log.

use std::fmt;
use std::str::FromStr;

/// A position in PostgreSQL's write-ahead log, in bytes. Text has it as the server does: `16/B374D848`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(u64);

impl Lsn {
    /// The position of this number.
    pub const fn new(position: u64) -> Self {
        Self(position)
    }

    /// As a number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & u64::from(u32::MAX))
    }
}

/// Reads the form of the server: two hexadecimal numbers of at most 8 digits, and a slash between them.
impl FromStr for Lsn {
    type Err = InvalidLsn;

    fn from_str(text: &str) -> Result<Self, InvalidLsn> {
        let half = |text: &str| {
            let is_exact = (1..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
            is_exact.then(|| u64::from_str_radix(text, 16).ok()).flatten()
        };
        let (high, low) = text.split_once('/').ok_or(InvalidLsn)?;
        Ok(Self(half(high).ok_or(InvalidLsn)? << 32 | half(low).ok_or(InvalidLsn)?))
    }
}

/// A text is no position in the write-ahead log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidLsn;

impl fmt::Display for InvalidLsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("read a position in the write-ahead log: not two hexadecimal numbers with a slash between them")
    }
}

impl std::error::Error for InvalidLsn {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_read_as_written() {
        for (text, number) in
            [("0/0", 0), ("0/1591C38", 0x159_1c38), ("16/B374D848", 0x16_b374_d848), ("FFFFFFFF/FFFFFFFF", u64::MAX)]
        {
            assert_eq!(text.parse(), Ok(Lsn::new(number)));
            assert_eq!(Lsn::new(number).to_string(), text);
        }
        for text in ["", "/", "1", "1/", "/1", "1/+2", "g/1", "123456789/0", "1/2/3", " 1/2"] {
            assert_eq!(text.parse::<Lsn>(), Err(InvalidLsn), "{text}");
        }
    }
}
