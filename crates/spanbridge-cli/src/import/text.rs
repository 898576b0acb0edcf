//! Reads the records of a text: one that is a record, a line of a log with one in it, what was left of one that was cut off.

use super::crux::{self, Converted, Fields};
use serde_json::value::RawValue;
use spanbridge::record::{Record, RecordErrorKind};

/// Whose records are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// Ours, and those of Crux, which are known by their ids.
    Any,
    /// Ours alone.
    Ours,
    /// Those of Crux alone.
    Crux,
}

/// What was found in a text.
#[derive(Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "nearly all are records of ours, and each goes straight into a list")]
pub enum Part<'t> {
    /// A record of ours.
    Ours(Record<'t>),
    /// A record of Crux, as one of ours.
    Crux(Box<Converted>),
    /// A record of a type that is not known here.
    Unknown(String),
    /// What is no record, and why: a fragment that follows the place.
    Broken(String),
    /// Text of a log that says nothing of records.
    Other,
}

/// Reads texts.
#[derive(Debug)]
pub struct TextReader {
    form: Form,
    /// Whether a line of a log was seen: further text is of it, too.
    is_log: bool,
}

/// How deep documents may stand in texts of documents.
const MAX_DEPTH: usize = 3;

/// How many times the length of a text is read in vain, in search of records. Without an end, objects within objects that are cut
/// off would take the square of their number.
const MAX_VAIN: usize = 64;

impl TextReader {
    /// Reads records of this form.
    pub fn new(form: Form) -> Self {
        TextReader { form, is_log: false }
    }

    /// Reads a text, and gives what is in it to `take`.
    pub fn read<'t>(&mut self, text: &'t str, take: &mut dyn FnMut(Part<'t>)) {
        let text = text.trim();
        self.is_log |= is_dated(text.as_bytes());
        let parser = Parser { form: self.form, is_log: self.is_log, depth: 0 };
        parser.text(text, take);
    }
}

/// Whether a line begins with a date and a time, as logs do: `aws logs tail` puts them before each line.
pub(super) fn is_dated(text: &[u8]) -> bool {
    let form = b"0000-00-00T00:00:00";
    let is_of_form = |(byte, form): (u8, u8)| if form == b'0' { byte.is_ascii_digit() } else { byte == form };
    text.len() > form.len() && text.iter().copied().zip(form.iter().copied()).all(is_of_form)
}

#[derive(Clone, Copy)]
struct Parser {
    form: Form,
    is_log: bool,
    depth: usize,
}

impl Parser {
    fn text<'t>(self, text: &'t str, take: &mut dyn FnMut(Part<'t>)) {
        let why = match text.as_bytes() {
            [] => return,
            [b'{', ..] => match self.object(text, take) {
                Ok(()) => return,
                Err(why) => Some(why),
            },
            [b'"', ..] if self.depth < MAX_DEPTH => match serde_json::from_str::<String>(text) {
                Ok(inner) => return self.inner(&inner, take),
                Err(_) => None,
            },
            _ => None,
        };
        self.search(text, why, take)
    }

    /// Reads an object. The error says why it is none.
    fn object<'t>(self, text: &'t str, take: &mut dyn FnMut(Part<'t>)) -> Result<(), String> {
        if self.form != Form::Crux {
            match Record::from_json(text) {
                Ok(Some(record)) => {
                    take(Part::Ours(record));
                    return Ok(());
                }
                Err(e) if e.kind() == RecordErrorKind::NotAnObject => return Err(self.why_not(text, &e)),
                Ok(None) | Err(_) => {}
            }
        }
        let fields =
            Fields::parse(text).map_err(|_| "failed to read a record: it is not one JSON object".to_owned())?;
        let is_crux = self.form == Form::Crux || (self.form == Form::Any && crux::is_record(&fields));
        let is_record = fields.has("recordId") || (fields.has("type") && !self.is_log);
        if is_record && is_crux {
            take(match crux::read(fields) {
                Ok(Converted::Unknown(record_type)) => Part::Unknown(record_type),
                Ok(converted) => Part::Crux(Box::new(converted)),
                Err(why) => Part::Broken(format!("failed to read a record of Crux: {why}")),
            });
        } else if is_record {
            take(match Record::from_json(text) {
                Ok(_) => Part::Unknown(fields.peek_text("type").unwrap_or_default()),
                Err(why) => Part::Broken(format!("failed to {why}")),
            });
        } else if !self.document(&fields, take) {
            take(if self.is_log {
                Part::Other
            } else {
                Part::Broken("failed to read a record: it has no `recordId`".to_owned())
            });
        }
        Ok(())
    }

    /// A document in one line, or an entry of a log.
    fn document<'t>(self, fields: &Fields<'t>, take: &mut dyn FnMut(Part<'t>)) -> bool {
        if self.depth == MAX_DEPTH {
            return false;
        }
        let inside = Parser { depth: self.depth + 1, ..self };
        for list in ["records", "events"] {
            let elements = fields.raw(list).map(|raw| serde_json::from_str::<Vec<&'t RawValue>>(raw.get()));
            if let Some(Ok(elements)) = elements {
                elements.into_iter().for_each(|element| inside.text(element.get(), take));
                return true;
            }
        }
        match fields.peek_text("message") {
            Some(message) => self.inner(&message, take),
            None => return false,
        }
        true
    }

    /// A line of a log, as a text in JSON.
    fn inner<'t>(self, text: &str, take: &mut dyn FnMut(Part<'t>)) {
        let inside = Parser { is_log: true, depth: self.depth + 1, ..self };
        for line in text.lines() {
            inside.text(line.trim(), &mut |part| take(part.into_owned()));
        }
    }

    /// Looks for records in a text that is none. `why`: it begins as if it were one.
    fn search<'t>(self, text: &'t str, why: Option<String>, take: &mut dyn FnMut(Part<'t>)) {
        let (mut at, mut found, mut broken) = (0, false, None);
        let mut vain = text.len().saturating_mul(MAX_VAIN);
        while let Some(next) = text[at..].find('{') {
            let from = at + next;
            let rest = &text[from..];
            at = from + 1;
            if !rest[1..].trim_ascii_start().starts_with('"') {
                continue;
            }
            let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&'t RawValue>();
            match values.next() {
                Some(Err(_)) if vain < rest.len() => {
                    let why = "failed to search it for records: too many objects in it have no end";
                    broken.get_or_insert_with(|| why.to_owned());
                    break;
                }
                Some(Ok(value)) => {
                    at = from + values.byte_offset();
                    if Fields::parse(value.get()).is_ok_and(|fields| fields.has("recordId")) {
                        found |= self.object(value.get(), take).is_ok();
                    }
                }
                other => {
                    // Where it is no JSON; in a text of several lines, at most at its end.
                    let read = |e: &serde_json::Error| if e.line() == 1 { e.column() } else { rest.len() };
                    vain -= other.and_then(Result::err).map_or(0, |e| read(&e)).min(rest.len());
                    if broken.is_none() && is_of_a_record(rest) {
                        broken = Some("failed to read a record: it is cut off".to_owned());
                    }
                }
            }
        }
        match (found, self.is_log) {
            (true, _) => broken.map_or((), |why| take(Part::Broken(why))),
            (false, true) => take(broken.map_or(Part::Other, Part::Broken)),
            (false, false) => {
                take(Part::Broken(why.or(broken).unwrap_or_else(|| "there is no record in it".to_owned())))
            }
        }
    }

    fn why_not(self, text: &str, error: &impl std::fmt::Display) -> String {
        match serde_json::from_str::<&RawValue>(text) {
            Err(e) if e.is_eof() => "failed to read a record: it is cut off".to_owned(),
            _ => format!("failed to {error}"),
        }
    }
}

/// Whether what begins here and is no JSON was a record before it was cut off: by its first members.
fn is_of_a_record(text: &str) -> bool {
    let start = text.char_indices().nth(200).map_or(text, |(end, _)| &text[..end]);
    start.contains("\"recordId\"") || start.contains("\"schemaVersion\"")
}

impl Part<'_> {
    /// The same, borrowing nothing.
    pub fn into_owned(self) -> Part<'static> {
        match self {
            Part::Ours(record) => Part::Ours(record.into_owned()),
            Part::Crux(converted) => Part::Crux(converted),
            Part::Unknown(record_type) => Part::Unknown(record_type),
            Part::Broken(why) => Part::Broken(why),
            Part::Other => Part::Other,
        }
    }
}
