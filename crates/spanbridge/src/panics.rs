//! The text of a panic, and the place where it began.
//!
//! For adapters that catch panics, as a driver does so that one bad message does not end the others:
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
//! Spans around the work (`run`, `in_scope`, [`#[observe]`](macro@crate::observe)) do this by themselves.
//!
//! # The panic hook
//!
//! Only the process's panic hook learns where a panic began and, until it is caught, what it said. So the first recorder that is
//! set up installs a panic hook, which then calls the previous one. It keeps the text (at most 4 KiB) and the place of the latest
//! panic of each thread. It prints nothing and does not change how a panic unwinds.
//!
//! If your program sets a panic hook, set it before the recorder, or call the hook that you replace. Otherwise panics are recorded
//! without text. The same holds for panics that continue by [`resume_unwind`](std::panic::resume_unwind) on another thread, because
//! no hook is called for them.

use crate::cut::{MAX_TEXT, cut};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The longest path that is kept of the place of a panic, in bytes.
#[cfg(feature = "record")]
const MAX_PATH: usize = 512;

/// Calls `f` and catches a panic. For code that is called only to collect data, so that it cannot stop the application.
///
/// # Errors
/// Returns the [`text`] of the panic.
pub fn caught<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        let text = text(&*payload);
        discard(payload);
        text
    })
}

/// The text of a caught panic, at most 4 KiB. If it began on this thread and a recorder is set up, the place is added.
pub fn text(payload: &(dyn Any + Send)) -> String {
    let message = message(payload);
    latest::place_of(message).map_or_else(|| message.to_owned(), |place| whole(message, &place))
}

/// Drops the payload of a panic. If that panics in turn, the second payload is leaked.
pub fn discard(payload: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(another)
    }
}

/// The text in a panic's payload, if it has one, as `panic!` sets it.
fn message(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    cut(text.unwrap_or("a value that is no text"), MAX_TEXT)
}

/// Text and place. The text is cut if both do not fit.
fn whole(message: &str, place: &str) -> String {
    let message = cut(message, MAX_TEXT.saturating_sub(place.len() + ", at ".len()));
    format!("{message}, at {place}")
}

/// Created before work that may panic, to find out afterwards which panic ended it.
#[derive(Clone, Copy)]
pub(crate) struct Watch(latest::Count);

impl Watch {
    /// For a constant.
    pub(crate) const NEVER: Watch = Watch(latest::NONE);

    #[inline(always)]
    pub(crate) fn new() -> Self {
        Watch(latest::count())
    }

    /// As if created before the latest panic of this thread, if there was one. For code that cannot create it in time.
    pub(crate) fn of_latest() -> Self {
        Watch(latest::before())
    }

    /// Text and place of the panic that has been unwinding this thread since. Empty if our hook was not called for it.
    #[cold]
    pub(crate) fn text(self) -> String {
        let heard = latest::heard_since(self.0);
        heard.map(|(message, place)| whole(&message, &place)).unwrap_or_default()
    }
}

#[cfg(feature = "record")]
pub(crate) use latest::listen;

/// The latest panic of each thread, as reported to the hook.
#[cfg(feature = "record")]
mod latest {
    use super::{MAX_PATH, cut, message};
    use std::cell::{Cell, RefCell};
    use std::panic::{PanicHookInfo, set_hook, take_hook};
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    pub(super) type Count = u64;

    pub(super) const NONE: Count = 0;

    thread_local! {
        /// Has no destructor, so reading it is a plain load.
        static COUNT: Cell<Count> = const { Cell::new(0) };
        /// Text and place.
        static LATEST: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
    }

    /// The number of panics of this thread so far.
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

    /// Installs the hook, for the rest of the process's life.
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

/// Without a recorder, no hook is needed.
#[cfg(not(feature = "record"))]
mod latest {
    #[derive(Clone, Copy)]
    pub(super) struct Count;

    pub(super) const NONE: Count = Count;

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
