//! Encryption of the connection, by `sslmode` and `sslrootcert`, which mean what they mean to
//! [libpq](https://www.postgresql.org/docs/current/libpq-ssl.html):
//!
//! | `sslmode` | encrypted | the server's certificate |
//! |---|---|---|
//! | `disable` | no | |
//! | `prefer`, the default; `allow` | if the server can | is not looked at |
//! | `require` | yes | is not looked at, but is as for `verify-ca` if there is a root certificate |
//! | `verify-ca` | yes | issued by a root certificate |
//! | `verify-full` | yes | issued by a root certificate, for the host's name |
//!
//! Root certificates are in the file `sslrootcert`, else in `~/.postgresql/root.crt`. Without either, and with `sslrootcert=system`,
//! `verify-full` takes those of the system. (libpq takes them for `system` alone.) No weaker mode takes these: everybody can have a
//! certificate by one of them.

mod failure;
mod verify;

use crate::error::{Error, ErrorKind};
use failure::GIVE_ROOTS;
use rustls::ClientConfig;
use rustls::crypto::ring;
use std::path::Path;
use std::sync::Arc;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};
use tokio_postgres_rustls::MakeRustlsConnect;
use verify::{Roots, Verifier};

const MODES: &str = "disable, prefer, require, verify-ca or verify-full";

/// What a connection string says of encryption.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) mode: Option<String>,
    pub(crate) root: Option<String>,
}

/// How connections of one server are encrypted.
#[derive(Clone)]
pub(crate) struct Tls {
    connector: MakeRustlsConnect,
    is_preferred: bool,
}

/// Where root certificates are.
enum Source {
    None,
    System,
    File(String),
}

impl Tls {
    /// Sets the mode of a connection, and reads what it needs. What is not among the parameters is in the environment: `PGSSLMODE`,
    /// `PGSSLROOTCERT`.
    pub(crate) fn new(
        given: Given,
        config: &mut Config,
        variable: &impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let source = match given.root.or_else(|| variable("PGSSLROOTCERT")) {
            Some(file) if file == "system" => Source::System,
            Some(file) => Source::File(file),
            None => variable("HOME")
                .map(|home| format!("{home}/.postgresql/root.crt"))
                .filter(|file| Path::new(file).exists())
                .map_or(Source::None, Source::File),
        };
        let mode = given.mode.or_else(|| variable("PGSSLMODE")).unwrap_or_else(|| match source {
            Source::System => "verify-full".to_owned(),
            _ => "prefer".to_owned(),
        });
        let usage = |why: String| Error::new(ErrorKind::Url, format!("read sslmode={mode}: {why}"));
        let (ssl_mode, verifier) = match (&*mode, &source) {
            ("disable", _) => (SslMode::Disable, Verifier::any()),
            ("prefer" | "allow" | "require" | "verify-ca", Source::System) => {
                return Err(usage("with sslrootcert=system it would trust everybody who has a certificate".to_owned())
                    .advice("  Give sslmode=verify-full."));
            }
            ("prefer" | "allow", _) => (SslMode::Prefer, Verifier::any()),
            ("require", Source::None) => (SslMode::Require, Verifier::any()),
            ("require" | "verify-ca", Source::File(file)) => (SslMode::Require, Verifier::chain(Roots::of_file(file)?)),
            ("verify-ca", Source::None) => {
                return Err(usage("it needs a root certificate".to_owned()).advice(GIVE_ROOTS));
            }
            ("verify-full", Source::File(file)) => (SslMode::Require, Verifier::full(Roots::of_file(file)?)),
            ("verify-full", _) => (SslMode::Require, Verifier::full(Roots::of_system()?)),
            _ => return Err(usage(format!("it is none of {MODES}"))),
        };
        // Nobody else can read what goes through a socket of the file system, so libpq does not encrypt it either.
        let is_local = config.get_hosts().iter().all(|host| !matches!(host, Host::Tcp(_)));
        config.ssl_mode(if is_local { SslMode::Disable } else { ssl_mode });
        let mut client = client(verifier)?;
        if config.get_ssl_negotiation() == SslNegotiation::Direct {
            client.alpn_protocols = vec![b"postgresql".to_vec()]
        }
        Ok(Tls { connector: MakeRustlsConnect::new(client), is_preferred: ssl_mode == SslMode::Prefer && !is_local })
    }

    /// For tokio-postgres.
    pub(crate) fn connector(&self) -> MakeRustlsConnect {
        self.connector.clone()
    }

    /// Whether to try without encryption what has failed with it.
    pub(crate) fn falls_back(&self, error: &tokio_postgres::Error) -> bool {
        let is_refused = || error.code().is_some_and(|state| state.code() == "28000");
        self.is_preferred && (failure::is_of_tls(error) || is_refused())
    }

    /// The error of a connection that has not come about.
    pub(crate) fn failed(doing: &str, error: &tokio_postgres::Error) -> Error {
        failure::of(doing, error)
    }
}

fn client(verifier: Verifier) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(ErrorKind::Encryption, format!("set up encryption: {error}")))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}
