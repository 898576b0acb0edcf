//! What the code of the attribute macro calls. Not for use by hand: it changes without notice.
//!
//! The macro sees tokens, not types. What depends on a type is chosen by the compiler: each chain below is a row of
//! wrappers that dereference to the next one, all with a method of one name, and the first whose bounds hold is called.
//! (Inherent methods need no import, so nothing shows in the user's scope.)

pub use crate::span::Entered;

use crate::{Failure, IntoValue, Outcome, Value};
use std::error::Error;
use std::fmt;
use std::ops::Deref;

macro_rules! chain {
    ($from:ident => $to:ident) => {
        impl<'a, T: ?Sized> Deref for $from<'a, T> {
            type Target = $to<'a, T>;

            #[inline(always)]
            fn deref(&self) -> &$to<'a, T> {
                &self.0
            }
        }
    };
}

/// What a returned value says of the work: an `Err` that is an [`Error`] with all its causes; else by [`Outcome`]; else an
/// `Err` is an error without text; else it is ok.
pub struct Verdict<'a, T: ?Sized>(AnyOutcome<'a, T>);
pub struct AnyOutcome<'a, T: ?Sized>(AnyResult<'a, T>);
pub struct AnyResult<'a, T: ?Sized>(AnyValue<'a, T>);
pub struct AnyValue<'a, T: ?Sized>(&'a T);
chain!(Verdict => AnyOutcome);
chain!(AnyOutcome => AnyResult);
chain!(AnyResult => AnyValue);

impl<'a, T> Verdict<'a, T> {
    #[inline(always)]
    pub fn of(value: &'a T) -> Self {
        Verdict(AnyOutcome(AnyResult(AnyValue(value))))
    }
}

impl<'a, T, E: Error> Verdict<'a, Result<T, E>> {
    #[inline(always)]
    pub fn failure(&self) -> Option<Failure<'a>> {
        self.0.0.0.0.as_ref().err().map(Failure::of)
    }
}

impl<'a, T: Outcome> AnyOutcome<'a, T> {
    #[inline(always)]
    pub fn failure(&self) -> Option<Failure<'a>> {
        self.0.0.0.judged()
    }
}

impl<'a, T, E> AnyResult<'a, Result<T, E>> {
    #[inline(always)]
    pub fn failure(&self) -> Option<Failure<'a>> {
        self.0.0.is_err().then(Failure::of_type::<E>)
    }
}

impl<'a, T> AnyValue<'a, T> {
    #[inline(always)]
    pub fn failure(&self) -> Option<Failure<'a>> {
        None
    }
}

/// Whether a function that returns this may be recorded by a guard, which does not see what is returned.
pub struct Guarded<'a, T: ?Sized>(GuardedValue<'a, T>);
pub struct GuardedValue<'a, T: ?Sized>(&'a T);
chain!(Guarded => GuardedValue);

impl<'a, T> Guarded<'a, T> {
    pub fn new(value: &'a T) -> Self {
        Guarded(GuardedValue(value))
    }
}

impl<T, E> Guarded<'_, Result<T, E>> {
    pub fn check(&self)
    where
        Result<T, E>: CannotFail,
    {
    }
}

impl<T> GuardedValue<'_, T> {
    pub fn check(&self) {}
}

#[diagnostic::on_unimplemented(
    message = "`#[observe]` cannot record the errors of a `#[track_caller]` function",
    label = "the body of such a function stays where it is, so what it returns is not seen",
    note = "remove `#[track_caller]`, or move the body to a function of its own and put `#[observe]` on that one"
)]
pub trait CannotFail {}

/// The value of an attribute, of which only a reference was taken: copied where it can be, else by that reference.
pub struct Taken<'a, T: ?Sized>(ByReference<'a, T>);
pub struct ByReference<'a, T: ?Sized>(Unsuited<'a, T>);
pub struct Unsuited<'a, T: ?Sized>(&'a T);
chain!(Taken => ByReference);
chain!(ByReference => Unsuited);

impl<'a, T: ?Sized> Taken<'a, T> {
    #[inline(always)]
    pub fn new(value: &'a T) -> Self {
        Taken(ByReference(Unsuited(value)))
    }
}

impl<'v, T: Copy + IntoValue<'v>> Taken<'_, T> {
    #[inline(always)]
    pub fn value(&self) -> T {
        *self.0.0.0
    }
}

impl<'a, T: ?Sized> ByReference<'a, T>
where
    &'a T: IntoValue<'a>,
{
    #[inline(always)]
    pub fn value(&self) -> &'a T {
        self.0.0
    }
}

impl<'a, T: ?Sized> Unsuited<'a, T> {
    pub fn value(&self) -> Value<'a>
    where
        T: Recordable,
    {
        Value::Static("")
    }
}

#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of an attribute",
    label = "neither a number, a `bool`, text, nor an `Option` of one",
    note = "record it as text: `key = %value` by its `Display`, `key = ?value` by its `Debug`"
)]
pub trait Recordable {}

/// The text of an attribute, as far as it comes: the user's code makes it, and goes on whatever it does.
#[cold]
pub fn shown(text: fmt::Arguments<'_>) -> String {
    crate::text::shown(&text)
}

/// Stands where a value of a type is needed and never made, so that inference knows the type.
#[expect(clippy::panic, reason = "generated code only calls it in a branch that is never taken")]
pub fn never<T>() -> T {
    panic!("unreachable")
}
