//! The handshake: a POST with an empty body to the URL with `validationToken` appended;
//! the answer must be 200 and the token alone. It runs inside the caller's own request.

use std::time::Duration;

use http::{StatusCode, header};
use uuid::Uuid;

use super::refuse;
use crate::errors::Refusal;
use crate::state::Shared;

/// A receiver on a busy machine gets at least so long, however fast time runs.
const LEAST: Duration = Duration::from_secs(2);

/// Asks the subscriber to prove itself.
pub(super) async fn handshake(shared: &Shared, url: &str) -> Result<(), Refusal> {
    let token = Uuid::new_v4().simple().to_string();
    let joint = if url.contains('?') { '&' } else { '?' };
    let timeout = shared.config.scaled(shared.config.handshake_timeout);
    let request = shared
        .http
        .post(format!("{url}{joint}validationToken={token}"))
        .header(header::CONTENT_LENGTH, 0)
        .timeout(timeout.max(LEAST));
    let proven = async {
        let answer = request.send().await.ok()?;
        let ok = answer.status() == StatusCode::OK;
        let body = answer.bytes().await.ok()?;
        (ok && body == token.as_bytes()).then_some(())
    };
    proven.await.ok_or_else(|| {
        refuse(
            StatusCode::BAD_REQUEST,
            "Application_DialogException",
            "The notification URL did not answer the validation request with the validation token.",
        )
    })
}
