//! From a record as it came over the wire to the record that routes and cards see.
//!
//! Enums are decoded, blanks and annotations removed, and what a card needs of the lines is added:
//! `linesTotal`, exact to the last digit, and `lineCount`.

use rust_decimal::Decimal;
use serde_json::{Number, Value};
use signalbox_core::Record;

use super::entity::{EntitySet, Lines};
use crate::odata::{blanks::is_blank, names::decode_name};

/// Maps one record of `set`.
pub(super) fn map(record: Record, set: &EntitySet) -> Record {
    let mut record = clean(record, set.enums);
    if let Some(lines) = set.lines {
        add_totals(&mut record, lines);
    }
    record
}

fn clean(record: Record, enums: &[&str]) -> Record {
    record
        .into_iter()
        .filter(|(name, _)| !name.contains("@odata."))
        .map(|(name, value)| {
            let value = match value {
                Value::String(text) if enums.contains(&name.as_str()) => decode_name(&text).into(),
                value => value,
            };
            (name, value)
        })
        .filter(|(_, value)| !is_blank(value))
        .collect()
}

/// A listing has no lines, and then there is nothing to add. A total that would leave out a line is not given.
fn add_totals(record: &mut Record, lines: Lines) {
    let Some(Value::Array(list)) = record.get_mut(lines.navigation) else {
        return;
    };
    for line in list.iter_mut() {
        if let Value::Object(fields) = line {
            *fields = clean(std::mem::take(fields), lines.enums);
        }
    }
    let total = list.iter().try_fold(Decimal::ZERO, |sum, line| {
        sum.checked_add(decimal(line.get(lines.amount)?)?)
    });
    let count = list.len();
    if let Some(total) = total.and_then(number) {
        record.insert("linesTotal".to_owned(), total);
    }
    record.insert("lineCount".to_owned(), count.into());
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
    use crate::business_central::entity::PURCHASE_INVOICES;

    fn mapped(record: &str) -> Value {
        let record = serde_json::from_str(record).unwrap();
        Value::Object(map(record, &PURCHASE_INVOICES))
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
