//! Schemas with one change each, to show that every word of them matters.
//!
//! If the outputs of the tests are all valid after a change that makes a schema narrower, they do not show what was taken
//! away: a property that nothing writes, a word that never occurs, a field that is never absent.

use super::published::{IN_PLACE, Published};
use serde_json::Value;

/// A schema may only have names for what stands in these places.
const BY_NAME: [&str; 2] = ["properties", "$defs"];

/// A narrower schema.
pub(crate) struct Change {
    pub(crate) file: String,
    /// The schema that is changed, as a JSON pointer.
    at: String,
    what: Narrower,
}

enum Narrower {
    /// The property must be absent.
    Without(String),
    /// The property must be there.
    Require(String),
    /// The word in this place of the list must not occur.
    WithoutWord(&'static str, usize),
}

impl Change {
    /// All changes of these schemas.
    pub(crate) fn all(published: &Published) -> Vec<Change> {
        let mut changes = Vec::new();
        for (file, schema) in &published.0 {
            let mut add = |at: &str, what| changes.push(Change { file: file.clone(), at: at.to_owned(), what });
            collect(schema, String::new(), &mut add);
        }
        changes
    }

    /// The schemas, with this change.
    pub(crate) fn applied(&self, published: &Published) -> Published {
        let mut changed = published.clone();
        let schema = changed.0.get_mut(&self.file).unwrap().pointer_mut(&self.at).unwrap();
        match &self.what {
            Narrower::Without(name) => schema["properties"][name] = false.into(),
            Narrower::Require(name) => match &mut schema["required"] {
                Value::Array(required) => required.push(name.as_str().into()),
                none => *none = vec![name.as_str()].into(),
            },
            Narrower::WithoutWord(list, place) => drop(schema[list].as_array_mut().unwrap().remove(*place)),
        }
        changed
    }

    /// Whether it takes a word from this list.
    pub(crate) fn is_about_words(&self, file: &str, at: &str) -> bool {
        matches!(self.what, Narrower::WithoutWord(..)) && (self.file.as_str(), self.at.as_str()) == (file, at)
    }

    /// What the outputs do not show if all are valid.
    pub(crate) fn words(&self, published: &Published) -> String {
        let Change { file, at, what } = self;
        match what {
            Narrower::Without(name) => format!("{file}{at}: no output has `{name}`"),
            Narrower::Require(name) => format!("{file}{at}: no output is without `{name}`"),
            Narrower::WithoutWord(list, place) => {
                let word = &published.0[file].pointer(at).unwrap()[list][place];
                format!("{file}{at}: no output has the value {word}")
            }
        }
    }
}

fn collect(schema: &Value, at: String, add: &mut impl FnMut(&str, Narrower)) {
    let Some(object) = schema.as_object() else { return };
    for name in object.get("properties").and_then(Value::as_object).into_iter().flat_map(|named| named.keys()) {
        add(&at, Narrower::Without(name.clone()));
        let required = object.get("required").and_then(Value::as_array);
        if !required.is_some_and(|required| required.contains(&name.as_str().into())) {
            add(&at, Narrower::Require(name.clone()));
        }
    }
    for list in ["enum", "type"] {
        for place in 0..object.get(list).and_then(Value::as_array).map_or(0, Vec::len) {
            add(&at, Narrower::WithoutWord(list, place));
        }
    }
    // What stands in an `if` only chooses.
    for (keyword, value) in object {
        match value {
            Value::Object(named) if BY_NAME.contains(&keyword.as_str()) => {
                named.iter().for_each(|(name, below)| collect(below, format!("{at}/{keyword}/{name}"), add));
            }
            Value::Array(all) if IN_PLACE.contains(&keyword.as_str()) => {
                all.iter().enumerate().for_each(|(n, below)| collect(below, format!("{at}/{keyword}/{n}"), add));
            }
            below if keyword == "items" || IN_PLACE.contains(&keyword.as_str()) => {
                collect(below, format!("{at}/{keyword}"), add);
            }
            _ => {}
        }
    }
}
