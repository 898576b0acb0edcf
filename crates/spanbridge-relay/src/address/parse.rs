//! Reading the URL.

use crate::error::{Error, ErrorKind, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

pub(super) const SCHEME: &str = "kafka://";

/// The topic of a URL that names none.
const TOPIC: &str = "spanbridge-records";

/// What is added to the name of a topic.
pub(super) const DEAD: &str = ".dead";

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

/// What a URL says.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Parts {
    /// `host:port` each.
    pub(super) brokers: Vec<String>,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) topic: String,
    pub(super) group: Option<String>,
    /// As the URL has them.
    pub(super) properties: Vec<(String, String)>,
}

/// `variable` reads a variable of the environment.
pub(super) fn parse(url: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Parts> {
    let rest = url.strip_prefix(SCHEME).ok_or_else(|| wrong("it does not begin with kafka://"))?;
    let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    // The password may have a slash, the topic has no @.
    let (login, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
    let (brokers, topic) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, password) = login.split_once(':').map_or((login, None), |(user, password)| (user, Some(password)));
    let mut parts = Parts {
        brokers: brokers.split(',').map(broker).collect::<Result<_>>()?,
        user: decoded(user, "the user")?,
        password: decoded(password.unwrap_or_default(), "the password")?,
        topic: decoded(topic, "the topic")?,
        group: None,
        properties: Vec::new(),
    };
    if parts.user.is_empty() && !login.is_empty() {
        return Err(wrong("there is a password and no user"));
    }
    if parts.topic.is_empty() {
        TOPIC.clone_into(&mut parts.topic);
    }
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !parts.topic.chars().all(is_legal) || matches!(&*parts.topic, "." | "..") {
        return Err(wrong("the name of a topic has letters, digits, '.', '_' and '-' alone"));
    }
    if parts.topic.len() > MAX_TOPIC_BYTES - DEAD.len() {
        return Err(wrong(&format!("the topic has more than {} bytes", MAX_TOPIC_BYTES - DEAD.len())));
    }
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = decoded(value, "a parameter")?;
        match name {
            "group" if value.is_empty() => return Err(wrong("the group has no name")),
            "group" => parts.group = Some(value),
            // The name is not shown: it may be a password in the wrong place.
            _ if !is_name(name) => {
                return Err(wrong("a parameter is neither `group` nor the name of a property with a value"));
            }
            _ if OURS.contains(&name) => return Err(wrong(&format!("{name} cannot be set here"))),
            _ => {
                parts.properties.retain(|(known, _)| known != name);
                parts.properties.push((name.to_owned(), value));
            }
        }
    }
    if !parts.user.is_empty() && password.is_none() {
        parts.password = variable(PASSWORD).unwrap_or_default();
    }
    Ok(parts)
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
