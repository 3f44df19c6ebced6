//! TLS: certificates from files, or of a CA that the server makes for itself; authorities of
//! upstreams' certificates.

use bytes::Bytes;
use larder_config::{Config, Tls};
use larder_storage::durable;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::error::Error;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the server shows of itself.
pub(crate) struct Identity {
    pub(crate) config: Arc<ServerConfig>,
    /// The CA's certificate (PEM) where we are the CA.
    pub(crate) ca: Option<Bytes>,
}

/// The identity that the configuration asks for; `None`: plain HTTP.
pub(crate) fn identity(config: &Config) -> Result<Option<Identity>, Box<dyn Error>> {
    match &config.server.tls {
        Tls::Off => Ok(None),
        Tls::Files { cert, key } => Ok(Some(Identity {
            config: server_config(cert, key)?,
            ca: None,
        })),
        Tls::SelfSigned => {
            let folder = config.data.join("tls");
            durable::make_folder(&folder, durable::FOLDER)?;
            let (ca_cert, ca_key) = (folder.join("ca.crt"), folder.join("ca.key"));
            if !ca_key.exists() {
                make_ca(&ca_cert, &ca_key)?;
            }
            let (cert, key) = (folder.join("server.crt"), folder.join("server.key"));
            make_leaf(config, &ca_key, &cert, &key)?;
            let ca = std::fs::read(&ca_cert)?.into();
            Ok(Some(Identity {
                config: server_config(&cert, &key)?,
                ca: Some(ca),
            }))
        }
    }
}

/// Certificates (PEM) of authorities that upstreams' certificates may come from.
pub(crate) fn authorities(paths: &[PathBuf]) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let read = |path: &PathBuf| {
        let wrong =
            |why: &dyn Display| format!("cache.upstream_authorities: {}: {why}", path.display());
        let pem = std::fs::read(path).map_err(|error| wrong(&error))?;
        let certificates = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
        match certificates.map_err(|error| wrong(&error))?.len() {
            0 => Err(wrong(&"there is no certificate in PEM form in it").into()),
            _ => Ok(pem),
        }
    };
    paths.iter().map(read).collect()
}

fn server_config(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, Box<dyn Error>> {
    let wrong = |path: &Path, error: &dyn Error| format!("{}: {error}", path.display());
    let certs = CertificateDer::pem_file_iter(cert).map_err(|error| wrong(cert, &error))?;
    let certs = certs
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(cert, &error))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certs, private)
        .map_err(|error| wrong(cert, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn make_ca(cert: &Path, key: &Path) -> Result<(), Box<dyn Error>> {
    let pair = KeyPair::generate()?;
    let ca = ca_params()?.self_signed(&pair)?.pem();
    durable::write(cert, ca.as_bytes(), durable::PUBLIC)?;
    // Last: the CA is there when its key is.
    durable::create(key, pair.serialize_pem().as_bytes(), durable::SECRET)?;
    Ok(())
}

/// What the CA says of itself; the same at every start, so that its key alone is needed to sign.
fn ca_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Larder CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_after = rcgen::date_time_ymd(2100, 1, 1);
    Ok(params)
}

/// A certificate for the names under which this start can be reached.
fn make_leaf(
    config: &Config,
    ca_key: &Path,
    cert: &Path,
    key: &Path,
) -> Result<(), Box<dyn Error>> {
    let issuer_key = KeyPair::from_pem(&std::fs::read_to_string(ca_key)?)?;
    let issuer = Issuer::new(ca_params()?, issuer_key);
    // Every name under which this machine may be reached.
    let mut names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    names.push(config.server.listen.ip().to_string());
    names.push(
        rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
    );
    if let Some(url) = &config.server.public_url {
        let authority = url.authority();
        let host = authority
            .rsplit_once(':')
            .filter(|(_, port)| port.parse::<u16>().is_ok())
            .map_or(authority, |(host, _)| host);
        names.push(host.trim_matches(['[', ']']).to_owned());
    }
    names.retain(|name| !name.is_empty());
    names.sort();
    names.dedup();
    // As long as the CA lasts, it is trusted by whoever trusts that.
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "Larder");
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    params.not_after = rcgen::date_time_ymd(2100, 1, 1);
    let pair = KeyPair::generate()?;
    let leaf = params.signed_by(&pair, &issuer)?.pem();
    durable::write(cert, leaf.as_bytes(), durable::PUBLIC)?;
    durable::write(key, pair.serialize_pem().as_bytes(), durable::SECRET)?;
    Ok(())
}
