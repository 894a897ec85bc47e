//! Where traces are sent: the address of an OpenTelemetry collector.

use std::fmt;

use serde::Deserialize;
use url::Url;

/// Below the address, where OTLP over HTTP takes traces.
const TRACES: &str = "v1/traces";

/// The base address of a collector that takes OTLP over HTTP.
///
/// It may be unencrypted: a collector stands in the same network, and a trace carries no secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct OtlpEndpoint(Url);

/// Why a text is not the address of a collector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OtlpEndpointError {
    /// Not an address at all.
    #[error("is not an address; write it in full, for example `http://localhost:4318`")]
    NotAnAddress(#[source] url::ParseError),
    /// Another protocol, as of OTLP over gRPC.
    #[error(
        "is not spoken to over HTTP; begin with `http://` or `https://`, usually with the port 4318"
    )]
    NotHttp,
    /// Something that cannot be the beginning of another address.
    #[error("must end after its path; leave out user, `?…` and `#…`")]
    NotABase,
}

impl OtlpEndpoint {
    /// The address to which traces are posted.
    pub fn traces(&self) -> Url {
        let mut url = self.0.clone();
        let base = url.path().trim_end_matches('/');
        let path = match base.strip_suffix(TRACES) {
            Some(base) => format!("{base}{TRACES}"),
            None => format!("{base}/{TRACES}"),
        };
        url.set_path(&path);
        url
    }
}

impl TryFrom<String> for OtlpEndpoint {
    type Error = OtlpEndpointError;

    fn try_from(text: String) -> Result<Self, OtlpEndpointError> {
        let url = Url::parse(&text).map_err(OtlpEndpointError::NotAnAddress)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(OtlpEndpointError::NotHttp);
        }
        let bare = url.query().is_none() && url.fragment().is_none();
        if bare && url.username().is_empty() && url.password().is_none() {
            Ok(Self(url))
        } else {
            Err(OtlpEndpointError::NotABase)
        }
    }
}

impl fmt::Display for OtlpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::OtlpEndpoint;

    fn check(text: &str, expected: Option<&str>) {
        let endpoint = OtlpEndpoint::try_from(text.to_owned()).ok();
        let traces = endpoint.map(|endpoint| endpoint.traces().to_string());
        assert_eq!(traces.as_deref(), expected, "{text}");
    }

    #[test]
    fn traces_go_below_the_address_of_the_collector() {
        check(
            "http://collector:4318",
            Some("http://collector:4318/v1/traces"),
        );
        check(
            "https://example.com/otlp/",
            Some("https://example.com/otlp/v1/traces"),
        );
        check(
            "http://localhost:4318/v1/traces",
            Some("http://localhost:4318/v1/traces"),
        );
    }

    #[test]
    fn what_is_no_base_over_http_is_refused() {
        check("grpc://collector:4317", None);
        check("localhost:4318", None);
        check("https://me:pw@example.com", None);
        check("https://example.com?token=x", None);
    }
}
