//! `signalbox completions`: every shell is told of every command.

use super::Desk;

#[tokio::test]
async fn every_shell_is_told_of_every_command() {
    let desk = Desk::new().await;
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, answer) = desk.ask(&format!("completions {shell}")).await;
        assert_eq!((code, &answer["shell"]), (0, &shell.into()));
        let script = answer["script"].as_str().unwrap();
        for word in ["healthcheck", "replay", "failed-with"] {
            assert!(script.contains(word), "{shell} is not told of {word}");
        }
        assert!(
            !script.contains("redis-watch"),
            "{shell} is told of what is not for people"
        );
        let printed = desk.run(&format!("completions {shell}")).await;
        assert_eq!(printed.stdout.trim_end(), script.trim_end());
    }
}

#[tokio::test]
async fn an_unknown_shell_is_refused_with_the_known_ones() {
    let ended = Desk::new().await.run("completions cmd").await;
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.contains("bash, elvish, fish, powershell, zsh"),
        "{ended:?}"
    );
}
