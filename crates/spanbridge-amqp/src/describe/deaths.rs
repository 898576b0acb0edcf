//! What RabbitMQ says of a message's former deliveries.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use spanbridge::observe::SpanBuilder;
use spanbridge::semconv;

/// How a message died that came through a dead-letter exchange: the last of its deaths, which RabbitMQ puts first.
pub(super) struct Death<'a> {
    queue: Option<&'a str>,
    reason: Option<&'a str>,
    exchange: Option<&'a str>,
    count: Option<i64>,
}

impl<'a> Death<'a> {
    pub(super) fn of(properties: &'a BasicProperties) -> Option<Self> {
        let AMQPValue::FieldArray(deaths) = properties.headers().as_ref()?.inner().get("x-death")? else { return None };
        let AMQPValue::FieldTable(last) = deaths.as_slice().first()? else { return None };
        let text = |name| match last.inner().get(name)? {
            AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok(),
            _ => None,
        };
        let count = last.inner().get("count").and_then(integer);
        Some(Death { queue: text("queue"), reason: text("reason"), exchange: text("exchange"), count })
    }

    pub(super) fn told(&self, mut span: SpanBuilder) -> SpanBuilder {
        let texts = [
            (semconv::DEAD_LETTER_QUEUE, self.queue),
            (semconv::DEAD_LETTER_REASON, self.reason),
            (semconv::DEAD_LETTER_EXCHANGE, self.exchange),
        ];
        for (key, value) in texts {
            if let Some(value) = value {
                span = span.attribute(key, value)
            }
        }
        match self.count {
            Some(count) => span.attribute(semconv::DEAD_LETTER_COUNT, count),
            None => span,
        }
    }
}

/// Which delivery this is, from 1, where RabbitMQ counts: quorum queues in `x-delivery-count`, dead-lettering in the
/// entries of `x-death` that name this queue. (That a message was `redelivered` is not a count.)
pub(super) fn attempt(properties: &BasicProperties, queue: &str) -> Option<i64> {
    let headers = properties.headers().as_ref()?.inner();
    let returned = headers.get("x-delivery-count").and_then(integer);
    let died = match headers.get("x-death") {
        Some(AMQPValue::FieldArray(deaths)) => deaths
            .as_slice()
            .iter()
            .filter_map(|d| if let AMQPValue::FieldTable(d) = d { deaths_in(d, queue) } else { None })
            .reduce(i64::saturating_add),
        _ => None,
    };
    match (returned, died) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0).max(0).saturating_add(b.unwrap_or(0).max(0)).saturating_add(1)),
    }
}

fn deaths_in(death: &FieldTable, queue: &str) -> Option<i64> {
    let here = match death.inner().get("queue")? {
        AMQPValue::LongString(q) => q.as_bytes() == queue.as_bytes(),
        _ => false,
    };
    here.then(|| death.inner().get("count").and_then(integer)).flatten()
}

fn integer(value: &AMQPValue) -> Option<i64> {
    match *value {
        AMQPValue::ShortShortInt(n) => Some(n.into()),
        AMQPValue::ShortShortUInt(n) => Some(n.into()),
        AMQPValue::ShortInt(n) => Some(n.into()),
        AMQPValue::ShortUInt(n) => Some(n.into()),
        AMQPValue::LongInt(n) => Some(n.into()),
        AMQPValue::LongUInt(n) => Some(n.into()),
        AMQPValue::LongLongInt(n) => Some(n),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn attempts_are_counted_by_what_rabbitmq_says() {
        let with = |pairs: Vec<(&str, AMQPValue)>| {
            let table: BTreeMap<_, _> = pairs.into_iter().map(|(k, v)| (k.into(), v)).collect();
            BasicProperties::default().with_headers(table.into())
        };
        let death = |queue: &str, count| {
            let table: BTreeMap<_, _> = [
                ("queue".into(), AMQPValue::LongString(queue.into())),
                ("count".into(), AMQPValue::LongLongInt(count)),
            ]
            .into();
            AMQPValue::FieldTable(table.into())
        };
        assert_eq!(attempt(&BasicProperties::default(), "q"), None);
        assert_eq!(attempt(&with(vec![("x-delivery-count", AMQPValue::LongLongInt(2))]), "q"), Some(3));
        let deaths = AMQPValue::FieldArray(vec![death("q", 1), death("other", 7), death("q", 2)].into());
        assert_eq!(attempt(&with(vec![("x-death", deaths)]), "q"), Some(4));
        let hostile = vec![
            ("x-death", AMQPValue::FieldArray(vec![death("q", i64::MAX), death("q", 1)].into())),
            ("x-delivery-count", AMQPValue::LongLongInt(i64::MIN)),
        ];
        assert_eq!(attempt(&with(hostile), "q"), Some(i64::MAX));
        assert_eq!(attempt(&with(vec![("x-death", AMQPValue::Void)]), "q"), None);
    }

    #[test]
    fn the_last_death_is_told() {
        let text = |s: &str| AMQPValue::LongString(s.into());
        let table = |pairs: Vec<(&str, AMQPValue)>| {
            let pairs: BTreeMap<_, _> = pairs.into_iter().map(|(k, v)| (k.into(), v)).collect();
            AMQPValue::FieldTable(pairs.into())
        };
        let with = |deaths: Vec<AMQPValue>| {
            let headers: BTreeMap<_, _> = [("x-death".into(), AMQPValue::FieldArray(deaths.into()))].into();
            BasicProperties::default().with_headers(headers.into())
        };
        let last =
            table(vec![("queue", text("wait")), ("reason", text("expired")), ("count", AMQPValue::LongLongInt(3))]);
        let properties = with(vec![last, table(vec![("queue", text("orders"))])]);
        let death = Death::of(&properties).unwrap();
        assert_eq!(
            (death.queue, death.reason, death.exchange, death.count),
            (Some("wait"), Some("expired"), None, Some(3))
        );
        for none in [with(vec![]), with(vec![AMQPValue::Void]), BasicProperties::default()] {
            assert!(Death::of(&none).is_none());
        }
    }

    proptest::proptest! {
        /// What is in the headers is the sender's to choose.
        #[test]
        fn nothing_in_the_headers_is_too_much(
            deaths in crate::carrier::tests::value(),
            count in crate::carrier::tests::value(),
            timestamp: u64,
        ) {
            let headers: BTreeMap<_, _> = [("x-death".into(), deaths), ("x-delivery-count".into(), count)].into();
            let properties = BasicProperties::default().with_headers(headers.into()).with_timestamp(timestamp);
            proptest::prop_assert!(attempt(&properties, "q").is_none_or(|attempt| attempt > 0));
            let _ = (Death::of(&properties), crate::describe::waited(&properties));
        }
    }
}
