//! HTTP headers.

use super::{Extract, Header, Inject};
use crate::w3c;
use http::{HeaderMap, HeaderValue};
use std::borrow::Cow;

/// Several `tracestate` or `baggage` headers are one list ([RFC 9110, section
/// 5.3](https://www.rfc-editor.org/rfc/rfc9110#section-5.3)); `traceparent` is not a list: if there
/// are several different ones, none of them counts.
impl Extract for HeaderMap {
    fn get(&self, name: &str) -> Header<'_> {
        let mut values = self.get_all(name).iter();
        let Some(first) = values.next() else { return Header::Absent };
        if name == w3c::TRACEPARENT && self.get_all(name).iter().any(|other| other != first) {
            return Header::Unusable(SEVERAL);
        }
        Header::Value(values.fold(Cow::Borrowed(first.as_bytes()), |list, next| match name {
            w3c::TRACEPARENT => list,
            _ => Cow::Owned([&*list, b",", next.as_bytes()].concat()),
        }))
    }
}

/// The problem with several headers of one name, if only one is allowed.
const SEVERAL: &str = "is there several times, with different values";

impl Inject for HeaderMap {
    fn set(&mut self, name: &'static str, value: &str) {
        // A value that HTTP cannot carry (baggage from elsewhere with control characters) stays behind.
        match HeaderValue::from_str(value) {
            Ok(value) => drop(self.insert(name, value)),
            Err(_) => drop(HeaderMap::remove(self, name)),
        }
    }

    fn remove(&mut self, name: &'static str) {
        HeaderMap::remove(self, name);
    }
}

#[cfg(test)]
mod tests {
    use crate::carrier::{extract, inject};
    use http::HeaderMap;

    #[test]
    fn lists_may_be_spread_over_headers() {
        let mut h = HeaderMap::new();
        h.insert("TraceParent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap());
        for (name, value) in [("tracestate", "a=1"), ("tracestate", "b=2"), ("baggage", "k=v"), ("baggage", "l=w")] {
            h.append(name, value.parse().unwrap());
        }
        let got = extract(&h);
        assert_eq!(got.problems, []);
        assert_eq!(got.context.trace_state().as_str(), "a=1,b=2");
        assert_eq!(got.context.baggage().get("l").as_deref(), Some("w"));
        h.append("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap());
        assert_eq!(extract(&h).context, got.context, "the same again");
        let mut other = h.clone();
        other.append("TRACEPARENT", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-01".parse().unwrap());
        let new = extract(&other);
        assert_eq!((new.context.is_empty(), new.context.baggage().as_str()), (true, "k=v,l=w"));
        assert_eq!(new.problems[0].to_string(), "traceparent: is there several times, with different values");
        let mut out = h.clone();
        inject(&got.context, &mut out);
        assert_eq!(out.get_all("tracestate").iter().count(), 1);
    }
}
