//! The grammar of [W3C Baggage, section 3.2.1](https://www.w3.org/TR/baggage/#definition), and the encoding of values.

use crate::w3c::header::is_ows;
use std::borrow::Cow;

/// Classes of bytes: of a token (RFC 9110, section 5.6.2), and of a value (`baggage-octet`).
const TOKEN: u8 = 1;
const OCTET: u8 = 2;
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut b = 0x21;
    while b < 0x7f {
        let octet = !matches!(b as u8, b'"' | b',' | b';' | b'\\');
        let token = (b as u8).is_ascii_alphanumeric()
            || matches!(
                b as u8,
                b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
            );
        classes[b] = if octet { OCTET } else { 0 } | if token { TOKEN } else { 0 };
        b += 1;
    }
    classes
};

#[inline]
const fn is(b: u8, class: u8) -> bool {
    CLASSES[b as usize] & class != 0
}

/// Whether a key is a token.
pub(super) fn is_token(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| is(b, TOKEN))
}

/// Whether the list is well-formed and within the number of members, with no empty ones.
pub(super) fn all_well_formed(list: &[u8], max_members: usize) -> bool {
    let mut at = 0;
    for _ in 0..max_members {
        match scan_member(list, at) {
            Some(end) if end == list.len() => return true,
            Some(comma) => at = comma + 1,
            None => return false,
        }
    }
    false
}

/// Where the member that begins at `at` ends, at a comma or at the end; `None` when it is not one.
#[inline]
pub(super) fn scan_member(list: &[u8], at: usize) -> Option<usize> {
    let skip = |mut at: usize, class: u8| {
        while at < list.len() && is(list[at], class) {
            at += 1;
        }
        at
    };
    let skip_ows = |mut at: usize| {
        while at < list.len() && is_ows(list[at]) {
            at += 1;
        }
        at
    };
    let key = skip_ows(at);
    let key_end = skip(key, TOKEN);
    let equals = skip_ows(key_end);
    if key_end == key || list.get(equals) != Some(&b'=') {
        return None;
    }
    let mut at = skip_ows(skip(skip_ows(equals + 1), OCTET));
    while list.get(at) == Some(&b';') {
        let key = skip_ows(at + 1);
        let key_end = skip(key, TOKEN);
        if key_end == key {
            return None;
        }
        at = skip_ows(key_end);
        if list.get(at) == Some(&b'=') {
            at = skip_ows(skip(skip_ows(at + 1), OCTET));
        }
    }
    matches!(list.get(at), None | Some(b',')).then_some(at)
}

/// Undoes the percent-encoding of a value.
pub(super) fn decode(raw: &str) -> Cow<'_, str> {
    if !raw.contains('%') {
        return Cow::Borrowed(raw);
    }
    let digit = |b: &u8| (*b as char).to_digit(16);
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let mut byte = *first;
        if let (b'%', [high, low, after @ ..]) = (byte, tail) {
            if let (Some(high), Some(low)) = (digit(high), digit(low)) {
                byte = (high << 4 | low) as u8;
                rest = after;
            }
        }
        bytes.push(byte);
    }
    match String::from_utf8(bytes) {
        Ok(text) => Cow::Owned(text),
        Err(e) => Cow::Owned(String::from_utf8_lossy(e.as_bytes()).into_owned()),
    }
}

/// Percent-encodes a value
/// ([section 3.2.1.3](https://www.w3.org/TR/baggage/#value)).
pub(super) fn encode(value: &str, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for b in value.bytes() {
        if is(b, OCTET) && !matches!(b, b'%' | b'+') {
            out.push(b as char);
        } else {
            out.push('%');
            out.push(DIGITS[(b >> 4) as usize] as char);
            out.push(DIGITS[(b & 15) as usize] as char);
        }
    }
}
