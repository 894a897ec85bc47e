//! Lanes, registers, samples, the trail and the janitor.

use std::time::Duration;

use harness::{Cut, Note};
use jiff::Timestamp;
use signalbox_core::{DocumentName, JobId, LaneLimits, LaneName, Payload, Step, StepWord};
use signalbox_queue::{
    JobState, LaneFault, Queue, Retention, TrailRetention,
    protocol::{self, Verb},
};

use super::Line;

fn later() -> Timestamp {
    Timestamp::from_second(4_000_000_000).unwrap()
}

#[tokio::test]
async fn a_change_of_a_lane_that_was_cut_is_made_by_the_next_try() {
    let (root, road) = (Note::root(), LaneName::new(["lane"]));
    let limits = LaneLimits {
        concurrency: Some(3),
        windows: Vec::new(),
    };
    let fault = LaneFault {
        cause: "403".to_owned(),
        next_action: "ask".to_owned(),
    };
    let probes = (later(), Duration::from_secs(60));
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        line.twice(async |queue| queue.close_lane(&root, &road, later(), "429").await)
            .await;
        line.twice(async |queue| queue.pause_lane(&root, &road, "audit").await)
            .await;
        line.twice(async |queue| queue.break_lane(&root, &road, &fault, probes).await)
            .await;
        line.twice(async |queue| queue.limit_lane(&root, &road, Some(&limits)).await)
            .await;
        let shut = line.direct.lane(&root, &road).await.unwrap();
        assert_eq!(shut.gate, Some((later(), "429".to_owned())), "{cut:?}");
        assert_eq!(shut.paused.as_deref(), Some("audit"), "{cut:?}");
        assert_eq!(shut.broken, Some((fault.clone(), later())), "{cut:?}");
        assert_eq!(shut.limits.as_ref(), Some(&limits), "{cut:?}");
        line.twice(async |queue| queue.open_lane(&root, &road).await)
            .await;
        line.twice(async |queue| queue.resume_lane(&root, &road).await)
            .await;
        line.twice(async |queue| queue.mend_lane(&root, &road).await)
            .await;
        let open = line.direct.lane(&root, &road).await.unwrap();
        let shut = (open.gate, open.paused, open.broken);
        assert_eq!(shut, (None, None, None), "{cut:?}");
    }
}

#[tokio::test]
async fn a_record_a_sample_and_a_step_whose_way_was_cut_are_there_in_the_end() {
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        let set = async |queue: &Queue| {
            let register = queue.register("test");
            let set = register.update("name", |_: Option<u32>| Some(7)).await;
            set.map(drop)
        };
        line.twice(set).await;
        let stored: Option<u32> = line.direct.register("test").get("name").await.unwrap();
        assert_eq!(stored, Some(7), "{cut:?}");
        // A sample may be there twice: it is only for people.
        let count = line.twice(async |queue| queue.keep_sample("odd", b"x").await);
        assert_eq!(count.await, 1 + u64::from(line.is_done()), "{cut:?}");
        let document = DocumentName::new("Production,1", "103201");
        let step = Step::new(later(), StepWord::Read, JobId::new(["a"])).of(document);
        line.twice(async |queue| queue.append_steps(std::slice::from_ref(&step)).await)
            .await;
        let story = line.direct.story("103201").await.unwrap();
        assert_eq!(story, std::slice::from_ref(&step), "{cut:?}");
    }
}

#[tokio::test]
async fn a_round_of_trimming_that_was_cut_is_finished_by_the_next() {
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        let leased = line.leased("a").await;
        let ended = protocol::settle(&line.direct, &leased.lease, Verb::Dead, "403").await;
        assert!(ended.unwrap());
        let none = Duration::ZERO;
        let retention = Retention {
            finished: none,
            finished_most: 1,
            records: none,
            records_most: 1,
            records_bytes: u64::MAX,
            effects: none,
            dead: none,
            dead_most: 1,
            dead_bytes: u64::MAX,
        };
        let trim = async |queue: &Queue| queue.trim(later(), &retention, &[Note::QUEUE]).await;
        let counts = line.twice(trim).await;
        assert_eq!(counts.dead, u64::from(!line.is_done()), "{cut:?}");
        assert_eq!(line.count(JobState::Dead).await, 0, "{cut:?}");
        let step = Step::new(Timestamp::UNIX_EPOCH, StepWord::Read, JobId::new(["a"]));
        line.direct.append_steps(&[step]).await.unwrap();
        let retention = TrailRetention {
            keep: none,
            bytes: 0,
        };
        line.twice(async |queue| queue.trim_trail(later(), &retention).await)
            .await;
        assert_eq!(line.direct.trail_bytes().await.unwrap(), 0, "{cut:?}");
    }
}

#[tokio::test]
async fn an_installation_and_a_look_that_were_cut_are_made_again() {
    for cut in Cut::ALL {
        let line = Line::new(cut).await;
        let leased = line.leased("a").await;
        let known = line.direct.installation_id().to_owned();
        // The installation is entered by one script, and then in each partition by another.
        for passed_over in 0..2 {
            let again = line.twice_at(passed_over, async |queue| queue.reinstall().await);
            assert_eq!(again.await.id, known, "{cut:?}");
        }
        let seen = line.twice(async |queue| queue.find_job(&leased.lease.id).await);
        assert_eq!(seen.await.unwrap().state, JobState::Running, "{cut:?}");
    }
}
