//! A whole worker, whose way to Redis is cut again and again.

use harness::{Cut, Cutter, Note, RedisServer, Script, Steered};
use signalbox_queue::{JobState, NewJob};

use super::super::{SHORT, view};

const JOBS: usize = 60;

#[tokio::test]
async fn a_worker_whose_way_is_cut_again_and_again_ends_every_job() {
    let redis = RedisServer::start();
    let queue = redis.queue().await;
    let cutter = Cutter::open(&redis);
    let mut worker = Steered::on(cutter.options(), SHORT, 4);
    let id = |number| format!("job-{number}");
    let job = |number| -> NewJob { Note::job(&id(number), "lane", "x") };
    queue
        .enqueue_all((0..JOBS).map(job).collect())
        .await
        .unwrap();
    let mut cuts = Cut::ALL.into_iter().cycle();
    let work = async {
        for ended in 1_usize.. {
            worker.next().await.tell(Script::Complete);
            if ended.is_multiple_of(8) {
                cuts.next().into_iter().for_each(|cut| cutter.cut(cut, 0));
            }
        }
    };
    let done = async {
        for number in 0..JOBS {
            while view(&queue, &id(number)).await.state != JobState::Done {
                tokio::time::sleep(SHORT / 20).await;
            }
        }
    };
    tokio::select! {
        () = work => {}
        () = done => {}
    }
    worker.stop().await;
    let depth = queue.depth().await.unwrap();
    assert!(depth.values().all(|count| *count == 0), "{depth:?}");
}
