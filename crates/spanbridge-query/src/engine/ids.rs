//! The beginning of an id, and the ids that begin so.

use super::pasted;
use crate::{Error, ErrorKind, Result};
use spanbridge::{RunId, SpanId, TraceId};
use std::ops::RangeInclusive;

/// The first digits of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdPrefix {
    value: u128,
    digits: usize,
}

impl IdPrefix {
    /// Fewer digits than this are not looked up.
    pub const MIN_DIGITS: usize = 4;

    /// From 4 to 32 hexadecimal digits of either case. An id may also be given as a UUID with dashes, as an X-Ray id, or by a
    /// `traceparent`, which means its trace.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidId`] for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let id = pasted::digits(text);
        let digits = id.len();
        let valid = (Self::MIN_DIGITS..=32).contains(&digits) && id.bytes().all(|b| b.is_ascii_hexdigit());
        match u128::from_str_radix(&id, 16) {
            Ok(value) if valid => Ok(Self { value, digits }),
            _ => {
                let message = format!("look up {text:?}: an id has {} to 32 hexadecimal digits", Self::MIN_DIGITS);
                Err(Error::new(ErrorKind::InvalidId, message))
            }
        }
    }

    /// The id in full, if these are all of its 32 digits.
    pub fn whole(&self) -> Option<u128> {
        (self.digits == 32).then_some(self.value)
    }

    /// How many digits these are.
    pub fn digits(&self) -> usize {
        self.digits
    }

    /// The ids of runs and traces that begin with these digits.
    pub fn run_ids(&self) -> RangeInclusive<u128> {
        let free = 4 * (32 - self.digits) as u32;
        let first = self.value << free;
        first..=first | ((1 << free) - 1)
    }

    /// The ids of spans that begin with these digits. `None` if these are more digits than a span's id has.
    pub fn span_ids(&self) -> Option<RangeInclusive<u64>> {
        let free = 4 * 16usize.checked_sub(self.digits)? as u32;
        let first = (self.value as u64) << free;
        Some(first..=first | ((1u64 << free) - 1))
    }
}

/// Ids that begin with the same digits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IdMatches {
    /// Runs, each once.
    pub runs: Vec<RunId>,
    /// Traces, each with a run that has records of it; each pair once. The run of which the trace is the own one need not be
    /// among them.
    pub traces: Vec<(TraceId, RunId)>,
    /// Spans, each pair of a span and a run once.
    pub spans: Vec<SpanMatch>,
}

/// A span whose id begins with given digits.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanMatch {
    /// Its id.
    pub span_id: SpanId,
    /// The run that has it.
    pub run_id: RunId,
    /// Its name. Empty if its start is not stored.
    pub name: String,
}
