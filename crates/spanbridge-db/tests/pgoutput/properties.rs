//! Whatever bytes come.

use super::messages::{shown, written};
use proptest::prelude::*;
use spanbridge_db::pgoutput::Message;

/// Bytes of about one message: a kind, and numbers, texts and rows in any order.
fn nearly_a_message() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![Just(vec![0, 0]), Just(vec![0, 1]), Just(vec![0, 2]), Just(vec![0xff, 0xff])];
    let oid = prop_oneof![Just(vec![0, 0, 0, 0]), Just(vec![0, 0, 0, 1]), Just(vec![0xff; 4])];
    let text = "[a-z]{0,3}".prop_map(|text| [text.as_bytes(), &[0]].concat());
    let value = prop_oneof![
        Just(b"n".to_vec()),
        Just(b"u".to_vec()),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(|v| [&b"t\0\0\0"[..], &[v.len() as u8], &v].concat()),
    ];
    let row = (prop::sample::select(b"NKO".to_vec()), prop::collection::vec(value, 0..4))
        .prop_map(|(kind, values)| [&[kind, 0, values.len() as u8][..], &values.concat()].concat());
    let part = prop_oneof![number, oid, text, row, Just(vec![0; 8]), prop::collection::vec(any::<u8>(), 0..3)];
    let kind = prop::sample::select(b"BMORYIUDTCS".to_vec());
    (kind, prop::collection::vec(part, 0..6)).prop_map(|(kind, parts)| [vec![kind], parts.concat()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// What is read is written as the same bytes: nothing is passed over. The rest is refused, at a place inside.
    #[test]
    fn reads_exactly_or_refuses(bytes in prop_oneof![nearly_a_message(), prop::collection::vec(any::<u8>(), 0..64)]) {
        match Message::parse(&bytes) {
            Err(error) => prop_assert!(error.offset() <= bytes.len(), "{error}"),
            Ok(message) => {
                prop_assert!(!shown(&message).is_empty());
                let is_lossy = shown(&message).contains('\u{fffd}') || bytes.windows(10).any(|w| w == b"pg_catalog");
                let mut again = written(&message);
                // Only the lowest bit of a column's flags has a meaning.
                let same_but_flags = matches!(message, Message::Relation(_)) && again.len() == bytes.len();
                if same_but_flags {
                    again.clone_from(&bytes);
                }
                prop_assert!(is_lossy || again == bytes, "{}", shown(&message));
            }
        }
    }
}
