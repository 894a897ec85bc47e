//! Looking at the jobs of one document.

use jiff::Timestamp;
use signalbox_core::{
    Addressee, COMPANIES, CompanyAddress, ConnectionName, EffectKey, JobId, KnownCompany, LaneName,
    RouteName, bot_root, business_central_lanes, document_scope,
};
use signalbox_queue::{JobState, JobView};
use signalbox_sim::{Posted, Target};
use uuid::Uuid;

use super::App;

/// The host of every simulated service.
const HOST: &str = "127.0.0.1";

impl App {
    /// The job that reads the record of `posted`, once it is in `state`.
    pub async fn read_job(&self, posted: &Posted, state: JobState) -> JobView {
        self.job(&self.source_root(), &self.read_id(posted), state)
            .await
    }

    /// The job that reads the record of `posted`, once it has run and waits in a lane that is shut.
    pub async fn shut_in_read(&self, posted: &Posted) -> JobView {
        let id = self.read_id(posted);
        self.job_that(&self.source_root(), &id, "waits in its lane", is_shut_in)
            .await
    }

    /// The job that posts `document` to `route`, once it has run and waits in a lane that is shut.
    pub async fn shut_in_post(&self, route: &str, document: &str, once: &str) -> JobView {
        let id = JobId::post(&self.effect(route, document, once));
        self.job_that(&self.sink_root(), &id, "waits in its lane", is_shut_in)
            .await
    }

    /// The id of the job that reads the record of `posted`.
    pub fn read_id(&self, posted: &Posted) -> JobId {
        let record = posted.id.to_string();
        let environment = &self.sim.config().environment;
        let set = "purchaseInvoices";
        JobId::business_central(&erp(), environment, posted.company, set, &record)
    }

    /// The job that posts `document` to `route` for `once`, once it is in `state`.
    pub async fn post_job(
        &self,
        route: &str,
        document: &str,
        once: &str,
        state: JobState,
    ) -> JobView {
        let id = JobId::post(&self.effect(route, document, once));
        self.job(&self.sink_root(), &id, state).await
    }

    /// The job called `id` under `root`, once it is in `state`.
    pub async fn job(&self, root: &LaneName, id: &JobId, state: JobState) -> JobView {
        let what = format!("becomes {state:?}");
        self.job_that(root, id, &what, |job| job.state == state)
            .await
    }

    async fn job_that(
        &self,
        root: &LaneName,
        id: &JobId,
        what: &str,
        holds: impl Fn(&JobView) -> bool,
    ) -> JobView {
        let mut last = None;
        let what = format!("{id} {what}");
        let found = async {
            loop {
                last = self.queue.job(root, id).await.ok().flatten();
                if let Some(job) = last.as_ref().filter(|job| holds(job)) {
                    return job.clone();
                }
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        if let Ok(job) = tokio::time::timeout(super::PATIENCE, found).await {
            return job;
        }
        panic!("{what}: it is {last:?}; {}", self.standing());
    }

    /// What the ledger knows this announcement by.
    pub fn effect(&self, route: &str, document: &str, once: &str) -> EffectKey {
        let cloud = self.sim.config();
        let scope = document_scope(&cloud.environment, self.company());
        let route = RouteName::new(route).expect("a name");
        EffectKey::post(&route, &scope, document, once)
    }

    /// How often the cloud was asked for `target`.
    pub fn asked(&self, target: Target) -> usize {
        let requests = self.sim.requests().into_iter();
        requests.filter(|request| request.target == target).count()
    }

    /// The root of everything that is read.
    pub fn source_root(&self) -> LaneName {
        let cloud = self.sim.config();
        business_central_lanes("demo", HOST, &cloud.environment)
            .top()
            .clone()
    }

    /// The root of everything that is posted.
    pub fn sink_root(&self) -> LaneName {
        bot_root("demo", HOST, &self.sim.config().tenant)
    }

    /// The company of the cloud.
    pub fn company(&self) -> Uuid {
        self.sim.config().companies[0].id
    }

    /// Where that company is.
    pub fn company_address(&self) -> CompanyAddress {
        CompanyAddress {
            connection: erp(),
            environment: self.sim.config().environment.clone(),
            company: self.company(),
        }
    }

    /// Enters the company as found, for an app in which no worker looks for it.
    pub async fn enter_company(&self) {
        let address = self.company_address();
        let key = KnownCompany::key(&address.connection, &address.environment, address.company);
        let known = KnownCompany {
            address,
            name: self.sim.config().companies[0].name.clone(),
            configured: None,
            since: Timestamp::UNIX_EPOCH,
            left: None,
        };
        let register = self.queue.register(COMPANIES);
        let entered = register.update(&key, |_: Option<KnownCompany>| Some(known.clone()));
        entered.await.expect("redis answers");
    }

    /// The channel that routes lead to unless they say otherwise.
    pub fn approvals() -> Addressee {
        Addressee {
            team: "Finance".to_owned(),
            channel: "Approvals".to_owned(),
        }
    }
}

/// It has been tried, because it has a reason, and no worker is given it.
fn is_shut_in(job: &JobView) -> bool {
    job.state == JobState::Ready && !job.reason.is_empty()
}

fn erp() -> ConnectionName {
    ConnectionName::new("erp").expect("a name")
}
