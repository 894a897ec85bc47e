//! What a person should do about an error: by the service's own code where it is known, else by meaning.
//!
//! Sources: facts, Graph and Teams §1b (the Connector's codes); facts, Business Central §5.2, §5.3 and §1.3.

use std::borrow::Cow;

use crate::http::error::Error;

/// Codes whose cause is known, in alphabetical order.
const BY_CODE: &[(&str, &str)] = &[
    (
        "209",
        "the app was blocked or removed there; install it again or change the route's target",
    ),
    (
        "ActivityNotFoundInConversation",
        "the message is gone; nothing is left to change there",
    ),
    (
        "Application_TooManyRequests",
        "wait: it is tried again by itself; if it lasts, lower the connection's limits",
    ),
    (
        "Authentication_InvalidCredentials",
        "in Business Central, open Microsoft Entra Applications, add this client id, set it to Enabled and give it permission sets such as D365 READ",
    ),
    (
        "BotDisabledByAdmin",
        "allow the app in the Teams admin center, under Manage apps and its permission policy",
    ),
    (
        "BotNotInConversationRoster",
        "install the app in the team: in Teams, Manage team, Apps, or upload its package",
    ),
    (
        "BotNotRegistered",
        "register a bot for this client id (Azure Bot, or Teams Developer Portal) and turn its Teams channel on",
    ),
    (
        "ConversationBlockedByUser",
        "the app was blocked there; ask for it to be allowed or change the route's target",
    ),
    (
        "ConversationNotFound",
        "the channel is gone or was made anew; check the route's team and channel",
    ),
    (
        "ForbiddenOperationException",
        "install the app for that person, then try again",
    ),
    (
        "Internal_CompanyNotFound",
        "the company does not exist in this environment; check the connection's company",
    ),
    (
        "Internal_TenantUnavailable",
        "wait: the environment is being updated or is suspended; the admin center shows which",
    ),
    (
        "InvalidBotApiHost",
        "this tenant lives in another cloud; set the connection's cloud or its service URL",
    ),
    (
        "MessageSizeTooBig",
        "shorten the card: fewer lines, shorter texts",
    ),
    (
        "NoEnvironment",
        "there is no environment of this name; it may have been renamed, check the connection's environment",
    ),
    (
        "NotEnoughPermissions",
        "give the app the permission that this action needs, and consent to it",
    ),
    (
        "SkipTokenIsNoLongerValid",
        "nothing: the listing changed under us and is started again",
    ),
];

/// What a person should do about `error`.
pub(crate) fn next_step(error: &Error) -> Cow<'static, str> {
    if let Error::NoToken { source } = error {
        return source.next_step();
    }
    let known = error.code().and_then(|code| {
        BY_CODE
            .binary_search_by_key(&code, |(known, _)| known)
            .ok()
            .map(|index| BY_CODE[index].1)
    });
    Cow::Borrowed(known.unwrap_or_else(|| by_meaning(error)))
}

fn by_meaning(error: &Error) -> &'static str {
    match error {
        Error::AmbiguousName { .. } => "use the id of the one that is meant instead of its name",
        Error::CardTooLarge { .. } | Error::TooLarge { .. } => {
            "shorten what is sent: fewer lines, shorter texts, smaller pages"
        }
        Error::Conflict { .. } => "nothing: it is tried again with the present state",
        Error::Expired { .. } => "nothing: the listing is begun again",
        Error::Forbidden { .. } => {
            "give the app the permission or permission set that this request needs, and consent to it"
        }
        Error::Garbled { .. } => {
            "check the connection's base URL and whether a proxy changes answers; else report it with the request id"
        }
        Error::Interrupted { .. } | Error::OutOfTime { .. } => {
            "wait: it is tried again by itself; if it lasts, look at the network and the service's health page"
        }
        Error::NotFound { .. } => "check the base URL, the environment and the ids in the path",
        Error::NoToken { .. } | Error::Unauthorized { .. } => {
            "check that the credential belongs to this tenant and that the app is registered and enabled there"
        }
        Error::Rejected { .. } => {
            "read the message: the request does not fit this version of the service or its data"
        }
        Error::Held { .. } => "wait: the lane opens by itself, unless a person has paused it",
        Error::Busy { .. } | Error::Throttled { .. } => {
            "wait: it is tried again by itself; if it lasts, lower the connection's limits"
        }
        Error::Unavailable { .. } => {
            "wait: it is tried again by itself; if it lasts over two hours, look at the service's health page"
        }
        Error::UnknownName {
            kind: "environment",
            ..
        } => {
            "it may have been renamed: write its present name as the connection's environment, and restart the roles"
        }
        Error::UnknownName { .. } => "correct the name in the configuration, or use the id instead",
        Error::Unreachable { .. } => {
            "check the base URL, DNS, the proxy settings and the firewall; for TLS, `http.ca_file`"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::BY_CODE;

    #[test]
    fn codes_are_in_the_order_that_the_search_needs() {
        assert!(BY_CODE.is_sorted_by_key(|(code, _)| code));
    }
}
