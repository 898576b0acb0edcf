//! Whether a server's certificate is good enough.

use super::failure::GIVE_ROOTS;
use crate::error::{Error, ErrorKind};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error as TlsError, OtherError, RootCertStore, SignatureScheme};

/// Root certificates.
#[derive(Debug)]
pub(super) struct Roots {
    anchors: RootCertStore,
    all: Vec<CertificateDer<'static>>,
}

impl Roots {
    pub(super) fn of_file(file: &str) -> Result<Self, Error> {
        let failed = |why: &dyn std::fmt::Display| {
            Error::new(ErrorKind::Url, format!("read root certificates in {file:?}: {why}"))
        };
        let certificates = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let roots = Roots::of(certificates.map_err(|error| failed(&error))?);
        if roots.anchors.is_empty() { Err(failed(&"there is none").advice(GIVE_ROOTS)) } else { Ok(roots) }
    }

    pub(super) fn of_system() -> Result<Self, Error> {
        let loaded = rustls_native_certs::load_native_certs();
        let roots = Roots::of(loaded.certs);
        match roots.anchors.is_empty() {
            false => Ok(roots),
            true => {
                let why = loaded.errors.first().map_or("there are none".to_owned(), ToString::to_string);
                let message = format!("read the root certificates of the system: {why}");
                Err(Error::new(ErrorKind::Encryption, message).advice(GIVE_ROOTS))
            }
        }
    }

    fn of(all: Vec<CertificateDer<'static>>) -> Self {
        let mut anchors = RootCertStore::empty();
        anchors.add_parsable_certificates(all.iter().cloned());
        Roots { anchors, all }
    }
}

/// Looks at certificates of servers.
#[derive(Debug)]
pub(super) struct Verifier {
    /// `None`: any certificate will do.
    roots: Option<Roots>,
    verifies_name: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    /// Takes any certificate: who listens to the connection reads nothing, but who is in the middle of it does.
    pub(super) fn any() -> Self {
        Verifier::of(None, false)
    }

    /// Takes those that were issued by one of these.
    pub(super) fn chain(roots: Roots) -> Self {
        Verifier::of(Some(roots), false)
    }

    /// Takes those that were issued by one of these for the host.
    pub(super) fn full(roots: Roots) -> Self {
        Verifier::of(Some(roots), true)
    }

    fn of(roots: Option<Roots>, verifies_name: bool) -> Self {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        Verifier { roots, verifies_name, algorithms }
    }
}

/// Whether a certificate was refused as one of a server only because it may issue others. The error is of a type that is not exported.
fn may_issue(why: &OtherError) -> bool {
    format!("{why:?}").contains("CaUsedAsEndEntity")
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let Some(roots) = &self.roots else { return Ok(ServerCertVerified::assertion()) };
        let parsed = ParsedCertificate::try_from(certificate)?;
        let all = self.algorithms.all;
        let issued = verify_server_cert_signed_by_trust_anchor(&parsed, &roots.anchors, intermediates, now, all);
        let is_root = roots.all.iter().any(|root| root == certificate);
        match issued {
            // A certificate that has issued itself may be given as the root. That it may issue others, too, is no reason to refuse it.
            // Whether it has expired is looked at before.
            Err(TlsError::InvalidCertificate(CertificateError::Other(why))) if is_root && may_issue(&why) => {}
            issued => issued?,
        }
        if self.verifies_name {
            verify_server_name(&parsed, name)?
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
