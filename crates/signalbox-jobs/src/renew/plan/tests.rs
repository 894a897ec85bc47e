use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use signalbox_core::{
    ClientStateDigest, CompanyAddress, ConnectionName, PollsInstead, Subscription,
    SubscriptionFailure,
};
use uuid::Uuid;

use super::{Listed, Plan, Times, View, Wish, plan};

const HOOK: &str = "https://signalbox.example.com/hooks/business-central/erp/";

fn now() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// What a plan is made from.
struct Scene {
    wishes: Vec<Wish>,
    records: Vec<Subscription>,
    listed: Vec<Listed>,
    most: usize,
    dismissed: bool,
}

impl Scene {
    /// One wish for each name of `sets`, with a record that was never offered.
    fn of(sets: &[&str]) -> Self {
        let wishes: Vec<Wish> = sets.iter().map(|set| wish(set)).collect();
        let records = wishes
            .iter()
            .map(|one| Subscription::begun(&one.company, &one.set, one.set.clone(), now()));
        Self {
            records: records.collect(),
            wishes,
            listed: Vec::new(),
            most: 200,
            dismissed: false,
        }
    }

    /// The subscription to `set` was made so many hours ago.
    fn living(mut self, set: &str, age: i64) -> Self {
        let listed = listed(&format!("{HOOK}{set}"), set, hours(72 - age));
        let record = self.record(set);
        record.id = Some(listed.subscription.id.clone());
        record.expires_at = Some(listed.subscription.expires_at);
        record.last_renewed = Some(now() - hours(age));
        record.client_states.current = Some(ClientStateDigest::of("a"));
        self.listed.push(listed);
        self
    }

    fn record(&mut self, set: &str) -> &mut Subscription {
        let mut records = self.records.iter_mut();
        records.find(|record| record.set == set).unwrap()
    }

    /// The source has `count` subscriptions of others.
    fn with_others(mut self, count: usize) -> Self {
        for number in 0..count {
            let url = format!("https://flow.example.com/{number}");
            self.listed.push(listed(&url, "vendors", hours(5)));
        }
        self
    }

    fn plan(&self) -> Plan {
        let keys: BTreeSet<String> = self.records.iter().map(|one| one.key.clone()).collect();
        let times = Times {
            life: hours(72),
            retry: SignedDuration::from_mins(1),
            most: hours(1),
        };
        plan(&View {
            wishes: &self.wishes,
            records: self.records.clone(),
            keys,
            listed: self.listed.clone(),
            dismissed: &|_| self.dismissed,
            hook: HOOK,
            most: self.most,
            now: now(),
            times,
        })
    }
}

fn wish(set: &str) -> Wish {
    Wish {
        company: CompanyAddress {
            connection: ConnectionName::new("erp").unwrap(),
            environment: "Production".to_owned(),
            company: Uuid::nil(),
        },
        set: set.to_owned(),
        api: "v2.0".to_owned(),
        unable: None,
    }
}

fn listed(url: &str, set: &str, left: SignedDuration) -> Listed {
    Listed {
        api: "v2.0".to_owned(),
        subscription: signalbox_microsoft::Subscription {
            id: format!("id of {url}"),
            etag: None,
            expires_at: now() + left,
            resource: format!("api/v2.0/companies({})/{set}", Uuid::nil()),
            notification_url: url.to_owned(),
        },
    }
}

fn created(plan: &Plan) -> Vec<&str> {
    let created = plan.create.iter();
    created.map(|(record, _)| record.set.as_str()).collect()
}

fn renewed(plan: &Plan) -> Vec<&str> {
    let renewed = plan.renew.iter();
    renewed.map(|one| one.record.set.as_str()).collect()
}

fn deleted(plan: &Plan) -> Vec<&str> {
    let deleted = plan.delete.iter();
    let urls = deleted.map(|one| one.listed.subscription.notification_url.as_str());
    urls.map(|url| url.rsplit('/').next().unwrap()).collect()
}

#[test]
fn a_young_one_is_left_alone_and_one_that_is_past_a_third_of_its_life_is_renewed() {
    let plan = Scene::of(&["a", "b", "c"])
        .living("a", 1)
        .living("b", 25)
        .plan();
    assert_eq!(plan.young.len(), 1);
    assert_eq!(renewed(&plan), ["b"]);
    assert_eq!(created(&plan), ["c"]);
    assert!(!plan.renew[0].was_deaf);
    let due = plan.next.unwrap().duration_since(now());
    // Twenty-four hours after it was made, or up to a tenth of that earlier.
    assert!(due <= hours(23) && due > hours(20), "{due:?}");
}

#[test]
fn what_the_source_does_not_list_any_more_is_made_anew() {
    let mut scene = Scene::of(&["a", "b"]).living("a", 1).living("b", 1);
    scene.listed.clear();
    let plan = scene.plan();
    assert_eq!(created(&plan), ["a", "b"]);
    assert_eq!(plan.all_gone, 2);
}

#[test]
fn one_that_ended_or_whose_last_answer_was_lost_is_renewed_and_caught_up_with() {
    let mut scene = Scene::of(&["a", "b"]).living("a", 1).living("b", 73);
    scene.record("a").client_states.pending = Some(ClientStateDigest::of("b"));
    let plan = scene.plan();
    assert_eq!(renewed(&plan), ["b", "a"]);
    assert!(plan.renew.iter().all(|one| one.was_deaf));
}

#[test]
fn a_subscription_of_a_former_life_is_taken_over_where_it_is_wanted_and_deleted_where_it_is_not() {
    let mut scene = Scene::of(&["a"]).with_others(2);
    scene
        .listed
        .push(listed(&format!("{HOOK}old-a"), "a", hours(9)));
    scene
        .listed
        .push(listed(&format!("{HOOK}older-a"), "a", hours(8)));
    scene
        .listed
        .push(listed(&format!("{HOOK}old-b"), "b", hours(9)));
    let plan = scene.plan();
    assert_eq!(renewed(&plan), ["a"]);
    assert_eq!(plan.renew[0].record.key, "old-a");
    assert_eq!(plan.renew[0].replaces.as_deref(), Some("a"));
    assert!(plan.renew[0].was_deaf);
    assert_eq!(deleted(&plan), ["old-b", "older-a"]);
}

#[test]
fn what_only_looks_like_ours_is_never_touched() {
    let mut scene = Scene::of(&[]).with_others(1);
    for url in [
        HOOK.to_owned(),
        format!("{HOOK}a/b"),
        format!("{HOOK}a?x=1"),
        HOOK.replace("/erp/", "/erp2/") + "a",
        HOOK.replace("https://", "https://x.") + "a",
    ] {
        scene.listed.push(listed(&url, "a", hours(1)));
    }
    assert_eq!(scene.plan().changes(), 0);
}

#[test]
fn what_is_not_wanted_any_more_is_deleted_only_where_that_was_decided() {
    let mut scene = Scene::of(&["a"]).living("a", 1);
    scene.wishes.clear();
    assert_eq!(scene.plan().changes(), 0);
    scene.dismissed = true;
    let plan = scene.plan();
    assert_eq!(deleted(&plan), ["a"]);
    assert_eq!(plan.delete[0].record, Some(scene.records[0].clone()));
}

#[test]
fn the_first_wishes_get_the_room_that_others_leave_and_the_rest_polls() {
    let mut scene = Scene::of(&["a", "b", "c"]).with_others(8);
    scene.most = 10;
    let plan = scene.plan();
    assert_eq!(created(&plan), ["a", "b"]);
    assert_eq!(plan.poll.len(), 1);
    assert_eq!(plan.staying, 8);
}

#[test]
fn a_wish_that_comes_first_takes_the_room_of_the_last_one() {
    let mut scene = Scene::of(&["a", "b"]).living("b", 1).with_others(9);
    scene.most = 10;
    let plan = scene.plan();
    assert_eq!(created(&plan), ["a"]);
    assert_eq!(deleted(&plan), ["b"]);
    assert_eq!(plan.poll[0].0.set, "b");
    assert_eq!(plan.staying, 9);
}

#[test]
fn what_was_refused_waits_for_its_time_and_then_drives_out_nothing_that_works() {
    let mut scene = Scene::of(&["a", "b"]).living("b", 1).with_others(9);
    scene.most = 10;
    let later = now() + hours(1);
    for (again_at, next) in [(later, Some(later)), (now(), None)] {
        scene.record("a").polls_instead = Some(PollsInstead {
            since: now() - hours(1),
            reason: "refused".to_owned(),
            again_at: Some(again_at),
        });
        let plan = scene.plan();
        assert_eq!((plan.changes(), plan.young.len()), (0, 1), "{plan:?}");
        assert_eq!(plan.poll[0].0.set, "a");
        assert!(next.is_none() || plan.next == next, "{plan:?}");
    }
    scene.most = 11;
    assert_eq!(created(&scene.plan()), ["a"]);
}

#[test]
fn a_set_that_is_not_offered_polls_unless_its_subscription_lives() {
    let mut scene = Scene::of(&["a", "b"]).living("b", 1);
    for wish in &mut scene.wishes {
        wish.unable = Some("not offered".to_owned());
    }
    let plan = scene.plan();
    assert_eq!(plan.poll[0].1.as_deref(), Some("not offered"));
    assert_eq!((plan.changes(), plan.young.len()), (0, 1));
}

#[test]
fn one_that_failed_is_tried_again_after_a_while_and_holds_no_other_up() {
    let mut scene = Scene::of(&["a", "b"]);
    scene.record("a").last_failure = Some(SubscriptionFailure {
        at: now(),
        cause: "503".to_owned(),
    });
    let plan = scene.plan();
    assert_eq!(created(&plan), ["b"]);
    assert_eq!(plan.next, Some(now() + SignedDuration::from_mins(1)));
}

#[test]
fn a_renewal_that_fails_is_tried_rarer_and_rarer_but_often_again_near_the_end() {
    let pause = |age: i64| {
        let mut scene = Scene::of(&["a"]).living("a", age);
        scene.record("a").last_failure = Some(SubscriptionFailure {
            at: now(),
            cause: "503".to_owned(),
        });
        scene.plan().next.unwrap().duration_since(now())
    };
    assert_eq!(pause(40), hours(1));
    assert_eq!(pause(71), SignedDuration::from_mins(15));
    assert!(pause(25) < hours(2) && pause(25) >= SignedDuration::from_mins(1));
}

#[test]
fn of_two_with_the_same_address_the_younger_one_stays() {
    let mut scene = Scene::of(&["a"]).living("a", 1);
    let mut twin = listed(&format!("{HOOK}a"), "a", hours(3));
    twin.subscription.id = "twin".to_owned();
    scene.listed.insert(0, twin);
    let plan = scene.plan();
    assert_eq!(plan.delete[0].listed.subscription.id, "twin");
    assert_eq!((plan.changes(), plan.young.len()), (1, 1));
}

#[test]
fn a_record_that_nobody_needs_is_kept_until_nothing_can_be_under_way() {
    let mut scene = Scene::of(&["a"]);
    scene.wishes.clear();
    assert!(scene.plan().forget.is_empty());
    scene.record("a").caught_up_at = now() - hours(145);
    assert_eq!(scene.plan().forget.len(), 1);
}
