//! Bytes without their compression, and without a byte-order mark.

use super::detect::{self, Content};
use super::gzip::Members;
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

/// How much of the beginning is looked at to say what it is.
const START_BYTES: usize = 64 << 10;

/// What is read at once.
const BUFFER_BYTES: usize = 64 << 10;

/// The most memory that a zstd stream may ask for, as a power of two: 128 MiB, as the zstd command allows.
const ZSTD_WINDOW_LOG: u32 = 27;

/// A stream may expand so many times, once it is large. Text that anybody writes expands up to a hundred times.
const MAX_EXPANSION: u64 = 1_000;

/// What is smaller than this may expand as it likes.
const SMALL_BYTES: u64 = 64 << 20;

/// An input, with gzip or zstd taken off.
///
/// What it is, is seen by its first bytes. Streams may be concatenated. Reading fails where a stream is damaged or cut off,
/// and where it expands more than a thousandfold; what stands before that has been read.
pub struct Source<'r> {
    input: Box<dyn BufRead + 'r>,
    start: Vec<u8>,
    taken: Rc<Cell<u64>>,
}

impl<'r> Source<'r> {
    /// Looks at the beginning of an input, up to 64 KiB.
    ///
    /// # Errors
    /// The input fails.
    pub fn new(input: impl Read + 'r) -> io::Result<Self> {
        let taken = Rc::new(Cell::new(0));
        let counted = Counted { input, taken: taken.clone() };
        let mut input = BufReader::with_capacity(BUFFER_BYTES, counted);
        let mut magic = Vec::new();
        (&mut input).take(4).read_to_end(&mut magic)?;
        let kind = magic.clone();
        let raw = io::Cursor::new(magic).chain(input);
        let limited = |input: Box<dyn Read + 'r>| -> Box<dyn BufRead + 'r> {
            let limited = Limited { input, given: 0, taken: taken.clone() };
            Box::new(BufReader::with_capacity(BUFFER_BYTES, limited))
        };
        let input: Box<dyn BufRead + 'r> = match &kind[..] {
            [0x1f, 0x8b, ..] => limited(Box::new(Members::new(raw))),
            [0x28, 0xb5, 0x2f, 0xfd] => {
                let mut decoder = zstd::Decoder::with_buffer(raw)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                limited(Box::new(decoder))
            }
            _ => Box::new(raw),
        };
        let mut source = Source { input, start: Vec::with_capacity(START_BYTES), taken };
        let read = (&mut source.input).take(START_BYTES as u64).read_to_end(&mut source.start);
        if source.start.starts_with("\u{feff}".as_bytes()) {
            source.start.drain(..3);
        }
        match read {
            Err(e) if source.start.is_empty() => return Err(e),
            // What came before is read first, then the error is met again.
            Err(e) => source.input = Box::new(BufReader::new(Broken(Some(e)))),
            Ok(_) => {}
        }
        Ok(source)
    }

    /// What is in it. `None`: nothing that is known here.
    pub fn content(&self) -> Option<Content> {
        detect::detect(&self.start)
    }

    /// The beginning, uncompressed.
    pub(super) fn start(&self) -> &[u8] {
        &self.start
    }

    /// A count of the bytes that were taken from the input, before they were uncompressed: to say how far it is.
    pub fn taken(&self) -> Rc<Cell<u64>> {
        self.taken.clone()
    }

    /// What is in it.
    pub fn into_reader(self) -> impl BufRead + 'r {
        io::Cursor::new(self.start).chain(self.input)
    }
}

/// Counts what is read.
struct Counted<R> {
    input: R,
    taken: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.taken.set(self.taken.get() + n as u64);
        Ok(n)
    }
}

/// Ends a stream that expands without end.
struct Limited<R> {
    input: R,
    given: u64,
    taken: Rc<Cell<u64>>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.given += n as u64;
        if self.given > SMALL_BYTES && self.given / MAX_EXPANSION > self.taken.get() {
            let why = format!("it expands more than {MAX_EXPANSION} times");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Ok(n)
    }
}

/// Fails once, with the error that came early.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}
