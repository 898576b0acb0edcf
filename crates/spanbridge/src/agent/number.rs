//! Values that are given in other forms than other attributes.

use crate::IntoValue;
use crate::context::given::{Given, sealed::Sealed};
use crate::messaging::capture::{hash, quoted};

/// A whole number, or an `Option` of one, of which `None` adds nothing.
///
/// ```compile_fail,E0277
/// use spanbridge::agent::{self, SpanExt};
///
/// agent::generation("chat", "gpt-4").input_tokens("12"); // text is not a number of tokens
/// ```
///
/// It is implemented here only.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a whole number, nor an `Option` of one")]
pub trait Count<'v>: IntoValue<'v> {}

macro_rules! counts {
    ($($t:ty),*) => { $(impl Count<'_> for $t {} impl Count<'_> for &$t {})* };
}
counts!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

impl<'v, T: Count<'v>> Count<'v> for Option<T> {}

/// Text of which the hash is recorded.
pub(super) struct Hashed<T>(pub(super) T);

impl<T> Sealed for Hashed<T> {}
impl<'v, T: AsRef<str>> IntoValue<'v> for Hashed<T> {
    fn into_given(self) -> Option<Given<'v>> {
        Some(Given::Text(hash(self.0.as_ref().as_bytes())))
    }
}

/// Texts that are recorded as an array.
pub(super) struct Texts<'t, T>(pub(super) &'t [T]);

impl<T> Sealed for Texts<'_, T> {}
impl<'v, T: AsRef<str>> IntoValue<'v> for Texts<'_, T> {
    fn into_given(self) -> Option<Given<'v>> {
        let mut json = String::from("[");
        for text in self.0 {
            if json.len() > 1 {
                json.push(',')
            }
            quoted(text.as_ref(), &mut json)
        }
        json.push(']');
        Some(Given::Json(json))
    }
}
