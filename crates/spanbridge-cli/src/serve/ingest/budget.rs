//! Memory that all requests share.

use super::refused::Refused;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted: so few bytes do not matter.
const UNIT: usize = 1 << 10;

/// The bytes that may be held of all requests together.
#[derive(Clone)]
pub(super) struct Budget(Arc<Semaphore>);

/// The part of the budget that a request has taken. It is given back when this is dropped.
pub(super) struct Held {
    budget: Budget,
    permit: Option<OwnedSemaphorePermit>,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / UNIT)))
    }

    pub(super) fn nothing(&self) -> Held {
        Held { budget: self.clone(), permit: None }
    }
}

impl Held {
    /// Takes as much as is needed to hold so many bytes.
    ///
    /// # Errors
    /// Too much is held by others. What is held stays.
    pub(super) fn grow_to(&mut self, bytes: usize) -> Result<(), Refused> {
        let held = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = bytes.div_ceil(UNIT).saturating_sub(held);
        if more == 0 {
            return Ok(());
        }
        let more = u32::try_from(more).map_err(|_| Refused::busy("too much is being sent"))?;
        let taken = self.budget.0.clone().try_acquire_many_owned(more);
        let taken = taken.map_err(|_| Refused::busy("too much is being sent"))?;
        match &mut self.permit {
            Some(permit) => permit.merge(taken),
            none => *none = Some(taken),
        }
        Ok(())
    }

    /// Gives back what is not needed to hold so many bytes.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        let needed = bytes.div_ceil(UNIT);
        if let Some(permit) = &mut self.permit
            && let Some(rest) = permit.num_permits().checked_sub(needed)
        {
            drop(permit.split(rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_there_again() {
        let budget = Budget::new(10 * UNIT);
        let (mut a, mut b) = (budget.nothing(), budget.nothing());
        a.grow_to(1).unwrap();
        a.grow_to(UNIT).unwrap();
        a.grow_to(6 * UNIT).unwrap();
        b.grow_to(4 * UNIT).unwrap();
        assert!(b.grow_to(4 * UNIT + 1).is_err());
        drop(a);
        b.grow_to(10 * UNIT).unwrap();
        assert!(budget.nothing().grow_to(1).is_err());
        drop(b);
        let mut c = budget.nothing();
        c.grow_to(10 * UNIT).unwrap();
        c.shrink_to(3 * UNIT);
        c.shrink_to(9 * UNIT);
        let mut d = budget.nothing();
        d.grow_to(7 * UNIT).unwrap();
        assert!(d.grow_to(7 * UNIT + 1).is_err());
    }
}
