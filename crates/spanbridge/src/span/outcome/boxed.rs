//! The error inside a box, when all that is known of the box is that it is `Display`.
//!
//! `Outcome` is implemented for every `Result` whose error is `Display`, borrowed text included. There the compiler cannot tell
//! whether the error has causes. The attribute `#[observe]` and [`Failure::of`](super::Failure::of) know it for your own types.
//! The standard library's boxes, which most programs use to pass errors on, are recognised here.

use std::any::TypeId;
use std::error::Error;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

/// The error inside, if `E` is one of the standard library's types that hold any error.
#[cold]
pub(super) fn inside<E>(error: &E) -> Option<&(dyn Error + '_)> {
    let id = erased_id::<E>();
    macro_rules! look {
        ($($held:ty => $error:expr),* $(,)?) => { $(
            if id == TypeId::of::<$held>() {
                // SAFETY: `E` is this type except for lifetimes, so its layout is the same. These types have at most one
                // lifetime, of the content of the box. It is at least as long as the borrow of the box, and the result is
                // bound to that borrow.
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

/// The id of the type with all its lifetimes replaced by `'static`.
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
    // SAFETY: only a lifetime is changed, of a value without content. The call uses only the id of the type, which does not
    // depend on lifetimes.
    unsafe { std::mem::transmute::<&dyn Named, &(dyn Named + 'static)>(named) }.id()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::fmt;

    /// An error that borrows, so that its box is not `'static`.
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
