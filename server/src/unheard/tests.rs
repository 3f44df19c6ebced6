use super::*;

fn address(number: u8) -> IpAddr {
    IpAddr::from([203, 0, 113, number])
}

#[test]
fn an_address_is_told_of_once_an_hour() {
    let unheard = Unheard::default();
    let begin = Instant::now();
    let after = |seconds| begin + Duration::from_secs(seconds);
    assert!(unheard.is_due(address(1), begin));
    assert!(!unheard.is_due(address(1), after(3599)));
    assert!(unheard.is_due(address(2), after(3599)), "another one");
    assert!(unheard.is_due(address(1), after(3600)));
    assert!(!unheard.is_due(address(1), after(3601)));
}

#[test]
fn whoever_has_many_addresses_fills_no_log() {
    let unheard = Unheard::default();
    let begin = Instant::now();
    let told = (0..200).filter(|number| unheard.is_due(address(*number), begin));
    assert_eq!(told.count(), MAX_ADDRESSES);
    assert!(unheard.is_due(address(200), begin + PAUSE), "an hour later");
}
