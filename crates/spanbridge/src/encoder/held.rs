//! Spans that are held back until a sampler has decided: roots, if the application has a sampler of its own.
//!
//! Nothing of them is in the buffer, where a delivery might see it. They belong to builders, which stay on their thread.

use super::items::{Item, Key};
use super::layout::Field;
use crate::{Kind, Primitive, Value};
use std::borrow::Cow;
use std::cell::RefCell;

/// A span that is not recorded yet.
pub(crate) struct Held {
    pub(crate) id: u64,
    pub(super) began: u64,
    pub(crate) name: Cow<'static, str>,
    pub(super) items: Vec<(Key, Kept)>,
}

/// A value that is kept for later.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    Value(Value<'static>),
    Text(String),
    Json(String),
}

impl Kept {
    pub(super) fn of(value: Value<'_>) -> Self {
        match value {
            Value::Str(text) => Kept::Text(text.to_owned()),
            Value::Json(text) => Kept::Json(text.to_owned()),
            Value::Static(text) => Kept::Value(Value::Static(text)),
            Value::I64(n) => Kept::Value(Value::I64(n)),
            Value::F64(n) => Kept::Value(Value::F64(n)),
            Value::Bool(yes) => Kept::Value(Value::Bool(yes)),
        }
    }

    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Kept::Value(value) => *value,
            Kept::Text(text) => Value::Str(text),
            Kept::Json(text) => Value::Json(text),
        }
    }
}

thread_local! {
    static HELD: RefCell<Vec<Held>> = const { RefCell::new(vec![]) };
}

/// Nothing here calls the user's code, so nothing is borrowed twice; and a thread that is nearly gone holds nothing.
fn with<R>(f: impl FnOnce(&mut Vec<Held>) -> R) -> Option<R> {
    HELD.try_with(|held| f(&mut held.borrow_mut())).ok()
}

/// False where nothing can be held any more.
pub(super) fn push(held: Held) -> bool {
    with(|all| all.push(held)).is_some()
}

pub(super) fn take(id: u64) -> Option<Held> {
    with(|all| Some(all.swap_remove(all.iter().rposition(|held| held.id == id)?)))?
}

pub(super) fn add(id: u64, items: &[Item<'_>]) {
    let items = items.iter().map(|(key, value)| (*key, Kept::of(*value)));
    with(|all| {
        if let Some(held) = all.iter_mut().rfind(|held| held.id == id) {
            held.items.extend(items)
        }
    });
}

pub(super) fn rename(id: u64, to: u64) {
    with(|all| all.iter_mut().rfind(|held| held.id == id).map(|held| held.id = to));
}

pub(super) fn set_began(id: u64, began: u64) {
    with(|all| all.iter_mut().rfind(|held| held.id == id).map(|held| held.began = began));
}

impl Held {
    fn field(&self, field: Field) -> Option<Value<'_>> {
        let of = |key: &Key| matches!(key, Key::Field(f) if *f == field);
        self.items.iter().rfind(|(key, _)| of(key)).map(|(_, kept)| kept.value())
    }

    /// What kind of step it is, where that was said.
    pub(crate) fn primitive(&self) -> Option<Primitive> {
        match self.field(Field::Primitive)? {
            Value::Static(name) => Primitive::get(name),
            _ => None,
        }
    }

    /// Its role.
    pub(crate) fn kind(&self) -> Kind {
        match self.field(Field::Kind) {
            Some(Value::I64(kind)) => Kind::ALL.get(kind as usize).copied().unwrap_or_default(),
            _ => Kind::default(),
        }
    }

    /// The attributes that it was given.
    pub(crate) fn attributes(&self) -> Vec<(&'static str, Value<'_>)> {
        self.items
            .iter()
            .filter_map(|item| match &item.0 {
                Key::Attribute(key) => Some((*key, item.1.value())),
                Key::Field(_) => None,
            })
            .collect()
    }
}
