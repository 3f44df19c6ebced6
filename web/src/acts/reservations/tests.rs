use super::*;

#[test]
fn ids_stand_for_keys() {
    let key = ReservationKey {
        protocol: "npm".into(),
        repository: "local".into(),
        package: "@acme/app".into(),
        version: "1.0.0".into(),
    };
    assert_eq!(key_of(&id_of(&key)), Some(key));
    for bad in ["", "x", "bnBt", "bnBtAGEAYgBjAGQ"] {
        assert_eq!(key_of(bad), None, "{bad}");
    }
}
