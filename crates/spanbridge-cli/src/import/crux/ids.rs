//! Ids of Crux as ids of ours: the same for ever, because they are stored.

use spanbridge::{RunId, SegmentId, SpanId, TraceId};

/// 32 digits, plain or as a UUID, or a hash.
pub(super) fn run(text: &str) -> RunId {
    RunId::new(wide(text)).unwrap_or(RUN)
}

/// 32 digits, or a hash.
pub(super) fn trace(text: &str) -> TraceId {
    TraceId::new(wide(text)).unwrap_or(TRACE)
}

/// 16 digits, or a hash.
pub(super) fn segment(text: &str) -> SegmentId {
    SegmentId::new(narrow(text)).unwrap_or(SEGMENT)
}

/// 16 digits, or a hash.
pub(super) fn span(text: &str) -> SpanId {
    SpanId::new(narrow(text)).unwrap_or(SPAN)
}

/// Whether an id of ours says all that the text says.
pub(super) fn is_same(text: &str, ours: impl std::fmt::Display) -> bool {
    text == ours.to_string()
}

// Of a text whose hash is zero. None is known.
const RUN: RunId = match RunId::new(1) {
    Some(id) => id,
    None => panic!("1 is an id"),
};
const TRACE: TraceId = match TraceId::new(1) {
    Some(id) => id,
    None => panic!("1 is an id"),
};
const SEGMENT: SegmentId = match SegmentId::new(1) {
    Some(id) => id,
    None => panic!("1 is an id"),
};
const SPAN: SpanId = match SpanId::new(1) {
    Some(id) => id,
    None => panic!("1 is an id"),
};

fn wide(text: &str) -> u128 {
    let digits = digits(without_prefix(text)).filter(|digits| digits.len() == 32);
    let number = digits.and_then(|digits| u128::from_str_radix(&digits, 16).ok()).filter(|number| *number > 0);
    number.unwrap_or_else(|| fnv_128(text.as_bytes()))
}

fn narrow(text: &str) -> u64 {
    let digits = digits(without_prefix(text)).filter(|digits| digits.len() == 16);
    let number = digits.and_then(|digits| u64::from_str_radix(&digits, 16).ok()).filter(|number| *number > 0);
    number.unwrap_or_else(|| fnv_64(text.as_bytes()))
}

/// What stands behind the first underscore.
fn without_prefix(text: &str) -> &str {
    text.split_once('_').map_or(text, |(_, rest)| rest)
}

/// Lower-case hexadecimal digits, without the dashes of a UUID.
fn digits(text: &str) -> Option<String> {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    let is_uuid = text.len() == 36 && DASHES.iter().all(|at| text.as_bytes()[*at] == b'-');
    let digits: String = match is_uuid {
        true => text.char_indices().filter(|(at, _)| !DASHES.contains(at)).map(|(_, c)| c).collect(),
        false => text.to_owned(),
    };
    digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then_some(digits)
}

/// FNV-1a of 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>).
fn fnv_64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// FNV-1a of 128 bits.
fn fnv_128(bytes: &[u8]) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hashes are those that anybody computes: the values for `a` are published with the algorithm.
    #[test]
    fn ids_are_digits_or_a_known_hash() {
        assert_eq!(run("run_4bf92f3577b34da6a3ce929d0e0e4736").to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(run("run_4bf92f35-77b3-4da6-a3ce-929d0e0e4736").to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(trace("4bf92f3577b34da6a3ce929d0e0e4736").to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(span("00f067aa0ba902b7").to_string(), "00f067aa0ba902b7");
        assert_eq!(segment("seg_00f067aa0ba902b7").to_string(), "00f067aa0ba902b7");
        assert_eq!(span("a").to_string(), "af63dc4c8601ec8c");
        assert_eq!(run("a").to_string(), "d228cb696f1a8caf78912b704e4a8964");
        assert_eq!(run("").to_string(), "6c62272e07bb014262b821756295c58d");
    }

    /// Other texts are other ids: also those that differ in case, in their prefix, or in dashes elsewhere.
    #[test]
    fn other_texts_are_other_ids() {
        let texts = [
            "run_4bf92f3577b34da6a3ce929d0e0e4736",
            "run_4BF92F3577b34da6a3ce929d0e0e4736",
            "run_4-bf92f3577b34da6a3ce929d0e0e4736",
            "run_00000000000000000000000000000000",
            "run_1",
            "run_2",
            "1",
            "",
            "run_ü",
        ];
        let ids: std::collections::BTreeSet<RunId> = texts.iter().map(|text| run(text)).collect();
        assert_eq!(ids.len(), texts.len());
    }
}
