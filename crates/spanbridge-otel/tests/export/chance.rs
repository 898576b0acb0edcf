//! What only a time tells, on a machine that may be busy.

/// Of what only a time tells, one good answer in a few is enough: a busy machine may hold up any thread, and a fault is there each
/// time.
#[track_caller]
pub(crate) fn sometimes(what: &str, mut is_so: impl FnMut(u32) -> bool) {
    assert!((0..6).any(&mut is_so), "{what}")
}
