//! What a status means: one table for every service, because they agree on it.
//!
//! A service's own codes refine what a person is told to do ([`crate::Error::next_step`]), not what we do.

use super::{Reply, answer::Answer, error::Error, retry_after::retry_after};

/// A reply as an answer, or as the error that its status means.
///
/// Sources: facts, Business Central §5.2; facts, Graph and Teams §1b and §5. What no table names is a fault of the
/// service, and those pass.
pub(crate) fn answer(reply: Reply) -> Result<Answer, Error> {
    let retry_after = retry_after(&reply.headers, reply.at);
    let status = reply.exchange.status.unwrap_or_default();
    let exchange = Box::new(reply.exchange);
    Err(match status {
        200..=299 => {
            return Ok(Answer {
                exchange: *exchange,
                headers: reply.headers,
                body: reply.body,
            });
        }
        401 => Error::Unauthorized { exchange },
        403 => Error::Forbidden { exchange },
        404 | 410 => Error::NotFound { exchange },
        // The Connector's 412 means that two requests met in one conversation.
        409 | 412 | 423 => Error::Conflict { exchange },
        413 => Error::TooLarge { exchange },
        429 => Error::Throttled {
            exchange,
            retry_after,
        },
        // A redirect is not followed: it would take the token to a host that nobody configured.
        300..=407 | 411..=499 => Error::Rejected { exchange },
        _ => Error::Unavailable {
            exchange,
            retry_after,
        },
    })
}

#[cfg(test)]
mod tests;
