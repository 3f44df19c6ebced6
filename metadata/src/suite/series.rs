//! What servers counted, by hour.

use crate::Metadata;
use crate::series::{NewPoint, STEP, hour_of};
use larder_model::Timestamp;

checks![
    what_two_servers_count_adds_up,
    a_value_that_is_set_replaces_the_one_before,
    hours_of_a_series_are_told_apart_and_forgotten,
];

/// The series of one check.
fn series_name(metadata: &Metadata) -> String {
    format!("suite-{:x}", metadata.new_id())
}

async fn what_two_servers_count_adds_up(metadata: &Metadata) {
    let name = series_name(metadata);
    let now = metadata.now();
    let add = async |server: Metadata| {
        for value in 1..=20 {
            let point = |label, part, value| NewPoint {
                name: &name,
                label,
                part,
                value,
            };
            let mut points = [
                point("b", "", 1),
                point("a", "sum", value),
                point("a", "1", 2),
            ];
            server.add_to_series(now, &mut points).await.expect("add");
        }
    };
    tokio::join!(
        add(metadata.clone()),
        add(metadata.beside()),
        add(metadata.beside())
    );
    let hour = hour_of(now);
    let points = metadata
        .series(&name, hour, hour.after(STEP))
        .await
        .expect("series");
    let found = points
        .iter()
        .map(|it| (it.at, &*it.label, &*it.part, it.value));
    let expected = [
        (hour, "a", "1", 120),
        (hour, "a", "sum", 630),
        (hour, "b", "", 60),
    ];
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

async fn a_value_that_is_set_replaces_the_one_before(metadata: &Metadata) {
    let (name, hour) = (series_name(metadata), hour_of(metadata.now()));
    for value in [7, 5] {
        let mut points = [NewPoint {
            name: &name,
            label: "",
            part: "",
            value,
        }];
        metadata.set_series(hour, &mut points).await.expect("set");
    }
    let points = metadata
        .series(&name, hour, hour.after(STEP))
        .await
        .expect("series");
    assert_eq!(points.iter().map(|it| it.value).collect::<Vec<_>>(), [5]);
}

async fn hours_of_a_series_are_told_apart_and_forgotten(metadata: &Metadata) {
    let (name, first) = (series_name(metadata), hour_of(metadata.now()));
    for hour in 0..4 {
        let mut points = [NewPoint {
            name: &name,
            label: "",
            part: "",
            value: u64::from(hour) + 1,
        }];
        let at = first.after(STEP * hour + STEP / 2);
        metadata.add_to_series(at, &mut points).await.expect("add");
    }
    let values = async |since, until| {
        let points = metadata.series(&name, since, until).await.expect("series");
        points.iter().map(|it| it.value).collect::<Vec<_>>()
    };
    let (second, fourth) = (first.after(STEP), first.after(STEP * 3));
    assert_eq!(values(second, fourth).await, [2, 3]);
    let sums = metadata
        .series_sums(&name, second, fourth)
        .await
        .expect("sums");
    assert_eq!(sums.iter().map(|it| it.value).collect::<Vec<_>>(), [5]);
    metadata.prune_series(&name, second).await.expect("prune");
    assert_eq!(values(first, Timestamp(i64::MAX)).await, [2, 3, 4]);
}
