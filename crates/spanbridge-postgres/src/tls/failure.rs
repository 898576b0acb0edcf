//! Why a connection was not encrypted, and what to do.

use crate::error::{Error, ErrorKind};
use rustls::CertificateError::{NotValidForName, NotValidForNameContext, UnknownIssuer};
use rustls::Error as TlsError;
use std::error::Error as StdError;
use std::io;

pub(super) const GIVE_ROOTS: &str =
    "  Give the certificate of who issued the server's: sslrootcert=FILE, or PGSSLROOTCERT.";
const NOT_OFFERED: &str = "\
  Turn ssl on in the server's configuration. On a network that you trust, give sslmode=disable.";
const OTHER_NAME: &str = "\
  Connect by a name that the certificate has. To look only at who issued it, give sslmode=verify-ca and sslrootcert=FILE.";

/// Whether encryption could not be agreed on.
pub(super) fn is_of_tls(error: &tokio_postgres::Error) -> bool {
    // The client tells the kind of an error by its text alone.
    error.to_string().starts_with("error performing TLS handshake")
}

pub(super) fn of(doing: &str, error: &tokio_postgres::Error) -> Error {
    let of_connection = Error::of(doing, error);
    if !is_of_tls(error) {
        return of_connection;
    }
    let advice = match cause(error) {
        Some(TlsError::InvalidCertificate(UnknownIssuer)) => Some(GIVE_ROOTS),
        Some(TlsError::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => Some(OTHER_NAME),
        Some(_) => None,
        None => error.source().filter(|why| why.to_string().contains("not support TLS")).map(|_| NOT_OFFERED),
    };
    let error = Error::new(ErrorKind::Encryption, of_connection.to_string());
    match advice {
        Some(advice) => error.advice(advice),
        None => error,
    }
}

/// What TLS says itself, which is inside of an error of the system.
fn cause(error: &tokio_postgres::Error) -> Option<&TlsError> {
    let outer: &(dyn StdError + 'static) = error.source()?;
    outer.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
}
