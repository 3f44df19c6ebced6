//! Objects that no row names.

use super::house::{GRACE, House, bytes};
use larder_metadata::collection::GoneObject;
use std::time::Duration;

async fn removable(house: &House) -> Vec<GoneObject> {
    let gone = house.metadata.gone_objects(None, 100).await;
    gone.expect("objects")
}

#[tokio::test]
async fn an_orphan_goes_when_it_was_seen_twice() {
    let house = House::new().await;
    let named = house.upload("app", &bytes("named", true)).await;
    let orphan = house.orphan(&bytes("orphan", true)).await;
    // Its row may come.
    let run = house.scrub().await;
    assert_eq!((run.count("orphans"), run.count("orphans_removed")), (0, 0));
    house.turn(GRACE + Duration::from_mins(1));
    let run = house.scrub().await;
    assert_eq!((run.count("orphans"), run.count("orphans_removed")), (1, 0));
    let run = house.scrub().await;
    assert_eq!((run.count("orphans"), run.count("orphans_removed")), (1, 0));
    assert_eq!(removable(&house).await, []);
    house.turn(GRACE);
    let run = house.scrub().await;
    assert_eq!((run.count("orphans"), run.count("orphans_removed")), (1, 1));
    assert_eq!(
        run.did("orphan").into_iter().collect::<Vec<_>>(),
        [orphan.digest]
    );
    let gone = removable(&house).await;
    assert_eq!(gone.len(), 1);
    assert_eq!(
        (gone[0].digest, gone[0].generation),
        (orphan.digest, orphan.generation)
    );
    // It is the collector's from now on.
    let run = house.scrub().await;
    assert_eq!(run.count("orphans"), 0);
    assert!(house.object(named).await.exists());
    house.end().await;
}

#[tokio::test]
async fn what_a_damaged_row_names_is_no_orphan() {
    let house = House::new().await;
    house.upload("app", &bytes("whole", true)).await;
    let blob = house.upload("app", &bytes("damaged", true)).await;
    let kept_aside = house.object(blob).await;
    std::fs::write(&kept_aside, b"short").expect("truncate");
    for _ in 0..3 {
        let run = house.scrub().await;
        assert_eq!((run.count("quarantined"), run.count("orphans")), (1, 0));
        house.turn(GRACE * 2);
    }
    assert!(kept_aside.exists());
    assert_eq!(removable(&house).await, []);
    // Brought again, the damaged one goes.
    house.upload("app", &bytes("damaged", true)).await;
    let gone = removable(&house).await;
    assert_eq!((gone.len(), gone[0].digest), (1, blob));
    assert_ne!(house.object(blob).await, kept_aside);
    house.end().await;
}
