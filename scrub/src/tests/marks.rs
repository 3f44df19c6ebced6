//! What manifests name, and what rows say.

use super::house::{House, bytes};
use std::collections::BTreeSet;

#[tokio::test]
async fn an_image_whose_rows_are_right_has_no_marks() {
    let house = House::new().await;
    let layer = house.upload("app", &bytes("layer", false)).await;
    house.push("app", &format!("{layer}\n"), &[layer]).await;
    house.upload("app", &bytes("coming", false)).await;
    let run = house.scrub().await;
    assert_eq!(
        (run.count("mark/images"), run.count("mark/manifests")),
        (1, 1)
    );
    for name in ["unbound", "bound", "absent", "unnamed", "unreachable"] {
        assert_eq!(run.count(&format!("mark/{name}")), 0, "{name}");
    }
    assert!(run.items.is_empty(), "{:?}", run.items);
    house.end().await;
}

#[tokio::test]
async fn rows_that_differ_from_what_manifests_name_are_told() {
    let house = House::new().await;
    let one = house.upload("app", &bytes("one", false)).await;
    let other = house.upload("app", &bytes("other", false)).await;
    let away = house.upload("elsewhere", &bytes("away", false)).await;
    // Its rows say that it names the second, and its bytes say the first, and one that is not there.
    house
        .push("app", &format!("{one}\n{away}\n"), &[other])
        .await;
    let run = house.scrub().await;
    assert_eq!(run.count("mark/unbound"), 2);
    assert_eq!(run.count("mark/bound"), 1);
    assert_eq!(run.count("mark/absent"), 1);
    // The collector looks at it still, for it was uploaded.
    assert_eq!(run.count("mark/unnamed"), 0);
    assert_eq!(run.did("mark"), BTreeSet::from([one, other, away]));
    // It only tells.
    let edges = house.metadata.used_by(house.image("app"), &other).await;
    assert!(edges.expect("edges").is_some());
    let edges = house.metadata.used_by(house.image("app"), &one).await;
    assert!(edges.expect("edges").is_none());
    house.end().await;
}

#[tokio::test]
async fn a_subject_is_no_part() {
    let house = House::new().await;
    let subject = house.push("app", "the subject", &[]).await;
    house.push("app", &format!("about {subject}\n"), &[]).await;
    let run = house.scrub().await;
    // The test's push says nothing of it.
    assert_eq!(
        (run.count("mark/unbound"), run.count("mark/absent")),
        (1, 0)
    );
    house.end().await;
}
