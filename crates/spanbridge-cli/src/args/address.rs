//! Addresses to listen on.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// `localhost` is always this machine (RFC 6761, section 6.3), and so is a port alone. Other names are not looked up: they may have
/// several addresses.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    let (name, port) = text.rsplit_once(':').unwrap_or(("localhost", text));
    if let (true, Ok(port)) = (name.eq_ignore_ascii_case("localhost"), port.parse()) {
        return Ok(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
    }
    let expected = || match (name, text.parse::<IpAddr>()) {
        ("" | "*", _) => "expected 127.0.0.1:PORT for this machine, or 0.0.0.0:PORT for every machine".to_owned(),
        (_, Ok(address)) => format!("expected an address and a port, as {}", SocketAddr::new(address, 4318)),
        _ => "expected an address and a port, as 127.0.0.1:4318".to_owned(),
    };
    text.parse().map_err(|_| expected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_of_this_machine() {
        for text in ["4318", "localhost:4318", "LocalHost:4318", "127.0.0.1:4318"] {
            assert_eq!(listen(text), Ok((Ipv4Addr::LOCALHOST, 4318).into()), "{text}");
        }
        assert_eq!(listen("[::1]:0").map(|address| address.to_string()), Ok("[::1]:0".to_owned()));
        for (text, expected) in [
            (":4318", "127.0.0.1:PORT for this machine, or 0.0.0.0:PORT"),
            ("*:4318", "0.0.0.0:PORT for every machine"),
            ("10.0.0.7", "as 10.0.0.7:4318"),
            ("::1", "as [::1]:4318"),
            ("traces.example:4318", "as 127.0.0.1:4318"),
            ("localhost", "as 127.0.0.1:4318"),
            ("localhost:http", "as 127.0.0.1:4318"),
            ("99999", "as 127.0.0.1:4318"),
            ("", "as 127.0.0.1:4318"),
        ] {
            let told = listen(text).unwrap_err();
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
