//! Of what class the error of a span is, and whether somebody has said so already: then what the result of its work would
//! tell does not count. (Of two values of an attribute the later one counts, and the result comes last.)

use crate::semconv::ERROR_TYPE;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The class of a panic.
pub(super) const PANIC: &str = "panic";

const PLACES: usize = 64;

/// Spans of which it was said and that have not failed yet, by the low bits of their ids. One that displaces another costs
/// the other only this: its class is what its result tells.
static SAID: [AtomicU64; PLACES] = [const { AtomicU64::new(0) }; PLACES];

/// An attribute is added to a span.
#[inline]
pub(super) fn note(span: u64, key: &str) {
    if key == ERROR_TYPE {
        SAID[span as usize % PLACES].store(span, Relaxed)
    }
}

/// The class to be recorded with the end of a span, if it was not said.
pub(super) fn unsaid(span: u64, class: &str) -> Option<&str> {
    let said = SAID[span as usize % PLACES].compare_exchange(span, 0, Relaxed, Relaxed).is_ok();
    (!said && !class.is_empty()).then_some(class)
}
