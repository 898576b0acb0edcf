//! Which host, and by which scheme, the client has asked: what proxies in between say, and the request itself.
//!
//! Everything here was written by somebody else: what does not look as it should is left out.

use http::header::{FORWARDED, HOST, HeaderMap};
use http::request::Parts;

/// The host and its port, by the first of these that says it: `Forwarded`, `X-Forwarded-Host` (both only if proxies are
/// believed), the URI, `Host`. This is the order of the
/// [conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/#setting-serveraddress-and-serverport-attributes).
pub(super) fn host(request: &Parts, believes_proxies: bool) -> Option<(&str, Option<u16>)> {
    let headers = &request.headers;
    let from_proxies = || element(headers, "host").or_else(|| first(headers, "x-forwarded-host"));
    let forwarded = believes_proxies.then(from_proxies).flatten().and_then(host_and_port);
    let in_uri = || request.uri.authority().map(|authority| authority.as_str());
    let asked = || in_uri().or_else(|| headers.get(HOST)?.to_str().ok()).and_then(host_and_port);
    forwarded.or_else(asked)
}

/// The scheme, if proxies say it: `Forwarded`, `X-Forwarded-Proto`.
pub(super) fn scheme(headers: &HeaderMap) -> Option<&'static str> {
    let said = element(headers, "proto").or_else(|| first(headers, "x-forwarded-proto"))?;
    ["https", "http"].into_iter().find(|scheme| said.eq_ignore_ascii_case(scheme))
}

/// The first of a list in a header: what the proxy said that is next to the client.
fn first<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()?.split(',').next().map(str::trim)
}

/// A parameter of the first element of `Forwarded` ([RFC 7239, section 4](https://www.rfc-editor.org/rfc/rfc7239#section-4)):
/// `for=192.0.2.60;proto=https;host="example.com:8080", for=…`. Values with escaped characters are not taken: neither hosts
/// nor schemes have any.
fn element<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut rest = headers.get(FORWARDED)?.to_str().ok()?;
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

/// The parts of `example.com:8080`, `192.0.2.60`, `[2001:db8::1]:80`. An address of IPv6 is given without its brackets.
fn host_and_port(text: &str) -> Option<(&str, Option<u16>)> {
    // What is in front of an `@` is no part of the host, and may be a password.
    let text = text.rsplit('@').next().unwrap_or_default();
    let (host, port) = match text.strip_prefix('[') {
        Some(address) => {
            let (address, rest) = address.split_once(']')?;
            (address, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => match text.split_once(':') {
            Some((_, port)) if port.contains(':') => (text, None), // IPv6 without its brackets
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port.filter(|port| !port.is_empty()) {
        Some(port) => Some(port.parse().ok().filter(|_| port.bytes().all(|byte| byte.is_ascii_digit()))?),
        None => None,
    };
    let is_host = |byte: u8| byte.is_ascii_graphic() && !b"/?#[]@\\\"<>".contains(&byte);
    (!host.is_empty() && host.bytes().all(is_host)).then_some((host, port))
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
            host(&asked(uri, &all[from..]), believes).map(|(h, p)| (h.to_owned(), p))
        };
        let expected = |name: &str, port: Option<u16>| Some((name.to_owned(), port));
        assert_eq!(of(0, "/", true), expected("shop.example", Some(8443)));
        assert_eq!(of(1, "/", true), expected("x.example", None));
        assert_eq!(of(1, "http://user:s3cret@u.example:8080/", false), expected("u.example", Some(8080)));
        assert_eq!([of(2, "/", true), of(0, "/", false)], [(); 2].map(|()| expected("h.example", Some(81))));
        assert_eq!(of(3, "/", true), None);
        assert_eq!(scheme(&asked("/", &all).headers), Some("https"));
        assert_eq!(scheme(&asked("/", &[("x-forwarded-proto", "Http,https")]).headers), Some("http"));
        assert_eq!(scheme(&asked("/", &[("x-forwarded-proto", "javascript")]).headers), None);
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
            assert_eq!(element(&asked("/", &[("forwarded", forwarded)]).headers, "host"), found, "{forwarded}");
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
                scheme(&request.headers);
                if let Some((host, _)) = host(&request, true) {
                    prop_assert!(!host.is_empty() && !host.contains([' ', '/', '@', '"', '\n']), "{}", host);
                }
            }
        }
    }
}
