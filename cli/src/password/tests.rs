use super::*;

#[test]
fn generated_passwords_are_long_and_differ() {
    let (one, other) = (generate().expect("one"), generate().expect("other"));
    assert_eq!((one.len(), other.len()), (LENGTH, LENGTH));
    assert_ne!(one, other);
    assert!(one.bytes().all(|byte| LETTERS.contains(&byte)));
}
