//! What this crate needs to know about a client. It is read once: asking librdkafka takes longer than sending a message.

use crate::client::{Client, MAX_NAME_BYTES};
use spanbridge::adapter::SpanTemplate;
use spanbridge::observe::SpanBuilder;
use spanbridge::{Value, semconv};
use std::ffi::CStr;

/// A client's id, its group, its bootstrap server, and its limits.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientInfo {
    /// Unique within this process.
    identity: (usize, Box<CStr>),
    /// Empty if it has none.
    pub(crate) id: Box<str>,
    /// Empty if it is in none.
    pub(crate) group: Box<str>,
    /// The largest message that it sends (`message.max.bytes`), overhead included.
    pub(crate) max_message_bytes: usize,
    /// How its messages are settled; `None` outside a group.
    settling: Option<Settling>,
    /// Whether brokers acknowledge what it sends: not with `acks=0`.
    pub(crate) is_acknowledged: bool,
    server: Option<(Box<str>, u16)>,
}

impl ClientInfo {
    pub(crate) fn of(client: &(impl Client + ?Sized)) -> Self {
        let setting = |key| client.setting(key).unwrap_or_default();
        let (address, name) = client.identity();
        let group = setting(c"group.id");
        let is_on = |key| setting(key) == "true";
        let settling =
            (!group.is_empty()).then(|| Settling::by(is_on(c"enable.auto.commit"), is_on(c"enable.auto.offset.store")));
        ClientInfo {
            identity: (address, name.into()),
            id: setting(c"client.id").into(),
            group: group.into(),
            settling,
            max_message_bytes: setting(c"message.max.bytes").parse().unwrap_or(usize::MAX),
            is_acknowledged: &*setting(c"acks") != "0",
            server: only_server(&setting(c"bootstrap.servers")),
        }
    }

    /// Records which client it is, and where the broker is, if that is known.
    pub(crate) fn describe<S: TakesAttributes>(&self, mut span: S) -> S {
        if let Some((host, port)) = &self.server {
            span = span.with(semconv::SERVER_ADDRESS, Value::Str(host));
            span = span.with(semconv::SERVER_PORT, Value::I64((*port).into()))
        }
        if self.id.is_empty() { span } else { span.with(semconv::MESSAGING_CLIENT_ID, Value::Str(&self.id)) }
    }

    /// The same, and its group.
    pub(crate) fn describe_in_group<S: TakesAttributes>(&self, span: S) -> S {
        let span = self.describe(span);
        if self.group.is_empty() { span } else { span.with(semconv::MESSAGING_CONSUMER_GROUP, Value::Str(&self.group)) }
    }

    /// Records how the messages that it receives are settled.
    pub(crate) fn settled_by<S: TakesAttributes>(&self, span: S) -> S {
        match self.settling {
            Some(Settling::Automatic) => span.with(semconv::SETTLE_AUTOMATIC, Value::Bool(true)),
            Some(Settling::Expected(call)) => span.with(semconv::SETTLE_EXPECTED, Value::Static(call)),
            None => span,
        }
    }

    /// Whether it describes this client.
    pub(crate) fn is_of(&self, client: &(impl Client + ?Sized)) -> bool {
        let (address, name) = &self.identity;
        // A name that was cut short identifies nothing.
        (*address, &**name) == client.identity() && name.count_bytes() < MAX_NAME_BYTES
    }
}

/// A span that begins, or a template of such spans.
pub(crate) trait TakesAttributes: Sized {
    fn with(self, key: &'static str, value: Value<'_>) -> Self;
}

impl TakesAttributes for SpanBuilder {
    fn with(self, key: &'static str, value: Value<'_>) -> Self {
        self.attribute(key, value)
    }
}

impl TakesAttributes for SpanTemplate {
    fn with(self, key: &'static str, value: Value<'_>) -> Self {
        self.attribute(key, value)
    }
}

/// How a consumer's messages are settled.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Settling {
    /// By the client, whatever happens to them.
    Automatic,
    /// By a call that the application makes.
    Expected(&'static str),
}

impl Settling {
    /// From whether the client commits stored offsets, and stores the offsets of the messages it delivers.
    fn by(commits: bool, stores: bool) -> Self {
        match (commits, stores) {
            (true, true) => Settling::Automatic,
            (true, false) => Settling::Expected("store_offset"),
            (false, _) => Settling::Expected("commit"),
        }
    }
}

/// The server of a list with a single one, read as librdkafka reads it. Among several, the one in use is unknown.
fn only_server(list: &str) -> Option<(Box<str>, u16)> {
    let mut servers = list.split(',').map(str::trim).filter(|server| !server.is_empty());
    let (Some(server), None) = (servers.next(), servers.next()) else { return None };
    let server = match server.split_once("://") {
        Some((_, url)) => url.split_once('/').map_or(url, |(server, _)| server),
        None => server,
    };
    let (host, port) = match server.rsplit_once(':') {
        // With more colons it is an IPv6 address, which has a port only behind brackets.
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().ok()?),
        _ => (server, PORT),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    (!host.is_empty()).then(|| (host.into(), port))
}

/// librdkafka's default port.
const PORT: u16 = 9092;

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::ClientConfig;
    use rdkafka::consumer::BaseConsumer;
    use rdkafka::producer::FutureProducer;

    /// librdkafka's default is to settle everything itself. A consumer outside a group has nothing to settle, nor has a
    /// producer.
    #[test]
    fn settings_decide_who_settles() {
        let settling = |group: &str, settings: &[&str]| {
            let mut config = ClientConfig::new();
            if !group.is_empty() {
                config.set("group.id", group);
            }
            for setting in settings {
                config.set(*setting, "false");
            }
            let consumer: BaseConsumer = config.create().unwrap();
            ClientInfo::of(&consumer).settling
        };
        let (commit, store) = ("enable.auto.commit", "enable.auto.offset.store");
        assert_eq!(settling("g", &[]), Some(Settling::Automatic));
        assert_eq!(settling("g", &[store]), Some(Settling::Expected("store_offset")));
        assert_eq!(settling("g", &[commit]), Some(Settling::Expected("commit")));
        assert_eq!(settling("g", &[commit, store]), Some(Settling::Expected("commit")));
        assert_eq!(settling("", &[commit]), None);
        let producer: FutureProducer = ClientConfig::new().create().unwrap();
        assert_eq!(ClientInfo::of(&producer).settling, None);
    }

    #[test]
    fn a_single_server_is_known() {
        let known = [
            ("kafka.example:9093", "kafka.example", 9093),
            (" kafka.example ,", "kafka.example", PORT),
            ("SASL_SSL://kafka.example:9094", "kafka.example", 9094),
            ("127.0.0.1:40001", "127.0.0.1", 40001),
            ("[::1]:9092", "::1", 9092),
            ("[fe80::1]", "fe80::1", PORT),
            ("fe80::1", "fe80::1", PORT),
            ("PLAINTEXT://kafka.example:9092/", "kafka.example", 9092),
            ("PLAINTEXT://kafka.example/path:1", "kafka.example", PORT),
        ];
        for (list, host, port) in known {
            assert_eq!(only_server(list), Some((host.into(), port)), "{list}");
        }
        for none in ["", ",", "a:1,b:2", "a:b", "a:", ":9092", "a:70000"] {
            assert_eq!(only_server(none), None, "{none}");
        }
    }
}
