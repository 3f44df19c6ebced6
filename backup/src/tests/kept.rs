//! Backups that are kept.

use super::bed::Bed;
use crate::{Contents, Keep, check};
use futures_util::StreamExt as _;
use larder_model::{Algorithm, Digest, Timestamp};
use larder_storage::BackupName;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_kept_listed_read_and_deleted() {
    let bed = Bed::new().await;
    let backups = bed.backups();
    let export = bed.export(Contents::with_keys(false)).await;
    let kept = backups.keep(export, |_| true).await.expect("keep");
    let (kept, digest) = kept.expect("whole");
    assert_eq!(backups.kept().await.expect("list"), [kept]);
    let found = backups.find(&kept.name.to_string()).await.expect("find");
    assert_eq!(found, Some(kept));
    let pieces: Vec<_> = backups.open(kept).await.expect("open").collect().await;
    let bytes: Vec<u8> = pieces
        .into_iter()
        .flat_map(|piece| piece.expect("piece"))
        .collect();
    assert_eq!(Digest::of(Algorithm::Sha256, &bytes), digest);
    assert_eq!(check(&bytes[..]).expect("backup").digest, digest);
    assert!(backups.delete(kept.name).await.expect("delete"));
    assert_eq!(backups.kept().await.expect("list"), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_to_end_leaves_nothing() {
    let bed = Bed::new().await;
    let export = bed.export(Contents::with_keys(true)).await;
    let mut pieces = 0;
    let stops = |_| {
        pieces += 1;
        pieces < 3
    };
    let kept = bed.backups().keep(export, stops).await.expect("stop");
    assert_eq!(kept, None);
    assert_eq!(bed.backups().kept().await.expect("list"), []);
    let staged = bed.blobs.stale(std::time::Duration::ZERO).await;
    assert_eq!(staged.expect("staging"), Vec::<String>::new());
}

#[test]
fn the_newest_backups_are_kept() {
    const DAY: i64 = 86_400;
    let name = |day: i64| BackupName::new(Timestamp(day * DAY * 1_000_000), day);
    let names: Vec<_> = (1..=5).map(name).collect();
    let now = Timestamp(6 * DAY * 1_000_000);
    let days = |days: u64| std::time::Duration::from_hours(24 * days);
    for (count, age, gone) in [
        (9, days(0), 0),
        (3, days(0), 2),
        (1, days(0), 4),
        (0, days(0), 4),
        (9, days(2), 3),
        (9, days(4), 1),
        (2, days(4), 3),
        // The newest stays, whatever its age.
        (9, std::time::Duration::from_secs(1), 4),
    ] {
        let keep = Keep { count, age };
        assert_eq!(keep.expired(&names, now), names[..gone], "{keep:?}");
    }
    let keep = Keep {
        count: 1,
        age: days(1),
    };
    assert_eq!(keep.expired(&[], now), []);
}
