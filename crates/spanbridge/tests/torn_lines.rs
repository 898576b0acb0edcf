//! Lines of JSON over a writer that takes a part of them and then fails: a pipe that does not block, a full disk.
#![cfg(feature = "record")]

mod support;

use spanbridge::record::Record;
use spanbridge::{JsonLines, Recorder, observe};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use support::*;

/// What a writer takes before it fails once.
#[derive(Clone)]
enum Fails {
    After(usize),
    Never,
}

#[derive(Clone)]
struct Torn {
    taken: Arc<Mutex<(Vec<u8>, Fails)>>,
    panics: bool,
}

impl Write for Torn {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut taken = self.taken.lock().unwrap();
        let n = match &mut taken.1 {
            Fails::After(0) => {
                taken.1 = Fails::Never;
                drop(taken);
                assert!(!self.panics, "on purpose");
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Fails::After(room) => {
                let n = bytes.len().min(*room);
                *room -= n;
                n
            }
            Fails::Never => bytes.len(),
        };
        taken.0.extend_from_slice(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is written in all when the writer fails after so many bytes, and how many records were to be written.
fn written(after: Fails, panics: bool) -> (String, u64) {
    let torn = Torn { taken: Arc::new(Mutex::new((vec![], after))), panics };
    let recorder = Recorder::builder("t").sink(JsonLines::new(torn.clone())).on_flush_only().build().unwrap();
    for _ in 0..2 {
        recorder.in_scope(|| observe::run("order").in_scope(|| observe::span("pack").in_scope(|| ())));
        flush(&recorder);
    }
    let sink = recorder.report().sinks.remove(0);
    assert_eq!(sink.left, 0);
    let text = String::from_utf8(torn.taken.lock().unwrap().0.clone()).unwrap();
    (text, sink.delivered)
}

/// The ids of the records that can be read, and the lines that cannot.
fn read(text: &str) -> (BTreeSet<String>, usize) {
    let mut ids = BTreeSet::new();
    let mut unreadable = 0;
    for line in text.lines() {
        match Record::from_json(line) {
            Ok(Some(record)) => drop(ids.insert(record.record_id().into_owned())),
            _ => unreadable += 1,
        }
    }
    (ids, unreadable)
}

/// Wherever it is torn, every record is there, and at most the line that was torn cannot be read.
#[test]
fn a_torn_line_takes_no_record_along() {
    let (whole, records) = written(Fails::Never, false);
    assert_eq!((read(&whole).0.len() as u64, read(&whole).1), (records, 0));
    for after in (0..whole.len()).step_by(7).chain(whole.match_indices('\n').flat_map(|(at, _)| [at, at + 1])) {
        let (text, delivered) = written(Fails::After(after), false);
        let (ids, unreadable) = read(&text);
        assert_eq!((ids.len() as u64, delivered), (records, records), "torn after {after} bytes: {text}");
        let torn_at_end_of_line = after == 0 || whole.as_bytes()[after - 1] == b'\n';
        assert!(unreadable <= usize::from(!torn_at_end_of_line), "torn after {after} bytes: {text}");
        assert!(!text.contains("\n\n"), "torn after {after} bytes: {text}");
    }
}

/// A batch is lost when the writer panics, and no more than that.
#[test]
fn a_writer_that_panics_tears_no_other_batch() {
    let (_, records) = written(Fails::Never, false);
    let (text, delivered) = written(Fails::After(100), true);
    assert_eq!(delivered, records / 2);
    assert_eq!(read(&text), (read(&text).0, 1));
    assert_eq!(read(&text).0.len() as u64, records / 2, "{text}");
}
