//! The URL of a topic in Kafka.

mod parse;

use crate::error::{Error, Result};
use std::fmt;
use std::str::FromStr;

/// The topic of a URL that names none.
const TOPIC: &str = "spanbridge-records";
/// The consumer group of a URL that names none.
const GROUP: &str = "spanbridge-collect";
/// What is added to the name of a topic.
const DEAD: &str = ".dead";

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
pub struct Address {
    /// `host:port` each.
    brokers: Vec<String>,
    user: String,
    password: String,
    topic: String,
    group: Option<String>,
    /// As the URL has them.
    properties: Vec<(String, String)>,
}

impl Address {
    /// Whether a text is meant to be such a URL.
    pub fn is_one(text: &str) -> bool {
        text.starts_with(parse::SCHEME)
    }

    /// The topic with the records.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The topic for messages that cannot be stored: `TOPIC.dead`.
    pub fn dead_letter_topic(&self) -> String {
        format!("{}{DEAD}", self.topic)
    }

    /// The consumer group.
    pub fn group(&self) -> &str {
        self.group.as_deref().unwrap_or(GROUP)
    }

    /// The properties of a client of librdkafka: how to connect, and those of the URL. Password included.
    ///
    /// A producer ignores those that are for consumers, and the other way round.
    pub fn properties(&self) -> Vec<(&str, String)> {
        let mut all = vec![("bootstrap.servers", self.brokers.join(","))];
        if !self.user.is_empty() {
            all.push(("sasl.username", self.user.clone()));
            all.push(("sasl.password", self.password.clone()));
            let is_set = |name: &str| self.properties.iter().any(|(known, _)| known == name);
            if !is_set("security.protocol") {
                all.push(("security.protocol", "sasl_plaintext".to_owned()));
            }
            // The second name is an alias.
            if !is_set("sasl.mechanism") && !is_set("sasl.mechanisms") {
                all.push(("sasl.mechanism", "PLAIN".to_owned()));
            }
        }
        all.extend(self.properties.iter().map(|(name, value)| (&**name, value.clone())));
        all
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self> {
        parse::parse(url, |name| std::env::var(name).ok())
    }
}

/// A URL that is read as the same address, without the password and other secrets.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = parse::encoded;
        f.write_str(parse::SCHEME)?;
        if !self.user.is_empty() {
            write!(f, "{}@", encoded(&self.user))?;
        }
        write!(f, "{}/{}", self.brokers.join(","), self.topic)?;
        let group = self.group.iter().map(|group| ("group", group));
        let shown = self.properties.iter().filter(|(name, _)| !parse::is_secret(name));
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
