//! How connections are made: over rustls with the system's roots, without redirects, and by the settings alone.

use std::time::Duration;

use url::Url;

/// How long an unused connection is kept. Front doors close theirs after a minute or more, and a request on a
/// connection that is just being closed is lost in a way that nobody can tell from a request that was heard.
const KEEP_UNUSED: Duration = Duration::from_secs(45);

/// The settings of a sender.
#[derive(Debug, Clone)]
pub struct SenderOptions {
    /// The connection that requests are counted for.
    pub connection: String,
    /// The time to connect, TLS included.
    pub connect_timeout: Duration,
    /// The time for a request and its whole answer, unless the call says otherwise.
    pub request_timeout: Duration,
    /// The proxy for every request.
    pub proxy: Option<Url>,
    /// Hosts that are not asked through the proxy, separated by commas.
    pub no_proxy: Option<String>,
    /// PEM certificates that are trusted beside the system's roots.
    pub extra_roots: Option<Vec<u8>>,
    /// What the `User-Agent` header says.
    pub user_agent: String,
}

impl Default for SenderOptions {
    fn default() -> Self {
        Self {
            connection: String::new(),
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(60),
            proxy: None,
            no_proxy: None,
            extra_roots: None,
            user_agent: concat!("signalbox/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl SenderOptions {
    /// A client by these settings, for what is asked of nobody's service: it adds no token, takes no permit and follows
    /// no redirect.
    pub fn client(&self) -> Result<reqwest::Client, SenderError> {
        build(self)
    }
}

/// Why there is no sender.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// The extra roots are not PEM certificates.
    #[error("the extra root certificates cannot be read; give a PEM file with `BEGIN CERTIFICATE`")]
    Roots(#[source] reqwest::Error),
    /// The proxy's URL cannot be used.
    #[error("the proxy cannot be used; give a URL such as http://proxy.example.com:3128")]
    Proxy(#[source] reqwest::Error),
    /// TLS could not be set up.
    #[error(
        "the HTTP client cannot be set up; check that the system's root certificates can be read"
    )]
    Client(#[source] reqwest::Error),
}

pub(super) fn build(options: &SenderOptions) -> Result<reqwest::Client, SenderError> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(options.connect_timeout)
        .pool_idle_timeout(KEEP_UNUSED)
        .redirect(reqwest::redirect::Policy::none())
        // Trying again is decided where the permit is taken, never down here.
        .retry(reqwest::retry::never())
        .tcp_nodelay(true)
        .user_agent(&options.user_agent);
    if let Some(pem) = &options.extra_roots {
        let roots = reqwest::Certificate::from_pem_bundle(pem).map_err(SenderError::Roots)?;
        builder = builder.tls_certs_merge(roots);
    }
    builder = match &options.proxy {
        Some(url) => builder.proxy(proxy(url, options.no_proxy.as_deref())?),
        None => builder.no_proxy(),
    };
    builder.build().map_err(SenderError::Client)
}

fn proxy(url: &Url, no_proxy: Option<&str>) -> Result<reqwest::Proxy, SenderError> {
    let proxy = reqwest::Proxy::all(url.clone()).map_err(SenderError::Proxy)?;
    Ok(proxy.no_proxy(no_proxy.and_then(reqwest::NoProxy::from_string)))
}

#[cfg(test)]
mod tests {
    use super::{SenderError, SenderOptions, build};

    #[test]
    fn settings_that_cannot_work_are_refused_when_the_sender_is_made() {
        let roots = SenderOptions {
            extra_roots: Some(b"-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----".into()),
            ..SenderOptions::default()
        };
        assert!(matches!(
            build(&roots),
            Err(SenderError::Roots(_) | SenderError::Client(_))
        ));
        assert!(build(&SenderOptions::default()).is_ok());
    }
}
