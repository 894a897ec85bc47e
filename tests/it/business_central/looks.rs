//! Asks for polls and sweeps, which come by themselves only after every test, and waits for what they leave behind.

use harness::{App, Setting};
use signalbox_core::{
    CatchUp, CatchUpPurpose, Clock, CompanyAddress, ConnectionName, JobId, SystemClock, WATERMARKS,
    Watermark,
};
use signalbox_queue::{JobView, NewJob};
use signalbox_sim::Share;

const SET: &str = "purchaseInvoices";

/// A line whose looks are asked for.
pub(super) struct Looking<A> {
    pub(super) app: A,
    /// Where the set is; the cloud's first company if it is not said.
    company: Option<CompanyAddress>,
    set: &'static str,
}

impl Looking<App> {
    /// A line that is ready and knows its ids.
    pub(super) async fn start(setting: Setting) -> Self {
        let app = App::with(Self::setting(setting)).await;
        Self::over(app)
    }

    /// The same of a line that is ready.
    pub(super) fn over(app: App) -> Self {
        Self {
            app,
            company: None,
            set: SET,
        }
    }

    /// Looks leave only the last two milliseconds to the next.
    pub(super) fn setting(setting: Setting) -> Setting {
        let erp = if setting.erp.contains("poll_lag_secs") {
            setting.erp
        } else {
            format!("poll_lag_secs = 1\n{}", setting.erp)
        };
        Setting { erp, ..setting }
    }

    /// From now on no notification is sent.
    pub(super) fn untold(&self) {
        let all = Share {
            percent: 100.0,
            seed: 1,
        };
        self.app.sim.drop_notifications(Some(all));
    }
}

impl<'a> Looking<&'a App> {
    /// At the invoices of the first company.
    pub(super) fn at(app: &'a App) -> Self {
        Self {
            app,
            company: None,
            set: SET,
        }
    }

    /// At the invoices of `company`.
    pub(super) fn of(app: &'a App, company: CompanyAddress) -> Self {
        Self {
            company: Some(company),
            ..Self::at(app)
        }
    }

    /// At another set of the first company.
    pub(super) fn at_set(app: &'a App, set: &'static str) -> Self {
        Self {
            set,
            ..Self::at(app)
        }
    }

    fn address(&self) -> CompanyAddress {
        let known = self.company.clone();
        known.unwrap_or_else(|| self.app.company_address())
    }

    /// The mark of the set.
    pub(super) async fn mark(&self) -> Watermark {
        let register = self.app.queue.register(WATERMARKS);
        let key = Watermark::key(&self.address(), self.set);
        let mark = register.get(&key).await.unwrap();
        mark.expect("the baseline has begun the mark")
    }

    /// Has the set looked at now.
    pub(super) async fn ask(&self, purpose: CatchUpPurpose) {
        let config = self.app.config();
        let erp = ConnectionName::new("erp").unwrap();
        let connection = config.business_central(&erp).unwrap();
        let lanes = signalbox_jobs::source_lanes(connection, connection.first_environment());
        let look = CatchUp {
            company: self.address(),
            set: self.set.to_owned(),
            purpose: purpose.clone(),
        };
        let job = NewJob::new(self.id(&purpose), lanes, look, None).unwrap();
        let asked = self.app.queue.enqueue(job.keep_last(SystemClock.now()));
        asked.await.unwrap();
    }

    /// The mark after one more poll that came to its end.
    pub(super) async fn polled(&self) -> Watermark {
        let before = self.mark().await.looks;
        self.ask(CatchUpPurpose::Poll).await;
        self.until_mark("a poll comes to its end", |mark| mark.looks > before)
            .await
    }

    /// The mark after one more poll, whatever became of it.
    pub(super) async fn polled_or_failed(&self) -> Watermark {
        let before = self.mark().await;
        self.ask(CatchUpPurpose::Poll).await;
        self.until_mark("a poll ends", |mark| {
            mark.looks > before.looks || mark.failures > before.failures
        })
        .await
    }

    /// The mark after one more sweep that came to its end, or was not believed.
    pub(super) async fn swept(&self) -> Watermark {
        let before = self.mark().await;
        self.ask(CatchUpPurpose::Sweep).await;
        self.until_mark("a sweep ends", |mark| {
            let counted = mark.counted_at != before.counted_at;
            counted || mark.doubted != before.doubted || mark.failures > before.failures
        })
        .await
    }

    async fn until_mark(&self, what: &str, holds: impl Fn(&Watermark) -> bool) -> Watermark {
        self.app
            .until(what, async || {
                let mark = self.mark().await;
                holds(&mark).then_some(mark)
            })
            .await
    }

    /// The job that makes looks of this kind.
    pub(super) async fn job(&self, purpose: CatchUpPurpose) -> JobView {
        let root = self.app.source_root();
        let job = self.app.queue.job(&root, &self.id(&purpose)).await;
        job.unwrap()
            .expect("the round of the environment plants it")
    }

    fn id(&self, purpose: &CatchUpPurpose) -> JobId {
        let word = match purpose {
            CatchUpPurpose::Sweep => "sweep",
            _ => "poll",
        };
        JobId::catch_up(&self.address(), self.set, word)
    }
}
