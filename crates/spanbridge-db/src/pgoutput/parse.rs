//! Reading a message.

use super::bytes::Bytes;
use super::error::ParseError;
use super::lsn::Lsn;
use super::message::{
    Begin, Commit, Delete, Insert, LogicalMessage, Message, OldTuple, Origin, Truncate, TypeName, Update,
};
use super::relation::Relation;
use super::tuple::Tuple;

/// From the Unix epoch to PostgreSQL's, 2000-01-01, in microseconds.
const EPOCH: i64 = 946_684_800_000_000;

impl<'a> Message<'a> {
    /// Reads one message.
    ///
    /// # Errors
    /// If the bytes are not exactly one message of protocol version 1.
    pub fn parse(message: &'a [u8]) -> Result<Self, ParseError> {
        let mut bytes = Bytes::new(message);
        let parsed = match bytes.u8()? {
            b'B' => Message::Begin(begin(&mut bytes)?),
            b'M' => Message::Message(logical_message(&mut bytes)?),
            b'O' => Message::Origin(Origin { commit_lsn: lsn(&mut bytes)?, name: bytes.text()? }),
            b'R' => Message::Relation(Relation::parse(&mut bytes)?),
            b'Y' => Message::Type(TypeName { oid: bytes.u32()?, namespace: bytes.namespace()?, name: bytes.text()? }),
            b'I' => Message::Insert(Insert { relation: bytes.u32()?, new: new(&mut bytes)? }),
            b'U' => Message::Update(update(&mut bytes)?),
            b'D' => Message::Delete(delete(&mut bytes)?),
            b'T' => Message::Truncate(truncate(&mut bytes)?),
            b'C' => Message::Commit(commit(&mut bytes)?),
            _ => return Err(ParseError::new("an unknown kind of message", 0)),
        };
        bytes.end()?;
        Ok(parsed)
    }
}

fn lsn(bytes: &mut Bytes<'_>) -> Result<Lsn, ParseError> {
    bytes.u64().map(Lsn::new)
}

fn time(bytes: &mut Bytes<'_>) -> Result<i64, ParseError> {
    bytes.i64().map(|micros| micros.saturating_add(EPOCH))
}

fn begin(bytes: &mut Bytes<'_>) -> Result<Begin, ParseError> {
    Ok(Begin { final_lsn: lsn(bytes)?, committed_at: time(bytes)?, xid: bytes.u32()? })
}

fn commit(bytes: &mut Bytes<'_>) -> Result<Commit, ParseError> {
    // Flags, of which there are none yet.
    expect(bytes, 0, "unknown flags")?;
    Ok(Commit { commit_lsn: lsn(bytes)?, end_lsn: lsn(bytes)?, committed_at: time(bytes)? })
}

fn logical_message<'a>(bytes: &mut Bytes<'a>) -> Result<LogicalMessage<'a>, ParseError> {
    let before = *bytes;
    let transactional = match bytes.u8()? {
        0 => false,
        1 => true,
        _ => return Err(before.error("unknown flags")),
    };
    let (lsn, prefix, length) = (lsn(bytes)?, bytes.text()?, bytes.length()?);
    Ok(LogicalMessage { transactional, lsn, prefix, content: bytes.take(length)? })
}

fn new<'a>(bytes: &mut Bytes<'a>) -> Result<Tuple<'a>, ParseError> {
    expect(bytes, b'N', "no new row")?;
    Tuple::parse(bytes)
}

fn update<'a>(bytes: &mut Bytes<'a>) -> Result<Update<'a>, ParseError> {
    let relation = bytes.u32()?;
    let before = *bytes;
    if bytes.u8()? == b'N' {
        return Ok(Update { relation, old: None, new: Tuple::parse(bytes)? });
    }
    *bytes = before;
    Ok(Update { relation, old: Some(old(bytes)?), new: new(bytes)? })
}

fn delete<'a>(bytes: &mut Bytes<'a>) -> Result<Delete<'a>, ParseError> {
    Ok(Delete { relation: bytes.u32()?, old: old(bytes)? })
}

fn old<'a>(bytes: &mut Bytes<'a>) -> Result<OldTuple<'a>, ParseError> {
    let before = *bytes;
    match bytes.u8()? {
        b'K' => Tuple::parse(bytes).map(OldTuple::Key),
        b'O' => Tuple::parse(bytes).map(OldTuple::Full),
        _ => Err(before.error("an unknown kind of row")),
    }
}

fn truncate<'a>(bytes: &mut Bytes<'a>) -> Result<Truncate<'a>, ParseError> {
    let count = bytes.length()?;
    let before = *bytes;
    let options = bytes.u8()?;
    if options > 3 {
        return Err(before.error("unknown options"));
    }
    let relations = bytes.take(count.saturating_mul(4))?;
    Ok(Truncate { cascade: options & 1 != 0, restart_identity: options & 2 != 0, relations })
}

fn expect(bytes: &mut Bytes<'_>, byte: u8, otherwise: &'static str) -> Result<(), ParseError> {
    let before = *bytes;
    if bytes.u8()? == byte { Ok(()) } else { Err(before.error(otherwise)) }
}
