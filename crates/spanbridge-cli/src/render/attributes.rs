//! The attributes of a run, which its owner set and by which it is searched.

use super::page::{Page, TextStyle};
use super::text::{escape, truncate, width};
use serde_json::Value;

/// As many as fit into one line: `order.id=17 · customer=acme …`. Without attributes there is no line.
pub(crate) fn line(page: &mut Page, attributes: &[(String, Value)], columns: usize) {
    let mut text = String::new();
    for (key, value) in attributes {
        if width(&text) >= columns {
            break;
        }
        if !text.is_empty() {
            text.push_str(" · ");
        }
        // Of a text of a megabyte, only what is shown is measured again.
        let pair = format!("{}={}", escape(key), self::value(value));
        text.push_str(&truncate(&pair, columns + 1));
    }
    if !text.is_empty() {
        page.put(TextStyle::Dim, &truncate(&text, columns)).line();
    }
}

/// All of them, each in a line that is not cut, from this column on.
pub(crate) fn table<'a>(page: &mut Page, attributes: impl Iterator<Item = &'a (String, Value)>, column: usize) {
    for (key, value) in attributes {
        page.go_to(column).put(TextStyle::Dim, &escape(key)).put(TextStyle::Plain, " = ");
        page.put(TextStyle::Plain, &self::value(value)).line();
    }
}

/// A value on one line. Text is shown without quotation marks.
pub(crate) fn value(value: &Value) -> String {
    match value.as_str() {
        Some(text) => escape(text).into_owned(),
        None => escape(&value.to_string()).into_owned(),
    }
}
