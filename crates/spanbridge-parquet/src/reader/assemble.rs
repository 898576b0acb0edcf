//! From the leaves of some rows to the rows.

use super::layout::Place;
use crate::columns::{NUMBERS, TEXTS};
use crate::leaf::{Leaf, slot};
use crate::row::{LinkRow, Pairs, Row, Unreadable};
use parquet::data_type::ByteArray;
use std::borrow::Cow;

/// How far each leaf was read.
pub(super) struct Assembler<'b> {
    leaves: &'b [Leaf],
    places: &'b [Place],
    at: Vec<Position>,
}

#[derive(Clone, Copy, Default)]
struct Position {
    level: usize,
    value: usize,
}

/// A value of a list: the levels, and the text if it is not null.
struct Item<'b> {
    repetition: i16,
    definition: i16,
    text: Option<&'b ByteArray>,
}

impl<'b> Assembler<'b> {
    pub(super) fn new(leaves: &'b [Leaf], places: &'b [Place]) -> Self {
        Self { leaves, places, at: vec![Position::default(); leaves.len()] }
    }

    /// The next row. All leaves are read up to the next one, whatever is wrong with this.
    pub(super) fn next(&mut self) -> Result<Row<'b>, Unreadable> {
        let mut row = Row::default();
        let mut wrong = None;
        let mut keep = |text: Result<Cow<'b, str>, Unreadable>| match text {
            Ok(text) => Some(text),
            Err(why) => {
                wrong.get_or_insert(why);
                None
            }
        };
        for at in 0..TEXTS {
            if self.is_there(at) {
                let text = self.leaves[at].texts.get(self.at[at].value);
                self.at[at].value += 1;
                row.texts[at] = text.and_then(|text| keep(utf8(text)));
            }
        }
        for number in 0..NUMBERS {
            let at = TEXTS + number;
            if self.is_there(at) {
                row.numbers[number] = self.leaves[at].numbers.get(self.at[at].value).map(|number| *number as u64);
                self.at[at].value += 1;
            }
        }
        let [keys, values, columns, traces, spans, link_keys, link_values, link_types] = [
            slot::ATTRIBUTE_KEY,
            slot::ATTRIBUTE_VALUE,
            slot::CHANGED_COLUMN,
            slot::LINK_TRACE_ID,
            slot::LINK_SPAN_ID,
            slot::LINK_ATTRIBUTE_KEY,
            slot::LINK_ATTRIBUTE_VALUE,
            slot::LINK_ATTRIBUTE_TYPES,
        ]
        .map(|leaf| self.items(leaf));
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        row.attributes = pairs(keys, values)?;
        row.changed_columns = columns.into_iter().map(|item| required(item.text)).collect::<Result<_, _>>()?;
        row.links = self.links([traces, spans, link_types], [link_keys, link_values])?;
        Ok(row)
    }

    /// Whether a flat leaf has a value in this row.
    fn is_there(&mut self, at: usize) -> bool {
        let value = self.places[at].value;
        let position = &mut self.at[at];
        position.level += 1;
        value == 0 || self.leaves[at].definitions.get(position.level - 1) == Some(&value)
    }

    /// The values of a leaf below a list in this row: none, if the list is empty or null.
    fn items(&mut self, at: usize) -> Vec<Item<'b>> {
        let (leaf, place, position) = (&self.leaves[at], self.places[at], &mut self.at[at]);
        let mut items = Vec::new();
        let mut is_first = true;
        while let (Some(repetition), Some(definition)) =
            (leaf.repetitions.get(position.level), leaf.definitions.get(position.level))
        {
            if *repetition == 0 && !is_first {
                break;
            }
            is_first = false;
            position.level += 1;
            let text = if *definition == place.value {
                position.value += 1;
                leaf.texts.get(position.value - 1)
            } else {
                None
            };
            if *definition >= place.entry[0] {
                items.push(Item { repetition: *repetition, definition: *definition, text });
            }
        }
        items
    }

    fn links(
        &self,
        [traces, spans, types]: [Vec<Item<'b>>; 3],
        [keys, values]: [Vec<Item<'b>>; 2],
    ) -> Result<Vec<LinkRow<'b>>, Unreadable> {
        if traces.len() != spans.len() || traces.len() != types.len() || keys.len() != values.len() {
            return Err(uneven());
        }
        let inner = self.places[slot::LINK_ATTRIBUTE_KEY].entry[1];
        let inner_value = self.places[slot::LINK_ATTRIBUTE_VALUE].entry[1];
        // Each link has one item or more here: one without a key, if it has no attributes.
        let mut attributes: Vec<Pairs<'b>> = Vec::with_capacity(traces.len());
        for (key, value) in keys.into_iter().zip(values) {
            if key.repetition < 2 {
                attributes.push(Vec::new());
            }
            match (key.definition >= inner, value.definition >= inner_value) {
                (false, false) => {}
                (true, true) => {
                    let pair = (required(key.text)?, required(value.text)?);
                    attributes.last_mut().ok_or_else(uneven)?.push(pair);
                }
                _ => return Err(uneven()),
            }
        }
        if attributes.len() != traces.len() {
            return Err(uneven());
        }
        let all = traces.into_iter().zip(spans).zip(types).zip(attributes);
        let link = |(((trace, span), types), attributes): (((Item<'b>, Item<'b>), Item<'b>), Pairs<'b>)| {
            let attribute_types = types.text.map(utf8).transpose()?;
            Ok(LinkRow { trace_id: required(trace.text)?, span_id: required(span.text)?, attributes, attribute_types })
        };
        all.map(link).collect()
    }
}

fn uneven() -> Unreadable {
    Unreadable::Invalid("its lists and maps do not fit together".to_owned())
}

fn required(text: Option<&ByteArray>) -> Result<Cow<'_, str>, Unreadable> {
    text.map_or_else(|| Err(Unreadable::Invalid("a list or map has a null".to_owned())), utf8)
}

fn utf8(text: &ByteArray) -> Result<Cow<'_, str>, Unreadable> {
    let not_utf8 = |_| Unreadable::Invalid("a text is not UTF-8".to_owned());
    std::str::from_utf8(text.data()).map(Cow::Borrowed).map_err(not_utf8)
}

fn pairs<'b>(keys: Vec<Item<'b>>, values: Vec<Item<'b>>) -> Result<Pairs<'b>, Unreadable> {
    if keys.len() != values.len() {
        return Err(uneven());
    }
    keys.into_iter().zip(values).map(|(key, value)| Ok((required(key.text)?, required(value.text)?))).collect()
}
