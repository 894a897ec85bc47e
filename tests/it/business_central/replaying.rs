//! A replay announces what was not announced, and doubles nothing unless it is told to.

use harness::{App, Note, PATIENCE, Setting, route, title};
use signalbox_queue::HeldBudget;
use signalbox_sim::{Fault, FaultKind, Posted, RetryAfter};

use super::{delivered, post, story, words};

/// An app whose invoice has its card.
async fn announced() -> (App, Posted) {
    let app = App::start().await;
    let posted = post(&app);
    delivered(&app).await;
    story(&app, &posted.number, 3).await;
    (app, posted)
}

#[tokio::test]
async fn a_replay_of_an_announced_document_is_told_and_posts_no_second_card() {
    let (app, posted) = announced().await;
    let replayed = app
        .command(&format!("replay --document {}", posted.number))
        .await;
    assert_eq!(replayed.code, 0, "{replayed:?}");
    let told = story(&app, &posted.number, 6).await;
    let again = ["replayed", "read", "not_announced: already announced"];
    assert_eq!(words(&told[3..]), again);
    assert!(told[4].job.as_str().contains("#replay/"), "{:?}", told[4]);
    app.until_idle().await;
    assert_eq!(app.sim.effect_count(), 1);
}

#[tokio::test]
async fn a_replay_with_again_posts_exactly_one_more_card_each_time() {
    let (mut app, posted) = announced().await;
    app.expected.duplicates = 2;
    for cards in [2, 3] {
        let command = format!("replay --document {} --again", posted.number);
        let replayed = app.command(&command).await;
        assert_eq!(replayed.code, 0, "{replayed:?}");
        assert!(app.sim.wait_for_effects(cards, PATIENCE).await);
        app.until_idle().await;
        assert_eq!(app.sim.effect_count(), cards);
    }
    let told = story(&app, &posted.number, 9).await;
    assert_eq!(words(&told[3..6]), ["replayed", "read", "announced"]);
}

#[tokio::test]
async fn what_was_archived_of_a_route_is_forgotten_once_all_of_its_time_is_read_again() {
    let (app, posted) = announced().await;
    let held = Note::job("held", "lane", "x").held_with("route/invoices");
    app.queue.enqueue(held).await.unwrap();
    let none = HeldBudget { most: 0, bytes: 0 };
    app.queue.archive_held(&none, |_| true).await.unwrap();
    let status = app.command("status").await;
    assert_eq!(status.code, 1, "{status:?}");
    assert!(status.stdout.contains("too much was held: 1"), "{status:?}");
    for (which, left) in [
        (format!("--document {}", posted.number), 1),
        ("--route invoices --until 1h".to_owned(), 1),
        ("--route invoices --dry-run".to_owned(), 1),
        ("--route invoices --since 1h".to_owned(), 0),
    ] {
        app.command(&format!("replay {which}")).await;
        let archived = app.queue.archived().await.unwrap();
        assert_eq!(archived.len(), left, "{which}");
    }
    app.until_idle().await;
    assert_eq!(app.sim.effect_count(), 1);
}

#[tokio::test]
async fn a_dry_run_counts_by_document_route_and_time_and_changes_nothing() {
    let (app, posted) = announced().await;
    let second = post(&app);
    delivered(&app).await;
    story(&app, &second.number, 3).await;
    for (which, meant) in [
        (format!("--document {}", posted.number), 1),
        (
            format!("--document {} --document {}", posted.number, second.number),
            2,
        ),
        ("--route invoices".to_owned(), 2),
        ("--since 1h".to_owned(), 2),
        (format!("--document {} --until 1h", posted.number), 0),
        ("--failed-with 400".to_owned(), 0),
        ("--document 0".to_owned(), 0),
    ] {
        let counted = app
            .command(&format!("replay {which} --dry-run --again"))
            .await;
        let expected = format!("records that are meant: {meant}\n");
        assert_eq!(counted.stdout, expected, "{which}: {counted:?}");
        assert_eq!(counted.code, i32::from(meant == 0), "{which}");
    }
    assert_eq!(app.queue.story(&posted.number).await.unwrap().len(), 3);
    assert_eq!(app.sim.effect_count(), 2);
    let unknown = app.command("replay --route other").await;
    assert_eq!(unknown.code, 2, "{unknown:?}");
}

#[tokio::test]
async fn documents_whose_jobs_died_are_announced_by_a_replay_and_those_that_did_not_are_left_alone()
{
    let (mut app, _) = announced().await;
    let refusal = FaultKind::Status(400, RetryAfter::Absent);
    app.sim.add_fault(Fault::on("bot.post", refusal).times(1));
    let refused = post(&app);
    let told = story(&app, &refused.number, 3).await;
    assert_eq!(words(&told), ["signal", "read", "dead"]);
    app.expected.dead = 1;
    let replayed = app.command("replay --failed-with will --json").await;
    let answer: serde_json::Value = serde_json::from_str(&replayed.stdout).unwrap();
    assert_eq!(
        (&answer["meant"], &answer["replayed"]),
        (&1.into(), &1.into())
    );
    delivered(&app).await;
    app.until_idle().await;
    assert_eq!(app.sim.effect_count(), 2);
    assert!(title(&app.sim.effects()[1]).ends_with(&refused.number));
}

#[tokio::test]
async fn a_replay_for_one_route_announces_again_in_that_route_only() {
    let routes = [route("one", "Approvals", ""), route("two", "General", "")];
    let routes: Vec<&str> = routes.iter().map(String::as_str).collect();
    let mut app = App::with(Setting::routes(&routes)).await;
    // The cloud expects one card per document and status.
    app.expected.duplicates = 2;
    let posted = post(&app);
    assert!(app.sim.wait_for_effects(2, PATIENCE).await);
    story(&app, &posted.number, 4).await;
    let command = format!("replay --document {} --route two --again", posted.number);
    let replayed = app.command(&command).await;
    assert_eq!(replayed.code, 0, "{replayed:?}");
    assert!(app.sim.wait_for_effects(3, PATIENCE).await);
    app.until_idle().await;
    let effects = app.sim.effects();
    let channels: Vec<&str> = effects.iter().map(|card| &*card.channel_name).collect();
    assert_eq!((channels.len(), channels[2]), (3, "General"));
}
