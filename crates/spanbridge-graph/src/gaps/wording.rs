//! Small pieces of the sentences that describe gaps.

use crate::model::Span;

/// A span in a sentence: its name and its service.
pub(super) fn named(span: &Span) -> String {
    match (span.name.as_str(), span.service.as_str()) {
        ("", "") => format!("span {}", span.span_id),
        ("", service) => format!("span {} of {service}", span.span_id),
        (name, "") => name.to_owned(),
        (name, service) => format!("{name} by {service}"),
    }
}

/// The first of several.
pub(super) fn and_more(first: String, count: usize) -> String {
    if count > 1 { format!("{first} and {} more", count - 1) } else { first }
}

/// Names in a sentence: all of them up to two, else two and a number.
pub(super) fn listed<'n>(names: impl IntoIterator<Item = &'n String>) -> String {
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, [one])) => format!("{one} and {last}"),
        Some(_) => format!("{}, {} and {} others", names[0], names[1], names.len() - 2),
        None => String::new(),
    }
}

/// A message, and how often it was said.
pub(super) fn counted(message: &str, count: Option<u64>) -> String {
    match count.filter(|n| *n != 1) {
        Some(n) => format!("{message} (×{n})"),
        None => message.to_owned(),
    }
}

/// Replaces names in braces by facts. A fact is not searched for braces: it comes from outside.
pub(super) fn fill(template: &str, facts: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(before);
        out.push_str(facts.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value));
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_filled_in_once() {
        let facts = [("a", "{b}"), ("b", "B")];
        assert_eq!(fill("x {a} y {b}{c} z", &facts), "x {b} y B z");
        assert_eq!(fill("torn {a", &facts), "torn {b}");
    }
}
