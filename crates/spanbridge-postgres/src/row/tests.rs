//! What JSON says exactly is read back, and what it cannot is told.

use super::encode::Encoded;
use super::{json, lists};
use proptest::prelude::*;
use spanbridge_graph::arbitrary::record;
use spanbridge_query::engine::row::{Attribute, value};
use std::borrow::Cow;

/// The attributes that are read back from JSON, if JSON says them exactly.
fn through_json(attributes: &[Attribute<'static>]) -> Option<Vec<Attribute<'static>>> {
    let Some(written) = json::of_attributes(attributes) else { return Some(Vec::new()) };
    assert!(!written.text.replace("\\\\", "").contains("\\u0000"), "{}", written.text);
    let read = json::read_attributes(&written.text).expect("it is JSON");
    written.is_exact.then_some(read)
}

fn attribute(kind: u8, text: &str) -> Attribute<'static> {
    ("k".into(), kind, Cow::Owned(text.to_owned()))
}

#[test]
fn what_json_says_exactly() {
    for (kind, text) in [
        (value::I64, "-9223372036854775808"),
        (value::F64, "1.5"),
        (value::F64, "1e300"),
        (value::F64, "-0.0"),
        (value::BOOL, "true"),
        (value::STR, ""),
        (value::STR, "a\"\\\u{1}\u{7f}ÿ😀"),
        (value::JSON, "[1, {\"a\":null}]"),
        (value::JSON, "{}"),
        (value::JSON, &format!("[\"{}\"]", "[\\\"".repeat(200))),
    ] {
        let one = vec![attribute(kind, text), attribute(kind, text)];
        assert_eq!(through_json(&one), Some(one), "{text}");
    }
}

#[test]
fn what_json_cannot_say() {
    for (kind, text) in [
        (value::F64, "NaN"),
        (value::F64, "inf"),
        (value::STR, "a\0b"),
        (value::JSON, "null"),
        (value::JSON, "{"),
        (value::JSON, " []"),
        (value::JSON, "[\"\\u0000\"]"),
        (value::JSON, "[1,]"),
    ] {
        assert_eq!(through_json(&[attribute(kind, text)]), None, "{text}");
    }
    let deep = |levels: usize| attribute(value::JSON, &("[".repeat(levels) + &"]".repeat(levels)));
    assert_eq!(through_json(&[deep(100)]), Some(vec![deep(100)]));
    assert_eq!(through_json(&[deep(100_000)]), None);
    assert_eq!(through_json(&[("a\0".into(), value::BOOL, "true".into())]), None);
}

proptest! {
    #[test]
    fn lists_are_read_back(record in record()) {
        let row = Encoded::of(record.view()).unwrap().row;
        let mut bytes = Vec::new();
        lists::put(&mut bytes, &row);
        let (attributes, fields) = lists::read(&bytes).unwrap();
        prop_assert_eq!(&attributes, &row.attributes);
        prop_assert_eq!(&fields, &row.fields);
        if let Some(same) = through_json(&attributes) {
            let typed = |all: &[Attribute<'_>]| {
                let float = |kind: u8, text: &str| (kind == value::F64).then(|| text.parse::<f64>().map(f64::to_bits));
                all.iter().map(|(key, kind, text)| match float(*kind, text) {
                    Some(bits) => format!("{key} {bits:?}"),
                    None => format!("{key} {kind} {text}"),
                }).collect::<Vec<_>>()
            };
            prop_assert_eq!(typed(&same), typed(&attributes));
        }
    }

    #[test]
    fn equal_records_have_equal_ids(record in record(), other in record()) {
        let id = |record: &spanbridge::record::Record<'_>| Encoded::of(record.view()).unwrap().id;
        prop_assert_eq!(format!("{record:?}") == format!("{other:?}"), id(&record) == id(&other));
    }

    #[test]
    fn any_bytes_may_be_read(bytes in prop::collection::vec(any::<u8>(), 0..64), text in "[ -~]{0,30}") {
        let _ = lists::read(&bytes);
        let _ = (json::read_attributes(&text), json::read_fields(&text));
    }
}
