//! What an AADSTS number asks of a person (facts, Graph and Teams §7). For people only: numbers may change.

use std::borrow::Cow;

const CONSENT: &str = "let an administrator consent to the app's permissions in this tenant";
const POLICY: &str =
    "a Conditional Access policy blocks this app; exclude it or allow this machine's address";
const SCOPE: &str = "the scope names no resource of this tenant; check the connection's cloud and base URLs, and that the service is in use in this tenant";
const WRONG_CLOUD: &str = "the tenant lives in another Microsoft cloud; set `cloud` to it";
const WRONG_SECRET: &str = "the client secret is wrong; paste the secret's value, not its id";
const WRONG_TENANT: &str = "the app is not known in this tenant; check `tenant_id` and `client_id`, and consent to the app there";

/// Numbers and what to do, in ascending order.
const HINTS: &[(u32, &str)] = &[
    (50_001, SCOPE),
    (
        50_012,
        "the certificate's signature is not accepted; upload the certificate that is used",
    ),
    (
        50_013,
        "the assertion is not accepted; check this machine's clock",
    ),
    (
        50_196,
        "the same token was asked for too often; wait some minutes and look for a second process with this credential",
    ),
    (53_000, POLICY),
    (53_001, POLICY),
    (53_002, POLICY),
    (53_003, POLICY),
    (65_001, CONSENT),
    (
        70_001,
        "the app is disabled; enable it in Microsoft Entra, Enterprise applications",
    ),
    (
        70_011,
        "the scope is not valid; it must be one resource followed by `/.default`",
    ),
    (
        90_002,
        "there is no such tenant in this cloud; check `tenant_id` and `cloud`",
    ),
    (90_038, WRONG_CLOUD),
    (90_094, CONSENT),
    (500_011, SCOPE),
    (530_032, POLICY),
    (530_035, POLICY),
    (
        650_052,
        "the organisation has no subscription to this service, or has disabled it",
    ),
    (650_056, CONSENT),
    (650_057, SCOPE),
    (700_011, WRONG_TENANT),
    (700_016, WRONG_TENANT),
    (
        700_022,
        "one token serves one resource; ask for the scopes one by one",
    ),
    (
        700_027,
        "the certificate's signature is not accepted; upload the certificate that is used",
    ),
    (
        900_144,
        "the request lacks a parameter; check that `client_id` and the secret are set",
    ),
    (900_382, WRONG_CLOUD),
    (900_432, WRONG_CLOUD),
    (1_002_012, "the scope must end in `/.default`"),
    (
        7_000_112,
        "the app is disabled; enable it in Microsoft Entra, Enterprise applications",
    ),
    (7_000_215, WRONG_SECRET),
    (
        7_000_218,
        "the client secret is missing; set it in the credential",
    ),
    (
        7_000_222,
        "the client secret has expired; make a new one in Microsoft Entra and put it into the credential",
    ),
    (
        9_001_023,
        "a daemon needs the tenant's own id in `tenant_id`, not `common`",
    ),
];

/// What a person should do about `aadsts`.
pub(super) fn hint(aadsts: Option<u32>) -> Cow<'static, str> {
    let Some(number) = aadsts else {
        return "check the credential's tenant, client id and secret".into();
    };
    let known = HINTS.binary_search_by_key(&number, |(known, _)| *known);
    known.map_or_else(
        |_| {
            format!("look the number up at https://login.microsoftonline.com/error?code={number}")
                .into()
        },
        |index| HINTS[index].1.into(),
    )
}

#[cfg(test)]
mod tests {
    use super::{HINTS, WRONG_SECRET, hint};

    #[test]
    fn known_numbers_have_their_hint_and_others_a_place_to_look() {
        assert!(HINTS.is_sorted_by_key(|(number, _)| number));
        assert_eq!(hint(Some(7_000_215)), WRONG_SECRET);
        assert!(hint(Some(12_345)).contains("code=12345"));
        assert!(hint(None).contains("tenant"));
    }
}
