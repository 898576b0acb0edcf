//! The URL of a ClickHouse.

use crate::error::{Error, ErrorKind, Result};
use crate::identifier::identifier;
use std::fmt;
use std::str::FromStr;

/// The variable with the password, for URLs without one.
const PASSWORD: &str = "CLICKHOUSE_PASSWORD";

/// What may be wrong with a URL that has more or other parts than it should.
const SPECIAL: &str = "characters such as ? and / in a password are written as %XX";

const HTTP_PORT: u16 = 8123;
const HTTPS_PORT: u16 = 8443;

/// Where a ClickHouse is: `clickhouse://[user[:password]@]host[:port][,host[:port]…][/database][?parameters]`.
///
/// The ports are those for HTTP; default: 8123, with TLS 8443. Without a user it is `default`, without a database `default`. If the
/// URL has no password, it comes from `CLICKHOUSE_PASSWORD`. Several nodes may be named: if one does not answer, the next is asked.
///
/// | parameter | meaning |
/// |---|---|
/// | `cluster=NAME` | The tables are on each shard of this cluster of the server's configuration, and records are spread over the shards by run. |
/// | `on_cluster=true` | Tables are created with `ON CLUSTER`, which needs a Keeper. Default: on each node of the URL, which has to name all. |
/// | `replicated=true` | The tables are replicated, by the server's macros `shard` and `replica`. |
/// | `keep=30d` | Days of which records are kept. The server drops older ones, a whole day at a time, whether their run goes on or not. A writer sets it; default: as it is, at first forever. Servers from 20.3 on. |
/// | `tls=true` | The connection is encrypted. |
///
/// ```
/// use spanbridge_clickhouse::Address;
/// let address: Address = "clickhouse://ada:secret@db1,db2:8124/spans?cluster=main".parse()?;
/// assert_eq!(address.to_string(), "clickhouse://ada@db1:8123,db2:8124/spans?cluster=main");
/// # Ok::<(), spanbridge_clickhouse::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// `host:port` each.
    pub(crate) nodes: Vec<String>,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) database: String,
    pub(crate) cluster: Option<String>,
    pub(crate) on_cluster: bool,
    pub(crate) replicated: bool,
    /// Days.
    pub(crate) keep: Option<u16>,
    pub(crate) tls: bool,
}

impl Address {
    /// Whether a text is meant to be such a URL.
    pub fn is_one(text: &str) -> bool {
        text.starts_with("clickhouse://")
    }

    /// What a statement says that the servers pass on to all of the cluster. Empty if they do not.
    pub(crate) fn on_cluster(&self) -> String {
        match &self.cluster {
            Some(cluster) if self.on_cluster => format!(" ON CLUSTER {}", identifier(cluster)),
            _ => String::new(),
        }
    }

    /// The same, with another database.
    pub fn with_database(self, database: impl Into<String>) -> Self {
        Self { database: database.into(), ..self }
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self> {
        let wrong = |what: &str| Error::new(ErrorKind::Url, format!("read the URL of a ClickHouse: {what}"));
        let rest = url.strip_prefix("clickhouse://").ok_or_else(|| wrong("it does not begin with clickhouse://"))?;
        let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, nodes) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let decoded =
            |text: &str, what: &str| decode(text).ok_or_else(|| wrong(&format!("{what} is not UTF-8 in %XX")));
        let mut address = Self {
            nodes: Vec::new(),
            user: decoded(user, "the user")?,
            password: decoded(password, "the password")?,
            database: decoded(database, "the database")?,
            cluster: None,
            on_cluster: false,
            replicated: false,
            keep: None,
            tls: false,
        };
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let flag = match value {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            };
            let flag = || flag.ok_or_else(|| wrong(&format!("{name} is neither true nor false")));
            match name {
                "cluster" => address.cluster = Some(decoded(value, "the cluster")?).filter(|name| !name.is_empty()),
                "on_cluster" => address.on_cluster = flag()?,
                "replicated" => address.replicated = flag()?,
                "keep" => {
                    address.keep =
                        Some(days(value).ok_or_else(|| wrong("keep is no number of days from 1d to 15000d"))?)
                }
                "tls" => address.tls = flag()?,
                // The name may be a password in the wrong place.
                _ => {
                    let known = "cluster, on_cluster, replicated, keep and tls";
                    return Err(wrong(&format!("a parameter is none of {known}; {SPECIAL}")));
                }
            }
        }
        if address.tls && cfg!(not(feature = "tls")) {
            return Err(wrong("this program was built without TLS (feature tls)"));
        }
        let default_port = if address.tls { HTTPS_PORT } else { HTTP_PORT };
        address.nodes = nodes
            .split(',')
            .map(|node| with_port(node, default_port))
            .collect::<Option<_>>()
            .ok_or_else(|| wrong(&format!("a port is not a number up to 65535; {SPECIAL}")))?;
        // They are sent in headers.
        let has_control = |text: &str| text.chars().any(char::is_control);
        if has_control(&address.user) || has_control(&address.password) {
            return Err(wrong("the user or the password has a control character"));
        }
        if address.user.is_empty() {
            "default".clone_into(&mut address.user);
        }
        if address.database.is_empty() {
            "default".clone_into(&mut address.database);
        }
        if address.password.is_empty() {
            address.password = std::env::var(PASSWORD).unwrap_or_default();
        }
        if (address.on_cluster || address.replicated) && address.cluster.is_none() {
            return Err(wrong("on_cluster and replicated need a cluster"));
        }
        Ok(address)
    }
}

fn with_port(node: &str, default: u16) -> Option<String> {
    let end_of_host = node.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match node[end_of_host..].rfind(':') {
        Some(at) => (&node[..end_of_host + at], node[end_of_host + at + 1..].parse().ok()?),
        None => (node, default),
    };
    Some(format!("{}:{port}", if host.is_empty() { "localhost" } else { host }))
}

/// Servers count days to the year 2149, and records are of up to 2106.
const MAX_DAYS: u16 = 15_000;

fn days(text: &str) -> Option<u16> {
    text.strip_suffix('d')?.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days))
}

/// Without `%XX`.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        (rest, _) = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let digit = |byte: &u8| (*byte as char).to_digit(16);
                (tail, bytes.push((digit(high)? << 4 | digit(low)?) as u8))
            }
            _ => (tail, bytes.push(*first)),
        };
    }
    String::from_utf8(bytes).ok()
}

/// Without the password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "clickhouse://{}@{}/{}", self.user, self.nodes.join(","), self.database)?;
        let cluster = self.cluster.as_ref().map(|name| format!("cluster={name}"));
        let flags = [("on_cluster", self.on_cluster), ("replicated", self.replicated), ("tls", self.tls)];
        let flags = flags.into_iter().filter(|(_, is)| *is).map(|(name, _)| format!("{name}=true"));
        let keep = self.keep.map(|days| format!("keep={days}d"));
        let parameters: Vec<String> = cluster.into_iter().chain(flags).chain(keep).collect();
        if parameters.is_empty() { Ok(()) } else { write!(f, "?{}", parameters.join("&")) }
    }
}

/// Without the password.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_may_be_left_out() {
        for (url, shown) in [
            ("clickhouse://", "clickhouse://default@localhost:8123/default"),
            ("clickhouse://db", "clickhouse://default@db:8123/default"),
            ("clickhouse://u@[::1]/d", "clickhouse://u@[::1]:8123/d"),
            ("clickhouse://u@[::1]:9/d?tls=true", "clickhouse://u@[::1]:9/d?tls=true"),
            ("clickhouse://db/d?keep=030d", "clickhouse://default@db:8123/d?keep=30d"),
            ("clickhouse://db?tls=1", "clickhouse://default@db:8443/default?tls=true"),
            (
                "clickhouse://a,b:1/?cluster=c&replicated=true",
                "clickhouse://default@a:8123,b:1/default?cluster=c&replicated=true",
            ),
        ] {
            assert_eq!(url.parse::<Address>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let address: Address = "clickhouse://u%40x:s%2Fe:cret@db/d".parse().unwrap();
        assert_eq!((&*address.user, &*address.password), ("u@x", "s/e:cret"));
        assert!(!format!("{address} {address:?}").contains("cret"));
        for url in [
            "clickhouse://u:secret@db:port",
            "clickhouse://u:se/secret@db",
            "clickhouse://u:%ff@db",
            "clickhouse://db?secret",
            "http://u:secret@db",
            "clickhouse://u:secret%0d%0aX:y@db",
            "clickhouse://u%00:secret@db",
        ] {
            let error = url.parse::<Address>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Url);
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }

    #[test]
    fn unknown_parameters_are_refused() {
        for parameter in ["clutser=c", "tls=maybe", "replicated=true", "keep=30", "keep=0d", "keep=d", "keep=15001d"] {
            let url = format!("clickhouse://db?{parameter}");
            assert!(url.parse::<Address>().is_err(), "{url}");
        }
    }
}
