use super::*;

#[test]
fn passwords() {
    let name = "alice-in-chains".parse().expect("name");
    let check = |password: &str| check_password(password, &name).is_ok();
    assert!(check("12345678") && check("päßwörtchen") && check(&"x".repeat(256)));
    for bad in [
        "",
        "1234567",
        "ööööööö",
        &"x".repeat(257),
        "Alice-In-Chains",
        "a\nbcdefgh",
        "lrd_12345678",
    ] {
        assert!(!check(bad), "{bad}");
    }
}
