//! Following an engine with a cursor.

use super::known::Known;
use super::read::TailRead;
use crate::Result;
use crate::engine::Cursor;
use crate::reader::Reader;
use spanbridge::record::Record;
use std::time::{Duration, Instant};

/// How long to wait after something was new, and at most while nothing is.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));

/// A read that takes long is followed by a pause of so many times as long: others want answers, too.
const PAUSE_PER_READ: u32 = 3;

/// Up to where an engine was read, and what it may tell again.
#[derive(Debug)]
pub(super) struct Following {
    cursor: Cursor,
    known: Known,
    /// Doubled by each read that finds nothing.
    pause: Duration,
    /// How long the last read took.
    took: Duration,
}

impl Following {
    /// From what the engine has now.
    pub(super) fn open(reader: &Reader) -> Result<Self> {
        let mut known = Known::default();
        let began = Instant::now();
        let cursor = reader.read(|snapshot| {
            let end = snapshot.end()?;
            // What comes again of what was there before is not of what comes later.
            snapshot.follow(&end, &mut |records| {
                for record in &records {
                    known.is_new(record);
                }
                Ok(())
            })?;
            Ok(end)
        })?;
        known.end_read();
        Ok(Self { cursor, known, pause: PAUSES.0, took: began.elapsed() })
    }

    /// Calls `each` with what is new. If this fails, the next read begins where this one has begun, and what `each` got is known.
    pub(super) fn read(&mut self, reader: &Reader, mut each: impl FnMut(Record<'_>)) -> Result<TailRead> {
        let Self { cursor, known, .. } = self;
        let (mut read, began) = (TailRead::default(), Instant::now());
        *cursor = reader.read(|snapshot| {
            snapshot.follow(cursor, &mut |records| {
                for record in records {
                    if known.is_new(&record) {
                        read.records += 1;
                        each(record);
                    }
                }
                Ok(())
            })?;
            snapshot.end()
        })?;
        read.may_repeat = known.end_read();
        self.took = began.elapsed();
        self.pause = next_pause(self.pause, read.records > 0);
        Ok(read)
    }

    pub(super) fn pause(&self) -> Duration {
        self.pause.max(self.took * PAUSE_PER_READ)
    }
}

fn next_pause(last: Duration, has_news: bool) -> Duration {
    if has_news { PAUSES.0 } else { (last * 2).min(PAUSES.1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_engine_is_asked_once_a_second() {
        let idle = (0..9).fold(PAUSES.0, |pause, _| next_pause(pause, false));
        assert_eq!((next_pause(idle, true), idle), PAUSES);
    }
}
