//! Which runs may show that a receiver settles messages of several runs with one call, as mentions.
//!
//! These are of settlements that say so by themselves: with links, with `multiple`, or below nothing. Of a settlement below a span, only
//! the rest of its run tells whether that is the work on the message; whoever asks looks for those.

use super::feeds::{NO_RUN, NO_SPAN, attribute, has_link, is_settlement};
use spanbridge::semconv;

/// The kind of such a mention. The id is the [receiver](receiver_id).
pub(crate) const SETTLES_OTHERS: char = 's';

/// The id of a service that receives from a messaging system, by expressions for their names.
pub(crate) fn receiver_id(service: &str, system: &str) -> String {
    format!("toFixedString(reinterpretAsString(cityHash64({service}, {system})), 16)")
}

/// What is given back or refused before anybody works on it is one message.
pub(crate) fn is_kept() -> String {
    format!("{} NOT IN ('nack', 'reject')", attribute(semconv::MESSAGING_OPERATION_NAME))
}

pub(super) fn settlers() -> String {
    format!(
        "SELECT toFixedString('{SETTLES_OTHERS}', 1) AS kind, {} AS id, run FROM record{{local}} \
         WHERE run != {NO_RUN}{{some}} AND {} AND ({} = 'true' OR {} OR parent = {NO_SPAN} AND {})",
        receiver_id("toString(service)", &attribute(semconv::MESSAGING_SYSTEM)),
        is_settlement(),
        attribute(semconv::SETTLE_MULTIPLE),
        has_link(),
        is_kept(),
    )
}

/// Whether some of the numbers in the column `summary.messages` are of settlements below a span that is not the work on a message that is
/// to be settled.
pub(crate) fn has_settlement_apart(numbers: &str) -> String {
    let lower = "bitAnd(m, toUInt64(4294967295))";
    let upper_halves = |which: &str| {
        let some = format!("arrayFilter(m -> {which}, {numbers})");
        format!("arrayReduce('uniqExact', arrayMap(m -> bitShiftRight(m, 32), {some}))")
    };
    let is_below_none = format!("bitOr(bitShiftRight(m, 32), toUInt64(1)) = {lower}");
    format!("{} > {}", upper_halves(&format!("NOT ({is_below_none})")), upper_halves(&format!("{lower} = 0")))
}
