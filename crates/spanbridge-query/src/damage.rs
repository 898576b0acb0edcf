//! Damaged deliveries are skipped and remembered, so that the reader can be told.
//!
//! One broken row must not make the rest of a store unreadable. If SQLite itself cannot read the file, nothing can be
//! skipped, and that stays an error.

use crate::{Error, Result};
use spanbridge_graph::Diagnostic;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// How many deliveries are named. The rest are counted.
const MAX_NAMED: usize = 5;

/// The deliveries that were skipped, and what is wrong with each.
#[derive(Debug, Default)]
pub(crate) struct Damage(RefCell<BTreeMap<i64, String>>);

impl Damage {
    /// What was read of a delivery. `None` if that is damaged, which is noted. Every other error stays one.
    pub(crate) fn skip_damaged<T>(&self, delivery: i64, read: Result<T>) -> Result<Option<T>> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(error) if error.is_one_row() => {
                self.note(delivery, &error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Notes what is wrong with a delivery. The first problem is enough.
    fn note(&self, delivery: i64, error: &Error) {
        self.0.borrow_mut().entry(delivery).or_insert_with(|| error.to_string());
    }

    /// Adds what another question found.
    pub(crate) fn merge(&self, found: Damage) {
        let mut all = self.0.borrow_mut();
        for (delivery, what) in found.0.into_inner() {
            all.entry(delivery).or_insert(what);
        }
    }

    /// All of it in one diagnostic. `None` if there is none.
    pub(crate) fn diagnostic(&self) -> Option<Diagnostic> {
        let all = self.0.borrow();
        let (_, first) = all.first_key_value()?;
        let named = all.keys().take(MAX_NAMED).map(i64::to_string).collect::<Vec<_>>().join(", ");
        let more = if all.len() > MAX_NAMED { format!(" and {} more", all.len() - MAX_NAMED) } else { String::new() };
        let message = match all.len() {
            1 => format!("delivery {named} is damaged and was skipped ({first}); its records are missing here"),
            n => format!(
                "{n} deliveries are damaged and were skipped: {named}{more} (the first of them: {first}); their records \
                 are missing here"
            ),
        };
        let mut diagnostic = Diagnostic::new("store.damaged", message);
        diagnostic.count = Some(all.len() as u64);
        Some(diagnostic)
    }
}
