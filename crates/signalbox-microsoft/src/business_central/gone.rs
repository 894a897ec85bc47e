//! Tells a record that is gone from a company, a set or an environment that is not there.
//!
//! All of them are 404, and dropping a signal because of a renamed environment would lose it.
//! Sources: facts, Business Central §5.2 and §5.3.

use crate::http::error::Error;

/// Whether `error` says that the record of `set` is gone, and nothing but that.
pub(super) fn is_gone(error: &Error, set: &str) -> bool {
    let Error::NotFound { exchange } = error else {
        return false;
    };
    match exchange.code.as_deref() {
        Some("Internal_RecordNotFound" | "Internal_DataNotFoundFilter") => true,
        // Said of unknown segments, and in practice of unknown records too; the message tells which.
        Some("BadRequest_ResourceNotFound") => exchange
            .message
            .as_deref()
            .and_then(segment)
            .is_none_or(|segment| segment == set),
        // `NoEnvironment`, `Internal_CompanyNotFound`, and whatever a gateway says.
        _ => false,
    }
}

/// The segment that a message such as `Resource not found for the segment 'vendorz'` names.
fn segment(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("segment '")?;
    let (segment, _) = rest.split_once('\'')?;
    segment.split('(').next()
}

#[cfg(test)]
mod tests {
    use http::Method;
    use uuid::Uuid;

    use super::is_gone;
    use crate::http::{error::Error, exchange::Exchange};

    fn check(code: Option<&str>, message: Option<&str>, expected: bool) {
        let error = Error::NotFound {
            exchange: Box::new(Exchange {
                method: Method::GET,
                host: "host".to_owned(),
                path: "/".to_owned(),
                status: Some(404),
                code: code.map(str::to_owned),
                message: message.map(str::to_owned),
                request_id: Uuid::nil(),
                upstream_request_id: None,
            }),
        };
        assert_eq!(is_gone(&error, "purchaseInvoices"), expected, "{error}");
    }

    #[test]
    fn only_a_missing_record_is_gone() {
        let resource = Some("BadRequest_ResourceNotFound");
        check(Some("Internal_RecordNotFound"), None, true);
        check(resource, None, true);
        check(
            resource,
            Some("Resource not found for the segment 'purchaseInvoices'"),
            true,
        );
        check(
            resource,
            Some("Resource not found for the segment 'vendorz'"),
            false,
        );
        check(
            Some("NoEnvironment"),
            Some("Environment does not exist"),
            false,
        );
        check(Some("Internal_CompanyNotFound"), None, false);
        check(None, None, false);
    }
}
