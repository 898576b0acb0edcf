//! Records of ours, as lines or as one document: `{"records": […]}`.

use super::batch::Batch;
use super::outcome::Outcome;
use super::refused::Refused;
use crate::import::{MAX_TEXT_BYTES, TextKind, Texts};
use spanbridge::record::Record;

/// How many records there are.
pub(super) fn count(bytes: &[u8]) -> u64 {
    if !Texts::is_document(bytes) {
        return lines(bytes).count() as u64;
    }
    let (mut texts, mut text, mut elements) = (Texts::of(bytes), String::new(), 0);
    while let Ok(Some(_)) = texts.next(&mut text) {
        elements += 1;
    }
    elements
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty())
}

/// Puts the records of a request into the batch.
pub(super) fn push<'j>(request: usize, bytes: &'j [u8], batch: &mut Batch<'_, 'j>) -> Result<(), Refused> {
    each(bytes, |number, weight, read| {
        let outcome: &mut Outcome = batch.outcome(request);
        outcome.read += 1;
        match read {
            Ok(record) => batch.push(request, number, weight, record, None),
            Err(why) => {
                outcome.reject(number, why);
                Ok(())
            }
        }
    })
}

/// Gives each record, or the reason why it is none, to `take`: with its number, and about how many bytes it has.
pub(super) fn each<'j>(
    bytes: &'j [u8],
    mut take: impl FnMut(u64, usize, Result<Record<'j>, String>) -> Result<(), Refused>,
) -> Result<(), Refused> {
    if !Texts::is_document(bytes) {
        for (number, line) in lines(bytes).enumerate() {
            let read = match std::str::from_utf8(line) {
                _ if line.len() > MAX_TEXT_BYTES => Err(too_long()),
                Ok(text) => record(text),
                Err(_) => Err(NOT_UTF8.to_owned()),
            };
            take(number as u64, line.len(), read)?;
        }
        return Ok(());
    }
    let (mut texts, mut text) = (Texts::of(bytes), String::new());
    let mut number = 0;
    // Bytes in memory do not fail.
    while let Ok(Some((_, kind))) = texts.next(&mut text) {
        let read = match kind {
            TextKind::Line | TextKind::Element => record(&text).map(Record::into_owned),
            TextKind::TooLong => Err(too_long()),
            TextKind::NotUtf8 => Err(NOT_UTF8.to_owned()),
            TextKind::Broken => Err("it is no record, or the document is cut off".to_owned()),
        };
        take(number, text.len(), read)?;
        number += 1;
    }
    Ok(())
}

const NOT_UTF8: &str = "it is not UTF-8";

fn too_long() -> String {
    format!("it is longer than {} MiB", MAX_TEXT_BYTES >> 20)
}

fn record(text: &str) -> Result<Record<'_>, String> {
    match Record::from_json(text) {
        Ok(Some(record)) => Ok(record),
        Ok(None) => Err("this release does not know its type".to_owned()),
        Err(why) => Err(format!("failed to {why}")),
    }
}
