//! Any value as the text of an attribute.

use crate::context::given::{Given, IntoValue, sealed::Sealed};
use crate::text::shown;
use std::fmt::{self, Display};

/// Records a value as text, by its [`Display`]: `.attribute("order.id", observe::display(&order.id))`.
///
/// The text is made only if the span is recorded, and cut at 4 KiB. If `Display` panics, the panic ends there, and the
/// attribute has what was written until then.
///
/// By `Debug`: `observe::display(&format_args!("{value:?}"))`.
pub fn display<T: Display + ?Sized>(value: &T) -> DisplayValue<'_, T> {
    DisplayValue(value)
}

/// The value of an attribute that is recorded as text: see [`display`].
#[derive(Clone, Copy)]
pub struct DisplayValue<'a, T: ?Sized>(&'a T);

impl<T: ?Sized> Sealed for DisplayValue<'_, T> {}
impl<'v, T: Display + ?Sized> IntoValue<'v> for DisplayValue<'_, T> {
    #[inline]
    fn into_given(self) -> Option<Given<'v>> {
        Some(Given::Text(shown(&self.0)))
    }
}

impl<T: Display + ?Sized> fmt::Debug for DisplayValue<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DisplayValue").field(&shown(&self.0)).finish()
    }
}
