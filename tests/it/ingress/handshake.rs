//! The handshake is answered before anything else.

use harness::{HOOK, Hook, client};

use super::PATIENT;

#[tokio::test]
async fn every_method_and_spelling_gets_its_token_back_even_while_redis_is_away() {
    let mut hook = Hook::start(PATIENT).await;
    hook.redis.kill();
    for method in ["GET", "POST", "PUT", "OPTIONS"] {
        for name in ["validationToken", "validationtoken", "ValidationToken"] {
            let method = method.parse().unwrap();
            let url = hook.url(&format!("{HOOK}?code=1&{name}=a%2Fb%20c"));
            let answer = client().request(method, url).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["content-type"], "text/plain");
            assert_eq!(answer.text().await.unwrap(), "a/b c");
        }
    }
}

#[tokio::test]
async fn a_handshake_for_a_path_that_is_not_known_yet_is_answered_too() {
    let hook = Hook::start(PATIENT).await;
    let url = hook.url("/hooks/business-central/new/one?validationToken=t");
    let answer = client().post(url).body("ignored").send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "t");
}
