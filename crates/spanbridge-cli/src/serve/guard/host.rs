//! `Host` and `Origin`.

use crate::serve::refusal::Refusal;
use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use std::net::IpAddr;

fn refused(code: &'static str, message: String) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, code, message)
}

/// The name and perhaps port that the client has connected to, as it says.
pub(super) fn host(request: &Request) -> Result<&str, Refusal> {
    // A target with an authority counts for more: RFC 9112, section 3.2.2.
    if let Some(authority) = request.uri().authority() {
        return Ok(authority.as_str());
    }
    let mut all = request.headers().get_all(header::HOST).iter();
    match (all.next().and_then(|host| host.to_str().ok()), all.next()) {
        (Some(host), None) => Ok(host),
        _ => Err(refused("host", "accept the request: it has no readable Host, or several".to_owned())),
    }
}

/// Whether this name can only be this machine: `localhost`, names below it (RFC 6761, section 6.3), or a loopback address.
pub(super) fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    if host.contains('@') {
        return false;
    }
    let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost"
        || name.ends_with(".localhost")
        || address.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

/// Browsers name the page that asks. It must be one of ours. Others send none.
pub(super) fn check_origin(headers: &HeaderMap, host: &str) -> Result<(), Refusal> {
    for origin in headers.get_all(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        if !authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host)) {
            return Err(refused("origin", format!("accept the origin {origin}: it is not this server's page")));
        }
    }
    Ok(())
}

/// Where a browser says what a page asks for without naming it: pictures and scripts have no `Origin`. Another page could not read
/// the answer, but it could have everything searched again and again.
pub(super) fn check_site(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get("sec-fetch-site").map(|site| site.as_bytes()) {
        Some(b"cross-site" | b"same-site") => {
            Err(refused("origin", "accept the request: another page than this server's asks".to_owned()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names_and_addresses() {
        for host in
            ["localhost", "LOCALHOST:4318", "a.localhost:1", "localhost.", "127.0.0.1:4318", "127.9.9.9", "[::1]:4318"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "10.0.0.1:4318",
            "0.0.0.0",
            "notlocalhost",
            "localhost@example.com",
            "example.com@localhost",
            "[::]:4318",
            "local host",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn only_our_own_page_is_an_origin() {
        let check = |origin: &str, host: &str| {
            check_origin(&HeaderMap::from_iter([(header::ORIGIN, origin.parse().unwrap())]), host).is_ok()
        };
        assert!(check("http://localhost:4318", "localhost:4318"));
        assert!(check("https://Traces.example.com", "traces.example.com"));
        for origin in ["null", "", "http://localhost", "http://evil.example", "http://localhost:4318.evil.example"] {
            assert!(!check(origin, "localhost:4318"), "{origin}");
        }
        assert!(check_origin(&HeaderMap::new(), "localhost").is_ok());
    }
}
