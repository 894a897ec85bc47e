//! People whom records name by a code or by their company: salespeople and purchasers, and the contacts of vendors.

use http::Method;
use serde::Deserialize;
use serde_json::Value;
use signalbox_core::Record;
use url::Url;
use uuid::Uuid;

use super::{BusinessCentral, gone};
use crate::{
    http::{errand::Errand, error::Error},
    odata::{Intent, pages::Pages, query::with_query},
    service::join,
};

/// The set of salespeople and purchasers.
const SALESPEOPLE: &str = "salespeoplePurchasers";
/// So many contacts of a vendor are asked for their e-mail addresses, the first.
const CONTACTS: usize = 20;

/// A salesperson or a purchaser (facts, Business Central §3.19).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Salesperson {
    /// What documents name.
    pub code: String,
    /// The name.
    #[serde(default)]
    pub display_name: String,
    /// The e-mail address; empty if there is none.
    #[serde(default)]
    pub email: String,
}

/// Whom to write to at another company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Vendor {
    display_name: String,
    email: String,
    contacts_information: Vec<Information>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Information {
    contact_id: Uuid,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContactRecord {
    r#type: String,
    display_name: String,
    email: String,
}

impl BusinessCentral {
    /// All salespeople and purchasers of a company. There are few of them.
    pub async fn salespeople(
        &self,
        company: Uuid,
        errand: Errand<'_>,
    ) -> Result<Vec<Salesperson>, Error> {
        let url = self.people_url(company, SALESPEOPLE);
        let url = with_query(url, &[("$select", "code,displayName,email")]);
        let records = self.list(url, errand).await?;
        Ok(records.into_iter().filter_map(read).collect())
    }

    /// Whom to write to at a vendor: a person among its contacts, else a contact, else the vendor's own address; `None`
    /// if none has an address or the vendor is gone.
    pub async fn vendor_contact(
        &self,
        company: Uuid,
        vendor: Uuid,
        errand: Errand<'_>,
    ) -> Result<Option<Contact>, Error> {
        let options = [
            ("$select", "displayName,email"),
            ("$expand", "contactsInformation($select=contactId)"),
        ];
        let url = self.people_url(company, &format!("vendors({vendor})"));
        let call = self
            .service
            .call(Method::GET, with_query(url, &options), errand);
        let vendor: Vendor = match self.service.send(call).await {
            Err(error) if gone::is_gone(&error, "vendors") => return Ok(None),
            answer => answer?.json()?,
        };
        let ids = vendor.contacts_information.iter().map(|one| one.contact_id);
        let ids: Vec<Uuid> = ids.filter(|id| !id.is_nil()).take(CONTACTS).collect();
        let by_contact = self.contacts(company, &ids, errand).await?;
        let own = Contact {
            name: vendor.display_name,
            email: vendor.email,
        };
        Ok(by_contact.or_else(|| Some(own).filter(|own| !own.email.is_empty())))
    }

    async fn contacts(
        &self,
        company: Uuid,
        ids: &[Uuid],
        errand: Errand<'_>,
    ) -> Result<Option<Contact>, Error> {
        if ids.is_empty() {
            return Ok(None);
        }
        let filter: Vec<String> = ids.iter().map(|id| format!("id eq {id}")).collect();
        let filter = filter.join(" or ");
        let options = [
            ("$filter", filter.as_str()),
            ("$select", "id,type,displayName,email"),
        ];
        let url = with_query(self.people_url(company, "contacts"), &options);
        let contacts = self.list(url, errand).await?;
        let contacts = contacts.into_iter().filter_map(read::<ContactRecord>);
        let mut reachable: Vec<_> = contacts.filter(|one| !one.email.is_empty()).collect();
        // A person before the company that the person works for.
        reachable.sort_by_key(|one| one.r#type != "Person");
        Ok(reachable.into_iter().next().map(|one| Contact {
            name: one.display_name,
            email: one.email,
        }))
    }

    fn people_url(&self, company: Uuid, segment: &str) -> Url {
        let company = format!("companies({company})");
        join(&self.base, [company.as_str(), segment])
    }

    async fn list(&self, url: Url, errand: Errand<'_>) -> Result<Vec<Record>, Error> {
        let pages = Pages::new(self.service.clone(), url, None, Intent::ReadOnly);
        pages.all(errand).await
    }
}

fn read<T: for<'de> Deserialize<'de>>(record: Record) -> Option<T> {
    serde_json::from_value(Value::Object(record)).ok()
}
