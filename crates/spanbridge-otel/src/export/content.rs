//! What leaves without content, and how much of a span.

use crate::otlp::model::{AnyValue, Event, KeyValue, Span};
use spanbridge::semconv;
use std::borrow::Cow;

/// What stands for a value that is left out.
const LEFT_OUT: &str = "REDACTED";
/// Of the attributes of events, what is no content: classes, sizes and scores, not texts.
const OF_EVENTS: [&str; 11] = [
    semconv::ARTIFACT_CONTENT_TYPE,
    semconv::ARTIFACT_KIND,
    semconv::ARTIFACT_SIZE,
    semconv::DIAGNOSTIC_CODE,
    semconv::DIAGNOSTIC_COUNT,
    semconv::ERROR_TYPE,
    semconv::EXCEPTION_TYPE,
    semconv::GEN_AI_EVALUATION_NAME,
    semconv::GEN_AI_EVALUATION_SCORE_LABEL,
    semconv::GEN_AI_EVALUATION_SCORE_VALUE,
    semconv::GEN_AI_RESPONSE_ID,
];

/// The levels of `tracing`. An event with another one is the user's own, and so is its name.
const LEVELS: [&str; 5] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"];

/// Takes the content out of a span. What remains are names and attributes that users set, and what adapters know of the transport.
pub(super) fn remove(span: &mut Span<'_>) {
    span.status.message = Cow::Borrowed("");
    span.attributes.retain_mut(keep);
    for event in &mut span.events {
        remove_from_event(event);
    }
    for link in &mut span.links {
        link.attributes.retain_mut(keep);
    }
}

fn remove_from_event(event: &mut Event<'_>) {
    // The name of an event of `tracing` is its message. What it is about says its target.
    let text = |key| event_attribute(event, key).and_then(AnyValue::as_str);
    let level = text("level").filter(|level| LEVELS.contains(level));
    if let (Some(_), Some(target)) = (level, text("target")) {
        event.name = Cow::Owned(target.to_owned());
    }
    event.attributes.retain(|attribute| OF_EVENTS.contains(&&*attribute.key));
}

fn event_attribute<'v, 'a>(event: &'v Event<'a>, key: &str) -> Option<&'v AnyValue<'a>> {
    crate::otlp::model::get(&event.attributes, key)
}

/// Whether an attribute stays. A URL stays without its secrets.
fn keep(attribute: &mut KeyValue<'_>) -> bool {
    if semconv::is_content(&attribute.key) {
        return false;
    }
    let without_values: fn(&str) -> String = match &*attribute.key {
        semconv::URL_FULL | semconv::HTTP_REDIRECTED_URL => url_without_values,
        semconv::URL_QUERY => query_without_values,
        _ => return true,
    };
    match &mut attribute.value {
        AnyValue::Str(text) => *text = Cow::Owned(without_values(text)),
        AnyValue::Empty => {}
        _ => return false,
    }
    true
}

/// The same without what stands before the host, the values of the query, and the fragment.
fn url_without_values(url: &str) -> String {
    let url = url.split('#').next().unwrap_or_default();
    let (head, query) = url.split_once('?').map_or((url, None), |(head, query)| (head, Some(query)));
    // With a scheme or, in a redirect, without: `//host/path`.
    let (scheme, rest) = match head.find("//") {
        Some(at) if at == 0 || head[..at].ends_with(':') => head.split_at(at + 2),
        _ => ("", head),
    };
    let (authority, path) = rest.split_at(rest.find(['/', '\\']).unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let mut out = String::with_capacity(url.len());
    out.push_str(scheme);
    out.push_str(host);
    out.push_str(path);
    if let Some(query) = query {
        out.push('?');
        out.push_str(&query_without_values(query));
    }
    out
}

/// The keys of a query. What has no key is a value.
fn query_without_values(query: &str) -> String {
    let pair = |pair: &str| match pair.split_once('=') {
        Some((key, _)) => format!("{key}={LEFT_OUT}"),
        None if pair.is_empty() => String::new(),
        None => LEFT_OUT.to_owned(),
    };
    query.split('&').map(pair).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_keep_what_is_no_content() {
        for (url, left) in [
            ("https://a.example:8443/b/c?d=1&e=&f#g", "https://a.example:8443/b/c?d=REDACTED&e=REDACTED&REDACTED"),
            ("https://user:pass@a.example/?x=a=b", "https://a.example/?x=REDACTED"),
            ("https://user:p@ss@a.example", "https://a.example"),
            ("https://a.example/p@th", "https://a.example/p@th"),
            ("/path?q=1", "/path?q=REDACTED"),
            ("//user:pass@a.example/b", "//a.example/b"),
            ("/a//b@c", "/a//b@c"),
            ("https:/a", "https:/a"),
            ("", ""),
        ] {
            assert_eq!(url_without_values(url), left);
        }
    }
}
