//! Traces and the log lines that belong to them; and that nobody waits for a collector.

use harness::{
    Collector, PATIENCE, Span,
    fleet::{Fleet, Process, Setting},
    free_port,
};
use serde_json::Value;
use signalbox_sim::{NewInvoice, Which};
use tokio::net::TcpListener;

/// A fleet with one role for everything, whose traces go to `collector`.
async fn started(collector: &str, settings: &[(&str, &str)]) -> (Fleet, Process) {
    let fleet = Fleet::prepare(Setting {
        channels: 1,
        ..Setting::default()
    });
    let fleet = fleet.await.unwrap();
    let endpoint = format!("{collector:?}");
    fleet.set("observe", "otlp_endpoint", &endpoint).unwrap();
    for (key, value) in settings {
        fleet.set("observe", key, value).unwrap();
    }
    let all = fleet.start("all").unwrap();
    fleet.ready().await.unwrap();
    (fleet, all)
}

fn invoice() -> NewInvoice {
    NewInvoice {
        purchaser: Some("P01".to_owned()),
        ..NewInvoice::default()
    }
}

/// Invoices become cards.
async fn announce(fleet: &Fleet, invoices: u64) {
    for _ in 0..invoices {
        fleet.sim.post_new_purchase_invoice(&invoice()).unwrap();
    }
    fleet.sim.wait_until_delivered(PATIENCE).await;
    let verdict = fleet.sim.verdict();
    assert_eq!((verdict.lost.count, verdict.duplicates.count), (0, 0));
    assert_eq!(verdict.delivered, invoices);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_down_loses_no_card_and_is_warned_of_once() {
    let (fleet, all) = started(&format!("http://127.0.0.1:{}", free_port()), &[]).await;
    announce(&fleet, 5).await;
    let warned = "traces were dropped and jobs go on without them";
    let told = async || fleet.log("all").contains(warned);
    fleet.until("the loss is told", told).await.unwrap();
    all.stop().await.unwrap();
    let log = fleet.log("all");
    assert_eq!(log.matches(warned).count(), 1, "{log}");
    assert!(log.contains("the collector did not answer"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_loses_no_card_and_keeps_no_role_from_stopping() {
    // Connections are taken by the system, and nobody ever answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let (fleet, all) = started(&url, &[]).await;
    announce(&fleet, 5).await;
    all.stop().await.unwrap();
    let log = fleet.log("all");
    assert!(log.contains("the collector takes too long"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_lines_about_a_job_carry_the_ids_that_the_collector_knows_it_by() {
    let collector = Collector::start().await.unwrap();
    let settings = [("log_format", "\"json\""), ("log_level", "\"debug\"")];
    let (fleet, all) = started(&collector.url, &settings).await;
    announce(&fleet, 1).await;
    let posted = collector.until_trace("a card has a trace", |spans| {
        spans
            .iter()
            .any(|span| span.get("job.reason") == "announced")
    });
    let spans = posted.await.unwrap();
    let post = spans.iter().find(|span| span.name == "post").unwrap();
    all.stop().await.unwrap();
    let log = fleet.log("all");
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let about: Vec<Value> = lines.filter(|line| line["span_id"] == *post.id).collect();
    assert!(!about.is_empty(), "{}\n{log}", post.id);
    for line in &about {
        assert_eq!(line["trace_id"], *post.trace, "{line}");
        assert_eq!(line["span"]["job.id"], post.get("job.id"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_a_waiting_job_takes_links_to_the_story_of_that_job() {
    let collector = Collector::start().await.unwrap();
    let (fleet, all) = started(&collector.url, &[]).await;
    announce(&fleet, 1).await;
    // From now on jobs wait.
    all.stop().await.unwrap();
    let ingress = fleet.start("ingress").unwrap();
    let listens = async || fleet.listens().await;
    fleet.until("the ingress listens", listens).await.unwrap();
    let posted = fleet.sim.post_new_purchase_invoice(&invoice()).unwrap();
    let from_ingress =
        |spans: &[Span]| spans.iter().any(|span| span.service == "signalbox-ingress");
    let first = collector.until_trace("a webhook has a trace", from_ingress);
    let first = first.await.unwrap();
    fleet
        .sim
        .pay_purchase_invoice(&Which::number(&posted.number))
        .unwrap();
    let taken = |spans: &[Span]| spans.iter().any(|span| !span.links.is_empty());
    let second = collector.until_trace("a signal was taken", taken);
    let second = second.await.unwrap();
    let (name, told) = &second[0].events[0];
    assert_eq!(
        (name.as_str(), told["job.taken"].as_str()),
        ("absorbed", "merged ready")
    );
    assert_eq!(second[0].links, [first[0].trace.clone()]);
    let (code, job) = fleet
        .ask(&format!("jobs show {}", told["job.id"]))
        .await
        .unwrap();
    assert_eq!(
        (code, &job["trace"]),
        (0, &Value::from(second[0].trace.as_str()))
    );
    ingress.stop().await.unwrap();
}
