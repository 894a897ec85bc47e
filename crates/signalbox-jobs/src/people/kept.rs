//! What is known of people for an hour, so that a card costs no request for them.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use signalbox_microsoft::{Contact, Salesperson};
use uuid::Uuid;

/// How long it is believed.
pub(super) const HOUR: Duration = Duration::from_secs(3600);
/// Contacts of more vendors than this are not kept at once.
const MOST_CONTACTS: usize = 10_000;

/// What is kept of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kept {
    /// Nothing that is believed still.
    Nothing,
    /// That there is nobody.
    Nobody,
    /// Who it is.
    Somebody(Contact),
}

impl From<Option<Contact>> for Kept {
    fn from(contact: Option<Contact>) -> Self {
        contact.map_or(Self::Nobody, Self::Somebody)
    }
}

/// What one environment has told of people.
#[derive(Debug, Default)]
pub(crate) struct People(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// By company.
    salespeople: HashMap<Uuid, Table>,
    /// By company and vendor; `None` where nobody can be written to.
    contacts: HashMap<(Uuid, Uuid), (Timestamp, Option<Contact>)>,
}

/// All salespeople and purchasers of a company.
#[derive(Debug)]
struct Table {
    at: Timestamp,
    by_code: HashMap<String, Contact>,
    /// Codes that the table was read for once more and did not have.
    missing: BTreeSet<String>,
}

impl People {
    /// Who has this code.
    pub(super) fn salesperson(
        &self,
        company: Uuid,
        code: &str,
        now: Timestamp,
        hour: Duration,
    ) -> Kept {
        let (known, code) = (self.known(), folded(code));
        let table = known.salespeople.get(&company);
        let Some(table) = table.filter(|table| is_fresh(table.at, now, hour)) else {
            return Kept::Nothing;
        };
        match table.by_code.get(&code) {
            Some(contact) => Kept::Somebody(contact.clone()),
            None if table.missing.contains(&code) => Kept::Nobody,
            None => Kept::Nothing,
        }
    }

    /// Keeps a table that was read because of `code`, and says who has that.
    pub(super) fn keep_salespeople(
        &self,
        company: Uuid,
        table: Vec<Salesperson>,
        code: &str,
        now: Timestamp,
    ) -> Option<Contact> {
        let by_code: HashMap<String, Contact> = table
            .into_iter()
            .map(|one| {
                let contact = Contact {
                    name: one.display_name,
                    email: one.email,
                };
                (folded(&one.code), contact)
            })
            .collect();
        let mut known = self.known();
        let old = known.salespeople.remove(&company);
        let mut missing = old.map(|old| old.missing).unwrap_or_default();
        missing.insert(folded(code));
        missing.retain(|code| !by_code.contains_key(code));
        let found = by_code.get(&folded(code)).cloned();
        let table = Table {
            at: now,
            by_code,
            missing,
        };
        known.salespeople.insert(company, table);
        found
    }

    /// Whom to write to at a vendor.
    pub(super) fn contact(
        &self,
        company: Uuid,
        vendor: Uuid,
        now: Timestamp,
        hour: Duration,
    ) -> Kept {
        match self.known().contacts.get(&(company, vendor)) {
            Some((at, contact)) if is_fresh(*at, now, hour) => contact.clone().into(),
            _ => Kept::Nothing,
        }
    }

    pub(super) fn keep_contact(
        &self,
        company: Uuid,
        vendor: Uuid,
        contact: Option<Contact>,
        now: Timestamp,
    ) {
        let mut known = self.known();
        if known.contacts.len() >= MOST_CONTACTS {
            known.contacts.clear();
        }
        known.contacts.insert((company, vendor), (now, contact));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_fresh(at: Timestamp, now: Timestamp, hour: Duration) -> bool {
    Duration::try_from(now.duration_since(at)).is_ok_and(|age| age < hour)
}

/// Business Central writes its codes in capitals, and whoever types them need not.
fn folded(code: &str) -> String {
    code.trim().to_uppercase()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use signalbox_microsoft::Salesperson;
    use uuid::Uuid;

    use super::{HOUR, Kept, People};

    fn table(codes: &[&str]) -> Vec<Salesperson> {
        let person = |code: &&str| Salesperson {
            code: (*code).to_owned(),
            display_name: format!("Name of {code}"),
            email: format!("{code}@contoso.example"),
        };
        codes.iter().map(person).collect()
    }

    /// Who has `code`, in a word.
    fn known(people: &People, code: &str, now: Timestamp) -> &'static str {
        match people.salesperson(Uuid::nil(), code, now, HOUR) {
            Kept::Nothing => "ask",
            Kept::Nobody => "nobody",
            Kept::Somebody(_) => "somebody",
        }
    }

    #[test]
    fn a_table_is_believed_for_an_hour_and_a_missing_code_is_asked_for_once_in_it() {
        let (people, now) = (People::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(known(&people, "RB", now), "ask");
        let found = people.keep_salespeople(Uuid::nil(), table(&["RB"]), "rb", now);
        assert_eq!(found.unwrap().email, "RB@contoso.example");
        assert_eq!(known(&people, "RB", now), "somebody");
        assert_eq!(known(&people, "LM", now), "ask");
        assert!(
            people
                .keep_salespeople(Uuid::nil(), table(&["RB"]), "LM", now)
                .is_none()
        );
        assert_eq!(known(&people, "LM", now), "nobody");
        assert_eq!(known(&people, "LM", now + HOUR), "ask");
        assert_eq!(known(&people, "RB", now + HOUR), "ask");
        people.keep_salespeople(Uuid::nil(), table(&["RB", "LM"]), "XX", now);
        assert_eq!(known(&people, "LM", now), "somebody");
        assert_eq!(known(&people, "XX", now), "nobody");
    }

    #[test]
    fn that_a_vendor_has_nobody_is_believed_as_long() {
        let (people, now) = (People::default(), Timestamp::UNIX_EPOCH);
        let (company, vendor) = (Uuid::nil(), Uuid::from_u128(1));
        assert_eq!(people.contact(company, vendor, now, HOUR), Kept::Nothing);
        people.keep_contact(company, vendor, None, now);
        assert_eq!(people.contact(company, vendor, now, HOUR), Kept::Nobody);
        assert_eq!(
            people.contact(company, vendor, now + HOUR, HOUR),
            Kept::Nothing
        );
    }
}
