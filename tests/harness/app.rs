//! The whole line in one process: simulated cloud, ingress, Redis and worker, wired as the program wires them.
//!
//! A test drives the simulator and waits on its record. When the app is dropped, whatever held for every test is
//! checked: nothing lost, nothing twice, nothing dead, no request too early, no subscription lost by an answer of ours.

mod cards;
mod invariants;
mod jobs;
mod setting;
mod working;

use std::{fs, future::Future, time::Duration};

use signalbox::{assembly::Store, roles};
use signalbox_config::{Config, Environment};
use signalbox_core::{ROUTES, RoutePhase, RouteState};
use signalbox_queue::{JobState, Queue};
use signalbox_sim::{SimHandle, Simulator};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use cards::{fact, link, title};
pub use invariants::Expected;
pub(crate) use setting::NEVER_SECS;
pub use setting::{Setting, route};

use crate::{
    RedisServer,
    fleet::{Ended, run},
};
use working::Working;

/// How long a test waits for what ought to happen.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running line.
#[derive(Debug)]
pub struct App {
    /// The cloud.
    pub sim: SimHandle,
    /// The queue, for looking at jobs.
    pub queue: Queue,
    /// Where the jobs are kept.
    pub redis: RedisServer,
    /// What the app was started with; a change counts from the worker's next start.
    pub setting: Setting,
    /// What the test says will not be as usual.
    pub expected: Expected,
    /// Where notifications go, without the path.
    pub ingress: String,
    folder: TempDir,
    worker: Option<Working>,
    stop: CancellationToken,
}

impl App {
    /// The line as it is usually set, with one route to `Finance / Approvals`.
    pub async fn start() -> Self {
        Self::with(Setting::default()).await
    }

    /// A line that is ready: every route announces, and the cloud knows the subscription.
    pub async fn with(setting: Setting) -> Self {
        let app = Self::without_worker(setting, |_| {}).await;
        app.started().await
    }

    /// A line whose cloud was changed by `before` ahead of its first worker.
    pub async fn over(setting: Setting, before: impl FnOnce(&SimHandle)) -> Self {
        let app = Self::without_worker(setting, before).await;
        app.started().await
    }

    /// A line whose worker is still to be started.
    pub async fn without_worker(setting: Setting, before: impl FnOnce(&SimHandle)) -> Self {
        let sim = Simulator::start(setting.cloud.clone()).await;
        let sim = sim.expect("a free port");
        before(&sim);
        let redis = RedisServer::start();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let ingress = format!("http://{address}");
        let text = setting.text(&sim, &redis, folder.path(), &ingress);
        let config = parse(&text);
        let store = Store::open(&config, "").await.expect("redis answers");
        let stop = CancellationToken::new();
        let (queue, stopped) = (store.queue, stop.clone());
        let served = queue.clone();
        TaskTracker::new()
            .spawn(async move { roles::ingress(&config, served, listener, stopped).await });
        Self {
            sim,
            queue,
            redis,
            setting,
            expected: Expected::default(),
            ingress,
            folder,
            worker: None,
            stop,
        }
    }

    async fn started(mut self) -> Self {
        self.start_worker();
        self.until_ready().await;
        self
    }

    /// Starts a worker with the present setting.
    pub fn start_worker(&mut self) {
        self.worker = Some(Working::start(self.config()));
    }

    /// Ends the worker as SIGKILL does.
    pub fn kill_worker(&mut self) {
        self.worker = None;
    }

    /// Ends the worker as SIGTERM does.
    pub async fn stop_worker(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.stop().await;
        }
    }

    /// Ends the worker as SIGTERM does and starts one with the present setting.
    pub async fn restart_worker(&mut self) {
        self.stop_worker().await;
        self.start_worker();
    }

    /// Returns when every route announces, the cloud knows a subscription of ours, and nothing is left to do.
    pub async fn until_ready(&self) {
        self.until_active().await;
        let subscribed = |sim: &SimHandle| !sim.subscriptions().is_empty();
        assert!(
            self.sim.wait_until(subscribed, PATIENCE).await,
            "the cloud knows no subscription"
        );
        self.until_idle().await;
    }

    /// Returns when no job runs or waits to be run, but for what always waits for its time.
    pub async fn until_idle(&self) {
        self.until("everything is done", async || {
            let depth = self.queue.depth().await.ok()?;
            let live = depth.iter().filter(|((queue, state), _)| match state {
                JobState::Ready | JobState::Running => true,
                // Renewals, and the later look after faulty input.
                JobState::Scheduled => queue == "read" || queue == "post",
                _ => false,
            });
            (live.map(|(_, count)| count).sum::<i64>() == 0).then_some(())
        })
        .await;
    }

    /// Returns when every route announces.
    pub async fn until_active(&self) {
        let wanted = self.config().routes.len();
        self.until("every route announces", async || {
            let states = self.queue.register(ROUTES).list().await.ok()?;
            let active = states
                .iter()
                .filter(|(_, state): &&(String, RouteState)| state.phase == RoutePhase::Active);
            (active.count() == wanted).then_some(())
        })
        .await;
    }

    /// Asks again and again until there is an answer.
    pub async fn until<T, F>(&self, what: &str, mut ask: impl FnMut() -> F) -> T
    where
        F: Future<Output = Option<T>>,
    {
        let asked = async {
            loop {
                if let Some(answer) = ask().await {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let Ok(answer) = tokio::time::timeout(PATIENCE, asked).await else {
            panic!("{what}: not within {PATIENCE:?}; {}", self.standing());
        };
        answer
    }

    /// Runs a command of the program under the app's configuration. Words are separated by spaces.
    pub async fn command(&self, words: &str) -> Ended {
        let folder = self.folder.path();
        let text = (self.setting).text(&self.sim, &self.redis, folder, &self.ingress);
        fs::write(folder.join("signalbox.toml"), text).expect("the folder can be written to");
        let words: Vec<&str> = words.split_whitespace().collect();
        run(folder, &words).await.expect("the program was built")
    }

    /// What the app is configured with.
    pub fn config(&self) -> Config {
        let folder = self.folder.path();
        parse(
            &self
                .setting
                .text(&self.sim, &self.redis, folder, &self.ingress),
        )
    }
}

fn parse(text: &str) -> Config {
    let environment = Environment::from_variables(Vec::<(String, String)>::new());
    Config::from_toml(text, &environment).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

impl Drop for App {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.check_invariants();
        }
        self.stop.cancel();
    }
}
