//! What can be said about a statement by its text alone: a summary, and the text without its literals. A small scanner, no
//! parser: it never fails, whatever the text is.

mod summary;
#[cfg(test)]
mod tests;
mod token;

pub(crate) use summary::summary;
pub(crate) use token::Dialect;

use crate::value::DbValue;
use token::{Kind, tokens};

/// The first word of each statement, as it is written.
pub(crate) fn first_words(sql: &str, dialect: Dialect) -> impl Iterator<Item = &str> {
    let mut begins = true;
    tokens(sql, dialect).filter_map(move |token| {
        let is_first = begins && token.kind == Kind::Word;
        begins = match token.kind {
            Kind::Space | Kind::Comment => begins,
            // A parenthesis may stand before a SELECT.
            _ => token.text == ";" || begins && token.text == "(",
        };
        is_first.then_some(token.text)
    })
}

/// The text with `?` in the place of every literal, and without comments: what is left are names, keywords and placeholders.
pub(crate) fn without_literals(sql: &str, dialect: Dialect) -> String {
    let mut text = String::with_capacity(sql.len());
    for token in tokens(sql, dialect) {
        match token.kind {
            Kind::Literal => text.push('?'),
            Kind::Comment => text.push(' '),
            _ => text.push_str(token.text),
        }
    }
    text
}

/// A message of SQLite, `near "'a text'": syntax error`, without the literals of the token that it quotes.
pub(crate) fn message_without_literals(message: &str, dialect: Dialect) -> Option<String> {
    let (before, rest) = message.split_once('"')?;
    let (token, behind) = rest.rsplit_once('"')?;
    Some(format!("{before}\"{}\"{behind}", without_literals(token, dialect)))
}

/// How many values a statement takes: of placeholders with the same name or number one.
pub(crate) fn placeholders(sql: &str, dialect: Dialect) -> usize {
    let mut known: Vec<&str> = vec![];
    for token in tokens(sql, dialect).filter(|token| token.kind == Kind::Placeholder) {
        if token.text == "?" || !known.contains(&token.text) {
            known.push(token.text)
        }
    }
    known.len()
}

/// The values of placeholders, by the number of each from 0: `expanded` is the text with a literal in the place of each
/// placeholder.
pub(crate) fn parameters(sql: &str, expanded: &str, dialect: Dialect) -> Vec<(usize, DbValue<'static>)> {
    let mut expanded = tokens(expanded, dialect);
    let mut values: Vec<(usize, DbValue<'static>)> = vec![];
    let (mut names, mut last): (Vec<(&str, usize)>, usize) = (vec![], 0);
    for token in tokens(sql, dialect) {
        let Some(value) = expanded.next() else { break };
        if token.kind != Kind::Placeholder {
            continue;
        }
        // A negative number has two tokens.
        let sign = if value.text == "-" { "-" } else { "" };
        let Some(value) = (if sign.is_empty() { Some(value) } else { expanded.next() }) else { break };
        let number = match token.text.strip_prefix('?').map(str::parse::<usize>) {
            Some(Ok(number)) => number,
            Some(Err(_)) => last + 1,
            None => names.iter().find(|(name, _)| *name == token.text).map_or(last + 1, |(_, number)| *number),
        };
        last = last.max(number);
        names.push((token.text, number));
        if number > 0 && values.iter().all(|(known, _)| *known != number - 1) {
            values.push((number - 1, literal(sign, value.text)))
        }
    }
    values
}

/// The value of a literal. What is no string is told as it is written.
pub(crate) fn literal(sign: &str, text: &str) -> DbValue<'static> {
    let string = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    match string {
        Some(string) => DbValue::from(string.replace("''", "'")),
        None if text.eq_ignore_ascii_case("NULL") => DbValue::Null,
        None => DbValue::from(format!("{sign}{text}")),
    }
}
