//! The expressions of a route: `when` says whether a record is announced, `once` what is announced once per document.
//!
//! Both see the record as `record`, with the field names of the source. Numbers are compared as numbers.

use std::collections::BTreeMap;

use minijinja::{Environment, Value, context};
use signalbox_core::Record;

/// Why an expression gives no answer.
#[derive(Debug, thiserror::Error)]
#[error("the expression `{expression}` has no value for this record")]
pub struct ExpressionError {
    expression: String,
    #[source]
    source: minijinja::Error,
}

/// A compiled expression.
#[derive(Debug)]
pub struct Expression {
    text: String,
    environment: Environment<'static>,
}

const TEMPLATE: &str = "expression";

impl Expression {
    /// Compiles a condition.
    pub fn condition(text: &str) -> Result<Self, ExpressionError> {
        Self::compile(text, format!("{{% if {text} %}}yes{{% endif %}}"))
    }

    /// Compiles an expression for a value.
    pub fn value(text: &str) -> Result<Self, ExpressionError> {
        Self::compile(text, format!("{{{{ {text} }}}}"))
    }

    fn compile(text: &str, template: String) -> Result<Self, ExpressionError> {
        let mut environment = Environment::new();
        environment
            .add_template_owned(TEMPLATE, template)
            .map_err(|source| ExpressionError {
                expression: text.to_owned(),
                source,
            })?;
        Ok(Self {
            text: text.to_owned(),
            environment,
        })
    }

    /// Whether a condition holds for `record`.
    pub fn holds(&self, record: &Record) -> Result<bool, ExpressionError> {
        Ok(!self.text_for(record)?.is_empty())
    }

    /// The value for `record` as text, without white space around it. Empty if the fields it names are blank.
    pub fn text_for(&self, record: &Record) -> Result<String, ExpressionError> {
        let failed = |source| ExpressionError {
            expression: self.text.clone(),
            source,
        };
        let template = self.environment.get_template(TEMPLATE).map_err(failed)?;
        let record: BTreeMap<String, Value> = record
            .iter()
            .map(|(name, value)| (name.clone(), comparable(value)))
            .collect();
        let text = template.render(context! { record }).map_err(failed)?;
        Ok(text.trim().to_owned())
    }
}

/// A field so that it can be compared: numbers as numbers, not as their literal text.
fn comparable(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Bool(flag) => Value::from(*flag),
        serde_json::Value::Number(number) => number
            .as_i64()
            .map(Value::from)
            .or_else(|| number.as_f64().map(Value::from))
            .unwrap_or(Value::UNDEFINED),
        _ => Value::UNDEFINED,
    }
}

#[cfg(test)]
mod tests {
    use signalbox_core::Record;

    use super::Expression;

    fn record() -> Record {
        serde_json::from_str(r#"{"status":"Open","amount":1488.10,"count":2}"#).unwrap()
    }

    fn check(condition: &str, expected: bool) {
        let condition = Expression::condition(condition).unwrap();
        assert_eq!(
            condition.holds(&record()).unwrap(),
            expected,
            "{condition:?}"
        );
    }

    #[test]
    fn conditions_compare_texts_and_numbers_and_take_blank_fields() {
        check("record.status in ['Open', 'Paid']", true);
        check("record.status == 'Draft'", false);
        check("record.amount >= 1488.1 and record.count < 3", true);
        check("record.purchaser == 'RB'", false);
        check("true", true);
    }

    #[test]
    fn a_value_is_text_and_a_blank_field_makes_it_empty() {
        let once = |text| {
            Expression::value(text)
                .unwrap()
                .text_for(&record())
                .unwrap()
        };
        assert_eq!(once("record.status"), "Open");
        assert_eq!(once("record.status ~ '-' ~ record.count"), "Open-2");
        assert_eq!(once("record.purchaser"), "");
    }

    #[test]
    fn an_expression_that_cannot_be_read_is_named() {
        let error = Expression::condition("record.status in ['Open'").unwrap_err();
        assert!(error.to_string().contains("record.status in"), "{error}");
    }
}
