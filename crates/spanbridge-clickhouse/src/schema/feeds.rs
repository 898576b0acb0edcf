//! What the views make of records: for each run what chooses it for a list, when it was active, and what it mentions.
//!
//! All of it is minima, maxima, bits and sets, which are the same however often a record is inserted. Sums would not be.

use spanbridge::semconv;
use spanbridge_query::engine::row::value::BOOL;

/// When a record happened, in nanoseconds since the Unix epoch.
pub(crate) const AT: &str = "bitOr(bitShiftLeft(toUInt64(at_high), 32), toUInt64(at_low))";

/// What is known of a run, as bits of the column `summary.flags`. The upper 32 are [services](service_bit).
pub(crate) mod flag {
    /// Its start is stored.
    pub(crate) const STARTED: u64 = 1;
    /// Its end is stored.
    pub(crate) const ENDED: u64 = 1 << 1;
    /// Its end says that it failed, or a span failed.
    pub(crate) const FAILED: u64 = 1 << 2;
    /// Its end says that it was cancelled, or a span was.
    pub(crate) const CANCELLED: u64 = 1 << 3;
    pub(crate) const SUSPENDED: u64 = 1 << 4;
    /// A message was given up, is a dead letter, or was settled together with others: as [`Hints`](spanbridge_graph::Hints) say.
    pub(crate) const HINT: u64 = 1 << 5;
    /// It has a span below nothing, or below the run.
    pub(crate) const TOP: u64 = 1 << 6;
    /// Code declared it: it does not only consist of spans.
    pub(crate) const OWNED: u64 = 1 << 7;
    /// A span began, and its end is in another record.
    pub(crate) const APART: u64 = 1 << 8;
    /// A span ended, and its start is in another record.
    pub(crate) const ENDED_APART: u64 = 1 << 9;
}

/// The bit of a service, by an expression for its name. Several services may have the same.
pub(crate) fn service_bit(service: &str) -> String {
    format!("bitShiftLeft(toUInt64(1), toUInt8(32 + cityHash64({service}) % 32))")
}

/// The bits of the time in the column `summary.began`. Its two upper bits say which time it is. All bits: no record has a time.
pub(crate) const TIME: u64 = (1 << 62) - 1;

/// This time, or a later one.
pub(crate) const LATEST: u64 = TIME - 1;

/// What the two upper bits of `summary.began` say. The smallest counts, so the column is when the run began.
pub(crate) mod rank {
    /// By its owner.
    pub(crate) const OWNER: u64 = 0;
    /// The first start of a span.
    pub(crate) const SPAN: u64 = 1;
    /// The first end of a span.
    pub(crate) const SPAN_END: u64 = 2;
    /// Any other record.
    pub(crate) const OTHER: u64 = 3;
}

/// When a span ended.
const UNTIL: &str = "bitOr(bitShiftLeft(toUInt64(at_high), 32), toUInt64(at_low)) + \
                     bitOr(bitShiftLeft(toUInt64(took_high), 32), toUInt64(took_low))";

pub(super) const NO_RUN: &str = "unhex('00000000000000000000000000000000')";
pub(crate) const NO_SPAN: &str = "unhex('0000000000000000')";
const STARTS: &str = "type IN ('span', 'span:start')";
const HAS_TIME: &str =
    "type NOT IN ('run:attributes', 'span:attributes', 'artifact', 'edge', 'diagnostic') AND near_last = 0";
/// A mutation whose batch has no time either says so by this time.
const MAY_LACK_TIME: &str = "type = 'mutation' AND at_high = 0 AND at_low = 0";

/// One row for each run in the records.
pub(super) fn summary() -> String {
    // As `RunId::as_parent`.
    let own = format!("if(substring(run, 9, 8) = {NO_SPAN}, unhex('0000000000000001'), substring(run, 9, 8))");
    let is_top = format!("{STARTS} AND (parent = {NO_SPAN} OR parent = toFixedString({own}, 8))");
    let bits = [
        (flag::STARTED, "type = 'run:start'".to_owned()),
        (flag::ENDED, "type = 'run:end'".to_owned()),
        (flag::FAILED, "status IN ('error', 'panicked')".to_owned()),
        (flag::CANCELLED, "status = 'cancelled'".to_owned()),
        (flag::SUSPENDED, "type = 'run:suspend'".to_owned()),
        (flag::HINT, hint()),
        (flag::TOP, is_top.clone()),
        (
            flag::OWNED,
            format!(
                "type IN ('run:start', 'run:end', 'run:suspend', 'run:resume') OR type = 'segment' AND {} = 'resume'",
                first("field", "via")
            ),
        ),
        (flag::APART, "type = 'span:start'".to_owned()),
        (flag::ENDED_APART, "type = 'span:end'".to_owned()),
    ];
    let flags: Vec<String> = bits.iter().map(|(bit, says)| format!("if({says}, {bit}, 0)")).collect();
    let began = format!(
        "least({AT}, toUInt64({LATEST})) + bitShiftLeft(toUInt64(multiIf(type = 'run:start', {}, {STARTS}, {}, \
         type = 'span:end', {}, {})), 62)",
        rank::OWNER,
        rank::SPAN,
        rank::SPAN_END,
        rank::OTHER
    );
    let seconds = |at: &str| format!("toUInt32(least(intDiv({at}, 1000000000), toUInt64(4294967295)))");
    let list = |is: &str, of: &str, none: &str| format!("groupUniqArrayArrayState(if({is}, [{of}], {none}()))");
    let texts = "emptyArrayString";
    format!(
        "SELECT run, groupBitOrState(toUInt64({}) + if(type = 'mutation', toUInt64(0), {})) AS flags, \
         minState(if({HAS_TIME} AND NOT ({MAY_LACK_TIME}), {began}, toUInt64({}))) AS began, \
         minState(if({HAS_TIME}, {}, toUInt32(4294967295))) AS first, maxState({}) AS last, \
         groupUniqArrayState(toUInt16(day)) AS days, {} AS names, {} AS services, {} AS parents, \
         groupUniqArrayArrayState({}) AS messages \
         FROM record{{local}} WHERE run != {NO_RUN}{{some}} GROUP BY run",
        flags.join(" + "),
        service_bit("service"),
        u64::MAX,
        seconds(AT),
        seconds(&format!("greatest({AT}, {UNTIL})")),
        list(&format!("type = 'run:start' OR {is_top}"), "toString(name)", texts),
        list("type != 'mutation'", "toString(service)", texts),
        list("type = 'run:start'", &first("field", "parentRunId"), texts),
        messages(),
    )
}

/// The first value of this key, in the columns of fields or attributes. Nothing if there is none.
fn first(of: &str, key: &str) -> String {
    format!("arrayElement(`{of}.value`, indexOf(`{of}.key`, '{key}'))")
}

pub(super) fn attribute(key: &str) -> String {
    first("attribute", key)
}

fn has(key: &str) -> String {
    format!("has(`attribute.key`, '{key}')")
}

fn is_work() -> String {
    format!("{STARTS} AND primitive = 'messaging.process'")
}

pub(crate) fn is_settlement() -> String {
    format!("{STARTS} AND primitive = 'messaging.settle'")
}

/// Whether a record alone says that messages of its run may have failed for good.
fn hint() -> String {
    let requeue = semconv::SETTLE_REQUEUE;
    // A text is not the truth value that it spells.
    let is_requeued = format!(
        "{} = 'true' AND arrayElement(`attribute.kind`, indexOf(`attribute.key`, '{requeue}')) = {}",
        attribute(requeue),
        BOOL
    );
    format!(
        "({} AND {}) OR ({} AND ({} IN ('nack', 'reject') AND NOT ({is_requeued}) OR {} = 'true' OR {}))",
        is_work(),
        has(semconv::DEAD_LETTER_QUEUE),
        is_settlement(),
        attribute(semconv::MESSAGING_OPERATION_NAME),
        attribute(semconv::SETTLE_MULTIPLE),
        has_link(),
    )
}

pub(super) fn has_link() -> &'static str {
    "has(`field.key`, 'link')"
}

/// The work that is to be settled, and the settlements, as numbers: the upper half stands for the work, the lower half for the
/// settlement. The exclusive or of the upper halves is zero if all that is to be settled is.
fn messages() -> String {
    let expected = semconv::SETTLE_EXPECTED;
    let by_one = format!("{} IN ('ack', 'store_offset')", attribute(expected));
    let others =
        [semconv::SETTLE_AUTOMATIC, semconv::SETTLE_STORED, semconv::MESSAGING_BATCH_COUNT, semconv::FAAS_TRIGGER];
    let is_to_be_settled = format!(
        "{} AND ({by_one} OR {}) AND NOT ({} AND NOT {by_one} OR {})",
        is_work(),
        has(semconv::RABBITMQ_DELIVERY_TAG),
        has(expected),
        others.map(has).join(" OR "),
    );
    let is_settled = format!(
        "{} AND NOT ({} = 'commit' AND parent != {NO_SPAN})",
        is_settlement(),
        attribute(semconv::MESSAGING_OPERATION_NAME)
    );
    let is_stored = format!("type = 'span:attributes' AND {}", has(semconv::SETTLE_STORED));
    let upper = |span: &str| format!("bitShiftLeft(bitShiftRight(cityHash64({span}), 32), 32)");
    let lower = |of: &str| format!("bitOr(bitShiftRight(cityHash64({of}), 32), toUInt64(1))");
    format!(
        "multiIf({is_to_be_settled}, [{}], {is_settled}, [bitOr({}, {})], {is_stored}, [bitOr({}, {})], emptyArrayUInt64())",
        upper("span"),
        upper(&format!("if(parent = {NO_SPAN}, span, parent)")),
        lower("span"),
        upper("span"),
        lower("segment, seq"),
    )
}

/// One row for each run and time slot in which it has records.
pub(super) fn active() -> String {
    format!(
        "SELECT {} AS slot, run, toUInt16(max(if(near_last > 0, toUInt64(0), bitAnd(bitShiftRight({AT}, 18), 65535)))) AS late \
         FROM record{{local}} WHERE run != {NO_RUN}{{some}} GROUP BY slot, run",
        "toUInt32(if(near_last > 0, intDiv(toUInt64(near_last) * 1000000000, 17179869184), intDiv(at_high, 4)))"
    )
}

/// The kind of a mention that says that a run changed a row. The id is the mark of the row. No view knows it: whoever inserts does.
pub(crate) const CHANGED: char = 'm';

/// The kind of a mention that says which run started a run.
pub(crate) const STARTED_BY: char = 'p';

/// `t` and a trace, `p` and a run, `l` and a linked trace. (No lambda uses a column, which 18.16 does not find here.)
pub(super) fn mention() -> String {
    let fields = |key: &str| format!("arrayFilter((value, key) -> key = '{key}', `field.value`, `field.key`)");
    let ids = |mark: char, fields: &str| {
        format!("arrayMap(value -> concat('{mark}', unhex(substring(value, 1, 32))), {fields})")
    };
    let links = format!("if(type = 'edge' AND name = 'custom.link', {}, {})", fields("to.span"), fields("link"));
    format!(
        "SELECT toFixedString(substring(arrayJoin(arrayConcat([if(length(trace) = 16, concat('t', trace), '')], {}, {})) \
         AS found, 1, 1), 1) AS kind, toFixedString(substring(found, 2, 16), 16) AS id, run \
         FROM record{{local}} WHERE run != {NO_RUN} AND length(found) = 17 \
         AND (kind = 'p' OR substring(found, 2, 16) != toString(run)) \
         AND (kind != 'l' OR substring(found, 2, 16) != trace)",
        ids(STARTED_BY, &fields("parentRunId")),
        ids('l', &links),
    )
}
