//! TLS: certificates from files, or of a CA that the server makes for itself; authorities of
//! upstreams' certificates.

use arc_swap::ArcSwap;
use bytes::Bytes;
use larder_config::{Config, Tls};
use larder_mirrors::connect::fingerprint;
use larder_storage::durable;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::error::Error;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const CA_CERT: &str = "ca.crt";
const CA_KEY: &str = "ca.key";

/// How long a certificate of our own is valid, and since when: some clients take none that lasts more
/// than 398 days, and clocks differ.
const VALID: Duration = Duration::from_hours(396 * 24);
const BEFORE: Duration = Duration::from_hours(24);

/// What the server shows of itself.
pub(crate) struct Identity {
    config: ArcSwap<ServerConfig>,
    /// The CA's certificate (PEM) where we are the CA.
    pub(crate) ca: Option<Bytes>,
    source: Source,
}

/// Where certificate and key come from.
enum Source {
    Files { cert: PathBuf, key: PathBuf },
    OwnCa { folder: PathBuf, names: Vec<String> },
}

/// The identity that the configuration asks for; `None`: plain HTTP.
pub(crate) fn identity(config: &Config) -> Result<Option<Identity>, Box<dyn Error>> {
    let (source, ca) = match &config.server.tls {
        Tls::Off => return Ok(None),
        Tls::Files { cert, key } => {
            let (cert, key) = (cert.clone(), key.clone());
            (Source::Files { cert, key }, None)
        }
        Tls::SelfSigned => {
            let folder = config.data.join("tls");
            durable::make_folder(&folder, durable::FOLDER)?;
            let (ca_cert, ca_key) = (folder.join(CA_CERT), folder.join(CA_KEY));
            make_ca(&ca_cert, &ca_key)?;
            let ca = std::fs::read_to_string(&ca_cert)?;
            let names = names(config);
            let fingerprint = fingerprint(&ca).unwrap_or_default();
            tracing::info!(
                file = %ca_cert.display(),
                fingerprint,
                ?names,
                "this server is its own certificate authority; clients trust it by this file"
            );
            let ca = ca.into();
            (Source::OwnCa { folder, names }, Some(ca))
        }
    };
    Ok(Some(Identity {
        config: ArcSwap::new(source.read()?),
        ca,
        source,
    }))
}

/// Fails where a start could not show the certificate that a configuration names.
pub(crate) fn look(config: &Config) -> Result<(), Box<dyn Error>> {
    match &config.server.tls {
        Tls::Files { cert, key } => server_config(cert, key).map(drop),
        Tls::Off | Tls::SelfSigned => Ok(()),
    }
}

impl Identity {
    /// What is shown to whoever connects now.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }

    /// Whether the server makes its certificate, which then has to be made anew in time.
    pub(crate) const fn is_own(&self) -> bool {
        matches!(self.source, Source::OwnCa { .. })
    }

    /// Reads certificate and key again, or makes them anew. Who is connected already is not
    /// concerned; where it fails, what was shown before is shown still.
    pub(crate) fn read_again(&self) -> Result<(), Box<dyn Error>> {
        self.config.store(self.source.read()?);
        Ok(())
    }
}

impl Source {
    fn read(&self) -> Result<Arc<ServerConfig>, Box<dyn Error>> {
        match self {
            Self::Files { cert, key } => server_config(cert, key),
            Self::OwnCa { folder, names } => {
                let (cert, key) = (folder.join("server.crt"), folder.join("server.key"));
                make_leaf(names.clone(), &folder.join(CA_KEY), &cert, &key)?;
                server_config(&cert, &key)
            }
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
    let wrong = |path: &Path, why: &dyn Display| format!("server.tls: {}: {why}", path.display());
    let certs = CertificateDer::pem_file_iter(cert).map_err(|error| wrong(cert, &error))?;
    let certs = certs
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(cert, &error))?;
    if certs.is_empty() {
        return Err(wrong(cert, &"there is no certificate in PEM form in it").into());
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| match error {
        PemError::NoItemsFound => wrong(key, &"there is no private key in PEM form in it"),
        error => wrong(key, &error),
    })?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certs, private)
        .map_err(|error| wrong(cert, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Makes what is missing of the CA. Fails where its key alone is: clients trust no other.
fn make_ca(cert: &Path, key: &Path) -> Result<(), Box<dyn Error>> {
    let pair = match (key.exists(), cert.exists()) {
        (true, true) => return Ok(()),
        (true, false) => KeyPair::from_pem(&std::fs::read_to_string(key)?)?,
        (false, true) => return Err(lost_ca(cert, key).into()),
        (false, false) => {
            // First: a start that is cut off behind it goes on from the key.
            let pair = KeyPair::generate()?;
            durable::create(key, pair.serialize_pem().as_bytes(), durable::SECRET)?;
            pair
        }
    };
    let ca = ca_params()?.self_signed(&pair)?.pem();
    durable::write(cert, ca.as_bytes(), durable::PUBLIC)?;
    Ok(())
}

fn lost_ca(cert: &Path, key: &Path) -> String {
    let (cert, key) = (cert.display(), key.display());
    format!(
        "{key} is missing, and clients trust the authority {cert} whose key it is: put it back, out \
         of a backup (tar -xOf larder.tar keys/tls-ca.key). If it is lost for good, delete {cert}: \
         the next start makes another authority, which clients have to be told of"
    )
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

/// Every name under which this machine may be reached.
fn names(config: &Config) -> Vec<String> {
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
    names
}

/// A certificate for these names.
fn make_leaf(
    names: Vec<String>,
    ca_key: &Path,
    cert: &Path,
    key: &Path,
) -> Result<(), Box<dyn Error>> {
    let issuer_key = KeyPair::from_pem(&std::fs::read_to_string(ca_key)?)?;
    let issuer = Issuer::new(ca_params()?, issuer_key);
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "Larder");
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let now = SystemTime::now();
    params.not_before = (now - BEFORE).into();
    params.not_after = (now + VALID).into();
    let pair = KeyPair::generate()?;
    let leaf = params.signed_by(&pair, &issuer)?.pem();
    durable::write(cert, leaf.as_bytes(), durable::PUBLIC)?;
    durable::write(key, pair.serialize_pem().as_bytes(), durable::SECRET)?;
    Ok(())
}
