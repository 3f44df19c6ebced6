//! Certificates that we show to upstreams, with their private keys, and authorities of those that
//! upstreams show us.

use larder_model::{Problem, Timestamp, pem};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::fmt::Display;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// Bytes of the certificates, or of the key: chains have some thousand.
const MAX_BYTES: usize = 64 * 1024;
/// What an encrypted key is called, in either of the ways in which keys are encrypted (RFC 5958,
/// RFC 1421).
const ENCRYPTED: [&str; 2] = ["ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"];

/// A certificate with its private key.
pub struct ClientCertificate {
    /// The certificate, and those that lead to its authority (PEM), without what is no certificate.
    pub certificates: String,
    /// The private key (PEM).
    pub key: String,
}

impl ClientCertificate {
    /// Reads both (PEM); fails, in a sentence for whoever gave them, if they are not that or do not
    /// belong together.
    pub fn read(certificate: &str, key: &str) -> Result<Self, Problem> {
        let wrong = |why: &dyn Display| {
            Problem::invalid("client_certificate", format!("`client_certificate`: {why}"))
        };
        let (certificates, ders) = certificates(certificate).map_err(|why| wrong(&why))?;
        let (key, der) = private_key(key)
            .map_err(|why| Problem::invalid("client_key", format!("`client_key`: {why}")))?;
        let signing = any_supported_type(&der).map_err(|_| {
            let detail = "`client_key`: keys of this kind are not known here; RSA, ECDSA and \
                Ed25519 are";
            Problem::invalid("client_key", detail)
        })?;
        if CertifiedKey::new(ders, signing).keys_match().is_err() {
            return Err(wrong(
                &"it does not belong to the key: give the certificate that was made for `client_key`",
            ));
        }
        Ok(Self { certificates, key })
    }
}

/// When the first of some certificates (PEM) ends; `None` if there is none.
pub fn expires_at(text: &str) -> Option<Timestamp> {
    let (_, ders) = certificates(text).ok()?;
    let ends = ders.iter().filter_map(end_of);
    ends.min()
}

/// Certificates of authorities (PEM) without what is none, each once checked.
pub fn read_authorities(text: &str) -> Result<String, Problem> {
    let read = certificates(text);
    read.map(|(certificates, _)| certificates)
        .map_err(|why| Problem::invalid("ca_certificate", format!("`ca_certificate`: {why}")))
}

/// The certificates of a text, and each as it is.
fn certificates(text: &str) -> Result<(String, Vec<CertificateDer<'static>>), &'static str> {
    if text.len() > MAX_BYTES {
        return Err("it is larger than 64 KiB");
    }
    let sections = pem::certificates(text);
    if sections.is_empty() {
        return Err("there is no certificate in PEM form in it (-----BEGIN CERTIFICATE-----)");
    }
    let ders = CertificateDer::pem_slice_iter(sections.as_bytes()).collect::<Result<Vec<_>, _>>();
    let ders = ders.map_err(|_| "its PEM text is damaged")?;
    if ders.iter().any(|der| end_of(der).is_none()) {
        return Err("what it holds is no X.509 certificate");
    }
    Ok((sections, ders))
}

/// When a certificate ends; `None` if it is none.
fn end_of(der: &CertificateDer<'_>) -> Option<Timestamp> {
    let certificate = Certificate::from_der(der).ok()?;
    let end = certificate.tbs_certificate.validity.not_after;
    let micros = i64::try_from(end.to_unix_duration().as_micros()).ok()?;
    Some(Timestamp(micros))
}

/// The private key of a text, and as it is.
fn private_key(text: &str) -> Result<(String, PrivateKeyDer<'static>), &'static str> {
    if text.len() > MAX_BYTES {
        return Err("it is larger than 64 KiB");
    }
    let section = pem::private_keys(text);
    if section.is_empty() {
        return Err("there is no private key in PEM form in it (-----BEGIN PRIVATE KEY-----)");
    }
    if ENCRYPTED.iter().any(|word| section.contains(word)) {
        return Err("it is encrypted: give it without its passphrase (openssl pkey -in FILE)");
    }
    let mut keys = PrivateKeyDer::pem_slice_iter(section.as_bytes());
    match (keys.next(), keys.next()) {
        (Some(Ok(key)), None) => Ok((section, key)),
        (Some(Ok(_)), Some(_)) => Err("there is more than one private key in it"),
        _ => Err("its PEM text is damaged"),
    }
}

#[cfg(test)]
mod tests;
