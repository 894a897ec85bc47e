//! TLS in the ingress itself: version 1.2 or 1.3, HTTP/1.1, and a certificate that may be replaced while it is used.
//!
//! What is looked at is what the files hold, so a pair may be replaced by writing, by renaming and by turning a link.
//! A new pair that cannot be used changes nothing: the one before it serves on, and a person is told.

mod pair;

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use signalbox_core::Clock;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
    },
};
use tokio_util::sync::CancellationToken;

use pair::Print;
pub use pair::{CertificateFiles, Pair, PairError};

/// A certificate that ends sooner than this is warned of.
pub const EXPIRY_NOTICE: Duration = Duration::from_secs(14 * 86_400);
/// How often it is warned of.
const REMINDER: Duration = Duration::from_secs(86_400);

/// What connections that come in are encrypted with. Clones share the certificate.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
}

/// Looks whether the pair was replaced.
#[derive(Debug)]
pub struct TlsWatch {
    files: CertificateFiles,
    shown: Arc<Shown>,
    used: Print,
    ends: Timestamp,
    /// What was wrong with the files at the last look, and whether it was told.
    trouble: Option<(String, bool)>,
    reminded_at: Option<Timestamp>,
}

/// The certificate that new connections are shown.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl Tls {
    /// Reads the pair, which must be good, and returns with it what has to run to notice its replacement.
    pub async fn open(files: CertificateFiles) -> Result<(Self, TlsWatch), PairError> {
        let pair = Pair::read(&files).await?;
        let shown = Arc::new(Shown(RwLock::new(pair.certified.clone())));
        let versions = ServerConfig::builder_with_provider(Arc::new(pair::provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider can do both versions of TLS");
        let mut config = versions
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let watch = TlsWatch {
            files,
            shown,
            used: pair.print,
            ends: pair.ends(),
            trouble: None,
            reminded_at: None,
        };
        let config = Arc::new(config);
        Ok((Self { config }, watch))
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.clone())
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(…)")
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(shown.clone())
    }
}

impl TlsWatch {
    /// Looks every so often until `stop`.
    pub async fn run(mut self, every: Duration, clock: Arc<dyn Clock>, stop: CancellationToken) {
        loop {
            self.remind(clock.now());
            let pause = stop.run_until_cancelled(tokio::time::sleep(every));
            if pause.await.is_none() {
                return;
            }
            self.look().await;
        }
    }

    /// Uses the pair that is in the files now, if it is another one and can be used.
    async fn look(&mut self) {
        match Pair::read(&self.files).await {
            Ok(pair) if pair.print == self.used => self.trouble = None,
            Ok(pair) => {
                self.used = pair.print;
                self.ends = pair.ends();
                (self.trouble, self.reminded_at) = (None, None);
                *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = pair.certified;
                tracing::info!(tls.ends = %self.ends, "a new certificate is used");
            }
            Err(error) => self.complain(&error),
        }
    }

    /// Tells of a pair that cannot be used, once, and not before the second look: between the two files of a pair
    /// that is just being replaced there is always a moment in which they do not fit together.
    fn complain(&mut self, error: &PairError) {
        let text = error.to_string();
        let seen = self.trouble.take().filter(|(before, _)| *before == text);
        if matches!(seen, Some((_, false))) {
            tracing::error!(
                error = error as &dyn std::error::Error,
                tls.ends = %self.ends,
                "the new certificate cannot be used; the one before it serves on until it ends"
            );
        }
        let told = seen.is_some();
        self.trouble = Some((text, told));
    }

    fn remind(&mut self, now: Timestamp) {
        let left = self.ends.duration_since(now);
        let recent = self
            .reminded_at
            .is_some_and(|at| now.duration_since(at).unsigned_abs() < REMINDER);
        if recent || left.is_positive() && left.unsigned_abs() >= EXPIRY_NOTICE {
            return;
        }
        self.reminded_at = Some(now);
        let path = self.files.certificate.display();
        if left.is_positive() {
            let days = left.as_hours() / 24;
            tracing::warn!(
                tls.ends = %self.ends,
                "the certificate in {path} ends in {days} days; renew it, the new one is used without a restart"
            );
        } else {
            tracing::error!(
                tls.ends = %self.ends,
                "the certificate in {path} has ended and no sender accepts it; renew it, the new one is used without a \
                 restart"
            );
        }
    }
}
