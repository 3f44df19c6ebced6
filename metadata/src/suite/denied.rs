//! Requests that a rule refused.

use crate::Metadata;
use crate::denied::{DeniedCount, DeniedFilter, DeniedRequest};
use larder_model::{RuleKind, Timestamp};
use std::time::Duration;

checks![
    what_is_written_is_found_by_its_id_and_counts_on,
    lists_have_the_newest_first_and_filters,
    groups_are_of_one_package_and_rule,
    what_is_old_or_too_much_goes,
];

/// A request in a repository of its own for each check.
fn request(metadata: &Metadata, repository: &str, package: &str, rule: RuleKind) -> DeniedRequest {
    let seq = metadata.new_id();
    DeniedRequest {
        seq,
        id: format!("{seq:032x}").into(),
        last_at: Timestamp(1_800_000_000_000_000),
        count: 1,
        actor: "user:alice".into(),
        address: "192.0.2.1".into(),
        verb: "read".into(),
        repository: repository.into(),
        package: package.into(),
        reference: "1.0.0".into(),
        rule,
        detail: format!("{package} is blocked in {repository}: 恶意").into(),
        status: 403,
    }
}

fn repository(metadata: &Metadata) -> String {
    format!("npm/denied-{:x}", metadata.new_id())
}

async fn write(metadata: &Metadata, requests: &[&DeniedRequest]) {
    let count = |request: &&DeniedRequest| DeniedCount {
        request: (*request).clone(),
        waiting: request.count,
    };
    let mut counts: Vec<_> = requests.iter().map(count).collect();
    metadata.write_denied(&mut counts).await.expect("write");
    assert!(counts.iter().all(|count| count.waiting == 0));
}

fn of(repository: &str) -> DeniedFilter {
    DeniedFilter {
        repository: Some(repository.to_owned()),
        ..DeniedFilter::default()
    }
}

async fn what_is_written_is_found_by_its_id_and_counts_on(metadata: &Metadata) {
    let mut denied = request(metadata, &repository(metadata), "left-pad", RuleKind::Block);
    assert_eq!(
        metadata.denied_request(&denied.id).await.expect("find"),
        None
    );
    write(metadata, &[&denied]).await;
    let found = metadata.denied_request(&denied.id).await.expect("find");
    assert_eq!(found.as_ref(), Some(&denied));
    // Twice more of the like, later.
    denied.last_at = denied.last_at.after(Duration::from_secs(5));
    let again = DeniedRequest {
        count: 2,
        ..denied.clone()
    };
    write(metadata, &[&again]).await;
    let found = metadata.denied_request(&denied.id).await.expect("find");
    assert_eq!(found, Some(DeniedRequest { count: 3, ..denied }));
}

async fn lists_have_the_newest_first_and_filters(metadata: &Metadata) {
    let name = repository(metadata);
    let block = request(metadata, &name, "a", RuleKind::Block);
    let right = request(metadata, &name, "a", RuleKind::Right);
    let quota = request(metadata, &name, "b", RuleKind::Quota);
    let other = request(metadata, &repository(metadata), "a", RuleKind::Block);
    write(metadata, &[&quota, &other, &right, &block]).await;
    let list = async |filter: DeniedFilter, before: Option<i64>, limit: usize| {
        let found = metadata.denied(&filter, before, limit).await.expect("list");
        found.into_iter().map(|it| it.seq).collect::<Vec<_>>()
    };
    assert_eq!(
        list(of(&name), None, 9).await,
        [quota.seq, right.seq, block.seq]
    );
    assert_eq!(list(of(&name), None, 1).await, [quota.seq]);
    assert_eq!(list(of(&name), Some(quota.seq), 1).await, [right.seq]);
    let by = |rule| DeniedFilter {
        rule: Some(rule),
        ..of(&name)
    };
    assert_eq!(list(by(RuleKind::Right), None, 9).await, [right.seq]);
    assert!(list(by(RuleKind::Immutable), None, 9).await.is_empty());
    let since = DeniedFilter {
        since: Some(right.at()),
        ..of(&name)
    };
    assert_eq!(list(since, None, 9).await, [quota.seq, right.seq]);
    // Without a repository the newest of all come first.
    let blocks = DeniedFilter {
        rule: Some(RuleKind::Block),
        ..DeniedFilter::default()
    };
    let before = Some(other.seq + 1);
    assert_eq!(list(blocks, before, 1).await, [other.seq]);
    assert_eq!(list(DeniedFilter::default(), before, 1).await, [other.seq]);
}

async fn groups_are_of_one_package_and_rule(metadata: &Metadata) {
    let name = repository(metadata);
    let first = request(metadata, &name, "a", RuleKind::Block);
    let right = request(metadata, &name, "a", RuleKind::Right);
    let other = request(metadata, &name, "b", RuleKind::Block);
    let bob = DeniedRequest {
        actor: "user:bob".into(),
        count: 4,
        ..request(metadata, &name, "a", RuleKind::Block)
    };
    write(metadata, &[&first, &right, &other, &bob]).await;
    let groups = async |filter: DeniedFilter, before: Option<i64>, limit: usize| {
        let found = metadata.denied_groups(&filter, before, limit).await;
        let told = found.expect("groups").into_iter();
        told.map(|it| (it.last.seq, it.count, it.actors))
            .collect::<Vec<_>>()
    };
    let all = [(bob.seq, 5, 2), (other.seq, 1, 1), (right.seq, 1, 1)];
    assert_eq!(groups(of(&name), None, 9).await, all);
    assert_eq!(groups(of(&name), Some(bob.seq), 1).await, all[1..2]);
    let blocks = DeniedFilter {
        rule: Some(RuleKind::Block),
        ..of(&name)
    };
    assert_eq!(groups(blocks, None, 9).await, all[..2]);
    let since = DeniedFilter {
        since: Some(bob.at()),
        ..of(&name)
    };
    assert_eq!(groups(since, None, 9).await, [(bob.seq, 4, 1)]);
    let newest = groups(DeniedFilter::default(), Some(bob.seq + 1), 1).await;
    assert_eq!(newest, [(bob.seq, 5, 2)]);
}

async fn what_is_old_or_too_much_goes(metadata: &Metadata) {
    let name = repository(metadata);
    let old = request(metadata, &name, "old", RuleKind::Block);
    let kept = [0; 3].map(|_| request(metadata, &name, "new", RuleKind::Quota));
    write(metadata, &[&old, &kept[0], &kept[1], &kept[2]]).await;
    let all = async || {
        let found = metadata.denied(&of(&name), None, 9).await.expect("list");
        found.into_iter().map(|it| it.seq).collect::<Vec<_>>()
    };
    let cut = kept[0].at();
    metadata.prune_denied(cut, 1_000_000).await.expect("prune");
    assert_eq!(all().await, [kept[2].seq, kept[1].seq, kept[0].seq]);
    metadata.prune_denied(cut, 2).await.expect("prune");
    let newest = metadata.denied(&DeniedFilter::default(), None, 9).await;
    assert_eq!(newest.expect("list").len(), 2);
}
