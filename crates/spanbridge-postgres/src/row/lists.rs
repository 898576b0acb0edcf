//! Attributes and fields as bytes: for those that JSON cannot say exactly, and for the hash.

use spanbridge_query::engine::row::{Attribute, Row};
use std::borrow::Cow;

type Field = (Cow<'static, str>, Cow<'static, str>);

/// Appends the attributes and the fields of a row.
pub(super) fn put(out: &mut Vec<u8>, row: &Row<'_>) {
    put_length(out, row.attributes.len());
    for (key, kind, text) in &row.attributes {
        out.push(*kind);
        put_text(out, key);
        put_text(out, text);
    }
    put_length(out, row.fields.len());
    for (key, text) in &row.fields {
        put_text(out, key);
        put_text(out, text);
    }
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&(length as u32).to_le_bytes());
}

/// Reads what [`put`] has written. `None`: something else did.
pub(super) fn read(mut bytes: &[u8]) -> Option<(Vec<Attribute<'static>>, Vec<Field>)> {
    let (mut attributes, mut fields) = (Vec::new(), Vec::new());
    for _ in 0..take_length(&mut bytes)? {
        let (kind, rest) = bytes.split_first()?;
        bytes = rest;
        attributes.push((take_text(&mut bytes)?, *kind, take_text(&mut bytes)?));
    }
    for _ in 0..take_length(&mut bytes)? {
        fields.push((take_text(&mut bytes)?, take_text(&mut bytes)?));
    }
    bytes.is_empty().then_some((attributes, fields))
}

fn take_length(bytes: &mut &[u8]) -> Option<usize> {
    let (length, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*length) as usize)
}

pub(super) fn take_text(bytes: &mut &[u8]) -> Option<Cow<'static, str>> {
    let length = take_length(bytes)?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(Cow::Owned(std::str::from_utf8(text).ok()?.to_owned()))
}
