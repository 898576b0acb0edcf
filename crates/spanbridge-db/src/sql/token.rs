//! SQL cut into tokens, without knowing its grammar: what is a name, a literal, a comment. Whatever the text is, the tokens put
//! together are the text.

/// In what two dialects differ, as far as a scanner must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `[name]`, `` `name` ``; comments do not nest.
    Sqlite,
    /// `$tag$text$tag$`, `E'…\'…'`; comments nest.
    Postgres,
    /// `"text"`, `'…\'…'`, `# comment`; comments do not nest.
    Mysql,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Space,
    Comment,
    /// A keyword or a name.
    Word,
    /// A name in quotes.
    Quoted,
    /// A string, a number, bytes.
    Literal,
    /// `?1`, `$1`, `:name`, `@name`.
    Placeholder,
    /// One character of anything else, or `::`.
    Other,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'s> {
    pub(super) kind: Kind,
    pub(super) text: &'s str,
}

impl<'s> Token<'s> {
    /// Whether it is this keyword, given in upper case.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    pub(super) fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }

    /// The name that it is, without quotes.
    pub(super) fn name(&self) -> Option<&'s str> {
        match self.kind {
            Kind::Word => Some(self.text),
            Kind::Quoted => Some(self.text.get(1..self.text.len().max(2) - 1).unwrap_or("")),
            _ => None,
        }
    }
}

pub(super) fn tokens(sql: &str, dialect: Dialect) -> impl Iterator<Item = Token<'_>> {
    let mut rest = sql;
    std::iter::from_fn(move || {
        let (kind, length) = first(rest, dialect)?;
        // Every length ends before or behind an ASCII character, or at the end; if not, the rest is one token.
        let (text, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
        rest = behind;
        Some(Token { kind, text })
    })
}

/// The kind and the length of the first token.
fn first(rest: &str, dialect: Dialect) -> Option<(Kind, usize)> {
    let bytes = rest.as_bytes();
    let (postgres, mysql) = (dialect == Dialect::Postgres, dialect == Dialect::Mysql);
    let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
    let while_from = |from: usize, part: fn(u8) -> bool| {
        from + bytes.get(from..).unwrap_or_default().iter().take_while(|byte| part(**byte)).count()
    };
    let string = |open: usize, quote: u8, escapes: bool| match mysql {
        true => ambiguous(bytes, open, quote),
        false => quoted(bytes, open, quote, escapes),
    };
    Some(match bytes.first()? {
        byte if byte.is_ascii_whitespace() => (Kind::Space, while_from(0, |byte| byte.is_ascii_whitespace())),
        b'-' if at(1) == b'-' && (!mysql || at(2) <= b' ') => (Kind::Comment, while_from(0, |byte| byte != b'\n')),
        b'#' if mysql => (Kind::Comment, while_from(0, |byte| byte != b'\n')),
        b'/' if at(1) == b'*' => (Kind::Comment, comment(bytes, postgres)),
        b'\'' => (Kind::Literal, string(0, b'\'', false)),
        b'"' if mysql => (Kind::Literal, string(0, b'"', false)),
        b'"' => (Kind::Quoted, quoted(bytes, 0, b'"', false)),
        b'`' => (Kind::Quoted, quoted(bytes, 0, b'`', false)),
        b'[' if dialect == Dialect::Sqlite => (Kind::Quoted, find(bytes, 1, b"]").unwrap_or(bytes.len())),
        b'$' if postgres && dollar(bytes).is_some() => (Kind::Literal, dollar(bytes)?),
        b'$' | b'@' | b':' if is_word(at(1)) => (Kind::Placeholder, while_from(1, is_word)),
        // A cast, `::text`.
        b':' if at(1) == b':' => (Kind::Other, 2),
        b'?' => (Kind::Placeholder, while_from(1, |byte| byte.is_ascii_digit())),
        byte if byte.is_ascii_digit() || (*byte == b'.' && at(1).is_ascii_digit()) => (Kind::Literal, number(bytes)),
        byte if is_word(*byte) => match while_from(0, is_word) {
            // A string with a prefix: bytes, escapes.
            end if end == 1 && at(end) == b'\'' && b"eExXbBnN".contains(byte) => {
                (Kind::Literal, string(end, b'\'', b"eE".contains(byte)))
            }
            end => (Kind::Word, end),
        },
        _ => (Kind::Other, rest.chars().next()?.len_utf8()),
    })
}

/// Bytes of names. What is not ASCII can be part of one.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The end of what is in quotes, from where they open. A doubled quote is one of the content.
fn quoted(bytes: &[u8], open: usize, quote: u8, escapes: bool) -> usize {
    let mut at = open + 1;
    while let Some(byte) = bytes.get(at) {
        match *byte {
            b'\\' if escapes => at += 1,
            byte if byte == quote && bytes.get(at + 1) == Some(&quote) => at += 1,
            byte if byte == quote => return at + 1,
            _ => {}
        }
        at += 1
    }
    bytes.len()
}

/// The same where a setting of the server says whether a backslash escapes. If that decides where the text ends, it is all that is left.
fn ambiguous(bytes: &[u8], open: usize, quote: u8) -> usize {
    let end = quoted(bytes, open, quote, true);
    if end == quoted(bytes, open, quote, false) { end } else { bytes.len() }
}

fn comment(bytes: &[u8], nests: bool) -> usize {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 {
        match bytes.get(at..at + 2) {
            Some(b"*/") => (at, depth) = (at + 2, depth - 1),
            Some(b"/*") if nests => (at, depth) = (at + 2, depth + 1),
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
    at
}

/// The end of `$tag$text$tag$`.
fn dollar(bytes: &[u8]) -> Option<usize> {
    let tag = 1 + bytes.get(1..)?.iter().take_while(|byte| is_word(**byte)).count();
    let opening = bytes.get(..=tag).filter(|opening| opening.ends_with(b"$") && !opening[1].is_ascii_digit())?;
    Some(find(bytes, tag + 1, opening).unwrap_or(bytes.len()))
}

/// Behind the next place where this occurs.
fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    let found = bytes.get(from..)?.windows(what.len()).position(|window| window == what)?;
    Some(from + found + what.len())
}

/// The end of a number: digits, letters, and a sign behind an exponent.
fn number(bytes: &[u8]) -> usize {
    let is_hex = bytes.get(1).is_some_and(|byte| byte.eq_ignore_ascii_case(&b'x'));
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        let is_sign = matches!(byte, b'+' | b'-')
            && !is_hex
            && bytes[at - 1].eq_ignore_ascii_case(&b'e')
            && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !is_word(*byte) && *byte != b'.' && !is_sign {
            break;
        }
        at += 1
    }
    at
}
