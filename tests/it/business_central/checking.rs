//! `signalbox check --online` on Business Central: what would fail, why, and what to do about it.

use harness::{App, Setting, route};
use serde_json::Value;
use signalbox_sim::{Fault, FaultKind, RetryAfter};

/// An app with two sets to read.
fn setting() -> Setting {
    let vendors = r#"
[routes.vendors]
from = { connection = "erp", entity = "vendors" }
to = { connection = "teams", team = "Finance", channel = "Approvals", card = "vendor" }
"#;
    Setting::routes(&[&route("invoices", "Approvals", ""), vendors])
}

async fn findings(app: &mut App) -> Vec<Value> {
    // The clock is asked of an address that the simulated sign-in service does not have.
    app.expected.refusals = vec![404];
    let ran = app.command("check --online --json").await;
    let all: Value = serde_json::from_str(&ran.stdout).unwrap();
    all.as_array().unwrap().clone()
}

/// Verdict, cause and next action of the only finding about `subject` that contains `words`.
fn about(findings: &[Value], subject: &str, words: &str) -> (String, String) {
    let mut found = findings
        .iter()
        .filter(|one| one["subject"] == subject && one["cause"].as_str().unwrap().contains(words));
    let one = found
        .next()
        .unwrap_or_else(|| panic!("{subject}: {words} in {findings:#?}"));
    let text = |name: &str| one[name].as_str().unwrap().to_owned();
    (text("verdict"), text("next_action"))
}

#[tokio::test]
async fn token_company_every_set_and_the_room_for_subscriptions_are_looked_at() {
    let mut app = App::with(setting()).await;
    let all = findings(&mut app).await;
    for (subject, words) in [
        ("connections.erp", "companies"),
        ("connections.erp", "the company `CRONUS USA, Inc.`"),
        ("connections.erp token", "`API.ReadWrite.All`"),
        ("connections.erp purchaseInvoices", "may be read"),
        ("connections.erp vendors", "may be read"),
        ("connections.erp subscriptions", "of 200 subscriptions"),
    ] {
        assert_eq!(about(&all, subject, words).0, "ok", "{subject}: {words}");
    }
}

#[tokio::test]
async fn a_permission_that_lacks_for_one_set_is_named_with_the_company_and_what_to_do() {
    let mut app = App::with(setting()).await;
    let forbidden = FaultKind::Status(403, RetryAfter::Absent);
    app.sim
        .add_fault(Fault::on("bc.read", forbidden).only("/vendors"));
    let all = findings(&mut app).await;
    let (verdict, next) = about(&all, "connections.erp vendors", "`CRONUS USA, Inc.`");
    assert_eq!(verdict, "trouble");
    assert!(next.contains("permission set"), "{next}");
    assert_eq!(
        about(&all, "connections.erp purchaseInvoices", "may be read").0,
        "ok"
    );
}

#[tokio::test]
async fn a_token_without_the_permission_is_told_before_anybody_wonders_about_a_401() {
    let mut setting = setting();
    setting.cloud.roles = vec!["Automation.ReadWrite.All".to_owned()];
    let mut app = App::with(setting).await;
    let all = findings(&mut app).await;
    let (verdict, next) = about(&all, "connections.erp token", "`API.ReadWrite.All`");
    assert_eq!(verdict, "trouble");
    assert!(next.contains("admin consent"), "{next}");
}

#[tokio::test]
async fn a_company_that_is_not_there_is_named_with_those_that_are() {
    let mut setting = setting();
    setting.companies = Some("companies = [\"CRONUS\"]".to_owned());
    let mut app = App::without_worker(setting, |_| {}).await;
    let all = findings(&mut app).await;
    let (verdict, _) = about(&all, "connections.erp", "CRONUS USA, Inc.");
    assert_eq!(verdict, "trouble");
}
