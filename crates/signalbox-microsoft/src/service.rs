//! A sender together with the credential and scope of one service: what every client is built on.

use std::sync::Arc;

use http::Method;
use url::Url;

use crate::{
    entra::TokenSource,
    http::{
        Sender,
        answer::Answer,
        call::{Call, Credential},
        errand::Errand,
        error::Error,
    },
};

/// One service, asked with one credential.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) sender: Sender,
    pub(crate) tokens: Arc<TokenSource>,
    pub(crate) scope: String,
}

impl Service {
    /// A call that carries this service's token.
    pub(crate) fn call<'a>(&'a self, method: Method, url: Url, errand: Errand<'a>) -> Call<'a> {
        let mut call = Call::new(method, url, errand);
        call.credential = Some(Credential {
            tokens: &self.tokens,
            scope: &self.scope,
        });
        call
    }

    pub(crate) async fn send(&self, call: Call<'_>) -> Result<Answer, Error> {
        self.sender.send(call).await
    }
}

/// `base` with `segments` appended, percent-encoded. A slash at the end of `base` makes no difference.
pub(crate) fn join<'a>(base: &Url, segments: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn segments_are_appended_and_encoded_with_or_without_a_slash() {
        for base in ["https://host/v2.0", "https://host/v2.0/"] {
            let url = join(&base.parse().unwrap(), ["My Env/1", "companies(7f)"]);
            assert_eq!(url.as_str(), "https://host/v2.0/My%20Env%2F1/companies(7f)");
        }
    }
}
