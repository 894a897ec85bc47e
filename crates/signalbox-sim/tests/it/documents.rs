//! The business rules of documents, and the verbs on any table.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signalbox_sim::{CompanySpec, DEFAULT_TENANT, RecordChange, SimConfig, VerbError};

use crate::client::{BC, Client, Hook, PATIENCE};

fn change(set: &str, fields: Value) -> RecordChange {
    RecordChange::of(set).fields(fields)
}

#[tokio::test]
async fn a_released_sales_invoice_is_open_and_has_no_entries_until_it_is_posted() {
    let client = Client::start(SimConfig::default(), BC).await;
    let draft = change("salesInvoices", json!({ "totalAmountExcludingTax": 100 }));
    let draft = client.sim.create_record(&draft).unwrap();
    assert_eq!(draft.status.as_deref(), Some("Draft"));
    let which = RecordChange::default().id(draft.id);
    let released = client.sim.release_sales_invoice(&which).unwrap();
    assert_eq!(released.status.as_deref(), Some("Open"));
    assert_eq!(released.number, draft.number);
    let entries = client.read_json("generalLedgerEntries").await;
    assert_eq!(entries["value"], json!([]));
    let posted = client.sim.post_sales_invoice(&which).unwrap();
    assert_eq!((posted.id, posted.status), (draft.id, released.status));
    assert_eq!(posted.number, "PS-INV103001");
    let filter = format!(
        "documentNumber eq '{}' and documentType eq 'Invoice'",
        posted.number
    );
    let path = format!("generalLedgerEntries?$filter={filter}&$orderby=entryNumber");
    let entries = client.read_json(&path).await;
    let entries = entries["value"].as_array().unwrap();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[0]["debitAmount"], json!(119));
    assert_eq!(entries[2]["entryNumber"], 3);
    let again = client.sim.post_sales_invoice(&which).unwrap_err();
    assert!(matches!(again, VerbError::WrongStep(..)), "{again}");
    let paid = client
        .sim
        .set_status(&RecordChange::of("salesInvoices").id(draft.id), "Paid");
    assert_eq!(paid.unwrap().status.as_deref(), Some("Paid"));
    let invoice = client
        .read_json(&format!("salesInvoices({})", draft.id))
        .await;
    assert_eq!(invoice["remainingAmount"], json!(0));
}

#[tokio::test]
async fn a_purchase_order_is_reviewed_released_and_gone_when_it_is_invoiced() {
    let client = Client::start(SimConfig::default(), BC).await;
    let order = change(
        "purchaseOrders",
        json!({ "totalAmountExcludingTax": 250.5, "purchaser": "RB" }),
    );
    let order = client.sim.create_record(&order).unwrap();
    let which = RecordChange::of("purchaseOrders").number(order.number.clone());
    let reviewed = client.sim.set_status(&which, "In Review").unwrap();
    assert_eq!(reviewed.status.as_deref(), Some("In_x0020_Review"));
    let released = client.sim.set_status(&which, "Open").unwrap();
    assert_eq!(
        (released.id, released.number),
        (order.id, order.number.clone())
    );
    let invoice = client.sim.invoice_purchase_order(&which).unwrap();
    assert_eq!(invoice.set, "purchaseInvoices");
    assert!(client.sim.records(None, "purchaseOrders").is_empty());
    let invoice = client
        .read_json(&format!("purchaseInvoices({})", invoice.id))
        .await;
    assert_eq!(invoice["orderNumber"], order.number.as_str());
    assert_eq!(invoice["orderId"], "00000000-0000-0000-0000-000000000000");
    assert_eq!(
        (&invoice["status"], &invoice["purchaser"]),
        (&json!("Open"), &json!("RB"))
    );
    assert_eq!(invoice["totalAmountExcludingTax"], json!(250.5));
}

#[tokio::test]
async fn posting_gives_the_lines_new_ids() {
    let client = Client::start(SimConfig::default(), BC).await;
    let memo = client
        .sim
        .create_record(&RecordChange::of("purchaseCreditMemos"))
        .unwrap();
    let path = format!("purchaseCreditMemos({})/purchaseCreditMemoLines", memo.id);
    let before = client.read_json(&path).await["value"][0]["id"].clone();
    let posted = client
        .sim
        .set_status(&RecordChange::of("purchaseCreditMemos").id(memo.id), "Open")
        .unwrap();
    assert_eq!(posted.number, "PPCM-109001");
    assert_ne!(client.read_json(&path).await["value"][0]["id"], before);
}

#[tokio::test]
async fn ledger_entries_are_only_ever_added() {
    let client = Client::start(SimConfig::default(), BC).await;
    let entry = change(
        "generalLedgerEntries",
        json!({ "documentNumber": "G1", "debitAmount": 1.25 }),
    );
    let first = client.sim.create_record(&entry).unwrap();
    let second = client.sim.create_record(&entry).unwrap();
    assert_eq!((first.number.as_str(), second.number.as_str()), ("1", "2"));
    let which = RecordChange::of("generalLedgerEntries").number("1");
    for refused in [
        client.sim.change_record(&which),
        client.sim.delete_record(&which),
    ] {
        assert!(matches!(refused, Err(VerbError::OnlyAdded(_))));
    }
}

#[tokio::test]
async fn companies_begin_at_the_same_numbers_when_their_series_collide() {
    let companies = vec![CompanySpec::named("One"), CompanySpec::named("Two")];
    for (colliding_series, same) in [(true, true), (false, false)] {
        let config = SimConfig {
            companies: companies.clone(),
            colliding_series,
            ..SimConfig::default()
        };
        let client = Client::start(config, BC).await;
        let numbers = ["One", "Two"].map(|company| {
            let vendor = RecordChange::of("vendors").company(company);
            client.sim.create_record(&vendor).unwrap().number
        });
        assert_eq!(numbers[0] == numbers[1], same, "{numbers:?}");
        let second = RecordChange::of("vendors")
            .company("Two")
            .number(&numbers[1]);
        let renamed = second.fields(json!({ "displayName": "Of Two" }));
        let changed = client.sim.change_record(&renamed).unwrap();
        assert_eq!(changed.company, companies[1].id);
    }
}

#[tokio::test]
async fn a_silent_change_is_told_with_the_next_one_of_its_table() {
    let client = Client::start(SimConfig::at_scale(0.001), BC).await;
    let hook = Hook::start().await;
    client.subscribed(&hook).await;
    let silent = RecordChange::of("purchaseInvoices").silent();
    let first = client.sim.create_record(&silent).unwrap();
    // A change of another table tells nobody of it.
    client
        .sim
        .create_record(&RecordChange::of("vendors"))
        .unwrap();
    let loud = client
        .sim
        .create_record(&RecordChange::of("purchaseInvoices"))
        .unwrap();
    let told = |sim: &signalbox_sim::SimHandle| !sim.notifications().is_empty();
    assert!(client.sim.wait_until(told, PATIENCE).await);
    let sent = client.sim.notifications().remove(0);
    let resources: Vec<&str> = sent
        .value
        .iter()
        .map(|it| it["resource"].as_str().unwrap())
        .collect();
    assert_eq!(resources.len(), 2);
    for made in [first, loud] {
        assert!(resources.iter().any(|it| it.contains(&made.id.to_string())));
    }
}

#[tokio::test]
async fn seeded_records_are_told_to_nobody() {
    let client = Client::start(SimConfig::at_scale(0.001), BC).await;
    client.subscribed(&Hook::start().await).await;
    client
        .sim
        .seed_records(&RecordChange::of("purchaseInvoices"), 3)
        .unwrap();
    let loud = client
        .sim
        .create_record(&RecordChange::of("purchaseInvoices"))
        .unwrap();
    let told = |sim: &signalbox_sim::SimHandle| !sim.notifications().is_empty();
    assert!(client.sim.wait_until(told, PATIENCE).await);
    let sent = client.sim.notifications();
    assert_eq!(sent.iter().map(|it| it.elements).sum::<usize>(), 1);
    assert!(
        sent[0].value[0]["resource"]
            .as_str()
            .unwrap()
            .contains(&loud.id.to_string())
    );
}

#[tokio::test]
async fn a_wrong_verb_names_what_there_is() {
    let client = Client::start(SimConfig::default(), BC).await;
    for (wrong, part) in [
        (
            change("vendors", json!({ "shoeSize": 1 })),
            "taxRegistrationNumber",
        ),
        (
            change("vendors", json!({ "blocked": "Maybe" })),
            "`vendors.blocked` cannot hold",
        ),
        (RecordChange::of("purchaseInvoiceLines"), "there is no set"),
        (RecordChange::of("vendors").company("Nowhere"), "`Nowhere`"),
    ] {
        let refused = client.sim.create_record(&wrong).unwrap_err().to_string();
        assert!(refused.contains(part), "{refused}");
    }
    let nobody = client
        .sim
        .change_record(&RecordChange::of("vendors").number("V9"));
    assert!(
        nobody
            .unwrap_err()
            .to_string()
            .contains("`V9` in `vendors`")
    );
}

#[tokio::test]
async fn master_data_gives_purchasers_and_vendors_addresses() {
    let client = Client::start(SimConfig::default(), BC).await;
    let seeded = client.sim.seed_master_data(None, 4).unwrap();
    assert!(seeded > 30);
    let invoice = client
        .sim
        .create_record(&RecordChange::of("purchaseInvoices"))
        .unwrap();
    let invoice = client
        .read_json(&format!("purchaseInvoices({})", invoice.id))
        .await;
    let vendor = invoice["vendorId"].as_str().unwrap();
    let path = format!("vendors({vendor})?$expand=contactsInformation");
    let contact = &client.read_json(&path).await["contactsInformation"][0];
    let path = format!(
        "contacts({})?$select=email",
        contact["contactId"].as_str().unwrap()
    );
    let email = client.read_json(&path).await["email"].clone();
    assert!(
        email.as_str().unwrap().ends_with("@contacts.example"),
        "{email}"
    );
    let purchaser = invoice["purchaser"].as_str().unwrap();
    let path = format!("salespeoplePurchasers?$filter=code eq '{purchaser}'");
    let purchaser = &client.read_json(&path).await["value"][0];
    assert_eq!(purchaser["email"], "p01@contoso.example");
}

#[tokio::test]
async fn a_custom_page_is_subscribed_to_under_its_own_route() {
    let client = Client::start(SimConfig::at_scale(0.001), BC).await;
    let hook = Hook::start().await;
    let route = format!(
        "{}/v2.0/{DEFAULT_TENANT}/Production/api/contoso/finance/v1.0",
        client.sim.business_central_url()
    );
    let company = client.sim.config().companies[0].id;
    let body = json!({ "notificationUrl": hook.url,
        "resource": format!("companies({company})/vendorLedgerEntries") });
    let request = client.request(Method::POST, &format!("{route}/subscriptions"));
    let answer = request.json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    let made = client
        .sim
        .create_record(&RecordChange::of("vendorLedgerEntries"))
        .unwrap();
    let told = |sim: &signalbox_sim::SimHandle| !sim.notifications().is_empty();
    assert!(client.sim.wait_until(told, PATIENCE).await);
    let sent = client.sim.notifications().remove(0);
    let resource = sent.value[0]["resource"].as_str().unwrap();
    let expected = format!("companies({company})/vendorLedgerEntries({})", made.id);
    assert_eq!(resource, format!("api/contoso/finance/v1.0/{expected}"));
}
