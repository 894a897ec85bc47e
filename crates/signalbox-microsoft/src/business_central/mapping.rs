//! From a record as it came over the wire to the record that routes and cards see.
//!
//! Enums are decoded, blanks and annotations removed, and what a card needs of the lists is added: `linesTotal`, exact
//! to the last digit, `lineCount`, and the dimensions as fields.

use rust_decimal::Decimal;
use serde_json::{Number, Value};
use signalbox_core::Record;

use super::entity::{Dimensions, EntitySet, Lines};
use crate::odata::{blanks::is_blank, names::decode_name};

/// Maps one record of `set`.
pub(super) fn map(record: Record, set: &EntitySet) -> Record {
    let mut record = clean(record, &set.enums);
    if let Some(lines) = &set.lines {
        add_totals(&mut record, lines);
    }
    if let Some(dimensions) = &set.dimensions {
        add_dimensions(&mut record, dimensions);
    }
    record
}

fn clean(record: Record, enums: &[String]) -> Record {
    record
        .into_iter()
        .filter(|(name, _)| !name.contains("@odata."))
        .map(|(name, value)| {
            let value = match value {
                Value::String(text) if enums.contains(&name) => decode_name(&text).into(),
                value => value,
            };
            (name, value)
        })
        .filter(|(_, value)| !is_blank(value))
        .collect()
}

/// A total that would leave out a line is not given.
fn add_totals(record: &mut Record, lines: &Lines) {
    let Some(Value::Array(list)) = record.get_mut(&lines.navigation) else {
        return;
    };
    for line in list.iter_mut() {
        if let Value::Object(fields) = line {
            *fields = clean(std::mem::take(fields), &lines.enums);
        }
    }
    let total = lines.amount.as_ref().and_then(|amount| {
        list.iter().try_fold(Decimal::ZERO, |sum, line| {
            sum.checked_add(decimal(line.get(amount)?)?)
        })
    });
    let count = list.len();
    if let Some(total) = total.and_then(number) {
        record.insert("linesTotal".to_owned(), total);
    }
    record.insert("lineCount".to_owned(), count.into());
}

/// From the list of dimensions to a field `dimension_CODE` each, which expressions and cards can name, and to one
/// field `dimensions` with all of them.
fn add_dimensions(record: &mut Record, dimensions: &Dimensions) {
    let Some(Value::Array(list)) = record.remove(dimensions.navigation) else {
        return;
    };
    let text = |one: &Value, field: &str| Some(one.get(field)?.as_str()?.to_owned());
    let pairs = list.iter().filter_map(|one| {
        let value = text(one, dimensions.value).filter(|value| !value.is_empty())?;
        Some((text(one, dimensions.code)?, value))
    });
    let mut summary = Vec::new();
    for (code, value) in pairs {
        summary.push(format!("{code}: {value}"));
        record.insert(dimension_field(&code), value.into());
    }
    if !summary.is_empty() {
        record.insert("dimensions".to_owned(), summary.join(", ").into());
    }
}

/// The field of a dimension. An expression can name letters, digits and underscores only.
fn dimension_field(code: &str) -> String {
    let plain = |letter: char| {
        if letter.is_alphanumeric() {
            letter
        } else {
            '_'
        }
    };
    let code: String = code.chars().map(plain).collect();
    format!("dimension_{code}")
}

/// The exact value of a JSON number's own text.
fn decimal(value: &Value) -> Option<Decimal> {
    let text = value.as_number()?.as_str();
    Decimal::from_str_exact(text)
        .or_else(|_| Decimal::from_scientific(text))
        .ok()
}

/// In the shortest form, which is how Business Central writes its own totals.
fn number(value: Decimal) -> Option<Value> {
    let number: Number = value.normalize().to_string().parse().ok()?;
    Some(Value::Number(number))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::map;
    use crate::business_central::entities::Entities;

    fn mapped(record: &str) -> Value {
        let record = serde_json::from_str(record).unwrap();
        let entities = Entities::shipped(false);
        Value::Object(map(record, entities.get("purchaseInvoices").unwrap()))
    }

    #[test]
    fn blanks_and_annotations_go_and_enums_are_decoded() {
        let record = mapped(
            r#"{"@odata.etag":"W/\"x\"","number":"PPI-1","dueDate":"0001-01-01","orderNumber":"",
                "vendorId":"00000000-0000-0000-0000-000000000000","status":"In_x0020_Review"}"#,
        );
        assert_eq!(record, json!({"number": "PPI-1", "status": "In Review"}));
    }

    #[test]
    fn the_total_of_the_lines_is_exact_and_amounts_keep_their_text() {
        let record = mapped(
            r#"{"totalAmountIncludingTax":1488.10,"purchaseInvoiceLines":[
                {"lineType":"Fixed_x0020_Asset","amountIncludingTax":0.1},
                {"lineType":"Account","amountIncludingTax":0.2},
                {"lineType":"Account","amountIncludingTax":12345678901234.70}]}"#,
        );
        assert_eq!(record["linesTotal"].to_string(), "12345678901235");
        assert_eq!(record["lineCount"], json!(3));
        assert_eq!(record["totalAmountIncludingTax"].to_string(), "1488.10");
        assert_eq!(record["purchaseInvoiceLines"][0]["lineType"], "Fixed Asset");
    }

    #[test]
    fn an_invoice_without_lines_totals_to_zero_and_a_listing_has_no_total() {
        let record = mapped(r#"{"purchaseInvoiceLines":[]}"#);
        assert_eq!(record["linesTotal"].to_string(), "0");
        assert_eq!(record["lineCount"], json!(0));
        assert_eq!(mapped("{}"), json!({}));
    }

    #[test]
    fn a_total_that_would_leave_out_a_line_is_not_given() {
        let record = mapped(r#"{"purchaseInvoiceLines":[{"amountIncludingTax":1},{}]}"#);
        assert_eq!(record.get("linesTotal"), None);
        assert_eq!(record["lineCount"], json!(2));
    }
}
