//! Where a span begins, and what becomes of one that is not finished there.

use crate::context::{BEGINS, STANDS_IN, Shared, untag};
use crate::current::ambient;
use crate::encoder::{Started, origin, thread_recorder};
use crate::{Context, Status, stand_in};
use std::mem::ManuallyDrop;

/// Where a span begins.
///
/// It is a constant in each arm of what begins a span, so the compiler joins the arm to what is done about it: a span that nobody
/// records is the one look that finds this out, and the call.
pub(super) enum Place {
    /// Nothing is recorded, and no trace begins.
    Nowhere,
    /// Below what is current, whose shared part has this serial number.
    Below(u64),
    /// In this context, which begins with it.
    Root(Context),
}

impl Place {
    /// The shared part of the context that the span began in. `None` outside of that scope: nothing keeps it alive there.
    #[inline(always)]
    pub(super) fn shared(&self) -> Option<&Shared> {
        match self {
            Place::Nowhere => None,
            Place::Below(serial) => current_shared(*serial),
            Place::Root(root) => root.shared(),
        }
    }
}

/// The shared part of what is current, if it has this serial number.
#[inline(always)]
pub(super) fn current_shared<'a>(serial: u64) -> Option<&'a Shared> {
    let current = ambient().shared.get();
    if current.is_null() {
        return None;
    }
    // SAFETY: what is current is kept alive by whoever made it current.
    let shared = unsafe { &*untag(current) };
    (shared.serial() == serial).then_some(shared)
}

// Rare cases are functions of their own that take values, so that a builder can live in registers.

/// A root is finished: if it was held back, the sampler decides. What is returned is the context inside it.
#[inline(always)]
pub(super) fn finish_root(started: Started, root: Context) -> (Started, Context) {
    let (started, mut root) = if root.shared.addr() & (BEGINS | STANDS_IN) != 0 {
        // Word by word: what is returned through a pointer would stay in memory.
        let (started, root) = decide(started, root);
        (started, Context { shared: root.shared, span: root.span })
    } else {
        (started, root)
    };
    thread_recorder().publish(&started);
    if !started.is_none() {
        root.span = started.id
    }
    (started, root)
}

/// Has the sampler decide about a root that was held back, and tells of a span whom it is to be told.
#[cold]
#[inline(never)]
fn decide(started: Started, root: Context) -> (Started, ManuallyDrop<Context>) {
    let Some(held) = thread_recorder().take_held(started.id) else {
        let nobody = if root.is_told() { root } else { origin::decided(&root, false) };
        return (Started::NONE, ManuallyDrop::new(nobody));
    };
    let context = match root.is_told() {
        true => root.clone(),
        false => origin::decide(&root, &held.name, held.primitive(), held.kind(), &held.attributes()),
    };
    let started = match context.shared().filter(|_| context.is_recorded()) {
        Some(shared) => thread_recorder().begin_held(shared, root.span, &held),
        None => Started::NONE,
    };
    if context.is_told() && !started.is_none() {
        stand_in::began(&context, started.id, root.span, &held.name, held.primitive())
    }
    (started, ManuallyDrop::new(context))
}

/// Gives up a span that was taken out of the scope in which it began.
#[cold]
#[inline(never)]
pub(super) fn drop_out_of_scope(started: Started) {
    if discard(started, None) {
        thread_recorder().count_dropped()
    }
}

/// Gives up a span whose builder is dropped.
#[cold]
#[inline(never)]
pub(super) fn abandon(started: Started, place: Place) {
    if !started.is_none() {
        discard(started, place.shared());
    }
}

/// Takes the span back, if it is not published yet. Else it is cancelled, and the answer is `false`.
fn discard(started: Started, shared: Option<&Shared>) -> bool {
    let unseen = thread_recorder().retract(&started);
    if !unseen {
        thread_recorder().end(started, || shared, Status::Cancelled)
    }
    unseen
}
