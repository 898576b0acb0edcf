//! Where two calls differ.

use super::body::{Body, number};
use crate::report::Difference;
use serde_json::Value;
use std::collections::BTreeMap;

/// Differences that are looked at of a call: what comes after them is not listed.
const MAX_DIFFERENCES: usize = 200;
/// Characters of a value that are shown.
const MAX_SHOWN: usize = 120;

/// Where two bodies differ.
pub(super) fn of_bodies(recorded: &Body, sent: &Body) -> Vec<Difference> {
    let mut all = Differences(vec![]);
    match (recorded, sent) {
        (Body::Json(recorded), Body::Json(sent)) => all.values("body:", Some(recorded), Some(sent)),
        (Body::Form(recorded), Body::Form(sent)) => all.lists("body:/", &by_name(recorded), &by_name(sent)),
        (Body::Bytes(recorded), Body::Bytes(sent)) if recorded == sent => {}
        _ => all.push("body:".to_owned(), Some(text(recorded)), Some(text(sent))),
    }
    all.0
}

/// Where headers differ, each by its name in lower case and its values in order.
pub(super) fn of_headers(recorded: &Headers, sent: &Headers) -> Vec<Difference> {
    let mut all = Differences(vec![]);
    all.lists("header:", recorded, sent);
    all.0
}

/// Headers by their names in lower case.
pub(crate) type Headers = BTreeMap<String, Vec<String>>;

/// The beginning of a text, on one line.
pub(super) fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…')
    }
    shown
}

pub(super) fn text(body: &Body) -> String {
    match body {
        Body::Json(value) => value.to_string(),
        Body::Form(fields) => {
            fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
        }
        Body::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => format!("{} bytes", bytes.len()),
        },
    }
}

fn by_name(fields: &[(String, String)]) -> Headers {
    let mut all = Headers::new();
    for (name, value) in fields {
        all.entry(escaped(name)).or_default().push(value.clone())
    }
    all
}

/// A name as a part of a JSON pointer (RFC 6901).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

struct Differences(Vec<Difference>);

impl Differences {
    fn push(&mut self, field: String, expected: Option<String>, actual: Option<String>) {
        if self.0.len() < MAX_DIFFERENCES {
            let short = |side: Option<String>| side.map(|text| shortened(&text));
            self.0.push(Difference { field, expected: short(expected), actual: short(actual) })
        }
    }

    fn lists(&mut self, prefix: &str, recorded: &Headers, sent: &Headers) {
        let joined = |values: Option<&Vec<String>>| values.map(|values| values.join(", "));
        for name in recorded.keys().chain(sent.keys().filter(|name| !recorded.contains_key(*name))) {
            let (recorded, sent) = (recorded.get(name), sent.get(name));
            if recorded != sent {
                self.push(format!("{prefix}{name}"), joined(recorded), joined(sent))
            }
        }
    }

    /// Readers of JSON bound its depth, so this recursion is bounded.
    fn values(&mut self, at: &str, recorded: Option<&Value>, sent: Option<&Value>) {
        match (recorded, sent) {
            (Some(Value::Object(recorded)), Some(Value::Object(sent))) => {
                for name in recorded.keys().chain(sent.keys().filter(|name| !recorded.contains_key(*name))) {
                    self.values(&format!("{at}/{}", escaped(name)), recorded.get(name), sent.get(name))
                }
            }
            (Some(Value::Array(recorded)), Some(Value::Array(sent))) => {
                for place in 0..recorded.len().max(sent.len()) {
                    if self.0.len() >= MAX_DIFFERENCES {
                        return;
                    }
                    self.values(&format!("{at}/{place}"), recorded.get(place), sent.get(place))
                }
            }
            (Some(Value::Number(recorded)), Some(Value::Number(sent))) if number(recorded) == number(sent) => {}
            (recorded, sent) if recorded == sent => {}
            (recorded, sent) => self.push(at.to_owned(), recorded.map(Value::to_string), sent.map(Value::to_string)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(recorded: &str, sent: &str) -> Vec<String> {
        let body = |text: &str| Body::of(None, text.as_bytes());
        let shown = |side: Option<String>| side.unwrap_or_else(|| "-".to_owned());
        let all = of_bodies(&body(recorded), &body(sent)).into_iter();
        all.map(|d| format!("{} {} {}", d.field, shown(d.expected), shown(d.actual))).collect()
    }

    #[test]
    fn fields_that_differ_are_json_pointers() {
        assert_eq!(
            found(
                r#"{"a": {"b/c": [1, 2], "gone": null}, "same": 1}"#,
                r#"{"same": 1.0, "a": {"b/c": [1, "2", 3]}, "new~": {}}"#
            ),
            [r#"body:/a/b~1c/1 2 "2""#, "body:/a/b~1c/2 - 3", "body:/a/gone null -", "body:/new~0 - {}",]
        );
        assert_eq!(found("{}", "[]"), ["body: {} []"]);
        assert_eq!(found("plain", "text"), ["body: plain text"]);
        assert_eq!(found("same", "same"), [""; 0]);
    }

    #[test]
    fn much_is_shortened() {
        let long = format!("{{\"a\": \"{}\"}}", "é".repeat(1000));
        assert!(found("{}", &long)[0].chars().count() < 150);
        let many = |n: u32| format!("[{}]", vec![n.to_string(); 10_000].join(","));
        assert_eq!(found(&many(1), &many(2)).len(), MAX_DIFFERENCES);
    }
}
