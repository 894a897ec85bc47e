//! What a subscriber asks for, and what of it can be had.
//!
//! A resource may be absolute, rooted or relative; its route must be that of the
//! `subscriptions` it is sent to, and its set one that the environment offers.

use http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use super::refuse;
use crate::business_central::erp::Subscription;
use crate::clock;
use crate::errors::Refusal;
use crate::state::Shared;

/// Longest client state. Source: subscriptions page of the API docs, 2026.
const MAX_CLIENT_STATE: usize = 2_048;

/// The body of a creation or a renewal.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Wish {
    notification_url: Option<String>,
    resource: Option<String>,
    client_state: Option<String>,
}

fn bad(message: &str) -> Refusal {
    refuse(StatusCode::BAD_REQUEST, "BadRequest", message)
}

/// The subscription that is asked for, not yet proven.
pub(super) fn wished(shared: &Shared, route: &str, body: &[u8]) -> Result<Subscription, Refusal> {
    let wish: Wish =
        serde_json::from_slice(body).map_err(|_| bad("The request body is not valid."))?;
    if wish.notification_url.is_none() || wish.resource.is_none() {
        return Err(bad("notificationUrl and resource must be provided."));
    }
    let mut subscription = Subscription::blank();
    subscription.apply(shared, route, wish)?;
    Ok(subscription)
}

/// Company and set of a resource; the set as subscriptions name it.
fn parse_resource(route: &str, resource: &str) -> Option<(Uuid, String)> {
    let (before, rest) = resource.split_once("companies(")?;
    let before = before.trim_end_matches('/').trim_start_matches('/');
    if !before.is_empty() && before != route && !before.ends_with(&format!("/{route}")) {
        return None;
    }
    let (company, set) = rest.split_once(")/")?;
    let set = match route.strip_prefix("api/") {
        Some("v2.0") => set.to_owned(),
        Some(custom) => format!("{custom}/{set}"),
        None => return None,
    };
    Some((company.parse().ok()?, set))
}

impl Subscription {
    /// One that says nothing yet, under an id of its own.
    pub(super) fn blank() -> Self {
        let now = clock::now();
        Self {
            id: Uuid::new_v4().simple().to_string(),
            url: String::new(),
            resource: String::new(),
            company: Uuid::nil(),
            set: String::new(),
            client_state: String::new(),
            expires: now,
            created: now,
            modified: now,
            version: 0,
            pending: Vec::new(),
            withheld: Vec::new(),
        }
    }

    /// Takes over what the wish names, as far as it can be had.
    pub(super) fn apply(
        &mut self,
        shared: &Shared,
        route: &str,
        wish: Wish,
    ) -> Result<(), Refusal> {
        if let Some(url) = wish.notification_url {
            if reqwest::Url::parse(&url).is_err() {
                return Err(bad("notificationUrl is not a valid URL."));
            }
            self.url = url;
        }
        if let Some(resource) = wish.resource {
            let parsed = parse_resource(route, &resource);
            let (company, set) = parsed.ok_or_else(|| bad("The resource is not supported."))?;
            self.aim(shared, route, company, set)?;
        }
        if let Some(state) = wish.client_state {
            if state.len() > MAX_CLIENT_STATE {
                return Err(bad("clientState is too long."));
            }
            self.client_state = state;
        }
        Ok(())
    }

    fn aim(
        &mut self,
        shared: &Shared,
        route: &str,
        company: Uuid,
        set: String,
    ) -> Result<(), Refusal> {
        let world = shared.world();
        if world.erp.company(company).is_none() || !world.erp.webhooks.offers(&set) {
            return Err(bad("The resource is not supported."));
        }
        let name = set.rsplit('/').next().unwrap_or(&set);
        let path = format!("{route}/companies({company})/{name}");
        let root = format!(
            "{}/bc/v2.0/{}/{}",
            shared.base_url,
            shared.config.tenant,
            world.environment()
        );
        self.resource = shared.config.resource_form.of(&path, &root);
        (self.company, self.set) = (company, set);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPANY: &str = "70c0c603-f4f9-ef11-9344-6045bdc8c234";

    fn set(route: &str, before: &str) -> Option<String> {
        let resource = format!("{before}companies({COMPANY})/vendors");
        parse_resource(route, &resource).map(|(_, set)| set)
    }

    #[test]
    fn a_resource_is_relative_rooted_or_absolute() {
        let absolute = "https://api.example.com/v2.0/t/Production/api/v2.0/";
        for before in ["", "api/v2.0/", "/api/v2.0/", absolute] {
            assert_eq!(set("api/v2.0", before).as_deref(), Some("vendors"));
        }
    }

    #[test]
    fn a_resource_lies_under_the_route_it_is_sent_to() {
        let custom = "api/contoso/finance/v1.0";
        let name = Some("contoso/finance/v1.0/vendors");
        assert_eq!(set(custom, "").as_deref(), name);
        assert_eq!(set(custom, "/api/contoso/finance/v1.0/").as_deref(), name);
        assert_eq!(set(custom, "/api/v2.0/"), None);
        assert_eq!(set("api/v2.0", "/api/contoso/finance/v1.0/"), None);
    }
}
