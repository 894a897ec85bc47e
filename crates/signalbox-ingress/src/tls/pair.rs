//! A certificate and its key in two files: read, checked against each other, and used whole or not at all.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::{
    self, InconsistentKeys,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
    sign::CertifiedKey,
};
use x509_cert::der::{self, Decode as _};

/// Where a certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// PEM: the server's own certificate, then those that lead to its authority.
    pub certificate: PathBuf,
    /// PEM: the private key.
    pub key: PathBuf,
}

/// A certificate with the key that belongs to it.
#[derive(Debug, Clone)]
pub struct Pair {
    pub(super) certified: Arc<CertifiedKey>,
    pub(super) print: Print,
    ends: Timestamp,
}

/// By this a pair is known again, without keeping the text of its key.
pub(super) type Print = [u8; 32];

/// Why a pair cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// One of the files cannot be read.
    #[error(
        "`ingress.tls.{setting}` names {path}, which cannot be read; correct the path, or let the user who runs the ingress read it"
    )]
    Unreadable {
        /// `certificate` or `key`.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds something else.
    #[error(
        "`ingress.tls.{setting}` names {path}, which holds no {what}; give a PEM file with `BEGIN {label}`"
    )]
    NotPem {
        /// `certificate` or `key`.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// How that begins.
        label: &'static str,
        /// What was found.
        source: pem::Error,
    },
    /// The certificate is damaged.
    #[error(
        "`ingress.tls.certificate` names {path}, whose first certificate cannot be read; issue it again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: der::Error,
    },
    /// The key belongs to another certificate.
    #[error(
        "the key in {key} (`ingress.tls.key`) does not belong to the first certificate in {certificate} (`ingress.tls.certificate`); put the server's own certificate first, and its own key beside it"
    )]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// TLS cannot work with the pair.
    #[error(
        "the key in {key} (`ingress.tls.key`) cannot be used with the certificate in {certificate}; issue both anew with an RSA, ECDSA or Ed25519 key"
    )]
    Unusable {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What TLS says.
        source: rustls::Error,
    },
}

impl Pair {
    /// Reads both files.
    pub async fn read(files: &CertificateFiles) -> Result<Self, PairError> {
        let certificate = contents("certificate", &files.certificate).await?;
        let key = contents("key", &files.key).await?;
        let print = Sha256::new()
            .chain_update(certificate.len().to_be_bytes())
            .chain_update(&certificate)
            .chain_update(&key);
        let chain = chain(files, &certificate)?;
        let ends = ends(&chain[0]).map_err(|source| PairError::Damaged {
            path: files.certificate.clone(),
            source,
        })?;
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(|source| PairError::NotPem {
            setting: "key",
            path: files.key.clone(),
            what: "private key",
            label: "PRIVATE KEY",
            source,
        })?;
        let certified = CertifiedKey::from_der(chain, key, &provider());
        let certified = certified.map_err(|error| unusable(files, error))?;
        Ok(Self {
            certified: Arc::new(certified),
            print: print.finalize().into(),
            ends,
        })
    }

    /// From when on nobody accepts the certificate any more.
    pub fn ends(&self) -> Timestamp {
        self.ends
    }
}

/// The cryptography of every connection that comes in; the one that requests go out with.
pub(super) fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

async fn contents(setting: &'static str, path: &Path) -> Result<Vec<u8>, PairError> {
    let read = tokio::fs::read(path).await;
    read.map_err(|source| PairError::Unreadable {
        setting,
        path: path.to_owned(),
        source,
    })
}

/// The certificates of a file, of which there is at least one.
fn chain(files: &CertificateFiles, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, PairError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let chain = chain.and_then(|chain| {
        if chain.is_empty() {
            Err(pem::Error::NoItemsFound)
        } else {
            Ok(chain)
        }
    });
    chain.map_err(|source| PairError::NotPem {
        setting: "certificate",
        path: files.certificate.clone(),
        what: "certificate",
        label: "CERTIFICATE",
        source,
    })
}

fn ends(certificate: &CertificateDer<'_>) -> Result<Timestamp, der::Error> {
    let certificate = x509_cert::Certificate::from_der(certificate)?;
    let validity = certificate.tbs_certificate.validity;
    let seconds = validity.not_after.to_unix_duration().as_secs();
    // What ends after the last instant that there is a name for does not end.
    let ends = i64::try_from(seconds).ok().map(Timestamp::from_second);
    Ok(ends.and_then(Result::ok).unwrap_or(Timestamp::MAX))
}

fn unusable(files: &CertificateFiles, error: rustls::Error) -> PairError {
    let (certificate, key) = (files.certificate.clone(), files.key.clone());
    match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            PairError::Mismatch { certificate, key }
        }
        source => PairError::Unusable {
            certificate,
            key,
            source,
        },
    }
}
