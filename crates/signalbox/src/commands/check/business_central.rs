//! What can be asked of Business Central without changing anything: whose token it takes, which environments and
//! companies there are, whether every set that a route needs may be read, and whether it may be subscribed to.

use signalbox_config::{Companies, Company};
use signalbox_jobs::{Context, Source};
use signalbox_microsoft::{
    Company as Listed, CompanyKey, Errand, TokenClaims, company_by_id, company_by_name,
};

use super::{Finding, online::trouble};

/// The permission that every request needs (facts, Business Central §1.2).
const ROLE: &str = "API.ReadWrite.All";

/// What is found out about `source`. What cannot work without the thing before it is not asked.
pub(super) async fn findings(context: &Context, source: &Source) -> Vec<Finding> {
    let (connection, environment) = (&source.connection, &source.environment);
    let subject = format!("connections.{connection}");
    let listed = source.client.companies(Errand::default()).await;
    let token = token(source, &format!("{subject} token")).await;
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => {
            let refused = trouble(subject, &error);
            return [refused].into_iter().chain(token).collect();
        }
    };
    let seen = format!("`{environment}` shows {} companies", listed.len());
    let mut findings = vec![Finding::ok(&subject, seen)];
    findings.extend(token);
    let (companies, unknown) = chosen(source, &listed, &subject);
    findings.extend(unknown);
    for company in companies {
        let what = format!("the company `{}` of `{environment}` is there", company.name);
        findings.push(Finding::ok(&subject, what));
        findings.extend(sets(context, source, company).await);
    }
    findings.push(subscriptions(source, &format!("{subject} subscriptions")).await);
    findings
}

/// What the token says: a connection can have one and still be refused everything.
async fn token(source: &Source, subject: &str) -> Option<Finding> {
    let claims = match source.client.token_claims().await {
        Ok(claims) => claims?,
        // Told with the first request, which says what to do about it.
        Err(_) => return None,
    };
    Some(judge_token(&claims, source.client.scope(), subject))
}

fn judge_token(claims: &TokenClaims, scope: &str, subject: &str) -> Finding {
    let wanted = scope.trim_end_matches("/.default");
    // The audience may also be the service's application id, which says nothing to compare with.
    let is_uri = claims.audience.contains("://");
    if is_uri && claims.audience.trim_end_matches('/') != wanted.trim_end_matches('/') {
        return Finding::trouble(
            subject,
            format!("the token is for {}, not for {wanted}", claims.audience),
            "set `cloud` to the cloud that the tenant lives in, or remove `authority` from the credential",
        );
    }
    if !claims.roles.iter().any(|role| role == ROLE) {
        let roles = match claims.roles.as_slice() {
            [] => "none".to_owned(),
            roles => roles.join(", "),
        };
        return Finding::trouble(
            subject,
            format!("the token lacks the application permission `{ROLE}`; it has {roles}"),
            format!(
                "in Entra, add `{ROLE}` of Dynamics 365 Business Central as an application permission and grant \
                 admin consent"
            ),
        );
    }
    Finding::ok(subject, format!("the token carries `{ROLE}`"))
}

/// The companies that the configuration means, and what is said about those that are not there.
fn chosen<'a>(
    source: &Source,
    listed: &'a [Listed],
    subject: &str,
) -> (Vec<&'a Listed>, Vec<Finding>) {
    let Companies::Named(named) = &source.companies else {
        return (listed.iter().collect(), Vec::new());
    };
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for wanted in named {
        let company = match wanted {
            Company::Id(id) => company_by_id(listed, *id),
            Company::Name(name) => company_by_name(listed, name),
        };
        match company {
            Ok(company) => found.push(company),
            Err(error) => unknown.push(trouble(subject.to_owned(), &error)),
        }
    }
    (found, unknown)
}

/// Whether each set that a route needs may be read in `company`.
async fn sets(context: &Context, source: &Source, company: &Listed) -> Vec<Finding> {
    let mut findings = Vec::new();
    let key = CompanyKey {
        id: company.id,
        name: &company.name,
    };
    for name in context.routes.sets_of(&source.connection) {
        let Some(set) = source.entities.get(name) else {
            continue;
        };
        let mut listing = source.client.changed(set, key, None, 1);
        let said = format!("connections.{} {name}", source.connection);
        let where_ = format!("in `{}` of `{}`", company.name, source.environment);
        findings.push(match listing.next(Errand::default()).await {
            Ok(_) => Finding::ok(said, format!("may be read {where_}")),
            Err(error) => {
                let finding = trouble(said, &error);
                Finding {
                    cause: format!("cannot be read {where_}: {}", finding.cause),
                    ..finding
                }
            }
        });
    }
    findings
}

/// Listing is as much as can be asked: to make one, Business Central must reach the ingress.
async fn subscriptions(source: &Source, subject: &str) -> Finding {
    let listed = source.client.subscriptions().list(Errand::default()).await;
    let listed = match listed {
        Ok(listed) => listed.len(),
        Err(error) => {
            let finding = trouble(subject.to_owned(), &error);
            return Finding {
                cause: format!("subscriptions cannot be listed: {}", finding.cause),
                ..finding
            };
        }
    };
    let (most, environment) = (source.max_subscriptions, &source.environment);
    let said = format!("{listed} of {most} subscriptions of `{environment}` are taken");
    if listed < most {
        return Finding::ok(subject, said);
    }
    Finding::warning(
        subject,
        said,
        "entities without a subscription are polled; remove subscriptions that nobody needs, or raise \
         `max_subscriptions` if the environment allows more",
    )
}

#[cfg(test)]
mod tests {
    use super::{TokenClaims, judge_token};

    const SCOPE: &str = "https://api.businesscentral.dynamics.com/.default";

    fn said(audience: &str, roles: &[&str]) -> String {
        let claims = TokenClaims {
            audience: audience.to_owned(),
            roles: roles.iter().map(ToString::to_string).collect(),
            application: None,
            tenant: None,
        };
        judge_token(&claims, SCOPE, "erp").cause
    }

    #[test]
    fn a_token_for_another_service_or_without_the_permission_is_told_from_a_good_one() {
        let good = "https://api.businesscentral.dynamics.com";
        assert!(said(good, &["API.ReadWrite.All"]).contains("carries"));
        assert!(
            said(
                "996def3d-b36c-4153-8607-a6fd3c01b89f",
                &["API.ReadWrite.All"]
            )
            .contains("carries")
        );
        assert!(said("https://graph.microsoft.com", &["API.ReadWrite.All"]).contains("is for"));
        let lacking = said(good, &["Automation.ReadWrite.All"]);
        assert!(
            lacking.contains("lacks") && lacking.contains("Automation"),
            "{lacking}"
        );
        assert!(said(good, &[]).contains("none"));
    }
}
