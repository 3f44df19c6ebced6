//! Filters of grants.

use super::fixture::name;
use super::people::{add_grant, subject};
use crate::Metadata;
use crate::grants::{Grant, GrantFilter, Written};

checks![
    grants_are_sought_by_subject_and_repository,
    grants_come_page_by_page
];

const NONE: [i64; 0] = [];

/// The ids of what a page has.
async fn ids(
    metadata: &Metadata,
    (subject, repository): (Option<&str>, Written),
    after: Option<&Grant>,
    limit: u64,
) -> Vec<i64> {
    let filter = GrantFilter {
        subject: subject.map(str::to_owned),
        repository,
    };
    let after = after.map(Grant::key);
    let page = metadata.grants(&filter, after.as_ref(), limit).await;
    let page = page.expect("grants").into_iter();
    page.map(|grant| grant.id).collect()
}

async fn grants_are_sought_by_subject_and_repository(metadata: &Metadata) {
    let (alice, bob) = (subject(metadata), subject(metadata));
    let repository = format!("oci/{}", name(metadata));
    let longer = format!("{repository}-x");
    let first = add_grant(metadata, &alice, &repository).await;
    let second = add_grant(metadata, &bob, &repository).await;
    let third = add_grant(metadata, &alice, &longer).await;
    let found = async |subject, repository| ids(metadata, (subject, repository), None, 10).await;
    let exactly = || Written::Exactly(repository.clone());
    let beginning = |text: &str| Written::Beginning(text.to_owned());
    let all = [first.id, second.id, third.id];
    assert_eq!(found(None, exactly()).await, all[..2]);
    assert_eq!(found(None, beginning(&repository)).await, all);
    assert_eq!(found(None, beginning(&longer)).await, all[2..]);
    assert_eq!(found(Some(&bob), exactly()).await, all[1..2]);
    assert_eq!(
        found(Some(&alice), beginning("")).await,
        [first.id, third.id]
    );
    assert_eq!(found(Some(&alice), beginning("npm/")).await, NONE);
}

async fn grants_come_page_by_page(metadata: &Metadata) {
    let subject = subject(metadata);
    let mut all = Vec::new();
    for repository in ["oci/a", "oci/b", "npm/c"] {
        all.push(add_grant(metadata, &subject, repository).await);
    }
    all.rotate_right(1); // by repositories
    let page = async |beginning: &str, after, limit| {
        let written = Written::Beginning(beginning.to_owned());
        ids(metadata, (Some(&subject), written), after, limit).await
    };
    assert_eq!(page("", None, 2).await, [all[0].id, all[1].id]);
    assert_eq!(page("", Some(&all[1]), 2).await, [all[2].id]);
    assert_eq!(page("", Some(&all[2]), 2).await, NONE);
    // What is left of a list whose beginning is past.
    assert_eq!(page("oci/", Some(&all[0]), 1).await, [all[1].id]);
    assert_eq!(page("npm/", Some(&all[1]), 1).await, NONE);
}
