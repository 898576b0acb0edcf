//! Bodies that are recorded while they pass: what both sides need for that.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use spanbridge::adapter::{StreamedPayload, UNKNOWN_TYPE};
use spanbridge::messaging::CapturePolicy;

/// A body that is copied while it passes, or nothing.
pub(crate) type Copied = Option<Box<StreamedPayload>>;

/// For a body that begins: a copy of what passes, if the policy records any of it.
pub(crate) fn copy(
    capture: Option<&CapturePolicy>,
    kind: &'static str,
    headers: &HeaderMap,
    length: Option<u64>,
) -> Copied {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    capture?.streamed(kind, content_type.unwrap_or(UNKNOWN_TYPE), length)
}

/// Copies a piece that is about to be handed on. It may lie in several places.
#[cfg(feature = "server")]
pub(crate) fn copy_piece(copied: &mut Copied, piece: &impl bytes::Buf) {
    let Some(payload) = copied else { return };
    let whole = piece.chunk();
    if whole.len() == piece.remaining() {
        return payload.passed(whole);
    }
    let mut slices = [std::io::IoSlice::new(&[]); 64];
    let count = piece.chunks_vectored(&mut slices);
    if slices[..count].iter().map(|slice| slice.len()).sum::<usize>() == piece.remaining() {
        return slices[..count].iter().for_each(|slice| payload.passed(slice));
    }
    // It does not show all of its places, and reading it would take it from the server.
    *copied = None
}
