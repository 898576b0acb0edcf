//! Slots that were followed into a store.

use crate::followed::Followed;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// A slot, as it is to be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotAnswer {
    /// What was noted when it was followed last, or what the server says now.
    pub followed: Followed,
    /// Nobody has followed it for too long, and the server may still keep its log for it.
    pub is_silent: bool,
    /// The server was asked, and does not have it.
    pub is_gone: bool,
}

/// The slots that were followed into this store. `silence`: how long nobody may follow one.
pub fn slots(store: &Path, silence: Duration) -> Vec<SlotAnswer> {
    let answer =
        |followed: Followed| SlotAnswer { is_silent: followed.silent_for() > silence, is_gone: false, followed };
    Followed::all(store).into_iter().map(answer).collect()
}

/// Adds the slots to an answer, if there are any.
pub fn add_slots(answer: &mut Value, slots: &[SlotAnswer]) {
    let slot = |slot: &SlotAnswer| {
        let mut json = slot.followed.json();
        json["isSilent"] = json!(slot.is_silent);
        json["isGone"] = json!(slot.is_gone);
        json
    };
    if !slots.is_empty() {
        answer["slots"] = slots.iter().map(slot).collect();
    }
}
