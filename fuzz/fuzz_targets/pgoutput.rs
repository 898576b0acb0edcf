//! Messages of PostgreSQL's logical decoding: what is read says where everything is, and what is refused where it ends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge_db::pgoutput::{Message, Tuple, TupleValue};

fuzz_target!(|bytes: &[u8]| match Message::parse(bytes) {
    Err(error) => assert!(error.offset() <= bytes.len(), "{error}"),
    Ok(message) => {
        match &message {
            Message::Insert(insert) => whole(&insert.new, bytes),
            Message::Update(update) => {
                whole(&update.new, bytes);
                update.old.iter().for_each(|old| whole(&old.tuple(), bytes));
            }
            Message::Delete(delete) => whole(&delete.old.tuple(), bytes),
            Message::Truncate(truncate) => assert_eq!(truncate.relations().len() * 4 + 6, bytes.len()),
            Message::Relation(relation) => assert!(relation.columns.len() * 10 <= bytes.len()),
            _ => {}
        }
        // Every byte counts.
        for end in 0..bytes.len() {
            assert!(Message::parse(&bytes[..end]).is_err());
        }
    }
});

fn whole(row: &Tuple<'_>, bytes: &[u8]) {
    assert_eq!(row.iter().count(), row.len());
    for value in row {
        if let TupleValue::Text(value) | TupleValue::Binary(value) = value {
            assert!(value.len() < bytes.len());
        }
    }
}
