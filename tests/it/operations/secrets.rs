//! `signalbox secrets`: what is sealed can be opened by whoever has the master key and by nobody else, with our program
//! or with another, and is neither shown nor taken from where others could read it.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use harness::{
    fleet::{Ended, ask, run, tell},
    until,
};
use serde_json::{Value, json};
use signalbox_config::{Config, Environment};
use tempfile::TempDir;

const OLD: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const NEW: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
const OLD_ID: &str = "d4a8bb50db3235a4";
const NEW_ID: &str = "7398d45865c9891c";

/// A folder with a configuration whose client secret is sealed, and the old master key.
struct Safe(TempDir);

impl Safe {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("old.key"), OLD).unwrap();
        fs::write(dir.path().join("new.key"), NEW).unwrap();
        let safe = Self(dir);
        safe.keys("master_key = { file = \"old.key\" }");
        safe
    }

    /// Configures the master keys.
    fn keys(&self, keys: &str) {
        let config = format!(
            r#"
[secrets]
{keys}

[credentials.contoso]
tenant_id = "t"
client_id = "c"
client_secret = {{ sealed = "contoso" }}

[observe]
bind = "127.0.0.1:0"

[connections.erp]
kind = "business-central"
credential = "contoso"
environment = "Production"
company = "CRONUS"
"#
        );
        fs::write(self.0.path().join("signalbox.toml"), config).unwrap();
    }

    async fn set(&self, name: &str, value: &str) -> Ended {
        let args = ["secrets", "set", name];
        tell(self.0.path(), &args, value).await.unwrap()
    }

    async fn run(&self, command: &str) -> Ended {
        let words: Vec<&str> = command.split_whitespace().collect();
        run(self.0.path(), &words).await.unwrap()
    }

    async fn ask(&self, command: &str) -> (i32, Value) {
        let words = command.split_whitespace().chain(["--json"]);
        ask(self.0.path(), &words.collect::<Vec<_>>())
            .await
            .unwrap()
    }

    fn file(&self) -> std::path::PathBuf {
        self.0.path().join("secrets.json")
    }
}

/// The first block of `language` in the page about sealed secrets.
fn documented(language: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sealed-secrets.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, block) = page.split_once(&format!("```{language}\n")).unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

/// The first Python that has what the page asks for.
fn python() -> &'static str {
    let candidates = ["python3", "/usr/bin/python3", "/opt/homebrew/bin/python3"];
    let imports = |python: &&str| {
        let mut python = Command::new(python);
        python.args(["-c", "import cryptography.hazmat.primitives.ciphers.aead"]);
        let output = python.output();
        output.is_ok_and(|output| output.status.success())
    };
    let found = candidates.into_iter().find(imports);
    found.expect("a Python has `cryptography`; `cargo xtask test` installs it")
}

/// Opens `name` in `file` with the program of the page and `master`.
fn open_elsewhere(file: &Path, name: &str, master: &str) -> Output {
    let mut python = Command::new(python())
        .args(["-c", &documented("python")])
        .args([file.as_os_str(), name.as_ref()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = python.stdin.take().unwrap();
    // It may have ended without it.
    stdin.write_all(master.as_bytes()).ok();
    drop(stdin);
    python.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn an_independent_program_opens_what_was_sealed_and_not_with_another_key() {
    let safe = Safe::new();
    assert_eq!(safe.set("contoso", "hunter2\n").await.code, 0);
    let opened = open_elsewhere(&safe.file(), "contoso", OLD);
    assert_eq!(
        text(&opened.stdout),
        "hunter2\n",
        "{}",
        text(&opened.stderr)
    );
    let refused = open_elsewhere(&safe.file(), "contoso", NEW);
    assert!(!refused.status.success() && refused.stdout.is_empty());
    let why = text(&refused.stderr);
    assert!(why.contains("InvalidTag"), "{why}");
    safe.keys(
        "master_key = { file = \"new.key\" }\nprevious_master_keys = [{ file = \"old.key\" }]",
    );
    let (code, rotation) = safe.ask("secrets rotate").await;
    let expected = json!({ "key_id": NEW_ID, "rewrapped": 1, "already": 0, "unreadable": [] });
    assert_eq!((code, rotation), (0, expected));
    let opened = open_elsewhere(&safe.file(), "contoso", NEW);
    assert_eq!(
        text(&opened.stdout),
        "hunter2\n",
        "{}",
        text(&opened.stderr)
    );
    assert!(
        !open_elsewhere(&safe.file(), "contoso", OLD)
            .status
            .success()
    );
}

#[test]
fn the_documented_file_opens_with_the_documented_program_and_with_ours() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secrets.json");
    fs::write(&file, documented("json")).unwrap();
    let master = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let opened = open_elsewhere(&file, "contoso", master);
    let value = "correct horse battery staple";
    assert_eq!(
        text(&opened.stdout).trim_end(),
        value,
        "{}",
        text(&opened.stderr)
    );
    let config = format!(
        "[secrets]\nfile = \"{}\"\nmaster_key = {{ env = \"KEY\" }}",
        file.display()
    );
    let env = Environment::from_variables([("KEY", master)]).with_disk();
    let vault = Config::from_toml(&config, &env).unwrap().vault;
    let secrets = vault.list().unwrap();
    assert!(
        secrets.len() == 1 && secrets[0].trouble.is_none(),
        "{secrets:?}"
    );
}

#[tokio::test]
async fn a_secret_is_listed_with_its_key_and_its_use_and_its_value_is_shown_nowhere() {
    let safe = Safe::new();
    let set = safe.set("contoso", "hunter2").await;
    safe.set("spare", "hunter3").await;
    let (code, list) = safe.ask("secrets list").await;
    assert_eq!(code, 0, "{list}");
    assert_eq!(list[0]["name"], "contoso");
    assert_eq!(list[0]["key_id"], OLD_ID);
    assert_eq!(
        list[0]["used_by"],
        json!(["credentials.contoso.client_secret"])
    );
    assert_eq!(
        (&list[1]["name"], &list[1]["used_by"]),
        (&json!("spare"), &json!([]))
    );
    let said = safe.run("secrets list").await;
    let shown = safe.run("config show").await.stdout;
    assert!(shown.contains("sealed = \"contoso\""), "{shown}");
    let all = format!("{set:?}{said:?}{list}{shown}");
    assert!(!all.contains("hunter"), "{all}");
}

#[tokio::test]
async fn a_value_is_taken_from_no_argument_and_nothing_is_no_value() {
    let safe = Safe::new();
    assert_eq!(safe.run("secrets set contoso hunter2").await.code, 2);
    for empty in ["", "\n"] {
        let refused = safe.set("contoso", empty).await;
        assert_eq!(refused.code, 2);
        assert!(refused.stderr.contains("no value was given"), "{refused:?}");
    }
    assert!(!safe.file().exists());
}

#[tokio::test]
async fn a_value_that_is_typed_is_not_shown() {
    let safe = Safe::new();
    let program = std::env::current_exe().unwrap();
    let program = program.ancestors().nth(2).unwrap().join("signalbox");
    // `script` gives the command a terminal, and prints what the terminal shows.
    let command = format!("tty; {} secrets set contoso", program.display());
    let mut terminal = Command::new("script")
        .args(["-q", "-e", "-c", &command, "/dev/null"])
        .current_dir(safe.0.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = terminal.stdin.take().unwrap();
    let mut stdout = terminal.stdout.take().unwrap();
    let mut shown = Vec::new();
    while !text(&shown).contains("is not shown") {
        let mut byte = [0];
        std::io::Read::read_exact(&mut stdout, &mut byte).unwrap();
        shown.extend(byte);
    }
    let said = text(&shown);
    let name = said.lines().next().unwrap().trim().to_owned();
    // What is typed before that would be shown by the terminal itself.
    let echoes_nothing = async || {
        let settings = Command::new("stty").args(["-a", "-F", &name]).output();
        text(&settings.unwrap().stdout).contains(" -echo ")
    };
    until("the terminal shows nothing", echoes_nothing)
        .await
        .unwrap();
    stdin.write_all(b"hunter2\n").unwrap();
    std::io::Read::read_to_end(&mut stdout, &mut shown).unwrap();
    assert!(terminal.wait().unwrap().success(), "{}", text(&shown));
    assert!(!text(&shown).contains("hunter2"), "{}", text(&shown));
    let opened = open_elsewhere(&safe.file(), "contoso", OLD);
    assert_eq!(text(&opened.stdout), "hunter2\n");
}

#[tokio::test]
async fn a_secret_that_is_needed_is_removed_only_by_force() {
    let safe = Safe::new();
    safe.set("contoso", "x").await;
    let (code, kept) = safe.ask("secrets remove contoso").await;
    assert_eq!((code, &kept["removed"]), (1, &json!(false)));
    let said = safe.run("secrets remove contoso").await.stdout;
    assert!(
        said.contains("used by credentials.contoso.client_secret"),
        "{said}"
    );
    assert_eq!(safe.run("secrets remove contoso --force").await.code, 0);
    assert_eq!(safe.run("secrets remove contoso --force").await.code, 1);
    // The configuration still names it, and that is told.
    let (code, list) = safe.ask("secrets list").await;
    assert_eq!(code, 1);
    let trouble = list[0]["trouble"].as_str().unwrap();
    assert!(
        trouble.contains("signalbox secrets set contoso"),
        "{trouble}"
    );
}

#[tokio::test]
async fn a_worker_refuses_to_start_with_a_secret_that_it_cannot_open_and_names_it() {
    let safe = Safe::new();
    safe.set("contoso", "x").await;
    safe.keys("master_key = { file = \"new.key\" }");
    let (code, findings) = safe.ask("check").await;
    assert_eq!(code, 1);
    let findings = findings.as_array().unwrap();
    let key = "credentials.contoso.client_secret";
    let finding = findings.iter().find(|one| one["subject"] == key).unwrap();
    assert!(
        finding["cause"].as_str().unwrap().contains(OLD_ID),
        "{finding}"
    );
    let refused = safe.run("worker").await;
    assert_eq!(refused.code, 2, "{refused:?}");
    for part in [
        key,
        "`contoso`",
        OLD_ID,
        NEW_ID,
        "secrets.previous_master_keys",
    ] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
}
