//! Messages as PostgreSQL 15 wrote them.

use super::messages::shown;
use spanbridge_db::pgoutput::{Lsn, Message, TupleValue};

/// One message a line, as the server wrote them, in their order.
const CAPTURES: &str = include_str!("captures.hex");

/// The messages.
pub(crate) fn captured() -> impl Iterator<Item = Vec<u8>> {
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).expect("digits"), 16).expect("digits");
    CAPTURES.lines().map(move |line| line.as_bytes().chunks(2).map(byte).collect())
}

/// Transactions with and without messages, a rolled back savepoint, every replica identity, types, quoted names, a table without
/// columns, a partition, an origin, an altered table, TRUNCATE.
#[test]
fn reads_what_the_server_wrote() {
    let messages: Vec<Vec<u8>> = captured().collect();
    let text: String = messages.iter().map(|bytes| shown(&Message::parse(bytes).expect("a message")) + "\n").collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pgoutput/captures.txt");
    if std::env::var_os("UPDATE_CAPTURES").is_some() {
        std::fs::write(path, &text).expect("written");
    }
    assert_eq!(text, std::fs::read_to_string(path).expect("the expected text"));
}

/// A message that lost its end, or to which something was added, is none.
#[test]
fn what_is_not_whole_is_refused() {
    for bytes in captured() {
        for end in 0..bytes.len() {
            let error = Message::parse(&bytes[..end]).expect_err("cut short");
            assert!(error.offset() <= end, "{error}");
        }
        let longer = [&*bytes, &[0]].concat();
        let error = Message::parse(&longer).expect_err("too long");
        assert_eq!(error.offset(), bytes.len(), "{error}");
    }
}

/// Each part that is not as the protocol says is named, with its place.
#[test]
fn what_is_wrong_is_named() {
    let cases: [(&[u8], &str); 11] = [
        (b"", "it ends early at byte 0"),
        (b"S\0\0\0\x01\x01", "an unknown kind of message at byte 0"),
        (b"M\x02", "unknown flags at byte 1"),
        (b"C\x01", "unknown flags at byte 1"),
        (b"O\0\0\0\0\0\0\0\x01name", "a text without an end at byte 9"),
        (b"R\0\0\0\x01a\0b\0x", "an unknown replica identity at byte 9"),
        (b"R\0\0\0\x01a\0b\0d\xff\xff", "a negative number of columns at byte 10"),
        (b"I\0\0\0\x01O\0\0", "no new row at byte 5"),
        (b"I\0\0\0\x01N\0\x01t\xff\xff\xff\xff", "a negative length at byte 9"),
        (b"D\0\0\0\x01N\0\0", "an unknown kind of row at byte 5"),
        (b"T\0\0\0\x01\x04\0\0\0\x01", "unknown options at byte 5"),
    ];
    for (bytes, why) in cases {
        let error = Message::parse(bytes).expect_err(why);
        assert_eq!(error.to_string(), format!("read a message of pgoutput: {why}"));
    }
}

/// A number of columns or tables takes no memory before they are there.
#[test]
fn announced_numbers_cost_nothing() {
    for bytes in [
        &b"R\0\0\0\x01a\0b\0d\x7f\xff"[..],
        b"T\x7f\xff\xff\xff\0",
        b"I\0\0\0\x01N\x7f\xff",
        b"M\x01\0\0\0\0\0\0\0\x01p\0\x7f\xff\xff\xff",
    ] {
        assert_eq!(
            Message::parse(bytes).expect_err("cut short").to_string().split(" at ").next(),
            Some("read a message of pgoutput: it ends early")
        );
    }
}

/// The option `binary` is off. Where it is on, values are bytes.
#[test]
fn binary_values_are_bytes() {
    let Ok(Message::Insert(insert)) = Message::parse(b"I\0\0\0\x01N\0\x02b\0\0\0\x02\0\x07u") else {
        panic!("an insert")
    };
    assert_eq!(insert.new.iter().collect::<Vec<_>>(), [TupleValue::Binary(&[0, 7]), TupleValue::Unchanged]);
}

/// Times are those of Unix.
#[test]
fn times_are_since_the_unix_epoch() {
    let Ok(Message::Begin(begin)) = Message::parse(b"B\0\0\0\0\x01\x59\x1c\x38\0\0\0\0\0\0\0\x01\0\0\0\x02") else {
        panic!("a begin")
    };
    assert_eq!((begin.committed_at, begin.final_lsn, begin.xid), (946_684_800_000_001, Lsn::new(0x159_1c38), 2));
}
