//! `signalbox trail`: a document is found by its number, and a time is exported whole.

use jiff::Timestamp;
use serde_json::Value;
use signalbox_core::{
    Addressee, ConnectionName, DocumentName, EffectKey, JobId, Post, Record, RouteName, Step,
    StepWord,
};

use super::Desk;

/// A post about invoice 103201, and where its steps are told.
fn announce() -> Post {
    Post {
        route: RouteName::new("invoices").unwrap(),
        connection: ConnectionName::new("teams").unwrap(),
        to: Addressee {
            team: "Finance".to_owned(),
            channel: "Approvals".to_owned(),
        },
        card: "purchase-invoice".to_owned(),
        scope: "Production,1".to_owned(),
        document: "103201".to_owned(),
        effect: EffectKey::from_stored("post/invoices/1/103201/Open"),
        fields: Record::new(),
        people: Vec::new(),
    }
}

/// The steps of invoice 103201, each with its detail.
async fn steps(desk: &Desk) -> Vec<String> {
    let (_, story) = desk.ask("trail show 103201").await;
    let steps = story["steps"].as_array().unwrap().iter();
    steps
        .map(|step| {
            let word = step["word"].as_str().unwrap();
            format!("{word} {}", step["detail"].as_str().unwrap_or_default())
        })
        .collect()
}

#[tokio::test]
async fn what_a_person_does_to_a_post_is_told_of_its_document() {
    let desk = Desk::new().await;
    desk.enqueue(&["p-1"], announce).await;
    for (command, told) in [
        (
            "jobs hold p-1 --reason audit",
            "held by a person, with `operator`: audit",
        ),
        ("jobs release --job p-1", "released "),
        (
            "jobs hold p-1 --group later --reason x",
            "held by a person, with `later`: x",
        ),
        ("jobs release --group later", "released with `later`"),
        ("jobs cancel p-1 --reason wrong", "cancelled wrong"),
    ] {
        let done = desk.run(command).await;
        assert_eq!(done.code, 0, "{command}: {}", done.stderr);
        assert_eq!(steps(&desk).await.last().unwrap(), told, "{command}");
    }
    let refused = desk.run("jobs cancel p-1").await;
    assert_eq!((refused.code, steps(&desk).await.len()), (1, 5));
}

#[tokio::test]
async fn a_post_that_is_marked_as_seen_or_brought_back_tells_it_under_its_number() {
    let desk = Desk::new().await;
    desk.enqueue(&["p-1"], announce).await;
    assert_eq!(desk.run("jobs hold p-1 --group later").await.code, 0);
    assert_eq!(desk.run("jobs seen --group later").await.code, 0);
    let told = steps(&desk).await;
    assert_eq!(told[1], "not_announced marked as seen by a person");
    desk.bury(&["p-2"], announce, "403").await;
    assert_eq!(desk.run("dead replay p-2").await.code, 0);
    desk.bury(&["p-3"], announce, "403").await;
    assert_eq!(desk.run("dead replay --failed-with 403").await.code, 0);
    let told = steps(&desk).await;
    let back = "replayed brought back from the dead";
    assert_eq!(told[2..], [back, back]);
}

/// A desk that knows what became of two invoices.
async fn told() -> Desk {
    let desk = Desk::new().await;
    let step = |second: i64, word, job: &str| {
        let at = Timestamp::from_second(1_772_359_200 + second).unwrap();
        Step::new(at, word, JobId::new([job]))
    };
    let one = || DocumentName::new("Production,1", "103201");
    let two = DocumentName::new("Production,1", "103202");
    let steps = [
        step(0, StepWord::Signal, "read-1"),
        step(1, StepWord::Read, "read-1").of(one()),
        step(2, StepWord::Announced, "post-1")
            .of(one())
            .on(RouteName::new("invoices").unwrap())
            .because("19:channel;messageid=7"),
        step(86_400, StepWord::NotAnnounced, "read-2")
            .of(two)
            .because("draft, for now"),
    ];
    desk.queue.append_steps(&steps).await.unwrap();
    desk
}

#[tokio::test]
async fn a_person_is_told_what_became_of_a_document_and_that_nothing_is_known_of_another() {
    let desk = told().await;
    let shown = desk.run("trail show 103201").await;
    assert_eq!(shown.code, 0);
    let expected = "\
2026-03-01T10:00:00.000Z  signal
                          read-1
2026-03-01T10:00:01.000Z  read
                          read-1
2026-03-01T10:00:02.000Z  announced      invoices  19:channel;messageid=7
                          post-1
";
    assert_eq!(shown.stdout, expected);
    let unknown = desk.run("trail show 103203").await;
    assert_eq!(unknown.code, 1);
    assert!(unknown.stdout.contains("103203"), "{}", unknown.stdout);
}

#[tokio::test]
async fn a_program_is_told_the_same_with_an_empty_list_for_what_is_not_known() {
    let desk = told().await;
    let (code, story) = desk.ask("trail show 103201").await;
    let words: Vec<&Value> = story["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["word"])
        .collect();
    assert_eq!(code, 0);
    assert_eq!(words, ["signal", "read", "announced"]);
    let (code, story) = desk.ask("trail show x").await;
    assert_eq!((code, story["steps"].as_array().unwrap().len()), (1, 0));
}

#[tokio::test]
async fn an_export_has_the_steps_of_its_time_as_lines_or_as_a_table() {
    let desk = told().await;
    let lines = desk.run("trail export --since 2026-03-01").await;
    assert_eq!((lines.code, lines.stdout.lines().count()), (0, 4));
    let first: Value = serde_json::from_str(lines.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(first["job"], "read-1");
    let command = "trail export --since 2026-03-02 --until 2026-03-03 --format csv";
    let table = desk.run(command).await;
    let expected = "at,word,scope,number,also,route,job,detail,connection,company,set,record\r\n\
        2026-03-02T10:00:00Z,not_announced,\"Production,1\",103202,,,read-2,\"draft, for now\",,,,\r\n";
    assert_eq!((table.code, table.stdout.as_str()), (0, expected));
    let nothing = desk.run("trail export --since 1d --until 2026-03-01").await;
    assert_eq!(nothing.code, 1);
    let wrong = desk.run("trail export --since yesterday").await;
    assert_eq!(wrong.code, 2);
}
