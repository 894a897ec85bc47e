//! Cards: a template per document, filled with the mapped fields of a record.
//!
//! What comes from the ERP is text that somebody typed: it is escaped for JSON by the template engine and for the
//! Markdown of Adaptive Cards by the `plain` filter, so that no name can forge a link or a mention.

mod filters;

use minijinja::{Environment, context};
use serde_json::Value;
use signalbox_core::{Marker, Record};

/// The templates by name. The name's ending makes the engine write every value as JSON.
const TEMPLATES: &[(&str, &str)] = &[
    ("account.json", include_str!("cards/account.json")),
    ("customer.json", include_str!("cards/customer.json")),
    ("employee.json", include_str!("cards/employee.json")),
    (
        "general-ledger-entry.json",
        include_str!("cards/general-ledger-entry.json"),
    ),
    ("item.json", include_str!("cards/item.json")),
    (
        "purchase-credit-memo.json",
        include_str!("cards/purchase-credit-memo.json"),
    ),
    (
        "purchase-invoice.json",
        include_str!("cards/purchase-invoice.json"),
    ),
    (
        "purchase-order.json",
        include_str!("cards/purchase-order.json"),
    ),
    ("record.json", include_str!("cards/record.json")),
    (
        "sales-invoice.json",
        include_str!("cards/sales-invoice.json"),
    ),
    ("vendor.json", include_str!("cards/vendor.json")),
];

/// What all cards have in common; each of them says what goes into it.
const FRAME: (&str, &str) = ("frame.json", include_str!("cards/frame.json"));

/// Why there is no card.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// A route names a card that is not shipped.
    #[error("there is no card `{name}`; the cards are {known}")]
    Unknown {
        /// The name in the route.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// The template cannot be filled with this record.
    #[error("the card `{name}` cannot be filled with this record")]
    Template {
        /// The card's name.
        name: String,
        /// The cause.
        #[source]
        source: minijinja::Error,
    },
    /// The filled template is not JSON, which is a fault of the template.
    #[error("the card `{name}` is not JSON once it is filled; this is a fault of Signalbox")]
    NotJson {
        /// The card's name.
        name: String,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
}

/// A card, ready to be posted.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// The Adaptive Card.
    pub content: Value,
    /// What the notification feed shows.
    pub summary: String,
}

/// All templates.
#[derive(Debug)]
pub struct Cards {
    environment: Environment<'static>,
}

impl Cards {
    /// The shipped templates.
    pub fn shipped() -> Result<Self, CardError> {
        let mut environment = Environment::new();
        environment.add_filter("plain", filters::plain_filter);
        environment.add_filter("amount", filters::amount_filter);
        for (name, template) in TEMPLATES.iter().chain([&FRAME]) {
            environment
                .add_template(name, template)
                .map_err(|source| CardError::Template {
                    name: (*name).to_owned(),
                    source,
                })?;
        }
        Ok(Self { environment })
    }

    /// Whether there is a card called `name`.
    pub fn contains(&self, name: &str) -> Result<(), CardError> {
        self.template(name).map(drop)
    }

    fn template(&self, name: &str) -> Result<minijinja::Template<'_, '_>, CardError> {
        let file = format!("{name}.json");
        let card = (file != FRAME.0).then(|| self.environment.get_template(&file));
        card.and_then(Result::ok).ok_or_else(|| unknown(name))
    }

    /// Fills the card `name` with `record`, which is about `document`, and puts `marker` into it.
    pub fn fill(
        &self,
        name: &str,
        document: &str,
        record: &Record,
        marker: Marker,
    ) -> Result<Card, CardError> {
        let template = self.template(name)?;
        let fields = filters::texts(record);
        let filled = template
            .render(context! {
                listed => filters::listed(&fields),
                record => fields,
                document,
                marker => marker.to_string(),
                reference => marker.reference(),
            })
            .map_err(|source| CardError::Template {
                name: name.to_owned(),
                source,
            })?;
        let not_json = |source| CardError::NotJson {
            name: name.to_owned(),
            source,
        };
        let content: Value = serde_json::from_str(&filled).map_err(not_json)?;
        // One sentence serves the notification feed and clients that cannot show the card.
        let summary = content["fallbackText"].as_str().unwrap_or_default();
        Ok(Card {
            summary: summary.to_owned(),
            content,
        })
    }
}

fn unknown(name: &str) -> CardError {
    let known: Vec<&str> = TEMPLATES
        .iter()
        .map(|(name, _)| name.trim_end_matches(".json"))
        .collect();
    CardError::Unknown {
        name: name.to_owned(),
        known: known.join(", "),
    }
}

#[cfg(test)]
mod tests;
