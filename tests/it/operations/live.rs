//! `signalbox status --watch`, read by a program: one look after the other.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
};

use harness::fleet::Process;
use serde_json::{Value, json};

use super::{Announce, Desk, Look};

/// A watch, which ends with its handle.
struct Watch {
    child: Child,
    /// Until it is read no more.
    lines: Option<std::io::Lines<BufReader<ChildStdout>>>,
}

impl Watch {
    fn start(desk: &Desk, args: &[&str]) -> Self {
        let program = harness::fleet::program("signalbox").unwrap();
        let mut child = Command::new(program)
            .args(["status", "--watch", "--every", "1"])
            .args(args)
            .current_dir(desk.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = Some(BufReader::new(child.stdout.take().unwrap()).lines());
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        let lines = self.lines.as_mut().unwrap();
        lines.next().expect("it goes on").unwrap()
    }

    /// The first object that `wanted` says yes to.
    fn object(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let value = serde_json::from_str(&self.line()).unwrap();
            if wanted(&value) {
                return value;
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn count(look: &Value, queue: &str, state: &str) -> i64 {
    let rows = look["queues"].as_array().into_iter().flatten();
    let row = rows.clone().find(|row| row["queue"] == queue);
    row.map_or(0, |row| row[state].as_i64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_one_object_a_line_and_sees_what_comes() {
    let desk = Desk::new().await;
    let mut watch = Watch::start(&desk, &["--json"]);
    let first = watch.object(|_| true);
    assert_eq!(
        (count(&first, "read", "ready"), first["at"].is_string()),
        (0, true)
    );
    desk.enqueue(&["a", "b"], || Look).await;
    desk.bury(&["d"], || Announce, "Forbidden").await;
    let look = watch.object(|look| count(look, "post", "dead") == 1);
    assert_eq!(count(&look, "read", "ready"), 2);
    assert_eq!(look["needs_a_person"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_gets_a_table_for_each_look_without_what_only_a_terminal_understands() {
    let desk = Desk::new().await;
    desk.enqueue(&["a"], || Look).await;
    let mut watch = Watch::start(&desk, &[]);
    for _ in 0..2 {
        let at: Result<jiff::Timestamp, _> = watch.line().parse();
        assert!(at.is_ok(), "{at:?}");
        let mut table = Vec::new();
        loop {
            let line = watch.line();
            assert!(!line.contains('\x1b'), "{line:?}");
            if line.is_empty() {
                break;
            }
            table.push(line);
        }
        assert!(table[1].starts_with("read"), "{table:?}");
        assert_eq!(table.last().unwrap(), "nothing needs a person");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_the_watch() {
    let desk = Desk::new().await;
    let mut watch = Watch::start(&desk, &["--json"]);
    watch.line();
    watch.lines.take();
    assert!(watch.child.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_shown_with_what_it_may_run_until_it_stops() {
    let desk = Desk::new().await;
    let args = ["worker", "--queues", "read", "--concurrency", "3"];
    let worker = Process::start(desk.dir.path(), "worker.log", &args).unwrap();
    let mut watch = Watch::start(&desk, &["--json"]);
    let here = watch.object(|look| look["workers"][0]["fetched"].is_string());
    let queues = &here["workers"][0]["queues"];
    assert_eq!(
        *queues,
        json!([{ "queue": "read", "running": 0, "most": 3 }])
    );
    worker.stop().await.unwrap();
    watch.object(|look| look["workers"] == json!([]));
}

#[tokio::test]
async fn a_period_without_a_watch_is_refused() {
    let ended = Desk::new().await.run("status --every 5").await;
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("--watch"), "{ended:?}");
}
