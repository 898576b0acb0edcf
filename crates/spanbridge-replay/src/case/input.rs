//! What the handler of a case was given, and whether all of it is there.

use super::{Artifact, Case, Span};
use serde_json::Value;
use spanbridge::semconv;
use std::borrow::Cow;

/// The input of a handler, as `input.properties` describes it (`docs/conventions.md`).
pub(crate) struct Input<'c> {
    pub(crate) properties: Value,
    /// `None`: a message without a payload.
    pub(crate) payload: Option<Cow<'c, [u8]>>,
}

impl Input<'_> {
    pub(crate) fn transport(&self) -> &str {
        self.properties.get("transport").and_then(Value::as_str).unwrap_or_default()
    }
}

impl Case {
    /// Why this case cannot be replayed: its input was not recorded, or not all of it. `None` if it can be.
    ///
    /// ```
    /// # use spanbridge_replay::{Case, Run, Span};
    /// # use spanbridge::{RunId, SpanId};
    /// let entry = Span::new(SpanId::new(1).unwrap(), "process orders", "messaging.process");
    /// let case = Case::new(Run::new(RunId::new(1).unwrap(), "order 42"), entry);
    /// assert_eq!(
    ///     case.obstacle().unwrap(),
    ///     "the properties of the input were not recorded: the receiver has to capture it whole (CaptureMode::Whole)"
    /// );
    /// ```
    pub fn obstacle(&self) -> Option<String> {
        self.input().err()
    }

    /// # Errors
    /// Why it cannot be had.
    pub(crate) fn input(&self) -> Result<Input<'_>, String> {
        let entry = self.entry();
        if !HANDLERS.contains(&entry.primitive.as_str()) {
            return Err(format!(
                "{} is no handler of a message, a request or an event, but {}",
                entry.name, entry.primitive
            ));
        }
        let properties = self.artifact(entry.span_id, "input.properties");
        let properties = whole("the properties of the input", properties)?;
        let properties: Value = serde_json::from_slice(&properties)
            .map_err(|error| format!("the properties of the input are not JSON: {error}"))?;
        let mut input = Input { properties, payload: None };
        let payload = self.artifact(entry.span_id, "input");
        if payload.is_some() || !may_have_none(entry, &input) {
            input.payload = Some(whole("the input", payload)?)
        }
        Ok(input)
    }
}

const HANDLERS: [&str; 3] = ["messaging.process", "http.server", "function.handle"];

/// Why a payload is not there whole, after what it is of.
fn whole<'c>(what: &str, artifact: Option<&'c Artifact>) -> Result<Cow<'c, [u8]>, String> {
    const ADVICE: &str = "the receiver has to capture it whole (CaptureMode::Whole)";
    let verb = if what.starts_with("the properties") { "were" } else { "was" };
    let Some(artifact) = artifact else { return Err(format!("{what} {verb} not recorded: {ADVICE}")) };
    artifact.payload().ok_or_else(|| match artifact.content.bytes() {
        Some(part) => {
            let (part, all) = (part.len(), artifact.size_bytes);
            format!("{what} {verb} cut: {part} of {all} bytes were recorded")
        }
        None => format!("{what} {verb} recorded by reference only: {ADVICE}"),
    })
}

/// Whether there may have been no payload: a tombstone of Kafka, or a request without a body. One of which the size is known was
/// there, and was not recorded: the redaction hook has failed, there was no room for it, or nobody has read it.
fn may_have_none(entry: &Span, input: &Input<'_>) -> bool {
    let text = |name: &str| input.properties.get(name).and_then(Value::as_str).unwrap_or_default();
    let header = |wanted: &str| {
        let headers = input.properties.get("headers").and_then(Value::as_array);
        let mut pairs =
            headers.into_iter().flatten().filter(|pair| pair.get(0).and_then(Value::as_str) == Some(wanted));
        pairs.next().and_then(|pair| pair.get(1)?.as_str())
    };
    match input.transport() {
        "kafka" => !entry.attributes.contains_key(semconv::MESSAGING_BODY_SIZE),
        "http" => match header("content-length") {
            Some(length) => length == "0",
            None if header("transfer-encoding").is_some() => false,
            // From HTTP/2 on no header says that there is a body.
            None => !is_framed(text("version")) || BODILESS.contains(&text("method")),
        },
        _ => false,
    }
}

fn is_framed(version: &str) -> bool {
    version.starts_with("HTTP/2") || version.starts_with("HTTP/3")
}

/// The methods of requests that have no body as a rule.
const BODILESS: [&str; 6] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "TRACE"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Artifact, Run};
    use serde_json::json;
    use spanbridge::{RunId, SpanId};

    fn case(primitive: &str, properties: &Value) -> Case {
        let span = SpanId::new(1).unwrap();
        let mut case =
            Case::new(Run::new(RunId::new(1).unwrap(), "order 42"), Span::new(span, "process orders", primitive));
        case.artifacts.push(Artifact::whole(span, "input.properties", "application/json", properties.to_string()));
        case
    }

    /// A payload that the redaction hook did not let through is not a tombstone.
    #[test]
    fn a_withheld_payload_is_no_tombstone() {
        let case = case("messaging.process", &json!({"transport": "kafka"}));
        assert_eq!(case.obstacle(), None);
        let mut withheld = case.clone();
        withheld.spans[0].attributes.insert(semconv::MESSAGING_BODY_SIZE.to_owned(), 7.into());
        assert!(withheld.obstacle().unwrap().starts_with("the input was not recorded"), "{:?}", withheld.obstacle());
    }

    /// In HTTP/2, a body that nobody has read is not an empty one.
    #[test]
    fn an_unread_body_is_not_empty() {
        for (method, version, headers, is_possible) in [
            ("POST", "HTTP/2.0", json!([]), false),
            ("POST", "HTTP/3.0", json!([]), false),
            ("POST", "HTTP/2.0", json!([["content-length", "0"]]), true),
            ("GET", "HTTP/2.0", json!([]), true),
            ("POST", "HTTP/1.1", json!([]), true),
            ("POST", "HTTP/1.1", json!([["transfer-encoding", "chunked"]]), false),
            ("GET", "HTTP/1.1", json!([["content-length", "7"]]), false),
        ] {
            let properties = json!({"transport": "http", "method": method, "version": version, "headers": headers});
            let obstacle = case("http.server", &properties).obstacle();
            assert_eq!(obstacle.is_none(), is_possible, "{properties}: {obstacle:?}");
        }
    }
}
