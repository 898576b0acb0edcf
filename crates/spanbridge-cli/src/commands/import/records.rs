//! Reads records of ours and of Crux from text.

use super::batch::Batch;
use super::tally::Place;
use super::target::{Into, Reading};
use crate::failure::Failure;
use spanbridge::record::Record;
use spanbridge_cli::import::crux::{Converted, Suspensions};
use spanbridge_cli::import::{Form, MAX_TEXT_BYTES, Part, Source, TextKind, TextReader, Texts};

/// Texts are read and stored in batches of about this many bytes.
const BATCH_BYTES: usize = 8 << 20;

/// The memory that a text takes beside its bytes. It bounds a batch of very short ones.
const TEXT_OVERHEAD_BYTES: usize = 64;

/// So many resumes wait for the end of an input at most.
const MAX_RESUMED: usize = 1 << 14;

pub(super) fn read(into: &mut Into<'_>, source: Source<'_>, form: Form, reading: &mut Reading) -> Result<(), Failure> {
    let (mut texts, mut text) = (Texts::new(source), String::new());
    let mut reader = Reader { texts: TextReader::new(form), suspensions: Suspensions::default(), resumed: Vec::new() };
    let mut waiting = Waiting::default();
    loop {
        let next = texts.next(&mut text).map_err(|e| into.failed(&e));
        match next {
            Ok(Some((line, TextKind::Line | TextKind::Element))) => waiting.push(line, &text),
            Ok(Some((line, kind))) => {
                let why = match kind {
                    TextKind::TooLong => format!("longer than {} MiB", MAX_TEXT_BYTES >> 20),
                    TextKind::NotUtf8 => "not UTF-8".to_owned(),
                    _ => "not an element of a document that is whole".to_owned(),
                };
                into.tally.bad(into.name, Place::Line(line), why);
            }
            end => {
                reader.store(&waiting, into)?;
                reader.store_resumed(into)?;
                return end.map(drop);
            }
        }
        if waiting.is_full() {
            reader.store(&waiting, into)?;
            waiting.clear();
            reading.show();
        }
    }
}

/// Texts before they are read. All are in one buffer.
#[derive(Default)]
struct Waiting {
    bytes: String,
    /// The line of each, and where it ends.
    ends: Vec<(u64, usize)>,
}

impl Waiting {
    fn push(&mut self, line: u64, text: &str) {
        self.bytes.push_str(text);
        self.ends.push((line, self.bytes.len()))
    }

    fn is_full(&self) -> bool {
        self.bytes.len() + self.ends.len() * TEXT_OVERHEAD_BYTES >= BATCH_BYTES
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn iter(&self) -> impl Iterator<Item = (u64, &str)> {
        let mut start = 0;
        self.ends.iter().map(move |(line, end)| (*line, &self.bytes[std::mem::replace(&mut start, *end)..*end]))
    }
}

struct Reader {
    texts: TextReader,
    suspensions: Suspensions,
    /// What resumes a run, and does not say from which suspension: that may come later.
    resumed: Vec<(u64, Record<'static>, Option<Record<'static>>)>,
}

impl Reader {
    fn store(&mut self, waiting: &Waiting, into: &mut Into<'_>) -> Result<(), Failure> {
        let mut batch = Batch::default();
        let Reader { texts, suspensions, resumed } = self;
        for (line, text) in waiting.iter() {
            texts.read(text, &mut |part| match part {
                Part::Ours(record) => batch.push(line, record, None),
                Part::Crux(converted) => match *converted {
                    Converted::Resumed { record, more } if resumed.len() < MAX_RESUMED => {
                        resumed.push((line, record, more))
                    }
                    Converted::Record { record, more } | Converted::Resumed { record, more } => {
                        suspensions.add(&record);
                        batch.push(line, record, more);
                    }
                    Converted::Unknown(record_type) => into.tally.unknown(record_type),
                    _ => into.tally.bad(into.name, Place::Line(line), "of a kind that is not known here"),
                },
                Part::Unknown(record_type) => into.tally.unknown(record_type),
                Part::Other => into.tally.other += 1,
                Part::Broken(why) => into.tally.bad(into.name, Place::Line(line), why),
                _ => into.tally.bad(into.name, Place::Line(line), "of a kind that is not known here"),
            });
        }
        batch.store(into)
    }

    fn store_resumed(&mut self, into: &mut Into<'_>) -> Result<(), Failure> {
        let mut batch = Batch::default();
        for (line, mut record, more) in std::mem::take(&mut self.resumed) {
            self.suspensions.resolve(&mut record);
            batch.push(line, record, more);
        }
        batch.store(into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lines_fill_a_batch() {
        for (text, most) in [("0", 200_000), (&*"x".repeat(1 << 20), 9)] {
            let mut waiting = Waiting::default();
            while !waiting.is_full() {
                waiting.push(1, text)
            }
            assert!(waiting.iter().count() < most);
            assert!(waiting.iter().all(|of| of == (1, text)));
        }
    }
}
