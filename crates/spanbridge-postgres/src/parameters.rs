//! Parameters of a connection string that tokio-postgres does not know. They are taken out.

use std::ops::Range;

/// Takes these parameters out of a connection string, and returns the rest of it and their values.
pub(crate) fn take<const N: usize>(text: &str, keys: [&str; N]) -> (String, [Option<String>; N]) {
    let all = match text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://")) {
        Some(rest) => of_url(text, text.len() - rest.len()),
        None => of_pairs(text),
    };
    let (mut values, mut rest, mut behind) = ([const { None }; N], String::new(), 0);
    for (range, key, value) in all {
        let known = keys.iter().zip(&mut values).find(|(known, _)| **known == key);
        let Some((_, place)) = known else { continue };
        *place = Some(value).filter(|value| !value.is_empty());
        rest.push_str(&text[behind..range.start]);
        behind = range.end
    }
    rest.push_str(&text[behind..]);
    (rest, values)
}

/// A parameter: where it stands, with the sign behind it, its key and its value.
type Parameter = (Range<usize>, String, String);

/// `postgres://user@host/database?key=value&key=value`, with `%XX`. `begin` is behind the scheme.
fn of_url(text: &str, begin: usize) -> Vec<Parameter> {
    // A question mark before the host is part of a password.
    let host = text[begin..].find('@').map_or(begin, |at| begin + at);
    let Some(query) = text[host..].find('?').map(|at| host + at + 1) else { return vec![] };
    let (mut all, mut at) = (vec![], query);
    for pair in text[query..].split('&') {
        let end = (at + pair.len() + 1).min(text.len());
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        all.push((at..end, decoded(key), decoded(value)));
        at = end
    }
    all
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, behind @ ..] = rest {
        let hex = |digit: Option<&u8>| char::from(*digit?).to_digit(16);
        match (byte, hex(behind.first()), hex(behind.get(1))) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high << 4 | low) as u8);
                rest = &behind[2..]
            }
            _ => {
                bytes.push(*byte);
                rest = behind
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `key = value key='a \'value\''`.
fn of_pairs(text: &str) -> Vec<Parameter> {
    let mut all = vec![];
    let mut chars = text.char_indices().peekable();
    loop {
        while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {}
        let Some((begin, _)) = chars.peek().copied() else { return all };
        let mut key = String::new();
        while let Some((_, c)) = chars.next_if(|(_, c)| *c != '=' && !c.is_whitespace()) {
            key.push(c)
        }
        while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {}
        if chars.next_if(|(_, c)| *c == '=').is_none() {
            return all;
        }
        while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {}
        let is_quoted = chars.next_if(|(_, c)| *c == '\'').is_some();
        let mut value = String::new();
        while let Some((_, c)) = chars.next_if(|(_, c)| if is_quoted { *c != '\'' } else { !c.is_whitespace() }) {
            match c {
                '\\' => value.extend(chars.next().map(|(_, c)| c)),
                c => value.push(c),
            }
        }
        if is_quoted {
            chars.next();
        }
        let end = chars.peek().map_or(text.len(), |(at, _)| *at);
        all.push((begin..end, key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn taken(text: &str) -> (String, Option<String>, Option<String>) {
        let (rest, [mode, root]) = take(text, ["sslmode", "sslrootcert"]);
        (rest, mode, root)
    }

    #[test]
    fn parameters_are_taken_out() {
        let some = |text: &str| Some(text.to_owned());
        for (text, rest, mode, root) in [
            ("postgres://u:p@h/d", "postgres://u:p@h/d", None, None),
            ("postgres://h/d?sslmode=verify-full", "postgres://h/d?", some("verify-full"), None),
            (
                "postgresql://h/d?a=1&sslrootcert=%2Fca%20x.crt&sslmode=require&b=2",
                "postgresql://h/d?a=1&b=2",
                some("require"),
                some("/ca x.crt"),
            ),
            ("postgres://u:p?sslmode=x@h/d?sslmode=", "postgres://u:p?sslmode=x@h/d?", None, None),
            ("host=h sslmode = verify-ca dbname=d", "host=h  dbname=d", some("verify-ca"), None),
            (r"sslrootcert='/a \'b\'' host=h", " host=h", None, some("/a 'b'")),
            ("password='x sslmode=disable' host=h", "password='x sslmode=disable' host=h", None, None),
            ("nothing", "nothing", None, None),
        ] {
            assert_eq!(taken(text), (rest.to_owned(), mode, root), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_may_be_given(text in "(postgres://)?([ -~é]|sslmode|=|'|\\\\|[?&%])*") {
            let _ = taken(&text);
        }

        #[test]
        fn any_file_is_read_back(file in "[^\0]{1,20}") {
            let quoted = file.replace('\\', "\\\\").replace('\'', "\\'");
            prop_assert_eq!(taken(&format!("host=h sslrootcert='{quoted}'")).2, Some(file.clone()));
            let encoded: String = file.bytes().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(taken(&format!("postgres://h/d?sslrootcert={encoded}")).2, Some(file));
        }
    }
}
