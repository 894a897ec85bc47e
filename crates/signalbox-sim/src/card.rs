//! What a person would read on a card.
//!
//! Only what is shown counts: texts, facts and columns, not the actions, whose titles
//! ("Open in Business Central") would pass for a status.

use std::collections::HashSet;

use serde_json::Value;

use crate::business_central::InvoiceStatus;

/// The words of a card.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// Every word of every text.
    pub(crate) tokens: HashSet<String>,
    /// Every word of the first text.
    pub(crate) title: HashSet<String>,
    /// Texts that are a single word.
    alone: HashSet<String>,
}

impl Words {
    /// Reads an attachment's content, or any part of a card.
    pub(crate) fn of(card: &Value) -> Self {
        let mut words = Self::default();
        words.walk(card);
        words
    }

    /// The statuses named: those that stand alone, as in a fact, else those in sentences.
    pub(crate) fn statuses(&self) -> Vec<InvoiceStatus> {
        let named = |words: &HashSet<String>| -> Vec<InvoiceStatus> {
            InvoiceStatus::ALL
                .into_iter()
                .filter(|status| words.contains(status.as_str()))
                .collect()
        };
        let alone = named(&self.alone);
        if alone.is_empty() {
            named(&self.tokens)
        } else {
            alone
        }
    }

    fn walk(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            Value::Object(members) => {
                let kind = members
                    .get("type")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                if kind.starts_with("Action.") {
                    return;
                }
                for (name, member) in members {
                    match member {
                        Value::String(text)
                            if matches!(name.as_str(), "text" | "title" | "value") =>
                        {
                            self.read(text);
                        }
                        Value::Array(_) | Value::Object(_) => self.walk(member),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn read(&mut self, text: &str) {
        // Markdown escapes belong to the spelling, not to the word.
        let text = text.replace('\\', "");
        let words: Vec<&str> = text
            .split(|letter: char| !(letter.is_alphanumeric() || letter == '-'))
            .map(|word| word.trim_matches('-'))
            .filter(|word| !word.is_empty())
            .collect();
        // Numbers such as `2026/001` hold together only as a person sees them.
        let seen = text.split_whitespace();
        let seen = seen.map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()));
        let seen: Vec<&str> = seen.filter(|word| !word.is_empty()).collect();
        let all = seen.into_iter().chain(words.iter().copied());
        let all: Vec<String> = all.map(str::to_owned).collect();
        if self.title.is_empty() {
            self.title.extend(all.iter().cloned());
        }
        if let [word] = words[..] {
            self.alone.insert(word.to_owned());
        }
        self.tokens.extend(all);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_status_is_read_from_facts_and_not_from_buttons() {
        let card = json!({ "type": "AdaptiveCard", "body": [
            { "type": "TextBlock", "text": "Invoice **PPI-108001** from Quai" },
            { "type": "FactSet", "facts": [{ "title": "Status", "value": "Paid" }] },
            { "type": "ActionSet", "actions": [{ "type": "Action.OpenUrl", "title": "Open" }] },
        ], "actions": [{ "type": "Action.OpenUrl", "title": "Open in Business Central" }] });
        let words = Words::of(&card);
        assert!(words.tokens.contains("PPI-108001"));
        assert_eq!(words.statuses(), [InvoiceStatus::Paid]);
    }

    #[test]
    fn a_number_with_a_slash_is_one_word() {
        let card = json!({ "body": [{ "type": "TextBlock", "text": "Invoice 2026/001." }] });
        assert!(Words::of(&card).tokens.contains("2026/001"));
    }

    #[test]
    fn a_status_in_a_sentence_counts_when_none_stands_alone() {
        let card = json!({ "body": [{ "type": "TextBlock", "text": "PPI-1 is now Open." }] });
        assert_eq!(Words::of(&card).statuses(), [InvoiceStatus::Open]);
    }
}
