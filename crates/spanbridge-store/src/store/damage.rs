//! What cannot be read is stepped over, and remembered, so that whoever asked can be told.
//!
//! One torn row must not take the rest of a store with it. Where SQLite itself cannot read the file, there is nothing to
//! step over; that stays an error.

use crate::error::{Error, Result};
use crate::graph::Diagnostic;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// So many deliveries are named; of the rest it is told how many.
const NAMED: usize = 5;

/// What has been stepped over: deliveries, and what is the matter with each.
#[derive(Debug, Default)]
pub(super) struct Damage(RefCell<BTreeMap<i64, String>>);

impl Damage {
    /// What was read of a delivery; `None` where that is damaged, which is noted. Every other error stays one.
    pub(super) fn step_over<T>(&self, delivery: i64, read: Result<T>) -> Result<Option<T>> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(error) if error.is_of_a_row() => {
                self.note(delivery, &error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Remembers what is the matter with a delivery; the first thing is enough.
    fn note(&self, delivery: i64, error: &Error) {
        self.0.borrow_mut().entry(delivery).or_insert_with(|| error.to_string());
    }

    /// Adds what came to light in a question.
    pub(super) fn remember(&self, found: Damage) {
        let mut all = self.0.borrow_mut();
        for (delivery, what) in found.0.into_inner() {
            all.entry(delivery).or_insert(what);
        }
    }

    /// All of it in a sentence; `None` as nearly always.
    pub(super) fn told(&self) -> Option<Diagnostic> {
        let all = self.0.borrow();
        let (_, first) = all.first_key_value()?;
        let named = all.keys().take(NAMED).map(i64::to_string).collect::<Vec<_>>().join(", ");
        let more = if all.len() > NAMED { format!(" and {} more", all.len() - NAMED) } else { String::new() };
        let message = match all.len() {
            1 => format!("delivery {named} is damaged and was stepped over ({first}); what it held is missing here"),
            n => format!(
                "{n} deliveries are damaged and were stepped over: {named}{more} (the first of them: {first}); what they held \
                 is missing here"
            ),
        };
        Some(Diagnostic { code: "store.damaged".to_owned(), message, count: Some(all.len() as u64), span_id: None })
    }
}
