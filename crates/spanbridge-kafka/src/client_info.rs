//! What a client says of itself, asked once: to ask librdkafka takes longer than to send.

use crate::client::{Client, LONGEST_NAME};
use spanbridge::observe::SpanBuilder;
use spanbridge::{Value, semconv};
use std::cell::RefCell;
use std::ffi::CStr;
use std::rc::Rc;

/// A client's id, its group, the broker that it was told of, and how much a message may be.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientInfo {
    /// Which no other client has in this process.
    identity: (usize, Box<CStr>),
    /// Empty where it has none.
    pub(crate) id: Box<str>,
    /// Empty where it is in none.
    pub(crate) group: Box<str>,
    /// The largest message that it sends, in bytes, with the overhead that it reckons with.
    pub(crate) largest: usize,
    /// What settles its messages, where it is in a group.
    settling: Option<Settling>,
    /// Whether brokers answer what it sends: not with `acks=0`.
    pub(crate) is_answered: bool,
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
            largest: setting(c"message.max.bytes").parse().unwrap_or(usize::MAX),
            is_answered: &*setting(c"acks") != "0",
            server: only_server(&setting(c"bootstrap.servers")),
        }
    }

    /// Of a thread's last client at no cost.
    pub(crate) fn last(client: &(impl Client + ?Sized)) -> Rc<Self> {
        thread_local! {
            static LAST: RefCell<Rc<ClientInfo>> = RefCell::default();
        }
        let known = LAST.try_with(|last| last.borrow().clone()).ok();
        let is_known = |(address, name): &(usize, Box<CStr>)| {
            // Where it was cut short nobody knows.
            (*address, &**name) == client.identity() && name.count_bytes() < LONGEST_NAME
        };
        known.filter(|facts| is_known(&facts.identity)).unwrap_or_else(|| {
            let facts = Rc::new(ClientInfo::of(client));
            let _ = LAST.try_with(|last| last.replace(facts.clone()));
            facts
        })
    }

    /// Tells whether somebody has to settle the messages that it receives, and how.
    pub(crate) fn settled_by(&self, span: SpanBuilder) -> SpanBuilder {
        match self.settling {
            Some(Settling::Automatic) => span.attribute(semconv::SETTLE_AUTOMATIC, true),
            Some(Settling::Expected(call)) => span.attribute(semconv::SETTLE_EXPECTED, Value::Static(call)),
            None => span,
        }
    }

    /// Tells where the broker is, if that is known.
    pub(crate) fn at_server(&self, span: SpanBuilder) -> SpanBuilder {
        match &self.server {
            Some((host, port)) => {
                span.attribute(semconv::SERVER_ADDRESS, &**host).attribute(semconv::SERVER_PORT, i64::from(*port))
            }
            None => span,
        }
    }
}

/// What settles a consumer's messages.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Settling {
    /// The client does, whatever becomes of them.
    Automatic,
    /// The user has to call this.
    Expected(&'static str),
}

impl Settling {
    /// By whether the client commits what is stored, and stores what it hands out.
    fn by(commits: bool, stores: bool) -> Self {
        match (commits, stores) {
            (true, true) => Settling::Automatic,
            (true, false) => Settling::Expected("store_offset"),
            (false, _) => Settling::Expected("commit"),
        }
    }
}

/// The server in a list of servers with just one, as librdkafka reads it. Of several nobody knows which one it will be.
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

/// librdkafka's where none is said.
const PORT: u16 = 9092;

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::ClientConfig;
    use rdkafka::consumer::BaseConsumer;
    use rdkafka::producer::FutureProducer;

    /// As librdkafka reads its settings, whose default is to do it all by itself. A consumer in no group has nothing to
    /// settle, and a producer neither.
    #[test]
    fn settings_say_what_settles() {
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
    fn a_server_is_told_where_there_is_one() {
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
