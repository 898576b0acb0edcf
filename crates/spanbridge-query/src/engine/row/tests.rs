//! Every record comes back as it was.

use super::Row;
use crate::engine::row::Attribute;
use proptest::prelude::*;
use spanbridge_graph::arbitrary::record;
use spanbridge_graph::run_of;
use std::borrow::Cow;

fn owned(row: Row<'_>) -> Row<'static> {
    let text = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    let attribute = |(key, kind, value): Attribute<'_>| (text(key), kind, text(value));
    Row {
        service: text(row.service),
        kind: text(row.kind),
        name: text(row.name),
        primitive: text(row.primitive),
        role: text(row.role),
        status: text(row.status),
        attributes: row.attributes.into_iter().map(attribute).collect(),
        fields: row.fields.into_iter().map(|(key, value)| (text(key), text(value))).collect(),
        ..row
    }
}

proptest! {
    #[test]
    fn a_record_is_its_row(record in record()) {
        let row = Row::of(record.view()).unwrap();
        prop_assert_eq!(row.run, run_of(&record));
        // Not a number equals nothing, so texts are compared.
        prop_assert_eq!(format!("{:?}", owned(row).into_record().unwrap()), format!("{record:?}"));
    }
}
