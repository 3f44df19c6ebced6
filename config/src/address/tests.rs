use super::*;
use crate::fault::Place;

#[test]
fn database_urls_show_no_password() {
    for (url, shown) in [
        ("postgres://db/larder", "postgres://db/larder"),
        ("postgres://larder@db/larder", "postgres://larder@db/larder"),
        (
            "postgres://larder:pw@db:5432/larder",
            "postgres://larder:***@db:5432/larder",
        ),
        (
            "postgresql://larder:p/w?a@b@db/larder",
            "postgresql://larder:***@db/larder",
        ),
        (
            "postgres://db/larder?password=pw&sslmode=require",
            "postgres://db/larder?***",
        ),
    ] {
        assert_eq!(DatabaseUrl::show(&Secret::new(url)), quoted(shown));
    }
}

#[test]
fn lists_outside_a_file_have_commas() {
    assert_eq!(networks("").expect("a list").len(), 0);
    assert_eq!(networks("10.0.0.0/8, ::1").expect("a list").len(), 2);
    assert!(networks("10.0.0.0/8,").is_err());
}

fn networks(text: &str) -> Result<Vec<Network>, Wrong> {
    Vec::<Network>::read(&Written::loose(Place::Default, text), Path::new(""))
}
