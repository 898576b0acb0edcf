//! The text of a search in the list of runs, as a query.
//!
//! The words are those of `spanbridge runs`: `status=error service=billing since=1h charge`. What is no option is a part of the
//! name; another `KEY=VALUE` is an attribute. The search of the page writes a colon, which is understood, too.

use crate::values::{duration, since, status};
use spanbridge_graph::RunStatus;
use spanbridge_query::engine::IdPrefix;
use spanbridge_query::{RunFilter, RunQuery};

/// The words that are options.
const OPTIONS: [&str; 9] = ["status", "service", "name", "since", "min-duration", "min", "error", "attribute", "attr"];

/// The query, or what is wrong with the text.
pub(crate) fn query(text: &str) -> Result<RunQuery, String> {
    let mut query = RunQuery::default();
    let mut name: Vec<&str> = Vec::new();
    let words = words(text);
    for word in &words {
        let option = word.split_once(['=', ':']).filter(|(key, _)| OPTIONS.contains(key));
        let attribute = || word.split_once('=').filter(|(key, _)| !key.is_empty());
        let Some((key, value)) = option.or_else(attribute) else {
            name.push(word);
            continue;
        };
        let filter = std::mem::take(&mut query.filter);
        query.filter = match key {
            "status" => filter.status(status(value).map_err(|e| format!("no status {value}: {e}"))?),
            "service" => filter.service(value),
            "name" => filter.name(value),
            "since" => filter.since(since(value)?),
            "min-duration" | "min" => filter.min_duration(duration(value)?),
            "error" => {
                query.error = Some(value.to_owned());
                filter
            }
            "attribute" | "attr" => {
                let (key, value) = value.split_once('=').map_or((value, None), |(key, value)| (key, Some(value)));
                query = query.attribute(key, value);
                filter
            }
            _ => {
                query = query.attribute(key, Some(value));
                filter
            }
        };
    }
    if !name.is_empty() {
        query.filter = std::mem::take(&mut query.filter).name(name.join(" "));
    }
    Ok(query)
}

/// Whether the text may be an id, and nothing else: at least eight digits, or one of the long forms.
pub(crate) fn is_id(text: &str) -> bool {
    IdPrefix::parse(text.trim()).is_ok_and(|id| id.digits() >= 8)
}

/// The query with failed runs alone. A status that was asked for is left.
pub(crate) fn failed_only(query: &mut RunQuery) {
    if query.filter.status.is_none() {
        let filter: RunFilter = std::mem::take(&mut query.filter);
        query.filter = filter.status(RunStatus::Error);
    }
}

/// Words between spaces; quotation marks hold several together.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn words_are_those_of_the_command_line() {
        let all =
            query(r#"status=error service="my billing" min=250ms error=declined order.id=17 POST  /orders"#).unwrap();
        let filter = RunFilter::default().status(RunStatus::Error).service("my billing").name("POST /orders");
        let filter = filter.min_duration(Duration::from_millis(250));
        assert_eq!(all, RunQuery::new(filter).error("declined").attribute("order.id", Some("17")));
        let page = query("service:billing attr:tier=gold attr:vip min:250ms http://x a:b").unwrap();
        let filter =
            RunFilter::default().service("billing").name("http://x a:b").min_duration(Duration::from_millis(250));
        assert_eq!(page, RunQuery::new(filter).attribute("tier", Some("gold")).attribute("vip", None));
        assert_eq!(query(" "), Ok(RunQuery::default()));
        assert_eq!(query("=x").unwrap().filter.name.as_deref(), Some("=x"));
        assert_eq!(query("status=failed"), Err("no status failed: expected error".to_owned()));
        assert!(query("status=bad").unwrap_err().contains("expected ok, error"));
        assert!(query("since=yesterday").is_err());
    }

    #[test]
    fn ids_are_long_enough_to_be_none_by_chance() {
        assert!(is_id("4bf92f35") && is_id("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        assert!(!is_id("dead") && !is_id("POST /orders") && !is_id(""));
    }
}
