//! Ids in the forms in which people have them at hand.

use spanbridge::w3c::TraceParent;
use std::borrow::Cow;

/// What may stand around a text that was copied.
const QUOTED: [char; 4] = [' ', '"', '\'', '`'];

/// The digits of an id of a run, a trace or a span, whatever tool or log line it was copied from:
///
/// | form | example |
/// |---|---|
/// | digits, or the first of them | `4bf92f35` |
/// | a UUID, or the first groups of it | `4bf92f35-77b3-4da6-a3ce-929d0e0e4736` |
/// | a `traceparent`: its trace | `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01` |
/// | the same as a URN, or in braces | `urn:uuid:4bf92f35-…`, `{4bf92f35-…}` |
/// | with the sign of hexadecimal numbers | `0x4bf92f3577b34da6` |
/// | an X-Ray id, alone or in a header | `1-4bf92f35-77b34da6a3ce929d0e0e4736`, `Root=1-…;Parent=…;Sampled=1` |
///
/// White space around it, the name of its header, and a final comma or quotation marks do not matter. Anything else comes back
/// as it is.
pub(super) fn digits(text: &str) -> Cow<'_, str> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == ',' || QUOTED.contains(&c));
    let text = without_name(text);
    let text = after(text, "urn:uuid:").or_else(|| after(text, "0x")).unwrap_or(text);
    let text = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    if let Ok(parent) = TraceParent::parse(text.as_bytes()) {
        return format!("{:032x}", parent.trace_id.get()).into();
    }
    match dashes(text).as_deref() {
        Some([1, 10, ..]) if text.starts_with("1-") => text[2..].replace('-', "").into(),
        Some(at) if at.iter().all(|at| [8, 13, 18, 23].contains(at)) => text.replace('-', "").into(),
        _ => text.into(),
    }
}

/// What follows this beginning, in either case.
fn after<'t>(text: &'t str, start: &str) -> Option<&'t str> {
    text.get(..start.len()).filter(|found| found.eq_ignore_ascii_case(start)).map(|_| &text[start.len()..])
}

/// Without the name of a header, or of a part of X-Ray's header.
fn without_name(text: &str) -> &str {
    let value = ["traceparent", "x-amzn-trace-id"].into_iter().find_map(|name| {
        let rest = after(text, name)?.trim_start_matches(QUOTED);
        rest.strip_prefix([':', '=']).map(|value| value.trim_start_matches(QUOTED))
    });
    let text = value.unwrap_or(text);
    text.split(';').map(str::trim).find_map(|part| part.strip_prefix("Root=")).unwrap_or(text)
}

/// Where the dashes stand. `None` without any.
fn dashes(text: &str) -> Option<Vec<usize>> {
    let at: Vec<usize> = text.bytes().enumerate().filter(|(_, b)| *b == b'-').map(|(at, _)| at).collect();
    (!at.is_empty()).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn every_form_is_the_same_id() {
        let forms = [
            ID,
            " 4bf92f3577b34da6a3ce929d0e0e4736\n",
            "\"4bf92f3577b34da6a3ce929d0e0e4736\",",
            "4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
            "1-4bf92f35-77b34da6a3ce929d0e0e4736",
            "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1",
            "X-Amzn-Trace-Id: Self=1-00000000-000000000000000000000001; Root=1-4bf92f35-77b34da6a3ce929d0e0e4736",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03",
            "\"traceparent\": \"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00\",",
            "urn:uuid:4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
            "URN:UUID:4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
            "{4bf92f35-77b3-4da6-a3ce-929d0e0e4736}",
            "0x4bf92f3577b34da6a3ce929d0e0e4736",
            "0X4bf92f3577b34da6a3ce929d0e0e4736,",
            "TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ];
        for form in forms {
            assert_eq!(digits(form), ID, "{form}");
        }
        assert_eq!(digits("4BF92F35-77B3-4da6"), "4BF92F3577B34da6");
    }

    #[test]
    fn other_dashes_are_no_id() {
        for text in [
            "4bf9-2f35",
            "-4bf92f35",
            "1-4bf92f35",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "traceparent",
        ] {
            assert_eq!(digits(text), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "\\PC*|(traceparent|Root)[:=]? ?\"?[0-9a-f-]*") {
            digits(&text);
        }
    }
}
