//! What a status means: one table for every service, because they agree on it.
//!
//! A service's own codes refine what a person is told to do ([`crate::Error::next_step`]). Where one decides what we
//! do, it says the same with any status.

use http::Method;
use jiff::Timestamp;

use super::{
    Reply,
    answer::Answer,
    body,
    error::Error,
    error_body,
    exchange::{Defect, Exchange},
    outage,
    retry_after::retry_after,
};

/// The service does not know any more where a listing had got to.
const LISTING_EXPIRED: &str = "SkipTokenIsNoLongerValid";

/// A reply as an answer, or as the error that its status means.
///
/// Sources: facts, Business Central §5.2; facts, Graph and Teams §1b and §5. What no table names is a fault of the
/// service, and those pass.
pub(crate) fn answer(reply: Reply) -> Result<Answer, Error> {
    let retry_after = retry_after(&reply.headers, reply.at);
    let status = reply.exchange.status.unwrap_or_default();
    if (200..300).contains(&status) {
        return success(reply);
    }
    let exchange = Box::new(reply.exchange);
    Err(match (status, exchange.code.as_deref()) {
        (_, Some(outage::TENANT_UNAVAILABLE)) => Error::Unavailable {
            exchange,
            retry_after,
        },
        (400..=499, Some(LISTING_EXPIRED)) => Error::Expired { exchange },
        (400, _) if error_body::asks_to_try_later(&reply.body) => Error::Busy { exchange },
        _ => by_status(status, exchange, retry_after),
    })
}

fn by_status(status: u16, exchange: Box<Exchange>, retry_after: Option<Timestamp>) -> Error {
    match status {
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
    }
}

/// A 2xx whose body nobody has looked into, unless it is plain that it is none of the service's.
fn success(reply: Reply) -> Result<Answer, Error> {
    let exchange = reply.exchange;
    if body::is_page(&reply.headers, &reply.body) {
        return Err(Error::garbled(exchange, Defect::Page));
    }
    // What is asked for is there; only what is done may be answered with nothing.
    if exchange.method == Method::GET && exchange.status == Some(200) && reply.body.is_empty() {
        return Err(Error::garbled(exchange, Defect::Empty));
    }
    Ok(Answer {
        exchange,
        headers: reply.headers,
        body: reply.body,
    })
}

#[cfg(test)]
mod tests;
