//! Taking off the compression, and looking at what is there before it is stored.

use super::budget::Held;
use super::form::{Encoding, Form};
use super::limits::{MAX_DECODED, MAX_RECORDS, ZSTD_WINDOW_LOG};
use super::mistaken::mistaken;
use super::refused::Refused;
use super::{records, traces};
use flate2::bufread::MultiGzDecoder;
use std::io::Read;

/// What is uncompressed before it is looked how much that is by now.
const STEP: usize = 64 << 10;

/// A request that can be stored.
pub(super) struct Decoded {
    pub(super) form: Form,
    pub(super) bytes: Vec<u8>,
    /// Records or spans in it.
    pub(super) found: u64,
    /// Of these, spans whose ids are none.
    pub(super) rejected: u64,
    /// Its part of the memory.
    pub(super) held: Held,
}

/// Takes off the compression. This may take a while.
///
/// # Errors
/// It is not what it says it is, it is too large without the compression, or too much is held by others.
pub(super) fn decode(form: Form, encoding: Encoding, sent: Vec<u8>, mut held: Held) -> Result<Decoded, Refused> {
    let bytes = match encoding {
        Encoding::Identity => sent,
        Encoding::Gzip => uncompressed(MultiGzDecoder::new(&sent[..]), sent.len(), &mut held)?,
        Encoding::Zstd => {
            let damaged = |_| Refused::malformed("read the request: it is not zstd");
            let mut decoder = zstd::Decoder::with_buffer(&sent[..]).map_err(damaged)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(damaged)?;
            uncompressed(decoder, sent.len(), &mut held)?
        }
    };
    if let Some(what) = mistaken(form, &bytes) {
        return Err(Refused::malformed(format!("read the request: {what}")));
    }
    let (found, rejected) = match form {
        Form::Records => (records::count(&bytes), 0),
        Form::Protobuf | Form::Json => traces::check(form, &bytes)?,
    };
    if found > MAX_RECORDS {
        return Err(Refused::too_large(format!("take the request: it has more than {MAX_RECORDS} records or spans")));
    }
    Ok(Decoded { form, bytes, found, rejected, held })
}

/// Reads a stream that may be of any size, up to the limit. `sent`: bytes that are held beside what is read.
fn uncompressed(mut stream: impl Read, sent: usize, held: &mut Held) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    loop {
        // At the limit, whether there is more.
        let room = (MAX_DECODED + 1 - bytes.len()).min(STEP);
        if bytes.capacity() - bytes.len() < room {
            let wanted = (bytes.capacity() * 2).clamp(STEP, MAX_DECODED + 1);
            held.grow_to(sent + wanted)?;
            bytes.reserve_exact(wanted - bytes.len());
        }
        let read = (&mut stream).take(room as u64).read_to_end(&mut bytes);
        let read =
            read.map_err(|e| Refused::malformed(format!("read the request: its compression is damaged ({e})")))?;
        if bytes.len() > MAX_DECODED {
            let limit = MAX_DECODED >> 20;
            return Err(Refused::too_large(format!("read the request: it has more than {limit} MiB uncompressed")));
        }
        if read < room {
            return Ok(bytes);
        }
    }
}
