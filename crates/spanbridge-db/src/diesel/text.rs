//! The text of a query, told apart from the values that are bound.
//!
//! diesel shows a query by `Debug` alone: `Query { sql: "SELECT ?", binds: [1] }`, or `"SELECT 1"` for one that is run as it is. The
//! text is in quotes, with Rust's escapes, so it is clear where it ends. As soon as it has ended, writing stops: then no value
//! is shown to anybody. What looks otherwise is not recorded.

use crate::value::DbValue;
use diesel::connection::DebugQuery;
use spanbridge::panics;
use std::fmt::{self, Write};
use std::str::CharIndices;

const QUERY: &str = "Query { sql: \"";
const TEXT: &str = "\"";
const BINDS: &str = ", binds: [";
/// Bytes of values that are looked at.
const MAX_BINDS: usize = 64 << 10;

/// What a query shows of itself.
#[derive(Debug, PartialEq)]
pub(super) struct Shown {
    pub(super) sql: String,
    /// The values as Rust shows them. `None`: they were not asked for, are too long, or cannot be told apart.
    pub(super) binds: Option<Vec<DbValue<'static>>>,
}

/// Reads a query. `None`: it looks like nothing that is known. If a value panics when it is shown, none is.
pub(super) fn read_any(query: &dyn DebugQuery, takes_binds: bool) -> Option<Shown> {
    let read = |takes_binds| panics::caught(|| read(query, takes_binds));
    read(takes_binds).or_else(|_| read(false)).ok().flatten()
}

fn read(query: &dyn DebugQuery, takes_binds: bool) -> Option<Shown> {
    let mut sink = Sink { part: Part::Head, takes_binds, ..Sink::default() };
    // It fails when it has seen enough.
    let is_whole = write!(sink, "{query:?}").is_ok();
    let binds = match (&sink.part, is_whole) {
        (Part::Head | Part::Text, _) => return None,
        (Part::Binds, true) => sink.binds.strip_prefix(BINDS).and_then(|list| list.strip_suffix("] }")).map(values),
        _ => None,
    };
    Some(Shown { sql: unescaped(&sink.sql), binds })
}

#[derive(Default, PartialEq)]
enum Part {
    #[default]
    Head,
    Text,
    Binds,
    End,
}

#[derive(Default)]
struct Sink {
    part: Part,
    takes_binds: bool,
    head: String,
    sql: String,
    is_escaped: bool,
    binds: String,
}

impl Write for Sink {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| self.write_char(c))
    }

    fn write_char(&mut self, c: char) -> fmt::Result {
        match self.part {
            Part::Head => {
                self.head.push(c);
                match &*self.head {
                    QUERY | TEXT => self.part = Part::Text,
                    head if QUERY.starts_with(head) => {}
                    _ => return Err(fmt::Error),
                }
            }
            Part::Text if c == '"' && !self.is_escaped => {
                self.part = if self.head == QUERY && self.takes_binds { Part::Binds } else { Part::End }
            }
            Part::Text => {
                self.is_escaped = c == '\\' && !self.is_escaped;
                self.sql.push(c)
            }
            Part::Binds if self.binds.len() < MAX_BINDS => self.binds.push(c),
            Part::Binds | Part::End => return Err(fmt::Error),
        }
        if self.part == Part::End { Err(fmt::Error) } else { Ok(()) }
    }
}

/// A text without Rust's escapes. One that is unknown stays.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut chars = behind.chars();
        match chars.next() {
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('t') => plain.push('\t'),
            Some('0') => plain.push('\0'),
            Some('u') => {
                let code = chars.as_str().strip_prefix('{').and_then(|rest| rest.split_once('}'));
                let read =
                    code.and_then(|(hex, rest)| Some((char::from_u32(u32::from_str_radix(hex, 16).ok()?)?, rest)));
                match read {
                    Some((c, rest)) => {
                        plain.push(c);
                        chars = rest.chars()
                    }
                    None => plain.push_str("\\u"),
                }
            }
            Some(c) => plain.push(c),
            None => {}
        }
        rest = chars.as_str()
    }
    plain.push_str(rest);
    plain
}

/// The values in a list of them: between commas that are in no brackets and no quotes.
fn values(list: &str) -> Vec<DbValue<'static>> {
    let mut all = vec![];
    let (mut begin, mut depth, mut chars) = (0, 0usize, list.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => skip_quoted(&mut chars),
            '\'' => skip_character(&mut chars),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                all.push(value(list[begin..at].trim()));
                begin = at + 1
            }
            _ => {}
        }
    }
    if !list.trim().is_empty() {
        all.push(value(list[begin..].trim()))
    }
    all
}

/// Behind `'x'`, `'\n'`. An apostrophe of anything else stands alone.
fn skip_character(chars: &mut CharIndices<'_>) {
    let mut behind = chars.clone();
    let closes = match behind.next().map(|(_, c)| c) {
        Some('\\') => behind.nth(1),
        _ => behind.next(),
    };
    if closes.is_some_and(|(_, c)| c == '\'') {
        *chars = behind
    }
}

fn skip_quoted(chars: &mut CharIndices<'_>) {
    let mut is_escaped = false;
    for (_, c) in chars {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return,
            _ => {}
        }
    }
}

/// The value that Rust shows so. What is of no common type is text.
fn value(shown: &str) -> DbValue<'static> {
    let inside = |open: &str, close: &str| shown.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    if let Some(text) = inside("\"", "\"") {
        return unescaped(text).into();
    }
    if let Some(some) = inside("Some(", ")") {
        return value(some);
    }
    match shown {
        "None" => DbValue::Null,
        "true" | "false" => DbValue::Bool(shown == "true"),
        _ => match (shown.parse::<i64>(), shown.parse::<f64>()) {
            (Ok(number), _) => number.into(),
            (_, Ok(number)) if number.is_finite() => DbValue::Float(number),
            _ => shown.to_owned().into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As diesel shows a query.
    struct Query<'a> {
        sql: &'a str,
        binds: Vec<&'a dyn fmt::Debug>,
    }

    impl fmt::Debug for Query<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Query").field("sql", &self.sql).field("binds", &self.binds).finish()
        }
    }

    impl fmt::Display for Query<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{} -- binds: {:?}", self.sql, self.binds)
        }
    }

    impl DebugQuery for Query<'_> {}

    /// A value that nobody may look at.
    struct Secret;

    impl fmt::Debug for Secret {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("shown")
        }
    }

    #[test]
    fn values_are_not_even_shown() {
        let query = Query { sql: "SELECT \"a\\b\", 'é\n\u{200b}' -- binds: [1]", binds: vec![&Secret] };
        assert_eq!(read(&query, false), Some(Shown { sql: query.sql.to_owned(), binds: None }));
    }

    #[test]
    fn values_are_told_apart() {
        let nested = (1, "a, b", ['"', '\'', ']']);
        let binds: Vec<&dyn fmt::Debug> = vec![
            &-7,
            &1.5,
            &"it's, \"x\"\n]",
            &Some("y"),
            &None::<i64>,
            &true,
            &nested,
            &[1u8, 2],
            &f64::NAN,
            &'(',
            &',',
        ];
        let shown = read(&Query { sql: "?", binds }, true).and_then(|shown| shown.binds);
        let text = |text: &'static str| DbValue::from(text);
        let expected = vec![
            DbValue::Integer(-7),
            DbValue::Float(1.5),
            text("it's, \"x\"\n]"),
            text("y"),
            DbValue::Null,
            DbValue::Bool(true),
            text("(1, \"a, b\", ['\"', '\\'', ']'])"),
            text("[1, 2]"),
            text("NaN"),
            text("'('"),
            text("','"),
        ];
        assert_eq!(shown, Some(expected));
        let none = read(&Query { sql: "SELECT 1", binds: vec![] }, true);
        assert_eq!(none.and_then(|shown| shown.binds), Some(vec![]));
        let long = "x".repeat(MAX_BINDS);
        assert_eq!(read(&Query { sql: "?", binds: vec![&long] }, true), Some(Shown { sql: "?".into(), binds: None }));
    }

    #[test]
    fn other_forms_are_not_recorded() {
        struct Other(&'static str);
        impl fmt::Debug for Other {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0)
            }
        }
        impl fmt::Display for Other {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, f)
            }
        }
        impl DebugQuery for Other {}
        for text in
            ["SELECT 1", "Query { binds: [1], sql: \"SELECT ?\" }", "Query {\n sql: \"SELECT 1\"", "\"SELECT 1", ""]
        {
            assert_eq!(read(&Other(text), true), None, "{text}");
        }
        assert_eq!(
            read(&Other("\"SELECT \\\"a\\\"\" 7"), true),
            Some(Shown { sql: "SELECT \"a\"".into(), binds: None })
        );
        let changed = read(&Other("Query { sql: \"SELECT ?\", values: [1] }"), true);
        assert_eq!(changed.and_then(|shown| shown.binds), None);
    }

    proptest! {
        #[test]
        fn any_query_reads_back(sql in ".*", texts in prop::collection::vec(".*", 0..4)) {
            let binds: Vec<&dyn fmt::Debug> = texts.iter().map(|text| text as &dyn fmt::Debug).collect();
            let shown = read(&Query { sql: &sql, binds }, true);
            let binds = texts.iter().map(|text| DbValue::from(text.clone())).collect();
            prop_assert_eq!(shown, Some(Shown { sql, binds: Some(binds) }));
        }

        #[test]
        fn any_list_may_be_shown(list in "[ -~é]*") {
            let _ = values(&list);
        }
    }
}
