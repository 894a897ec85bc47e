//! `signalbox healthcheck`: what a container is told about the role in it.

use harness::{fleet::Process, until};
use serde_json::{Value, json};

use super::Desk;

#[tokio::test]
async fn a_role_that_is_not_there_is_not_well() {
    let desk = Desk::new().await;
    let (code, answer) = desk.ask("healthcheck").await;
    assert_eq!((code, &answer["well"]), (1, &json!(false)));
    let trouble = answer["trouble"].as_str().unwrap();
    assert!(trouble.starts_with("livez: 127.0.0.1:"), "{trouble}");
    assert_eq!(desk.run("healthcheck").await.code, 1);
}

#[tokio::test]
async fn a_role_is_well_while_redis_answers_it() {
    let mut desk = Desk::new().await;
    let role = Process::start(desk.dir.path(), "ingress.log", &["ingress"]).unwrap();
    let well = json!({ "well": true, "trouble": Value::Null });
    until("the role is well", async || {
        desk.ask("healthcheck").await == (0, well.clone())
    })
    .await
    .unwrap();
    assert_eq!(desk.run("healthcheck").await.stdout, "well\n");
    desk.redis.kill();
    until("the loss of redis is noticed", async || {
        let (code, answer) = desk.ask("healthcheck").await;
        code == 1 && answer["trouble"].to_string().contains("readyz")
    })
    .await
    .unwrap();
    desk.redis.restart();
    until("the role is well again", async || {
        desk.run("healthcheck").await.code == 0
    })
    .await
    .unwrap();
    role.stop().await.unwrap();
}
