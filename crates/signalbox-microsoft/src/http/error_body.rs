//! Reads the body of an error answer in any of the shapes that the services use, or none.

use serde_json::Value;

/// The longest message that is kept, in characters.
const MESSAGE_LIMIT: usize = 400;
/// Business Central puts its correlation id behind this word (facts, Business Central §5.3).
const CORRELATION: &str = "CorrelationId:";

/// How Business Central asks for the same request at another time, in lower case.
const TRY_LATER: &str = "please try again later";

/// What an error's body says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ErrorBody {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) request_id: Option<String>,
}

/// Reads `{"error":{"code","message"}}`, and the Connector's flat `{"errorCode","message"}`.
///
/// Gateways answer HTML or nothing; that is no text for people and is left out.
pub(crate) fn read(body: &[u8]) -> ErrorBody {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return ErrorBody::default();
    };
    let error = body.get("error").unwrap_or(&body);
    let code = error.get("code").or_else(|| error.get("errorCode"));
    let inner_id = error.pointer("/innerError/request-id");
    let (message, correlation) = error
        .get("message")
        .and_then(Value::as_str)
        .map_or((None, None), split_message);
    ErrorBody {
        code: code.map(text).filter(|code| !code.is_empty()),
        message,
        request_id: inner_id.map(text).or(correlation),
    }
}

/// Whether the message asks for the same request at another time, in any case of letters.
///
/// Business Central says so with a 400 when it has no room for a request (facts, Business Central §5.2). The message
/// is looked at whole: its end is what is kept of it least.
pub(crate) fn asks_to_try_later(body: &[u8]) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return false;
    };
    let error = body.get("error").unwrap_or(&body);
    let message = error.get("message").and_then(Value::as_str);
    message.is_some_and(|message| message.to_lowercase().contains(TRY_LATER))
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A message without the correlation id at its end, and that id.
fn split_message(message: &str) -> (Option<String>, Option<String>) {
    let (message, id) = match message.rsplit_once(CORRELATION) {
        Some((message, id)) => (message, Some(id.trim().trim_end_matches('.').to_owned())),
        None => (message, None),
    };
    // Sentences of ours go on after it, so the full stop goes.
    let message = message.trim().trim_end_matches('.');
    let message = message.chars().take(MESSAGE_LIMIT).collect::<String>();
    (Some(message).filter(|message| !message.is_empty()), id)
}

#[cfg(test)]
mod tests {
    use super::{ErrorBody, MESSAGE_LIMIT, asks_to_try_later, read};

    fn check(body: &str, code: Option<&str>, message: Option<&str>, request_id: Option<&str>) {
        let expected = ErrorBody {
            code: code.map(str::to_owned),
            message: message.map(str::to_owned),
            request_id: request_id.map(str::to_owned),
        };
        assert_eq!(read(body.as_bytes()), expected, "{body}");
    }

    #[test]
    fn every_services_shape_is_read() {
        check(
            r#"{"error":{"code":"Internal_CompanyNotFound","message":"Cannot find company.  CorrelationId:  7fbe0bac-b30b-4c26-aa52-653622f9cce2."}}"#,
            Some("Internal_CompanyNotFound"),
            Some("Cannot find company"),
            Some("7fbe0bac-b30b-4c26-aa52-653622f9cce2"),
        );
        check(
            r#"{"error":{"code":"Forbidden","message":"no","innerError":{"request-id":"r1"}}}"#,
            Some("Forbidden"),
            Some("no"),
            Some("r1"),
        );
        check(
            r#"{"errorCode":209,"message":"{\"subCode\":\"MessageWritesBlocked\"}"}"#,
            Some("209"),
            Some(r#"{"subCode":"MessageWritesBlocked"}"#),
            None,
        );
    }

    #[test]
    fn a_message_that_asks_to_try_later_is_known_in_any_case_and_before_its_correlation_id() {
        let long = "x".repeat(MESSAGE_LIMIT);
        for message in [
            "The server is busy. Please try again later.  CorrelationId:  7fbe0bac-b30b-4c26-aa52-653622f9cce2.",
            "PLEASE TRY AGAIN LATER",
            &format!("{long} Please Try Again Later."),
        ] {
            let body = serde_json::json!({"error": {"code": "Unknown", "message": message}});
            assert!(asks_to_try_later(body.to_string().as_bytes()), "{message}");
        }
        for body in [
            "",
            "<html>Please try again later</html>",
            r#"{"error":{"code":"BadRequest","message":"try another date"}}"#,
        ] {
            assert!(!asks_to_try_later(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn what_a_gateway_says_is_left_out() {
        check("<html>Bad Gateway</html>", None, None, None);
        check("", None, None, None);
        check("[]", None, None, None);
        check(r#"{"error":"invalid_client"}"#, None, None, None);
    }
}
