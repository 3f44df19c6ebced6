use super::*;

#[test]
fn ids_grow_even_when_the_clock_stands_or_turns_back() {
    let ids = Ids::default();
    let times = [5, 5, 5, 4, 9];
    let made: Vec<i64> = times
        .into_iter()
        .map(|at| ids.next(Timestamp(at)))
        .collect();
    assert!(made.windows(2).all(|pair| pair[0] < pair[1]), "{made:?}");
}

#[test]
fn an_id_tells_when_it_was_made() {
    let at = Timestamp(1_800_000_000_000_000);
    let id = Ids::default().next(at);
    assert_eq!(made_at(id), at);
    assert!(first_at(at) <= id && id < first_at(Timestamp(at.0 + 1)));
}
