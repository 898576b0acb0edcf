//! The URL of a topic in Kafka.

mod parse;

use crate::error::{Error, Result};
use parse::{DEAD, Parts, SCHEME, encoded, is_secret};
use std::fmt;
use std::str::FromStr;

/// The consumer group of a URL that names none.
const GROUP: &str = "spanbridge-collect";

/// A topic in Kafka: `kafka://[user[:password]@]host[:port][,host[:port]…][/TOPIC][?parameters]`.
///
/// Default port: 9092. Default topic: `spanbridge-records`. If the URL has a user and no password, that comes from `KAFKA_PASSWORD`.
/// What is special in a URL is written as `%XX`.
///
/// | parameter | meaning |
/// |---|---|
/// | `group=NAME` | The consumer group, for reading. Default: `spanbridge-collect`. |
/// | any other | A property of librdkafka, such as `security.protocol=sasl_ssl`, `group.instance.id=collect-1`, `linger.ms=100`. |
///
/// With a user, `sasl.mechanism` is `PLAIN` and `security.protocol` is `sasl_plaintext`, unless the URL says otherwise. Properties
/// that what we promise depends on cannot be set, such as `enable.auto.commit` and `acks`.
///
/// ```
/// use spanbridge_relay::Address;
/// let address: Address = "kafka://ada:secret@kafka1,kafka2:9093/spans?linger.ms=50".parse()?;
/// assert_eq!(address.to_string(), "kafka://ada@kafka1:9092,kafka2:9093/spans?linger.ms=50");
/// # Ok::<(), spanbridge_relay::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Parts);

impl Address {
    /// Whether a text is meant to be such a URL.
    pub fn is_one(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// The topic with the records.
    pub fn topic(&self) -> &str {
        &self.0.topic
    }

    /// The topic for messages that cannot be stored: `TOPIC.dead`.
    pub fn dead_letter_topic(&self) -> String {
        format!("{}{DEAD}", self.0.topic)
    }

    /// The consumer group.
    pub fn group(&self) -> &str {
        self.0.group.as_deref().unwrap_or(GROUP)
    }

    /// The properties of a client of librdkafka: how to connect, and those of the URL. Password included.
    ///
    /// A producer ignores those that are for consumers, and the other way round.
    pub fn properties(&self) -> Vec<(&str, String)> {
        let mut all = vec![("bootstrap.servers", self.0.brokers.join(","))];
        if !self.0.user.is_empty() {
            all.push(("sasl.username", self.0.user.clone()));
            all.push(("sasl.password", self.0.password.clone()));
            let is_set = |name: &str| self.0.properties.iter().any(|(known, _)| known == name);
            if !is_set("security.protocol") {
                all.push(("security.protocol", "sasl_plaintext".to_owned()));
            }
            // The second name is an alias.
            if !is_set("sasl.mechanism") && !is_set("sasl.mechanisms") {
                all.push(("sasl.mechanism", "PLAIN".to_owned()));
            }
        }
        all.extend(self.0.properties.iter().map(|(name, value)| (&**name, value.clone())));
        all
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self> {
        parse::parse(url, |name| std::env::var(name).ok()).map(Self)
    }
}

/// A URL that is read as the same address, without the password and other secrets.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME)?;
        if !self.0.user.is_empty() {
            write!(f, "{}@", encoded(&self.0.user))?;
        }
        write!(f, "{}/{}", self.0.brokers.join(","), self.0.topic)?;
        let group = self.0.group.iter().map(|group| ("group", group));
        let shown = self.0.properties.iter().filter(|(name, _)| !is_secret(name));
        let all = group.chain(shown.map(|(name, value)| (&**name, value)));
        for (at, (name, value)) in all.enumerate() {
            write!(f, "{}{name}={}", if at == 0 { '?' } else { '&' }, encoded(value))?;
        }
        Ok(())
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
    use crate::error::ErrorKind;

    fn read(url: &str) -> Result<Address> {
        parse::parse(url, |name| (name == "KAFKA_PASSWORD").then(|| "of the environment".to_owned())).map(Address)
    }

    #[test]
    fn every_part_may_be_left_out() {
        for (url, shown) in [
            ("kafka://", "kafka://localhost:9092/spanbridge-records"),
            ("kafka:///t", "kafka://localhost:9092/t"),
            ("kafka://k:1,:2,l", "kafka://k:1,localhost:2,l:9092/spanbridge-records"),
            ("kafka://[::1]/t", "kafka://[::1]:9092/t"),
            ("kafka://[::1]:9/t?", "kafka://[::1]:9/t"),
            ("kafka://u@k/t?group=a%20b&linger.ms=5", "kafka://u@k:9092/t?group=a%20b&linger.ms=5"),
            ("kafka://k/t?linger.ms=5&linger.ms=6", "kafka://k:9092/t?linger.ms=6"),
            ("kafka://u:p/w@k/t", "kafka://u@k:9092/t"),
            ("kafka://k?ssl.ca.location=/etc/ca.pem", "kafka://k:9092/spanbridge-records?ssl.ca.location=/etc/ca.pem"),
        ] {
            let address = read(url).unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(read(&address.to_string()).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_user_means_sasl() {
        let of = |url: &str, name: &str| {
            let address = read(url).unwrap();
            let found = address.properties().into_iter().rev().find(|(known, _)| *known == name);
            found.map(|(_, value)| value)
        };
        let (plain, tls) = ("kafka://u:p%40@k", "kafka://u@k?security.protocol=sasl_ssl&sasl.mechanism=SCRAM-SHA-512");
        assert_eq!(of(plain, "sasl.password").as_deref(), Some("p@"));
        assert_eq!(of(plain, "security.protocol").as_deref(), Some("sasl_plaintext"));
        assert_eq!(of(tls, "sasl.password").as_deref(), Some("of the environment"));
        assert_eq!(of(tls, "security.protocol").as_deref(), Some("sasl_ssl"));
        assert_eq!(of(tls, "sasl.mechanism").as_deref(), Some("SCRAM-SHA-512"));
        assert_eq!(of("kafka://k", "security.protocol"), None);
        assert_eq!(of("kafka://a,b:1", "bootstrap.servers").as_deref(), Some("a:9092,b:1"));
    }

    #[test]
    fn what_is_not_such_a_url_is_refused() {
        for url in [
            "http://k/t",
            "kafka",
            "kafka://k:port/t",
            "kafka://k/a/b",
            "kafka://k/..",
            "kafka://k/t%00",
            "kafka://k k/t",
            "kafka://:secret@k/t",
            "kafka://u:%ff@k/t",
            "kafka://u:secret@k:port/t",
            "kafka://k/t?group=",
            "kafka://k/t?secret",
            "kafka://k/t?Secret.Name=1",
            "kafka://k/t?enable.auto.commit=true",
            "kafka://k/t?group.id=x",
            "kafka://k/t?acks=0",
            "kafka://k/t?sasl.password=secret",
        ] {
            let error = read(url).map(|address| address.to_string()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Url);
            assert!(!format!("{error} {error:?}").to_lowercase().contains("secret"), "{url}: {error}");
        }
        assert!(read(&format!("kafka://k/{}", "t".repeat(244))).is_ok());
        assert!(read(&format!("kafka://k/{}", "t".repeat(245))).is_err());
    }

    #[test]
    fn a_password_is_never_shown() {
        let address =
            read("kafka://u%40x:sec%2Fret@k/t?ssl.key.password=hidden&sasl.oauthbearer.config=hidden").unwrap();
        let shown = format!("{address} {address:?}");
        assert!(!shown.contains("ret") && !shown.contains("hidden") && shown.contains("u%40x@"), "{shown}");
        assert!(address.properties().iter().any(|(name, value)| *name == "ssl.key.password" && value == "hidden"));
    }
}
