//! The order of changes that triggers of the application make.
//!
//! What a trigger writes is noted before the statement that fired it, since that has not ended. If it writes the same row, the two
//! stand the wrong way round. Whether it is so cannot be told from the depth alone: a deeper change may also belong to the
//! statement before. The values tell it.

use super::captured::Captured;

/// Puts a change that a statement made before those which its triggers made of the same row after it.
pub(super) fn put_in_order(taken: &mut [Captured]) {
    if taken.iter().all(|row| row.depth <= 1) {
        return;
    }
    for at in 1..taken.len() {
        let mut outer = at;
        while let Some(nested) = nested_before(taken, outer) {
            let (first, second) = taken.split_at_mut(outer);
            if let (Some(first), Some(second)) = (first.get_mut(nested), second.first_mut()) {
                first.swap_places(second)
            }
            taken.swap(nested, outer);
            outer = nested
        }
    }
}

/// The last change before this one that is of the same row, if it is one that this one's triggers made.
fn nested_before(taken: &[Captured], at: usize) -> Option<usize> {
    let (before, [this, ..]) = taken.split_at_checked(at)? else { return None };
    let last = before.iter().rposition(|row| row.is_of_row(this))?;
    before.get(last).filter(|row| row.depth > this.depth && row.follows(this) && !this.follows(row)).map(|_| last)
}
