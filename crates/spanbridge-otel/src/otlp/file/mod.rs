//! Files of OTLP, whatever wrote them.

mod documents;

use super::model::{Resource, Scope, Span};
use super::{MAX_REQUEST_BYTES, ReadReport, json, protobuf};
use crate::error::{Error, Result};
use documents::{Document, Documents};
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Read};

/// Reads a file, and gives each span to `take` with its resource and scope.
///
/// A file holds one request or several: as JSON, one a line or pretty-printed; as protobuf, one whole or each behind its length
/// in four bytes, as the OpenTelemetry Collector's file exporter writes them. What it is, is seen by its first bytes; so is gzip.
/// Memory is bounded by [`MAX_REQUEST_BYTES`], whatever the size of the file.
///
/// `failed` is called for each request that could not be read, with the number of the line where it begins, from 1, or the
/// number of the request where there are no lines. The spans that stand in it before the error have been given to `take`. Reading
/// goes on with the next request.
///
/// # Errors
/// The input fails, or its gzip stream is damaged. What stands before that has been read.
pub fn read_file(
    input: impl BufRead,
    mut take: impl FnMut(&Resource<'_>, &Scope<'_>, Span<'_>),
    mut failed: impl FnMut(u64, Error),
) -> Result<ReadReport> {
    read_file_scopes(input, |part| match part {
        FilePart::Scope(..) => {}
        FilePart::Span(resource, scope, span) => take(resource, scope, span),
        FilePart::Failed(at, why) => failed(at, why),
    })
}

/// What a file of OTLP consists of, as it comes.
#[derive(Debug)]
#[non_exhaustive]
pub enum FilePart<'p, 'a> {
    /// A scope begins. It may have no spans.
    Scope(&'p Resource<'a>, &'p Scope<'a>),
    /// A span, with its resource and scope.
    Span(&'p Resource<'a>, &'p Scope<'a>, Span<'a>),
    /// A request could not be read: the number of its line or its own, as [`read_file`] says, and why.
    Failed(u64, Error),
}

/// As [`read_file`], with the scopes as well, and to one closure.
///
/// # Errors
/// As [`read_file`].
pub fn read_file_scopes(mut input: impl BufRead, mut take: impl FnMut(FilePart<'_, '_>)) -> Result<ReadReport> {
    let mut start = Vec::new();
    (&mut input).take(2).read_to_end(&mut start).map_err(Error::io)?;
    let is_gzip = start == [0x1f, 0x8b];
    let input = io::Cursor::new(start).chain(input);
    if is_gzip {
        read_plain(BufReader::new(MultiGzDecoder::new(input)), &mut take)
    } else {
        read_plain(input, &mut take)
    }
}

fn read_plain(mut input: impl BufRead, take: &mut impl FnMut(FilePart<'_, '_>)) -> Result<ReadReport> {
    match input.fill_buf().map_err(Error::io)?.first() {
        None => Ok(ReadReport::default()),
        // The first byte of a length. A field of protobuf would have the number 0, which is none.
        Some(0..=7) => read_lengths(input, take),
        // The first field of a request; or a line break.
        Some(b'\n') => {
            let mut whole = Vec::new();
            if !read_request(&mut input, MAX_REQUEST_BYTES, &mut whole)? {
                return match whole.trim_ascii_start().first() {
                    Some(b'{') => read_json(io::Cursor::new(whole).chain(input), take),
                    _ => Err(Error::too_large()),
                };
            }
            if protobuf::looks_like_a_request(&whole) {
                one(1, protobuf::read_scopes(&whole, to_part(take)), take)
            } else {
                read_json(&whole[..], take)
            }
        }
        // The last of these begins a byte order mark, and no field of protobuf. A list is no request, but is to be called JSON.
        Some(b'{' | b'[' | b' ' | b'\t' | b'\r' | 0xef) => read_json(input, take),
        Some(_) => {
            let mut whole = Vec::new();
            if !read_request(&mut input, MAX_REQUEST_BYTES, &mut whole)? {
                return Err(Error::too_large());
            }
            one(1, protobuf::read_scopes(&whole, to_part(take)), take)
        }
    }
}

fn read_json(input: impl BufRead, take: &mut impl FnMut(FilePart<'_, '_>)) -> Result<ReadReport> {
    let mut report = ReadReport::default();
    let mut documents = Documents::new(input);
    while let Some((line, document)) = documents.next().map_err(Error::io)? {
        match document {
            Document::Whole(text) => report.add(one(line, json::read_scopes(text, to_part(take)), take)?),
            Document::TooLarge => take(FilePart::Failed(line, Error::too_large())),
        }
    }
    Ok(report)
}

/// Requests, each behind its length as four bytes, the most significant first.
fn read_lengths(mut input: impl BufRead, take: &mut impl FnMut(FilePart<'_, '_>)) -> Result<ReadReport> {
    let mut report = ReadReport::default();
    let mut request = Vec::new();
    for number in 1.. {
        let mut length = Vec::with_capacity(4);
        (&mut input).take(4).read_to_end(&mut length).map_err(Error::io)?;
        let Ok(length) = <[u8; 4]>::try_from(&length[..]) else {
            if !length.is_empty() {
                take(FilePart::Failed(number, Error::protobuf("a length is cut off", 0)));
            }
            break;
        };
        let length = u32::from_be_bytes(length) as usize;
        if length > MAX_REQUEST_BYTES {
            // Where the next one begins is as doubtful as the length.
            take(FilePart::Failed(number, Error::too_large()));
            break;
        }
        request.clear();
        read_request(&mut input, length, &mut request)?;
        if request.len() < length {
            take(FilePart::Failed(number, Error::protobuf("a request is cut off", request.len())));
            break;
        }
        report.add(one(number, protobuf::read_scopes(&request, to_part(take)), take)?);
    }
    Ok(report)
}

/// Reads up to so many bytes. Answers whether that is the rest.
fn read_request(input: &mut impl BufRead, length: usize, request: &mut Vec<u8>) -> Result<bool> {
    input.by_ref().take(length as u64).read_to_end(request).map_err(Error::io)?;
    Ok(input.fill_buf().map_err(Error::io)?.is_empty())
}

fn one(number: u64, read: Result<ReadReport>, take: &mut impl FnMut(FilePart<'_, '_>)) -> Result<ReadReport> {
    Ok(read.unwrap_or_else(|error| {
        take(FilePart::Failed(number, error));
        ReadReport::default()
    }))
}

/// What a reader of a request gives, as parts.
fn to_part<'t>(
    take: &'t mut impl FnMut(FilePart<'_, '_>),
) -> impl FnMut(&Resource<'_>, &Scope<'_>, Option<Span<'_>>) + 't {
    move |resource, scope, span| match span {
        None => take(FilePart::Scope(resource, scope)),
        Some(span) => take(FilePart::Span(resource, scope, span)),
    }
}
