//! The names of log files.

use std::fmt;

/// Name and identity of a log file: `<writer:016x>-<number:06>.log`.
///
/// ```
/// use spanbridge_store::log::LogName;
///
/// let name = LogName::parse("00000000000000ff-000012.log").unwrap();
/// assert_eq!(name, LogName { writer: 255, number: 12 });
/// assert_eq!(name.to_string(), "00000000000000ff-000012.log");
/// assert_eq!(LogName::parse("ff-12.log"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogName {
    /// The writer: a random number.
    pub writer: u64,
    /// The number of the file among those of its writer, from 1.
    pub number: u32,
}

impl LogName {
    /// Reads the name of a file. `None` if that is no log, or if it is written in any other way.
    pub fn parse(name: &str) -> Option<Self> {
        let (writer, number) = name.strip_suffix(".log")?.split_once('-')?;
        let name_read = Self { writer: u64::from_str_radix(writer, 16).ok()?, number: number.parse().ok()? };
        (name_read.to_string() == name).then_some(name_read)
    }
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:06}.log", self.writer, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_come_back(writer: u64, number: u32) {
            let name = LogName { writer, number };
            prop_assert_eq!(LogName::parse(&name.to_string()), Some(name));
        }

        /// Whatever is read is written the same, so two names never mean one file.
        #[test]
        fn a_name_is_written_in_one_way(text in "[0-9a-fA-F+]{15,17}-[0-9+]{5,8}(.log|.LOG)") {
            if let Some(name) = LogName::parse(&text) {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }
}
