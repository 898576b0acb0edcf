//! Reads records out of what others wrote: files of lines and documents, logs, records of Crux; plain or compressed.
//!
//! [`Source`] takes the compression off, [`Content`] says what is in it, [`Texts`] finds the texts that may be records, and
//! [`TextReader`] reads them:
//!
//! ```
//! use spanbridge_cli::import::{Content, Form, Part, Source, TextKind, TextReader, Texts};
//!
//! // A line of a log, as `aws logs tail` prints it.
//! let log = br#"2026-11-20T09:25:46 orders/1 {"schemaVersion":1,"recordId":"0000000000000001-1","type":"run:attributes",
//! "#;
//! # let log = [&log[..log.len() - 1], br#""runId":"4bf92f3577b34da6a3ce929d0e0e4736","traceId":"4bf92f3577b34da6a3ce929d0e0e4736","#,
//! #     br#""segmentId":"0000000000000001","segmentSeq":1,"service":"orders","attributes":{"order":17}}"#].concat();
//! let mut source = Source::new(&log[..])?;
//! assert_eq!(source.content(), Some(Content::Text));
//! let (mut texts, mut reader, mut text) = (Texts::new(source), TextReader::new(Form::Any), String::new());
//! while let Some((line, kind)) = texts.next(&mut text)? {
//!     assert!(kind == TextKind::Line);
//!     reader.read(&text, &mut |part| assert!(matches!(part, Part::Ours(record) if record.segment_seq == line)));
//! }
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Nothing here is guessed from names of files, and whatever the input is, memory is bounded: by [`MAX_TEXT_BYTES`] for a text.

pub mod crux;
mod detect;
mod documents;
mod gzip;
mod lines;
mod recorded;
mod source;
mod text;
mod texts;

pub use detect::{Content, is_parquet};
pub use lines::MAX_TEXT_BYTES;
pub use recorded::is_ours;
pub use source::Source;
pub use text::{Form, Part, TextReader};
pub use texts::{TextKind, Texts};
