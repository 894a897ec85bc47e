//! Whom cards mention: the roles of a route resolved to names and e-mail addresses.
//!
//! Only what a route that announces the record mentions is looked up, and Business Central is asked for it once an
//! hour. That somebody is not known is no reason to keep a card back.

mod kept;

use signalbox_config::Mention;
use signalbox_core::{JobError, Person, Record};
use signalbox_microsoft::{Contact, Error};
use uuid::Uuid;

use crate::{
    Context, Route, Source,
    announce::{Announcement, field},
    way::Way,
};

use self::kept::Kept;
pub(crate) use self::kept::People;

/// Whom an announcement mentions.
#[derive(Debug, Default)]
pub(crate) struct Mentioned {
    /// Those who are known.
    pub(crate) people: Vec<Person>,
    /// Roles in which nobody is known, each with the reason.
    nobody: Vec<String>,
}

impl Mentioned {
    /// For the trail, which holds no names: the roles that somebody is mentioned in, and those in which nobody is.
    pub(crate) fn told(&self) -> String {
        let roles: Vec<&str> = self.people.iter().map(|one| &*one.role).collect();
        let mentions = (!roles.is_empty()).then(|| format!("mentions {}", roles.join(", ")));
        let told: Vec<String> = mentions.into_iter().chain(self.nobody.clone()).collect();
        told.join("; ")
    }
}

/// Adds to an announcement by `route`, of a record of that company, whom the route mentions.
///
/// # Errors
/// What the service could not be asked for now. What it does not know, or does not let us see, is no error.
pub(crate) async fn added(
    context: &Context,
    (source, company): (&Source, Uuid),
    way: &Way<'_>,
    route: &Route,
    announcement: Announcement,
) -> Result<Announcement, JobError> {
    if route.mention.is_empty() {
        return Ok(announcement);
    }
    let asking = Asking {
        context,
        source,
        company,
        way,
    };
    let mentioned = asking.of(route, &announcement.post.fields).await?;
    Ok(announcement.mentioning(mentioned))
}

/// A question about people.
struct Asking<'a> {
    context: &'a Context,
    source: &'a Source,
    company: Uuid,
    way: &'a Way<'a>,
}

impl Asking<'_> {
    /// Whom `route` mentions about the record with these fields.
    async fn of(&self, route: &Route, record: &Record) -> Result<Mentioned, JobError> {
        let mut mentioned = Mentioned::default();
        for mention in &route.mention {
            let role = match mention {
                Mention::Address(_) => "address",
                role => role.as_str(),
            };
            match self.who(mention, route, record).await? {
                Ok(who) => mentioned.people.push(Person {
                    role: role.to_owned(),
                    name: who.name,
                    email: who.email,
                }),
                Err(why) => mentioned
                    .nobody
                    .push(format!("nobody is mentioned as {role}: {why}")),
            }
        }
        Ok(mentioned)
    }

    /// Who that is, or why nobody is.
    async fn who(
        &self,
        mention: &Mention,
        route: &Route,
        record: &Record,
    ) -> Result<Result<Contact, String>, JobError> {
        match mention {
            Mention::Address(address) => Ok(Ok(Contact {
                name: String::new(),
                email: address.clone(),
            })),
            Mention::Employee if route.set == "employees" => Ok(employee(record)),
            Mention::Employee => Ok(Err("the record is no employee".to_owned())),
            Mention::Purchaser => self.by_code(field(record, "purchaser")).await,
            Mention::Salesperson => {
                let names = ["salesperson", "salespersonCode"].map(|name| field(record, name));
                let code = names.into_iter().find(|code| !code.is_empty());
                self.by_code(code.unwrap_or_default()).await
            }
            Mention::VendorContact if route.set == "vendors" => {
                self.of_vendor(field(record, "id")).await
            }
            Mention::VendorContact => self.of_vendor(field(record, "vendorId")).await,
        }
    }

    async fn by_code(&self, code: &str) -> Result<Result<Contact, String>, JobError> {
        if code.is_empty() {
            return Ok(Err("the record names none".to_owned()));
        }
        let (people, now) = (&self.source.people, self.context.clock.now());
        let hour = self.context.scaled(kept::HOUR);
        let known = match people.salesperson(self.company, code, now, hour) {
            Kept::Somebody(contact) => Some(contact),
            Kept::Nobody => None,
            Kept::Nothing => {
                let errand = self.way.errand();
                let asked = self.source.client.salespeople(self.company, errand).await;
                let table = self.visible(asked).await?.unwrap_or_default();
                people.keep_salespeople(self.company, table, code, now)
            }
        };
        Ok(match known {
            None => Err(format!("Business Central knows no `{code}`")),
            Some(known) if known.email.is_empty() => Err(format!("`{code}` has no e-mail address")),
            Some(known) => Ok(known),
        })
    }

    async fn of_vendor(&self, vendor: &str) -> Result<Result<Contact, String>, JobError> {
        let Ok(vendor) = vendor.parse::<Uuid>() else {
            return Ok(Err("the record names no vendor".to_owned()));
        };
        let (people, now) = (&self.source.people, self.context.clock.now());
        let hour = self.context.scaled(kept::HOUR);
        let known = match people.contact(self.company, vendor, now, hour) {
            Kept::Somebody(contact) => Some(contact),
            Kept::Nobody => None,
            Kept::Nothing => {
                let (client, errand) = (&self.source.client, self.way.errand());
                let asked = client.vendor_contact(self.company, vendor, errand).await;
                let contact = self.visible(asked).await?.flatten();
                people.keep_contact(self.company, vendor, contact.clone(), now);
                contact
            }
        };
        Ok(known.ok_or_else(|| "the vendor has no e-mail address".to_owned()))
    }

    /// What was answered; `None` if the application may not see it or this environment does not have it.
    async fn visible<T>(&self, asked: Result<T, Error>) -> Result<Option<T>, JobError> {
        let error = match asked {
            Ok(answer) => return Ok(Some(answer)),
            Err(error) => error,
        };
        let hidden = match error {
            Error::Forbidden { .. } => true,
            Error::NotFound { .. } | Error::Rejected { .. } => !error.is_connection_fault(),
            _ => false,
        };
        if !hidden {
            return Err(self.way.fault(error).await);
        }
        let error: &dyn std::error::Error = &error;
        tracing::warn!(
            error,
            connection = %self.source.connection,
            "people cannot be looked up; cards go out without mentioning them"
        );
        Ok(None)
    }
}

/// An employee record has its own address, the one at the company.
fn employee(record: &Record) -> Result<Contact, String> {
    let email = field(record, "email").to_owned();
    if email.is_empty() {
        return Err("the employee has no e-mail address".to_owned());
    }
    let name = field(record, "displayName").to_owned();
    Ok(Contact { name, email })
}
