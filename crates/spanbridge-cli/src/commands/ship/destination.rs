//! What `--to` names.

use crate::failure::Failure;
use spanbridge_cli::place::{Place, with_lower_scheme};
use spanbridge_otel::HttpSink;
use spanbridge_query::{ErrorKind, Store};
use spanbridge_relay::Address;
use spanbridge_relay::ship::{FarEnd, HttpEnd, Name, StoreEnd};
use std::path::Path;
use std::time::Duration;

/// The variable with the token of a server.
const TOKEN: &str = "SPANBRIDGE_TOKEN";

/// A server stores up to 4 MiB before it answers.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where records go.
pub(super) enum Destination {
    /// A `spanbridge serve`.
    Server(String),
    Kafka(Address),
    Store(Place),
}

impl Destination {
    pub(super) fn parse(to: &str) -> Result<Self, Failure> {
        let to = with_lower_scheme(to);
        if Address::is_one(&to) {
            return to.parse().map(Self::Kafka).map_err(|e: spanbridge_relay::Error| Failure::Usage(e.to_string()));
        }
        if to.starts_with("http://") || to.starts_with("https://") {
            return Ok(Self::Server(to));
        }
        Ok(Self::Store(Place::parse(to)))
    }

    /// Fails if it is the store that is to be shipped.
    pub(super) fn assert_not(&self, store: &Store) -> Result<(), Failure> {
        let Self::Store(place) = self else { return Ok(()) };
        let real = |path: &Path| path.canonicalize().ok();
        let (from, to) = (store.directory().and_then(real), place.directory().and_then(real));
        match from.is_some() && from == to {
            true => Err(Failure::Usage("ship the store to itself: --to is --db".to_owned())),
            false => Ok(()),
        }
    }

    /// The name of its position.
    pub(super) fn name(&self) -> Result<Name, Failure> {
        Ok(Name::of(match self {
            Self::Server(url) => without_secrets(url),
            // How to connect may change, and it is the same topic.
            Self::Kafka(address) => without_secrets(&address.to_string()),
            Self::Store(place) => match place.directory() {
                Some(path) => {
                    let absolute = std::path::absolute(path).map_err(|e| Failure::io("find the place", &e))?;
                    absolute.to_string_lossy().into_owned()
                }
                None => place.to_string(),
            },
        }))
    }

    pub(super) fn far_end(self) -> Result<Box<dyn FarEnd>, Failure> {
        match self {
            Self::Server(url) => server(&url),
            Self::Kafka(address) => kafka(address),
            Self::Store(place) => {
                // A URL that is wrong stays wrong. A database that is away may come back.
                let mut first = match place.open_or_create() {
                    Ok(store) => Some(store),
                    Err(e) if e.kind() == ErrorKind::InvalidPath => return Err(Failure::Usage(e.to_string())),
                    Err(e) if place.directory().is_some() => return Err(e.into()),
                    Err(_) => None,
                };
                Ok(Box::new(StoreEnd::new(move || first.take().map_or_else(|| place.open_or_create(), Ok))))
            }
        }
    }
}

fn server(url: &str) -> Result<Box<dyn FarEnd>, Failure> {
    let sink = HttpSink::to(url).timeout(TIMEOUT);
    let sink = match std::env::var(TOKEN) {
        Ok(token) if !token.trim().is_empty() => sink.token(token),
        _ => sink,
    };
    let sink = sink.open().map_err(|e| Failure::Usage(e.to_string()))?;
    Ok(Box::new(HttpEnd::new(sink)))
}

#[cfg(feature = "kafka")]
fn kafka(address: Address) -> Result<Box<dyn FarEnd>, Failure> {
    Ok(Box::new(spanbridge_relay::ship::KafkaEnd::new(address).map_err(|e| Failure::Usage(e.to_string()))?))
}

#[cfg(not(feature = "kafka"))]
fn kafka(_: Address) -> Result<Box<dyn FarEnd>, Failure> {
    Err(Failure::Usage(spanbridge_cli::place::not_built("send records to Kafka", "kafka").to_string()))
}

/// A URL without its password and its parameters.
fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return String::new() };
    // A password may have a slash, and what is behind the host seldom an @.
    let Some((login, host)) = rest.rsplit_once('@') else { return format!("{scheme}://{rest}") };
    let user = login.split(':').next().unwrap_or_default();
    format!("{scheme}://{user}@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_password() {
        for (url, shown) in [
            ("http://10.0.0.7:4318", "http://10.0.0.7:4318"),
            ("https://ada:se@cret/x@spans.example/base?key=secret", "https://ada@spans.example/base"),
            ("clickhouse://ada:secret@a,b/spans?cluster=main", "clickhouse://ada@a,b/spans"),
            ("kafka://ada:secret@a:1,b/t?linger.ms=5", "kafka://ada@a:1,b:9092/t"),
            ("Kafka://ada:secret@a:1/t", "kafka://ada@a:1/t"),
            ("postgres://ada:secret@db/x?sslmode=require", "postgres://ada@db/x"),
            // Another store, which has got nothing yet.
            ("postgres://ada:secret@db/x?password=secret&schema=other", "postgres://ada@db/x?schema=other"),
        ] {
            let name = Destination::parse(url).ok().and_then(|to| to.name().ok());
            assert_eq!(name.as_ref().map(Name::to), Some(shown));
        }
    }
}
