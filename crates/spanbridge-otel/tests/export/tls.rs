//! Receivers with TLS.

use crate::support::*;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use spanbridge_otel::{Exporter, Telemetry};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::time::Duration;

// Made with openssl, for `localhost` and 127.0.0.1, and valid for a hundred years.
const ROOT: &str = include_str!("certificates/ca.pem");
const CERTIFICATE: &str = include_str!("certificates/leaf.pem");
const KEY: &str = include_str!("certificates/leaf.key");

/// Takes everything over TLS, and says for each request whether a certificate was shown.
fn receiver(asks: bool) -> (String, mpsc::Receiver<bool>) {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(CERTIFICATE.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let builder = if asks {
        let mut roots = RootCertStore::empty();
        CertificateDer::pem_slice_iter(ROOT.as_bytes()).for_each(|root| roots.add(root.unwrap()).unwrap());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let config = Arc::new(builder.with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/v1/traces", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut reader = BufReader::new(StreamOwned::new(connection, stream.unwrap()));
            let mut length = 0;
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear()
            }
            if length == 0 || reader.read_exact(&mut vec![0; length]).is_err() {
                continue;
            }
            let shown = reader.get_ref().conn.peer_certificates().is_some();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            reader.get_mut().write_all(answer).unwrap();
            if tell.send(shown).is_err() {
                return;
            }
        }
    });
    (url, told)
}

#[test]
fn a_receiver_with_tls_is_trusted_by_its_root() {
    for asks in [false, true] {
        let (url, told) = receiver(asks);
        let exporter = Exporter::url(url).root_certificates(ROOT);
        let exporter = if asks { exporter.client_certificate(CERTIFICATE, KEY) } else { exporter };
        let counter = exporter.counter();
        let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
        record(&recorder, &["a"]);
        flush(&recorder);
        assert_eq!((counts(&counter), told.recv_timeout(LONG)), ([1, 0, 0, 0], Ok(asks)));
    }
}

/// The roots of the web do not vouch for it. It may have a better certificate later, but nothing is sent until then.
#[test]
fn who_nobody_vouches_for_gets_nothing() {
    let (url, told) = receiver(false);
    let exporter = Exporter::url(url);
    let counter = exporter.counter();
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    record(&recorder, &["a"]);
    let flushed = recorder.flush(LONG);
    let error = until("an error", || counter.counts().last_error);
    assert!(error.contains("certificate"), "{error}");
    assert!(!recorder.shutdown(Duration::from_millis(100)).complete || counts(&counter) == [0, 1, 0, 0]);
    drop(flushed);
    assert!(told.try_recv().is_err());
}
