//! Reading a card as a person does: which channel, which company, which document, and what is said of it.

use serde_json::Value;
use signalbox_sim::Effect;
use uuid::Uuid;

use super::{
    kinds::{self, ALIAS, ENTRY, Kind, Life},
    values::Key,
};

/// What the reader of cards knows: who the companies are.
#[derive(Debug)]
pub(super) struct Reader {
    companies: Vec<(String, Uuid)>,
}

impl Reader {
    /// One who knows these companies by their names.
    pub(super) fn of(companies: impl IntoIterator<Item = (String, Uuid)>) -> Self {
        Self {
            companies: companies.into_iter().collect(),
        }
    }

    /// What the card announces; none if it does not say, or says two things at once.
    pub(super) fn read(&self, effect: &Effect) -> Option<Key> {
        self.read_card(&effect.channel_name, effect.card.as_ref()?)
    }

    fn read_card(&self, channel: &str, card: &Value) -> Option<Key> {
        let kind = kinds::of(channel)?;
        let texts = texts(card);
        let title = texts.first()?;
        let named = |text: &String| self.companies.iter().find(|(name, _)| name == text);
        let companies = texts.iter().filter_map(named);
        let once = texts.iter().filter(|text| tells(kind, text));
        Some(Key {
            company: only(companies.map(|(_, id)| *id))?,
            set: kind.set,
            document: title.split_whitespace().next_back()?.to_owned(),
            once: only(once.cloned())?,
        })
    }
}

/// Whether the text is what a card of this set announces once.
fn tells(kind: &Kind, text: &str) -> bool {
    match &kind.life {
        Life::Document { unposted, posted } => unposted.contains(&text) || posted.contains(&text),
        Life::Named => text.starts_with(ALIAS),
        // What a sale was entered with names its invoice.
        Life::Entry => text.starts_with(ENTRY) || text.contains(", invoice "),
    }
}

/// The one thing that is said, however often.
fn only<T: PartialEq>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

/// Every text of the card from top to bottom, without the names of facts and as a person sees it.
fn texts(card: &Value) -> Vec<String> {
    let blocks = card["body"].as_array().into_iter().flatten();
    let shown = blocks.flat_map(|block| {
        let facts = block["facts"].as_array().into_iter().flatten();
        std::iter::once(&block["text"]).chain(facts.map(|fact| &fact["value"]))
    });
    let texts = shown.filter_map(Value::as_str);
    texts.map(|text| text.replace('\\', "")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::{Key, Reader};

    const ONE: Uuid = Uuid::from_u128(1);

    fn read(channel: &str, card: &Value) -> Option<Key> {
        let companies = [("Northwind", 1), ("Fabrikam", 2)];
        let companies = companies.map(|(name, id)| (name.to_owned(), Uuid::from_u128(id)));
        Reader::of(companies).read_card(channel, card)
    }

    fn card(title: &str, facts: &[&str]) -> Value {
        let facts: Vec<_> = facts
            .iter()
            .map(|fact| json!({ "title": "Open", "value": fact }))
            .collect();
        json!({ "body": [{ "text": title }, { "facts": facts }, { "text": "Ref 1" }] })
    }

    fn key(set: &'static str, document: &str, once: &str) -> Key {
        Key {
            company: ONE,
            set,
            document: document.to_owned(),
            once: once.to_owned(),
        }
    }

    #[test]
    fn a_card_says_which_document_of_which_company_has_which_value() {
        let invoice = card("Purchase invoice PPI-1", &["Northwind", "1 EUR", "Paid"]);
        assert_eq!(
            read("purchaseInvoices", &invoice),
            Some(key("purchaseInvoices", "PPI-1", "Paid"))
        );
        let item = card("Item I-1", &["Alias 3 of \\(x\\)", "Northwind"]);
        assert_eq!(
            read("items", &item),
            Some(key("items", "I-1", "Alias 3 of (x)"))
        );
    }

    #[test]
    fn a_card_that_says_nothing_or_two_things_is_not_made_out() {
        let read =
            |facts: &[&str]| read("purchaseInvoices", &card("Purchase invoice PPI-1", facts));
        assert_eq!(read(&["Northwind"]), None);
        assert_eq!(read(&["Paid"]), None);
        assert_eq!(read(&["Northwind", "Paid", "Open"]), None);
        assert_eq!(read(&["Northwind", "Fabrikam", "Paid"]), None);
        assert!(read(&["Northwind", "Paid", "Northwind", "Paid"]).is_some());
    }
}
