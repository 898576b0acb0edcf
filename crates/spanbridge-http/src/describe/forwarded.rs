//! Which host, and by which scheme, the client has asked: what proxies in between say, and the request itself.
//!
//! Everything here was written by somebody else: what does not look as it should is left out.

use http::header::{FORWARDED, HOST, HeaderMap, HeaderName};
use http::request::Parts;

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// A host, and its port if that is said.
type Host<'a> = (&'a str, Option<u16>);

/// What proxies say that the client has asked.
#[derive(Default)]
pub(super) struct Forwarded<'h> {
    host: Option<Host<'h>>,
    /// The scheme: `https` or `http`.
    pub(super) scheme: Option<&'static str>,
}

impl<'h> Forwarded<'h> {
    /// By `Forwarded`, else by `X-Forwarded-Host` and `X-Forwarded-Proto`.
    pub(super) fn read(headers: &'h HeaderMap) -> Self {
        let standard = headers.get(FORWARDED).and_then(|value| value.to_str().ok());
        let said = |name, other| standard.and_then(|text| element(text, name)).or_else(|| first(headers, other));
        let scheme = |said: &str| ["https", "http"].into_iter().find(|scheme| said.eq_ignore_ascii_case(scheme));
        Forwarded {
            host: said("host", &X_FORWARDED_HOST).and_then(host_and_port),
            scheme: said("proto", &X_FORWARDED_PROTO).and_then(scheme),
        }
    }

    /// The host that the client has asked: as proxies say, else by the URI (HTTP/2 has it there), else by `Host`. This is the
    /// order of the
    /// [conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/#setting-serveraddress-and-serverport-attributes).
    pub(super) fn host_of(&self, request: &'h Parts) -> Option<Host<'h>> {
        let in_uri = || request.uri.authority().map(|authority| authority.as_str());
        let asked = || in_uri().or_else(|| request.headers.get(HOST)?.to_str().ok()).and_then(host_and_port);
        self.host.or_else(asked)
    }
}

/// The first of a list in a header: what the proxy said that is next to the client.
fn first<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()?.split(',').next().map(str::trim)
}

/// A parameter of the first element of `Forwarded` ([RFC 7239, section 4](https://www.rfc-editor.org/rfc/rfc7239#section-4)):
/// `for=192.0.2.60;proto=https;host="example.com:8080", for=…`. Values with escaped characters are not taken: neither hosts
/// nor schemes have any.
fn element<'h>(mut rest: &'h str, name: &str) -> Option<&'h str> {
    loop {
        let (key, after) = rest.split_once('=')?;
        if key.contains(',') {
            return None; // the next element
        }
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find([';', ',']).unwrap_or(after.len())),
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value.trim()).filter(|value| !value.contains(['\\', '"']));
        }
        rest = after.trim_start().strip_prefix(';')?;
    }
}

/// The parts of `example.com:8080`, `192.0.2.60`, `[2001:db8::1]:80`. An address of IPv6 is given without its brackets. What is
/// in front of an `@` is no part of the host, and may be a password.
fn host_and_port(text: &str) -> Option<Host<'_>> {
    // Every request has a host, so it is looked at once.
    let (mut start, mut colons, mut colon, mut is_host) = (0, 0, 0, true);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'@' => (start, colons, is_host) = (at + 1, 0, true),
            b':' => (colons, colon) = (colons + 1, at),
            b'/' | b'?' | b'#' | b'[' | b']' | b'\\' | b'"' | b'<' | b'>' => is_host = false,
            byte => is_host &= byte.is_ascii_graphic(),
        }
    }
    let host = text.get(start..)?;
    let (host, port) = match host.strip_prefix('[') {
        Some(address) => in_brackets(address)?,
        None if !is_host => return None,
        None if colons == 1 => (text.get(start..colon)?, text.get(colon + 1..)?),
        None => (host, ""), // IPv6 without its brackets, if there are several
    };
    let port = match port {
        "" => None,
        digits => Some(digits.parse().ok().filter(|_| !digits.starts_with('+'))?),
    };
    (!host.is_empty()).then_some((host, port))
}

/// The parts of what follows a bracket: the address, and the port if there is one.
#[cold]
fn in_brackets(text: &str) -> Option<(&str, &str)> {
    let (address, rest) = text.split_once(']')?;
    let is_address = address.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.%".contains(&byte));
    let port = if rest.is_empty() { rest } else { rest.strip_prefix(':')? };
    is_address.then_some((address, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, Request};
    use proptest::prelude::*;

    fn asked(uri: &str, headers: &[(&'static str, &str)]) -> Parts {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value)
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_first_that_says_a_host_counts() {
        let all = [
            ("forwarded", "for=192.0.2.60; proto=HTTPS;Host=\"shop.example:8443\", host=other"),
            ("x-forwarded-host", "x.example, y.example"),
            ("host", "h.example:81"),
        ];
        let of = |from: usize, uri: &str, believes| {
            let request = asked(uri, &all[from..]);
            let forwarded = if believes { Forwarded::read(&request.headers) } else { Forwarded::default() };
            forwarded.host_of(&request).map(|(h, p)| (h.to_owned(), p))
        };
        let scheme = |headers| Forwarded::read(&asked("/", headers).headers).scheme;
        let expected = |name: &str, port: Option<u16>| Some((name.to_owned(), port));
        assert_eq!(of(0, "/", true), expected("shop.example", Some(8443)));
        assert_eq!(of(1, "/", true), expected("x.example", None));
        assert_eq!(of(1, "http://user:s3cret@u.example:8080/", false), expected("u.example", Some(8080)));
        assert_eq!([of(2, "/", true), of(0, "/", false)], [(); 2].map(|()| expected("h.example", Some(81))));
        assert_eq!(of(3, "/", true), None);
        assert_eq!(scheme(&all), Some("https"));
        assert_eq!(scheme(&[("x-forwarded-proto", "Http,https")]), Some("http"));
        assert_eq!(scheme(&[("x-forwarded-proto", "javascript")]), None);
    }

    #[test]
    fn only_the_first_element_counts() {
        for (forwarded, found) in [
            ("host=a;host=b", Some("a")),
            ("for=\"[2001:db8::1]:4711\";host=a", Some("a")),
            ("for=\"x,y;host=no\" ; HOST=\"a:1\"", Some("a:1")),
            ("for=a, host=b", None),
            ("host=\"a\\\"b\"", None),
            ("host=\"a", None),
            ("host", None),
            ("", None),
        ] {
            assert_eq!(element(forwarded, "host"), found, "{forwarded}");
        }
    }

    #[test]
    fn a_host_is_read_with_its_port() {
        for (text, found) in [
            ("example.com", Some(("example.com", None))),
            ("example.com:", Some(("example.com", None))),
            ("example.com:8080", Some(("example.com", Some(8080)))),
            ("192.0.2.60:1", Some(("192.0.2.60", Some(1)))),
            ("[2001:db8::1]", Some(("2001:db8::1", None))),
            ("[2001:db8::1]:80", Some(("2001:db8::1", Some(80)))),
            ("2001:db8::1", Some(("2001:db8::1", None))),
            ("amelie:s3cret@example.com:80", Some(("example.com", Some(80)))),
            ("example.com:65536", None),
            ("example.com:+1", None),
            ("[::1]x", None),
            ("[::1", None),
            ("[a b]", None),
            ("[fe80::1%25eth0]:80", None),
            ("u@[::1]:80", Some(("::1", Some(80)))),
            ("a@b@c", Some(("c", None))),
            ("a[b", None),
            ("a b", None),
            ("a/b", None),
            (":80", None),
            ("", None),
        ] {
            assert_eq!(host_and_port(text), found, "{text}");
        }
    }

    proptest! {
        /// Whatever a stranger writes, nothing breaks, and nothing but a host comes out.
        #[test]
        fn anything_can_come(bytes in prop::collection::vec(any::<u8>(), 0..60), like in "[a-z=\",;:@\\[\\] ]{0,40}") {
            for bytes in [&bytes[..], like.as_bytes()] {
                let mut request = asked("/", &[]);
                for name in ["forwarded", "x-forwarded-host", "x-forwarded-proto", "host"] {
                    if let Ok(value) = HeaderValue::from_bytes(bytes) {
                        request.headers.insert(name, value);
                    }
                }
                if let Some((host, _)) = Forwarded::read(&request.headers).host_of(&request) {
                    prop_assert!(!host.is_empty() && !host.contains([' ', '/', '@', '"', '\n']), "{}", host);
                }
            }
        }
    }
}
