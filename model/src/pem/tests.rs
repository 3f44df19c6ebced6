use super::*;

const FILE: &str = "Bag Attributes\r\n    friendlyName: us\r\n-----BEGIN CERTIFICATE-----\r\nAAAA\r\n\
    -----END CERTIFICATE-----\r\n-----BEGIN EC PARAMETERS-----\nBBBB\n-----END EC PARAMETERS-----\n\
    -----BEGIN EC PRIVATE KEY-----\nCCCC\n-----END EC PRIVATE KEY-----\n  -----BEGIN CERTIFICATE-----\n\
    DDDD\n-----END CERTIFICATE-----";

#[test]
fn sections_are_taken_by_their_label() {
    assert_eq!(
        certificates(FILE),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n\
         -----BEGIN CERTIFICATE-----\nDDDD\n-----END CERTIFICATE-----\n"
    );
    assert_eq!(
        private_keys(FILE),
        "-----BEGIN EC PRIVATE KEY-----\nCCCC\n-----END EC PRIVATE KEY-----\n"
    );
}

#[test]
fn what_is_taken_is_taken_again_as_it_is() {
    let once = certificates(FILE);
    assert_eq!(certificates(&once), once);
}

#[test]
fn what_has_no_end_is_no_section() {
    for text in [
        "",
        "AAAA",
        "-----BEGIN CERTIFICATE-----\nAAAA\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----",
    ] {
        assert_eq!(certificates(text), "", "{text:?}");
        assert_eq!(private_keys(text), "", "{text:?}");
    }
}
