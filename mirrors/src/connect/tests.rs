use super::*;

#[test]
fn fingerprints_are_those_that_openssl_shows() {
    let pem =
        |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    let empty = "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:\
                 27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55";
    assert_eq!(fingerprint(&pem("")).as_deref(), Some(empty));
    assert_ne!(fingerprint(&pem("bGFy\nZGVy")), fingerprint(&pem("")));
    assert_eq!(
        fingerprint(&pem("bGFy\nZGVy")),
        fingerprint(&pem("bGFyZGVy"))
    );
    assert_eq!(fingerprint(&pem("no base64!")), None);
    assert_eq!(fingerprint("no certificate"), None);
}
