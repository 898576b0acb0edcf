//! Leaves: the columns as a file has them, each with values and levels. A map or a list of structs has several.

use crate::columns::{Column, NUMBERS, Number, TEXTS, Text};
use parquet::data_type::ByteArray;

/// What a leaf has. The numbers are those of [`Leaves`].
pub(crate) mod slot {
    use super::{NUMBERS, Number, TEXTS, Text};

    pub(crate) const fn text(text: Text) -> usize {
        text as usize
    }

    pub(crate) const fn number(number: Number) -> usize {
        TEXTS + number as usize
    }

    pub(crate) const ATTRIBUTE_KEY: usize = TEXTS + NUMBERS;
    pub(crate) const ATTRIBUTE_VALUE: usize = ATTRIBUTE_KEY + 1;
    pub(crate) const CHANGED_COLUMN: usize = ATTRIBUTE_KEY + 2;
    pub(crate) const LINK_TRACE_ID: usize = ATTRIBUTE_KEY + 3;
    pub(crate) const LINK_SPAN_ID: usize = ATTRIBUTE_KEY + 4;
    pub(crate) const LINK_ATTRIBUTE_KEY: usize = ATTRIBUTE_KEY + 5;
    pub(crate) const LINK_ATTRIBUTE_VALUE: usize = ATTRIBUTE_KEY + 6;
    pub(crate) const LINK_ATTRIBUTE_TYPES: usize = ATTRIBUTE_KEY + 7;
    pub(crate) const COUNT: usize = ATTRIBUTE_KEY + 8;
}

/// The leaves of a column, in their order: where each stands below the column, and which it is.
pub(crate) fn leaves_of(column: Column) -> Vec<(&'static str, usize)> {
    match column {
        Column::Text(text, _) => vec![("", slot::text(text))],
        Column::Number(number, _) => vec![("", slot::number(number))],
        Column::Attributes => {
            vec![(".key_value.key", slot::ATTRIBUTE_KEY), (".key_value.value", slot::ATTRIBUTE_VALUE)]
        }
        Column::ChangedColumns => vec![(".list.element", slot::CHANGED_COLUMN)],
        Column::Links => vec![
            (".list.element.trace_id", slot::LINK_TRACE_ID),
            (".list.element.span_id", slot::LINK_SPAN_ID),
            (".list.element.attributes.key_value.key", slot::LINK_ATTRIBUTE_KEY),
            (".list.element.attributes.key_value.value", slot::LINK_ATTRIBUTE_VALUE),
            (".list.element.attribute_types", slot::LINK_ATTRIBUTE_TYPES),
        ],
    }
}

/// Some values of a leaf, one after the other, and the levels that say where they belong.
#[derive(Default)]
pub(crate) struct Leaf {
    pub(crate) definitions: Vec<i16>,
    pub(crate) repetitions: Vec<i16>,
    pub(crate) texts: Vec<ByteArray>,
    pub(crate) numbers: Vec<i64>,
}

impl Leaf {
    pub(crate) fn clear(&mut self) {
        self.definitions.clear();
        self.repetitions.clear();
        self.texts.clear();
        self.numbers.clear();
    }

    pub(crate) fn level(&mut self, repetition: i16, definition: i16) {
        self.repetitions.push(repetition);
        self.definitions.push(definition);
    }

    pub(crate) fn text(&mut self, repetition: i16, definition: i16, text: ByteArray) {
        self.level(repetition, definition);
        self.texts.push(text);
    }
}

/// One leaf for each slot.
pub(crate) fn leaves() -> Vec<Leaf> {
    (0..slot::COUNT).map(|_| Leaf::default()).collect()
}
