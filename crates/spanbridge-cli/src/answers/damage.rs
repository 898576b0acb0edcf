//! What was skipped because the store is damaged.

use serde_json::{Value, json};
use spanbridge_query::Store;

/// Adds damage to an answer in JSON, if there is any.
pub fn add_damage(answer: &mut Value, store: &Store) {
    if let Some(damage) = store.damage() {
        let (code, message, count) = (damage.code, damage.message, damage.count);
        answer["diagnostics"] = json!([{ "code": code, "message": message, "count": count }]);
    }
}
