//! The log files of a store: their format, and reading them.
//!
//! A store is a directory. Each sink of each process writes files of its own there, so writers wait neither for each other nor for
//! readers. Whoever asks questions reads the files, and may do so while they are written.
//!
//! ```no_run
//! use spanbridge_store::log::{self, LogReader, Step};
//! # fn main() -> Result<(), spanbridge_store::Error> {
//! for file in log::list("/var/lib/spanbridge/store".as_ref())? {
//!     let mut reader = LogReader::open(&file.path, 0)?;
//!     loop {
//!         match reader.step()? {
//!             Step::Frame(frame) => println!("{} spans at {}", frame.directory.spans, frame.from),
//!             Step::Damaged { from, to, why } => println!("{}: {from} to {to}: {why}", file.name),
//!             Step::End { .. } => break,
//!         }
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! # Names
//! A file is called `<writer>-<number>.log`: see [`LogName`]. The writer is a random number that a sink takes when it begins to
//! write. A sink in a forked process takes another. So no two processes write to the same file. Numbers count up from 1.
//!
//! # Format 1
//! All numbers are little endian. A *varint* has seven bits in each byte, the lowest first; the eighth bit says that more follow. A
//! checksum is XXH3 with 64 bits; a *check* is its low 32 bits.
//!
//! ```text
//! file      = header, frame*
//! header    = "SPBRLOG1", length of the rest u32, check of the rest u32,
//!             format u32, writer u64, number u32, created at u64, service (varint length, UTF-8), room for additions
//! frame     = head, body
//! head      = "SPBF", length of the body u32, checksum of the body u64,
//!             check u32 of: writer u64, number u64, offset of the frame in its file u64, length u64, checksum u64
//! body      = directory, block*
//! directory = flags u8 (1: it is a batch of a recorder), [recorder instance u64, batch number u64], content hash u64,
//!             varints: records, spans, first time, last time less first, length of each column, number of blocks, length of each,
//!             the columns
//! ```
//!
//! A frame holds one delivery and is written with one call. Times are nanoseconds since 1970.
//!
//! The check in the head tells a reader at once whether a frame begins at an offset and how long it is. It covers the place, so bytes
//! of a frame are no frame elsewhere, such as in a recorded text, or in a block that a file system lost and found.
//!
//! # Torn and damaged frames
//! A process may die while it writes. Then the file ends with an incomplete frame, at which reading [ends](Step::End). A writer
//! never appends after one: it truncates the file first, or begins another. So an incomplete frame with a whole one after it is
//! [damage](Step::Damaged), as is a frame that does not match its checksum. The reader steps over it, and reads the next whole frame.
//!
//! # Which files are closed
//! A file is closed, and nothing is appended to it any more, if its writer has a later one, or if it was not modified for
//! [`CLOSED_AFTER`]. A writer begins a new file when it was silent for a third of that. See [`LogFile::is_closed`].
//!
//! # What is counted once
//! A frame is identified by writer, number and offset. A delivery is identified by its [`BatchId`] and its content hash: after an
//! ambiguous error it may stand in two frames, and readers count it once. Two frames with the same batch and different hashes are two
//! deliveries, and a conflict.

mod frame;
mod header;
mod limits;
mod list;
mod name;
mod prune;
mod reader;
mod records;
mod source;
#[cfg(test)]
mod tests;
mod writer;

pub use frame::{BatchId, Columns, Directory, Frame, PackedBlock};
pub use header::Header;
pub use limits::Limits;
pub use list::{CLOSED_AFTER, LogFile, list};
pub use name::LogName;
pub(crate) use prune::prune;
pub use reader::{Damage, LogReader, Step};
#[doc(hidden)]
pub use source::ReadAt;
pub(crate) use writer::private;
#[doc(hidden)]
pub use writer::{LogWriter, Presence};
