use super::*;
use crate::standing::Standing;
use larder_metadata::denied::DeniedFilter;
use larder_model::{Kind, RuleKind};
use std::collections::HashSet;

/// A database whose clock stands until it is moved, and what is noted for it.
struct Bed {
    standing: Standing,
    denied: Denied,
}

impl Bed {
    async fn new() -> Self {
        Self {
            standing: Standing::new().await,
            denied: Denied::default(),
        }
    }

    fn note(&self, actor: &str, address: &str, package: &str) -> Option<Box<str>> {
        let problem = Problem::new(Kind::Policy, "package", format!("{package} is blocked"));
        let ruling = Ruling {
            repository: Some("npm/up".into()),
            package: Some(package.into()),
            ..Ruling::of(RuleKind::Block)
        };
        let asked = Asked {
            permission: None,
            reference: Some("1.0.0"),
        };
        let request = DeniedRequest {
            actor: actor.into(),
            address: address.into(),
            last_at: self.standing.metadata.now(),
            ..asked.denied(&problem, &ruling).expect("of a repository")
        };
        self.denied
            .note(request, || self.standing.metadata.new_id())
    }

    async fn flush(&self) {
        self.denied
            .flush(&self.standing.metadata)
            .await
            .expect("flush");
    }

    async fn rows(&self) -> Vec<DeniedRequest> {
        let filter = DeniedFilter::default();
        let all = self.standing.metadata.denied(&filter, None, 10_000).await;
        all.expect("list")
    }

    fn pass(&self, micros: i64) {
        self.standing.pass(micros);
    }
}

#[tokio::test]
async fn the_like_of_a_minute_have_one_id_and_are_counted() {
    let bed = Bed::new().await;
    let id = bed.note("user:alice", "192.0.2.1", "pad").expect("id");
    assert!(is_id(&id), "{id}");
    bed.pass(1000);
    // Nothing is written yet, and it can be looked up.
    assert_eq!(
        bed.note("user:alice", "192.0.2.9", "pad").as_ref(),
        Some(&id)
    );
    assert!(bed.rows().await.is_empty());
    let found = bed.denied.find(&id).expect("in memory");
    assert_eq!((found.count, &*found.address), (2, "192.0.2.1"));
    assert_eq!(found.last_at.0 - found.at().0, 1000);
    bed.flush().await;
    bed.flush().await;
    assert_eq!(bed.rows().await, [found]);
    // More of the like are counted into the same row.
    assert_eq!(
        bed.note("user:alice", "192.0.2.1", "pad").as_ref(),
        Some(&id)
    );
    bed.flush().await;
    assert_eq!(bed.rows().await[0].count, 3);
    // In the next minute they have another id, and memory has forgotten the first.
    bed.pass(MINUTE);
    let next = bed.note("user:alice", "192.0.2.1", "pad").expect("id");
    assert_ne!(next, id);
    bed.flush().await;
    assert_eq!(bed.denied.find(&id), None);
    let counts: Vec<u64> = bed.rows().await.iter().map(|it| it.count).collect();
    assert_eq!(counts, [1, 3]);
}

#[tokio::test]
async fn what_is_not_alike_has_an_id_of_its_own() {
    let bed = Bed::new().await;
    let ids = [
        bed.note("user:alice", "192.0.2.1", "pad"),
        bed.note("user:bob", "192.0.2.1", "pad"),
        bed.note("user:bob", "192.0.2.1", "left"),
        bed.note("anonymous", "192.0.2.1", "pad"),
        bed.note("anonymous", "192.0.2.2", "pad"),
    ];
    let ids: HashSet<_> = ids.into_iter().flatten().collect();
    assert_eq!(ids.len(), 5);
    bed.flush().await;
    assert_eq!(bed.rows().await.len(), 5);
}

#[tokio::test]
async fn a_flood_of_one_caller_leaves_room_for_others() {
    let bed = Bed::new().await;
    let flood = (0..1000).filter_map(|at| bed.note("user:mallory", "", &format!("p{at}")));
    assert_eq!(flood.count(), 100);
    assert!(bed.note("user:alice", "", "pad").is_some());
    assert!(bed.note("user:mallory", "", "p0").is_some());
    let others = (0..10_000).filter_map(|at| bed.note("anonymous", &at.to_string(), "pad"));
    assert_eq!(others.count(), MAX_NOTED - 101);
    bed.flush().await;
    assert_eq!(bed.rows().await.len(), MAX_NOTED);
    bed.pass(MINUTE);
    bed.flush().await;
    assert!(bed.note("user:mallory", "", "again").is_some());
}

#[tokio::test]
async fn what_could_not_be_written_is_written_later() {
    let bed = Bed::new().await;
    let id = bed.note("user:alice", "", "pad").expect("id");
    let mut taken = bed.denied.noted().take(bed.standing.metadata.now());
    assert_eq!(taken.len(), 1);
    bed.note("user:alice", "", "pad").expect("the same");
    // The database failed: all of it still waits.
    bed.denied.noted().put_back(&taken);
    bed.flush().await;
    assert_eq!(bed.rows().await[0].count, 2);
    taken[0].waiting = 0;
    bed.denied.noted().put_back(&taken);
    bed.flush().await;
    assert_eq!(bed.rows().await[0].count, 2);
    assert_eq!(bed.rows().await[0].id, id);
}

#[tokio::test]
async fn texts_of_clients_are_cut_off() {
    let bed = Bed::new().await;
    let long = "镜".repeat(10_000);
    let id = bed.note("user:alice", "", &long).expect("id");
    let found = bed.denied.find(&id).expect("in memory");
    assert_eq!(found.package.chars().count(), MAX_TEXT);
    assert_eq!(found.detail.chars().count(), MAX_TEXT);
}

#[test]
fn an_id_has_one_form() {
    assert!(is_id("0123456789abcdef0123456789abcdef"));
    for text in ["", "0123456789ABCDEF0123456789ABCDEF", "0123", "é"] {
        assert!(!is_id(text), "{text}");
    }
}
