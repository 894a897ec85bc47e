//! What people do to jobs.

use harness::{Cut, Note};
use signalbox_core::JobId;
use signalbox_queue::{
    DeadFilter, JobState, Operated, Queue,
    protocol::{self, Verb},
};

use super::{super::view, Line};

async fn dead(line: &Line, id: &str) {
    let leased = line.leased(id).await;
    let ended = protocol::settle(&line.direct, &leased.lease, Verb::Dead, "403").await;
    assert!(ended.unwrap());
}

#[tokio::test]
async fn a_word_about_a_job_that_was_cut_is_said_again_and_heard_once() {
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        let id = JobId::new(["a"]);
        let job = Note::job("a", "lane", "x");
        line.direct.enqueue(job).await.unwrap();
        let told = |before, after| {
            if line.is_done() {
                Operated::Kept(after)
            } else {
                Operated::Moved(before)
            }
        };
        // Each looks for the job first; a cut there leaves everything as it is.
        line.once(async |queue| queue.cancel_job(&id, "").await)
            .await;
        assert_eq!(view(&line.direct, "a").await.state, JobState::Ready);
        let held = line.twice_at(1, async |queue| queue.hold_job(&id, "group", "").await);
        let expected = told(JobState::Ready, JobState::Held);
        assert_eq!(held.await, expected, "{cut:?}");
        assert_eq!(line.direct.held_groups().await.unwrap()["group"], 1);
        let released = line.twice_at(1, async |queue| queue.release_job(&id).await);
        let expected = told(JobState::Held, JobState::Ready);
        assert_eq!(released.await, expected, "{cut:?}");
        let cancelled = line.twice_at(1, async |queue| queue.cancel_job(&id, "").await);
        let expected = told(JobState::Ready, JobState::Cancelled);
        assert_eq!(cancelled.await, expected, "{cut:?}");
        assert_eq!(line.count(JobState::Ready).await, 0, "{cut:?}");
        dead(&line, "b").await;
        let revived = line.twice_at(1, async |queue| queue.revive_job(&JobId::new(["b"])).await);
        let expected = told(JobState::Dead, JobState::Ready);
        assert_eq!(revived.await, expected, "{cut:?}");
        assert_eq!(line.count(JobState::Dead).await, 0, "{cut:?}");
    }
}

#[tokio::test]
async fn what_was_said_of_many_and_cut_is_done_to_each_once() {
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        let enqueue = async || {
            let job = |id| Note::job(id, "lane", "x");
            let jobs = vec![job("a").held_with("group"), job("b").held_with("group")];
            line.direct.enqueue_all(jobs).await.unwrap();
        };
        let left = if line.is_done() { 0 } else { 2 };
        enqueue().await;
        let released = line.twice(async |queue| queue.release_group("group").await);
        assert_eq!(released.await, left, "{cut:?}");
        assert_eq!(line.count(JobState::Ready).await, 2, "{cut:?}");
        for id in ["a", "b"] {
            let id = JobId::new([id]);
            let held = line.direct.hold_job(&id, "group", "").await.unwrap();
            assert_eq!(held, Operated::Moved(JobState::Ready));
        }
        let seen = line.twice(async |queue| queue.mark_group_as_seen("group").await);
        assert_eq!(seen.await, left, "{cut:?}");
        assert_eq!(view(&line.direct, "a").await.state, JobState::Done);
        assert_eq!(line.count(JobState::Held).await, 0, "{cut:?}");
        dead(&line, "c").await;
        let all = DeadFilter::default();
        let revive = async |queue: &Queue| queue.revive_dead(&all).await;
        let revived = line.twice_at(1, revive).await;
        assert_eq!(revived, u64::from(!line.is_done()), "{cut:?}");
        assert_eq!(view(&line.direct, "c").await.state, JobState::Ready);
    }
}
