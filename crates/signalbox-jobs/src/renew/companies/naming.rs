//! Which companies are meant, when names may have moved on. Pure.
//!
//! What a name stands for is kept by id. A company that is called otherwise now goes on; a name that stands for another
//! company now leads to that one, which is a new company with a baseline of its own, so that nothing old is announced.

use std::collections::{BTreeMap, BTreeSet};

use signalbox_config::{Companies, Company};
use signalbox_core::KnownCompany;
use signalbox_microsoft::{Company as Listed, Error, company_by_id, company_by_name};
use uuid::Uuid;

/// A company that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) id: Uuid,
    pub(super) name: String,
    /// What the configuration calls it.
    pub(super) configured: Option<String>,
}

/// Why a company is not followed any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) reason: String,
    /// Whether that is what the configuration says.
    pub(super) is_dismissed: bool,
}

/// Something for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Telling {
    pub(super) text: String,
    pub(super) needs_a_person: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) named: Vec<Named>,
    pub(super) left: BTreeMap<Uuid, Left>,
    pub(super) tellings: Vec<Telling>,
    /// Why one is not found.
    pub(super) error: Option<Error>,
}

/// Finds the companies that `wanted` means among `listed`. `known` is what was found before.
pub(super) fn follow(wanted: &Companies, listed: &[Listed], known: &[KnownCompany]) -> Found {
    let mut found = Found::default();
    let named = match wanted {
        Companies::All => {
            found.named = listed.iter().map(|one| named(one, None)).collect();
            if listed.is_empty() {
                found.error = Some(none_at_all());
            }
            &Vec::new()
        }
        Companies::Named(named) => named,
    };
    for one in named {
        match one {
            Company::Id(id) => found.follow_id(*id, listed),
            Company::Name(name) => found.follow_name(name, listed, known),
        }
    }
    let mut seen = BTreeSet::new();
    found.named.retain(|one| seen.insert(one.id));
    found.leave_the_rest(listed, known);
    found
}

fn named(company: &Listed, configured: Option<String>) -> Named {
    Named {
        id: company.id,
        name: company.name.clone(),
        configured,
    }
}

fn none_at_all() -> Error {
    Error::UnknownName {
        kind: "company",
        name: "all".to_owned(),
        known: Vec::new(),
    }
}

impl Found {
    fn follow_id(&mut self, id: Uuid, listed: &[Listed]) {
        match company_by_id(listed, id) {
            Ok(company) => self.named.push(named(company, Some(id.to_string()))),
            Err(error) => self.miss(error),
        }
    }

    fn follow_name(&mut self, name: &str, listed: &[Listed], known: &[KnownCompany]) {
        let before = known
            .iter()
            .filter(|one| one.left.is_none())
            .find(|one| one.configured.as_deref() == Some(name));
        let still = before.and_then(|one| company_by_id(listed, one.address.company).ok());
        let configured = Some(name.to_owned());
        match (company_by_name(listed, name), before, still) {
            (Ok(company), Some(before), _) if before.address.company != company.id => {
                self.replace(name, before, company.id, still);
                self.named.push(named(company, configured));
            }
            (Ok(company), ..) => self.named.push(named(company, configured)),
            (Err(_), _, Some(renamed)) => {
                self.tellings.push(Telling {
                    text: format!(
                        "the company `{name}` is called `{}` now and goes on under its id; write \
                         `{}` in place of its old name into the configuration",
                        renamed.name, renamed.name
                    ),
                    needs_a_person: false,
                });
                self.named.push(named(renamed, configured));
            }
            (Err(error), ..) => self.miss(error),
        }
    }

    /// The name stands for another company than before.
    fn replace(&mut self, name: &str, before: &KnownCompany, now: Uuid, still: Option<&Listed>) {
        let old = before.address.company;
        let why = match still {
            Some(still) => format!("that one is called `{}` now", still.name),
            None => "that one is gone: it was made anew, or the environment is a copy".to_owned(),
        };
        let reason = format!(
            "the name `{name}` stands for the company {now} and not for {old} any more; {why}. The new one is \
             followed as a new company: what exists in it is taken as known. To follow the old one as well, add its \
             id to the connection's companies"
        );
        self.tellings.push(Telling {
            text: reason.clone(),
            needs_a_person: true,
        });
        let left = Left {
            reason,
            is_dismissed: false,
        };
        self.left.insert(old, left);
    }

    fn miss(&mut self, error: Error) {
        self.tellings.push(Telling {
            text: format!("a company is not followed: {error}; {}", error.next_step()),
            needs_a_person: true,
        });
        self.error.get_or_insert(error);
    }

    /// What was followed and is not any more.
    fn leave_the_rest(&mut self, listed: &[Listed], known: &[KnownCompany]) {
        for one in known.iter().filter(|one| one.left.is_none()) {
            let id = one.address.company;
            if self.named.iter().any(|named| named.id == id) || self.left.contains_key(&id) {
                continue;
            }
            let is_dismissed = listed.iter().any(|listed| listed.id == id);
            let reason = if is_dismissed {
                "the configuration does not name it any more".to_owned()
            } else {
                format!(
                    "the application does not see the company `{}` any more: it was deleted, or the application's \
                     permission sets do not reach it; if it is gone for good, take it out of the configuration",
                    one.name
                )
            };
            self.left.insert(
                id,
                Left {
                    reason,
                    is_dismissed,
                },
            );
        }
    }
}

#[cfg(test)]
mod tests;
