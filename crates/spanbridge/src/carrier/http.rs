//! HTTP headers.

use super::in_place::{FEW, replace};
use super::{Extract, Header, Inject, one_by_one};
use crate::w3c::{self, place_named};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::borrow::Cow;

/// Looked up so, a name need not be read again for every request.
static NAMES: [HeaderName; 3] = [
    HeaderName::from_static(w3c::TRACEPARENT),
    HeaderName::from_static(w3c::TRACESTATE),
    HeaderName::from_static(w3c::BAGGAGE),
];

/// The name as a map has it; ours are ready. `None` if it cannot be one.
fn header_name(name: &str) -> Option<Cow<'static, HeaderName>> {
    match place_named(name.as_bytes()) {
        Some(place) => Some(Cow::Borrowed(&NAMES[place])),
        None => HeaderName::try_from(name).ok().map(Cow::Owned),
    }
}

/// Several `tracestate` or `baggage` headers are one list ([RFC 9110, section
/// 5.3](https://www.rfc-editor.org/rfc/rfc9110#section-5.3)); `traceparent` is not a list: if there
/// are several different ones, none of them counts.
impl Extract for HeaderMap {
    fn get(&self, name: &str) -> Header<'_> {
        let Some(known) = header_name(name) else { return Header::Absent };
        let all = self.get_all(&*known);
        let mut values = all.iter();
        let Some(first) = values.next() else { return Header::Absent };
        if *known == NAMES[0] {
            let differs = values.any(|other| other != first);
            return if differs { Header::Unusable(SEVERAL) } else { Header::Value(first.as_bytes().into()) };
        }
        let joined = |list: Cow<'_, [u8]>, next: &HeaderValue| Cow::Owned([&*list, b",", next.as_bytes()].concat());
        Header::Value(values.fold(Cow::Borrowed(first.as_bytes()), joined))
    }

    /// Not if a name has several values: they may be a list, which has to be put together.
    #[inline]
    fn each<'c>(&'c self, f: &mut dyn FnMut(&'c [u8], Header<'c>)) -> bool {
        if self.keys_len() > FEW || self.len() > self.keys_len() {
            return false;
        }
        for (name, value) in self {
            let name = name.as_str().as_bytes();
            if w3c::HEADERS.iter().any(|header| header.len() == name.len()) {
                f(name, Header::Value(value.as_bytes().into()))
            }
        }
        true
    }
}

/// The problem with several headers of one name, if only one is allowed.
const SEVERAL: &str = "is there several times, with different values";

/// A value that HTTP cannot carry (baggage from elsewhere with control characters) stays behind, and so does what a map has no
/// place for, which holds at most 24,576 names.
impl Inject for HeaderMap {
    fn set(&mut self, name: &'static str, value: &str) {
        match (HeaderValue::from_str(value), header_name(name)) {
            (Ok(value), Some(name)) => drop(self.try_insert(&*name, value)),
            (Err(_), Some(name)) => drop(HeaderMap::remove(self, &*name)),
            (_, None) => {}
        }
    }

    fn remove(&mut self, name: &'static str) {
        if let Some(name) = header_name(name) {
            HeaderMap::remove(self, &*name);
        }
    }

    fn set_all(&mut self, values: [Option<&str>; 3]) {
        if self.keys_len() > FEW || self.len() > self.keys_len() {
            return one_by_one(self, values);
        }
        let entries = self.iter_mut().map(|(name, value)| (name.as_str(), value));
        replace(entries, values, |value| HeaderValue::from_str(value).ok()).finish(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::{extract, inject};
    use proptest::prelude::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const OTHER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-01";

    fn map(headers: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        map
    }

    /// RFC 9110, section 5.3.
    #[test]
    fn lists_may_be_spread_over_headers() {
        let lists = [("tracestate", "a=1"), ("tracestate", "b=2"), ("baggage", "k=v"), ("baggage", "l=w")];
        let mut headers = map(&lists);
        headers.insert("TraceParent", PARENT.parse().unwrap());
        let got = extract(&headers);
        assert_eq!(got.problems, []);
        assert_eq!(got.context.trace_state().as_str(), "a=1,b=2");
        assert_eq!(got.context.baggage().get("l").as_deref(), Some("w"));
        headers.append("traceparent", PARENT.parse().unwrap());
        assert_eq!(extract(&headers).context, got.context, "the same again");
        let mut out = headers.clone();
        inject(&got.context, &mut out);
        assert_eq!(out, map(&[("traceparent", PARENT), ("tracestate", "a=1,b=2"), ("baggage", "k=v,l=w")]));
    }

    /// Of two different parents neither counts: a new trace begins, which keeps the baggage.
    #[test]
    fn different_parents_start_a_new_trace() {
        for (first, second) in [(PARENT, OTHER), (PARENT, "junk"), ("", PARENT)] {
            let headers = [("traceparent", first), ("TRACEPARENT", second), ("tracestate", "a=1"), ("baggage", "k=v")];
            let headers = map(&headers);
            assert!(matches!(Extract::get(&headers, "Traceparent"), Header::Unusable(_)));
            let got = extract(&headers);
            assert_eq!((got.context.is_empty(), got.context.baggage().as_str()), (true, "k=v"));
            let problems: Vec<_> = got.problems.iter().map(ToString::to_string).collect();
            assert_eq!(problems, ["traceparent: is there several times, with different values"]);
        }
    }

    #[test]
    fn unusual_values_are_read() {
        let long = (0..20).map(|i| format!("vendor{i}={}", "x".repeat(40))).collect::<Vec<_>>().join(",");
        let padded = format!(" \t{PARENT}\t ");
        for (parent, state, baggage, expected) in [
            (PARENT, "", "", ("", "")),
            (&padded, " a=1 , \tb=2 ", " k = v ", ("a=1,b=2", "k = v")),
            (PARENT, ",,a=1,", ",k=v,,", ("a=1", "k=v")),
            (PARENT, &long, "k=v;p=1", (&long, "k=v;p=1")),
        ] {
            let got = extract(&map(&[("traceparent", parent), ("tracestate", state), ("baggage", baggage)]));
            assert_eq!(got.problems, [], "{parent:?}");
            assert_eq!(got.context.trace_parent().map(|parent| parent.to_string()).as_deref(), Some(PARENT));
            assert_eq!((got.context.trace_state().as_str(), got.context.baggage().as_str()), expected);
        }
        // Headers need not be text, and an empty `traceparent` is none.
        for parent in [b"".as_slice(), b"\xff\xfe"] {
            let mut headers = map(&[("baggage", "k=v")]);
            headers.insert("traceparent", HeaderValue::from_bytes(parent).unwrap());
            let got = extract(&headers);
            assert!(got.context.is_empty() && got.context.baggage().get("k").is_some());
            assert_eq!(got.problems.len(), 1);
        }
    }

    /// A problem says its header once, and what is wrong, whichever header it is.
    #[test]
    fn problems_say_what_is_wrong() {
        for (header, value, expected) in [
            ("traceparent", "junk", "traceparent: shorter than 55 characters"),
            ("baggage", "a=1,junk", "baggage: 1 malformed members, 0 over the limits"),
        ] {
            let problems: Vec<_> = extract(&map(&[(header, value)])).problems.iter().map(ToString::to_string).collect();
            assert_eq!(problems, [expected]);
        }
    }

    /// A map takes 24,576 names. One more is an error there, and must not be a panic here.
    #[test]
    fn a_full_map_is_left_as_it_is() {
        let context = extract(&map(&[("traceparent", PARENT), ("baggage", "k=v")])).context;
        let mut full = HeaderMap::new();
        while full.try_insert(HeaderName::try_from(format!("x-{}", full.len())).unwrap(), "1".parse().unwrap()).is_ok()
        {
        }
        let before = full.clone();
        inject(&context, &mut full);
        assert_eq!(full, before);
        let mut last = full.clone();
        last.remove("x-0");
        inject(&context, &mut last);
        assert_eq!(
            (last.get("traceparent").map(HeaderValue::as_bytes), last.len()),
            (Some(PARENT.as_bytes()), full.len())
        );
    }

    #[test]
    fn impossible_names_and_values_are_left_out() {
        let mut headers = map(&[("baggage", "old=1")]);
        Inject::set(&mut headers, w3c::BAGGAGE, "k=v\r\nx: y");
        assert!(headers.is_empty());
        headers.set_all([Some(PARENT), Some("a\0=1"), None]);
        assert_eq!(headers, map(&[("traceparent", PARENT)]));
        Inject::set(&mut headers, "no name", "1");
        Inject::remove(&mut headers, "no name");
        assert_eq!(headers.len(), 1);
        assert_eq!(Extract::get(&headers, "no name"), Header::Absent);
        Inject::set(&mut headers, "x-own", "1");
        assert_eq!(Extract::get(&headers, "X-Own"), Header::Value(Cow::Borrowed(b"1")));
    }

    /// Names of ours and of others, few and many, some of them several times.
    fn some_headers() -> impl Strategy<Value = HeaderMap> {
        let name = prop_oneof![
            Just("traceparent".to_owned()),
            Just("tracestate".to_owned()),
            Just("baggage".to_owned()),
            Just("user-agent".to_owned()),
            "[a-z]{1,3}",
        ];
        let value = prop_oneof![Just(PARENT.to_owned()), Just(OTHER.to_owned()), "[a-c]=[a-z]{0,3}"];
        prop::collection::vec((name, value), 0..60)
            .prop_map(|all| map(&all.iter().map(|(name, value)| (&**name, &**value)).collect::<Vec<_>>()))
    }

    /// A map of which only single headers can be asked.
    struct OneByOne(HeaderMap);

    impl Extract for OneByOne {
        fn get(&self, name: &str) -> Header<'_> {
            Extract::get(&self.0, name)
        }
    }

    proptest! {
        #[test]
        fn one_pass_does_what_look_ups_do(
            headers in some_headers(),
            state in prop::option::of("[a-z\r]{0,3}"),
            baggage in prop::option::of("[a-z\0]{0,3}"),
        ) {
            let mut together = headers.clone();
            let mut single = OneByOne(headers);
            let (a, b) = (extract(&together), extract(&single));
            prop_assert_eq!((a.context, a.problems), (b.context, b.problems));
            let values = [Some(PARENT), state.as_deref(), baggage.as_deref()];
            together.set_all(values);
            one_by_one(&mut single.0, values);
            prop_assert_eq!(together, single.0);
        }
    }
}
