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

#[test]
fn what_was_meant_by_half_an_address_is_told() {
    for (text, meant) in [
        (
            ":7070",
            "\"127.0.0.1:7070\" for this machine alone, or \"0.0.0.0:7070\"",
        ),
        (
            "7070",
            "\"127.0.0.1:7070\" for this machine alone, or \"0.0.0.0:7070\"",
        ),
        ("*:80", "\"0.0.0.0:80\""),
        (
            "localhost:7070",
            "write \"127.0.0.1:7070\" or \"[::1]:7070\"",
        ),
        ("larder.example:7070", "write e.g. \"127.0.0.1:7070\""),
        (":70000", "write e.g. \"127.0.0.1:7070\""),
        ("", "write e.g. \"127.0.0.1:7070\""),
    ] {
        let told = listen_address(text).expect_err(text);
        assert!(told.starts_with("it is not an address; write "), "{told}");
        assert!(told.contains(meant), "{text}: {told}");
    }
    assert!(listen_address("[::]:7070").is_ok());
}

#[test]
fn parameters_of_database_urls_are_known() {
    let read = |url: &str| {
        let written = Written::loose(Place::Default, url);
        let read = DatabaseUrl::read(&written, Path::new(""));
        read.map(drop)
            .map_err(|Wrong(faults)| faults[0].text.clone())
    };
    for right in [
        "postgres://db/larder",
        "postgres://db/larder?sslmode=require&connect_timeout=3",
        "postgres://larder:p?sslmode=x&y@db/larder",
        "postgres://db/larder?",
    ] {
        assert_eq!(read(right), Ok(()), "{right}");
    }
    for (wrong, told) in [
        (
            "postgres://db/larder?sslmode=bogus",
            "sslmode=bogus; write disable, prefer or require",
        ),
        (
            "postgres://a:hunter2@db/larder?sslmode=verify-full",
            "is verified in any case",
        ),
        (
            "postgres://db/larder?sslmodes=require",
            "\"sslmodes\"; did you mean sslmode?",
        ),
        (
            "postgres://db/larder?hunter=2",
            "known are application_name, ",
        ),
    ] {
        let said = read(wrong).expect_err(wrong);
        assert!(said.contains(told) && !said.contains("hunter2"), "{said}");
    }
}
