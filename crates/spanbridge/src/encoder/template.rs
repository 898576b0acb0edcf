//! What many spans have in common, encoded once.

use super::active::Started;
use super::held::Kept;
use super::items::{self, Key};
use super::layout::*;
use super::thread::ThreadRecorder;
use crate::buffer::atomic::{AtomicU64, Ordering::Relaxed};
use crate::buffer::{SPAN, header};
use crate::context::Shared;
use crate::{Kind, Primitive, Value};

/// Longer texts are added to each span: a template of texts that are cut, or that fill a chunk, would lose them.
const MAX_TEMPLATE_TEXT: usize = 1024;
/// So is everything else once the copy has this many words: it has to fit into a chunk, with room beside it.
const MAX_TEMPLATE_WORDS: usize = crate::buffer::WORDS / 2;

/// The record of a span that has not begun: its header and items. A copy of it, with id, parent and time, is a span.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    words: Vec<u64>,
    long: Vec<(&'static str, Kept)>,
    /// The same once more, for a span that is held back.
    name: Box<str>,
    items: Vec<(Key, Kept)>,
}

impl Template {
    pub(crate) fn new(name: &str) -> Self {
        let name = crate::cut::cut(name, MAX_TEMPLATE_TEXT);
        let mut template = Template { words: vec![0; SPAN_WORDS], long: vec![], name: name.into(), items: vec![] };
        template.words[0] = header(SPAN, SPAN_WORDS);
        template.push(Key::Field(Field::Name), Value::Str(name));
        template
    }

    pub(crate) fn set_kind(&mut self, primitive: Primitive, kind: Kind) {
        let code = primitive.code().map_or(CUSTOM, u64::from);
        self.words[0] &= !(0xff << PRIMITIVE_AT | 7 << KIND_AT);
        self.words[0] |= code << PRIMITIVE_AT | (kind as u64) << KIND_AT;
        if code == CUSTOM && self.has_room(&Value::Static(primitive.name())) {
            self.push(Key::Field(Field::Primitive), Value::Static(primitive.name()))
        }
        self.items.push((Key::Field(Field::Primitive), Kept::Value(Value::Static(primitive.name()))));
        self.items.push((Key::Field(Field::Kind), Kept::Value(Value::I64(kind as i64))))
    }

    pub(crate) fn add(&mut self, key: &'static str, value: Value<'_>) {
        self.items.push((Key::Attribute(key), Kept::of(value)));
        // Text that is JSON stays that only if it is whole.
        let cut = items::cut(value);
        match value {
            Value::Str(text) | Value::Static(text) if text.len() > MAX_TEMPLATE_TEXT => {
                self.long.push((key, Kept::Text(text.into())))
            }
            value if !self.has_room(&cut) => self.long.push((key, Kept::of(value))),
            _ => self.push(Key::Attribute(key), cut),
        }
    }

    fn has_room(&self, value: &Value<'_>) -> bool {
        self.words.len() + items::words(value) <= MAX_TEMPLATE_WORDS
    }

    fn push(&mut self, key: Key, value: Value<'_>) {
        let n = items::words(&value);
        let words: Vec<AtomicU64> = (0..n).map(|_| AtomicU64::new(0)).collect();
        // SAFETY: there is room for as many words as the item takes.
        unsafe { items::put(words.as_ptr(), key, value) }
        self.words.extend(words.iter().map(|word| word.load(Relaxed)));
        self.words[0] += (n as u64) << 8;
        self.words[0] |= (matches!(key, Key::Field(_)) as u64) << FIELDS_AT
    }
}

impl ThreadRecorder {
    /// Begins a span with what the template has.
    #[inline]
    pub(crate) fn begin_from(&self, shared: &Shared, parent: u64, template: &Template) -> Started {
        let Some(mut started) = self.begin_copy(shared, parent, &template.words) else { return Started::NONE };
        for (key, kept) in &template.long {
            started = self.add(started, || Some(shared), Key::Attribute(key), kept.value())
        }
        started
    }

    /// Begins a span with what the template has, held back as by [`ThreadRecorder::hold`].
    #[cold]
    pub(crate) fn hold_from(&self, template: &Template) -> Started {
        self.hold_with(template.name.to_string().into(), template.items.clone())
    }
}
