//! Models of the protocol: every interleaving of a small story, up to three preemptions. How to run them stands in the
//! module's docs.

use super::atomic::Ordering::Relaxed;
use super::{END, Found, LATE_END, Lane, LaneReader, Pool, SPAN, State, Writer, header, kind, recycle};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A writer of records of three words: header, end, id. A chunk of eight words holds two.
struct Spans {
    writer: Writer,
    pool: Arc<Pool>,
    lane: Arc<Lane>,
}

impl Spans {
    fn new(pool: &Arc<Pool>, lane: &Arc<Lane>) -> Self {
        Spans { writer: Writer::new(), pool: pool.clone(), lane: lane.clone() }
    }

    fn write(&self, kind: u8, end: u64, id: u64, for_end: bool) -> Option<u64> {
        let w = &self.writer;
        if !w.room(3) && !w.refill(&self.pool, &self.lane, for_end, &[], None) {
            return None;
        }
        let at = w.pos.get();
        // SAFETY: there is room for three words.
        unsafe {
            w.put(at, header(kind, 3));
            w.put(at + END, end);
            w.put(at + 2, id);
            w.pos.set(at + 3);
        }
        Some(w.token(at))
    }

    fn begin(&self, id: u64) -> Option<u64> {
        let token = self.unpublished(id)?;
        // SAFETY: something was just written.
        unsafe { self.writer.publish() }
        Some(token)
    }

    fn unpublished(&self, id: u64) -> Option<u64> {
        self.write(SPAN, 0, id, false)
    }

    #[track_caller]
    fn end(&self, token: Option<u64>, id: u64) {
        if self.writer.patch(token.unwrap(), id + 100) {
            return;
        }
        assert!(self.write(LATE_END, id + 100, id, true).is_some());
        // SAFETY: something was just written.
        unsafe { self.writer.publish() }
    }
}

/// What a reader has seen: how often each span began and ended.
#[derive(Default)]
struct Seen {
    begun: BTreeMap<u64, u32>,
    ended: BTreeMap<u64, u32>,
}

impl Seen {
    fn found(&mut self, f: &Found) {
        // SAFETY: a published record of three words, and its chunk was not recycled.
        let word = |i| unsafe { (*f.at.add(i)).load(Relaxed) };
        let id = word(2);
        assert!((1..=9).contains(&id), "torn: {id}");
        let late = kind(word(0)) == LATE_END;
        let end = if late { word(END) } else { f.end };
        if !f.again && !late {
            *self.begun.entry(id).or_default() += 1
        }
        if end != 0 {
            assert_eq!(end, id + 100);
            *self.ended.entry(id).or_default() += 1
        }
    }

    /// Reads until there is nothing more. Records are looked at before their chunk goes back.
    fn read(&mut self, reader: &mut LaneReader, pool: &Pool) -> State {
        loop {
            let (mut done, mut found) = (vec![], vec![]);
            let state = reader.read(&mut done, |f| found.push(f));
            found.iter().for_each(|f| self.found(f));
            recycle(pool, &mut done);
            if state != State::More {
                return state;
            }
        }
    }

    #[track_caller]
    fn is(&self, ids: &[u64]) {
        let once: BTreeMap<u64, u32> = ids.iter().map(|i| (*i, 1)).collect();
        assert_eq!((&self.begun, &self.ended), (&once, &once));
    }
}

fn model(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(f)
}

/// One writer with nested spans over a change of chunks, a reader that looks at any time, the end of the thread.
#[test]
fn publish_read_retire_close() {
    model(|| {
        let (pool, lane) = (Arc::new(Pool::new(3, 1)), Lane::new());
        let w = (pool.clone(), lane.clone());
        let writer = loom::thread::spawn(move || {
            let s = Spans::new(&w.0, &w.1);
            let a = s.begin(1);
            let b = s.begin(2);
            s.end(b, 2);
            let c = s.begin(3); // a second chunk
            s.end(a, 1); // a record of its own
            s.end(c, 3);
            w.1.close()
        });
        let (mut reader, mut seen) = (LaneReader::new(lane), Seen::default());
        let gone = (0..2).any(|_| seen.read(&mut reader, &pool) == State::Gone);
        writer.join().unwrap();
        assert!(gone || seen.read(&mut reader, &pool) == State::Gone);
        seen.is(&[1, 2, 3]);
        assert_eq!(pool.used(), 0);
    })
}

/// Two writers and the reader share two chunks: taking, giving back, running out.
#[test]
fn a_chunk_is_never_handed_to_two() {
    model(|| {
        let pool = Arc::new(Pool::new(2, 0));
        let lanes = [Lane::new(), Lane::new()];
        let start = |(i, lane): (usize, Arc<Lane>)| {
            let pool = pool.clone();
            loom::thread::spawn(move || {
                let s = Spans::new(&pool, &lane);
                let mut kept = vec![];
                for id in [&[1, 2, 3][..], &[4]][i] {
                    if let Some(token) = s.begin(*id) {
                        s.end(Some(token), *id);
                        kept.push(*id)
                    }
                }
                lane.close();
                kept
            })
        };
        let writers: Vec<_> = lanes.iter().cloned().enumerate().map(start).collect();
        let mut readers = lanes.map(LaneReader::new);
        let mut seen = Seen::default();
        let gone = readers.each_mut().map(|r| seen.read(r, &pool) == State::Gone);
        let kept: Vec<u64> = writers.into_iter().flat_map(|w| w.join().unwrap()).collect();
        for (r, gone) in readers.iter_mut().zip(gone) {
            assert!(gone || seen.read(r, &pool) == State::Gone)
        }
        seen.is(&kept);
        assert_eq!(pool.used(), 0);
    })
}

/// A builder's record moves to the next chunk while it is unpublished, one is taken back, one is published by the way.
#[test]
fn an_unfinished_record_is_whole_or_not_seen() {
    model(|| {
        let (pool, lane) = (Arc::new(Pool::new(3, 0)), Lane::new());
        let w = (pool.clone(), lane.clone());
        let writer = loom::thread::spawn(move || {
            let s = Spans::new(&w.0, &w.1);
            let a = s.begin(1);
            s.end(a, 1);
            let never = s.unpublished(9).unwrap();
            assert!(s.writer.retract(never));
            let b = s.unpublished(2).unwrap();
            let at = s.writer.tail(b).unwrap();
            assert!(s.writer.refill(&w.0, &w.1, false, &[], Some(at)));
            assert_eq!(s.writer.tail(b), None);
            let b = s.writer.token(0);
            s.writer.publish_tail();
            assert!(!s.writer.retract(b));
            s.end(Some(b), 2);
            w.1.close()
        });
        let (mut reader, mut seen) = (LaneReader::new(lane), Seen::default());
        let gone = seen.read(&mut reader, &pool) == State::Gone;
        writer.join().unwrap();
        assert!(gone || seen.read(&mut reader, &pool) == State::Gone);
        seen.is(&[1, 2]);
        assert_eq!(pool.used(), 0);
    })
}

/// The last chunk is kept for ends: what began can end.
#[test]
fn ends_have_a_reserve() {
    model(|| {
        let (pool, lane) = (Arc::new(Pool::new(2, 1)), Lane::new());
        let w = (pool.clone(), lane.clone());
        let writer = loom::thread::spawn(move || {
            let s = Spans::new(&w.0, &w.1);
            let (a, b) = (s.begin(1), s.begin(2));
            let c = s.begin(3); // only if the reader gave the first chunk back; it cannot, for we have not left it
            assert_eq!(c, None);
            s.end(a, 1);
            s.end(b, 2);
            w.1.close()
        });
        let (mut reader, mut seen) = (LaneReader::new(lane), Seen::default());
        seen.read(&mut reader, &pool);
        writer.join().unwrap();
        seen.read(&mut reader, &pool);
        seen.is(&[1, 2]);
    })
}
