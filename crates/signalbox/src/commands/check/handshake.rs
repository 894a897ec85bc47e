//! The public address, asked as Business Central asks it before it believes a subscription.
//!
//! An empty POST with `validationToken` in the query must be answered 200 with that token, within 5 s, and over a
//! certificate of a public authority (facts, Business Central §2.2). It is asked from this machine, wherever the ingress
//! runs; that a firewall lets the outside in is therefore not proved.

mod judge;
mod silence;

use std::time::{Duration, Instant};

use signalbox_config::{Config, Connection};
use signalbox_jobs::{ConnectError, sender_options};
use signalbox_microsoft::SenderOptions;
use uuid::Uuid;

use self::judge::{Heard, judge};
use super::Finding;

/// What Business Central waits for an answer, as far as is known.
const PATIENCE: Duration = Duration::from_secs(5);
/// A token is short; a page that stands in its place need not be read to its end.
const MOST_READ: usize = 4096;

/// What the public address answers, if there is one.
pub(super) async fn finding(config: &Config) -> Option<Finding> {
    let url = config.ingress.public_url.as_ref()?;
    let url = url.as_str();
    let ask = Ask {
        url: format!("{url}/hooks/business-central/{}/check", connection(config)),
        token: Uuid::new_v4().simple().to_string(),
    };
    Some(match ask.twice(config).await {
        Ok((heard, private)) => judge(url, &ask.token, &heard, private),
        Err(error) => Finding::of_error(judge::SUBJECT, &error.into(), "correct `[http]`"),
    })
}

/// Every path below the hook answers a handshake; this is the one that a subscription would have.
fn connection(config: &Config) -> &str {
    let found = config.connections.iter().find_map(|(name, connection)| {
        matches!(connection, Connection::BusinessCentral(_)).then_some(name.as_str())
    });
    found.unwrap_or("check")
}

struct Ask {
    url: String,
    token: String,
}

impl Ask {
    /// Without the authorities of `http.ca_file`, as Business Central knows none of them; if that fails for a
    /// certificate that nobody known vouches for, with them. True if only they made it work.
    async fn twice(&self, config: &Config) -> Result<(Heard, bool), ConnectError> {
        let options = sender_options(&config.http, PATIENCE)?;
        let public = SenderOptions {
            extra_roots: None,
            ..options.clone()
        };
        let heard = self.once(&public).await?;
        if options.extra_roots.is_none() || !heard.is_from_unknown_authority() {
            return Ok((heard, false));
        }
        // Should something else be wrong as well, that is told first.
        Ok((self.once(&options).await?, true))
    }

    async fn once(&self, options: &SenderOptions) -> Result<Heard, ConnectError> {
        let request = options
            .client()?
            .post(&self.url)
            .query(&[("validationToken", &self.token)])
            .header("content-length", 0)
            .timeout(PATIENCE);
        let started = Instant::now();
        let mut answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return Ok(Heard::Nothing(error.without_url())),
        };
        let location = answer.headers().get("location").cloned();
        let mut body = Vec::new();
        while body.len() < MOST_READ {
            match answer.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => return Ok(Heard::Nothing(error.without_url())),
            }
        }
        Ok(Heard::Answer {
            status: answer.status().as_u16(),
            location: location.map(|to| String::from_utf8_lossy(to.as_bytes()).into_owned()),
            body,
            took: started.elapsed(),
        })
    }
}
