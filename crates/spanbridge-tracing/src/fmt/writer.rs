//! The side that has the whole line: it puts the ids in.

use super::ids::Ids;
use super::line::{Style, put_ids};
use spanbridge::observe;
use std::cell::Cell;
use std::io::{self, Write};
use std::ptr;
use tracing_core::Metadata;
use tracing_subscriber::fmt::MakeWriter;

/// A line that is kept for the next one in memory up to this size, in bytes.
const MAX_KEPT: usize = 64 * 1024;

/// What the formatter leaves for the writer, which is made next on this thread.
#[derive(Clone, Copy)]
pub(super) struct Note {
    pub(super) ids: Option<Ids>,
    pub(super) style: Style,
    pub(super) of: &'static Metadata<'static>,
}

thread_local! {
    // Without a destructor, so it still works in those of other thread-locals.
    static NOTE: Cell<Option<Note>> = const { Cell::new(None) };
    static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

pub(super) fn leave(note: Note) {
    NOTE.set(Some(note));
}

/// Adds ids to the lines that go through a [`MakeWriter`].
///
/// [`with_ids`](super::WithIds::with_ids) is all that `tracing-subscriber`'s own formatters need. For a layer of another crate
/// that writes each line in one call, wrap its writer: the lines get the ids of the current context.
///
/// ```
/// use spanbridge_tracing::fmt::IdsWriter;
/// # fn other_json_layer<W>(_: W) {}
///
/// other_json_layer(IdsWriter::new(std::io::stdout));
/// ```
#[derive(Clone, Debug)]
pub struct IdsWriter<W> {
    inner: W,
}

impl<W> IdsWriter<W> {
    /// Wraps a `MakeWriter`.
    pub fn new(inner: W) -> Self {
        IdsWriter { inner }
    }
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for IdsWriter<W> {
    type Writer = IdsLine<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        IdsLine { inner: self.inner.make_writer(), ids: Ids::of(&observe::current_context()), style: None }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Self::Writer {
        let inner = self.inner.make_writer_for(metadata);
        // Another formatter's note is not for this line.
        match NOTE.take().filter(|note| ptr::eq::<Metadata<'_>>(note.of, metadata)) {
            Some(note) => IdsLine { inner, ids: note.ids, style: Some(note.style) },
            None => IdsLine { inner, ids: Ids::of(&observe::current_context()), style: None },
        }
    }
}

/// The writer of one line. Adds ids to a line that is written in one call, and passes everything behind it on unchanged.
#[derive(Debug)]
pub struct IdsLine<W> {
    inner: W,
    ids: Option<Ids>,
    /// `None` if nothing is known of the line. It is one if it ends as one.
    style: Option<Style>,
}

impl<W: Write> IdsLine<W> {
    /// The ids, if this is the line.
    fn ids_for(&mut self, bytes: &[u8]) -> Option<Ids> {
        self.ids.take().filter(|_| self.style.is_some() || bytes.ends_with(b"\n"))
    }

    /// In one call, as without ids: some writers take each call for a line.
    fn write_line(&mut self, line: &[u8], ids: &Ids) -> io::Result<()> {
        // Taken, not borrowed: the inner writer may log, too.
        let mut out = LINE.try_with(Cell::take).unwrap_or_default();
        put_ids(line, ids, self.style.unwrap_or_default(), &mut out);
        let done = self.inner.write_all(if out.is_empty() { line } else { &out });
        if out.capacity() <= MAX_KEPT {
            out.clear();
            let _ = LINE.try_with(|kept| kept.set(out)); // the thread ends
        }
        done
    }
}

impl<W: Write> Write for IdsLine<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.ids_for(bytes) {
            Some(ids) => self.write_line(bytes, &ids).map(|()| bytes.len()),
            None => self.inner.write(bytes),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.ids_for(bytes) {
            Some(ids) => self.write_line(bytes, &ids),
            None => self.inner.write_all(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
