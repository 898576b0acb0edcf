//! What can go wrong with OTLP that came from outside.

use std::fmt;

/// Why OTLP could not be read.
///
/// The message follows "failed to …": `read OTLP as protobuf: a field is cut off at byte 17`.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    /// The environment variable that it is about.
    variable: Option<&'static str>,
    what: &'static str,
    at: Option<usize>,
    source: Option<std::io::Error>,
}

/// What kind of problem an [`Error`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// It is not a message of protobuf.
    Protobuf,
    /// It is not JSON.
    Json,
    /// A request is larger than [`MAX_REQUEST_BYTES`](crate::otlp::MAX_REQUEST_BYTES).
    TooLarge,
    /// The source of the bytes failed; a damaged gzip stream is one of these.
    Io,
    /// The endpoint of an exporter cannot be used.
    Endpoint,
    /// A header of an exporter cannot be sent.
    Header,
    /// A certificate or a key of an exporter cannot be used.
    Certificate,
}

impl Error {
    pub(crate) fn protobuf(what: &'static str, at: usize) -> Self {
        Error { kind: ErrorKind::Protobuf, variable: None, what, at: Some(at), source: None }
    }

    pub(crate) fn json(what: &'static str, at: usize) -> Self {
        Error { kind: ErrorKind::Json, variable: None, what, at: Some(at), source: None }
    }

    pub(crate) fn too_large() -> Self {
        Error {
            kind: ErrorKind::TooLarge,
            variable: None,
            what: "a request has more than 64 MiB",
            at: None,
            source: None,
        }
    }

    /// `what` must not quote what was given: it may be secret.
    #[cfg(feature = "export")]
    pub(crate) fn set_up(kind: ErrorKind, what: &'static str) -> Self {
        Error { kind, variable: None, what, at: None, source: None }
    }

    /// Names the variable that was not valid, if it was one.
    #[cfg(feature = "export")]
    pub(crate) fn of(self, variable: Option<&'static str>) -> Self {
        Error { variable, ..self }
    }

    pub(crate) fn io(source: std::io::Error) -> Self {
        Error { kind: ErrorKind::Io, variable: None, what: "", at: None, source: Some(source) }
    }

    /// What kind of problem it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let doing = match self.kind {
            ErrorKind::Protobuf => "read OTLP as protobuf",
            ErrorKind::Json => "read OTLP as JSON",
            ErrorKind::TooLarge | ErrorKind::Io => "read OTLP",
            ErrorKind::Endpoint | ErrorKind::Header | ErrorKind::Certificate => "set up export",
        };
        write!(f, "{doing}: ")?;
        if let Some(variable) = self.variable {
            write!(f, "{variable}: ")?;
        }
        f.write_str(self.what)?;
        if let Some(source) = &self.source {
            write!(f, "{source}")?;
        }
        match self.at {
            Some(at) => write!(f, " at byte {at}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The error itself is in our text.
        self.source.as_ref().and_then(std::error::Error::source)
    }
}

pub(crate) type Result<T> = std::result::Result<T, Error>;
