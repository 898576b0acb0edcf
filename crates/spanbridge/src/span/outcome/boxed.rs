//! The error inside of a box, where all that is known of the box is that it can be shown.
//!
//! `Outcome` is there for every `Result` whose error is `Display`: for text, borrowed text too, and for errors of any kind.
//! That such an error has causes is nothing that the compiler lets one ask there. For types of one's own the attribute
//! `#[observe]` and [`Failure::of`](super::Failure::of) know; a box of the standard library, in which most programs hand
//! their errors on, can be recognised.

use std::any::TypeId;
use std::error::Error;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

/// The error that is in there, if `E` is one of the standard library's types that hold errors of any kind.
#[cold]
pub(super) fn inside<E>(error: &E) -> Option<&(dyn Error + '_)> {
    let id = erased_id::<E>();
    macro_rules! look {
        ($($held:ty => $error:expr),* $(,)?) => { $(
            if id == TypeId::of::<$held>() {
                // SAFETY: `E` is this type but for its lifetimes, so it looks the same in memory. These types have one at
                // most, which says how long what is in the box lives: at least as long as the box is borrowed, and no more
                // than that is said of what leaves here.
                let held = unsafe { &*std::ptr::from_ref(error).cast::<$held>() };
                let inside: fn(&$held) -> &dyn Error = $error;
                return Some(inside(held));
            }
        )* };
    }
    look! {
        Box<dyn Error> => |held| &**held,
        Box<dyn Error + Send> => |held| &**held,
        Box<dyn Error + Send + Sync> => |held| &**held,
        Rc<dyn Error> => |held| &**held,
        Arc<dyn Error> => |held| &**held,
        Arc<dyn Error + Send + Sync> => |held| &**held,
        std::io::Error => |held| held,
        Arc<std::io::Error> => |held| &**held,
    }
    None
}

/// The id of a type whose lifetimes were all made `'static`.
fn erased_id<T>() -> TypeId {
    trait Named {
        fn id(&self) -> TypeId
        where
            Self: 'static;
    }
    impl<T> Named for PhantomData<T> {
        fn id(&self) -> TypeId
        where
            Self: 'static,
        {
            TypeId::of::<T>()
        }
    }
    let named: &dyn Named = &PhantomData::<T>;
    // SAFETY: only a lifetime is changed, of a value without content; what is called uses nothing of the type but its id,
    // which does not depend on lifetimes.
    unsafe { std::mem::transmute::<&dyn Named, &(dyn Named + 'static)>(named) }.id()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::fmt;

    /// An error that is only borrowed, so that its box is none of `'static`.
    #[derive(Debug)]
    struct Borrowed<'a>(&'a str);

    impl fmt::Display for Borrowed<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Borrowed<'_> {}

    #[test]
    fn what_is_in_a_box_is_found() {
        fn found<E>(error: E) -> Option<String> {
            inside(&error).map(ToString::to_string)
        }
        let text = String::from("here");
        let borrowed = || Borrowed(&text);
        assert_eq!(found(Box::new(borrowed()) as Box<dyn Error + '_>).as_deref(), Some("here"));
        assert_eq!(found(Box::new(borrowed()) as Box<dyn Error + Send + '_>).as_deref(), Some("here"));
        assert_eq!(found(Box::new(borrowed()) as Box<dyn Error + Send + Sync + '_>).as_deref(), Some("here"));
        assert_eq!(found(Rc::new(borrowed()) as Rc<dyn Error + '_>).as_deref(), Some("here"));
        assert_eq!(found(Arc::new(borrowed()) as Arc<dyn Error + '_>).as_deref(), Some("here"));
        assert_eq!(found(Arc::new(borrowed()) as Arc<dyn Error + Send + Sync + '_>).as_deref(), Some("here"));
        assert_eq!(found(std::io::Error::other("here")).as_deref(), Some("here"));
        assert_eq!(found(Arc::new(std::io::Error::other("here"))).as_deref(), Some("here"));
        assert_eq!(
            [found(borrowed()), found(&*text), found(Box::new(7)), found(text.clone())],
            [None, None, None, None]
        );
    }
}
