//! What `ship` and `collect` say at their end, in the same words.

use crate::args::{Cli, Format};
use crate::failure::Failure;
use crate::{size, stream};
use serde_json::{Map, Value, json};

/// What was done.
#[derive(Default)]
pub(crate) struct Summary {
    pub(crate) from: String,
    pub(crate) to: String,
    /// Records that are safe at the place.
    pub(crate) records: u64,
    /// Bytes that were read for them.
    pub(crate) bytes: u64,
    pub(crate) batches: u64,
    pub(crate) retries: u64,
    /// Records that can never be stored there.
    pub(crate) rejected: u64,
    /// Whether everything that was read has arrived.
    pub(crate) is_complete: bool,
    /// What one of the two commands has alone: a name, a number, and how people read it.
    pub(crate) more: Vec<(&'static str, u64, Words)>,
}

/// How a number is told to people.
pub(crate) enum Words {
    /// Not at all.
    Silent,
    /// `3 messages set aside`, unless there are none: one, several, and what became of them.
    #[cfg_attr(not(any(feature = "kafka", test)), expect(dead_code, reason = "only a topic has messages"))]
    Count(&'static str, &'static str, &'static str),
    /// `3 KiB lost`, unless there are none.
    Bytes(&'static str),
}

impl Summary {
    /// One object on standard output, or one line on standard error.
    pub(crate) fn tell(self, cli: &Cli) -> Result<(), Failure> {
        match cli.format {
            Format::Json => stream::print_json(&self.json()),
            Format::Text => {
                stream::note(&self.line());
                Ok(())
            }
        }
    }

    fn json(self) -> Value {
        let mut object = Map::new();
        object.insert("schemaVersion".to_owned(), json!(1));
        object.insert("from".to_owned(), json!(self.from));
        object.insert("to".to_owned(), json!(self.to));
        let numbers = [
            ("records", self.records),
            ("bytes", self.bytes),
            ("batches", self.batches),
            ("retries", self.retries),
            ("rejected", self.rejected),
        ];
        let more = self.more.into_iter().map(|(name, number, _)| (name, number));
        for (name, number) in numbers.into_iter().chain(more) {
            object.insert(name.to_owned(), json!(number));
        }
        object.insert("complete".to_owned(), json!(self.is_complete));
        Value::Object(object)
    }

    fn line(&self) -> String {
        let mut line = format!("{} in {}", counted(self.records, RECORD), counted(self.batches, ("batch", "batches")));
        if self.rejected > 0 {
            line.push_str(&format!(", {} rejected", counted(self.rejected, RECORD)));
        }
        for (_, number, words) in self.more.iter().filter(|(_, number, _)| *number > 0) {
            match words {
                Words::Silent => {}
                Words::Count(one, several, what) => {
                    line.push_str(&format!(", {} {what}", counted(*number, (one, several))));
                }
                Words::Bytes(what) => line.push_str(&format!(", {} {what}", size::show(*number))),
            }
        }
        line
    }
}

const RECORD: (&str, &str) = ("record", "records");

fn counted(number: u64, (one, several): (&str, &str)) -> String {
    size::counted(number, one, several)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_what_there_is() {
        let all = |number: u64| Summary {
            records: number,
            batches: 1,
            rejected: number,
            more: vec![
                ("repeated", number, Words::Silent),
                ("setAside", number, Words::Count("message", "messages", "set aside")),
                ("lostBytes", number, Words::Bytes("lost")),
            ],
            ..Summary::default()
        };
        assert_eq!(all(0).line(), "0 records in 1 batch");
        assert_eq!(all(1).line(), "1 record in 1 batch, 1 record rejected, 1 message set aside, 1 B lost");
    }
}
