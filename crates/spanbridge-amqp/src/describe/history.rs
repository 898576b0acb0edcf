//! What RabbitMQ says about a message's earlier deliveries.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use spanbridge::observe::SpanBuilder;
use spanbridge::semconv;

/// The headers that RabbitMQ adds to a message that was delivered before. Nearly no message has any, so they are found in one pass.
#[derive(Default)]
pub(super) struct History<'a> {
    deaths: Option<&'a AMQPValue>,
    deliveries: Option<&'a AMQPValue>,
}

/// How a message died that came through a dead-letter exchange: the last of its deaths, which RabbitMQ puts first.
pub(super) struct Death<'a> {
    queue: Option<&'a str>,
    reason: Option<&'a str>,
    exchange: Option<&'a str>,
    count: Option<i64>,
}

impl<'a> History<'a> {
    pub(super) fn of(properties: &'a BasicProperties) -> Self {
        let mut history = History::default();
        for (name, value) in properties.headers().iter().flatten() {
            match name.as_str() {
                "x-death" => history.deaths = Some(value),
                "x-delivery-count" => history.deliveries = Some(value),
                _ => {}
            }
        }
        history
    }

    fn deaths(&self) -> &'a [AMQPValue] {
        match self.deaths {
            Some(AMQPValue::FieldArray(deaths)) => deaths.as_slice(),
            _ => &[],
        }
    }

    pub(super) fn last_death(&self) -> Option<Death<'a>> {
        let AMQPValue::FieldTable(last) = self.deaths().first()? else { return None };
        let text = |name| match last.inner().get(name)? {
            AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok(),
            _ => None,
        };
        let count = last.inner().get("count").and_then(integer);
        Some(Death { queue: text("queue"), reason: text("reason"), exchange: text("exchange"), count })
    }

    /// Which delivery this is, from 1, where RabbitMQ counts: quorum queues in `x-delivery-count`, dead-lettering in the
    /// entries of `x-death` that name this queue. (That a message was `redelivered` is not a count.)
    pub(super) fn attempt(&self, queue: &str) -> Option<i64> {
        let returned = self.deliveries.and_then(integer);
        let died = self
            .deaths()
            .iter()
            .filter_map(|d| if let AMQPValue::FieldTable(d) = d { deaths_in(d, queue) } else { None });
        match (returned, died.reduce(i64::saturating_add)) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0).max(0).saturating_add(b.unwrap_or(0).max(0)).saturating_add(1)),
        }
    }
}

impl Death<'_> {
    pub(super) fn told(&self, span: SpanBuilder) -> SpanBuilder {
        span.attribute(semconv::DEAD_LETTER_QUEUE, self.queue)
            .attribute(semconv::DEAD_LETTER_REASON, self.reason)
            .attribute(semconv::DEAD_LETTER_EXCHANGE, self.exchange)
            .attribute(semconv::DEAD_LETTER_COUNT, self.count)
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
        assert_eq!(History::of(&BasicProperties::default()).attempt("q"), None);
        assert_eq!(History::of(&with(vec![("x-delivery-count", AMQPValue::LongLongInt(2))])).attempt("q"), Some(3));
        let deaths = AMQPValue::FieldArray(vec![death("q", 1), death("other", 7), death("q", 2)].into());
        assert_eq!(History::of(&with(vec![("x-death", deaths)])).attempt("q"), Some(4));
        let hostile = vec![
            ("x-death", AMQPValue::FieldArray(vec![death("q", i64::MAX), death("q", 1)].into())),
            ("x-delivery-count", AMQPValue::LongLongInt(i64::MIN)),
        ];
        assert_eq!(History::of(&with(hostile)).attempt("q"), Some(i64::MAX));
        assert_eq!(History::of(&with(vec![("x-death", AMQPValue::Void)])).attempt("q"), None);
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
        let death = History::of(&properties).last_death().unwrap();
        assert_eq!(
            (death.queue, death.reason, death.exchange, death.count),
            (Some("wait"), Some("expired"), None, Some(3))
        );
        for none in [with(vec![]), with(vec![AMQPValue::Void]), BasicProperties::default()] {
            assert!(History::of(&none).last_death().is_none());
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
            proptest::prop_assert!(History::of(&properties).attempt("q").is_none_or(|attempt| attempt > 0));
            let _ = (History::of(&properties).last_death().is_some(), crate::describe::waited(&properties));
        }
    }
}
