use super::*;

#[test]
fn the_least_recently_used_one_goes_first() {
    let mut recent = Recent::new(2);
    for key in [1, 2] {
        recent.get_or_insert(key, || key * 10);
    }
    assert_eq!(recent.get_mut(1), Some(&mut 10));
    recent.get_or_insert(3, || 30);
    assert_eq!(recent.get_mut(2), None);
    assert_eq!(*recent.get_or_insert(1, || 99), 10, "it is there");
    let mut values: Vec<u64> = recent.values().copied().collect();
    values.sort_unstable();
    assert_eq!(values, [10, 30]);
    recent.retain(|value| *value == 30);
    assert!(recent.get_mut(1).is_none() && recent.get_mut(3).is_some());
    recent.remove(3);
    assert_eq!(recent.values().count(), 0);
}
