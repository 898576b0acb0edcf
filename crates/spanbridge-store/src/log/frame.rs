//! Frames: a delivery each.

use super::name::LogName;
use crate::codec::bytes::{Reader, put_varint};
use crate::delivery::Delivery;
use crate::error::{Error, ErrorKind, Result};
use xxhash_rust::xxh3::xxh3_64;

pub(super) const MAGIC: [u8; 4] = *b"SPBF";
/// Magic, length, checksum, check.
pub(super) const HEAD: usize = 20;
/// The most bytes that a body has. A recorder's deliveries have a few hundred thousand, and a record 8 MiB.
const LIMIT: usize = 1 << 30;
/// How many columns a directory has.
const COLUMNS: usize = 8;
/// Flag: it is a batch of a recorder, which is named.
const BATCH: u8 = 1;
/// Flag: there is a column of changed rows. Releases that do not know it could not read such records either.
const ROWS: u8 = 2;

/// Names a batch: the recorder that made it, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId {
    /// [`RecordBatch::instance`](spanbridge::RecordBatch::instance).
    pub instance: u64,
    /// [`RecordBatch::number`](spanbridge::RecordBatch::number).
    pub number: u64,
}

/// A delivery, as it stands in a log file. What it borrows is valid until the reader goes on.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'b> {
    /// Where it begins in the file.
    pub from: u64,
    /// Where it ends, and the next one begins.
    pub to: u64,
    /// What is in it.
    pub directory: Directory<'b>,
    body: &'b [u8],
}

/// The directory of a delivery.
#[derive(Clone, Copy, Debug)]
pub struct Directory<'b> {
    /// Which batch of which recorder it is. `None`: the records do not come from a recorder.
    pub batch: Option<BatchId>,
    /// A hash of the records in their order.
    pub hash: u64,
    /// How many records there are.
    pub records: u64,
    /// How many spans begin in it.
    pub spans: u64,
    /// The first time that is mentioned, in nanoseconds since 1970. 0: none is.
    pub first_at: u64,
    /// The last time that is mentioned.
    pub last_at: u64,
    /// The columns.
    pub columns: Columns<'b>,
    /// The lengths of the blocks, as varints.
    blocks: &'b [u8],
    /// Bytes of the whole directory.
    size: usize,
}

/// The columns of a directory. Each says of itself how it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns<'b> {
    /// For each block its first run, whether that began before, and its number of span heads.
    pub block_list: &'b [u8],
    /// The first halves of the ids of the runs, sorted.
    pub run_heads: &'b [u8],
    /// Their second halves.
    pub run_tails: &'b [u8],
    /// Pairs of a trace and the place of the run that is in it.
    pub traces: &'b [u8],
    /// Pairs of a parent run and the place of its child.
    pub parents: &'b [u8],
    /// Pairs of a trace and the place of the run that links to it.
    pub links: &'b [u8],
    /// An aggregate for each run.
    pub aggregates: &'b [u8],
    /// The first halves of span ids, sorted within each block.
    pub span_heads: &'b [u8],
    /// Pairs of the mark of a changed row and the place of the run that changed it.
    pub rows: &'b [u8],
}

/// A packed block of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedBlock<'b> {
    /// Where it begins in the file, so that it can be read again alone.
    pub from: u64,
    /// Its bytes, as they are packed.
    pub bytes: &'b [u8],
}

impl<'b> Frame<'b> {
    /// Reads the body of a frame that begins at this offset.
    pub(super) fn read(from: u64, body: &'b [u8]) -> Option<Self> {
        let directory = Directory::read(body)?;
        let mut rest = Reader(body.get(directory.size..)?);
        directory.block_lengths().try_for_each(|length| rest.take(length).map(drop))?;
        let whole = rest.0.is_empty();
        whole.then_some(Self { from, to: from + (HEAD + body.len()) as u64, directory, body })
    }

    /// The packed blocks, in order.
    pub fn blocks(&self) -> impl Iterator<Item = PackedBlock<'b>> + use<'b> {
        let (start, mut rest) = (self.from + HEAD as u64, Reader(self.body));
        let (mut from, _) = (start + self.directory.size as u64, rest.take(self.directory.size as u64));
        self.directory.block_lengths().map_while(move |length| {
            let block = PackedBlock { from, bytes: rest.take(length)? };
            from += length;
            Some(block)
        })
    }

    /// The directory as bytes, for who keeps it: [`Directory::read`] reads them.
    pub fn directory_bytes(&self) -> &'b [u8] {
        &self.body[..self.directory.size]
    }
}

impl<'b> Directory<'b> {
    /// Reads a directory. Bytes after it are left alone. `None`: this is none.
    pub fn read(bytes: &'b [u8]) -> Option<Self> {
        let mut r = Reader(bytes);
        let flags = r.byte()?;
        let batch = match flags & !ROWS {
            0 => None,
            BATCH => Some(BatchId { instance: r.word()?, number: r.word()? }),
            _ => return None,
        };
        let hash = r.word()?;
        let (records, spans, first_at) = (r.varint()?, r.varint()?, r.varint()?);
        let last_at = first_at.checked_add(r.varint()?)?;
        let mut lengths = [0; COLUMNS];
        for length in &mut lengths {
            *length = r.varint()?;
        }
        let rows = if flags & ROWS == 0 { 0 } else { r.varint()? };
        let count = r.varint()?;
        let blocks = r.0;
        for _ in 0..count {
            r.varint()?;
        }
        let blocks = &blocks[..blocks.len() - r.0.len()];
        let mut columns = [&[][..]; COLUMNS];
        for (column, length) in columns.iter_mut().zip(lengths) {
            *column = r.take(length)?;
        }
        let columns = Columns { rows: r.take(rows)?, ..Columns::of(columns) };
        let size = bytes.len() - r.0.len();
        Some(Self { batch, hash, records, spans, first_at, last_at, columns, blocks, size })
    }

    /// The lengths of the packed blocks, in order.
    pub fn block_lengths(&self) -> impl Iterator<Item = u64> + use<'b> {
        let mut lengths = Reader(self.blocks);
        std::iter::from_fn(move || lengths.varint())
    }
}

impl<'b> Columns<'b> {
    fn of(columns: [&'b [u8]; COLUMNS]) -> Self {
        let [block_list, run_heads, run_tails, traces, parents, links, aggregates, span_heads] = columns;
        Self { block_list, run_heads, run_tails, traces, parents, links, aggregates, span_heads, rows: &[] }
    }

    /// Those that are always there, in the order in which they are stored.
    fn all(&self) -> [&'b [u8]; COLUMNS] {
        [
            self.block_list,
            self.run_heads,
            self.run_tails,
            self.traces,
            self.parents,
            self.links,
            self.aggregates,
            self.span_heads,
        ]
    }
}

/// Appends a frame that will stand at this offset of its file.
pub(super) fn put(
    out: &mut Vec<u8>,
    name: LogName,
    at: u64,
    batch: Option<BatchId>,
    delivery: &Delivery,
) -> Result<()> {
    let from = out.len();
    out.extend_from_slice(&[0; HEAD]);
    let rows = &delivery.rows[..];
    out.push(if batch.is_some() { BATCH } else { 0 } | if rows.is_empty() { 0 } else { ROWS });
    if let Some(BatchId { instance, number }) = batch {
        out.extend_from_slice(&instance.to_le_bytes());
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&delivery.hash.to_le_bytes());
    let Delivery { records, spans, first_at, last_at, .. } = *delivery;
    for n in [records, spans, first_at, last_at.saturating_sub(first_at)] {
        put_varint(out, n);
    }
    let columns = Columns {
        block_list: &delivery.block_list,
        run_heads: &delivery.run_heads,
        run_tails: &delivery.run_tails,
        traces: &delivery.traces,
        parents: &delivery.parents,
        links: &delivery.links,
        aggregates: &delivery.aggregates,
        span_heads: &delivery.span_heads,
        rows,
    };
    columns.all().iter().for_each(|column| put_varint(out, column.len() as u64));
    if !rows.is_empty() {
        put_varint(out, rows.len() as u64);
    }
    put_varint(out, delivery.blocks.len() as u64);
    delivery.blocks.iter().for_each(|block| put_varint(out, block.len() as u64));
    columns.all().iter().for_each(|column| out.extend_from_slice(column));
    out.extend_from_slice(rows);
    delivery.blocks.iter().for_each(|block| out.extend_from_slice(block));
    let body = &out[from + HEAD..];
    if body.len() > LIMIT {
        let length = body.len();
        out.truncate(from);
        return Err(Error::new(ErrorKind::Io, format!("a delivery of {length} bytes is larger than a frame may be")));
    }
    let head = Head { length: body.len() as u32, checksum: xxh3_64(body) };
    out[from..from + HEAD].copy_from_slice(&head.bytes(name, at));
    Ok(())
}

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Head {
    pub(super) length: u32,
    checksum: u64,
}

impl Head {
    fn bytes(self, name: LogName, at: u64) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&self.length.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.checksum.to_le_bytes());
        bytes[16..].copy_from_slice(&self.check(name, at).to_le_bytes());
        bytes
    }

    fn check(self, name: LogName, at: u64) -> u32 {
        let mut all = [0; 40];
        let words = [name.writer, u64::from(name.number), at, u64::from(self.length), self.checksum];
        all.as_chunks_mut().0.iter_mut().zip(words).for_each(|(to, word)| *to = word.to_le_bytes());
        xxh3_64(&all) as u32
    }

    /// The head of the frame that begins here. `None`: none does.
    pub(super) fn read(bytes: &[u8; HEAD], name: LogName, at: u64) -> Option<Self> {
        let mut r = Reader(bytes.strip_prefix(&MAGIC)?);
        let head = Self { length: r.half()?, checksum: r.word()? };
        (r.half()? == head.check(name, at) && head.length as usize <= LIMIT).then_some(head)
    }

    /// Whether this is the body.
    pub(super) fn fits(self, body: &[u8]) -> bool {
        body.len() == self.length as usize && xxh3_64(body) == self.checksum
    }
}
