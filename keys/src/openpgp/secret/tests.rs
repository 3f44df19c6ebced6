use super::*;

#[test]
fn rests_of_divisions() {
    for (number, prime) in [
        (1_000_003_u64, 65_537_u64),
        (65_536, 65_537),
        (5, 65_537),
        (123_456_789_012, 257),
    ] {
        let expected = number % (prime - 1);
        let prime: Vec<u8> = prime
            .to_be_bytes()
            .into_iter()
            .skip_while(|byte| *byte == 0)
            .collect();
        let rest = rest_of(&number.to_be_bytes(), &prime).expect("rest");
        assert_eq!(
            rest.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
            expected,
            "{number}"
        );
    }
    assert_eq!(rest_of(&[1], &[1, 4]), None);
}
