//! The client context of an invocation: a JSON object in base64. The headers are added to its member `custom`.

use crate::json::Json;
use base64::prelude::{BASE64_STANDARD, Engine};
use serde::de::IgnoredAny;
use spanbridge::Context;
use spanbridge::carrier::{Budget, Extract, Header, Inject, Problem, inject_within};
use spanbridge::w3c::{HEADERS, is_other_case};
use std::borrow::Cow;
use std::str::FromStr;

/// [The client context](https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#lambda-Invoke-request-ClientContext)
/// of a call.
///
/// The standard headers are strings under `custom`, where every runtime can read them. What the application has put there,
/// and `client`, `env` and all other members, stay as they were written. Lambda passes the client context on in synchronous
/// calls only.
///
/// ```
/// use spanbridge_lambda::ClientContext;
///
/// let mut client_context: ClientContext = "eyJjdXN0b20iOnsidGVuYW50IjoiNyJ9fQ==".parse().unwrap(); // {"custom":{"tenant":"7"}}
/// let left_out = client_context.inject(&spanbridge::observe::current_context()); // adds nothing: there is no context here
/// assert_eq!(left_out, None);
/// assert_eq!(client_context.encode().as_deref(), Some("eyJjdXN0b20iOnsidGVuYW50IjoiNyJ9fQ=="));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ClientContext {
    /// The members beside `custom`: names, and values as they are written.
    others: Vec<(String, String)>,
    /// The members of `custom`, if it exists.
    custom: Option<Vec<(String, String)>>,
    /// Whether it exists without our headers.
    is_given: bool,
}

/// What problems name as their header.
const NAME: &str = "client context";
const CUSTOM: &str = "custom";

impl ClientContext {
    /// The longest client context that Lambda accepts, in bytes of base64.
    pub const MAX_LEN: usize = 3_583;

    /// Adds a context, in place of one that is there. What does not fit into [`MAX_LEN`](ClientContext::MAX_LEN) is left out,
    /// in the order of [`inject_within`]; returns what that was, if anything.
    pub fn inject(&mut self, context: &Context) -> Option<String> {
        const MAX_JSON: usize = ClientContext::MAX_LEN / 4 * 3;
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
            // Each header takes four quotes, a colon and a comma.
            let budget = Budget::new(room, 6, usize::MAX);
            let left_out = inject_within(context, budget, self);
            // A character that has to be escaped takes more room than it was counted for.
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

    /// The client context in base64; `None` if it is empty.
    pub fn encode(&self) -> Option<String> {
        (self.is_given || self.custom.is_some()).then(|| BASE64_STANDARD.encode(self.written()))
    }

    fn written(&self) -> String {
        let custom = self.custom.as_ref().map(|custom| (CUSTOM.to_owned(), object(custom)));
        object(self.others.iter().chain(&custom))
    }
}

/// Parses a client context from base64.
///
/// # Errors
/// If it is not base64, not a JSON object, or if its `custom` is not an object. Then nothing can be added to it.
impl FromStr for ClientContext {
    type Err = Problem;

    fn from_str(base64: &str) -> Result<Self, Problem> {
        let problem = |reason: &'static str| Problem::new(NAME, reason);
        let json = BASE64_STANDARD.decode(base64).map_err(|_| problem("is not base64"))?;
        let is_json = serde_json::from_slice::<IgnoredAny>(&json).is_ok();
        let object = Some(Json::new(&json)).filter(|json| is_json && json.is_object());
        let object = object.ok_or(problem("is not a JSON object"))?;
        let mut parsed = ClientContext { is_given: true, ..ClientContext::default() };
        for (name, value) in object.members() {
            if name != CUSTOM {
                parsed.others.push((name.into_owned(), as_text(value)))
            } else if value.is_object() {
                let members = value.members();
                parsed.custom = Some(members.map(|(name, value)| (name.into_owned(), as_text(value))).collect())
            } else if !value.is_null() {
                return Err(problem("its custom is not an object"));
            }
        }
        Ok(parsed)
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

/// A value as it is written. It was parsed as JSON, so it is UTF-8.
fn as_text(value: Json<'_>) -> String {
    String::from_utf8_lossy(value.written()).into_owned()
}

/// A string as JSON in ASCII: Lambda passes it on in a header, and lambda_runtime accepts nothing else.
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
