//! The value of a field.

use spanbridge::{Failure, Value, adapter};
use std::error::Error;
use std::fmt::Debug;

/// A value, or text that was made of it.
#[derive(Debug)]
pub(crate) enum Given {
    Value(Value<'static>),
    Text(String),
}

impl Given {
    pub(crate) fn value(&self) -> Value<'_> {
        match self {
            Given::Value(value) => *value,
            Given::Text(text) => Value::Str(text),
        }
    }

    /// An integer that attributes have no kind for is recorded as its digits.
    #[inline]
    pub(crate) fn of_integer<T: Copy + ToString + TryInto<i64>>(value: T) -> Self {
        value
            .try_into()
            .map_or_else(|_| Given::Text(value.to_string()), |value| Given::Value(spanbridge::Value::I64(value)))
    }

    pub(crate) fn into_text(self) -> String {
        match self {
            Given::Text(text) => text,
            Given::Value(Value::I64(n)) => n.to_string(),
            Given::Value(Value::F64(n)) => n.to_string(),
            Given::Value(Value::Bool(yes)) => yes.to_string(),
            Given::Value(other) => other.as_str().unwrap_or_default().to_owned(),
        }
    }

    /// The error and its causes.
    pub(crate) fn of_error(error: &(dyn Error + 'static)) -> Self {
        Given::Text(Failure::of_any(error).message())
    }
}

/// A value by its `Debug`, which is the application's code.
pub(super) fn text(value: &dyn Debug) -> String {
    adapter::shown(&format_args!("{value:?}"))
}

/// The methods of `Visit`, by one that takes a field and a [`Given`]: `$put(&mut self, &Field, Given)`. Text that is borrowed is
/// for the type itself.
macro_rules! visit_by {
    ($put:ident) => {
        fn record_i64(&mut self, field: &Field, value: i64) {
            self.$put(field, Given::Value(spanbridge::Value::I64(value)))
        }

        fn record_u64(&mut self, field: &Field, value: u64) {
            self.$put(field, Given::of_integer(value))
        }

        fn record_i128(&mut self, field: &Field, value: i128) {
            self.$put(field, Given::of_integer(value))
        }

        fn record_u128(&mut self, field: &Field, value: u128) {
            self.$put(field, Given::of_integer(value))
        }

        fn record_f64(&mut self, field: &Field, value: f64) {
            self.$put(field, Given::Value(spanbridge::Value::F64(value)))
        }

        fn record_bool(&mut self, field: &Field, value: bool) {
            self.$put(field, Given::Value(spanbridge::Value::Bool(value)))
        }
    };
}
pub(super) use visit_by;
