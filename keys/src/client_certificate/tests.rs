use super::*;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

/// A certificate that ends at the beginning of a year, and its key.
fn made(year: i32) -> (String, String) {
    let key = KeyPair::generate().expect("key");
    let mut params = CertificateParams::new(["us.example".to_owned()]).expect("name");
    params.not_after = date_time_ymd(year, 1, 1);
    let certificate = params.self_signed(&key).expect("certificate").pem();
    (certificate, key.serialize_pem())
}

fn refused(certificate: &str, key: &str) -> (&'static str, String) {
    let Err(problem) = ClientCertificate::read(certificate, key) else {
        panic!("it was taken");
    };
    (problem.about, problem.detail.to_string())
}

#[test]
fn what_belongs_together_is_taken_without_the_rest() {
    let (certificate, key) = made(2042);
    let (other, _) = made(2041);
    let file = format!("subject=us\n{certificate}{key}issuer=them\n{other}");
    let read = ClientCertificate::read(&file, &file).expect("both");
    let certificates = pem::certificates(&format!("{certificate}{other}"));
    assert_eq!(read.certificates, certificates);
    assert_eq!(read.key, pem::private_keys(&key));
    let first: Timestamp = "2041-01-01T00:00:00Z".parse().expect("time");
    assert_eq!(
        expires_at(&read.certificates),
        Some(first),
        "the first that ends"
    );
    assert_eq!(expires_at(""), None);
}

#[test]
fn what_does_not_belong_together_is_told() {
    let ((certificate, _), (_, key)) = (made(2042), made(2042));
    let (about, detail) = refused(&certificate, &key);
    assert_eq!(about, "client_certificate");
    assert!(detail.contains("does not belong to the key"), "{detail}");
}

#[test]
fn what_is_no_pem_is_told() {
    let (certificate, key) = made(2042);
    let damaged = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n\
        -----END RSA PRIVATE KEY-----\n";
    let unknown = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let long = "x".repeat(MAX_BYTES + 1);
    for (wrong, told) in [
        ("", "no certificate"),
        (&*key, "no certificate"),
        (damaged, "damaged"),
        (empty, "no X.509"),
        (&*long, "64 KiB"),
    ] {
        let (about, detail) = refused(wrong, &key);
        assert_eq!(about, "client_certificate");
        assert!(detail.contains(told), "{detail}");
        let problem = read_authorities(wrong).expect_err("refused");
        assert_eq!(problem.about, "ca_certificate");
        assert!(problem.detail.contains(told), "{}", problem.detail);
    }
    for (wrong, told) in [
        ("", "no private key"),
        (&*certificate, "no private key"),
        (encrypted, "is encrypted"),
        (old, "is encrypted"),
        (unknown, "this kind"),
        (&*format!("{key}{key}"), "more than one"),
        (&*long, "64 KiB"),
    ] {
        let (about, detail) = refused(&certificate, wrong);
        assert_eq!(about, "client_key");
        assert!(detail.contains(told), "{detail}");
        assert!(!detail.contains("AAAA"), "no part of a key is told");
    }
}
