//! What panics say, and where they began.
//!
//! For who writes an adapter and catches panics, as a driver does, so that one bad message does not end the others:
//!
//! ```
//! use spanbridge::{observe, panics};
//! use std::panic::{AssertUnwindSafe, catch_unwind};
//!
//! # fn handle() { panic!("out of paper") }
//! let span = observe::span("handle").open();
//! match catch_unwind(AssertUnwindSafe(|| span.in_scope(handle))) {
//!     Ok(()) => span.end(),
//!     Err(payload) => {
//!         span.panicked(panics::text(&*payload)); // "out of paper, at src/printer.rs:12:5"
//!         panics::discard(payload);
//!     }
//! }
//! ```
//!
//! Spans that are around the work (`run`, `in_scope`, [`#[observe]`](macro@crate::observe)) know it by themselves.
//!
//! # The panic hook
//!
//! Where a panic began is told to the process's panic hook and to nobody else, and so is what it said, as long as nobody
//! catches it. Therefore the first recorder that is set up puts a hook of its own before the one that is there, which it
//! calls as ever. Ours keeps the text (4 KiB at most) and the place of the latest panic of each thread, and prints nothing.
//! It catches nothing either: a panic takes the way that it takes without us.
//!
//! A program that sets a hook itself should do so first, or call the one that it replaces: else panics are recorded as such,
//! but without text. So are those that go on by [`resume_unwind`](std::panic::resume_unwind) on another thread than where
//! they began, for no hook hears of them.

use crate::cut::{MAX_TEXT, cut};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Bytes of a path that are kept of where a panic began.
#[cfg(feature = "record")]
const MAX_PATH: usize = 512;

/// Calls `f`. A panic ends here, as what [`text`] says of it.
///
/// For code that is called only so that we learn something: whatever it does, the application goes on.
///
/// # Errors
/// When `f` panics.
pub fn caught<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        let text = text(&*payload);
        discard(payload);
        text
    })
}

/// What a panic that was caught has said; and where it began, if that was on this thread, with a recorder set up. At most
/// 4 KiB.
pub fn text(payload: &(dyn Any + Send)) -> String {
    let message = message(payload);
    latest::place_of(message).map_or_else(|| message.to_owned(), |place| whole(message, &place))
}

/// Drops what a panic carried. That may panic as well, which is the end of it.
pub fn discard(payload: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(another)
    }
}

/// What a panic carries if it was given a text, as by `panic!`.
fn message(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    cut(text.unwrap_or("a value that is no text"), MAX_TEXT)
}

/// Text and place, if need be with less text.
fn whole(message: &str, place: &str) -> String {
    let message = cut(message, MAX_TEXT.saturating_sub(place.len() + ", at ".len()));
    format!("{message}, at {place}")
}

/// Taken before work that may panic, to tell afterwards what the panic was that came out of it.
#[derive(Clone, Copy)]
pub(crate) struct Watch(latest::Count);

impl Watch {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Watch(latest::count())
    }

    /// As if taken before the latest panic of this thread, if there was one: for who has no place to take it in time.
    pub(crate) fn of_latest() -> Self {
        Watch(latest::before())
    }

    /// Text and place of the panic that unwinds this thread since; empty if no hook of ours has heard of it.
    #[cold]
    pub(crate) fn text(self) -> String {
        let heard = latest::heard_since(self.0);
        heard.map(|(message, place)| whole(&message, &place)).unwrap_or_default()
    }
}

#[cfg(feature = "record")]
pub(crate) use latest::listen;

/// The latest panic of each thread, as the hook has heard of it.
#[cfg(feature = "record")]
mod latest {
    use super::{MAX_PATH, cut, message};
    use std::cell::{Cell, RefCell};
    use std::panic::{PanicHookInfo, set_hook, take_hook};
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    pub(super) type Count = u64;

    thread_local! {
        /// Without Drop, so that a look at it is a plain load.
        static COUNT: Cell<Count> = const { Cell::new(0) };
        /// Text and place.
        static LATEST: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
    }

    /// Panics of this thread until now.
    #[inline(always)]
    pub(super) fn count() -> Count {
        COUNT.with(Cell::get)
    }

    pub(super) fn before() -> Count {
        count().wrapping_sub(1)
    }

    pub(super) fn heard_since(count: Count) -> Option<(String, String)> {
        if self::count() == count {
            return None;
        }
        LATEST.try_with(|latest| latest.try_borrow().ok()?.clone()).ok().flatten()
    }

    pub(super) fn place_of(text: &str) -> Option<String> {
        heard_since(Count::MAX).filter(|(heard, _)| heard == text).map(|(_, place)| place)
    }

    /// From now on, for as long as the process lives.
    pub(crate) fn listen() {
        static LISTENS: AtomicBool = AtomicBool::new(false);
        // A thread that panics may not touch the hook: then the next recorder does.
        if std::thread::panicking() || LISTENS.swap(true, Relaxed) {
            return;
        }
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            hear(panic);
            before(panic)
        }))
    }

    fn hear(panic: &PanicHookInfo<'_>) {
        COUNT.with(|count| count.set(count.get() + 1));
        let place = panic
            .location()
            .map_or_else(String::new, |at| format!("{}:{}:{}", cut(at.file(), MAX_PATH), at.line(), at.column()));
        // Not at the end of a thread, and not in the midst of itself.
        let _ = LATEST.try_with(|latest| {
            if let Ok(mut latest) = latest.try_borrow_mut() {
                *latest = Some((message(panic.payload()).to_owned(), place))
            }
        });
    }
}

/// Nobody records, so nobody listens.
#[cfg(not(feature = "record"))]
mod latest {
    #[derive(Clone, Copy)]
    pub(super) struct Count;

    #[inline(always)]
    pub(super) fn count() -> Count {
        Count
    }

    pub(super) fn before() -> Count {
        Count
    }

    pub(super) fn heard_since(_: Count) -> Option<(String, String)> {
        None
    }

    pub(super) fn place_of(_: &str) -> Option<String> {
        None
    }
}

#[cfg(all(test, feature = "record", not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_panic_says_what_and_where() {
        listen();
        let line = line!() + 1;
        let said = caught(|| panic!("out of {}", "paper")).unwrap_err();
        assert_eq!(said, format!("out of paper, at {}:{line}:30", file!()));
        assert_eq!(
            caught(|| std::panic::panic_any(7u8)).unwrap_err().split(", at").next(),
            Some("a value that is no text")
        );
        assert_eq!(caught(|| 7), Ok(7));
    }

    #[test]
    fn a_long_text_leaves_room_for_the_place() {
        listen();
        let said = caught(|| panic!("{}", "ä".repeat(MAX_TEXT))).unwrap_err();
        assert!(said.len() <= MAX_TEXT && said.len() > MAX_TEXT - 2, "{}", said.len());
        assert!(said.contains("ä, at ") && said.contains(file!()), "{said}");
    }

    /// What no hook hears of is not taken for a panic that was caught before it, unless it is that one.
    #[test]
    fn a_panic_is_not_taken_for_another() {
        listen();
        let _ = caught(|| panic!("an earlier one"));
        let watch = Watch::new();
        let resumed = catch_unwind(|| std::panic::resume_unwind(Box::new("from elsewhere")));
        assert_eq!(watch.text(), "");
        assert_eq!(text(&*resumed.unwrap_err()), "from elsewhere");
        let _ = caught(|| panic!("a later one"));
        assert!(watch.text().starts_with("a later one, at "));
    }

    #[test]
    fn what_a_panic_carries_may_panic_itself() {
        struct Bad(u8);
        impl Drop for Bad {
            fn drop(&mut self) {
                if self.0 > 0 {
                    std::panic::panic_any(Bad(self.0 - 1))
                }
            }
        }
        assert!(caught(|| std::panic::panic_any(Bad(3))).is_err());
    }
}
