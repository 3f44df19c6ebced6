//! Reading the audit trail.

use super::fixture::{BOB, Bed};
use crate::Metadata;
use crate::audit::{AuditEntry, AuditFilter};
use larder_model::Outcome;
use std::time::{Duration, Instant};

checks![
    filters_say_which_entries,
    pages_go_on_where_the_last_one_ended,
    spans_of_time_are_half_open,
    entries_are_the_same_before_and_after_the_seal,
    rare_beginnings_are_found_among_many_entries,
];

async fn list(metadata: &Metadata, filter: &AuditFilter, limit: usize) -> Vec<AuditEntry> {
    metadata.audit(filter, None, limit).await.expect("audit")
}

fn of(object: &str) -> AuditFilter {
    AuditFilter {
        object: Some(object.to_owned()),
        ..AuditFilter::default()
    }
}

fn ids(entries: &[AuditEntry]) -> Vec<i64> {
    entries.iter().map(|entry| entry.id).collect()
}

async fn filters_say_which_entries(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    bed.push("app", "one", &["v1"]).await;
    bed.push("tool", "two", &[]).await;
    metadata
        .drop_tag(bed.package("app"), "v1", None, &BOB)
        .await
        .expect("drop");
    let all = of(&format!("{}*", bed.repo.full_name()));
    let count = async |filter: AuditFilter| list(metadata, &filter, 100).await.len();
    for sealed in [false, true] {
        if sealed {
            metadata.seal(true).await.expect("seal");
        }
        assert_eq!(count(all.clone()).await, 4); // the repo, two manifests, the end of a tag
        assert_eq!(count(of(&bed.full_name("app"))).await, 2);
        assert_eq!(count(of(&bed.full_name("ap*"))).await, 2);
        assert_eq!(count(of(&bed.full_name("ap"))).await, 0);
        for (actor, expected) in [
            ("user:bob", 1),
            ("user:alice", 3),
            ("user:*", 4),
            ("robot:*", 0),
        ] {
            let actor = Some(actor.to_owned());
            assert_eq!(
                count(AuditFilter {
                    actor,
                    ..all.clone()
                })
                .await,
                expected
            );
        }
        for (action, expected) in [
            ("tag.delete", 1),
            ("tag.*", 1),
            ("manifest.*", 2),
            ("grant.*", 0),
        ] {
            let action = Some(action.to_owned());
            assert_eq!(
                count(AuditFilter {
                    action,
                    ..all.clone()
                })
                .await,
                expected
            );
        }
        for (result, expected) in [
            (Outcome::Ok, 4),
            (Outcome::Refused, 0),
            (Outcome::Failed, 0),
        ] {
            let result = Some(result);
            assert_eq!(
                count(AuditFilter {
                    result,
                    ..all.clone()
                })
                .await,
                expected
            );
        }
    }
}

async fn pages_go_on_where_the_last_one_ended(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    for text in ["one", "two", "three", "four"] {
        bed.push("app", text, &["a"]).await;
    }
    metadata.seal(true).await.expect("seal");
    for text in ["five", "six", "seven", "eight"] {
        bed.push("app", text, &["a"]).await;
    }
    let object = bed.full_name("app");
    for filter in [of(&object), of(&format!("{object}*"))] {
        let all = ids(&list(metadata, &filter, 100).await);
        assert_eq!(all.len(), 8);
        assert!(all.is_sorted_by(|a, b| a > b), "the newest first");
        let (mut paged, mut before) = (Vec::new(), None);
        loop {
            let page = metadata.audit(&filter, before, 3).await.expect("audit");
            let Some(last) = page.last() else { break };
            before = Some(last.id);
            paged.extend(ids(&page));
        }
        assert_eq!(paged, all);
    }
}

async fn spans_of_time_are_half_open(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    for text in ["one", "two", "three"] {
        bed.push("app", text, &[]).await;
    }
    let filter = of(&bed.full_name("app"));
    let all = list(metadata, &filter, 100).await;
    let (oldest, middle, newest) = (&all[2], &all[1], &all[0]);
    let from_middle = AuditFilter {
        since: Some(middle.at),
        ..filter.clone()
    };
    let from_middle = list(metadata, &from_middle, 100).await;
    assert_eq!(ids(&from_middle), [newest.id, middle.id]);
    let to_middle = AuditFilter {
        until: Some(middle.at),
        ..filter
    };
    assert_eq!(ids(&list(metadata, &to_middle, 100).await), [oldest.id]);
}

async fn entries_are_the_same_before_and_after_the_seal(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    bed.push("app", "one", &["v1"]).await;
    bed.push("app", "two", &["v2"]).await;
    let filter = of(&bed.full_name("app"));
    let before = list(metadata, &filter, 100).await;
    metadata.seal(true).await.expect("seal");
    assert_eq!(list(metadata, &filter, 100).await, before);
    assert_eq!(before.len(), 2);
}

/// Sealed entries whose hashes are none: so many of each of some actors and objects.
fn load(first: i64, count: i64) -> String {
    format!(
        "insert into audit (id, at, actor, action, object, result, address, request_id, details, \
         count, seq, hash) with recursive n (i) as (select 1 union all \
         select i + 1 from n where i < {count}) \
         select {first} + 1 + i * 1024, ({first} + i * 1024) / 1024, \
         'user:u' || cast(i % 50 as text), case when i % 10 = 0 then 'tag.set' else 'manifest.push' end, \
         'oci/r' || cast(i % 200 as text) || '/app' || cast(i % 5000 as text), \
         case when i = 1000 then 'failed' else 'ok' end, \
         '192.0.2.1', 'request', '{{}}', 1, (select seq from audit_chain) + i, '' from n"
    )
}

/// Puts the entries back that were not loaded.
const UNLOAD: &str = "delete from audit where hash = ''";

/// The old and rare are found behind more entries than are walked, and behind more than an index
/// is asked for.
async fn rare_beginnings_are_found_among_many_entries(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    bed.push("app", "one", &["v1"]).await;
    bed.push("app", "two", &["v2"]).await;
    let old = of(&format!("{}/*", bed.repo.full_name()));
    let expected = list(metadata, &old, 10).await;
    assert_eq!(expected.len(), 2);
    metadata.seal(true).await.expect("seal");
    let first = metadata.new_id();
    let script = |text: String| metadata.sql.script(text);
    script(load(first, 25_000)).await.expect("load");
    assert_eq!(list(metadata, &old, 10).await, expected);
    // Many old ones: `oci/r…` is newer and fits `oci/*` too often for the index.
    let rare = AuditFilter {
        actor: Some("user:al*".to_owned()),
        object: Some("oci/*".to_owned()),
        since: Some(expected[1].at),
        ..AuditFilter::default()
    };
    assert_eq!(list(metadata, &rare, 10).await, expected);
    let failed = AuditFilter {
        result: Some(Outcome::Failed),
        object: Some("oci/r*".to_owned()),
        ..AuditFilter::default()
    };
    assert_eq!(list(metadata, &failed, 10).await.len(), 1);
    script(UNLOAD.to_owned()).await.expect("unload");
}

/// What was measured: the filter, how many entries it found, and how long that took.
pub type Measure = (&'static str, usize, Duration);

/// How long the first page of each kind of filter takes among a million entries: the fastest of
/// three tries, for the machine may have other work.
pub async fn million(metadata: &Metadata) -> Vec<Measure> {
    let first = metadata.new_id();
    metadata
        .sql
        .script(load(first, 1_000_000))
        .await
        .expect("load");
    metadata
        .sql
        .script("analyze".to_owned())
        .await
        .expect("analyze");
    let bed = Bed::images(metadata).await;
    bed.push("app", "one", &["v1"]).await;
    let text = |text: &str| Some(text.to_owned());
    let any = AuditFilter::default;
    let middle = crate::ids::made_at(first + 500_000 * 1024);
    let filters = [
        ("everything", any()),
        (
            "a frequent actor",
            AuditFilter {
                actor: text("user:u7"),
                ..any()
            },
        ),
        (
            "an actor without entries",
            AuditFilter {
                actor: text("user:nobody"),
                ..any()
            },
        ),
        (
            "a frequent action",
            AuditFilter {
                action: text("manifest.push"),
                ..any()
            },
        ),
        (
            "an action without entries",
            AuditFilter {
                action: text("grant.create"),
                ..any()
            },
        ),
        (
            "an object",
            AuditFilter {
                object: text("oci/r7/app7"),
                ..any()
            },
        ),
        (
            "a repository",
            AuditFilter {
                object: text("oci/r7/*"),
                ..any()
            },
        ),
        (
            "a protocol",
            AuditFilter {
                object: text("oci/*"),
                ..any()
            },
        ),
        (
            "a beginning without entries",
            AuditFilter {
                object: text("npm/*"),
                ..any()
            },
        ),
        (
            "actions that begin so",
            AuditFilter {
                action: text("tag.*"),
                ..any()
            },
        ),
        (
            "a rare result",
            AuditFilter {
                result: Some(Outcome::Failed),
                ..any()
            },
        ),
        (
            "a result without entries",
            AuditFilter {
                result: Some(Outcome::Refused),
                ..any()
            },
        ),
        (
            "a frequent result",
            AuditFilter {
                result: Some(Outcome::Ok),
                ..any()
            },
        ),
        (
            "a span of time",
            AuditFilter {
                until: Some(middle),
                ..any()
            },
        ),
        (
            "actor and object",
            AuditFilter {
                actor: text("user:u7"),
                object: text("oci/r7/*"),
                ..any()
            },
        ),
    ];
    let mut measures = Vec::new();
    for (name, filter) in filters {
        let (mut fastest, mut found) = (Duration::MAX, 0);
        for _ in 0..3 {
            let began = Instant::now();
            found = list(metadata, &filter, 100).await.len();
            fastest = fastest.min(began.elapsed());
        }
        measures.push((name, found, fastest));
    }
    let unloaded = metadata.sql.script(UNLOAD.to_owned()).await;
    unloaded.expect("unload");
    measures
}
