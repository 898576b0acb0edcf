//! Why a run failed.

use super::lookup::{find, gone};
use super::no_answer::NoAnswer;
use crate::values::now;
use spanbridge_graph::{Checkup, Note, Why};
use spanbridge_query::{Error, Id, Store, Within};

/// Why the run failed that this id stands for; for a trace, of all its runs.
///
/// # Errors
/// If the run is not found, or the store cannot be read.
pub fn why<'s>(store: impl Into<Within<'s>>, id: &str) -> Result<Why, NoAnswer> {
    let within = store.into();
    let (what, mut run_ids) = find(within.store(), id)?;
    if !matches!(what, Id::Trace(_)) {
        run_ids.truncate(1);
    }
    let store = within.store();
    let mut why = within.why(&run_ids)?.ok_or_else(|| gone(id))?;
    why.notes.extend(missing(&why, store)?);
    Ok(why)
}

/// If no step failed, something may be missing in the records, such as who received a message. `doctor` says what.
fn missing(why: &Why, store: &Store) -> Result<Option<Note>, Error> {
    let is_known = |note: &Note| note.code == "never_settled" || note.code == "spans_not_read";
    if !why.failures.is_empty() || why.notes.iter().any(is_known) {
        return Ok(None);
    }
    let run = why.run.run_id;
    let gaps = store.gaps(&[run], Checkup::new(now()))?;
    let own = gaps.iter().filter(|gap| gap.run_id == Some(run)).count();
    let gaps = if own == 1 { "1 gap".to_owned() } else { format!("{own} gaps") };
    Ok((own > 0).then(|| Note::new("gaps", format!("the records have {gaps}: spanbridge doctor {run:.8}"))))
}
