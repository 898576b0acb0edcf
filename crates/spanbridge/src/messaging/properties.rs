//! What came beside a payload, so that the same input can be made again: `input.properties`.

use super::capture::{CapturePolicy, failed, quoted};
use super::part::PartKind;
use crate::cut::MAX_WHOLE;
use crate::observe::{NewArtifact, Span};
use crate::semconv;
use std::borrow::Cow;
use std::fmt::{Display, Write};

/// Writes a JSON object member by member. Values pass the redaction hook of the policy; if it fails for one, nothing of the
/// object is recorded.
///
/// `member` and `element` say where the next value stands. The shapes are those of `docs/conventions.md`.
///
/// ```
/// use spanbridge::adapter::Properties;
/// use spanbridge::messaging::PartKind;
///
/// fn properties(to: &mut Properties<'_>) {
///     to.member("transport").fixed("letters");
///     to.member("weight").number(20);
///     to.member("headers").array(|headers| {
///         headers.element().array(|pair| {
///             pair.element().fixed("tenant");
///             pair.element().text(PartKind::Header("tenant"), b"eu");
///         })
///     })
/// }
/// ```
#[derive(Debug)]
pub struct Properties<'c> {
    capture: &'c CapturePolicy,
    json: String,
    /// How many objects and arrays the next value is inside of.
    depth: usize,
    /// Why nothing is recorded.
    left_out: Option<LeftOut>,
}

#[derive(Debug)]
enum LeftOut {
    /// The hook has failed for this.
    Hook(&'static str),
    TooDeep,
}

/// Objects and arrays inside each other: what comes from outside must not fill the stack.
const MAX_DEPTH: usize = 64;

impl Properties<'_> {
    /// The next value is a member of this name.
    pub fn member(&mut self, name: &str) -> &mut Self {
        self.element();
        quoted(name, &mut self.json);
        self.json.push(':');
        self
    }

    /// The next value is an element of an array.
    pub fn element(&mut self) -> &mut Self {
        if !self.json.ends_with(['{', '[']) {
            self.json.push(',')
        }
        self
    }

    /// A text: a string, or `{"base64": ".."}` if it is not UTF-8. What the hook leaves of it.
    pub fn text(&mut self, kind: PartKind<'_>, value: &[u8]) {
        let value = self.shown(kind, value);
        self.put_text(&value)
    }

    /// The same for a number, a truth value, or other JSON: as it is, or what the hook has put into its place as a string.
    pub fn json(&mut self, kind: PartKind<'_>, value: &str) {
        match self.shown(kind, value.as_bytes()) {
            Cow::Borrowed(_) => self.json.push_str(value),
            Cow::Owned(replaced) => self.put_text(&replaced),
        }
    }

    /// What the hook leaves of a value, for a text that is put together from several.
    pub fn shown<'v>(&mut self, kind: PartKind<'v>, value: &'v [u8]) -> Cow<'v, [u8]> {
        self.capture.shown(kind, value).unwrap_or_else(|| {
            self.left_out = Some(LeftOut::Hook(kind.name()));
            Cow::Borrowed(b"")
        })
    }

    /// A text that is not personal, or that the hook has seen: not shown to it.
    pub fn fixed(&mut self, text: &str) {
        quoted(text, &mut self.json)
    }

    /// A number or a truth value that is not personal: not shown to the hook.
    pub fn number(&mut self, value: impl Display) {
        let _ = write!(self.json, "{value}");
    }

    /// No value.
    pub fn null(&mut self) {
        self.json.push_str("null")
    }

    /// An object, whose members `write` adds.
    pub fn object(&mut self, write: impl FnOnce(&mut Self)) {
        self.json.push('{');
        self.nested(write);
        self.json.push('}')
    }

    /// An array, whose elements `write` adds.
    pub fn array(&mut self, write: impl FnOnce(&mut Self)) {
        self.json.push('[');
        self.nested(write);
        self.json.push(']')
    }

    fn nested(&mut self, write: impl FnOnce(&mut Self)) {
        if self.depth == MAX_DEPTH {
            self.left_out.get_or_insert(LeftOut::TooDeep);
            return;
        }
        self.depth += 1;
        write(self);
        self.depth -= 1
    }

    /// A text that was shown to the hook.
    pub fn put_text(&mut self, value: &[u8]) {
        match std::str::from_utf8(value) {
            Ok(text) => quoted(text, &mut self.json),
            Err(_) => {
                self.json.push_str("{\"base64\":\"");
                base64(value, &mut self.json);
                self.json.push_str("\"}")
            }
        }
    }
}

impl CapturePolicy {
    /// Records what came beside a payload with a span, as an artifact of this kind, if payloads are recorded
    /// [whole](super::CaptureMode::Whole). `write` is called only then; if it writes nothing, nothing is recorded.
    pub fn record_properties(&self, span: &Span, kind: &str, write: impl FnOnce(&mut Properties<'_>)) {
        if span.id().is_none() || !self.keeps_whole() {
            return;
        }
        let mut properties = Properties { capture: self, json: String::new(), depth: 0, left_out: None };
        properties.object(write);
        let Properties { json, left_out, .. } = properties;
        let tell = |why| span.diagnostic(semconv::ARTIFACT_CUT, &format!("{kind}: left out, {why}"));
        match left_out {
            Some(LeftOut::Hook(what)) => failed(span, what),
            Some(LeftOut::TooDeep) => tell("a value is nested too deeply"),
            None if json == "{}" => {}
            None if json.len() > MAX_WHOLE => tell("it has more than 1 MiB"),
            None => span.artifact(&NewArtifact::new(kind, "application/json", json.as_bytes()).whole(MAX_WHOLE)),
        }
    }
}

/// [RFC 4648, section 4](https://www.rfc-editor.org/rfc/rfc4648#section-4).
fn base64(bytes: &[u8], out: &mut String) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().zip([16, 8, 0]).fold(0, |bits, (byte, at)| bits | u32::from(*byte) << at);
        let digits = [18, 12, 6, 0].map(|at| char::from(DIGITS[(bits >> at & 63) as usize]));
        out.extend(digits.into_iter().take(chunk.len() + 1));
        out.extend(std::iter::repeat_n('=', 3 - chunk.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            let mut out = String::new();
            base64(bytes.as_bytes(), &mut out);
            assert_eq!(out, text);
        }
        let mut out = String::new();
        base64(&[0xff, 0xfe, 0xfb], &mut out);
        assert_eq!(out, "//77");
    }
}
