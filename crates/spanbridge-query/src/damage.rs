//! What was left out because it is damaged.
//!
//! One broken part must not make the rest of a store unreadable, but the reader must be told.

use crate::engine::Damaged;
use spanbridge_graph::Diagnostic;
use std::collections::HashSet;

/// How many parts are named. The rest are counted.
const MAX_NAMED: usize = 5;

/// The parts that were left out.
#[derive(Debug, Default)]
pub(crate) struct Damage {
    /// The first of them, in the order in which they were found.
    first: Vec<Damaged>,
    parts: HashSet<String>,
    /// Whether any of them is there, and cannot be read.
    any_unreadable: bool,
}

impl Damage {
    /// Adds what a question found. The first problem of a part is enough.
    pub(crate) fn add(&mut self, found: Vec<Damaged>) {
        for damaged in found {
            self.any_unreadable |= !damaged.is_gone;
            if self.parts.insert(damaged.part.clone()) && self.first.len() < MAX_NAMED {
                self.first.push(damaged);
            }
        }
    }

    /// All of it in one diagnostic. `None` if there is none.
    pub(crate) fn diagnostic(&self) -> Option<Diagnostic> {
        let Damaged { part, why, .. } = self.first.first()?;
        let count = self.parts.len();
        if !self.any_unreadable {
            let more = if count > 1 { format!("; so are those of {} more", count - 1) } else { String::new() };
            let message = format!("{part}: {why}, and records are missing here{more}");
            let mut diagnostic = Diagnostic::new("store.logs_removed", message);
            diagnostic.count = Some(count as u64);
            return Some(diagnostic);
        }
        let message = if count == 1 {
            format!("{part} is damaged and was skipped ({why}); its records are missing here")
        } else {
            let named = self.first.iter().map(|damaged| &*damaged.part).collect::<Vec<_>>().join(", ");
            let more = count - self.first.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!(
                "{count} parts of the store are damaged and were skipped: {named}{more} (the first of them: {why}); their \
                 records are missing here"
            )
        };
        let mut diagnostic = Diagnostic::new("store.damaged", message);
        diagnostic.count = Some(count as u64);
        Some(diagnostic)
    }
}
