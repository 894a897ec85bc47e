//! Cards: a template per document, filled with the mapped fields of a record.
//!
//! What comes from the ERP is text that somebody typed: it is escaped for JSON by the template engine and for the
//! Markdown of Adaptive Cards by the `plain` filter, so that no name can forge a link or a mention.

mod filters;

use minijinja::{Environment, context};
use serde_json::Value;
use signalbox_core::{Marker, Record};

/// The templates by name. The name's ending makes the engine write every value as JSON.
const TEMPLATES: &[(&str, &str)] = &[(
    "purchase-invoice.json",
    include_str!("cards/purchase-invoice.json"),
)];

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
        for (name, template) in TEMPLATES {
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
        self.environment
            .get_template(&format!("{name}.json"))
            .map(drop)
            .map_err(|_| unknown(name))
    }

    /// Fills the card `name` with `record` and puts `marker` into it.
    pub fn fill(&self, name: &str, record: &Record, marker: Marker) -> Result<Card, CardError> {
        let template = self
            .environment
            .get_template(&format!("{name}.json"))
            .map_err(|_| unknown(name))?;
        let fields = filters::texts(record);
        let filled = template
            .render(context! { record => fields, marker => marker.to_string(), reference => marker.reference() })
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
