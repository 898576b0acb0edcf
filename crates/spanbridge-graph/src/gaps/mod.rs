//! Gaps: what is missing in the record of a run, or cannot be true.
//!
//! Most gaps cannot be seen in one run alone. Nobody received a message: you know that only after you have looked at every
//! run that could have received it. A consumer forgot to settle one: you know that only if it settles others. So a
//! [`Checkup`] reads the runs that are asked about, reads others for what they know, and answers at the end.
//!
//! `kinds` is the table of gaps. `single` and `unended` find what one run shows by itself, `sending` what happened to sent messages, and
//! `settling` what happened to received ones, from which `never` takes those that a run counts as failed work. What none of them can judge is counted with its reason in `not_judged`. `brokers`, `unsettled` and `wording` hold the words.

mod brokers;
mod checkup;
mod gap;
mod kinds;
mod never;
mod not_judged;
mod offsets;
mod sending;
mod settling;
mod single;
mod unended;
mod unsettled;
mod wording;

pub use checkup::Checkup;
pub use gap::Gap;
pub use kinds::GapKind;
pub(crate) use never::unsettled_work;
pub use never::{Unsettled, UnsettledMessage};
pub use not_judged::{NotJudged, NotJudgedReason};
