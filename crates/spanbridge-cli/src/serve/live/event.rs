//! Events as text.

use bytes::Bytes;
use std::fmt::Write;

/// Keeps the connection from looking dead. Readers step over it.
pub(super) const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// An event whose data is `{"NAME": [items]}`, of items that are JSON. JSON has no line breaks, so it is one line.
pub(super) fn event<'a>(name: &str, id: Option<&str>, items: impl Iterator<Item = &'a str>) -> Bytes {
    let mut text = String::new();
    if let Some(id) = id {
        let _ = writeln!(text, "id: {id}");
    }
    let _ = write!(text, "event: {name}\ndata: {{\"{name}\":[");
    for (at, item) in items.enumerate() {
        text.push_str(if at == 0 { "" } else { "," });
        text.push_str(item);
    }
    text.push_str("]}\n\n");
    text.into()
}

/// The reader has missed something, and is to load everything anew.
pub(super) fn resync(id: Option<&str>) -> Bytes {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("{id}event: resync\ndata: {{}}\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_three_lines() {
        let text = event("runs", Some("7f"), ["{\"runId\":\"1\"}", "{}"].into_iter());
        assert_eq!(text, "id: 7f\nevent: runs\ndata: {\"runs\":[{\"runId\":\"1\"},{}]}\n\n");
        assert_eq!(event("records", None, std::iter::empty()), "event: records\ndata: {\"records\":[]}\n\n");
        assert_eq!(resync(Some("7f")), "id: 7f\nevent: resync\ndata: {}\n\n");
    }
}
