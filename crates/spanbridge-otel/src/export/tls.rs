//! Whom to trust, and who we are, beyond the usual.

use crate::error::{Error, ErrorKind, Result};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

/// Certificates as PEM.
#[derive(Clone, Default)]
pub(super) struct Certificates {
    /// Whom to trust instead of the roots of the web.
    pub(super) roots: Option<Vec<u8>>,
    /// The chain of ours, and its key.
    pub(super) own: Option<(Vec<u8>, Vec<u8>)>,
}

impl Certificates {
    pub(super) fn config(&self) -> Result<TlsConfig> {
        let mut config = TlsConfig::builder();
        if let Some(roots) = &self.roots {
            config = config.root_certs(RootCerts::new_with_certs(&certificates(roots)?));
        }
        if let Some((chain, key)) = &self.own {
            let key = PrivateKey::from_pem(key).map_err(|_| error("the client's key is not a key as PEM"))?;
            config = config.client_cert(Some(ClientCert::new_with_certs(&certificates(chain)?, key)));
        }
        Ok(config.build())
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>> {
    let items = parse_pem(pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
        Ok(_) => None,
        Err(_) => Some(Err(error("a certificate is not valid PEM"))),
    });
    let all = items.collect::<Result<Vec<_>>>()?;
    match all.is_empty() {
        true => Err(error("there is no certificate in the PEM")),
        false => Ok(all),
    }
}

fn error(what: &'static str) -> Error {
    Error::set_up(ErrorKind::Certificate, what)
}
