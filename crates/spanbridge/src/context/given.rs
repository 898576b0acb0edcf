//! What an attribute can be given as: more types than a record keeps.

use crate::context::value::Value;
use std::borrow::Cow;

/// What `.attribute(key, value)` takes: integers, floats, `bool`, text in any form, a [`Value`], or an `Option` of one of
/// these, of which `None` adds nothing. References to them will do.
///
/// Integers outside `i64` are recorded as `i64::MAX` or `i64::MIN`: attributes have no larger integer in OpenTelemetry.
///
/// Record anything else as text by its `Display`: [`observe::display(&value)`](crate::observe::display).
///
/// ```
/// use spanbridge::observe;
/// # struct Order { id: u64, customer: String, note: Option<String>, price: std::num::NonZero<u32> }
/// # fn ship(order: &Order) {
/// observe::span("ship")
///     .attribute("order.id", order.id)
///     .attribute("order.customer", &order.customer) // or the `String` itself
///     .attribute("order.note", &order.note) // `None`: no attribute
///     .attribute("order.price", observe::display(&order.price))
///     .in_scope(|| ());
/// # }
/// ```
///
/// ```compile_fail
/// struct Order;
/// spanbridge::observe::span("ship").attribute("order", Order); // the compiler names `observe::display`
/// ```
///
/// It is implemented here only, so that more types can follow.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of an attribute",
    label = "neither a number, a `bool`, text, nor an `Option` of one",
    note = "record it as text by its `Display`: `observe::display(&value)`",
    note = "or by its `Debug`: `observe::display` takes a `format_args!` too"
)]
pub trait IntoValue<'v>: sealed::Sealed {
    #[doc(hidden)] // the trait is sealed, and its values are made here alone
    fn into_given(self) -> Option<Given<'v>>;
}

/// A value, or text that comes with it.
#[doc(hidden)] // for `display`, and for the code that the macros write
#[derive(Clone, Debug)]
pub enum Given<'v> {
    Value(Value<'v>),
    Text(String),
    Json(String),
}

impl Given<'_> {
    #[inline(always)]
    pub(crate) fn value(&self) -> Value<'_> {
        match self {
            Given::Value(value) => *value,
            Given::Text(text) => Value::Str(text),
            Given::Json(text) => Value::Json(text),
        }
    }
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for Given<'_> {}
impl<'v> IntoValue<'v> for Given<'v> {
    #[inline(always)]
    fn into_given(self) -> Option<Given<'v>> {
        Some(self)
    }
}

/// Whatever is a [`Value`], by itself and by reference.
macro_rules! copied {
    ($($t:ty),* $(,)?) => { $(
        impl sealed::Sealed for $t {}
        impl<'v> IntoValue<'v> for $t {
            #[inline(always)]
            fn into_given(self) -> Option<Given<'v>> {
                Some(Given::Value(self.into()))
            }
        }
        impl sealed::Sealed for &$t {}
        impl<'v> IntoValue<'v> for &$t {
            #[inline(always)]
            fn into_given(self) -> Option<Given<'v>> {
                Some(Given::Value((*self).into()))
            }
        }
    )* };
}
copied!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f32, f64, bool);

impl sealed::Sealed for Value<'_> {}
impl<'v> IntoValue<'v> for Value<'v> {
    #[inline(always)]
    fn into_given(self) -> Option<Given<'v>> {
        Some(Given::Value(self))
    }
}

impl sealed::Sealed for &str {}
impl<'v> IntoValue<'v> for &'v str {
    #[inline(always)]
    fn into_given(self) -> Option<Given<'v>> {
        Some(Given::Value(Value::Str(self)))
    }
}

impl sealed::Sealed for String {}
impl<'v> IntoValue<'v> for String {
    #[inline(always)]
    fn into_given(self) -> Option<Given<'v>> {
        Some(Given::Text(self))
    }
}

impl sealed::Sealed for Cow<'_, str> {}
impl<'v> IntoValue<'v> for Cow<'v, str> {
    #[inline(always)]
    fn into_given(self) -> Option<Given<'v>> {
        Some(match self {
            Cow::Borrowed(text) => Given::Value(Value::Str(text)),
            Cow::Owned(text) => Given::Text(text),
        })
    }
}

/// Text that is kept elsewhere.
macro_rules! borrowed {
    ($($t:ty),* $(,)?) => { $(
        impl sealed::Sealed for &$t {}
        impl<'v> IntoValue<'v> for &'v $t {
            #[inline(always)]
            fn into_given(self) -> Option<Given<'v>> {
                Some(Given::Value(Value::Str(self)))
            }
        }
    )* };
}
borrowed!(String, &str, Cow<'_, str>, Box<str>, std::sync::Arc<str>);

impl<T: sealed::Sealed> sealed::Sealed for Option<T> {}
impl<'v, T: IntoValue<'v>> IntoValue<'v> for Option<T> {
    #[inline(always)]
    fn into_given(self) -> Option<Given<'v>> {
        self.and_then(T::into_given)
    }
}

impl<'v, T> sealed::Sealed for &'v Option<T> where &'v T: sealed::Sealed {}
impl<'v, T> IntoValue<'v> for &'v Option<T>
where
    &'v T: IntoValue<'v>,
{
    #[inline(always)]
    fn into_given(self) -> Option<Given<'v>> {
        self.as_ref().and_then(<&'v T>::into_given)
    }
}
