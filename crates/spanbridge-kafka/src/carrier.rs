//! Kafka headers as a carrier.
//!
//! rdkafka's own accessors panic on a header whose key is not UTF-8, and its owned headers cannot give one up. So this
//! file, and no other, asks librdkafka itself.

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

/// The headers of a received message, read in place. Other headers, and what their keys consist of, do not matter.
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
    /// Of several of the same key the last counts.
    fn get(&self, name: &str) -> Header<'_> {
        let (Some(headers), Some(name)) = (self.0, c_name(name)) else { return Header::Absent };
        let (mut value, mut size) = (null(), 0);
        // SAFETY: the reference comes from librdkafka, by the constructors above, and is its pointer; the name is a C
        // string; librdkafka writes the pointer and the size of the value, which lives as long as the headers.
        let found = unsafe { rd_kafka_header_get_last(native(headers), name.as_ptr(), &mut value, &mut size) };
        if found != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Header::Absent;
        }
        if value.is_null() {
            return Header::Unusable("is null, not text");
        }
        // SAFETY: as above, and it is not null.
        Header::Value(unsafe { std::slice::from_raw_parts(value.cast::<u8>(), size) }.into())
    }

    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        self.each(|name, _| std::str::from_utf8(name).into_iter().for_each(&mut *f))
    }
}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Headers").finish_non_exhaustive()
    }
}

/// Headers of a message that is about to be sent. Every other header stays as it is.
#[derive(Debug)]
pub struct HeadersMut<'a>(pub &'a mut OwnedHeaders);

impl Inject for HeadersMut<'_> {
    fn set(&mut self, name: &'static str, value: &str) {
        self.remove(name);
        let headers = native(self.0.as_borrowed()).cast_mut();
        let (name_size, size) = (name.len() as isize, value.len() as isize);
        // SAFETY: we have the owned headers to ourselves; librdkafka copies the name and the value.
        unsafe { rd_kafka_header_add(headers, name.as_ptr().cast(), name_size, value.as_ptr().cast(), size) };
    }

    fn remove(&mut self, name: &'static str) {
        if let Some(name) = c_name(name) {
            // SAFETY: we have the owned headers to ourselves; the name is a C string.
            unsafe { rd_kafka_header_remove(native(self.0.as_borrowed()).cast_mut(), name.as_ptr()) };
        }
    }

    fn remove_other_case(&mut self) {
        let mut names = vec![];
        Headers::from(Some(&*self.0)).each(|name, _| {
            if w3c::is_other_case(name) {
                names.extend(CString::new(name))
            }
        });
        for name in names {
            // SAFETY: as above.
            unsafe { rd_kafka_header_remove(native(self.0.as_borrowed()).cast_mut(), name.as_ptr()) };
        }
    }
}

/// What librdkafka reckons with for a message beside its key, its value and its headers, and at most for a header beside
/// its name and its value: numbers of variable length, all of them at their longest.
const MESSAGE_OVERHEAD: usize = 36;
const HEADER_OVERHEAD: usize = 10;

/// What a message may carry of ours: the client's limit, without the message itself and the user's headers.
/// `most` is what the user grants us.
pub(crate) fn budget(largest: usize, message: usize, headers: Option<&OwnedHeaders>, most: usize) -> Budget {
    let bytes = largest.saturating_sub(MESSAGE_OVERHEAD + message + headers.map_or(0, size_of_theirs)).min(most);
    Budget { bytes, per_header: HEADER_OVERHEAD, headers: usize::MAX }
}

/// The bytes of all headers but ours.
fn size_of_theirs(headers: &OwnedHeaders) -> usize {
    let mut sum = 0;
    Headers::from(Some(headers)).each(|name, value| {
        if w3c::header_named(name).is_none() {
            sum += HEADER_OVERHEAD + name.len() + value.map_or(0, <[u8]>::len)
        }
    });
    sum
}

impl<'a> Headers<'a> {
    /// Every header, in their order; a value may be null.
    pub(crate) fn each(&self, mut f: impl FnMut(&'a [u8], Option<&'a [u8]>)) {
        let Some(headers) = self.0 else { return };
        for i in 0.. {
            let (mut name, mut value, mut size) = (null(), null(), 0);
            // SAFETY: the headers are librdkafka's, by their type; it writes the name, the value and its size.
            let got = unsafe { rd_kafka_header_get_all(native(headers), i, &mut name, &mut value, &mut size) };
            if got != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                break;
            }
            // SAFETY: librdkafka has given us a C string, and a value of this size unless it is null; both live as long as
            // the headers.
            let (name, value) = unsafe {
                let value = (!value.is_null()).then(|| std::slice::from_raw_parts(value.cast::<u8>(), size));
                (CStr::from_ptr(name).to_bytes(), value)
            };
            f(name, value)
        }
    }
}

/// The reference is the pointer: the type has no content of its own.
fn native(headers: &BorrowedHeaders) -> *const RDKafkaHeaders {
    std::ptr::from_ref(headers).cast()
}

/// The names that are asked for are C strings already.
fn c_name(name: &str) -> Option<Cow<'static, CStr>> {
    Some(match name {
        w3c::TRACEPARENT => Cow::Borrowed(c"traceparent"),
        w3c::TRACESTATE => Cow::Borrowed(c"tracestate"),
        w3c::BAGGAGE => Cow::Borrowed(c"baggage"),
        other => Cow::Owned(CString::new(other).ok()?),
    })
}

/// What the headers of a record were before ours were written, to give a record that was not sent back as it came.
#[derive(Debug)]
pub(crate) enum OriginalHeaders {
    /// They are as they were.
    Untouched,
    /// There were none.
    None,
    /// There was none of ours among them.
    WithoutContext,
    /// These.
    Saved(OwnedHeaders),
}

impl OriginalHeaders {
    /// What is to be known before a context is written.
    pub(crate) fn injection(headers: Option<&OwnedHeaders>) -> Self {
        let Some(headers) = headers else { return OriginalHeaders::None };
        let mut ours = false;
        Headers::from(Some(headers)).each(|name, _| ours |= w3c::header_named(name).is_some());
        if ours { OriginalHeaders::Saved(headers.clone()) } else { OriginalHeaders::WithoutContext }
    }

    /// Whether a context was written.
    pub(crate) fn is_changed(&self) -> bool {
        !matches!(self, OriginalHeaders::Untouched)
    }

    /// The headers as they were.
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
    fn the_last_counts_and_no_key_is_in_the_way() {
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
    fn other_case_is_found_and_taken_out() {
        let mut sent = headers(&[(b"Baggage", Some(b"k=v")), (b"bad\xff", Some(b"x")), (b"BAGGAGE", Some(b"k=w"))]);
        let found = extract(&Headers::from(Some(&sent)));
        assert_eq!((found.context.baggage().as_str(), found.problems.len()), ("k=w", 1));
        let before = OriginalHeaders::injection(Some(&sent));
        inject(&found.context, &mut HeadersMut(&mut sent));
        assert_eq!(sent.count(), 2);
        let again = extract(&Headers::from(Some(&sent)));
        assert_eq!((again.context, again.problems), (found.context, vec![]));
        assert_eq!(before.restore(Some(sent)).map(|headers| headers.count()), Some(3), "as it was");
    }

    #[test]
    fn ours_are_replaced_and_given_back() {
        let mut sent = headers(&[(b"traceparent", Some(b"1")), (b"a", None), (b"traceparent", Some(b"2"))]);
        let before = OriginalHeaders::injection(Some(&sent));
        HeadersMut(&mut sent).set(w3c::TRACEPARENT, "3");
        assert_eq!(sent.count(), 2);
        assert_eq!(sent.get(1), Pair { key: "traceparent", value: Some(&b"3"[..]) });
        let back = before.restore(Some(sent)).unwrap();
        assert_eq!(back.count(), 3);
        assert_eq!(Headers::from(Some(&back)).get(w3c::TRACEPARENT), Header::Value(Cow::Borrowed(b"2")));

        let mut sent = OwnedHeaders::new().insert(Pair { key: "a", value: Some("b") });
        let before = OriginalHeaders::injection(Some(&sent));
        HeadersMut(&mut sent).set(w3c::BAGGAGE, "k=v");
        assert_eq!(before.restore(Some(sent)).map(|h| h.count()), Some(1));
        assert!(OriginalHeaders::injection(None).restore(Some(OwnedHeaders::new())).is_none());
    }
}
