//! Why nothing was heard at the public address: TLS, time, DNS, or nobody there.

use std::{error::Error, fmt, io};

use tokio_rustls::rustls::{self, CertificateError};

/// Whether the certificate was refused only for who has signed it.
pub(super) fn is_from_unknown_authority(error: &reqwest::Error) -> bool {
    matches!(
        tls_error(error),
        Some(rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer
        ))
    )
}

/// Why there was no answer, most likely, and what to do.
pub(super) fn unanswered(error: &reqwest::Error) -> (&'static str, &'static str) {
    if let Some(error) = tls_error(error) {
        return untrusted(error);
    }
    if error.is_timeout() {
        return (
            "does not answer within the 5 s that Business Central waits",
            "see that the firewall lets port and host through, and that the proxy does not have to wake its backend",
        );
    }
    let text = format!("{}", Chain(error)).to_lowercase();
    if text.contains("dns") || text.contains("lookup") {
        return (
            "has no address in the DNS that this machine asks",
            "create the DNS record, or correct `ingress.public_url`",
        );
    }
    if text.contains("refused") {
        return (
            "takes no connections",
            "start the proxy, or `signalbox ingress` with `ingress.bind` on that port",
        );
    }
    (
        "cannot be asked",
        "check DNS, firewall and proxy on the way from here, `http.proxy` and `http.no_proxy` included",
    )
}

fn untrusted(error: &rustls::Error) -> (&'static str, &'static str) {
    use CertificateError as Bad;
    match error {
        rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => (
            "shows a certificate that has ended",
            "renew it; a running ingress uses new files without a restart",
        ),
        rustls::Error::InvalidCertificate(
            Bad::NotValidForName | Bad::NotValidForNameContext { .. },
        ) => (
            "shows a certificate for another name",
            "issue one for the host in `ingress.public_url`, or correct that",
        ),
        rustls::Error::InvalidCertificate(_) => (
            "shows a certificate that no public authority vouches for: it is self-signed, of a private authority, or an \
             intermediate certificate is missing",
            "use a certificate of a public authority, with all intermediate ones in the same file: Business Central trusts \
             no other",
        ),
        _ => (
            "does not speak TLS as it should",
            "set `[ingress.tls]`, or let the proxy end TLS on the port that `ingress.public_url` names",
        ),
    }
}

/// The complaint of TLS about what the other side has shown or said, if it was that.
fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // What an I/O error is made of is not its source, but what that comes from is.
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// An error with all of its sources.
pub(super) struct Chain<'a>(pub(super) &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            write!(f, ": {error}")?;
            next = error.source();
        }
        Ok(())
    }
}
