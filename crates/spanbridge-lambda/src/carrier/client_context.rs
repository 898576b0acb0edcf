//! The client context of an invocation: a JSON object, in base64, of which `custom` is ours to add to.

use crate::json::Json;
use base64::prelude::{BASE64_STANDARD, Engine};
use serde::de::IgnoredAny;
use spanbridge::Context;
use spanbridge::carrier::{Budget, Extract, Header, Inject, Problem, inject_within};
use spanbridge::w3c::{HEADERS, is_other_case};
use std::borrow::Cow;

/// [The client context](https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#lambda-Invoke-request-ClientContext)
/// of a call, with the user's own in it: `client`, `env` and whatever else there is stay as they were written, and the
/// standard headers are texts under `custom`, where every runtime can read them. Lambda hands it on in synchronous calls
/// only.
///
/// ```
/// use spanbridge_lambda::ClientContext;
///
/// let mut users = ClientContext::read("eyJjdXN0b20iOnsidGVuYW50IjoiNyJ9fQ==").unwrap(); // {"custom":{"tenant":"7"}}
/// let left_out = users.inject(&spanbridge::observe::current_context());
/// assert_eq!(left_out, None);
/// assert_eq!(users.encode().as_deref(), Some("eyJjdXN0b20iOnsidGVuYW50IjoiNyJ9fQ==")); // nothing is current
/// ```
#[derive(Clone, Debug, Default)]
pub struct ClientContext {
    /// What stands beside `custom`: names and values as they are written.
    others: Vec<(String, String)>,
    /// What stands in `custom`, where there is one.
    custom: Option<Vec<(String, String)>>,
    /// Whether it is there without ours.
    is_users: bool,
}

/// The name under which problems are told.
const NAME: &str = "client context";
const CUSTOM: &str = "custom";

impl ClientContext {
    /// The most that Lambda takes, in bytes of base64.
    pub const LIMIT: usize = 3_583;

    /// The user's own, in base64.
    ///
    /// # Errors
    /// What is wrong with it: it is not base64 of a JSON object, or its `custom` is no object. Then it is the user's
    /// business, and nothing can be added to it.
    pub fn read(base64: &str) -> Result<Self, Problem> {
        let problem = |reason: &'static str| Problem { header: NAME, reason: reason.into() };
        let json = BASE64_STANDARD.decode(base64).map_err(|_| problem("is not base64"))?;
        let is_json = serde_json::from_slice::<IgnoredAny>(&json).is_ok();
        let object = Some(Json::new(&json)).filter(|json| is_json && json.is_object());
        let object = object.ok_or(problem("is not a JSON object"))?;
        let mut read = ClientContext { is_users: true, ..ClientContext::default() };
        for (name, value) in object.members() {
            if name != CUSTOM {
                read.others.push((name.into_owned(), as_text(value)))
            } else if value.is_object() {
                let members = value.members();
                read.custom = Some(members.map(|(name, value)| (name.into_owned(), as_text(value))).collect())
            } else if !value.is_null() {
                return Err(problem("its custom is not an object"));
            }
        }
        Ok(read)
    }

    /// Adds a context, as far as there is room, in place of one that is there. Says what was left out, if anything, as
    /// [`inject_within`] does.
    pub fn inject(&mut self, context: &Context) -> Option<String> {
        const MAX_JSON: usize = ClientContext::LIMIT / 4 * 3;
        if !context.travels() {
            return None;
        }
        if !context.is_empty() {
            HEADERS.iter().for_each(|name| self.remove(name))
        }
        let before = self.custom.clone();
        self.custom.get_or_insert_default();
        let mut room = MAX_JSON.saturating_sub(self.written().len());
        let left_out = loop {
            // A name and a value in quotes, a colon and a comma.
            let budget = Budget { bytes: room, per_header: 6, headers: usize::MAX };
            let left_out = inject_within(context, budget, self);
            // A character that needs an escape takes more than it was counted for.
            match self.written().len().saturating_sub(MAX_JSON) {
                over if over > 0 && room > 0 => room = room.saturating_sub(over),
                _ => break left_out,
            }
        };
        if self.custom.as_ref().is_some_and(Vec::is_empty) {
            self.custom = before
        }
        left_out
    }

    /// In base64; `None` when there is nothing in it.
    pub fn encode(&self) -> Option<String> {
        (self.is_users || self.custom.is_some()).then(|| BASE64_STANDARD.encode(self.written()))
    }

    fn written(&self) -> String {
        let custom = self.custom.as_ref().map(|custom| (CUSTOM.to_owned(), object(custom)));
        object(self.others.iter().chain(&custom))
    }
}

impl Extract for ClientContext {
    fn get(&self, name: &str) -> Header<'_> {
        match self.custom.iter().flatten().rfind(|(key, _)| key == name) {
            None => Header::Absent,
            Some((_, value)) => match serde_json::from_str::<String>(value) {
                Ok(text) => Header::Value(Cow::Owned(text.into_bytes())),
                Err(_) => Header::Unusable("is not text"),
            },
        }
    }

    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        self.custom.iter().flatten().for_each(|(name, _)| f(name))
    }
}

impl Inject for ClientContext {
    fn set(&mut self, name: &'static str, value: &str) {
        self.remove(name);
        self.custom.get_or_insert_default().push((name.to_owned(), text(value)))
    }

    fn remove(&mut self, name: &'static str) {
        if let Some(custom) = &mut self.custom {
            custom.retain(|(key, _)| key != name)
        }
    }

    fn remove_other_case(&mut self) {
        if let Some(custom) = &mut self.custom {
            custom.retain(|(key, _)| !is_other_case(key))
        }
    }
}

fn object<'a>(members: impl IntoIterator<Item = &'a (String, String)>) -> String {
    let members: Vec<_> = members.into_iter().map(|(name, value)| format!("{}:{value}", text(name))).collect();
    format!("{{{}}}", members.join(","))
}

/// It was read as JSON, so it is UTF-8.
fn as_text(value: Json<'_>) -> String {
    String::from_utf8_lossy(value.written()).into_owned()
}

/// A text as JSON, in ASCII: Lambda hands it on in a header, and lambda_runtime takes no other.
fn text(text: &str) -> String {
    let mut written = String::new();
    for character in serde_json::Value::from(text).to_string().chars() {
        match character {
            ' '..='~' => written.push(character),
            other => {
                let units = other.encode_utf16(&mut [0; 2]).to_vec();
                units.iter().for_each(|unit| written.push_str(&format!("\\u{unit:04x}")))
            }
        }
    }
    written
}
