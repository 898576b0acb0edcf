//! How much of a span is exported.

use crate::otlp::model::{AnyValue, Span};
#[cfg(feature = "export")]
use spanbridge::Variables;
use spanbridge::semconv;
use std::borrow::Cow;

/// Limits of the specification's
/// [environment variables](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#attribute-limits).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Limits {
    attributes: usize,
    events: usize,
    links: usize,
    event_attributes: usize,
    link_attributes: usize,
    /// In characters, as the specification has it.
    value: Option<usize>,
}

/// Attributes that are kept as long as there is room for any.
const LAST_TO_GO: [&str; 4] = [semconv::RUN_ID, semconv::PRIMITIVE, semconv::SPAN_STATUS, semconv::ERROR_TYPE];

impl Default for Limits {
    fn default() -> Self {
        Limits { attributes: 128, events: 128, links: 128, event_attributes: 128, link_attributes: 128, value: None }
    }
}

impl Limits {
    #[cfg(feature = "export")]
    pub(super) fn read(variables: &mut Variables<'_>) -> Self {
        let mut number = |names: &[&str], default: usize| {
            let given = names.iter().find_map(|name| variables.number(name));
            given.map_or(default, |given| usize::try_from(given).unwrap_or(usize::MAX))
        };
        const ANY: &str = "OTEL_ATTRIBUTE_COUNT_LIMIT";
        let value =
            number(&["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"], usize::MAX);
        Limits {
            attributes: number(&["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", ANY], 128),
            events: number(&["OTEL_SPAN_EVENT_COUNT_LIMIT"], 128),
            links: number(&["OTEL_SPAN_LINK_COUNT_LIMIT"], 128),
            event_attributes: number(&["OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", ANY], 128),
            link_attributes: number(&["OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", ANY], 128),
            value: (value != usize::MAX).then_some(value),
        }
    }

    /// Cuts a span, and counts in it what is left out.
    pub(super) fn apply(&self, span: &mut Span<'_>) {
        if span.attributes.len() > self.attributes {
            // What tells what the span is stays longest.
            span.attributes.sort_by_key(|attribute| !LAST_TO_GO.contains(&&*attribute.key));
        }
        truncate(&mut span.attributes, self.attributes, &mut span.dropped_attributes);
        truncate(&mut span.events, self.events, &mut span.dropped_events);
        truncate(&mut span.links, self.links, &mut span.dropped_links);
        for event in &mut span.events {
            truncate(&mut event.attributes, self.event_attributes, &mut event.dropped_attributes);
        }
        for link in &mut span.links {
            truncate(&mut link.attributes, self.link_attributes, &mut link.dropped_attributes);
        }
        if let Some(max) = self.value {
            let of_events = span.events.iter_mut().flat_map(|event| &mut event.attributes);
            let of_links = span.links.iter_mut().flat_map(|link| &mut link.attributes);
            // Half of a run's id is none.
            let of_span = span.attributes.iter_mut().filter(|attribute| !LAST_TO_GO.contains(&&*attribute.key));
            of_span.chain(of_events).chain(of_links).for_each(|it| cut(&mut it.value, max));
        }
    }
}

fn truncate<T>(list: &mut Vec<T>, max: usize, dropped: &mut u32) {
    let over = list.len().saturating_sub(max);
    if over > 0 {
        list.truncate(max);
        *dropped = dropped.saturating_add(u32::try_from(over).unwrap_or(u32::MAX));
    }
}

/// Text, also in lists. Maps are left as they are.
fn cut(value: &mut AnyValue<'_>, max: usize) {
    match value {
        AnyValue::Str(text) => {
            if let Some((end, _)) = text.char_indices().nth(max) {
                *text = Cow::Owned(text[..end].to_owned());
            }
        }
        AnyValue::Array(values) => values.iter_mut().for_each(|value| cut(value, max)),
        _ => {}
    }
}

#[cfg(all(test, feature = "export"))]
mod tests {
    use super::*;
    use crate::otlp::model::{Event, KeyValue, Link};
    use spanbridge::{SpanId, TraceId};
    use std::ffi::OsString;

    fn limits(given: &[(&str, &str)]) -> Limits {
        let find = |name: &str| given.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        Limits::read(&mut Variables::of(find))
    }

    #[test]
    fn what_is_over_a_limit_is_counted() {
        let list = |n: usize| (0..n).map(|i| KeyValue::new(format!("k{i}"), "äöü")).collect::<Vec<_>>();
        let (trace, id) = (TraceId::new(1).unwrap(), SpanId::new(2).unwrap());
        let mut span = Span::new(trace, id);
        span.attributes = list(200);
        span.events = vec![Event { attributes: list(5), ..Event::default() }; 130];
        span.links = vec![Link { attributes: list(5), ..Link::new(trace, id) }; 129];
        let mut cut = span.clone();
        limits(&[]).apply(&mut cut);
        assert_eq!((cut.attributes.len(), cut.events.len(), cut.links.len()), (128, 128, 128));
        assert_eq!((cut.dropped_attributes, cut.dropped_events, cut.dropped_links), (72, 2, 1));
        let mut cut = span.clone();
        limits(&[
            ("OTEL_ATTRIBUTE_COUNT_LIMIT", "4"),
            ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "150"),
            ("OTEL_SPAN_EVENT_COUNT_LIMIT", "0"),
            ("OTEL_SPAN_LINK_COUNT_LIMIT", "1"),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "2"),
        ])
        .apply(&mut cut);
        assert_eq!((cut.attributes.len(), cut.events.len(), cut.links.len()), (150, 0, 1));
        assert_eq!((cut.links[0].attributes.len(), cut.links[0].dropped_attributes), (4, 1));
        assert_eq!((cut.attributes[0].value.as_str(), cut.dropped_events), (Some("äö"), 130));
    }

    /// Without its run and its primitive, nobody could tell what the span is.
    #[test]
    fn our_own_attributes_go_last() {
        let mut span = Span::new(TraceId::new(1).unwrap(), SpanId::new(2).unwrap());
        span.attributes = (0..200).map(|i| KeyValue::new(format!("k{i}"), i64::from(i))).collect();
        span.attributes.extend([KeyValue::new(semconv::PRIMITIVE, "tool.call"), KeyValue::new(semconv::RUN_ID, "1")]);
        limits(&[]).apply(&mut span);
        assert_eq!((span.attributes.len(), span.dropped_attributes), (128, 74));
        for key in [semconv::PRIMITIVE, semconv::RUN_ID, "k0", "k125"] {
            assert!(span.attribute(key).is_some(), "{key}");
        }
        assert!(span.attribute("k126").is_none());
        limits(&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "0")]).apply(&mut span);
        assert_eq!(span.attribute(semconv::RUN_ID).and_then(AnyValue::as_str), Some("1"));
    }

    #[test]
    fn a_bad_limit_is_the_default() {
        assert_eq!(
            limits(&[("OTEL_SPAN_EVENT_COUNT_LIMIT", "many"), ("OTEL_SPAN_LINK_COUNT_LIMIT", "")]),
            Limits::default()
        );
    }
}
