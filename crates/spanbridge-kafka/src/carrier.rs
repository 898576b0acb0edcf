//! Kafka headers as a carrier.
//!
//! rdkafka's accessors panic on a header whose key is not UTF-8, and its owned headers cannot remove one. So this file, and
//! no other, calls librdkafka directly.

use rdkafka::Message;
use rdkafka::bindings::{
    rd_kafka_header_add, rd_kafka_header_get_all, rd_kafka_header_get_last, rd_kafka_header_remove,
};
use rdkafka::message::{BorrowedHeaders, BorrowedMessage, OwnedHeaders, OwnedMessage};
use rdkafka::types::{RDKafkaHeaders, RDKafkaRespErr};
use spanbridge::carrier::{Budget, Extract, Header, Inject};
use spanbridge::w3c;
use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::fmt;
use std::ptr::null;

/// The headers of a received message, read in place. Any bytes in other headers are harmless.
#[derive(Clone, Copy)]
pub struct Headers<'a>(Option<&'a BorrowedHeaders>);

impl<'a> From<&'a BorrowedMessage<'_>> for Headers<'a> {
    fn from(message: &'a BorrowedMessage<'_>) -> Self {
        Headers(message.headers())
    }
}

impl<'a> From<&'a OwnedMessage> for Headers<'a> {
    fn from(message: &'a OwnedMessage) -> Self {
        Headers(message.headers().map(OwnedHeaders::as_borrowed))
    }
}

impl<'a> From<Option<&'a OwnedHeaders>> for Headers<'a> {
    fn from(headers: Option<&'a OwnedHeaders>) -> Self {
        Headers(headers.map(OwnedHeaders::as_borrowed))
    }
}

impl Extract for Headers<'_> {
    /// The last of several with the same key counts.
    fn get(&self, name: &str) -> Header<'_> {
        self.last(name)
    }

    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        self.pairs(|name, _| std::str::from_utf8(name).into_iter().for_each(&mut *f))
    }

    /// A look-up by name costs librdkafka a comparison with every header, so one pass is cheaper than three look-ups.
    fn each<'c>(&'c self, f: &mut dyn FnMut(&'c [u8], Header<'c>)) -> bool {
        self.pairs(|name, value| f(name, value.map_or(NULL, |value| Header::Value(value.into()))));
        true
    }
}

const NULL: Header<'static> = Header::Unusable("is null, not text");

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Headers").finish_non_exhaustive()
    }
}

/// The headers of a message to be sent. Other headers stay as they are.
#[derive(Debug)]
pub struct HeadersMut<'a>(&'a mut OwnedHeaders);

impl<'a> From<&'a mut OwnedHeaders> for HeadersMut<'a> {
    fn from(headers: &'a mut OwnedHeaders) -> Self {
        HeadersMut(headers)
    }
}

impl Inject for HeadersMut<'_> {
    fn set(&mut self, name: &'static str, value: &str) {
        self.remove(name);
        self.add(name, value)
    }

    fn remove(&mut self, name: &'static str) {
        if let Some(name) = c_name(name) {
            // SAFETY: the owned headers are borrowed exclusively; the name is a C string.
            unsafe { rd_kafka_header_remove(native(self.0.as_borrowed()).cast_mut(), name.as_ptr()) };
        }
    }

    fn remove_other_case(&mut self) {
        let mut names = vec![];
        Headers::from(Some(&*self.0)).pairs(|name, _| {
            if w3c::is_other_case(name) {
                names.extend(CString::new(name))
            }
        });
        for name in names {
            // SAFETY: as above.
            unsafe { rd_kafka_header_remove(native(self.0.as_borrowed()).cast_mut(), name.as_ptr()) };
        }
    }

    /// Removing a header costs librdkafka a comparison with every header, so one pass finds what has to be removed.
    fn set_all(&mut self, values: [Option<&str>; 3]) {
        let (mut there, mut other_case) = ([false; 3], false);
        Headers::from(Some(&*self.0)).pairs(|name, _| {
            match w3c::HEADERS.iter().position(|ours| ours.as_bytes() == name) {
                Some(place) => there[place] = true,
                None => other_case |= w3c::is_other_case(name),
            }
        });
        if other_case {
            self.remove_other_case()
        }
        for (place, name) in w3c::HEADERS.into_iter().enumerate() {
            if there[place] {
                self.remove(name)
            }
            if let Some(value) = values[place] {
                self.add(name, value)
            }
        }
    }
}

impl HeadersMut<'_> {
    fn add(&mut self, name: &'static str, value: &str) {
        let headers = native(self.0.as_borrowed()).cast_mut();
        let (name_size, size) = (name.len() as isize, value.len() as isize);
        // SAFETY: the owned headers are borrowed exclusively; librdkafka copies the name and the value.
        unsafe { rd_kafka_header_add(headers, name.as_ptr().cast(), name_size, value.as_ptr().cast(), size) };
    }
}

/// The headers of a record to be sent, which may have none yet.
pub(crate) struct RecordHeaders<'a>(pub(crate) &'a mut Option<OwnedHeaders>);

impl Extract for RecordHeaders<'_> {
    fn get(&self, name: &str) -> Header<'_> {
        Headers::from(self.0.as_ref()).last(name)
    }

    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        Headers::from(self.0.as_ref()).each_name(f)
    }
}

impl Inject for RecordHeaders<'_> {
    fn set(&mut self, name: &'static str, value: &str) {
        HeadersMut(self.0.get_or_insert_with(new_headers)).set(name, value)
    }

    fn remove(&mut self, name: &'static str) {
        if let Some(headers) = self.0 {
            HeadersMut(headers).remove(name)
        }
    }

    fn remove_other_case(&mut self) {
        if let Some(headers) = self.0 {
            HeadersMut(headers).remove_other_case()
        }
    }

    fn set_all(&mut self, values: [Option<&str>; 3]) {
        if self.0.is_some() || values.iter().any(Option::is_some) {
            HeadersMut(self.0.get_or_insert_with(new_headers)).set_all(values)
        }
    }
}

fn new_headers() -> OwnedHeaders {
    OwnedHeaders::new_with_capacity(w3c::HEADERS.len())
}

/// The bytes that librdkafka counts for a message beside key, value and headers, and at most for a header beside name and
/// value: variable-length numbers, all at their maximum.
const MESSAGE_OVERHEAD: usize = 36;
const HEADER_OVERHEAD: usize = 10;

/// What our headers may take: the client's limit minus the message itself and the user's headers, at most `max`.
pub(crate) fn budget(limit: usize, message: usize, headers: Option<&OwnedHeaders>, max: usize) -> Budget {
    let bytes = limit.saturating_sub(MESSAGE_OVERHEAD + message + headers.map_or(0, size_of_theirs)).min(max);
    Budget::new(bytes, HEADER_OVERHEAD, usize::MAX)
}

/// The bytes of all headers except ours.
fn size_of_theirs(headers: &OwnedHeaders) -> usize {
    let mut sum = 0;
    Headers::from(Some(headers)).pairs(|name, value| {
        if w3c::header_named(name).is_none() {
            sum += HEADER_OVERHEAD + name.len() + value.map_or(0, <[u8]>::len)
        }
    });
    sum
}

impl<'a> Headers<'a> {
    /// The last of the headers with this key, if it is not null.
    pub(crate) fn value(self, name: &str) -> Option<&'a [u8]> {
        match self.last(name) {
            Header::Value(Cow::Borrowed(value)) => Some(value),
            _ => None,
        }
    }

    fn last(self, name: &str) -> Header<'a> {
        let (Some(headers), Some(name)) = (self.0, c_name(name)) else { return Header::Absent };
        let (mut value, mut size) = (null(), 0);
        // SAFETY: the reference comes from librdkafka, by the constructors above, and is its pointer; the name is a C
        // string; librdkafka writes the pointer and the size of the value, which lives as long as the headers.
        let found = unsafe { rd_kafka_header_get_last(native(headers), name.as_ptr(), &mut value, &mut size) };
        if found != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Header::Absent;
        }
        if value.is_null() {
            return NULL;
        }
        // SAFETY: as above, and it is not null.
        Header::Value(unsafe { std::slice::from_raw_parts(value.cast::<u8>(), size) }.into())
    }

    /// Calls `f` with every header in order; a value may be null.
    pub(crate) fn pairs(&self, mut f: impl FnMut(&'a [u8], Option<&'a [u8]>)) {
        let Some(headers) = self.0 else { return };
        for i in 0.. {
            let (mut name, mut value, mut size) = (null(), null(), 0);
            // SAFETY: the headers are librdkafka's, by their type; it writes the name, the value and its size.
            let got = unsafe { rd_kafka_header_get_all(native(headers), i, &mut name, &mut value, &mut size) };
            if got != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                break;
            }
            // SAFETY: librdkafka wrote a C string, and a value of this size unless it is null; both live as long as the
            // headers.
            let (name, value) = unsafe {
                let value = (!value.is_null()).then(|| std::slice::from_raw_parts(value.cast::<u8>(), size));
                (CStr::from_ptr(name).to_bytes(), value)
            };
            f(name, value)
        }
    }
}

/// The reference is librdkafka's pointer: the type has no content of its own.
fn native(headers: &BorrowedHeaders) -> *const RDKafkaHeaders {
    std::ptr::from_ref(headers).cast()
}

/// The name as a C string; ours are constants.
fn c_name(name: &str) -> Option<Cow<'static, CStr>> {
    Some(match name {
        w3c::TRACEPARENT => Cow::Borrowed(c"traceparent"),
        w3c::TRACESTATE => Cow::Borrowed(c"tracestate"),
        w3c::BAGGAGE => Cow::Borrowed(c"baggage"),
        other => Cow::Owned(CString::new(other).ok()?),
    })
}

/// A record's headers before ours were written, to return a record that was not sent as it came.
#[derive(Debug)]
pub(crate) enum OriginalHeaders {
    /// The headers are unchanged.
    Untouched,
    /// There were none.
    None,
    /// None of them was ours.
    WithoutContext,
    /// A copy of them.
    Saved(OwnedHeaders),
}

impl OriginalHeaders {
    /// To be called before a context is written.
    pub(crate) fn before_injection(headers: Option<&OwnedHeaders>) -> Self {
        let Some(headers) = headers else { return OriginalHeaders::None };
        let mut ours = false;
        Headers::from(Some(headers)).pairs(|name, _| ours |= w3c::header_named(name).is_some());
        if ours { OriginalHeaders::Saved(headers.clone()) } else { OriginalHeaders::WithoutContext }
    }

    /// Whether a context was written.
    pub(crate) fn is_changed(&self) -> bool {
        !matches!(self, OriginalHeaders::Untouched)
    }

    /// The original headers, given the current ones.
    pub(crate) fn restore(self, now: Option<OwnedHeaders>) -> Option<OwnedHeaders> {
        match self {
            OriginalHeaders::Untouched => now,
            OriginalHeaders::None => None,
            OriginalHeaders::Saved(headers) => Some(headers),
            OriginalHeaders::WithoutContext => now.map(|mut headers| {
                w3c::HEADERS.iter().for_each(|name| HeadersMut(&mut headers).remove(name));
                headers
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::message::{Header as Pair, Headers as _};
    use spanbridge::carrier::{extract, inject};

    fn headers(pairs: &[(&[u8], Option<&[u8]>)]) -> OwnedHeaders {
        let headers = OwnedHeaders::new();
        for (key, value) in pairs {
            let (value, size) = value.map_or((null(), 0), |v| (v.as_ptr(), v.len() as isize));
            let (native, key_size) = (native(headers.as_borrowed()).cast_mut(), key.len() as isize);
            // SAFETY: as in `set`.
            unsafe { rd_kafka_header_add(native, key.as_ptr().cast(), key_size, value.cast(), size) };
        }
        headers
    }

    #[test]
    fn the_last_value_of_a_key_counts() {
        let got = headers(&[(b"bad\xff", Some(b"x")), (b"k", Some(b"1")), (b"\xc3\x28", None), (b"k", Some(b"\xfe"))]);
        let carrier = Headers::from(Some(&got));
        assert_eq!(carrier.get("k"), Header::Value(Cow::Borrowed(b"\xfe")));
        assert_eq!(carrier.get("K"), Header::Absent);
        assert_eq!(carrier.get("a\0b"), Header::Absent);
        assert_eq!(Headers::from(None).get("k"), Header::Absent);
        let nulls = headers(&[(b"k", Some(b"1")), (b"k", None)]);
        assert_eq!(Headers::from(Some(&nulls)).get("k"), Header::Unusable("is null, not text"));
        let empty = headers(&[(b"k", Some(b""))]);
        assert_eq!(Headers::from(Some(&empty)).get("k"), Header::Value(Cow::Borrowed(b"")));
    }

    #[test]
    fn the_budget_is_what_librdkafka_leaves() {
        let theirs = headers(&[(b"traceparent", Some(b"12345")), (b"ab", Some(b"xyz")), (b"n\xff", None)]);
        assert_eq!(budget(1_000, 100, None, usize::MAX).bytes, 1_000 - 36 - 100);
        assert_eq!(budget(1_000, 100, Some(&theirs), usize::MAX).bytes, 1_000 - 36 - 100 - (10 + 5) - (10 + 2));
        assert_eq!(budget(100, 100, None, usize::MAX).bytes, 0);
        assert_eq!(budget(1_000, 100, None, 200).bytes, 200);
    }

    #[test]
    fn other_case_is_found_and_removed() {
        let mut sent = headers(&[(b"Baggage", Some(b"k=v")), (b"bad\xff", Some(b"x")), (b"BAGGAGE", Some(b"k=w"))]);
        let found = extract(&Headers::from(Some(&sent)));
        assert_eq!((found.context.baggage().as_str(), found.problems.len()), ("k=w", 1));
        let before = OriginalHeaders::before_injection(Some(&sent));
        inject(&found.context, &mut HeadersMut(&mut sent));
        assert_eq!(sent.count(), 2);
        let again = extract(&Headers::from(Some(&sent)));
        assert_eq!((again.context, again.problems), (found.context, vec![]));
        assert_eq!(before.restore(Some(sent)).map(|headers| headers.count()), Some(3), "as it was");
    }

    #[test]
    fn all_three_are_written_at_once() {
        let (ours, other) = (b"traceparent".as_slice(), b"x-own".as_slice());
        let mut sent = headers(&[(ours, Some(b"1")), (other, None), (ours, Some(b"2")), (b"tracestate", Some(b"a=1"))]);
        HeadersMut(&mut sent).set_all([Some("3"), None, Some("k=v")]);
        let mut left = vec![];
        Headers::from(Some(&sent)).pairs(|name, value| left.push((name.to_vec(), value.map(<[u8]>::to_vec))));
        let expected = [(other, None), (ours, Some(b"3".as_slice())), (b"baggage".as_slice(), Some(b"k=v".as_slice()))];
        assert_eq!(left, expected.map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))));
        let mut none = None;
        RecordHeaders(&mut none).set_all([None; 3]);
        assert!(none.is_none());
        RecordHeaders(&mut none).set_all([Some("1"), None, None]);
        assert_eq!(none.map(|headers| headers.count()), Some(1));
    }

    #[test]
    fn our_headers_are_replaced_and_restored() {
        let mut sent = headers(&[(b"traceparent", Some(b"1")), (b"a", None), (b"traceparent", Some(b"2"))]);
        let before = OriginalHeaders::before_injection(Some(&sent));
        HeadersMut(&mut sent).set(w3c::TRACEPARENT, "3");
        assert_eq!(sent.count(), 2);
        assert_eq!(sent.get(1), Pair { key: "traceparent", value: Some(&b"3"[..]) });
        let back = before.restore(Some(sent)).unwrap();
        assert_eq!(back.count(), 3);
        assert_eq!(Headers::from(Some(&back)).get(w3c::TRACEPARENT), Header::Value(Cow::Borrowed(b"2")));

        let mut sent = OwnedHeaders::new().insert(Pair { key: "a", value: Some("b") });
        let before = OriginalHeaders::before_injection(Some(&sent));
        HeadersMut(&mut sent).set(w3c::BAGGAGE, "k=v");
        assert_eq!(before.restore(Some(sent)).map(|h| h.count()), Some(1));
        assert!(OriginalHeaders::before_injection(None).restore(Some(OwnedHeaders::new())).is_none());
    }
}
