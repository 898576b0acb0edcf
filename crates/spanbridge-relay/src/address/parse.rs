//! Reading the URL.

use super::{Address, DEAD, TOPIC};
use crate::error::{Error, ErrorKind, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

pub(super) const SCHEME: &str = "kafka://";

/// The variable with the password, for URLs without one.
const PASSWORD: &str = "KAFKA_PASSWORD";

const PORT: u16 = 9092;

/// Kafka's own limit for the name of a topic.
const MAX_TOPIC_BYTES: usize = 249;

/// Properties that others follow from, or that are the parts of the URL. Aliases included.
const OURS: [&str; 19] = [
    "acks",
    "auto.commit.enable",
    "auto.offset.reset",
    "bootstrap.servers",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "enable.sasl.oauthbearer.unsecure.jwt",
    "group.id",
    "metadata.broker.list",
    "partitioner",
    "plugin.library.paths",
    "request.required.acks",
    "retries",
    "sasl.password",
    "sasl.username",
    "transactional.id",
];

/// What stays as it is in a value.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'/').remove(b':').remove(b',');

pub(super) fn encoded(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, ESCAPED)
}

/// Whether the value of a property is not to be shown.
pub(super) fn is_secret(name: &str) -> bool {
    ["password", "secret", "pem", "oauthbearer.config", "assertion"].iter().any(|part| name.contains(part))
}

/// `variable` reads a variable of the environment.
pub(super) fn parse(url: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Address> {
    let rest = url.strip_prefix(SCHEME).ok_or_else(|| wrong("it does not begin with kafka://"))?;
    let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    // The password may have a slash, the topic has no @.
    let (login, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
    let (brokers, topic) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, password) = login.split_once(':').map_or((login, None), |(user, password)| (user, Some(password)));
    let mut address = Address {
        brokers: brokers.split(',').map(broker).collect::<Result<_>>()?,
        user: decoded(user, "the user")?,
        password: decoded(password.unwrap_or_default(), "the password")?,
        topic: decoded(topic, "the topic")?,
        group: None,
        properties: Vec::new(),
    };
    if address.user.is_empty() && !login.is_empty() {
        return Err(wrong("there is a password and no user"));
    }
    if address.topic.is_empty() {
        TOPIC.clone_into(&mut address.topic);
    }
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !address.topic.chars().all(is_legal) || matches!(&*address.topic, "." | "..") {
        return Err(wrong("the name of a topic has letters, digits, '.', '_' and '-' alone"));
    }
    if address.topic.len() > MAX_TOPIC_BYTES - DEAD.len() {
        return Err(wrong(&format!("the topic has more than {} bytes", MAX_TOPIC_BYTES - DEAD.len())));
    }
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = decoded(value, "a parameter")?;
        match name {
            "group" if value.is_empty() => return Err(wrong("the group has no name")),
            "group" => address.group = Some(value),
            // The name is not shown: it may be a password in the wrong place.
            _ if !is_name(name) => {
                return Err(wrong("a parameter is neither `group` nor the name of a property with a value"));
            }
            _ if OURS.contains(&name) => return Err(wrong(&format!("{name} cannot be set here"))),
            _ => {
                address.properties.retain(|(known, _)| known != name);
                address.properties.push((name.to_owned(), value));
            }
        }
    }
    if !address.user.is_empty() && password.is_none() {
        address.password = variable(PASSWORD).unwrap_or_default();
    }
    Ok(address)
}

/// Names of librdkafka's properties are words with dots: a password seldom is.
fn is_name(text: &str) -> bool {
    let is_legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_');
    text.contains('.') && text.chars().all(is_legal) || matches!(text, "acks" | "partitioner" | "retries" | "debug")
}

/// With its port.
fn broker(text: &str) -> Result<String> {
    // An address of IPv6 is in brackets, and has colons.
    let host_ends = text.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match text.get(host_ends..).and_then(|rest| rest.rsplit_once(':')) {
        Some((before, port)) => (host_ends + before.len(), port.parse().map_err(|_| wrong("a port is not a number"))?),
        None => (text.len(), PORT),
    };
    let host = text.get(..host).unwrap_or_default();
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '[' | ']' | '%');
    match host {
        "" => Ok(format!("localhost:{port}")),
        host if host.chars().all(is_legal) => Ok(format!("{host}:{port}")),
        _ => Err(wrong("a host is not a name or an address")),
    }
}

/// Without `%XX`.
fn decoded(text: &str, what: &str) -> Result<String> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| wrong(&format!("{what} is not UTF-8 in %XX")))?;
    // librdkafka takes texts that end with a NUL.
    if text.contains('\0') { Err(wrong(&format!("{what} has a NUL"))) } else { Ok(text.into_owned()) }
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::Url, format!("read the URL of Kafka: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Address> {
        parse(url, |name| (name == "KAFKA_PASSWORD").then(|| "of the environment".to_owned()))
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
