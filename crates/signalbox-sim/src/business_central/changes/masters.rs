//! Master data to begin with: the people, parties and codes that documents speak of.
//!
//! Purchaser codes `P01`, `P02`, … are those of the traffic, and the vendors those that
//! purchase invoices name by themselves, each with a contact that has an address.

use serde_json::{Value, json};

use super::{News, RecordChange, VerbError};
use crate::business_central::rules::{CUSTOMERS, VENDORS};
use crate::state::{Shared, World};

/// Accounts that documents post to, with their categories.
const ACCOUNTS: [(&str, &str, &str); 4] = [
    ("15110", "Customer receivables", "Assets"),
    ("22210", "Sales tax payable", "Liabilities"),
    ("40100", "Sales revenue", "Income"),
    ("61300", "Office supplies", "Expense"),
];

impl World {
    fn seed_masters(&mut self, company: &str, purchasers: usize) -> Result<usize, VerbError> {
        let mut made = 0;
        for (set, fields) in masters(purchasers) {
            let change = RecordChange::of(set).company(company).fields(fields);
            if !self.has_numbered(&change)? {
                self.create(&change, News::Seeded)?;
                made += 1;
            }
        }
        Ok(made)
    }

    /// Whether there is a record of the number that a new one would get by its fields.
    fn has_numbered(&self, change: &RecordChange) -> Result<bool, VerbError> {
        let table = change.table()?;
        let number = table.key.as_ref().and_then(|key| change.fields.get(key));
        let company = Shared::company(self, change.company.as_deref())?;
        let rows = self.erp.companies[company].rows(table);
        let number = number.and_then(Value::as_str);
        Ok(number.is_some_and(|number| rows.numbered(number).is_some()))
    }
}

/// What to make, in an order in which everything finds what it refers to.
fn masters(purchasers: usize) -> Vec<(&'static str, Value)> {
    let mut records = Vec::new();
    for number in 1..=purchasers {
        let name = format!("Purchaser {number:02}");
        let email = format!("p{number:02}@contoso.example");
        let fields =
            json!({ "code": format!("P{number:02}"), "displayName": name, "email": email });
        records.push(("salespeoplePurchasers", fields));
    }
    for (code, name) in [("DEPARTMENT", "Department"), ("REGION", "Region")] {
        records.push(("dimensions", json!({ "code": code, "displayName": name })));
    }
    for (number, name, category) in ACCOUNTS {
        let fields = json!({ "number": number, "displayName": name, "category": category });
        records.push(("accounts", fields));
    }
    for (place, name) in VENDORS.iter().enumerate() {
        let contact = format!("CT{:06}", place + 1);
        let person = json!({ "number": contact, "displayName": format!("Accounts of {name}"),
            "type": "Person", "companyName": name, "contactBusinessRelation": "Vendor" });
        records.push(("contacts", person));
        let vendor = json!({ "number": format!("V{:05}", 10 * (place + 1)), "displayName": name,
            "contactsInformation": [{ "contactNumber": contact }] });
        records.push(("vendors", vendor));
    }
    for (place, name) in CUSTOMERS.iter().enumerate() {
        let number = format!("C{:05}", 10 * (place + 1));
        let fields = json!({ "number": number, "displayName": name, "type": "Company" });
        records.push(("customers", fields));
    }
    for set in ["employees", "items", "locations", "shipmentMethods"] {
        records.extend((0..3).map(|_| (set, json!({}))));
    }
    records
}

/// The verb, as the handle and the control API offer it.
impl Shared {
    /// Seeds a company, or all of them, with what they lack; says how many records it made.
    pub(crate) fn seed_master_data(
        &self,
        company: Option<&str>,
        purchasers: usize,
    ) -> Result<usize, VerbError> {
        self.change(|world, _| {
            let companies: Vec<String> = match company {
                Some(named) => vec![named.to_owned()],
                None => world
                    .erp
                    .companies
                    .iter()
                    .map(|it| it.id.to_string())
                    .collect(),
            };
            let seeded = companies
                .iter()
                .map(|it| world.seed_masters(it, purchasers));
            seeded.sum()
        })
    }
}
