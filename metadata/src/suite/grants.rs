//! Filters of grants.

use super::fixture::name;
use super::people::{add_grant, subject};
use crate::Metadata;
use crate::grants::GrantFilter;

checks![grants_are_sought_by_subject_and_repository];

async fn grants_are_sought_by_subject_and_repository(metadata: &Metadata) {
    let (alice, bob) = (subject(metadata), subject(metadata));
    let repository = format!("oci/{}", name(metadata));
    let first = add_grant(metadata, &alice, &repository).await;
    let second = add_grant(metadata, &bob, &repository).await;
    let third = add_grant(metadata, &alice, "oci/a").await;
    let found = async |subject: Option<&str>, repository: Option<&str>, after, limit| {
        let filter = GrantFilter {
            subject: subject.map(str::to_owned),
            repository: repository.map(str::to_owned),
        };
        let found = metadata.grants(&filter, after, limit).await;
        let found = found.expect("grants").into_iter();
        found.map(|grant| grant.id).collect::<Vec<_>>()
    };
    let here = Some(&*repository);
    assert_eq!(found(Some(&alice), None, 0, 10).await, [first.id, third.id]);
    assert_eq!(found(Some(&alice), None, first.id, 10).await, [third.id]);
    assert_eq!(found(Some(&alice), None, 0, 1).await, [first.id]);
    assert_eq!(found(None, here, 0, 10).await, [first.id, second.id]);
    assert_eq!(found(None, here, first.id, 10).await, [second.id]);
    assert_eq!(found(Some(&bob), here, 0, 10).await, [second.id]);
    assert!(found(Some(&bob), here, second.id, 10).await.is_empty());
}
